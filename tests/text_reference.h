/* What normalisation, pieces and byte-pair encoding are, written from the definition in tokenizer.h
 * a character at a time, without a thought for speed: the oracle of the real ones. */
#ifndef LSTM_TEXT_REFERENCE_H
#define LSTM_TEXT_REFERENCE_H

#include "model/tokenizer.h"

struct text_reference {
    size_t size;
    char *bytes;         /* normalised, NUL-terminated */
    unsigned char *word; /* LSTM_WORD_BYTE where the byte is of a letter, mark or number, else 0 */
    uint32_t *begins, *ends;
};
struct text_reference text_reference_normalise(const void *text, size_t size);
void text_reference_free(struct text_reference *text);

/* The tokens of a text by a vocabulary of few entries (every one is looked at), with offsets. */
struct lstm_tokens text_reference_tokenize(const char *vocabulary, const void *text, size_t size);

/* xorshift64: the same numbers everywhere. */
uint64_t text_reference_random(uint64_t *state);

/* A text of at most size bytes of one of several kinds: random bytes, one or two scripts, runs,
 * everything mixed. Gives back its size. */
size_t text_reference_random_text(uint64_t *state, unsigned char *text, size_t size);

#endif
