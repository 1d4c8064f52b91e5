/* What every backend must do, as one suite: run it on each, the CPU's instruction sets and plug-ins
 * alike. */
#ifndef LSTM_TESTS_BACKEND_CONTRACT_H
#define LSTM_TESTS_BACKEND_CONTRACT_H

#include "model/backend.h"

struct backend_contract {
    const struct lstm_backend *backend;
    int is_int8; /* the models are quantised */
    /* The largest difference of a logit from the CPU's generic kernels, whatever the batch, where
     * the logits are below 1, else in proportion to them; 0: the same bits. */
    float tolerance;
    int32_t longest; /* tokens of the longest text; memory must stay bounded with it */
    int32_t hidden;  /* units of every model; 0: those that each test chooses */
    int32_t texts;   /* of a batch, at most, where each takes long; 0: a thousand */
};

/* Runs the suite, a CMocka group of the backend's name; returns the number of failures. */
int backend_contract_run(const struct backend_contract *contract);

#endif
