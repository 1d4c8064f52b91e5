/* Whole files in and out. */
#ifndef TRAIN_FILES_H
#define TRAIN_FILES_H

#include "model/error.h"

#include <stddef.h>

/* bytes: malloc'ed, a NUL behind them. Errors: LSTM_UNAVAILABLE with the path and the reason,
 * LSTM_NOMEM. */
enum lstm_status file_read(const char *path, unsigned char **bytes, size_t *size,
                           struct lstm_error *err);

/* Writes beside the file and renames, so that a file of that name is always whole. */
enum lstm_status file_write(const char *path, const void *bytes, size_t size,
                            struct lstm_error *err);

/* Whether file_write could write there now. */
enum lstm_status file_writable(const char *path, struct lstm_error *err);

#endif
