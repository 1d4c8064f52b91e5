#include "train/card.h"

#include <sqlite3.h>
#include <stdio.h>
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
    char seed[24];
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)card->seed);
    card_text(&out, "{\"data\":", card->about.data);
    card_text(&out, ",\"terms\":", card->about.terms);
    card_text(&out, ",\"intended_use\":", card->about.use);
    card_text(&out, ",\"limits\":", card->about.limits);
    card_text(&out, ",\"seed\":", seed);
    card_integer(&out, ",\"texts\":", card->texts);
    card_integer(&out, ",\"tokens\":", card->tokens);
    card_text(&out, ",\"run\":", card->run);
    json_put(&out, ",\"metrics\":");
    json_put(&out, metrics);
    json_put(&out, "}");
    return card_take(&out, text, err);
}

/* What one row of SQL makes of a card, ?1, and two more texts. */
static enum lstm_status ask(const char *sql, const char *card, const char *key, const char *value,
                            char **answer, struct lstm_error *err)
{
    const char *const arguments[] = { card, key, value };
    enum lstm_status rc = LSTM_OK;
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    *answer = NULL;
    int status = sqlite3_open(":memory:", &db);
    if (!status)
        status = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
    for (int i = 0; i < 3 && !status; i++)
        status = sqlite3_bind_text(stmt, i + 1, arguments[i], -1, SQLITE_STATIC);
    if (!status && sqlite3_step(stmt) == SQLITE_ROW)
        *answer = strdup((const char *)sqlite3_column_text(stmt, 0));
    if (!*answer)
        rc = lstm_fail(err, LSTM_NOMEM, "the model's card, \"%s\": %s", key, sqlite3_errmsg(db));
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return rc;
}

enum lstm_status card_get(const char *card, const char *key, char **value, struct lstm_error *err)
{
    return ask("SELECT coalesce((SELECT json(value) FROM json_each(?1)"
               " WHERE key = ?2 AND type = 'object'), ?3)",
               card, key, "{}", value, err);
}

enum lstm_status card_set(char **card, const char *key, const char *value, struct lstm_error *err)
{
    char *changed;
    enum lstm_status rc =
        ask("SELECT json_set(?1, '$.' || ?2, json(?3))", *card, key, value, &changed, err);
    if (rc)
        return rc;
    free(*card);
    *card = changed;
    return LSTM_OK;
}
