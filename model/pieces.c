/* Normalised text to pieces. */
#include "text.h"

#include <string.h>

enum { RUN_MAX = LSTM_PIECE_MAX - 2 }; /* bytes of a piece without its marking */

/* The end of the letters, marks and numbers at bytes[at]; something above most where that is. */
static size_t letters_end(const struct lstm_normal *n, size_t at, size_t most)
{
    for (; at <= most; at += 8) {
        uint64_t others = ~lstm_load8(n->word + at) & LSTM_HIGH_BITS;
        if (others)
            return at + lstm_first_of_8(others);
    }
    return at;
}

/* The end of the word at bytes[at], or at itself where none begins. A word that was cut may go on
 * with its apostrophe. */
static size_t word_end(const struct lstm_normal *n, size_t at, int *inside_word)
{
    const size_t most = at + RUN_MAX;
    size_t end = letters_end(n, at, most);
    while (end <= most && n->bytes[end] == '\'' && n->word[end + 1] && (end > at || *inside_word))
        end = letters_end(n, end + 1, most);
    *inside_word = end > most;
    if (end > most)
        for (end = most; ((unsigned char)n->bytes[end] & 0xC0) == 0x80;)
            end--;
    return end;
}

/* The end of the run of one and the same character at bytes[at]. */
static size_t run_end(const struct lstm_normal *n, size_t at)
{
    size_t size = (size_t)lstm_utf8_size((unsigned char)n->bytes[at]), end;
    const uint64_t character = lstm_load8(n->bytes + at) << (64 - 8 * size);
    for (end = at + size; end + size - at <= RUN_MAX && end + size <= n->last; end += size)
        if (lstm_load8(n->bytes + end) << (64 - 8 * size) != character)
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

/* Makes bytes[at] a space that belongs to the character at bytes[beside]. It mostly is one; writing
 * it again would make the next read of it and its neighbours wait. */
static void mark(struct lstm_normal *n, size_t at, size_t beside)
{
    if (n->bytes[at] != ' ')
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

uint64_t lstm_piece_hash(const char *bytes, size_t size, uint64_t seed)
{
    const uint64_t odd = 0x9E3779B97F4A7C15u;
    uint64_t hash = seed ^ size;
    for (size_t at = 0; at < size; at += 8) {
        unsigned char eight[8] = { 0 };
        memcpy(eight, bytes + at, size - at < 8 ? size - at : 8);
        hash = (hash ^ lstm_load8(eight)) * odd;
        hash ^= hash >> 32;
    }
    hash *= odd; /* tables use the low bits, and these depend on the last bytes only now */
    return hash ^ hash >> 32;
}
