/* What becomes of a trained model: a file, a row in a database, or both. */
#ifndef TRAIN_STORE_H
#define TRAIN_STORE_H

#include "model/model.h"

struct store_options {
    const char *out;      /* a file, or NULL */
    const char *database; /* a SQLite database whose table lstm_models takes the model, or NULL */
    const char *name;     /* its name there */
    const char *storage;  /* "int8", "f16", "bf16" or "f32" */
};

/* Whether the model will be quantised; that of options which store_check refuses is 0. */
int store_quantises(const struct store_options *options);

/* Whether the options make sense together. */
enum lstm_status store_check(const struct store_options *options, struct lstm_error *err);

/* The model's bytes as they will be stored; the caller frees them. */
enum lstm_status store_write(const struct store_options *options, const struct lstm_model *model,
                             void **blob, size_t *size, struct lstm_error *err);

/* Does with an untrained model all that store_model will do, and takes it back: so that what would
 * fail after hours of training fails before them. */
enum lstm_status store_rehearse(const struct store_options *options, const struct lstm_model *model,
                                struct lstm_error *err);

/* metrics: a JSON object for the row. The row, its card and its metrics go in by one transaction,
 * through the extension's lstm_model_import. */
enum lstm_status store_model(const struct store_options *options, const struct lstm_model *model,
                             const char *metrics, struct lstm_error *err);

#endif
