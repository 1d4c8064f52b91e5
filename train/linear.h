/* A linear model over n-grams of tokens, weighted by naive Bayes (Wang and Manning 2012): it learns
 * in seconds, errs elsewhere than an LSTM does, and so is a good second teacher. */
#ifndef TRAIN_LINEAR_H
#define TRAIN_LINEAR_H

#include "train/dataset.h"

struct linear_options {
    int32_t order;  /* n-grams of 1 .. order tokens, 1..5 */
    int32_t bits;   /* they are hashed to 2^bits features, 10..26 */
    int32_t epochs; /* passes over the texts */
    double rate;    /* of Adagrad (Duchi et al. 2011) */
    double decay;   /* pulls every weight that is met towards what naive Bayes says */
    uint64_t seed;  /* of the order of the texts */
};

struct linear;

/* Learns two classes; a text's share of the second counts where the dataset has shares. One thread:
 * a seed repeats it. Errors: LSTM_NOMEM. */
enum lstm_status linear_learn(const struct dataset *dataset, const struct linear_options *options,
                              struct linear **linear, struct lstm_error *err);
void linear_free(struct linear *linear);

/* The log odds of the second class; 0 or near for a text with no feature that was learned from.
 * Errors: LSTM_NOMEM. */
enum lstm_status linear_score(struct linear *linear, const int32_t *tokens, int32_t count,
                              double *log_odds, struct lstm_error *err);

#endif
