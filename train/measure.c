#include "train/measure.h"

#include "train/progress.h"

#include <math.h>

/* The extension, linked into this program. */
int sqlite3_lstmext_init(sqlite3 *db, char **message, const sqlite3_api_routines *api);

enum lstm_status measure_failed(sqlite3 *db, struct lstm_error *err)
{
    return lstm_fail(err, LSTM_UNAVAILABLE, "%s", sqlite3_errmsg(db));
}

enum lstm_status measure_run(sqlite3 *db, const char *sql, struct lstm_error *err)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) ? measure_failed(db, err) : LSTM_OK;
}

enum lstm_status measure_rows(const struct rows_source *source, const char *labels_from,
                              struct rows *rows, struct lstm_error *err)
{
    enum lstm_status rc = rows_read(source, rows, err);
    if (rc)
        return rc;
    if (rows->count == 0)
        return lstm_fail(err, LSTM_RANGE, "there is no row to score");
    if (!rows->rows[0].label)
        return lstm_fail(err, LSTM_RANGE, "the rows have no labels: %s", labels_from);
    return LSTM_OK;
}

enum lstm_status measure_open(const char *models_db, sqlite3 **db, struct lstm_error *err)
{
    char *message = NULL;
    if (sqlite3_open_v2(
            models_db ? models_db : ":memory:", db,
            models_db ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL))
        return lstm_fail(err, LSTM_UNAVAILABLE, "%s: %s",
                         models_db ? models_db : ":memory:", sqlite3_errmsg(*db));
    int rc = sqlite3_lstmext_init(*db, &message, NULL);
    if (rc != SQLITE_OK && rc != SQLITE_OK_LOAD_PERMANENTLY) {
        lstm_fail(err, LSTM_UNAVAILABLE, "the extension did not start: %s",
                  message ? message : sqlite3_errmsg(*db));
        sqlite3_free(message);
        return LSTM_UNAVAILABLE;
    }
    return measure_run(
        *db,
        "PRAGMA temp_store = memory;"
        "CREATE TEMP TABLE given(id INTEGER PRIMARY KEY, text, label, key, tokens INTEGER)",
        err);
}

enum lstm_status measure_give(sqlite3 *db, const struct rows *rows, const char *model,
                              int64_t *tokens, struct lstm_error *err)
{
    enum lstm_status rc = measure_run(db, "BEGIN", err);
    sqlite3_stmt *stmt = NULL;
    if (rc)
        return rc;
    if (sqlite3_prepare_v2(db,
                           "INSERT INTO given(text, label, key, tokens)"
                           " VALUES (?1, ?2, ?4, (SELECT count(*) FROM lstm_tokens(?1, ?3)))",
                           -1, &stmt, NULL))
        return measure_failed(db, err);
    sqlite3_bind_text(stmt, 3, model, -1, SQLITE_STATIC);
    for (int32_t i = 0; i < rows->count && !rc; i++) {
        sqlite3_bind_text64(stmt, 1, rows->rows[i].text, rows->rows[i].size, SQLITE_STATIC,
                            SQLITE_UTF8);
        sqlite3_bind_text(stmt, 2, rows->rows[i].label, -1, SQLITE_STATIC);
        sqlite3_bind_text(stmt, 4, rows->keys ? rows->keys[i] : NULL, -1, SQLITE_STATIC);
        if (sqlite3_step(stmt) != SQLITE_DONE)
            rc = measure_failed(db, err);
        sqlite3_reset(stmt);
    }
    sqlite3_finalize(stmt);
    if (rc || (rc = measure_run(db, "COMMIT", err)))
        return rc;
    if (sqlite3_prepare_v2(db, "SELECT total(tokens) FROM given", -1, &stmt, NULL) ||
        sqlite3_step(stmt) != SQLITE_ROW)
        rc = measure_failed(db, err);
    else
        *tokens = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return rc;
}

int measure_has_keys(sqlite3 *db)
{
    sqlite3_stmt *stmt = NULL;
    const int has = !sqlite3_prepare_v2(db, "SELECT 1 FROM given WHERE key IS NOT NULL LIMIT 1", -1,
                                        &stmt, NULL) &&
                    sqlite3_step(stmt) == SQLITE_ROW;
    sqlite3_finalize(stmt);
    return has;
}

enum lstm_status measure_each(sqlite3_stmt *select, const char *what, int64_t tokens,
                              enum lstm_status (*take)(void *arg, sqlite3_stmt *select,
                                                       struct lstm_error *err),
                              void *arg, struct lstm_error *err)
{
    struct progress progress;
    int64_t done = 0;
    int step;
    progress_begin(&progress, what, tokens);
    while ((step = sqlite3_step(select)) == SQLITE_ROW) {
        enum lstm_status rc = take(arg, select, err);
        if (rc)
            return rc;
        done += sqlite3_column_int64(select, 1);
        progress_step(&progress, done, NAN);
    }
    if (step != SQLITE_DONE)
        return measure_failed(sqlite3_db_handle(select), err);
    progress_end(&progress, "done");
    return LSTM_OK;
}
