/* The summariser once more, for tests: in double precision, one text at a time, one token at a
 * time. Written from the formulas of See, Liu and Manning 2017 and the comments of model/model.h
 * and model/summary_tape.h, sharing nothing with model/ but the order of the parameter block. */
#ifndef LSTM_TESTS_SUMMARY_REFERENCE_H
#define LSTM_TESTS_SUMMARY_REFERENCE_H

#include "model/model.h"

/* A text and its summary, without the end. */
struct reference_pair {
    const int32_t *source, *target;
    int32_t source_count, target_count;
    const float *embedding_mask, *output_mask; /* embedding each, or NULL */
    double coverage, smoothing;                /* as in struct lstm_summary_options */
};

/* As struct lstm_summary_loss. */
struct reference_loss {
    double likelihood, coverage, loss;
};

/* params: lstm_params_count(sizes). Adds to *loss. */
void reference_summary_loss(const struct lstm_sizes *sizes, const double *params,
                            const struct reference_pair *pair, struct reference_loss *loss);

#endif
