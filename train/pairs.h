/* Texts and their summaries as tokens. A pair is one text of a dataset: the source's tokens first,
 * then, from middles[i] on, the summary's; so that an epoch's batches are cut by the work in them.
 */
#ifndef TRAIN_PAIRS_H
#define TRAIN_PAIRS_H

#include "train/dataset.h"

/* What pairs of a set are worth learning from. */
struct pairs_limits {
    int32_t source_max; /* source tokens that are read; what lies behind them is cut off */
    int32_t target_max; /* pairs whose summary has more tokens are left out */
};

struct pairs_report {
    int32_t cut;      /* texts longer than source_max */
    int32_t too_long; /* pairs left out because the summary is longer than target_max */
    int64_t targets;  /* summaries' tokens */
};

/* rows: text and summary in place of the label. Pairs without a token on one of both sides are left
 * out and counted in dataset->empty; dataset->rows tells which rows are in. Errors: LSTM_RANGE for
 * rows without summaries, LSTM_NOMEM. */
enum lstm_status pairs_open(const struct lstm_tokenizer *tokenizer, const struct rows *rows,
                            const struct pairs_limits *limits, struct dataset *dataset,
                            struct pairs_report *report, struct lstm_error *err);

/* log of the share of each of vocab tokens, ends included, among the summaries, every count one
 * higher. */
void pairs_frequencies(const struct dataset *dataset, int32_t vocab, float *log_shares);

#endif
