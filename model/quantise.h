/* Weights as int8 with a scale a row. Per-row symmetric quantisation after training, products in
 * exact integers: after Jacob et al. 2018 ("Quantization and Training of Neural Networks for
 * Efficient Integer-Arithmetic-Only Inference"). FORMAT.md has the rules and the arithmetic. */
#ifndef LSTM_QUANTISE_H
#define LSTM_QUANTISE_H

#include "model.h"

/* One block for the weights and the scales of a model of these sizes, not filled; free(weights)
 * gives it back. Errors: LSTM_NOMEM; then both are NULL. */
enum lstm_status lstm_int8_open(const struct lstm_sizes *sizes, struct lstm_int8 *int8,
                                struct lstm_error *err);

/* Gives a model int8 weights and replaces its parameters by what they stand for: scale = the
 * largest magnitude of a row / 127 (of a row of zeros, or below 127 * LSTM_SCALE_MIN, 1), weight =
 * parameter / scale to nearest, ties to even. The rows of the decoder's two matrices have their
 * scales in common. A model that is quantised stays as it is. Errors: LSTM_RANGE for a parameter
 * beyond 127 * LSTM_SCALE_MAX or not finite, LSTM_NOMEM; then the model is as it was. */
enum lstm_status lstm_model_quantise(struct lstm_model *model, struct lstm_error *err);

#endif
