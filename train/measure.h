/* What lstm-train eval and compare stand on: a connection with the extension, and the rows to
 * measure in a table. */
#ifndef TRAIN_MEASURE_H
#define TRAIN_MEASURE_H

#include "train/rows.h"

#include <sqlite3.h>

/* Opens the database that holds the model, or none (NULL), to read alone: what is measured goes
 * into temporary tables. The caller closes *db, also after an error. */
enum lstm_status measure_open(const char *models_db, sqlite3 **db, struct lstm_error *err);

/* Reads the rows to measure on: at least one, with labels. labels_from says in an error where
 * labels come from. The caller frees *rows, also after an error. */
enum lstm_status measure_rows(const struct rows_source *source, const char *labels_from,
                              struct rows *rows, struct lstm_error *err);

/* Copies the rows into the table given(id, text, label, key, tokens), tokens as the model counts
 * them; their sum goes to *tokens. */
enum lstm_status measure_give(sqlite3 *db, const struct rows *rows, const char *model,
                              int64_t *tokens, struct lstm_error *err);

/* Whether the rows have keys. */
int measure_has_keys(sqlite3 *db);

/* SQL: the beginning of a text, for one line of a table. */
#define MEASURE_EXCERPT(text) "substr(" text ", 1, 89) || iif(length(" text ") > 89, '…', '')"

/* Steps a select over all rows, whose second column is a row's tokens, and gives each to take. what
 * names the work where progress is shown; tokens: of all rows. */
enum lstm_status measure_each(sqlite3_stmt *select, const char *what, int64_t tokens,
                              enum lstm_status (*take)(void *arg, sqlite3_stmt *select,
                                                       struct lstm_error *err),
                              void *arg, struct lstm_error *err);

enum lstm_status measure_run(sqlite3 *db, const char *sql, struct lstm_error *err);
enum lstm_status
measure_failed(sqlite3 *db, struct lstm_error *err); /* LSTM_UNAVAILABLE with SQLite's message */

#endif
