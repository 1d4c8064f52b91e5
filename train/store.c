#include "train/store.h"

#include "train/files.h"
#include "train/quantised.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

enum { BUSY_MS = 60000 }; /* for another writer to finish */

int sqlite3_lstmext_init(sqlite3 *db, char **message, const struct sqlite3_api_routines *api);

static enum lstm_status storage_of(const char *name, enum lstm_storage *storage,
                                   struct lstm_error *err)
{
    static const struct {
        const char *name;
        enum lstm_storage storage;
    } all[] = {
        { "int8", LSTM_I8 }, { "f16", LSTM_F16 }, { "bf16", LSTM_BF16 }, { "f32", LSTM_F32 }
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (!strcmp(name, all[i].name)) {
            *storage = all[i].storage;
            return LSTM_OK;
        }
    return lstm_fail(err, LSTM_RANGE, "--storage is \"%s\", expected int8, f16, bf16 or f32", name);
}

int store_quantises(const struct store_options *o)
{
    enum lstm_storage storage;
    return !storage_of(o->storage, &storage, NULL) && storage == LSTM_I8;
}

enum lstm_status store_check(const struct store_options *o, struct lstm_error *err)
{
    enum lstm_storage storage;
    if (!o->out && !o->database)
        return lstm_fail(
            err, LSTM_RANGE,
            "where should the model go? Give --name NAME, --into DATABASE --name NAME where it "
            "goes into another database than --db, or --out FILE");
    if (o->database && !o->name)
        return lstm_fail(err, LSTM_RANGE, "--into %s needs --name", o->database);
    return storage_of(o->storage, &storage, err);
}

enum lstm_status store_write(const struct store_options *o, const struct lstm_model *model,
                             void **blob, size_t *size, struct lstm_error *err)
{
    enum lstm_storage storage;
    enum lstm_status rc = storage_of(o->storage, &storage, err);
    *blob = NULL;
    if (rc)
        return rc;
    return storage == LSTM_I8 ? quantised_write(model, blob, size, err)
                              : lstm_model_write(model, storage, blob, size, err);
}

static enum lstm_status import(sqlite3 *db, const struct store_options *o, const void *blob,
                               size_t size, const char *metrics, struct lstm_error *err)
{
    sqlite3_stmt *statement = NULL;
    char *message = NULL;
    int rc = sqlite3_lstmext_init(db, &message, NULL);
    sqlite3_free(message);
    if (!rc)
        rc = sqlite3_prepare_v2(db, "SELECT lstm_model_import(?1, ?2, ?3)", -1, &statement, NULL);
    if (!rc) {
        sqlite3_bind_text(statement, 1, o->name, -1, SQLITE_STATIC);
        sqlite3_bind_blob64(statement, 2, blob, size, SQLITE_STATIC);
        sqlite3_bind_text(statement, 3, metrics, -1, SQLITE_STATIC);
        rc = sqlite3_step(statement);
    }
    if (rc != SQLITE_ROW)
        lstm_fail(err, LSTM_UNAVAILABLE, "%s: the model could not be stored as %s: %s", o->database,
                  o->name, sqlite3_errmsg(db));
    sqlite3_finalize(statement);
    return rc == SQLITE_ROW ? LSTM_OK : LSTM_UNAVAILABLE;
}

static enum lstm_status store(const struct store_options *o, const struct lstm_model *model,
                              const char *metrics, int is_rehearsal, struct lstm_error *err)
{
    void *blob;
    size_t size;
    sqlite3 *db = NULL;
    enum lstm_status rc = store_write(o, model, &blob, &size, err);
    if (rc)
        return rc;
    if (o->out &&
        (rc = is_rehearsal ? file_writable(o->out, err) : file_write(o->out, blob, size, err)))
        goto done;
    if (o->database && sqlite3_open(o->database, &db))
        rc =
            lstm_fail(err, LSTM_UNAVAILABLE, "cannot open %s: %s", o->database, sqlite3_errmsg(db));
    else if (o->database) {
        sqlite3_busy_timeout(db, BUSY_MS);
        if (is_rehearsal && sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL))
            rc = lstm_fail(err, LSTM_UNAVAILABLE, "cannot write to %s: %s", o->database,
                           sqlite3_errmsg(db));
        else
            rc = import(db, o, blob, size, metrics, err); /* closing rolls a rehearsal back */
    }
done:
    sqlite3_close(db);
    free(blob);
    return rc;
}

enum lstm_status store_rehearse(const struct store_options *o, const struct lstm_model *model,
                                struct lstm_error *err)
{
    return store(o, model, "{}", 1, err);
}

enum lstm_status store_model(const struct store_options *o, const struct lstm_model *model,
                             const char *metrics, struct lstm_error *err)
{
    return store(o, model, metrics, 0, err);
}
