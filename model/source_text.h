/* A summary's tokens as text in which copied words have the letters of the source: their case,
 * accents, typography. */
#ifndef LSTM_SOURCE_TEXT_H
#define LSTM_SOURCE_TEXT_H

#include "tokenizer.h"

/* Where tokens were copied from: the tokens of a text with their offsets, and the text. */
struct lstm_source_text {
    const char *bytes;
    int32_t count;
    const int32_t *tokens;
    const uint32_t *begins, *ends;
};

/* Rewrites tokens as lstm_detokenize does, with two exceptions. A word all of whose tokens were
 * copied (origins[i] >= 0 is the position of token i in the source), and which stands in the source
 * from the position of its first token on, takes the bytes it has there, provided that these are
 * valid UTF-8 and mean the same tokens. A first word that would be lower-case begins with a
 * capital, copied or not. *text is malloc'ed, valid UTF-8 with its NUL. Errors: LSTM_NOMEM. */
enum lstm_status lstm_source_text_write(const struct lstm_tokenizer *tokenizer,
                                        const struct lstm_source_text *source,
                                        const int32_t *tokens, const int32_t *origins,
                                        int32_t count, char **text, struct lstm_error *err);

#endif
