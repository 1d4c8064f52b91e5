#include "failure.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

size_t failure_cut(const char *bytes, size_t size)
{
    size_t lead = size; /* is behind the byte that begins the last character */
    while (lead > 0 && size - lead < 3 && ((unsigned char)bytes[lead - 1] & 0xc0) == 0x80)
        lead--;
    if (lead == 0)
        return size;
    unsigned char first = (unsigned char)bytes[lead - 1];
    size_t whole = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
    return whole > size - lead + 1 ? lead - 1 : size;
}

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
    size_t prefix = strlen(codes[code].name), room = sizeof failure->text - prefix;
    memcpy(failure->text, codes[code].name, prefix);
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(failure->text + prefix, room, format, arguments);
    va_end(arguments);
    if (size > 0 && (size_t)size >= room)
        failure->text[failure_cut(failure->text, sizeof failure->text - 1)] = '\0';
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
    /* The connection knows of no error: what failed was on its way there, for want of memory. */
    if (rc == SQLITE_OK || rc == SQLITE_ROW || rc == SQLITE_DONE)
        return failure_set(failure, FAILURE_NOMEM, "%s", what);
    failure_set(failure, FAILURE_MODEL, "%s: %s", what, sqlite3_errmsg(db));
    /* A function that returned SQLITE_SCHEMA would make SQLite run the statement again from its
     * start. */
    failure->rc = (rc & 0xff) == SQLITE_SCHEMA ? SQLITE_ERROR : rc;
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
