/* What classifiers answer to the rows of the table given (see measure.h), and how good that is: in
 * temporary tables of the same connection, reported on stdout. */
#ifndef TRAIN_ANSWERS_H
#define TRAIN_ANSWERS_H

#include "model/error.h"

#include <sqlite3.h>
#include <stdint.h>

/* Makes the tables models(number, name, sha256), answers(model, id, answer, confidence) and the
 * view scored: each row of given with each model's answer, and whether it is right. */
enum lstm_status answers_open(sqlite3 *db, struct lstm_error *err);

/* Scores all rows by one more model through SQL, as a user would. name: NULL for the classifier
 * inside the extension. tokens: of all rows, for progress. */
enum lstm_status answers_add(sqlite3 *db, const char *name, int64_t tokens, struct lstm_error *err);

/* After the last model: labels 0 and 1 become negative and positive where these are the answers;
 * counts confusions. A row without an answer (no token in it) counts as wrong. */
enum lstm_status answers_count(sqlite3 *db, struct lstm_error *err);

/* Whether every model knows some label of the rows; LSTM_MISMATCH with a label and an answer. */
enum lstm_status answers_check(sqlite3 *db, struct lstm_error *err);

/* A line a model: its hash and rows; accuracy, balanced accuracy (mean recall), F1 averaged over
 * the classes, expected calibration error (Guo et al. 2017: 15 bins of confidence). */
enum lstm_status answers_report(sqlite3 *db, struct lstm_error *err);

/* The bins: how sure, how often right. */
enum lstm_status answers_report_bins(sqlite3 *db, struct lstm_error *err);

/* Of the one model that there is: each class, what it is taken for, accuracy by length, and so many
 * wrong answers, the most confident first. */
enum lstm_status answers_report_classes(sqlite3 *db, struct lstm_error *err);
enum lstm_status answers_report_errors(sqlite3 *db, int32_t examples, struct lstm_error *err);

/* A blank line, and what a query gives; sql is freed by sqlite3_free, NULL: LSTM_NOMEM. */
enum lstm_status answers_print(sqlite3 *db, char *sql, struct lstm_error *err);

#endif
