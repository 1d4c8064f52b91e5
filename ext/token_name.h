/* How our tables show a token. */
#ifndef EXT_TOKEN_NAME_H
#define EXT_TOKEN_NAME_H

#include "model/tokenizer.h"
#include "sqlite.h"

/* An entry as it stands in the vocabulary, marking spaces included; a byte that is no entry as
 * <0xE2>, since one byte of a character is no text. */
void token_name_result(sqlite3_context *context, const struct lstm_tokenizer *tokenizer,
                       int32_t token);

#endif
