/* Text to tokens and back to the bytes they came from.
 *
 * Normalisation (text.h): UTF-8 repair (each maximal ill-formed part becomes U+FFFD, Unicode 15
 * chapter 3.9), NFKC with case folding by utf8proc (default-ignorable characters go), typographic
 * quotes and the lone acute accent to ASCII quotes, HTML line breaks (<br>, <br/>, <br />), white
 * space and control characters to spaces. It works a grapheme cluster at a time, so every
 * normalised byte knows the original bytes it came from.
 *
 * Pieces: normalised text is cut into words (maximal runs of letters, marks and numbers, with inner
 * apostrophes) and punctuation (maximal runs of one and the same other character). A word is
 * written with a leading space, always: " good" is one vocabulary entry wherever it stands. A
 * punctuation run carries a space in front where white space stood before it and a space behind
 * where white space (or the end of the text) follows. So "good, but (very) well-made." is " good"
 * ", " " but" " (" " very" ") " " well" "-" " made" ". ", and the text can be rebuilt up to the
 * amount of white space. Where scripts meet, or in scripts without spaces, nothing special happens:
 * a run that does not fit into LSTM_PIECE_MAX bytes with its marking is cut between characters; the
 * rest goes on without a leading space.
 *
 * Subwords: byte-pair encoding (Sennrich et al. 2016). A piece that is a vocabulary entry is that
 * token. Otherwise it is split into characters, a character that is no entry into its bytes, and as
 * long as some pair of neighbours joined is an entry, the pair with the lowest id is merged
 * (leftmost first). Id 0 is the mask (never made from text), ids 1..256 are the bytes 0..255, the
 * rest are entries: whole characters of UTF-8, in order of merging. */
#ifndef LSTM_TOKENIZER_H
#define LSTM_TOKENIZER_H

#include "error.h"

#include <stddef.h>
#include <stdint.h>

enum {
    LSTM_TOKEN_MASK = 0,
    LSTM_TOKEN_BYTES = 1,   /* the id of byte 0 */
    LSTM_TOKEN_FIRST = 257, /* the id of the first entry */
    LSTM_PIECE_MAX = 64,    /* bytes of a piece with its marking */
    LSTM_ENTRY_MAX = 64,    /* bytes of an entry */
    LSTM_VOCAB_MAX = 1 << 20
};

struct lstm_tokenizer;

/* vocabulary: the entries, each followed by '\n'. Every entry is valid UTF-8 of 1 to LSTM_ENTRY_MAX
 * bytes without
 * '\n' and stands once. Errors: LSTM_CORRUPT with the entry's number and what is wrong, LSTM_NOMEM.
 */
enum lstm_status lstm_tokenizer_open(const char *vocabulary, size_t size,
                                     struct lstm_tokenizer **tokenizer, struct lstm_error *err);
void lstm_tokenizer_close(struct lstm_tokenizer *tokenizer);

/* The vocabulary as it was given, for writing the model. */
const char *lstm_tokenizer_vocabulary(const struct lstm_tokenizer *tokenizer, size_t *size);
int32_t lstm_tokenizer_vocab(const struct lstm_tokenizer *tokenizer); /* 257 + entries */

/* The bytes of a token (its entry; one byte for a byte token; "" for the mask), not NUL-terminated.
 */
const char *lstm_tokenizer_entry(const struct lstm_tokenizer *tokenizer, int32_t token,
                                 size_t *size);

/* A growing list of tokens; zero-initialise it, free with lstm_tokens_free. begins[i]..ends[i] are
 * the bytes of the original text that token i came from (never empty; neighbours may share a
 * cluster, never overlap otherwise). A token that is only a marking space has those of the
 * character beside it. */
struct lstm_tokens {
    int32_t count, capacity;
    int32_t most; /* the list grows no more once it has so many; 0: no limit */
    int32_t *ids;
    uint32_t *begins, *ends; /* NULL where offsets were not asked for */
    size_t bytes;            /* normalised, white space excluded */
    size_t fallback_bytes;   /* of those: that only a byte token reached */
};
void lstm_tokens_free(struct lstm_tokens *tokens);

/* Appends the tokens of a text. Any bytes are legal input; size at most LSTM_TEXT_MAX. Thread-safe
 * on one tokenizer. with_offsets must be the same for all calls on one list. Errors: LSTM_NOMEM,
 * LSTM_RANGE for a longer text, or where the list would grow beyond its limit. */
#define LSTM_TEXT_MAX ((size_t)1 << 30)
enum lstm_status lstm_tokenize(const struct lstm_tokenizer *tokenizer, const void *text,
                               size_t size, int with_offsets, struct lstm_tokens *tokens,
                               struct lstm_error *err);

/* Rewrites tokens as text: the entries joined, white space where the marking says so (see above).
 * At most capacity bytes with the NUL; returns the length the whole text has, as snprintf does.
 * Invalid UTF-8 that byte tokens may form becomes U+FFFD. */
size_t lstm_detokenize(const struct lstm_tokenizer *tokenizer, const int32_t *ids, int32_t count,
                       char *text, size_t capacity);

#endif
