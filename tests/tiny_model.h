/* Model files for tests: real ones, small and random, the same from the same seed on every machine;
 * and long texts.
 */
#ifndef LSTM_TESTS_TINY_MODEL_H
#define LSTM_TESTS_TINY_MODEL_H

#include "model/summarizer.h"

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

/* A word so many times. The caller frees the bytes. */
struct lstm_text tiny_text(const char *word, size_t times);

#endif
