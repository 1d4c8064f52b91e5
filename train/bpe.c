/* Byte-pair encoding with counts that are kept up, not counted again: a merge looks only at the
 * pieces it changes.
 *
 * A pair of neighbours is known by the bytes it joins to, without where it is cut in two, as in
 * lstm_tokenize. That is no loss: what merging makes of a string between two boundaries of symbols
 * does not depend on what stands around it, since any merge in there is also the lowest and
 * leftmost of those in there. So at any time a string is cut in the same way wherever it stands
 * between such boundaries. It follows that all occurrences of a pair come about in the same merge
 * (later ones only take some away), and that what a merge brings together is never an entry
 * already. */
#include "bpe.h"

#include "model/text.h"
#include "tally.h"

#include <stdlib.h>
#include <string.h>

enum { ARENA_BLOCK = 1 << 20, NO_PLACE = -1 };

struct place {
    int32_t unit, next;
};

/* A piece, or a part of one between rare characters. Bit i of starts: a symbol begins at bytes[i].
 */
struct unit {
    const char *bytes;
    int64_t count;
    uint64_t starts;
    uint32_t size;
};

struct waiting {
    int64_t count;
    int32_t pair;
};

struct block {
    struct block *next;
    size_t used;
    char bytes[ARENA_BLOCK];
};

struct bpe {
    struct tally pieces, characters, pairs;
    struct block *arena; /* the bytes of the pieces; all other strings are parts of these */
    struct unit *units;
    int32_t *first_places; /* for each pair the first of its places */
    struct place *places;
    struct waiting *queue; /* a heap, the most frequent first; pairs whose count fell since are
                              found out when popped */
    struct tally_item *entries;
    size_t units_count, units_capacity, first_places_count, first_places_capacity, places_count,
        places_capacity;
    size_t queue_count, queue_capacity, entries_count;
};

/* The symbols of a unit while it is worked on: symbol i begins at starts[i], pairs[i] joins symbols
 * i and i + 1. */
struct symbols {
    int count;
    uint32_t starts[LSTM_PIECE_MAX + 1];
    int32_t pairs[LSTM_PIECE_MAX];
};

/* The array with room for one item more, or NULL (then it is unchanged). */
static void *grown(void *array, size_t count, size_t *capacity, size_t item_size)
{
    if (count < *capacity)
        return array;
    size_t more = *capacity ? 2 * *capacity : 1024;
    void *larger = realloc(array, more * item_size);
    if (larger)
        *capacity = more;
    return larger;
}

static const char *keep(struct bpe *b, const char *bytes, size_t size)
{
    if (!b->arena || b->arena->used + size > sizeof b->arena->bytes) {
        struct block *block = malloc(sizeof *block);
        if (!block)
            return NULL;
        block->next = b->arena;
        block->used = 0;
        b->arena = block;
    }
    char *kept = b->arena->bytes + b->arena->used;
    memcpy(kept, bytes, size);
    b->arena->used += size;
    return kept;
}

static int count_pieces(struct bpe *b, const struct row *row)
{
    struct lstm_pieces piece;
    lstm_pieces_open(&piece, row->text, row->size, 0);
    while (lstm_pieces_next(&piece)) {
        size_t known = b->pieces.count;
        int32_t number = tally_number(&b->pieces, piece.bytes, piece.size);
        if (number < 0)
            return 0;
        struct tally_item *string = &b->pieces.items[number];
        if (b->pieces.count > known && !(string->bytes = keep(b, piece.bytes, piece.size)))
            return 0;
        string->count++;
    }
    return 1;
}

static size_t character_size(const char *bytes, size_t size)
{
    size_t at = 0;
    lstm_utf8_next((const unsigned char *)bytes, size, &at);
    return at;
}

static int count_characters(struct bpe *b)
{
    if (tally_number(&b->characters, " ", 1) < 0)
        return 0;
    for (size_t i = 0; i < b->pieces.count; i++) {
        const struct tally_item *piece = &b->pieces.items[i];
        for (size_t at = 0, size; at < piece->size; at += size) {
            size = character_size(piece->bytes + at, piece->size - at);
            int32_t number = tally_number(&b->characters, piece->bytes + at, size);
            if (number < 0)
                return 0;
            b->characters.items[number].count += piece->count;
        }
    }
    return 1;
}

static int is_entry(const struct tally_item *character, int32_t character_min)
{
    return character->count >= character_min || (character->size == 1 && *character->bytes == ' ');
}

/* The more frequent string first; of equals the one whose bytes sort first. */
static int by_count(const void *left, const void *right)
{
    const struct tally_item *l = left, *r = right;
    if (l->count != r->count)
        return l->count > r->count ? -1 : 1;
    int order = memcmp(l->bytes, r->bytes, l->size < r->size ? l->size : r->size);
    return order ? order : l->size < r->size ? -1 : l->size > r->size;
}

static int add_unit(struct bpe *b, const struct unit *unit)
{
    if (!(unit->starts & (unit->starts - 1)))
        return 1; /* no pair in it */
    struct unit *units = grown(b->units, b->units_count, &b->units_capacity, sizeof *units);
    if (!units)
        return 0;
    b->units = units;
    units[b->units_count++] = *unit;
    return b->units_count < INT32_MAX;
}

/* Cuts the pieces at their rare characters. */
static int make_units(struct bpe *b, int32_t character_min)
{
    for (size_t i = 0; i < b->pieces.count; i++) {
        const struct tally_item *piece = &b->pieces.items[i];
        struct unit unit = { piece->bytes, piece->count, 0, 0 };
        for (size_t at = 0, size; at < piece->size; at += size) {
            size = character_size(piece->bytes + at, piece->size - at);
            int32_t number = tally_number(&b->characters, piece->bytes + at, size);
            if (number < 0)
                return 0;
            if (is_entry(&b->characters.items[number], character_min)) {
                unit.starts |= (uint64_t)1 << unit.size;
                unit.size += (uint32_t)size;
            } else {
                if (!add_unit(b, &unit))
                    return 0;
                unit = (struct unit){ piece->bytes + at + size, piece->count, 0, 0 };
            }
        }
        if (!add_unit(b, &unit))
            return 0;
    }
    return 1;
}

static int read_symbols(struct bpe *b, const struct unit *unit, struct symbols *s)
{
    s->count = 0;
    for (uint32_t at = 0; at < unit->size; at++)
        if (unit->starts >> at & 1)
            s->starts[s->count++] = at;
    s->starts[s->count] = unit->size;
    for (int i = 0; i + 1 < s->count; i++) {
        s->pairs[i] =
            tally_number(&b->pairs, unit->bytes + s->starts[i], s->starts[i + 2] - s->starts[i]);
        if (s->pairs[i] < 0)
            return 0;
    }
    return 1;
}

/* Remembers that a pair occurs in a unit. */
static int add_place(struct bpe *b, int32_t pair, int32_t unit)
{
    while (b->first_places_count <= (size_t)pair) {
        int32_t *first =
            grown(b->first_places, b->first_places_count, &b->first_places_capacity, sizeof *first);
        if (!first)
            return 0;
        b->first_places = first;
        first[b->first_places_count++] = NO_PLACE;
    }
    int32_t *first = &b->first_places[pair];
    if (*first != NO_PLACE && b->places[*first].unit == unit)
        return 1;
    struct place *places = grown(b->places, b->places_count, &b->places_capacity, sizeof *places);
    if (!places || b->places_count == INT32_MAX)
        return 0;
    b->places = places;
    places[b->places_count] = (struct place){ unit, *first };
    *first = (int32_t)b->places_count++;
    return 1;
}

/* Counts the pairs of a unit. Those from number known_pairs on are new, and it is a place of
 * theirs. */
static int add_pairs(struct bpe *b, int32_t number, size_t known_pairs)
{
    struct symbols s;
    if (!read_symbols(b, &b->units[number], &s))
        return 0;
    for (int i = 0; i + 1 < s.count; i++) {
        if ((size_t)s.pairs[i] >= known_pairs && !add_place(b, s.pairs[i], number))
            return 0;
        b->pairs.items[s.pairs[i]].count += b->units[number].count;
    }
    return 1;
}

/* Joins a pair, the leftmost first, wherever it stands in a unit, and counts the unit's pairs anew.
 */
static int merge_in_unit(struct bpe *b, int32_t number, int32_t pair, size_t known_pairs)
{
    struct unit *unit = &b->units[number];
    struct symbols s;
    if (!read_symbols(b, unit, &s))
        return 0;
    for (int i = 0; i + 1 < s.count; i++)
        b->pairs.items[s.pairs[i]].count -= unit->count;
    for (int i = 0; i + 1 < s.count; i++)
        if (s.pairs[i] == pair) {
            unit->starts &= ~((uint64_t)1 << s.starts[i + 1]);
            i++; /* its right symbol is used up */
        }
    return add_pairs(b, number, known_pairs);
}

static int comes_before(const struct bpe *b, struct waiting left, struct waiting right)
{
    if (left.count != right.count)
        return left.count > right.count;
    struct tally_item l = b->pairs.items[left.pair], r = b->pairs.items[right.pair];
    l.count = r.count = 0;
    return by_count(&l, &r) < 0;
}

static int push(struct bpe *b, int32_t pair)
{
    struct waiting *queue = grown(b->queue, b->queue_count, &b->queue_capacity, sizeof *queue);
    if (!queue)
        return 0;
    b->queue = queue;
    struct waiting item = { b->pairs.items[pair].count, pair };
    size_t at = b->queue_count++;
    for (; at && comes_before(b, item, queue[(at - 1) / 2]); at = (at - 1) / 2)
        queue[at] = queue[(at - 1) / 2];
    queue[at] = item;
    return 1;
}

static struct waiting pop(struct bpe *b)
{
    struct waiting *queue = b->queue, top = queue[0], item = queue[--b->queue_count];
    size_t at = 0, child;
    while ((child = 2 * at + 1) < b->queue_count) {
        if (child + 1 < b->queue_count && comes_before(b, queue[child + 1], queue[child]))
            child++;
        if (!comes_before(b, queue[child], item))
            break;
        queue[at] = queue[child];
        at = child;
    }
    queue[at] = item;
    return top;
}

/* The most frequent pair: its number, -1 where none is frequent enough, -2 out of memory. */
static int32_t most_frequent(struct bpe *b, int32_t pair_min)
{
    while (b->queue_count) {
        struct waiting top = pop(b);
        int64_t count = b->pairs.items[top.pair].count;
        if (count == top.count)
            return top.pair;
        if (count >= pair_min && !push(b, top.pair))
            return -2;
    }
    return -1;
}

static int learn_merges(struct bpe *b, const struct bpe_options *options)
{
    const size_t entries_max = (size_t)(options->vocab - LSTM_TOKEN_FIRST);
    size_t queued = 0;
    for (size_t i = 0; i < b->units_count; i++)
        if (!add_pairs(b, (int32_t)i, 0))
            return 0;
    while (b->entries_count < entries_max) {
        for (; queued < b->pairs.count; queued++)
            if (b->pairs.items[queued].count >= options->pair_min && !push(b, (int32_t)queued))
                return 0;
        int32_t best = most_frequent(b, options->pair_min);
        if (best < 0)
            return best == -1;
        b->entries[b->entries_count++] = b->pairs.items[best];
        for (int32_t place = b->first_places[best]; place != NO_PLACE;
             place = b->places[place].next)
            if (!merge_in_unit(b, b->places[place].unit, best, queued))
                return 0;
    }
    return 1;
}

/* Makes the frequent characters the first entries. */
static enum lstm_status first_entries(struct bpe *b, const struct bpe_options *options,
                                      struct lstm_error *err)
{
    size_t frequent = 0;
    for (size_t i = 0; i < b->characters.count; i++)
        frequent += (size_t)is_entry(&b->characters.items[i], options->character_min);
    size_t least = LSTM_TOKEN_FIRST + frequent;
    if (options->vocab <= (int64_t)least || options->vocab > LSTM_VOCAB_MAX)
        return lstm_fail(err, LSTM_RANGE,
                         "a vocabulary of %d tokens, expected %zu to %d: mask and bytes are %d, "
                         "and %zu characters occur "
                         "at least %d times",
                         options->vocab, least + 1, LSTM_VOCAB_MAX, LSTM_TOKEN_FIRST, frequent,
                         options->character_min);
    b->entries = malloc((size_t)(options->vocab - LSTM_TOKEN_FIRST) * sizeof *b->entries);
    if (!b->entries)
        return lstm_fail(err, LSTM_NOMEM, "a vocabulary of %d tokens", options->vocab);
    for (size_t i = 0; i < b->characters.count; i++)
        if (is_entry(&b->characters.items[i], options->character_min))
            b->entries[b->entries_count++] = b->characters.items[i];
    qsort(b->entries, b->entries_count, sizeof *b->entries, by_count);
    return LSTM_OK;
}

static enum lstm_status write_entries(const struct bpe *b, char **vocabulary, size_t *size,
                                      struct lstm_error *err)
{
    *size = 0;
    for (size_t i = 0; i < b->entries_count; i++)
        *size += b->entries[i].size + 1;
    char *out = *vocabulary = malloc(*size);
    if (!out)
        return lstm_fail(err, LSTM_NOMEM, "a vocabulary of %zu bytes", *size);
    for (size_t i = 0; i < b->entries_count; i++) {
        memcpy(out, b->entries[i].bytes, b->entries[i].size);
        out += b->entries[i].size;
        *out++ = '\n';
    }
    return LSTM_OK;
}

static void free_all(struct bpe *b)
{
    tally_free(&b->pieces);
    tally_free(&b->characters);
    tally_free(&b->pairs);
    free(b->units);
    free(b->first_places);
    free(b->places);
    free(b->queue);
    free(b->entries);
    for (struct block *next; b->arena; b->arena = next) {
        next = b->arena->next;
        free(b->arena);
    }
}

enum lstm_status bpe_learn(const struct rows *rows, const struct bpe_options *options,
                           char **vocabulary, size_t *size, struct lstm_error *err)
{
    struct bpe b = { 0 };
    enum lstm_status rc = LSTM_OK;
    *vocabulary = NULL;
    for (int32_t i = 0; i < rows->count; i++) {
        if (rows->rows[i].size > LSTM_TEXT_MAX) {
            rc = lstm_fail(err, LSTM_RANGE, "row %d has %zu bytes of text, at most %zu are allowed",
                           i + 1, rows->rows[i].size, LSTM_TEXT_MAX);
            goto done;
        }
        if (!count_pieces(&b, &rows->rows[i]))
            goto nomem;
    }
    if (!count_characters(&b))
        goto nomem;
    if ((rc = first_entries(&b, options, err)))
        goto done;
    if (!make_units(&b, options->character_min) || !learn_merges(&b, options))
        goto nomem;
    rc = write_entries(&b, vocabulary, size, err);
    goto done;
nomem:
    rc = lstm_fail(err, LSTM_NOMEM, "learning a vocabulary from %zu distinct pieces",
                   b.pieces.count);
done:
    free_all(&b);
    return rc;
}
