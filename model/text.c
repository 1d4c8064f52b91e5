/* Normalisation works a grapheme cluster at a time: a character and the marks that combine with it
 * change together, so a cluster is the smallest part of a text whose normalised form does not
 * depend on its neighbours. Every normalised byte points to the whole cluster it came from. Most
 * text is ASCII, where all of this is a table. */
#include "text.h"

#include <assert.h>
#include <string.h>
#include <utf8proc.h>

enum {
    DECOMPOSED_MAX = LSTM_CLUSTER_MAX * LSTM_EXPANSION_MAX,
    CLUSTER_BYTES = 4 * DECOMPOSED_MAX,
    RUN_MAX = LSTM_PIECE_MAX - 2, /* bytes of a piece without its marking */
    REPLACEMENT = 0xFFFD
};

/* NFKC_Casefold: see the options of the same name in utf8proc. */
static const utf8proc_option_t FOLD =
    UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE;

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

enum lstm_class lstm_class_of(int32_t codepoint)
{
    switch (utf8proc_category(codepoint)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO: return LSTM_CLASS_WORD;
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_CC: return LSTM_CLASS_SPACE;
    default: return LSTM_CLASS_OTHER;
    }
}

static char fold_ascii(unsigned char c)
{
    if (c <= ' ' || c == 0x7F)
        return ' ';
    return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
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

static void put(struct lstm_normal *n, char byte, size_t begin, size_t end)
{
    n->bytes[n->last] = byte;
    if (n->with_offsets) {
        n->begins[n->last] = (uint32_t)begin;
        n->ends[n->last] = (uint32_t)end;
    }
    n->last++;
}

/* Normalises ASCII up to the last character before something else, which may begin a cluster with
 * it. */
static void put_ascii(struct lstm_normal *n, size_t room)
{
    while (n->at < n->size && n->text[n->at] < 0x80 && n->last < room) {
        unsigned char c = n->text[n->at];
        size_t skip = c == '<' ? line_break(n->text + n->at, n->size - n->at) : 0;
        if (!skip) {
            if (n->at + 1 < n->size && n->text[n->at + 1] >= 0x80)
                return;
            skip = 1;
        }
        put(n, skip > 1 ? ' ' : fold_ascii(c), n->at, n->at + skip);
        n->at += skip;
    }
}

static int32_t plain_quote(int32_t codepoint)
{
    switch (codepoint) {
    case 0x00B4: /* an accent by name; NFKC makes it a space and a mark, but people write don´t
                  */
    case 0x2018:
    case 0x2019:
    case 0x201B: return '\'';
    case 0x201C:
    case 0x201D:
    case 0x201E: return '"';
    default: return codepoint;
    }
}

/* Reads the grapheme cluster at text[at] as at most LSTM_CLUSTER_MAX code points and moves at
 * behind it. */
static int read_cluster(struct lstm_normal *n, int32_t *cluster)
{
    int count = 0;
    int32_t state = 0;
    while (n->at < n->size && count < LSTM_CLUSTER_MAX) {
        size_t next = n->at;
        int32_t codepoint = lstm_utf8_next(n->text, n->size, &next);
        if (codepoint < 0)
            codepoint = REPLACEMENT;
        if (count && utf8proc_grapheme_break_stateful(cluster[count - 1], codepoint, &state))
            break;
        cluster[count++] = codepoint;
        n->at = next;
    }
    return count;
}

static void put_codepoint(struct lstm_normal *n, int32_t codepoint, size_t begin)
{
    unsigned char bytes[4];
    if (lstm_class_of(codepoint) == LSTM_CLASS_SPACE)
        codepoint = ' ';
    utf8proc_ssize_t size = utf8proc_encode_char(codepoint, bytes);
    for (utf8proc_ssize_t i = 0; i < size; i++)
        put(n, (char)bytes[i], begin, n->at);
}

/* A lone character that NFKC_Casefold leaves alone: most of the world's text. */
static int is_normal(int32_t codepoint)
{
    const utf8proc_property_t *property = utf8proc_get_property(codepoint);
    return property->decomp_seqindex == UINT16_MAX && property->casefold_seqindex == UINT16_MAX &&
           !property->ignorable;
}

static void put_cluster(struct lstm_normal *n)
{
    int32_t cluster[LSTM_CLUSTER_MAX];
    size_t begin = n->at;
    int count = read_cluster(n, cluster);
    for (int i = 0; i < count; i++)
        cluster[i] = plain_quote(cluster[i]);
    if (count == 1 && is_normal(cluster[0])) {
        put_codepoint(n, cluster[0], begin);
        return;
    }

    unsigned char bytes[4 * LSTM_CLUSTER_MAX];
    utf8proc_ssize_t size = 0;
    for (int i = 0; i < count; i++)
        size += utf8proc_encode_char(cluster[i], bytes + size);
    int32_t folded[DECOMPOSED_MAX + 1];
    utf8proc_ssize_t length = utf8proc_decompose(bytes, size, folded, DECOMPOSED_MAX, FOLD);
    assert(length >= 0 &&
           length <= DECOMPOSED_MAX); /* the input is valid; the bound is Unicode's */
    length = utf8proc_normalize_utf32(folded, length, FOLD);
    for (utf8proc_ssize_t i = 0; i < length; i++)
        put_codepoint(n, folded[i], begin);
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
}

void lstm_normal_fill(struct lstm_normal *n)
{
    size_t count = n->last - n->first;
    memmove(n->bytes + 1, n->bytes + n->first, count);
    if (n->with_offsets) {
        memmove(n->begins + 1, n->begins + n->first, count * sizeof *n->begins);
        memmove(n->ends + 1, n->ends + n->first, count * sizeof *n->ends);
    }
    n->first = 1;
    n->last = 1 + count;

    const size_t room = LSTM_NORMAL_SIZE - CLUSTER_BYTES - 1;
    while (n->at < n->size && n->last < room) {
        put_ascii(n, room);
        if (n->at < n->size && n->last < room)
            put_cluster(n);
    }
    n->bytes[n->last] = '\0';
}

/* Word or other, for the non-ASCII character at bytes[at], whose size is given back. */
static enum lstm_class class_at(const struct lstm_normal *n, size_t at, size_t *size)
{
    size_t next = at;
    int32_t codepoint = lstm_utf8_next((const unsigned char *)n->bytes, n->last, &next);
    *size = next - at;
    return lstm_class_of(codepoint);
}

/* The length of the letter, mark or number at bytes[at], or 0. */
static size_t letter(const struct lstm_normal *n, size_t at)
{
    unsigned char c = (unsigned char)n->bytes[at];
    if (c < 0x80)
        return (unsigned)c - 'a' < 26 || (unsigned)c - '0' < 10;
    size_t size;
    return class_at(n, at, &size) == LSTM_CLASS_WORD ? size : 0;
}

/* The end of the word at bytes[at], or at itself where none begins. A word that was cut may go on
 * with its apostrophe.
 */
static size_t word_end(const struct lstm_normal *n, size_t at, int *inside_word)
{
    size_t end = at;
    int inside = *inside_word;
    for (;;) {
        size_t size = letter(n, end);
        if (!size && inside && n->bytes[end] == '\'' && letter(n, end + 1))
            size = 1;
        if (!size || end + size - at > RUN_MAX) {
            *inside_word = size > 0;
            return end;
        }
        end += size;
        inside = 1;
    }
}

/* The end of the run of one and the same character at bytes[at]. */
static size_t run_end(const struct lstm_normal *n, size_t at)
{
    size_t size = 1, end;
    if ((unsigned char)n->bytes[at] >= 0x80)
        class_at(n, at, &size);
    for (end = at + size; end + size - at <= RUN_MAX && end + size <= n->last; end += size)
        if (memcmp(n->bytes + at, n->bytes + end, size))
            break;
    return end;
}

void lstm_pieces_open(struct lstm_pieces *pieces, const void *text, size_t size, int with_offsets)
{
    lstm_normal_open(&pieces->normal, text, size, with_offsets);
    pieces->after_space = pieces->inside_word = 0;
    pieces->bytes = NULL;
    pieces->size = 0;
    pieces->begins = pieces->ends = NULL;
}

/* Marks bytes[at] as a space that belongs to the character at bytes[beside]. */
static void mark(struct lstm_normal *n, size_t at, size_t beside)
{
    n->bytes[at] = ' ';
    if (n->with_offsets) {
        n->begins[at] = n->begins[beside];
        n->ends[at] = n->ends[beside];
    }
}

/* Moves to the next character that is no white space; 0 at the end. */
static int skip_space(struct lstm_pieces *p)
{
    struct lstm_normal *n = &p->normal;
    for (;;) {
        if (n->last - n->first < LSTM_NORMAL_AHEAD && n->at < n->size)
            lstm_normal_fill(n);
        if (n->first == n->last)
            return 0;
        if (n->bytes[n->first] != ' ')
            return 1;
        do
            n->first++;
        while (n->bytes[n->first] == ' ');
        p->after_space = 1;
    }
}

int lstm_pieces_next(struct lstm_pieces *p)
{
    struct lstm_normal *n = &p->normal;
    if (!skip_space(p))
        return 0;

    size_t from = n->first, begin = from;
    int was_inside = p->inside_word;
    size_t end = word_end(n, from, &p->inside_word);
    n->first = end;
    if (end > from) {
        if (!was_inside)
            mark(n, --begin, from);
    } else {
        n->first = end = run_end(n, from);
        if (p->after_space)
            mark(n, --begin, from);
        if (end == n->last || n->bytes[end] == ' ') {
            mark(n, end, end - 1);
            end++;
        }
    }
    p->after_space = 0;
    p->bytes = n->bytes + begin;
    p->size = end - begin;
    if (n->with_offsets) {
        p->begins = n->begins + begin;
        p->ends = n->ends + begin;
    }
    return 1;
}

uint64_t lstm_piece_head(const char *bytes, size_t size)
{
    if (size >= 8) {
        uint64_t head;
        memcpy(&head, bytes, 8);
        return head;
    }
    if (size >= 4) {
        uint32_t front, back;
        memcpy(&front, bytes, 4);
        memcpy(&back, bytes + size - 4, 4);
        return front | (uint64_t)back << 32;
    }
    if (!size)
        return 0;
    const unsigned char *b = (const unsigned char *)bytes;
    return b[0] | (uint64_t)b[size / 2] << 8 | (uint64_t)b[size - 1] << 16;
}

uint64_t lstm_piece_hash(const char *bytes, size_t size, uint64_t seed)
{
    const uint64_t odd = 0x9E3779B97F4A7C15u;
    uint64_t hash = (lstm_piece_head(bytes, size) ^ seed ^ size) * odd;
    for (size_t at = 8; at < size; at += 8) {
        hash ^= hash >> 32;
        hash = (hash ^ lstm_piece_head(bytes + (at + 8 <= size ? at : size - 8), 8)) * odd;
    }
    return hash ^ hash >> 32;
}
