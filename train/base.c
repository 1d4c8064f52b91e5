#include "train/base.h"

#include "train/embedding.h"
#include "train/files.h"
#include "train/measure.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The extension hands out what is stored, and its own models, through SQL. */
static enum lstm_status read_named(const char *name, const char *database, unsigned char **bytes,
                                   size_t *size, struct lstm_error *err)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    enum lstm_status rc = measure_open(database, &db, err);
    if (rc)
        goto done;
    if (sqlite3_prepare_v2(db, "SELECT lstm_model_export(?1)", -1, &stmt, NULL) ||
        sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC) || sqlite3_step(stmt) != SQLITE_ROW) {
        rc = lstm_fail(err, LSTM_UNAVAILABLE, "%s: %s", name, sqlite3_errmsg(db));
        goto done;
    }
    const void *blob = sqlite3_column_blob(stmt, 0);
    *size = (size_t)sqlite3_column_bytes(stmt, 0);
    if (!blob || !(*bytes = malloc(*size)))
        rc = lstm_fail(err, LSTM_NOMEM, "out of memory for a model of %zu bytes", *size);
    else
        memcpy(*bytes, blob, *size);
done:
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return rc;
}

enum lstm_status base_bytes(const char *from, const char *database, unsigned char **bytes,
                            size_t *size, struct lstm_error *err)
{
    *bytes = NULL;
    if (!strcmp(from, "default"))
        return read_named("default-sentiment", NULL, bytes, size, err);
    if (access(from, F_OK) || !strncmp(from, "default-", strlen("default-")))
        return read_named(from, database, bytes, size, err);
    return file_read(from, bytes, size, err);
}

enum lstm_status base_read(const char *from, const char *database, struct lstm_model **base,
                           struct lstm_error *err)
{
    unsigned char *bytes;
    size_t size;
    struct lstm_error why;
    *base = NULL;
    enum lstm_status rc = base_bytes(from, database, &bytes, &size, err);
    if (!rc && (rc = lstm_model_read(bytes, size, base, &why)))
        lstm_fail(err, rc, "%s: %s", from, why.text);
    if (!rc)
        lstm_model_dequantise(*base); /* training computes with floats */
    free(bytes);
    return rc;
}

enum lstm_status base_tokenizer(const struct lstm_model *base, int32_t multiple,
                                struct lstm_tokenizer **tokenizer, struct lstm_error *err)
{
    size_t size;
    const char *vocabulary = lstm_tokenizer_vocabulary(base->tokenizer, &size);
    enum lstm_status rc = lstm_tokenizer_open(vocabulary, size, tokenizer, err);
    return rc ? rc : vocabulary_cut(tokenizer, multiple, err);
}

/* What training goes on from is also the best so far. */
static void settle(struct trainer *t)
{
    memcpy(t->best, t->params, t->padded * sizeof *t->best);
    trainer_pack(t);
}

void base_share_encoder(const struct lstm_model *base, struct trainer *t)
{
    const size_t layers = lstm_direction_at(&t->sizes, 0, 0);
    const size_t count = lstm_direction_at(&t->sizes, t->sizes.layers, 0) - layers;
    memcpy(t->params, base->params, layers * sizeof *t->params);
    memcpy(t->params + layers, base->params + lstm_direction_at(&base->sizes, 0, 0),
           count * sizeof *t->params);
    settle(t);
}

int base_share_classifier(const struct lstm_model *base, const struct labels *labels,
                          struct trainer *t)
{
    if (base->sizes.classes != labels->count)
        return 0;
    for (int32_t i = 0; i < labels->count; i++)
        if (strcmp(base->labels[i], labels->names[i]))
            return 0;
    const size_t at = lstm_attention_at(&t->sizes), from = lstm_attention_at(&base->sizes);
    memcpy(t->params + at, base->params + from, (t->count - at) * sizeof *t->params);
    settle(t);
    return 1;
}

void base_keep(const struct lstm_model *base, double share, struct trainer *t)
{
    for (size_t i = 0; i < t->count; i++)
        t->params[i] += (float)share * (base->params[i] - t->params[i]);
    trainer_pack(t);
}
