/* Normalisation works a grapheme cluster at a time, and every normalised byte points to the whole
 * cluster it came from. Most text is ASCII, where that is arithmetic on eight characters at once;
 * most of the rest are characters that stand alone, whose normalised form is looked up. */
#include "text.h"

#include <assert.h>
#include <string.h>
#include <utf8proc.h>

enum { REPLACEMENT = 0xFFFD };

int32_t lstm_utf8_next(const unsigned char *text, size_t size, size_t *at)
{
    unsigned char lead = text[(*at)++];
    if (lead < 0x80)
        return lead;
    if (lead < 0xC2 || lead > 0xF4)
        return -1;

    /* Only the second byte has bounds of its own: no overlong forms, no surrogates, nothing above
     * U+10FFFF. */
    int more = lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
    unsigned char low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    unsigned char high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    int32_t codepoint = lead & (0x3F >> more);
    for (; more; more--, low = 0x80, high = 0xBF) {
        if (*at == size || text[*at] < low || text[*at] > high)
            return -1;
        codepoint = codepoint << 6 | (text[(*at)++] & 0x3F);
    }
    return codepoint;
}

/* The length of the HTML line break that text begins with, or 0. */
static size_t line_break(const unsigned char *text, size_t size)
{
    if (size < 4 || text[0] != '<' || (text[1] | 0x20) != 'b' || (text[2] | 0x20) != 'r')
        return 0;
    size_t at = 3;
    if (size > 5 && text[at] == ' ' && text[at + 1] == '/')
        at++;
    if (size > at + 1 && text[at] == '/')
        at++;
    return text[at] == '>' ? at + 1 : 0;
}

/* The size bytes behind the last one came from text[at] .. text[end - 1]. */
static void take(struct lstm_normal *n, size_t size, size_t end)
{
    for (size_t i = n->last; n->with_offsets && i < n->last + size; i++) {
        n->begins[i] = (uint32_t)n->at;
        n->ends[i] = (uint32_t)end;
    }
    n->last += size;
    n->at = end;
}

/* In each byte of eight, all below 0x80: its high bit, where the byte is least or more. */
static uint64_t at_least(uint64_t eight, unsigned least)
{
    return (eight + (0x80 - least) * LSTM_EACH_BYTE) & LSTM_HIGH_BITS;
}

static uint64_t within(uint64_t eight, unsigned first, unsigned last)
{
    return at_least(eight, first) & ~at_least(eight, last + 1);
}

/* Eight ASCII characters in lower case, with spaces for white space and control characters. */
static uint64_t fold_ascii(uint64_t eight)
{
    uint64_t upper = within(eight, 'A', 'Z');
    uint64_t space = LSTM_HIGH_BITS & ~within(eight, ' ' + 1, 0x7E);
    uint64_t whole = space | (space - (space >> 7));
    return ((eight | upper >> 2) & ~whole) | (' ' * LSTM_EACH_BYTE & whole);
}

/* Which of eight characters that fold_ascii() gave are letters or numbers. */
static uint64_t word_ascii(uint64_t folded)
{
    return within(folded, 'a', 'z') | within(folded, '0', '9');
}

/* ASCII eight characters at a time, as long as another one follows and none may begin an HTML tag.
 */
static void put_eights(struct lstm_normal *n, size_t room)
{
    while (n->size - n->at > 8 && n->last < room) {
        uint64_t eight = lstm_load8(n->text + n->at), next = lstm_load8(n->text + n->at + 1);
        uint64_t tag = ~((eight ^ '<' * LSTM_EACH_BYTE) + ~LSTM_HIGH_BITS);
        uint64_t stop = (eight | next | tag) & LSTM_HIGH_BITS;
        uint64_t folded = fold_ascii(eight & ~LSTM_HIGH_BITS);
        size_t count = stop ? lstm_first_of_8(stop) : 8;
        lstm_store8(n->bytes + n->last, folded);
        lstm_store8(n->word + n->last, word_ascii(folded));
        for (uint32_t i = 0; n->with_offsets && i < 8; i++) {
            n->begins[n->last + i] = (uint32_t)n->at + i;
            n->ends[n->last + i] = (uint32_t)n->at + i + 1;
        }
        n->last += count;
        n->at += count;
        if (stop)
            return;
    }
}

/* ASCII up to the last character before something else, which may begin a cluster with it. */
static void put_ascii(struct lstm_normal *n, size_t room)
{
    for (;;) {
        put_eights(n, room);
        if (n->at == n->size || n->text[n->at] >= 0x80 || n->last >= room)
            return;
        unsigned char c = n->text[n->at];
        size_t skip = c == '<' ? line_break(n->text + n->at, n->size - n->at) : 0;
        if (!skip && n->at + 1 < n->size && n->text[n->at + 1] >= 0x80)
            return;
        uint64_t folded = fold_ascii(skip ? ' ' : c);
        n->bytes[n->last] = (char)(folded & 0x7F);
        n->word[n->last] = word_ascii(folded) & LSTM_WORD_BYTE;
        take(n, 1, n->at + (skip ? skip : 1));
    }
}

/* Well-formed two and three bytes first: most of what is not ASCII. */
static int32_t read_codepoint(const struct lstm_normal *n, size_t *at)
{
    const unsigned char *text = n->text + *at;
    if (n->size - *at >= 2 && text[0] >= 0xC2 && text[0] < 0xE0 && (text[1] & 0xC0) == 0x80) {
        *at += 2;
        return (text[0] & 0x1F) << 6 | (text[1] & 0x3F);
    }
    if (n->size - *at >= 3 && text[0] > 0xE0 && text[0] < 0xED && (text[1] & 0xC0) == 0x80 &&
        (text[2] & 0xC0) == 0x80) {
        *at += 3;
        return (text[0] & 0x0F) << 12 | (text[1] & 0x3F) << 6 | (text[2] & 0x3F);
    }
    int32_t codepoint = lstm_utf8_next(n->text, n->size, at);
    return codepoint < 0 ? REPLACEMENT : codepoint;
}

static void put_lone(struct lstm_normal *n, lstm_lone lone, size_t end)
{
    size_t size = lstm_lone_size(lone);
    if (lone & LSTM_LONE_LONG) {
        memcpy(n->bytes + n->last, lstm_lone_bytes(lone), size);
        memcpy(n->word + n->last, lstm_lone_word(lone), size);
    } else {
        lstm_store8(n->bytes + n->last, lone & UINT32_MAX);
        lstm_store8(n->word + n->last, lone & LSTM_LONE_WORD ? LSTM_HIGH_BITS : 0);
    }
    take(n, size, end);
}

/* Characters that are a cluster by themselves, up to plain ASCII or the end; 0 before one that is
 * not. */
static int put_lones(struct lstm_normal *n, size_t room)
{
    size_t end = n->at;
    lstm_lone lone = lstm_lone_of(read_codepoint(n, &end));
    while (n->last < room) {
        size_t next_end = end;
        lstm_lone next = 0;
        if (!(lone & LSTM_LONE_ENDS))
            return 0;
        if (end < n->size) {
            next = lstm_lone_of(read_codepoint(n, &next_end));
            if (!(next & LSTM_LONE_BEGINS))
                return 0;
        }
        put_lone(n, lone, end);
        if (end == n->size ||
            (n->text[end] < 0x80 && (next_end == n->size || n->text[next_end] < 0x80)))
            return 1;
        lone = next;
        end = next_end;
    }
    return 1;
}

static void put_cluster(struct lstm_normal *n)
{
    int32_t cluster[LSTM_CLUSTER_MAX], state = 0;
    int count = 0;
    size_t end = n->at;
    while (end < n->size && count < LSTM_CLUSTER_MAX) {
        size_t next = end;
        int32_t codepoint = read_codepoint(n, &next);
        if (count && utf8proc_grapheme_break_stateful(cluster[count - 1], codepoint, &state))
            break;
        cluster[count++] = codepoint;
        end = next;
    }
    take(n, lstm_cluster_normalise(cluster, count, n->bytes + n->last, n->word + n->last), end);
}

void lstm_normal_open(struct lstm_normal *normal, const void *text, size_t size, int with_offsets)
{
    assert(size <= LSTM_TEXT_MAX);
    normal->text = text;
    normal->size = size;
    normal->at = 0;
    normal->with_offsets = with_offsets;
    normal->first = normal->last = 1;
    normal->bytes[1] = '\0';
    normal->word[1] = 0;
}

void lstm_normal_fill(struct lstm_normal *n)
{
    size_t count = n->last - n->first;
    memmove(n->bytes + 1, n->bytes + n->first, count);
    memmove(n->word + 1, n->word + n->first, count);
    if (n->with_offsets) {
        memmove(n->begins + 1, n->begins + n->first, count * sizeof *n->begins);
        memmove(n->ends + 1, n->ends + n->first, count * sizeof *n->ends);
    }
    n->first = 1;
    n->last = 1 + count;

    const size_t room = LSTM_NORMAL_SIZE - LSTM_CLUSTER_BYTES - 8;
    while (n->at < n->size && n->last < room) {
        put_ascii(n, room);
        if (n->at < n->size && n->last < room && !put_lones(n, room))
            put_cluster(n);
    }
    memset(n->bytes + n->last, 0, LSTM_READ_BEHIND);
    memset(n->word + n->last, 0, LSTM_READ_BEHIND);
}
