/* How good a classifier's answers are. */
#include "train/answers.h"
#include "train/eval.h"
#include "train/measure.h"

static enum lstm_status report(sqlite3 *db, const struct eval *eval, struct lstm_error *err)
{
    enum lstm_status rc = answers_report(db, err);
    if (rc || (rc = answers_report_classes(db, err)) || (rc = answers_report_bins(db, err)))
        return rc;
    return answers_report_errors(db, eval->examples, err);
}

static enum lstm_status score(sqlite3 *db, const struct eval *eval, int64_t tokens,
                              struct lstm_error *err)
{
    enum lstm_status rc = answers_open(db, err);
    if (rc || (rc = answers_add(db, eval->model, tokens, err)))
        return rc;
    return answers_count(db, err);
}

enum lstm_status eval_classes(sqlite3 *db, const struct eval *eval, int64_t tokens,
                              struct lstm_error *err)
{
    enum lstm_status rc = score(db, eval, tokens, err);
    if (rc || (rc = answers_check(db, err)))
        return rc;
    return report(db, eval, err);
}

static enum lstm_status import(sqlite3 *db, const char *name, const void *blob, size_t size,
                               struct lstm_error *err)
{
    enum lstm_status rc = LSTM_OK;
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(db, "SELECT lstm_model_import(?1, ?2)", -1, &stmt, NULL) ||
        sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC) ||
        sqlite3_bind_blob64(stmt, 2, blob, size, SQLITE_STATIC) || sqlite3_step(stmt) != SQLITE_ROW)
        rc = measure_failed(db, err);
    sqlite3_finalize(stmt);
    return rc;
}

enum lstm_status eval_stored(const struct eval *eval, const void *blob, size_t size,
                             const struct rows *rows, struct lstm_error *err)
{
    sqlite3 *db = NULL;
    int64_t tokens;
    enum lstm_status rc = measure_open(NULL, &db, err);
    if (rc || (rc = import(db, eval->model, blob, size, err)) ||
        (rc = measure_give(db, rows, eval->model, &tokens, err)) ||
        (rc = score(db, eval, tokens, err)))
        goto done;
    rc = report(db, eval, err);
done:
    sqlite3_close(db);
    return rc;
}
