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

static uint64_t word_at(const unsigned char *bytes)
{
    uint64_t word = 0;
    for (int i = 7; i >= 0; i--)
        word = word << 8 | bytes[i];
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

void siphash_add(struct siphash *h, const void *bytes, size_t size)
{
    const unsigned char *next = bytes, *end = next + size;
    while (next < end) {
        if (h->size % 8 == 0 && end - next >= 8) {
            add_word(h, word_at(next));
            next += 8, h->size += 8;
            continue;
        }
        h->rest |= (uint64_t)*next++ << 8 * (h->size % 8);
        if (++h->size % 8 == 0) {
            add_word(h, h->rest);
            h->rest = 0;
        }
    }
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
