/* The network once more, for tests: in double precision, one text at a time, one token at a time,
 * one number at a time. Written from the formulas of PyTorch's nn.LSTM and from model/batch.h,
 * sharing nothing with model/ but the order of the parameter block. */
#ifndef LSTM_TESTS_REFERENCE_H
#define LSTM_TESTS_REFERENCE_H

#include "model/model.h"

/* Dropout masks of one text; either may be NULL for none. */
struct reference_masks {
    const float *embedding; /* embedding */
    const float *features;  /* 6 hidden */
};

/* Logits (classes) of a text of count >= 1 tokens. params: lstm_params_count(sizes). masks may be
 * NULL. */
void reference_logits(const struct lstm_sizes *sizes, const double *params, const int32_t *tokens,
                      int32_t count, const struct reference_masks *masks, double *logits);

/* The encoder's states of a text (count x 2 hidden), each from the window that owns its token.
 * mask: of the embedding, or NULL. */
void reference_states(const struct lstm_sizes *sizes, const double *params, const int32_t *tokens,
                      int32_t count, const float *mask, double *states);

/* One step of torch.nn.LSTM with h units: gates i, f, g, o in the rows of w_ih (4h x in), w_hh (4h
 * x h) and bias (4h). cell becomes that after the step. */
void reference_lstm_step(size_t h, size_t in, const double *w_ih, const double *w_hh,
                         const double *bias, const double *x, const double *h_before, double *cell,
                         double *h_now);

/* -log softmax(logits)[target] */
double reference_cross_entropy(int32_t classes, const double *logits, int32_t target);

#endif
