/* Word vectors from unlabelled text by CBOW with negative sampling (Mikolov et al. 2013), and the
 * file they live in. */
#ifndef TRAIN_VECTORS_H
#define TRAIN_VECTORS_H

#include "model/tokenizer.h"

struct vectors_options {
    int32_t dimension; /* a multiple of 16 */
    int32_t epochs;    /* default 5 */
    int32_t window;    /* 5: each position draws 1..window neighbours on both sides */
    int32_t negatives; /* 5, drawn from counts^0.75 */
    double subsample;  /* 1e-4: tokens of a larger share, and met 1000 times or more, are thinned
                          out; 0: none */
    double rate;       /* 0.05, linear to 0 */
    uint64_t seed;
};

/* texts: token ids of all texts one after another; starts: count + 1 offsets into them. Context
 * never crosses texts. vectors: vocab x dimension, centred and scaled to unit variance over the
 * tokens met (rows of tokens never met: 0). One thread, so that a seed repeats it exactly. */
enum lstm_status vectors_learn(const int32_t *tokens, const int64_t *starts, int64_t count,
                               int32_t vocab, const struct vectors_options *options, float *vectors,
                               struct lstm_error *err);

/* A safetensors file: embedding.weight (F32) and the tokenizer's vocabulary in __metadata__ (see
 * model/FORMAT.md). */
enum lstm_status vectors_write(const char *path, const struct lstm_tokenizer *tokenizer,
                               const float *vectors, int32_t dimension, struct lstm_error *err);
enum lstm_status vectors_read(const char *path, struct lstm_tokenizer **tokenizer, float **vectors,
                              int32_t *dimension, struct lstm_error *err);

#endif
