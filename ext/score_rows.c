#include "score_rows.h"

#include "interrupt.h"

#include <string.h>

static const struct lstm_model *model_of(const struct score_rows *rows)
{
    return lstm_scorer_model(rows->request->bound->shared->scorer);
}

static int check_model(struct score_rows *rows, struct failure *failure)
{
    const struct lstm_model *model = model_of(rows);
    const char *name = rows->request->bound->name;
    if (!strcmp(model->task, "summarize"))
        return failure_set(failure, FAILURE_TASK,
                           "model '%s' has the task '%s', lstm_score needs 'classify' or "
                           "'sentiment'; use lstm_summarize",
                           name, model->task);
    if (strcmp(model->task, "sentiment"))
        return SQLITE_OK;
    rows->positive = rows->request->positive;
    if (rows->positive < 0)
        return failure_set(failure, FAILURE_MODEL,
                           "model '%s' has no label \"positive\", which the score of a model with "
                           "the task 'sentiment' needs",
                           name);
    return SQLITE_OK;
}

int score_rows_open(struct registry *registry, struct request *request, int32_t batch,
                    struct score_rows *rows, struct failure *failure)
{
    *rows = (struct score_rows){
        .registry = registry, .request = request, .batch = batch, .positive = -1
    };
    int rc = check_model(rows, failure);
    if (rc)
        return rc;
    const size_t n = (size_t)batch;
    rows->owners = sqlite3_malloc64(n * (sizeof *rows->owners + sizeof *rows->values +
                                         sizeof *rows->keys + sizeof *rows->texts));
    if (!rows->owners)
        return failure_set(failure, FAILURE_NOMEM, "a batch");
    rows->values = (sqlite3_value **)(rows->owners + n);
    rows->keys = (struct fingerprint *)(rows->values + n);
    rows->texts = (struct lstm_text *)(rows->keys + n);
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

/* No bytes: the text has no token. */
static void fill_row(const struct score_rows *rows, struct score_row *row, const void *bytes,
                     size_t size)
{
    const struct classes_result *result = bytes;
    row->tokens = 0;
    if (size == 0)
        return;
    row->tokens = result->tokens;
    row->unknown = result->unknown;
    row->label = 0;
    for (int32_t i = 1; i < model_of(rows)->sizes.classes; i++)
        if (result->probabilities[i] > result->probabilities[row->label])
            row->label = i;
    row->confidence = result->probabilities[row->label];
    if (rows->positive >= 0)
        row->score = 2 * (double)result->probabilities[rows->positive] - 1;
}

/* A NULL text is a row without more. */
static int read_row(struct score_rows *rows, sqlite3_stmt *statement, size_t *bytes,
                    struct failure *failure)
{
    struct result *cached = &rows->registry->result;
    struct score_row *row = add_row(rows);
    if (!row || !(row->key = sqlite3_value_dup(sqlite3_column_value(statement, QUERY_KEY))))
        return failure_set(failure, FAILURE_NOMEM, "a row");
    if (sqlite3_column_type(statement, QUERY_TEXT) == SQLITE_NULL)
        return SQLITE_OK;
    sqlite3_value *value = sqlite3_value_dup(sqlite3_column_value(statement, QUERY_TEXT));
    if (!value)
        return failure_set(failure, FAILURE_NOMEM, "a text");
    const int32_t at = rows->pending++;
    struct lstm_text *text = &rows->texts[at];
    rows->values[at] = value;
    rows->owners[at] = rows->count - 1;
    int rc = text_read(value, text, failure);
    if (rc)
        return rc;
    rows->keys[at] = request_fingerprint(rows->request, text);
    if (!result_cache_find(&rows->keys[at], cached)) {
        *bytes += text->size;
        return SQLITE_OK;
    }
    rows->registry->stats.hits++;
    fill_row(rows, row, cached->bytes, cached->size);
    sqlite3_value_free(value);
    rows->pending--;
    return SQLITE_OK;
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

/* Texts that are scored by one call. */
struct part {
    struct score_rows *rows;
    int32_t first; /* of the pending ones */
};

static void put(void *arg, int32_t text, const void *bytes, size_t size)
{
    const struct part *part = arg;
    const struct score_rows *rows = part->rows;
    const int32_t at = part->first + text;
    fill_row(rows, &rows->rows[rows->owners[at]], bytes, size);
    result_cache_keep(&(struct keepsake){ &rows->keys[at], bytes, size }, 1);
}

static enum lstm_status score_part(struct part part, int32_t count, struct lstm_worker *worker,
                                   struct interrupt *interrupt, struct lstm_error *err)
{
    const struct request *request = part.rows->request;
    const struct inference inference = { .bound = request->bound,
                                         .worker = worker,
                                         .texts = part.rows->texts + part.first,
                                         .count = count,
                                         .stop = interrupt_asked,
                                         .stop_arg = interrupt,
                                         .put = put,
                                         .put_arg = &part };
    struct stats *stats = &part.rows->registry->stats;
    double began = stats_clock();
    enum lstm_status rc = request->kind->infer(&inference, err);
    stats->inference_s += stats_clock() - began;
    if (!rc) {
        stats->texts += count;
        stats->batches++;
        stats->batch_room += part.rows->batch;
    }
    return rc;
}

/* Whether the fault is none of the text's: other texts fail by it too. */
static int is_of_all(enum lstm_status status)
{
    return status == LSTM_INTERRUPTED || status == LSTM_UNAVAILABLE;
}

/* Each text by itself, so that only those fail that have to. */
static int score_alone(struct score_rows *rows, struct lstm_worker *worker,
                       struct interrupt *interrupt, struct failure *failure)
{
    for (int32_t i = 0; i < rows->pending; i++) {
        struct score_row *row = &rows->rows[rows->owners[i]];
        struct lstm_error err;
        if (!score_part((struct part){ rows, i }, 1, worker, interrupt, &err))
            continue;
        failure_of_model(failure, &err, rows->request->kind->failure);
        if (is_of_all(err.status))
            return failure->rc;
        if (!(row->error = sqlite3_mprintf("%s", failure->text)))
            return failure_set(failure, FAILURE_NOMEM, "an error");
    }
    return SQLITE_OK;
}

int score_rows_score(struct score_rows *rows, struct failure *failure)
{
    struct lstm_worker *worker = NULL;
    struct interrupt interrupt = interrupt_watch(rows->registry->db);
    struct lstm_error err;
    if (rows->pending == 0)
        return SQLITE_OK;
    int rc = bound_worker(rows->request->bound, &worker, failure);
    if (rc)
        return rc;
    if (score_part((struct part){ rows, 0 }, rows->pending, worker, &interrupt, &err)) {
        if (err.status == LSTM_INTERRUPTED)
            rc = failure_of_model(failure, &err, "the texts cannot be scored");
        else
            rc = score_alone(rows, worker, &interrupt, failure);
    }
    drop_texts(rows);
    return rc;
}
