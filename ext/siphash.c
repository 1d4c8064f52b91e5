#include "siphash.h"

static uint64_t rotated(uint64_t value, int bits)
{
    return value << bits | value >> (64 - bits);
}

static void mix(struct siphash *h, int rounds)
{
    for (int i = 0; i < rounds; i++) {
        h->v0 += h->v1, h->v2 += h->v3;
        h->v1 = rotated(h->v1, 13) ^ h->v0, h->v3 = rotated(h->v3, 16) ^ h->v2;
        h->v0 = rotated(h->v0, 32);
        h->v2 += h->v1, h->v0 += h->v3;
        h->v1 = rotated(h->v1, 17) ^ h->v2, h->v3 = rotated(h->v3, 21) ^ h->v0;
        h->v2 = rotated(h->v2, 32);
    }
}

static void add_word(struct siphash *h, uint64_t word)
{
    h->v3 ^= word;
    mix(h, 2);
    h->v0 ^= word;
}

/* Of at most 8 bytes. */
static uint64_t word_of(const unsigned char *bytes, size_t size)
{
    uint64_t word = 0;
    for (size_t i = 0; i < size; i++)
        word |= (uint64_t)bytes[i] << 8 * i;
    return word;
}

struct siphash siphash_begin(struct siphash_key key)
{
    return (struct siphash){
        .v0 = key.low ^ 0x736f6d6570736575U,
        .v1 = key.high ^ 0x646f72616e646f6dU ^ 0xee,
        .v2 = key.low ^ 0x6c7967656e657261U,
        .v3 = key.high ^ 0x7465646279746573U,
    };
}

void siphash_add(struct siphash *hash, const void *bytes, size_t size)
{
    const unsigned char *next = bytes;
    struct siphash h = *hash; /* in registers: bytes might be its own */
    const size_t begun = h.size % 8, lacks = begun ? 8 - begun : 0;
    h.size += size;
    if (size < lacks) {
        h.rest |= word_of(next, size) << 8 * begun;
        size = 0;
    } else if (lacks > 0) {
        add_word(&h, h.rest | word_of(next, lacks) << 8 * begun);
        h.rest = 0;
        next += lacks, size -= lacks;
    }
    for (; size >= 8; next += 8, size -= 8)
        add_word(&h, word_of(next, 8));
    h.rest |= word_of(next, size);
    *hash = h;
}

struct fingerprint siphash_end(struct siphash h)
{
    struct fingerprint result;
    add_word(&h, h.rest | h.size << 56);
    h.v2 ^= 0xee;
    mix(&h, 4);
    result.low = h.v0 ^ h.v1 ^ h.v2 ^ h.v3;
    h.v1 ^= 0xdd;
    mix(&h, 4);
    result.high = h.v0 ^ h.v1 ^ h.v2 ^ h.v3;
    return result;
}
