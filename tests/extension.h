/* Databases with the extension in them, for tests that go through SQL. Whatever fails here fails
 * the running test. */
#ifndef LSTM_TESTS_EXTENSION_H
#define LSTM_TESTS_EXTENSION_H

#include "tests/tiny_model.h"

#include <sqlite3.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* A connection; path ":memory:", or a name in extension_folder. extra: SQLITE_OPEN_READONLY, or 0.
 */
sqlite3 *extension_open(const char *path, int extra);
void extension_close(sqlite3 *db); /* with sqlite3_close: it fails where something was left open */

/* A new folder for this test's files, and removing it. Its path is the same until the next one is
 * made. */
const char *extension_folder(void);
void extension_folder_remove(void);

/* Imports a random model and returns its version. */
sqlite3_int64 extension_import(sqlite3 *db, const char *name, const struct tiny_model *tiny);

void run(sqlite3 *db, const char *sql); /* any statements, which have to succeed */

/* The first column of the first row. text: "NULL" for NULL; valid until the next call. */
const char *text_of(sqlite3 *db, const char *sql);
double real_of(sqlite3 *db, const char *sql);

/* The first column of the first row is this text. */
void expect(sqlite3 *db, const char *sql, const char *expected);

/* Each of so many expressions is 1. */
void expect_true(sqlite3 *db, const char *const *facts, size_t count);

/* Binds the model's file. */
void bind_model(sqlite3_stmt *s, int parameter, const struct tiny_model *tiny);

/* The statement fails with these words in its message; returns the result code. */
int fails_with(sqlite3 *db, const char *sql, const char *words);

#endif
