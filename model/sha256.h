/* SHA-256 (FIPS 180-4): what a model is known by. */
#ifndef LSTM_SHA256_H
#define LSTM_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { SHA256_SIZE = 32, SHA256_HEX_SIZE = 2 * SHA256_SIZE + 1, SHA256_BLOCK_SIZE = 64 };

struct sha256 {
    uint32_t state[8];
    uint64_t size; /* bytes seen so far, less than 2^61 */
    unsigned char
        block[SHA256_BLOCK_SIZE]; /* the size % 64 bytes that wait for the rest of their block */
};

void sha256_begin(struct sha256 *sha);
void sha256_add(struct sha256 *sha, const void *bytes, size_t size);
void sha256_end(struct sha256 *sha, unsigned char digest[SHA256_SIZE]);

void sha256_of(const void *bytes, size_t size, unsigned char digest[SHA256_SIZE]);

/* Lower case, with a NUL. */
void sha256_hex(const unsigned char digest[SHA256_SIZE], char hex[SHA256_HEX_SIZE]);

#endif
