/* SHA-256 as FIPS 180-4 writes it; section numbers are that document's. */
#include "sha256.h"

#include "sha256_blocks.h"

#include <stdatomic.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

const uint32_t sha256_round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotate(uint32_t x, int bits)
{
    return x >> bits | x << (32 - bits);
}

static uint32_t load_big_endian(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* 6.2.2, with the functions of 4.1.2. */
static void add_block(uint32_t state[8], const unsigned char *block)
{
    uint32_t w[64];
    for (int t = 0; t < 16; t++)
        w[t] = load_big_endian(block + 4 * t);
    for (int t = 16; t < 64; t++) {
        uint32_t s0 = rotate(w[t - 15], 7) ^ rotate(w[t - 15], 18) ^ w[t - 15] >> 3;
        uint32_t s1 = rotate(w[t - 2], 17) ^ rotate(w[t - 2], 19) ^ w[t - 2] >> 10;
        w[t] = s1 + w[t - 7] + s0 + w[t - 16];
    }
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (int t = 0; t < 64; t++) {
        uint32_t sum1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
        uint32_t choose = (e & f) ^ (~e & g);
        uint32_t t1 = h + sum1 + choose + sha256_round_constants[t] + w[t];
        uint32_t sum0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
        uint32_t majority = (a & b) ^ (a & c) ^ (b & c);
        h = g, g = f, f = e, e = d + t1;
        d = c, c = b, b = a, a = t1 + sum0 + majority;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d;
    state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

void sha256_blocks_generic(uint32_t state[8], const unsigned char *blocks, size_t count)
{
    for (; count; count--, blocks += SHA256_BLOCK_SIZE)
        add_block(state, blocks);
}

#if defined(__x86_64__)
/* __builtin_cpu_supports does not know "sha" in every compiler. */
static int has_sha(void)
{
    unsigned eax, ebx, ecx, edx;
    return __builtin_cpu_supports("sse4.1") && __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) &&
           (ebx >> 29 & 1);
}
#endif

sha256_blocks *sha256_blocks_pick(const char *isa)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if ((!isa || !strcmp(isa, "sha")) && has_sha())
        return sha256_blocks_sha;
#endif
    return !isa || !strcmp(isa, "generic") ? sha256_blocks_generic : NULL;
}

/* Asking the processor takes long where it is a virtual one, so it is asked once. */
static sha256_blocks *fastest(void)
{
    static _Atomic(sha256_blocks *) picked;
    sha256_blocks *blocks = atomic_load_explicit(&picked, memory_order_relaxed);
    if (!blocks) {
        blocks = sha256_blocks_pick(NULL);
        atomic_store_explicit(&picked, blocks, memory_order_relaxed);
    }
    return blocks;
}

void sha256_begin(struct sha256 *sha)
{
    static const uint32_t initial[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };
    memcpy(sha->state, initial, sizeof initial);
    sha->size = 0;
}

void sha256_add(struct sha256 *sha, const void *bytes, size_t size)
{
    const unsigned char *p = bytes;
    sha256_blocks *add_blocks = fastest();
    size_t waiting = (size_t)(sha->size % SHA256_BLOCK_SIZE);
    if (size == 0)
        return;
    sha->size += size;
    if (waiting) {
        size_t missing = SHA256_BLOCK_SIZE - waiting;
        size_t taken = size < missing ? size : missing;
        memcpy(sha->block + waiting, p, taken);
        if (taken < missing)
            return;
        add_blocks(sha->state, sha->block, 1);
        p += taken;
        size -= taken;
    }
    add_blocks(sha->state, p, size / SHA256_BLOCK_SIZE);
    memcpy(sha->block, p + size / SHA256_BLOCK_SIZE * SHA256_BLOCK_SIZE, size % SHA256_BLOCK_SIZE);
}

void sha256_end(struct sha256 *sha, unsigned char digest[SHA256_SIZE])
{
    /* 5.1.1: a one bit, zeros, and the length in bits in the last 8 bytes of a block. */
    static const unsigned char padding[SHA256_BLOCK_SIZE] = { 0x80 };
    uint64_t bits = sha->size * 8;
    size_t waiting = (size_t)(sha->size % SHA256_BLOCK_SIZE);
    unsigned char length[8];
    for (int i = 0; i < 8; i++)
        length[i] = (unsigned char)(bits >> (56 - 8 * i));
    sha256_add(sha, padding, (waiting < 56 ? 56 : 120) - waiting);
    sha256_add(sha, length, sizeof length);
    for (int i = 0; i < SHA256_SIZE; i++)
        digest[i] = (unsigned char)(sha->state[i / 4] >> (24 - 8 * (i % 4)));
}

void sha256_of(const void *bytes, size_t size, unsigned char digest[SHA256_SIZE])
{
    struct sha256 sha;
    sha256_begin(&sha);
    sha256_add(&sha, bytes, size);
    sha256_end(&sha, digest);
}

void sha256_hex(const unsigned char digest[SHA256_SIZE], char hex[SHA256_HEX_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < SHA256_SIZE; i++) {
        hex[2 * i] = digits[digest[i] >> 4];
        hex[2 * i + 1] = digits[digest[i] & 15];
    }
    hex[2 * SHA256_SIZE] = '\0';
}
