/* What lstm-train eval measures on the rows that measure_give has put into the table given:
 * everything comes from the extension's SQL functions, as a user's answers would, and is reported
 * on stdout. */
#ifndef TRAIN_EVAL_H
#define TRAIN_EVAL_H

#include "train/rows.h"

#include <sqlite3.h>
#include <stdint.h>

struct eval {
    const char *model;   /* NULL: the classifier inside the extension; of summaries never NULL */
    const char *options; /* of lstm_summarize, a JSON object; NULL: none */
    int32_t examples;    /* summaries to show beside their references; wrong answers */
};

/* Accuracy, balanced accuracy, F1, calibration, each class, confusions, accuracy by length, wrong
 * answers. tokens: of all rows, for progress. */
enum lstm_status eval_classes(sqlite3 *db, const struct eval *eval, int64_t tokens,
                              struct lstm_error *err);

/* The same of a model's bytes on rows with labels, whatever these are. eval->model: a name for it.
 */
enum lstm_status eval_stored(const struct eval *eval, const void *blob, size_t size,
                             const struct rows *rows, struct lstm_error *err);

/* ROUGE-1/2/L F1 (see rouge.h), distinct outputs, novel words, length. */
enum lstm_status eval_summaries(sqlite3 *db, const struct eval *eval, int64_t tokens,
                                struct lstm_error *err);

#endif
