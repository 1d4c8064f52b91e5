/* Reads a CSV file (RFC 4180) a record at a time: quotes, line breaks inside them, CRLF, a byte
 * order mark. Blank lines between records are skipped. A path that ends in .xz is read through `xz
 * -dc`. */
#ifndef TRAIN_CSV_H
#define TRAIN_CSV_H

#include "model/error.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

struct csv {
    const char *path; /* not ours */
    FILE *file;
    pid_t xz; /* the process that feeds file, 0 when there is none */
    unsigned char buffer[1 << 16];
    size_t at, end;    /* what of the buffer is not read yet */
    int64_t line;      /* where the reader stands, from 1 */
    int64_t record_at; /* the line on which the current record began */
    char *bytes;       /* the current record's fields, each followed by a NUL */
    size_t size, capacity;
    size_t *begins; /* fields + 1 offsets into bytes; field i is begins[i + 1] - begins[i] - 1 bytes
                       long */
    int32_t fields, fields_max;
};

/* On error there is nothing to close. Errors: LSTM_UNAVAILABLE, LSTM_NOMEM. */
enum lstm_status csv_open(struct csv *csv, const char *path, struct lstm_error *err);

/* Reads the next record; *more is 0 at the end of the file. Its fields stand until the next call.
 * Errors: LSTM_CORRUPT with the line, LSTM_UNAVAILABLE when reading or xz failed, LSTM_NOMEM. */
enum lstm_status csv_next(struct csv *csv, int *more, struct lstm_error *err);

const char *csv_field(const struct csv *csv, int32_t field, size_t *size);
void csv_close(struct csv *csv);

#endif
