/* Byte-pair encoding of the pieces that are no entries themselves. */
#include "text.h"
#include "vocabulary.h"

#include <stdlib.h>
#include <string.h>

enum { PLACE_BITS = 6, PLACE_MASK = (1 << PLACE_BITS) - 1, GROUP = 8 };
static const uint32_t NO_PAIR = (uint32_t)-1 << PLACE_BITS;

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
    if (tokens->most > 0 && tokens->count >= tokens->most)
        return lstm_fail(
            err, LSTM_RANGE,
            "more than %d tokens at once, for which memory_mb gives no room; use fewer "
            "or shorter texts at once or raise memory_mb",
            tokens->count);
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

static void append(struct lstm_tokens *tokens, const struct lstm_pieces *piece, int32_t id,
                   size_t begin, size_t end)
{
    tokens->ids[tokens->count] = id;
    if (piece->begins) {
        tokens->begins[tokens->count] = piece->begins[begin];
        tokens->ends[tokens->count] = piece->ends[end - 1];
    }
    tokens->count++;
    tokens->fallback_bytes += id < LSTM_TOKEN_FIRST && id != LSTM_TOKEN_BYTES + ' ';
}

/* The bytes of a character that is no entry. */
static void append_bytes(struct lstm_tokens *tokens, const struct lstm_pieces *piece, int begin,
                         int end)
{
    const int32_t count = end - begin;
    for (int32_t i = 0; i < count; i++)
        tokens->ids[tokens->count + i] = LSTM_TOKEN_BYTES + (unsigned char)piece->bytes[begin + i];
    for (int32_t i = 0; piece->begins && i < count; i++) {
        tokens->begins[tokens->count + i] = piece->begins[begin + i];
        tokens->ends[tokens->count + i] = piece->ends[begin + i];
    }
    tokens->count += count;
    tokens->fallback_bytes += (size_t)count;
}

/* Neighbouring characters of a piece on their way to subwords. A symbol is known by the place of
 * its first byte in the piece; what stands at other places of ids, next and before means nothing.
 */
struct subwords {
    const struct lstm_tokenizer *tokenizer;
    const struct lstm_pieces *piece;
    int begin, end; /* the places of the first character and behind the last one */
    int32_t ids[LSTM_PIECE_MAX];
    unsigned char next[LSTM_PIECE_MAX], before[LSTM_PIECE_MAX + 1]; /* places */
    /* What a symbol and the next one are together: (id - 1) << PLACE_BITS | place, so that the
     * least is to be merged first, and id 0, which is no entry, comes to NO_PAIR or more. */
    uint32_t pairs[LSTM_PIECE_MAX];
};

static void put_character(struct subwords *s, int end, int32_t id)
{
    s->ids[s->end] = id;
    s->next[s->end] = (unsigned char)end;
    s->before[end] = (unsigned char)s->end;
    s->end = end;
}

/* Looks up the pair that begins at a place. */
static void pair(struct subwords *s, int place)
{
    const struct lstm_tokenizer *t = s->tokenizer;
    const char *bytes = s->piece->bytes + place;
    int32_t id = 0;
    if (s->next[place] < s->end) {
        int size = s->next[s->next[place]] - place;
        id = size == 2 ? t->ascii_pairs[(int)bytes[0]][(int)bytes[1]]
                       : lstm_vocabulary_find(t, bytes, (size_t)size);
    }
    s->pairs[place] = ((uint32_t)id - 1) << PLACE_BITS | (uint32_t)place;
}

static uint32_t lesser(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t least_of(const uint32_t *pairs)
{
    uint32_t a = lesser(pairs[0], pairs[1]), b = lesser(pairs[2], pairs[3]);
    uint32_t c = lesser(pairs[4], pairs[5]), d = lesser(pairs[6], pairs[7]);
    return lesser(lesser(a, b), lesser(c, d));
}

static void merge(struct subwords *s)
{
    uint32_t least_pairs[LSTM_PIECE_MAX / GROUP];
    const int first = s->begin / GROUP, last = (s->end - 1) / GROUP;
    for (int i = GROUP * first; i < GROUP * (last + 1); i++)
        s->pairs[i] = NO_PAIR;
    for (int place = s->begin; place < s->end; place = s->next[place])
        pair(s, place);
    for (int group = first; group <= last; group++)
        least_pairs[group] = least_of(s->pairs + GROUP * group);
    for (;;) {
        uint32_t least = least_pairs[first];
        for (int group = first + 1; group <= last; group++)
            least = lesser(least, least_pairs[group]);
        if (least >= NO_PAIR)
            return;
        int place = (int)(least & PLACE_MASK), gone = s->next[place];
        int before = place > s->begin ? s->before[place] : place;
        s->ids[place] = (int32_t)(least >> PLACE_BITS) + 1;
        s->next[place] = s->next[gone];
        s->before[s->next[gone]] = (unsigned char)place;
        s->pairs[gone] = NO_PAIR;
        pair(s, place);
        if (before < place)
            pair(s, before);
        for (int group = before / GROUP; group <= gone / GROUP; group++)
            least_pairs[group] = least_of(s->pairs + GROUP * group);
    }
}

/* Appends the subwords of the characters put so far; the next one will stand at place begin. */
static void flush(struct subwords *s, int begin, struct lstm_tokens *tokens)
{
    if (s->begin < s->end && s->next[s->begin] < s->end)
        merge(s);
    for (int place = s->begin; place < s->end; place = s->next[place])
        append(tokens, s->piece, s->ids[place], (size_t)place, s->next[place]);
    s->begin = s->end = begin;
}

/* Entries are whole characters, so nothing merges with a byte of a longer one: such a character
 * parts the piece. */
static void append_subwords(const struct lstm_tokenizer *t, const struct lstm_pieces *piece,
                            struct lstm_tokens *tokens)
{
    const unsigned char *bytes = (const unsigned char *)piece->bytes;
    struct subwords s;
    s.tokenizer = t;
    s.piece = piece;
    s.begin = s.end = 0;
    for (int at = 0, end, size = (int)piece->size; at < size; at = end) {
        end = at + lstm_utf8_size(bytes[at]);
        int32_t id = lstm_vocabulary_character(t, piece->bytes + at, end - at);
        if (id || end == at + 1) {
            put_character(&s, end, id ? id : LSTM_TOKEN_BYTES + bytes[at]);
        } else {
            flush(&s, end, tokens);
            append_bytes(tokens, piece, at, end);
        }
    }
    flush(&s, 0, tokens);
}

/* The only spaces of a piece are those that mark it. */
static size_t unmarked_size(const struct lstm_pieces *piece)
{
    return piece->size - (piece->bytes[0] == ' ') - (piece->bytes[piece->size - 1] == ' ');
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
        tokens->bytes += unmarked_size(&piece);
        int32_t id = lstm_vocabulary_find(tokenizer, piece.bytes, piece.size);
        if (id)
            append(tokens, &piece, id, 0, piece.size);
        else
            append_subwords(tokenizer, &piece, tokens);
    }
    return LSTM_OK;
}
