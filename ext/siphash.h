/* SipHash-2-4 with 128 bits of result (Aumasson and Bernstein 2012): under a secret key nobody can
 * make two texts that collide, which a table of results needs. */
#ifndef EXT_SIPHASH_H
#define EXT_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
    uint64_t low, high;
};

struct fingerprint {
    uint64_t low, high; /* the result's bytes 0..7 and 8..15, little-endian */
};

/* A hash that is being taken; a copy of it goes on from there. */
struct siphash {
    uint64_t v0, v1, v2, v3;
    uint64_t rest; /* the size % 8 bytes that are not mixed in yet */
    uint64_t size; /* bytes so far */
};

struct siphash siphash_begin(struct siphash_key key);
void siphash_add(struct siphash *hash, const void *bytes, size_t size);
struct fingerprint siphash_end(struct siphash hash);

#endif
