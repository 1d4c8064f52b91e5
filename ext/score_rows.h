/* The rows of lstm_score: a batch at a time is read from the query, and those texts whose results
 * the cache does not have are scored by one call. */
#ifndef EXT_SCORE_ROWS_H
#define EXT_SCORE_ROWS_H

#include "request.h"
#include "score_query.h"

enum {
    SCORE_BATCH_BYTES =
        16 << 20 /* of texts; a batch that reaches them ends, so memory is bounded */
};

struct score_row {
    sqlite3_value *key;
    char *error;      /* NULL: none */
    double score;     /* -1 to 1; of a model with the task "sentiment" */
    double unknown;   /* 0 to 1, where there is a token */
    int32_t tokens;   /* -1: the text is NULL or could not be scored */
    int32_t label;    /* the likeliest class; -1 without a token */
    float confidence; /* its probability */
};

struct score_rows {
    struct registry *registry; /* not ours */
    struct request *request;   /* not ours; of kind_classes */
    int32_t positive;          /* the class that a sentiment is measured by; -1: another task */
    struct score_row *rows;
    sqlite3_int64 count, capacity;

    /* The texts that are read and not yet scored. */
    int32_t batch;         /* at most so many */
    int32_t pending;       /* so many */
    sqlite3_int64 *owners; /* batch: the row of a text; all of these lie in one block */
    sqlite3_value **values;
    struct fingerprint *keys;
    struct lstm_text *texts;
};

/* For a model that classifies. Errors: FAILURE_TASK, FAILURE_MODEL for a sentiment model without
 * "positive", FAILURE_NOMEM. The caller closes it, whatever this returns. */
int score_rows_open(struct registry *registry, struct request *request, int32_t batch,
                    struct score_rows *rows, struct failure *failure);
void score_rows_close(struct score_rows *rows);

/* Reads a batch of rows from the query, behind those that are there. Errors: those of the query. */
int score_rows_read(struct score_rows *rows, struct score_query *query, struct failure *failure);

/* Scores what was read. A text that fails says so in its row; errors of the call are
 * FAILURE_INTERRUPTED, FAILURE_DEVICE and FAILURE_NOMEM. */
int score_rows_score(struct score_rows *rows, struct failure *failure);

/* Forgets the rows. */
void score_rows_clear(struct score_rows *rows);

#endif
