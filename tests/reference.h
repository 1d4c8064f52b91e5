/* The network once more, for tests: in double precision, one text at a time, one token at a time, one number at a
 * time. Written from the formulas of PyTorch's nn.LSTM and from model/batch.h, sharing nothing with model/ but the
 * order of the parameter block. */
#ifndef LSTM_TESTS_REFERENCE_H
#define LSTM_TESTS_REFERENCE_H

#include "model/model.h"

/* Dropout masks of one text; either may be NULL for none. */
struct reference_masks {
    const float *embedding; /* embedding */
    const float *features;  /* 6 hidden */
};

/* Logits (classes) of a text of count >= 1 tokens. params: lstm_params_count(sizes). masks may be NULL. */
void reference_logits(const struct lstm_sizes *sizes, const double *params, const int32_t *tokens, int32_t count,
                      const struct reference_masks *masks, double *logits);

/* -log softmax(logits)[target] */
double reference_cross_entropy(int32_t classes, const double *logits, int32_t target);

#endif
