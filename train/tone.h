/* The tone that a summariser can tell (model/guide.h): logistic regression over the distinct tokens
 * of a text, each of which counts 1 / sqrt(their number). Both classes count the same, however many
 * texts they have, so that a text of the rarer one is not taken for the other. */
#ifndef TRAIN_TONE_H
#define TRAIN_TONE_H

#include "train/dataset.h"

struct tone_options {
    int32_t epochs;
    double rate;  /* of Adagrad (Duchi et al. 2011) */
    double decay; /* pulls weights to zero, each time that a token is met */
    uint64_t seed;
};

/* Learns from a dataset of two classes; weights (vocab + 1, the bias last) are written. One thread:
 * a seed repeats it. Errors: LSTM_NOMEM. */
enum lstm_status tone_learn(const struct dataset *dataset, int32_t vocab,
                            const struct tone_options *options, float *weights,
                            struct lstm_error *err);

/* The share of the texts whose class the weights tell. Errors: LSTM_NOMEM. */
enum lstm_status tone_accuracy(const struct dataset *dataset, int32_t vocab, const float *weights,
                               double *accuracy, struct lstm_error *err);

#endif
