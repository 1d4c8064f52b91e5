/* Texts and labels for training: from a database by a query, or from a CSV file. */
#include "train/rows.h"

#include "train/csv.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_SIZE = 1 << 20 }; /* strings are small and many: one allocation holds thousands */

struct rows_block {
    struct rows_block *next;
    size_t used, capacity;
    char bytes[];
};

static char *block_take(struct rows *rows, size_t size)
{
    struct rows_block *block = rows->blocks;
    if (!block || block->capacity - block->used < size) {
        size_t capacity = size > BLOCK_SIZE ? size : BLOCK_SIZE;
        block = malloc(sizeof *block + capacity);
        if (!block)
            return NULL;
        *block = (struct rows_block){ .next = rows->blocks, .capacity = capacity };
        rows->blocks = block;
    }
    char *bytes = block->bytes + block->used;
    block->used += size;
    return bytes;
}

static const char *keep(struct rows *rows, const char *bytes, size_t size)
{
    char *copy = block_take(rows, size + 1);
    if (copy) {
        if (size)
            memcpy(copy, bytes, size);
        copy[size] = '\0';
    }
    return copy;
}

/* capacity: what rows->rows has room for. label may be NULL, and key where it always is. */
static enum lstm_status append(struct rows *rows, int32_t *capacity, const char *text, size_t size,
                               const char *label, const char *key, struct lstm_error *err)
{
    if (rows->count == *capacity) {
        if (*capacity > INT32_MAX / 2)
            return lstm_fail(err, LSTM_RANGE, "more than %d rows, train on fewer", *capacity);
        int32_t grown = *capacity ? 2 * *capacity : 1024;
        struct row *row = realloc(rows->rows, (size_t)grown * sizeof *row);
        if (!row)
            return lstm_fail(err, LSTM_NOMEM, "no memory for %d rows", grown);
        rows->rows = row;
        const char **keys = key ? realloc(rows->keys, (size_t)grown * sizeof *keys) : NULL;
        if (key && !keys)
            return lstm_fail(err, LSTM_NOMEM, "no memory for %d rows", grown);
        rows->keys = key ? keys : rows->keys;
        *capacity = grown;
    }
    struct row *row = &rows->rows[rows->count];
    row->text = keep(rows, text, size);
    row->size = size;
    row->label = label ? keep(rows, label, strlen(label)) : NULL;
    if (key)
        rows->keys[rows->count] = keep(rows, key, strlen(key));
    if (!row->text || (label && !row->label) || (key && !rows->keys[rows->count]))
        return lstm_fail(err, LSTM_NOMEM, "no memory for row %d of %zu bytes", rows->count + 1,
                         size);
    rows->count++;
    return LSTM_OK;
}

void rows_free(struct rows *rows)
{
    for (struct rows_block *block = rows->blocks, *next; block; block = next) {
        next = block->next;
        free(block);
    }
    free(rows->rows);
    free(rows->keys);
    memset(rows, 0, sizeof *rows);
}

static enum lstm_status sql_failed(sqlite3 *db, const char *path, struct lstm_error *err)
{
    return lstm_fail(err, LSTM_UNAVAILABLE, "%s: %s", path, sqlite3_errmsg(db));
}

/* Prepares exactly one statement that reads and gives one to three columns. */
static enum lstm_status prepare(sqlite3 *db, const struct rows_source *source, sqlite3_stmt **stmt,
                                struct lstm_error *err)
{
    const char *tail = source->query;
    if (sqlite3_prepare_v2(db, tail, -1, stmt, &tail))
        return sql_failed(db, source->database, err);
    if (!*stmt)
        return lstm_fail(err, LSTM_RANGE, "the query is empty, expected SELECT text, label ...");
    while (*tail) { /* spaces and comments may follow, a second statement may not */
        sqlite3_stmt *second = NULL;
        const char *rest = tail;
        int failed = sqlite3_prepare_v2(db, tail, -1, &second, &rest);
        sqlite3_finalize(second);
        if (failed || second)
            return lstm_fail(err, LSTM_RANGE,
                             "the query is more than one statement, expected one SELECT");
        tail = rest;
    }
    int columns = sqlite3_column_count(*stmt);
    if (!sqlite3_stmt_readonly(*stmt))
        return lstm_fail(err, LSTM_RANGE, "the query would write, expected SELECT text, label ...");
    if (columns < 1 || columns > 3)
        return lstm_fail(err, LSTM_RANGE,
                         "the query gives %d columns, expected 1 to 3: text, label, key", columns);
    return LSTM_OK;
}

static enum lstm_status append_result(sqlite3_stmt *stmt, struct rows *rows, int32_t *capacity,
                                      struct lstm_error *err)
{
    int labelled = sqlite3_column_count(stmt) >= 2, keyed = sqlite3_column_count(stmt) == 3;
    int blob = sqlite3_column_type(stmt, 0) == SQLITE_BLOB;
    if (sqlite3_column_type(stmt, 0) == SQLITE_NULL ||
        (labelled && sqlite3_column_type(stmt, 1) == SQLITE_NULL)) {
        rows->skipped++;
        return LSTM_OK;
    }
    const char *text =
        blob ? sqlite3_column_blob(stmt, 0) : (const char *)sqlite3_column_text(stmt, 0);
    size_t size = (size_t)sqlite3_column_bytes(stmt, 0);
    const char *label = labelled ? (const char *)sqlite3_column_text(stmt, 1) : NULL;
    const int is_null = keyed && sqlite3_column_type(stmt, 2) == SQLITE_NULL;
    const char *key = is_null ? "NULL" : keyed ? (const char *)sqlite3_column_text(stmt, 2) : NULL;
    if ((!text && size) || (labelled && !label) || (keyed && !key))
        return lstm_fail(err, LSTM_NOMEM, "no memory for row %d", rows->count + 1);
    return append(rows, capacity, text, size, label, key, err);
}

static enum lstm_status read_database(const struct rows_source *source, struct rows *rows,
                                      struct lstm_error *err)
{
    enum lstm_status rc = LSTM_OK;
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    int32_t capacity = 0;
    int step = SQLITE_DONE;
    if (sqlite3_open_v2(source->database, &db, SQLITE_OPEN_READONLY, NULL)) {
        rc = sql_failed(db, source->database, err);
        goto done;
    }
    sqlite3_busy_timeout(db, 10000);
    if ((rc = prepare(db, source, &stmt, err)))
        goto done;
    while ((step = sqlite3_step(stmt)) == SQLITE_ROW)
        if ((rc = append_result(stmt, rows, &capacity, err)))
            goto done;
    if (step != SQLITE_DONE)
        rc = sql_failed(db, source->database, err);
done:
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return rc;
}

static enum lstm_status find_column(const struct csv *csv, const char *name, int32_t *column,
                                    struct lstm_error *err)
{
    char names[200] = "";
    size_t at = 0;
    for (*column = 0; *column < csv->fields; ++*column) {
        size_t size;
        const char *field = csv_field(csv, *column, &size);
        if (!strcmp(field, name))
            return LSTM_OK;
        if (at + size + 3 < sizeof names)
            at += (size_t)snprintf(names + at, sizeof names - at, "%s%s", at ? ", " : "", field);
    }
    return lstm_fail(err, LSTM_RANGE, "%s has no column %s, it has: %s", csv->path, name, names);
}

static enum lstm_status read_records(struct csv *csv, const struct rows_source *source,
                                     struct rows *rows, struct lstm_error *err)
{
    enum lstm_status rc;
    int32_t text_column = 0, label_column = 0, capacity = 0;
    int more;
    size_t size, label_size;
    if ((rc = csv_next(csv, &more, err)))
        return rc;
    if (!more)
        return lstm_fail(err, LSTM_CORRUPT, "%s is empty, expected a line of column names",
                         csv->path);
    int32_t columns = csv->fields;
    if ((rc = find_column(csv, source->text_column, &text_column, err)) ||
        (source->label_column && (rc = find_column(csv, source->label_column, &label_column, err))))
        return rc;
    while (!(rc = csv_next(csv, &more, err)) && more) {
        if (csv->fields != columns)
            return lstm_fail(err, LSTM_CORRUPT,
                             "%s:%lld: %d fields, expected %d as in the first line", csv->path,
                             (long long)csv->record_at, csv->fields, columns);
        const char *text = csv_field(csv, text_column, &size);
        const char *label = source->label_column ? csv_field(csv, label_column, &label_size) : NULL;
        if ((rc = append(rows, &capacity, text, size, label, NULL, err)))
            return rc;
    }
    return rc;
}

static enum lstm_status read_csv(const struct rows_source *source, struct rows *rows,
                                 struct lstm_error *err)
{
    struct csv csv;
    enum lstm_status rc = csv_open(&csv, source->csv, err);
    if (rc)
        return rc;
    rc = read_records(&csv, source, rows, err);
    csv_close(&csv);
    return rc;
}

enum lstm_status rows_read(const struct rows_source *source, struct rows *rows,
                           struct lstm_error *err)
{
    memset(rows, 0, sizeof *rows);
    int from_database = source->database && source->query && !source->csv;
    int from_csv = source->csv && source->text_column && !source->database && !source->query;
    if (!from_database && !from_csv)
        return lstm_fail(err, LSTM_RANGE,
                         "rows come from --db FILE with --sql SELECT, or from --csv FILE with "
                         "--text COLUMN: give one of the two, whole");
    enum lstm_status rc = from_csv ? read_csv(source, rows, err) : read_database(source, rows, err);
    if (rc)
        rows_free(rows);
    return rc;
}
