#include "text_reference.h"

#include "model/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void put_character(struct text_reference *t, int32_t codepoint, size_t begin, size_t end)
{
    unsigned char bytes[4];
    enum lstm_class class = lstm_class_of(codepoint);
    int size = (int)utf8proc_encode_char(class == LSTM_CLASS_SPACE ? ' ' : codepoint, bytes);
    for (int i = 0; i < size; i++, t->size++) {
        t->bytes[t->size] = (char)bytes[i];
        t->word[t->size] = class == LSTM_CLASS_WORD ? LSTM_WORD_BYTE : 0;
        t->begins[t->size] = (uint32_t)begin;
        t->ends[t->size] = (uint32_t)end;
    }
}

static int32_t repaired(const unsigned char *text, size_t size, size_t *at)
{
    int32_t codepoint = lstm_utf8_next(text, size, at);
    return codepoint < 0 ? 0xFFFD : codepoint;
}

static int32_t plain(int32_t codepoint)
{
    static const struct {
        int32_t quote, plain;
    } quotes[] = { { 0xB4, '\'' },  { 0x2018, '\'' }, { 0x2019, '\'' }, { 0x201B, '\'' },
                   { 0x201C, '"' }, { 0x201D, '"' },  { 0x201E, '"' } };
    for (size_t i = 0; i < COUNT(quotes); i++)
        if (codepoint == quotes[i].quote)
            return quotes[i].plain;
    return codepoint;
}

/* Normalises the cluster at text[at] and gives back where it ends. An ASCII character before
 * another one is always a cluster. */
static size_t put_cluster(struct text_reference *t, const unsigned char *text, size_t size,
                          size_t at)
{
    unsigned char cluster[4 * LSTM_CLUSTER_MAX];
    size_t begin = at, cluster_size = 0;
    int32_t before = 0, state = 0;
    for (int count = 0; at < size && count < LSTM_CLUSTER_MAX; count++) {
        size_t next = at;
        int32_t codepoint = repaired(text, size, &next);
        if (count == 1 && before < 0x80 && codepoint < 0x80)
            break;
        if (count && utf8proc_grapheme_break_stateful(before, codepoint, &state))
            break;
        cluster_size += (size_t)utf8proc_encode_char(plain(codepoint), cluster + cluster_size);
        before = codepoint;
        at = next;
    }
    unsigned char *mapped = NULL;
    utf8proc_ssize_t mapped_size = utf8proc_map(
        cluster, (utf8proc_ssize_t)cluster_size, &mapped,
        UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE);
    assert_true(mapped_size >= 0);
    for (size_t i = 0; i < (size_t)mapped_size;)
        put_character(t, lstm_utf8_next(mapped, (size_t)mapped_size, &i), begin, at);
    free(mapped);
    return at;
}

struct text_reference text_reference_normalise(const void *text, size_t size)
{
    const unsigned char *bytes = text;
    const size_t most = LSTM_EXPANSION_MAX * 4 * size + 1;
    struct text_reference t = { .bytes = malloc(most),
                                .word = malloc(most),
                                .begins = malloc(most * sizeof *t.begins),
                                .ends = malloc(most * sizeof *t.ends) };
    assert_true(t.bytes && t.word && t.begins && t.ends);
    for (size_t at = 0; at < size;) {
        static const char *const breaks[] = { "<br>", "<br/>", "<br />" };
        size_t skip = 0;
        for (size_t i = 0; i < COUNT(breaks); i++) {
            size_t length = strlen(breaks[i]), same = 0;
            while (same < length && at + same < size &&
                   (bytes[at + same] | (same == 1 || same == 2 ? 0x20 : 0)) ==
                       (unsigned char)breaks[i][same])
                same++;
            skip = same == length ? length : skip;
        }
        if (skip)
            put_character(&t, ' ', at, at + skip);
        at = skip ? at + skip : put_cluster(&t, bytes, size, at);
    }
    t.bytes[t.size] = '\0';
    return t;
}

void text_reference_free(struct text_reference *t)
{
    free(t->bytes);
    free(t->word);
    free(t->begins);
    free(t->ends);
}

struct piece {
    size_t size;
    char bytes[LSTM_PIECE_MAX];
    uint32_t begins[LSTM_PIECE_MAX], ends[LSTM_PIECE_MAX];
};

static void add(struct piece *p, const struct text_reference *t, size_t at, size_t size)
{
    assert_true(p->size + size <= LSTM_PIECE_MAX);
    for (size_t i = at; i < at + size; i++, p->size++) {
        p->bytes[p->size] = t->bytes[i];
        p->begins[p->size] = t->begins[i];
        p->ends[p->size] = t->ends[i];
    }
}

static void add_marking(struct piece *p, const struct text_reference *t, size_t beside)
{
    add(p, t, beside, 1);
    p->bytes[p->size - 1] = ' ';
}

static int begins_word(const struct text_reference *t, size_t at)
{
    return at < t->size && t->word[at];
}

static size_t size_at(const struct text_reference *t, size_t at)
{
    size_t next = at;
    lstm_utf8_next((const unsigned char *)t->bytes, t->size, &next);
    return next - at;
}

/* The piece at *at, which is no space. *inside: a word was cut just before. */
static struct piece next_piece(const struct text_reference *t, size_t *at, int *inside)
{
    struct piece p = { 0 };
    size_t from = *at, most = from + LSTM_PIECE_MAX - 2;
    int after_space = from > 0 && t->bytes[from - 1] == ' ', was_inside = *inside;
    *inside = 0;
    if (begins_word(t, from) ||
        (was_inside && t->bytes[from] == '\'' && begins_word(t, from + 1))) {
        if (!was_inside)
            add_marking(&p, t, from);
        while (begins_word(t, *at) || (t->bytes[*at] == '\'' && begins_word(t, *at + 1))) {
            size_t size = size_at(t, *at);
            if (*at + size > most) {
                *inside = 1;
                return p;
            }
            add(&p, t, *at, size);
            *at += size;
        }
        return p;
    }
    size_t size = size_at(t, from);
    if (after_space)
        add_marking(&p, t, from);
    while (*at + size <= most && *at + size <= t->size &&
           memcmp(t->bytes + *at, t->bytes + from, size) == 0) {
        add(&p, t, *at, size);
        *at += size;
    }
    if (*at == t->size || t->bytes[*at] == ' ')
        add_marking(&p, t, *at - 1);
    return p;
}

/* The id of an entry, 0 where there is none. */
static int32_t look_up(const char *vocabulary, const char *bytes, size_t size)
{
    int32_t id = LSTM_TOKEN_FIRST;
    for (const char *line = vocabulary, *end; *line; line = end + 1, id++) {
        end = strchr(line, '\n');
        if ((size_t)(end - line) == size && memcmp(line, bytes, size) == 0)
            return id;
    }
    return 0;
}

/* A piece on its way: symbol i is bytes[starts[i]] .. bytes[starts[i + 1] - 1]. */
struct symbols {
    size_t count, starts[LSTM_PIECE_MAX + 1];
    int32_t ids[LSTM_PIECE_MAX];
};

static void split(const char *vocabulary, const struct piece *p, struct symbols *s)
{
    s->count = 0;
    for (size_t at = 0; at < p->size;) {
        size_t begin = at;
        lstm_utf8_next((const unsigned char *)p->bytes, p->size, &at);
        int32_t id = look_up(vocabulary, p->bytes + begin, at - begin);
        for (size_t i = begin; i < (id ? begin + 1 : at); i++) {
            s->starts[s->count] = i;
            s->ids[s->count++] = id ? id : LSTM_TOKEN_BYTES + (unsigned char)p->bytes[i];
        }
    }
    s->starts[s->count] = p->size;
}

/* Merges the pair with the lowest id, the leftmost of them; 0 if there is none. */
static int merge(const char *vocabulary, const struct piece *p, struct symbols *s)
{
    size_t best = 0;
    int32_t best_id = 0;
    for (size_t i = 0; i + 1 < s->count; i++) {
        int32_t id = look_up(vocabulary, p->bytes + s->starts[i], s->starts[i + 2] - s->starts[i]);
        if (id && (!best_id || id < best_id))
            best_id = id, best = i;
    }
    if (!best_id)
        return 0;
    s->ids[best] = best_id;
    s->count--;
    memmove(s->ids + best + 1, s->ids + best + 2, (s->count - best - 1) * sizeof *s->ids);
    memmove(s->starts + best + 1, s->starts + best + 2, (s->count - best) * sizeof *s->starts);
    return 1;
}

static void encode(const char *vocabulary, const struct piece *p, struct lstm_tokens *tokens)
{
    int32_t whole = look_up(vocabulary, p->bytes, p->size);
    struct symbols s = { .count = 1, .starts = { 0, p->size }, .ids = { whole } };
    if (!whole) {
        split(vocabulary, p, &s);
        while (merge(vocabulary, p, &s))
            ;
    }
    for (size_t i = 0; i < s.count; i++, tokens->count++) {
        tokens->ids[tokens->count] = s.ids[i];
        tokens->begins[tokens->count] = p->begins[s.starts[i]];
        tokens->ends[tokens->count] = p->ends[s.starts[i + 1] - 1];
        tokens->fallback_bytes += s.ids[i] < LSTM_TOKEN_FIRST && p->bytes[s.starts[i]] != ' ';
    }
}

struct lstm_tokens text_reference_tokenize(const char *vocabulary, const void *text, size_t size)
{
    struct text_reference t = text_reference_normalise(text, size);
    const size_t most = 3 * t.size + 1; /* every byte with a marking on each side */
    struct lstm_tokens tokens = { .ids = malloc(most * sizeof *tokens.ids),
                                  .begins = malloc(most * sizeof *tokens.begins),
                                  .ends = malloc(most * sizeof *tokens.ends) };
    assert_true(tokens.ids && tokens.begins && tokens.ends);
    int inside = 0;
    for (size_t at = 0; at < t.size;)
        if (t.bytes[at] == ' ') {
            at++;
        } else {
            struct piece p = next_piece(&t, &at, &inside);
            encode(vocabulary, &p, &tokens);
        }
    text_reference_free(&t);
    return tokens;
}

uint64_t text_reference_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Code points that one another's neighbourhood changes, and plain ones. */
static int32_t random_codepoint(uint64_t *state, size_t kind)
{
    static const struct {
        int32_t first, count;
    } scripts[] = { { ' ', 95 },       { 'a', 26 },      { 0, 128 },         { 0x80, 0x780 },
                    { 0x300, 0x70 },   { 0x590, 0x170 }, { 0x900, 0x500 },   { 0x1100, 0x100 },
                    { 0xAC00, 11172 }, { 0x3000, 256 },  { 0x4E00, 0x5000 }, { 0xFB00, 0x500 },
                    { 0x1F1E0, 1200 }, { 0x3200, 512 },  { 0xE000, 0xF2000 } };
    static const int32_t special[] = { '<',    '>',    '\'',   ' ',    '.',    0xAD,    0x2019,
                                       0xB4,   0xA0,   0x200C, 0x200D, 0xFE0F, 0x1F468, 0x1F3FD,
                                       0x338,  0x301,  0x1161, 0x11A8, 0xAC00, 0xAC01,  0x1100,
                                       '\r',   '\n',   0x600,  0x130,  0xDF,   0xFDFA,  0x345,
                                       0x2474, 0x3300, 0xFFFD, 0xE0001 };
    uint64_t number = text_reference_random(state);
    if (kind >= COUNT(scripts))
        return special[number % COUNT(special)];
    return scripts[kind].first + (int32_t)(number % (uint64_t)scripts[kind].count);
}

size_t text_reference_random_text(uint64_t *state, unsigned char *text, size_t size)
{
    static const char *const parts[] = { "<br>", "<BR />", "<br/", "don't ", "'''", "good", " a" };
    enum { KINDS = 17, STYLES = 6 };
    size_t want = text_reference_random(state) % (size + 1), at = 0;
    size_t style = text_reference_random(state) % STYLES;
    size_t kinds[2] = { text_reference_random(state) % KINDS,
                        text_reference_random(state) % KINDS };
    while (at + 8 < want) {
        uint64_t number = text_reference_random(state);
        const char *part = parts[number / 64 % COUNT(parts)];
        if (style == 0) {
            text[at++] = (unsigned char)(number >> 32);
        } else if (style == 1 && number % 8 == 0) {
            text[at++] = (unsigned char)(0x80 + (number >> 32) % 128);
        } else if (number % 32 == 1) {
            memcpy(text + at, part, strlen(part));
            at += strlen(part);
        } else {
            int32_t codepoint =
                random_codepoint(state, style < 4 ? number / 64 % KINDS : kinds[number % 2]);
            size_t times = number % 64 == 3 ? number / 64 % 70 : 1;
            for (; times && at + 8 < want; times--)
                at += (size_t)utf8proc_encode_char(codepoint, text + at);
        }
    }
    return at;
}
