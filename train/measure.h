/* What lstm-train eval stands on: a connection with the extension, and the rows to measure in a
 * table. */
#ifndef TRAIN_MEASURE_H
#define TRAIN_MEASURE_H

#include "train/rows.h"

#include <sqlite3.h>

/* Opens the database that holds the model, or none (NULL), to read alone: what is measured goes
 * into temporary tables. The caller closes *db, also after an error. */
enum lstm_status measure_open(const char *models_db, sqlite3 **db, struct lstm_error *err);

/* Copies the rows into the table given(id, text, label, tokens), tokens as the model counts them;
 * their sum goes to *tokens. */
enum lstm_status measure_give(sqlite3 *db, const struct rows *rows, const char *model,
                              int64_t *tokens, struct lstm_error *err);

enum lstm_status measure_run(sqlite3 *db, const char *sql, struct lstm_error *err);
enum lstm_status
measure_failed(sqlite3 *db, struct lstm_error *err); /* LSTM_UNAVAILABLE with SQLite's message */

#endif
