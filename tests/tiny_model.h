/* Model files for tests: real ones, small and random, the same from the same seed on every machine.
 */
#ifndef LSTM_TESTS_TINY_MODEL_H
#define LSTM_TESTS_TINY_MODEL_H

#include "model/model.h"

struct tiny_model {
    const char *task;   /* "sentiment", "classify" or "summarize" */
    const char *labels; /* separated by spaces; NULL for a summariser */
    uint64_t seed;
    float scale;      /* of the parameters; 0: 0.3 */
    int32_t units;    /* of every layer; 0: 16 */
    const char *card; /* NULL: "{}" */
};

/* The caller frees the blob. Ends the test program where that fails. */
void *tiny_model_write(const struct tiny_model *tiny, size_t *size);

#endif
