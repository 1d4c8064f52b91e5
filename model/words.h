/* What makes whole words of a summary's tokens, and keeps its names and numbers true to the source.
 *
 * A word of one token may be written freely, unless it has a digit: then it has to stand in the
 * source. A word of several tokens (rare words, names, numbers) has to stand in the source from its
 * first token to its last, so that no word is glued together from parts of others. A token that
 * the source has only as a part of longer words does not end a word. No word follows itself; a
 * number, and a word whose first token has LSTM_LONG_WORD letters or more, is written once; no
 * three words, told by their first tokens, stand in the summary twice, whatever is between them,
 * nor any three tokens of which the third starts a word. (One that goes on with a word is let
 * through: a word once begun has to be ended.) */
#ifndef LSTM_WORDS_H
#define LSTM_WORDS_H

#include "cpu_source.h"
#include "tokenizer.h"

enum { LSTM_LONG_WORD = 4 };

/* What a token does to a word: starts one, goes on with it, or stands between words. */
enum lstm_word_part { LSTM_WORD_BREAK, LSTM_WORD_START, LSTM_WORD_GOES_ON };

struct lstm_word_kind {
    uint8_t part;               /* enum lstm_word_part */
    uint8_t has_digit, is_once; /* is_once: a word that it starts is written once */
};

/* Fills kinds, one a token of the vocabulary. tone: its weights (guide.h), or NULL; words of a
 * clear mood are written once too: "best" is no better for being said twice. */
void lstm_word_kinds(const struct lstm_tokenizer *tokenizer, const float *tone,
                     struct lstm_word_kind *kinds);

/* What may follow the tokens of a summary so far. */
struct lstm_words {
    const struct lstm_word_kind *kinds; /* not ours; NULL: everything may follow */
    uint32_t
        *stamps; /* vocab, zero at first, for up to 2^31 looks: now where the source has the token,
                    now + 1 where it goes on there with the word that the summary ends in */
    uint32_t now;
    const int32_t *tokens; /* not ours; count of them: the summary so far */
    int32_t count, start;  /* start: of its last word, with the break before it */
    int may_end_word;
};

/* Looks at a summary so far. Time grows with the source. */
void lstm_words_look(struct lstm_words *words, const struct cpu_source *source,
                     const int32_t *tokens, int32_t count);

/* Whether this token may come next; LSTM_TOKEN_MASK: whether the summary may end. */
int lstm_words_allow(const struct lstm_words *words, int32_t token);

#endif
