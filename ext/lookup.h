/* Which model a name stands for: the highest version of that name in the tables lstm_models of
 * main, temp and the attached databases, else a model inside the extension. Names that begin with
 * "default-" mean the latter at once.
 *
 * Nothing is remembered from one look-up to the next, neither rows nor prepared statements: rows
 * change and roll back, databases come and go, and a statement that outlived the call would keep
 * sqlite3_close from closing. */
#ifndef EXT_LOOKUP_H
#define EXT_LOOKUP_H

#include "embedded.h"
#include "failure.h"

enum { MODEL_NAME_SIZE = 65 }; /* with its NUL */

/* Letters, digits, '.', '_' and '-', the first a letter or a digit, less than MODEL_NAME_SIZE of
 * them. */
int model_name_valid(const char *name, size_t size);

/* A transaction or savepoint of our own, for statements of ours inside the statement that calls us.
 * Zeroed: none. */
struct nested_sql {
    const char *begin, *keep, *undo[2]; /* undo[1] may be NULL */
};
struct nested {
    sqlite3_stmt *keep, *undo[2], *abandon;
    int begun;
};

/* The caller ends it with nested_end, whatever this returns. what is what the caller cannot do if
 * this fails. */
int nested_begin(sqlite3 *db, const struct nested_sql *sql, struct nested *nested, const char *what,
                 struct failure *failure);

/* rc is how the statements in between went: keeps or undoes them. Returns rc, or the failure of
 * keeping them. Where an interrupt lets it do neither, the transaction is rolled back, also where
 * that is the user's and ours a savepoint in it: so does SQLite itself when it interrupts a
 * statement that writes. */
int nested_end(sqlite3 *db, struct nested *nested, int rc, const char *what,
               struct failure *failure);

struct found {
    char name[MODEL_NAME_SIZE];
    char sha256[SHA256_HEX_SIZE]; /* as the row says; the blob may have been altered */
    char what[400];               /* for errors: "model 'a' (version 2, database 'main')" */
    char database[200];           /* "": inside the extension */
    const struct embedded *embedded;
    sqlite3_stmt *row; /* at the row, where it is one */
    struct nested nested;
};

/* The caller ends it with lookup_close, whatever this returns. Errors: FAILURE_MODEL when no
 * database has the name, when two have it with different hashes, or when a table cannot be read. */
int lookup_open(sqlite3 *db, const char *name, struct found *found, struct failure *failure);

/* The blob, valid until lookup_close. It may be anything: see shared_check. */
int lookup_blob(const struct found *found, const void **blob, size_t *size,
                struct failure *failure);

/* Returns rc, or the failure of ending the look-up when rc is SQLITE_OK. */
int lookup_close(sqlite3 *db, struct found *found, int rc, struct failure *failure);

/* Whether some statement that writes is at work on this connection. */
int connection_writes(sqlite3 *db);

#endif
