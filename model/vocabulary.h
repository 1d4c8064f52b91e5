/* What a tokenizer holds: the entries of its vocabulary, to be found by their bytes. For the files
 * that make tokens; everybody else needs no more than tokenizer.h. */
#ifndef LSTM_VOCABULARY_H
#define LSTM_VOCABULARY_H

#include "eight.h"
#include "tokenizer.h"

enum { LSTM_ASCII = 128, LSTM_FILTER_BITS = 3 };

struct lstm_slot;

struct lstm_tokenizer {
    int32_t entries;
    int slot_shift; /* the highest bits of a hash choose the slot */
    size_t slot_mask;
    size_t longest; /* bytes of the longest entry */
    uint64_t seed;
    size_t vocabulary_size;
    struct lstm_slot *slots; /* these four lie in the same block as this struct */
    uint64_t *filter; /* 2^LSTM_FILTER_BITS bits a slot; 0: no entry has a hash that begins so */
    uint32_t *
        starts; /* entries + 1: entry i is vocabulary[starts[i]] .. vocabulary[starts[i + 1] - 2] */
    char *vocabulary;
    char bytes[256]; /* what byte tokens stand for */
    /* The ids of entries that are one character of up to two bytes, by code point, or two ASCII
     * characters; 0 where there is none. */
    int32_t characters[0x800], ascii_pairs[LSTM_ASCII][LSTM_ASCII];
};

static inline uint64_t lstm_vocabulary_hash(const struct lstm_tokenizer *t, const char *bytes,
                                            size_t size)
{
    const uint64_t odd = 0x9E3779B97F4A7C15u;
    uint64_t hash = (lstm_load_up_to_8(bytes, size) ^ t->seed ^ size) * odd;
    for (size_t at = 8; at < size; at += 8)
        hash = (hash ^ hash >> 32 ^ lstm_load_up_to_8(bytes + at, size - at)) * odd;
    return hash;
}

static inline size_t lstm_filter_bit(const struct lstm_tokenizer *t, uint64_t hash)
{
    return (size_t)(hash >> (t->slot_shift - LSTM_FILTER_BITS));
}

/* The id of an entry that has passed the filter, 0 where there is none after all. */
int32_t lstm_vocabulary_probe(const struct lstm_tokenizer *t, uint64_t hash, const char *bytes,
                              size_t size);

/* The id of an entry of at least one byte, 0 where there is none. LSTM_READ_BEHIND bytes behind it
 * can be read; what they are is of no account. Most of what is looked up while merging is no entry,
 * so a filter that stays in the cache is asked first (Bloom 1970, with one hash). */
static inline int32_t lstm_vocabulary_find(const struct lstm_tokenizer *t, const char *bytes,
                                           size_t size)
{
    if (size > t->longest)
        return 0;
    uint64_t hash = lstm_vocabulary_hash(t, bytes, size);
    size_t bit = lstm_filter_bit(t, hash);
    if (!(t->filter[bit / 64] >> bit % 64 & 1))
        return 0;
    return lstm_vocabulary_probe(t, hash, bytes, size);
}

/* The same for one character of size bytes. */
static inline int32_t lstm_vocabulary_character(const struct lstm_tokenizer *t, const char *bytes,
                                                int size)
{
    if (size == 1)
        return t->characters[(unsigned char)bytes[0]];
    if (size == 2)
        return t->characters[(bytes[0] & 0x1F) << 6 | (bytes[1] & 0x3F)];
    return lstm_vocabulary_find(t, bytes, (size_t)size);
}

#endif
