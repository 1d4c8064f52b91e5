#include "score_rows.h"

#include "interrupt.h"

#include <string.h>

static const struct lstm_model *model_of(const struct score_rows *rows)
{
    return lstm_scorer_model(rows->model->shared->scorer);
}

static int check_model(struct score_rows *rows, struct failure *failure)
{
    const struct lstm_model *model = model_of(rows);
    if (!strcmp(model->task, "summarize"))
        return failure_set(failure, FAILURE_TASK,
                           "model '%s' has the task '%s', lstm_score needs 'classify' or "
                           "'sentiment'; use lstm_summarize",
                           rows->model->name, model->task);
    if (strcmp(model->task, "sentiment"))
        return SQLITE_OK;
    for (int32_t i = 0; i < model->sizes.classes; i++)
        if (!strcmp(model->labels[i], "positive"))
            rows->positive = i;
    if (rows->positive < 0)
        return failure_set(failure, FAILURE_MODEL,
                           "model '%s' has no label \"positive\", which the score of a model with "
                           "the task 'sentiment' needs",
                           rows->model->name);
    return SQLITE_OK;
}

int score_rows_open(struct bound *model, int32_t batch, int unknown, struct score_rows *rows,
                    struct failure *failure)
{
    *rows =
        (struct score_rows){ .model = model, .batch = batch, .unknown = unknown, .positive = -1 };
    int rc = check_model(rows, failure);
    if (rc)
        return rc;
    const size_t n = (size_t)batch, classes = (size_t)model_of(rows)->sizes.classes;
    rows->owners =
        sqlite3_malloc64(n * (sizeof *rows->owners + sizeof *rows->values + sizeof *rows->texts +
                              classes * sizeof *rows->probabilities + sizeof *rows->token_counts));
    if (!rows->owners)
        return failure_set(failure, FAILURE_NOMEM, "a batch");
    rows->values = (sqlite3_value **)(rows->owners + n);
    rows->texts = (struct lstm_text *)(rows->values + n);
    rows->probabilities = (float *)(rows->texts + n);
    rows->token_counts = (int32_t *)(rows->probabilities + n * classes);
    return SQLITE_OK;
}

static void drop_texts(struct score_rows *rows)
{
    for (int32_t i = 0; i < rows->pending; i++)
        sqlite3_value_free(rows->values[i]);
    rows->pending = 0;
}

void score_rows_clear(struct score_rows *rows)
{
    drop_texts(rows);
    for (sqlite3_int64 i = 0; i < rows->count; i++) {
        sqlite3_value_free(rows->rows[i].key);
        sqlite3_free(rows->rows[i].error);
    }
    rows->count = 0;
}

void score_rows_close(struct score_rows *rows)
{
    score_rows_clear(rows);
    sqlite3_free(rows->rows);
    sqlite3_free(rows->owners);
    lstm_tokens_free(&rows->tokens);
    *rows = (struct score_rows){ .rows = NULL };
}

static struct score_row *add_row(struct score_rows *rows)
{
    if (rows->count == rows->capacity) {
        sqlite3_int64 capacity = rows->capacity ? 2 * rows->capacity : rows->batch;
        struct score_row *grown =
            sqlite3_realloc64(rows->rows, (sqlite3_uint64)capacity * sizeof *grown);
        if (!grown)
            return NULL;
        rows->rows = grown;
        rows->capacity = capacity;
    }
    struct score_row *row = &rows->rows[rows->count++];
    *row = (struct score_row){ .tokens = -1, .label = -1 };
    return row;
}

/* A NULL text is a row without more. */
static int read_row(struct score_rows *rows, sqlite3_stmt *statement, size_t *bytes,
                    struct failure *failure)
{
    struct score_row *row = add_row(rows);
    if (!row || !(row->key = sqlite3_value_dup(sqlite3_column_value(statement, QUERY_KEY))))
        return failure_set(failure, FAILURE_NOMEM, "a row");
    if (sqlite3_column_type(statement, QUERY_TEXT) == SQLITE_NULL)
        return SQLITE_OK;
    sqlite3_value *value = sqlite3_value_dup(sqlite3_column_value(statement, QUERY_TEXT));
    if (!value)
        return failure_set(failure, FAILURE_NOMEM, "a text");
    const int32_t at = rows->pending++;
    rows->values[at] = value;
    rows->owners[at] = rows->count - 1;
    int rc = text_read(value, &rows->texts[at], failure);
    *bytes += rc ? 0 : rows->texts[at].size;
    return rc;
}

int score_rows_read(struct score_rows *rows, struct score_query *query, struct failure *failure)
{
    size_t bytes = 0;
    int rc = SQLITE_OK;
    for (int32_t i = 0; !rc && query->statement && i < rows->batch && bytes < SCORE_BATCH_BYTES;
         i++) {
        rc = read_row(rows, query->statement, &bytes, failure);
        if (!rc)
            rc = score_query_next(query, failure);
    }
    return rc;
}

/* The share of a text's characters, in bytes after normalisation and white space aside, that no
 * entry of the vocabulary covers. */
static int unknown_share(struct score_rows *rows, const struct lstm_text *text, double *share,
                         struct failure *failure)
{
    const struct lstm_tokenizer *tokenizer = model_of(rows)->tokenizer;
    struct lstm_error err;
    size_t bytes = 0;
    rows->tokens.count = 0;
    rows->tokens.fallback_bytes = 0;
    if (lstm_tokenize(tokenizer, text->bytes, text->size, 0, &rows->tokens, &err))
        return failure_of_model(failure, &err, "the text cannot be cut");
    for (int32_t t = 0; t < rows->tokens.count; t++) {
        size_t size = 0;
        const char *entry = lstm_tokenizer_entry(tokenizer, rows->tokens.ids[t], &size);
        for (size_t i = 0; i < size; i++)
            bytes += entry[i] != ' ';
    }
    *share = bytes ? (double)rows->tokens.fallback_bytes / (double)bytes : 0;
    return SQLITE_OK;
}

static int fill_row(struct score_rows *rows, int32_t at, struct failure *failure)
{
    const int32_t classes = model_of(rows)->sizes.classes;
    const float *probabilities = rows->probabilities + (size_t)at * (size_t)classes;
    struct score_row *row = &rows->rows[rows->owners[at]];
    row->tokens = rows->token_counts[at];
    if (row->tokens == 0)
        return SQLITE_OK;
    row->label = 0;
    for (int32_t i = 1; i < classes; i++)
        if (probabilities[i] > probabilities[row->label])
            row->label = i;
    row->confidence = probabilities[row->label];
    if (rows->positive >= 0)
        row->score = 2 * (double)probabilities[rows->positive] - 1;
    return rows->unknown ? unknown_share(rows, &rows->texts[at], &row->unknown, failure)
                         : SQLITE_OK;
}

/* Each text by itself, so that only those fail that have to. */
static int score_alone(struct score_rows *rows, struct lstm_worker *worker,
                       struct interrupt *interrupt, struct failure *failure)
{
    const size_t classes = (size_t)model_of(rows)->sizes.classes;
    int rc = SQLITE_OK;
    for (int32_t i = 0; !rc && i < rows->pending; i++) {
        struct score_row *row = &rows->rows[rows->owners[i]];
        struct lstm_error err;
        if (!lstm_worker_classify(worker, &rows->texts[i], 1, interrupt_asked, interrupt,
                                  rows->probabilities + (size_t)i * classes, &rows->token_counts[i],
                                  &err)) {
            rc = fill_row(rows, i, failure);
            continue;
        }
        failure_of_model(failure, &err, "the text cannot be scored");
        if (err.status == LSTM_INTERRUPTED)
            return failure->rc;
        if (!(row->error = sqlite3_mprintf("%s", failure->text)))
            rc = failure_set(failure, FAILURE_NOMEM, "an error");
    }
    return rc;
}

int score_rows_score(struct score_rows *rows, sqlite3 *db, struct failure *failure)
{
    struct lstm_worker *worker = NULL;
    struct interrupt interrupt = interrupt_watch(db);
    struct lstm_error err;
    int rc = bound_worker(rows->model, &worker, failure);
    if (rc)
        return rc;
    if (!lstm_worker_classify(worker, rows->texts, rows->pending, interrupt_asked, &interrupt,
                              rows->probabilities, rows->token_counts, &err)) {
        for (int32_t i = 0; !rc && i < rows->pending; i++)
            rc = fill_row(rows, i, failure);
    } else if (err.status == LSTM_INTERRUPTED) {
        rc = failure_of_model(failure, &err, "the texts cannot be scored");
    } else {
        rc = score_alone(rows, worker, &interrupt, failure);
    }
    drop_texts(rows);
    return rc;
}
