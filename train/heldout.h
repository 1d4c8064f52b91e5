/* How well a model does on held-out rows, once stored and loaded as its users will have it: the
 * share of labels that a classifier gives right, ROUGE of what a summariser writes greedily. */
#ifndef TRAIN_HELDOUT_H
#define TRAIN_HELDOUT_H

#include "model/scorer.h"
#include "train/dataset.h"
#include "train/rouge.h"

enum {
    HELDOUT_MAX = 2000
}; /* rows that are summarised: a few seconds' work; of labelled ones all
      are classified */

/* Copies of the rows: those may be freed. */
struct heldout {
    int32_t count;
    struct lstm_text *texts;       /* count */
    struct rouge_text *references; /* count: their summaries, or labels */
    int32_t *classes;              /* count, or NULL: the rows have summaries */
    const char **keys;             /* count: what their query calls them; NULL: there is none */
    char *bytes;                   /* of all these */
};

/* Takes the rows that the texts of a dataset came from: all, or of pairs HELDOUT_MAX at even
 * distances. Errors: LSTM_NOMEM. */
enum lstm_status heldout_open(const struct rows *rows, const struct dataset *dataset,
                              struct heldout *heldout, struct lstm_error *err);
void heldout_close(struct heldout *heldout); /* a zeroed one is fine */

/* blob: a model as lstm_model_write makes it. mean: one, two and l over all rows, a row without a
 * summary counts as 0; the same bits on any number of threads. Errors: those of lstm_scorer_open
 * and lstm_worker_summarize. */
enum lstm_status heldout_measure(const struct heldout *heldout, const void *blob, size_t size,
                                 int threads, struct rouge *mean, struct lstm_error *err);

/* The share of labelled rows whose class the model finds likeliest. Errors: those of
 * lstm_scorer_open and lstm_worker_classify. */
enum lstm_status heldout_accuracy(const struct heldout *heldout, const void *blob, size_t size,
                                  int threads, double *accuracy, struct lstm_error *err);

#endif
