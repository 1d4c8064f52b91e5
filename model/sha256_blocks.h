/* The inner function of SHA-256, one for each instruction set; all give the same bits. */
#ifndef LSTM_SHA256_BLOCKS_H
#define LSTM_SHA256_BLOCKS_H

#include <stddef.h>
#include <stdint.h>

/* Adds count blocks of SHA256_BLOCK_SIZE bytes to a state. */
typedef void sha256_blocks(uint32_t state[8], const unsigned char *blocks, size_t count);

sha256_blocks sha256_blocks_generic;
#if defined(__x86_64__)
sha256_blocks sha256_blocks_sha; /* for processors with the SHA extensions */
#endif

/* The fastest one that this machine can run, or the one with this name ("generic", "sha"); NULL if
 * it cannot run that. */
sha256_blocks *sha256_blocks_pick(const char *isa);

/* FIPS 180-4, 4.2.2: the first 32 bits of the fractional parts of the cube roots of the first 64
 * primes. */
extern const uint32_t sha256_round_constants[64];

#endif
