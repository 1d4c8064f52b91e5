/* What PyTorch computed: tests/data/golden_encoder_*.safetensors, made by the script beside them.
 */
#ifndef LSTM_TESTS_GOLDEN_ENCODER_H
#define LSTM_TESTS_GOLDEN_ENCODER_H

#include "model/batch.h"

extern const char *const golden_encoder_names[2];

struct golden_encoder {
    struct lstm_model *model;
    struct lstm_batch batch;
    int32_t *targets; /* texts: the class of each */
    float *logits;    /* texts x classes */
    float *gradient;  /* of the cross-entropy summed over the texts, laid out as the parameters */
    void *blob;       /* batch.tokens, batch.starts and all of the above in one block */
};

/* Ends the test program when a file is missing or not what it should be. Run from the repository's
 * root. */
struct golden_encoder golden_encoder_open(const char *name);
void golden_encoder_close(struct golden_encoder *golden);

#endif
