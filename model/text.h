/* Any bytes to normalised text to pieces, as a stream in bounded memory. What normalisation and
 * pieces are is said in tokenizer.h; lstm_tokenize and the learning of a vocabulary cut text with
 * the same iterator. */
#ifndef LSTM_TEXT_H
#define LSTM_TEXT_H

#include "cluster.h"
#include "eight.h"
#include "tokenizer.h"

/* Reads one code point at text[*at] (*at < size) and moves *at behind it. Returns -1 for an
 * ill-formed part, of which it takes the maximal subpart (Unicode 15, chapter 3.9, table 3-8): 1 to
 * 3 bytes that stand for one U+FFFD. */
int32_t lstm_utf8_next(const unsigned char *text, size_t size, size_t *at);

/* Bytes of a character of valid UTF-8 that begins with this one. */
static inline int lstm_utf8_size(unsigned char lead)
{
    return lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

enum {
    LSTM_NORMAL_SIZE = 8192, /* bytes of normalised text held at a time */
    LSTM_NORMAL_AHEAD =
        LSTM_PIECE_MAX + 8 /* bytes that a fill leaves to be read, unless the text ends */
};

/* A window of normalised text. White space is always ' ', so no other white space, control
 * character or NUL occurs in bytes[first] .. bytes[last - 1], which are whole characters of valid
 * UTF-8; bytes[last] is NUL, and LSTM_READ_BEHIND bytes from there on can be read. The byte before
 * first and the one at last may be written, which is where pieces put their marking. */
struct lstm_normal {
    const unsigned char *text; /* not ours */
    size_t size, at;           /* text[at] is the first byte not yet normalised */
    int with_offsets;
    size_t first, last;
    char bytes[LSTM_NORMAL_SIZE + LSTM_READ_BEHIND];
    unsigned char
        word[LSTM_NORMAL_SIZE + LSTM_READ_BEHIND]; /* 0x80: of a letter, mark or number; else 0 */
    uint32_t begins[LSTM_NORMAL_SIZE],
        ends[LSTM_NORMAL_SIZE]; /* of the grapheme cluster a byte came from */
};

/* text: any bytes, at most LSTM_TEXT_MAX; must outlive the reading. */
void lstm_normal_open(struct lstm_normal *normal, const void *text, size_t size, int with_offsets);

/* Keeps the bytes from first on and adds what comes next. Afterwards at least LSTM_NORMAL_AHEAD
 * bytes can be read, or all that is left of the text. */
void lstm_normal_fill(struct lstm_normal *normal);

/* An iterator over pieces. After lstm_pieces_next returned 1, bytes[0] .. bytes[size - 1] are the
 * piece with its marking spaces, 1 to LSTM_PIECE_MAX of them, valid until the next call. begins and
 * ends (NULL without offsets) give for each byte the original bytes it came from; a marking space
 * has those of the character beside it. */
struct lstm_pieces {
    const char *bytes;
    size_t size;
    const uint32_t *begins, *ends;
    int after_space, inside_word; /* what stood before normal.first */
    struct lstm_normal normal;
};
void lstm_pieces_open(struct lstm_pieces *pieces, const void *text, size_t size, int with_offsets);
int lstm_pieces_next(struct lstm_pieces *pieces); /* 0 at the end */

/* A hash of a piece or an entry for tables in memory; any seed. */
uint64_t lstm_piece_hash(const char *bytes, size_t size, uint64_t seed);

#endif
