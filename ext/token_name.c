#include "token_name.h"

#include <stdio.h>

void token_name_result(sqlite3_context *context, const struct lstm_tokenizer *tokenizer,
                       int32_t token)
{
    size_t size = 0;
    const char *entry = lstm_tokenizer_entry(tokenizer, token, &size);
    char byte[8];
    if (token < LSTM_TOKEN_FIRST) {
        size = (size_t)snprintf(byte, sizeof byte, "<0x%02X>",
                                (unsigned)(token - LSTM_TOKEN_BYTES) & 0xff);
        entry = byte;
    }
    sqlite3_result_text(context, entry, (int)size, SQLITE_TRANSIENT);
}
