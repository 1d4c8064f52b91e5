/* What a user reads when something went wrong: "LSTM_ERR_MODEL: no model named 'reviews' ...". The
 * codes are a closed set. A message says the value, the bound and what to do; it never echoes the
 * scored text. */
#ifndef EXT_FAILURE_H
#define EXT_FAILURE_H

#include "model/error.h"
#include "sqlite.h"

#include <stddef.h>

enum failure_code {
    FAILURE_MODEL,   /* LSTM_ERR_MODEL: unknown, ambiguous, altered, not a model, cannot be read or
                        stored */
    FAILURE_OPTIONS, /* LSTM_ERR_OPTIONS: not JSON, an unknown key, a wrong type, out of range */
    FAILURE_TASK,    /* LSTM_ERR_TASK: a valid model that was made for something else */
    FAILURE_INPUT,   /* LSTM_ERR_INPUT: another argument that cannot be used */
    FAILURE_DEVICE,  /* LSTM_ERR_DEVICE: a device that is not there */
    FAILURE_NOMEM,   /* SQLite's own "out of memory" */
    FAILURE_INTERRUPTED /* SQLite's own "interrupted" */
};

struct failure {
    int rc;         /* the result code that SQLite gets: never SQLITE_OK once set */
    char text[800]; /* with the code in front */
};

/* Fills failure and returns its result code, so that a failure is one line: return
 * failure_set(failure, ...). What is too long is cut at a character. */
int failure_set(struct failure *failure, enum failure_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* How many of the bytes are whole characters of UTF-8, where they were cut off at size. */
size_t failure_cut(const char *bytes, size_t size);

/* From an error of model/, about what ("model 'reviews'"). */
int failure_of_model(struct failure *failure, const struct lstm_error *err, const char *what);

/* From the error that is pending on the connection. what is what could not be done ("cannot store
 * the model"). */
int failure_of_sqlite(struct failure *failure, sqlite3 *db, const char *what);

/* Makes it the result of a function, or of a method of a virtual table, which returns what this
 * returns. */
void failure_result(const struct failure *failure, sqlite3_context *context);
int failure_of_vtab(const struct failure *failure, sqlite3_vtab *vtab);

#endif
