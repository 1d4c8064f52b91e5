#include "train/card.h"

#include <stdlib.h>
#include <string.h>

void card_text(struct json_text *out, const char *key, const char *value)
{
    json_put(out, key);
    json_put_string(out, value, strlen(value));
}

void card_number(struct json_text *out, const char *key, double value)
{
    char text[JSON_REAL_SIZE];
    json_real_write((float)value, text);
    json_put(out, key);
    json_put(out, text);
}

void card_integer(struct json_text *out, const char *key, int64_t value)
{
    json_put(out, key);
    json_put_int64(out, value);
}

enum lstm_status card_take(struct json_text *out, char **text, struct lstm_error *err)
{
    enum lstm_status rc = LSTM_OK;
    *text = out->status ? NULL : malloc(out->size + 1);
    if (*text) {
        memcpy(*text, out->bytes, out->size);
        (*text)[out->size] = '\0';
    } else
        rc = lstm_fail(err, out->status ? out->status : LSTM_NOMEM,
                       "the model's card: out of memory or not UTF-8");
    free(out->bytes);
    *out = (struct json_text){ 0 };
    return rc;
}

enum lstm_status card_make(const struct card *card, const char *metrics, char **text,
                           struct lstm_error *err)
{
    struct json_text out = { 0 };
    card_text(&out, "{\"data\":", card->data);
    card_text(&out, ",\"terms\":", card->terms);
    card_integer(&out, ",\"texts\":", card->texts);
    card_integer(&out, ",\"tokens\":", card->tokens);
    card_text(&out, ",\"run\":", card->run);
    json_put(&out, ",\"metrics\":");
    json_put(&out, metrics);
    json_put(&out, "}");
    return card_take(&out, text, err);
}
