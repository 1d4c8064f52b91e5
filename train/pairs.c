#include "train/pairs.h"

#include <math.h>
#include <string.h>

/* Appends a pair, or leaves the dataset as it was where the pair is not one to learn from. */
static enum lstm_status add_pair(const struct lstm_tokenizer *tokenizer, const struct rows *rows,
                                 int32_t i, const struct pairs_limits *limits, struct dataset *d,
                                 struct pairs_report *report, struct lstm_error *err)
{
    const struct row *row = &rows->rows[i];
    struct lstm_tokens *tokens = &d->tokens;
    const int32_t start = tokens->count;
    enum lstm_status rc = lstm_tokenize(tokenizer, row->text, row->size, 0, tokens, err);
    if (rc)
        return rc;
    int is_cut = tokens->count - start > limits->source_max;
    if (is_cut)
        tokens->count = start + limits->source_max;
    const int32_t middle = tokens->count;
    if ((rc = lstm_tokenize(tokenizer, row->label, strlen(row->label), 0, tokens, err)))
        return rc;
    const int32_t target = tokens->count - middle;
    if (middle == start || target == 0 || target > limits->target_max) {
        tokens->count = start;
        *(target > limits->target_max ? &report->too_long : &d->empty) += 1;
        return LSTM_OK;
    }
    report->cut += is_cut;
    report->targets += target;
    d->rows[d->texts] = i;
    d->middles[d->texts++] = middle;
    d->starts[d->texts] = tokens->count;
    return LSTM_OK;
}

enum lstm_status pairs_open(const struct lstm_tokenizer *tokenizer, const struct rows *rows,
                            const struct pairs_limits *limits, struct dataset *d,
                            struct pairs_report *report, struct lstm_error *err)
{
    *report = (struct pairs_report){ 0 };
    enum lstm_status rc = dataset_room(d, rows->count, 1, err);
    for (int32_t i = 0; i < rows->count && !rc; i++)
        rc =
            rows->rows[i].label
                ? add_pair(tokenizer, rows, i, limits, d, report, err)
                : lstm_fail(err, LSTM_RANGE,
                            "the rows have no summary: select text and summary, or give --summary");
    if (rc)
        dataset_close(d);
    return rc;
}

void pairs_frequencies(const struct dataset *d, int32_t vocab, float *log_shares)
{
    double total = vocab;
    for (int32_t k = 0; k < vocab; k++)
        log_shares[k] = 1.0f;
    for (int32_t i = 0; i < d->texts; i++) {
        for (int32_t p = d->middles[i]; p < d->starts[i + 1]; p++)
            log_shares[d->tokens.ids[p]] += 1.0f;
        log_shares[LSTM_TOKEN_MASK] += 1.0f; /* the end */
        total += d->starts[i + 1] - d->middles[i] + 1;
    }
    for (int32_t k = 0; k < vocab; k++)
        log_shares[k] = (float)log((double)log_shares[k] / total);
}
