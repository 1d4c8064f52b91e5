/* Texts and labels for training, from any SQLite database by a query, or from a CSV file. */
#ifndef TRAIN_ROWS_H
#define TRAIN_ROWS_H

#include "model/error.h"

#include <stddef.h>
#include <stdint.h>

struct row {
    const char *text; /* NUL-terminated, but may hold NULs inside: size counts */
    size_t size;
    const char *label; /* NULL where the source has no label column */
};

struct rows {
    int32_t count;
    struct row *rows;  /* their strings live in blocks that rows_free releases */
    const char **keys; /* count: what a third column calls them; NULL: there is none */
    struct rows_block *blocks;
    int32_t skipped; /* rows whose text or label was NULL */
};

/* Either database and query (first column text, second label, third a key that names the row in
 * reports; the last one or two may be missing), or csv
 * (RFC 4180 with a header line; columns by name, label_column NULL: unlabelled). A path that ends
 * in .xz is read through `xz -dc`. */
struct rows_source {
    const char *database, *query;
    const char *csv, *text_column, *label_column;
};

/* Errors say the file, the line or the SQL error. On error *rows is empty. */
enum lstm_status rows_read(const struct rows_source *source, struct rows *rows,
                           struct lstm_error *err);
void rows_free(struct rows *rows);

#endif
