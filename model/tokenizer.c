/* The vocabulary as a hash table over its own bytes, and byte-pair encoding of the pieces that are
 * not in it. */
#include "text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Open addressing, at most half full. Most entries are at most 8 bytes, so they are compared
 * without leaving the slot.
 */
struct slot {
    uint64_t head; /* lstm_piece_head() of the entry */
    int32_t id;    /* 0: empty */
    uint32_t size;
};

struct lstm_tokenizer {
    int32_t entries;
    size_t slot_mask;
    uint64_t seed;
    size_t vocabulary_size;
    struct slot *slots; /* these three lie in the same block as this struct */
    uint32_t *
        starts; /* entries + 1: entry i is vocabulary[starts[i]] .. vocabulary[starts[i + 1] - 2] */
    char *vocabulary;
    char bytes[256]; /* what byte tokens stand for */
};

static char *entry_at(const struct lstm_tokenizer *t, int32_t entry, size_t *size)
{
    *size = t->starts[entry + 1] - t->starts[entry] - 1;
    return t->vocabulary + t->starts[entry];
}

/* The slot of an entry, or the empty slot where it belongs. */
static struct slot *find_slot(const struct lstm_tokenizer *t, const char *bytes, size_t size)
{
    uint64_t head = lstm_piece_head(bytes, size);
    for (size_t i = (size_t)lstm_piece_hash(bytes, size, t->seed);; i++) {
        struct slot *slot = &t->slots[i & t->slot_mask];
        if (!slot->id)
            return slot;
        if (slot->head == head && slot->size == size) {
            const char *entry = t->vocabulary + t->starts[slot->id - LSTM_TOKEN_FIRST];
            if (size <= 8 || !memcmp(entry + 8, bytes + 8, size - 8))
                return slot;
        }
    }
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

static enum lstm_status add_entries(struct lstm_tokenizer *t, struct lstm_error *err)
{
    uint32_t at = 0;
    for (int32_t i = 0; i < t->entries; i++) {
        size_t size = (size_t)((char *)memchr(t->vocabulary + at, '\n', t->vocabulary_size - at) -
                               t->vocabulary) -
                      at;
        const char *entry = t->vocabulary + at;
        enum lstm_status rc = check_entry(entry, size, i + 1, err);
        if (rc)
            return rc;
        t->starts[i] = at;
        at += (uint32_t)size + 1;

        struct slot *slot = find_slot(t, entry, size);
        if (slot->id)
            return lstm_fail(err, LSTM_CORRUPT, "vocabulary entry %d is the same as entry %d",
                             i + 1, slot->id - LSTM_TOKEN_FIRST + 1);
        *slot = (struct slot){ lstm_piece_head(entry, size), i + LSTM_TOKEN_FIRST, (uint32_t)size };
    }
    t->starts[t->entries] = at;
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

enum lstm_status lstm_tokenizer_open(const char *vocabulary, size_t size,
                                     struct lstm_tokenizer **tokenizer, struct lstm_error *err)
{
    const size_t entries_max = LSTM_VOCAB_MAX - LSTM_TOKEN_FIRST;
    *tokenizer = NULL;
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

    size_t slots = 16;
    while (slots < 2 * entries)
        slots *= 2;
    struct lstm_tokenizer *t =
        calloc(1, sizeof *t + slots * sizeof *t->slots + (entries + 1) * sizeof *t->starts + size);
    if (!t)
        return lstm_fail(err, LSTM_NOMEM, "a vocabulary of %zu entries", entries);
    t->entries = (int32_t)entries;
    t->slot_mask = slots - 1;
    t->vocabulary_size = size;
    t->slots = (struct slot *)(t + 1);
    t->starts = (uint32_t *)(t->slots + slots);
    t->vocabulary = (char *)(t->starts + entries + 1);
    if (size)
        memcpy(t->vocabulary, vocabulary, size);
    t->seed = seed_of(vocabulary, size);
    for (int byte = 0; byte < 256; byte++)
        t->bytes[byte] = (char)byte;

    enum lstm_status rc = add_entries(t, err);
    if (rc)
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
    if (token >= LSTM_TOKEN_FIRST)
        return entry_at(tokenizer, token - LSTM_TOKEN_FIRST, size);
    *size = token != LSTM_TOKEN_MASK;
    return token == LSTM_TOKEN_MASK ? "" : tokenizer->bytes + token - LSTM_TOKEN_BYTES;
}

void lstm_tokens_free(struct lstm_tokens *tokens)
{
    free(tokens->ids);
    free(tokens->begins);
    free(tokens->ends);
    *tokens = (struct lstm_tokens){ 0 };
}

/* Makes room for the tokens of one more piece. */
static enum lstm_status reserve(struct lstm_tokens *tokens, int with_offsets,
                                struct lstm_error *err)
{
    if (tokens->capacity - tokens->count >= LSTM_PIECE_MAX)
        return LSTM_OK;
    if (tokens->count > INT32_MAX / 2 - LSTM_PIECE_MAX)
        return lstm_fail(err, LSTM_RANGE, "more than %d tokens in one list", tokens->count);
    size_t capacity = 2 * ((size_t)tokens->count + LSTM_PIECE_MAX);
    int32_t *ids = realloc(tokens->ids, capacity * sizeof *ids);
    if (!ids)
        return lstm_fail(err, LSTM_NOMEM, "a list of %zu tokens", capacity);
    tokens->ids = ids;
    for (int end = 0; with_offsets && end < 2; end++) {
        uint32_t **place = end ? &tokens->ends : &tokens->begins;
        uint32_t *offsets = realloc(*place, capacity * sizeof *offsets);
        if (!offsets)
            return lstm_fail(err, LSTM_NOMEM, "the offsets of %zu tokens", capacity);
        *place = offsets;
    }
    tokens->capacity = (int32_t)capacity;
    return LSTM_OK;
}

/* A piece on its way from characters to subwords. Symbol i is bytes[starts[i]] .. bytes[starts[i +
 * 1] - 1] of it; joined[i] is the id of symbols i and i + 1 together, NO_ENTRY where that is no
 * entry. */
struct subwords {
    int count;
    unsigned char starts[LSTM_PIECE_MAX + 1];
    int32_t ids[LSTM_PIECE_MAX], joined[LSTM_PIECE_MAX];
};

static const int32_t NO_ENTRY = INT32_MAX;

static void split(const struct lstm_tokenizer *t, const struct lstm_pieces *piece,
                  struct subwords *s)
{
    const unsigned char *bytes = (const unsigned char *)piece->bytes;
    s->count = 0;
    for (size_t at = 0; at < piece->size;) {
        size_t begin = at;
        lstm_utf8_next(bytes, piece->size, &at);
        int32_t id = find_slot(t, piece->bytes + begin, at - begin)->id;
        for (size_t i = begin; i < (id ? begin + 1 : at); i++) {
            s->starts[s->count] = (unsigned char)i;
            s->ids[s->count++] = id ? id : LSTM_TOKEN_BYTES + bytes[i];
        }
    }
    s->starts[s->count] = (unsigned char)piece->size;
}

static void join(const struct lstm_tokenizer *t, const struct lstm_pieces *piece,
                 struct subwords *s, int i)
{
    if (i < 0 || i + 1 >= s->count)
        return;
    int32_t id =
        find_slot(t, piece->bytes + s->starts[i], (size_t)s->starts[i + 2] - s->starts[i])->id;
    s->joined[i] = id ? id : NO_ENTRY;
}

static void merge(const struct lstm_tokenizer *t, const struct lstm_pieces *piece,
                  struct subwords *s)
{
    for (int i = 0; i + 1 < s->count; i++)
        join(t, piece, s, i);
    for (;;) {
        int best = 0;
        for (int i = 1; i + 1 < s->count; i++)
            if (s->joined[i] < s->joined[best])
                best = i;
        if (s->count < 2 || s->joined[best] == NO_ENTRY)
            return;

        s->ids[best] = s->joined[best];
        s->count--;
        size_t behind = (size_t)(s->count - best - 1);
        memmove(s->ids + best + 1, s->ids + best + 2, behind * sizeof *s->ids);
        memmove(s->joined + best + 1, s->joined + best + 2, behind * sizeof *s->joined);
        memmove(s->starts + best + 1, s->starts + best + 2, behind + 1);
        join(t, piece, s, best - 1);
        join(t, piece, s, best);
    }
}

static void append(struct lstm_tokens *tokens, const struct lstm_pieces *piece, int32_t id,
                   size_t begin, size_t end)
{
    tokens->ids[tokens->count] = id;
    if (piece->begins) {
        tokens->begins[tokens->count] = piece->begins[begin];
        tokens->ends[tokens->count] = piece->ends[end - 1];
    }
    tokens->count++;
    if (id < LSTM_TOKEN_FIRST && piece->bytes[begin] != ' ')
        tokens->fallback_bytes++;
}

enum lstm_status lstm_tokenize(const struct lstm_tokenizer *tokenizer, const void *text,
                               size_t size, int with_offsets, struct lstm_tokens *tokens,
                               struct lstm_error *err)
{
    if (size > LSTM_TEXT_MAX)
        return lstm_fail(err, LSTM_RANGE, "a text of %zu bytes, at most %zu are allowed", size,
                         LSTM_TEXT_MAX);
    struct lstm_pieces piece;
    lstm_pieces_open(&piece, text, size, with_offsets);
    while (lstm_pieces_next(&piece)) {
        enum lstm_status rc = reserve(tokens, with_offsets, err);
        if (rc)
            return rc;
        int32_t id = find_slot(tokenizer, piece.bytes, piece.size)->id;
        if (id) {
            append(tokens, &piece, id, 0, piece.size);
            continue;
        }
        struct subwords s;
        split(tokenizer, &piece, &s);
        merge(tokenizer, &piece, &s);
        for (int i = 0; i < s.count; i++)
            append(tokens, &piece, s.ids[i], s.starts[i], s.starts[i + 1]);
    }
    return LSTM_OK;
}

/* What lstm_detokenize has written. One space between punctuation and a word is the word's marking
 * and means nothing; two spaces, the marking of both sides, mean white space. */
struct rewriting {
    char *text;
    size_t capacity, length; /* length: of the whole text; what does not fit is counted only */
    size_t used;
    int spaces;
    enum lstm_class last;
};

static void write_bytes(struct rewriting *w, const char *bytes, size_t size)
{
    if (w->length + size < w->capacity) {
        memcpy(w->text + w->used, bytes, size);
        w->used += size;
    }
    w->length += size;
}

static void write_character(struct rewriting *w, const unsigned char *bytes, size_t size,
                            int32_t codepoint)
{
    enum lstm_class class = codepoint < 0 ? LSTM_CLASS_OTHER : lstm_class_of(codepoint);
    if (class == LSTM_CLASS_SPACE) {
        w->spaces++;
        return;
    }
    int marking = w->spaces == 1 && w->last == LSTM_CLASS_OTHER && class == LSTM_CLASS_WORD;
    if (w->spaces && !marking && w->length)
        write_bytes(w, " ", 1);
    w->spaces = 0;
    w->last = class;
    if (codepoint < 0)
        write_bytes(w, "\xEF\xBF\xBD", 3);
    else
        write_bytes(w, (const char *)bytes, size);
}

size_t lstm_detokenize(const struct lstm_tokenizer *tokenizer, const int32_t *ids, int32_t count,
                       char *text, size_t capacity)
{
    struct rewriting w = { .text = text, .capacity = capacity, .last = LSTM_CLASS_SPACE };
    unsigned char bytes[LSTM_ENTRY_MAX + 4];
    size_t size = 0;
    for (int32_t i = 0; i < count; i++) {
        size_t more, at = 0;
        const char *entry = lstm_tokenizer_entry(tokenizer, ids[i], &more);
        memcpy(bytes + size, entry, more);
        size += more;
        while (at < size) {
            size_t begin = at;
            int32_t codepoint = lstm_utf8_next(bytes, size, &at);
            /* The bytes of a character may come from several tokens. */
            if (codepoint < 0 && at == size && i + 1 < count) {
                at = begin;
                break;
            }
            write_character(&w, bytes + begin, at - begin, codepoint);
        }
        size -= at;
        memmove(bytes, bytes + at, size);
    }
    if (capacity)
        text[w.used] = '\0';
    return w.length;
}
