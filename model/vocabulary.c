/* The vocabulary as a hash table over its own bytes. */
#include "vocabulary.h"

#include "text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Open addressing, at most half full. Most entries are at most 8 bytes, so they are compared
 * without leaving the slot. */
struct lstm_slot {
    uint64_t head;        /* the entry's first eight bytes, zeros where it has fewer */
    uint32_t begin;       /* vocabulary[begin] is its first byte */
    uint32_t id_and_size; /* id << SIZE_BITS | size; 0: empty */
};

enum { SIZE_BITS = 7, SIZE_MASK = (1 << SIZE_BITS) - 1 };

static int same_tail(const char *a, const char *b, size_t size)
{
    for (size_t at = 8; at < size; at += 8)
        if (lstm_load_up_to_8(a + at, size - at) != lstm_load_up_to_8(b + at, size - at))
            return 0;
    return 1;
}

/* The slot of an entry, or the empty slot where it belongs. */
static struct lstm_slot *slot_of(const struct lstm_tokenizer *t, uint64_t hash, const char *bytes,
                                 size_t size)
{
    const uint64_t head = lstm_load_up_to_8(bytes, size);
    for (size_t i = (size_t)(hash >> t->slot_shift);; i++) {
        struct lstm_slot *slot = &t->slots[i & t->slot_mask];
        if (!slot->id_and_size)
            return slot;
        if (slot->head == head && (slot->id_and_size & SIZE_MASK) == size &&
            same_tail(t->vocabulary + slot->begin, bytes, size))
            return slot;
    }
}

int32_t lstm_vocabulary_probe(const struct lstm_tokenizer *t, uint64_t hash, const char *bytes,
                              size_t size)
{
    return (int32_t)(slot_of(t, hash, bytes, size)->id_and_size >> SIZE_BITS);
}

static enum lstm_status check_entry(const char *entry, size_t size, int32_t number,
                                    struct lstm_error *err)
{
    if (!size)
        return lstm_fail(err, LSTM_CORRUPT, "vocabulary entry %d is empty", number);
    if (size > LSTM_ENTRY_MAX)
        return lstm_fail(err, LSTM_CORRUPT,
                         "vocabulary entry %d has %zu bytes, at most %d are allowed", number, size,
                         LSTM_ENTRY_MAX);
    for (size_t at = 0; at < size;)
        if (lstm_utf8_next((const unsigned char *)entry, size, &at) < 0)
            return lstm_fail(err, LSTM_CORRUPT, "vocabulary entry %d is not valid UTF-8", number);
    return LSTM_OK;
}

/* Adds entry i, which begins at vocabulary[begin]. */
static enum lstm_status add_entry(struct lstm_tokenizer *t, int32_t i, uint32_t begin, size_t size,
                                  struct lstm_error *err)
{
    const char *entry = t->vocabulary + begin;
    enum lstm_status rc = check_entry(entry, size, i + 1, err);
    if (rc)
        return rc;
    const int32_t id = i + LSTM_TOKEN_FIRST;
    uint64_t hash = lstm_vocabulary_hash(t, entry, size);
    size_t bit = lstm_filter_bit(t, hash);
    struct lstm_slot *slot = slot_of(t, hash, entry, size);
    if (slot->id_and_size)
        return lstm_fail(err, LSTM_CORRUPT, "vocabulary entry %d is the same as entry %d", i + 1,
                         (int)(slot->id_and_size >> SIZE_BITS) - LSTM_TOKEN_FIRST + 1);
    *slot = (struct lstm_slot){ lstm_load_up_to_8(entry, size), begin,
                                (uint32_t)id << SIZE_BITS | (uint32_t)size };
    t->filter[bit / 64] |= (uint64_t)1 << bit % 64;
    t->starts[i] = begin;
    t->longest = size > t->longest ? size : t->longest;

    size_t behind = 0;
    int32_t codepoint = lstm_utf8_next((const unsigned char *)entry, size, &behind);
    if (behind == size && size <= 2)
        t->characters[codepoint] = id;
    else if (size == 2)
        t->ascii_pairs[(int)entry[0]][(int)entry[1]] = id;
    return LSTM_OK;
}

static enum lstm_status add_entries(struct lstm_tokenizer *t, struct lstm_error *err)
{
    const char *vocabulary = t->vocabulary, *begin = vocabulary;
    for (int32_t i = 0; i < t->entries; i++) {
        const char *end = memchr(begin, '\n', t->vocabulary_size - (size_t)(begin - vocabulary));
        enum lstm_status rc =
            add_entry(t, i, (uint32_t)(begin - vocabulary), (size_t)(end - begin), err);
        if (rc)
            return rc;
        begin = end + 1;
    }
    t->starts[t->entries] = (uint32_t)t->vocabulary_size;
    return LSTM_OK;
}

/* A hash of the whole, so that nobody can choose entries that all fall into the same slots of their
 * own table. */
static uint64_t seed_of(const char *vocabulary, size_t size)
{
    uint64_t seed = size;
    for (size_t at = 0; at < size; at += LSTM_ENTRY_MAX)
        seed = lstm_piece_hash(vocabulary + at,
                               size - at < LSTM_ENTRY_MAX ? size - at : LSTM_ENTRY_MAX, seed);
    return seed;
}

static enum lstm_status count_entries(const char *vocabulary, size_t size, size_t *count,
                                      struct lstm_error *err)
{
    const size_t entries_max = LSTM_VOCAB_MAX - LSTM_TOKEN_FIRST;
    if (size > entries_max * (LSTM_ENTRY_MAX + 1))
        return lstm_fail(err, LSTM_CORRUPT, "the vocabulary has %zu bytes, at most %zu are allowed",
                         size, entries_max * (LSTM_ENTRY_MAX + 1));
    if (size && vocabulary[size - 1] != '\n')
        return lstm_fail(err, LSTM_CORRUPT,
                         "the last entry of the vocabulary does not end with a line feed");
    size_t entries = 0;
    for (size_t i = 0; i < size; i++)
        entries += vocabulary[i] == '\n';
    if (entries > entries_max)
        return lstm_fail(err, LSTM_CORRUPT,
                         "the vocabulary has %zu entries, at most %zu are allowed", entries,
                         entries_max);
    *count = entries;
    return LSTM_OK;
}

enum lstm_status lstm_tokenizer_open(const char *vocabulary, size_t size,
                                     struct lstm_tokenizer **tokenizer, struct lstm_error *err)
{
    size_t entries = 0;
    *tokenizer = NULL;
    enum lstm_status rc = count_entries(vocabulary, size, &entries, err);
    if (rc)
        return rc;
    int slot_bits = 6;
    while ((size_t)1 << slot_bits < 2 * entries)
        slot_bits++;
    const size_t slots = (size_t)1 << slot_bits, words = (slots << LSTM_FILTER_BITS) / 64;
    struct lstm_tokenizer *t =
        calloc(1, sizeof *t + slots * sizeof *t->slots + words * sizeof *t->filter +
                      (entries + 1) * sizeof *t->starts + size + LSTM_READ_BEHIND);
    if (!t)
        return lstm_fail(err, LSTM_NOMEM, "a vocabulary of %zu entries", entries);
    t->entries = (int32_t)entries;
    t->slot_shift = 64 - slot_bits;
    t->slot_mask = slots - 1;
    t->vocabulary_size = size;
    t->slots = (struct lstm_slot *)(t + 1);
    t->filter = (uint64_t *)(t->slots + slots);
    t->starts = (uint32_t *)(t->filter + words);
    t->vocabulary = (char *)(t->starts + entries + 1);
    if (size)
        memcpy(t->vocabulary, vocabulary, size);
    t->seed = seed_of(vocabulary, size);
    for (int byte = 0; byte < 256; byte++)
        t->bytes[byte] = (char)byte;

    if ((rc = add_entries(t, err)))
        free(t), t = NULL;
    *tokenizer = t;
    return rc;
}

void lstm_tokenizer_close(struct lstm_tokenizer *tokenizer)
{
    free(tokenizer);
}

const char *lstm_tokenizer_vocabulary(const struct lstm_tokenizer *tokenizer, size_t *size)
{
    *size = tokenizer->vocabulary_size;
    return tokenizer->vocabulary;
}

int32_t lstm_tokenizer_vocab(const struct lstm_tokenizer *tokenizer)
{
    return LSTM_TOKEN_FIRST + tokenizer->entries;
}

const char *lstm_tokenizer_entry(const struct lstm_tokenizer *tokenizer, int32_t token,
                                 size_t *size)
{
    assert(token >= 0 && token < lstm_tokenizer_vocab(tokenizer));
    if (token >= LSTM_TOKEN_FIRST) {
        const uint32_t *starts = tokenizer->starts + (token - LSTM_TOKEN_FIRST);
        *size = starts[1] - starts[0] - 1;
        return tokenizer->vocabulary + starts[0];
    }
    *size = token != LSTM_TOKEN_MASK;
    return token == LSTM_TOKEN_MASK ? "" : tokenizer->bytes + token - LSTM_TOKEN_BYTES;
}
