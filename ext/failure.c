#include "failure.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int failure_set(struct failure *failure, enum failure_code code, const char *format, ...)
{
    static const struct {
        int rc;
        const char *name;
    } codes[] = {
        [FAILURE_MODEL] = { SQLITE_ERROR, "LSTM_ERR_MODEL: " },
        [FAILURE_OPTIONS] = { SQLITE_ERROR, "LSTM_ERR_OPTIONS: " },
        [FAILURE_TASK] = { SQLITE_ERROR, "LSTM_ERR_TASK: " },
        [FAILURE_INPUT] = { SQLITE_ERROR, "LSTM_ERR_INPUT: " },
        [FAILURE_DEVICE] = { SQLITE_ERROR, "LSTM_ERR_DEVICE: " },
        [FAILURE_NOMEM] = { SQLITE_NOMEM, "" },
        [FAILURE_INTERRUPTED] = { SQLITE_INTERRUPT, "" },
    };
    failure->rc = codes[code].rc;
    size_t prefix = strlen(codes[code].name);
    memcpy(failure->text, codes[code].name, prefix);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(failure->text + prefix, sizeof failure->text - prefix, format, arguments);
    va_end(arguments);
    return failure->rc;
}

int failure_of_model(struct failure *failure, const struct lstm_error *err, const char *what)
{
    static const enum failure_code codes[] = {
        [LSTM_OK] = FAILURE_MODEL,
        [LSTM_NOMEM] = FAILURE_NOMEM,
        [LSTM_RANGE] = FAILURE_INPUT,
        [LSTM_CORRUPT] = FAILURE_MODEL,
        [LSTM_MISMATCH] = FAILURE_TASK,
        [LSTM_UNAVAILABLE] = FAILURE_DEVICE,
        [LSTM_INTERRUPTED] = FAILURE_INTERRUPTED,
    };
    return failure_set(failure, codes[err->status], "%s: %s", what, err->text);
}

int failure_of_sqlite(struct failure *failure, sqlite3 *db, const char *what)
{
    int rc = sqlite3_extended_errcode(db);
    failure_set(failure, FAILURE_MODEL, "%s: %s", what, sqlite3_errmsg(db));
    /* A function that returned SQLITE_SCHEMA would make SQLite run the statement again from its start. */
    failure->rc = rc == SQLITE_OK || (rc & 0xff) == SQLITE_SCHEMA ? SQLITE_ERROR : rc;
    return failure->rc;
}

void failure_result(const struct failure *failure, sqlite3_context *context)
{
    if (failure->rc == SQLITE_NOMEM) {
        sqlite3_result_error_nomem(context);
        return;
    }
    if (failure->rc != SQLITE_INTERRUPT) /* SQLite has the words for that one */
        sqlite3_result_error(context, failure->text, -1);
    sqlite3_result_error_code(context, failure->rc);
}

int failure_of_vtab(const struct failure *failure, sqlite3_vtab *vtab)
{
    if (failure->rc != SQLITE_NOMEM && failure->rc != SQLITE_INTERRUPT) {
        sqlite3_free(vtab->zErrMsg);
        vtab->zErrMsg = sqlite3_mprintf("%s", failure->text);
    }
    return failure->rc;
}
