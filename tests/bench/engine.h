/* Ours behind model/backend.h: random models, and texts of given lengths that go through them a
 * batch at a time. */
#ifndef LSTM_BENCH_ENGINE_H
#define LSTM_BENCH_ENGINE_H

#include "model/backend.h"

#include <time.h>

struct engine {
    const struct lstm_model *model; /* not ours */
    const struct lstm_backend *backend;
    struct lstm_loaded *loaded;
    struct lstm_session *session;
    struct lstm_batch texts; /* all of them */
    int32_t batch, next;     /* texts of a batch; where the next one begins */
    float *logits;
    clockid_t clock; /* the processor's time unless set */
};

/* What is compared: one layer, E = H = 256, windows of 256 tokens, 30,000 subwords. */
extern const struct lstm_sizes engine_sizes;

/* A random model of these sizes, quantised by rows where is_int8; no tokenizer. */
struct lstm_model *engine_model(const struct lstm_sizes *sizes, int is_int8);
void engine_model_free(struct lstm_model *model);

/* So many batches of texts; text i of a batch has lengths[i] tokens, which are as frequent as words
 * are (Zipf). isa: as in lstm_backend_cpu; returns 0 where this machine lacks it. */
int engine_open(struct engine *engine, const struct lstm_model *model, const char *isa,
                const int32_t *lengths, int32_t batch, int32_t batches);
void engine_close(struct engine *engine);

/* Contestants: tokens of one direction a second, both directions of a text counted; and texts in
 * one direction a second, twice as many as there are. Pooling and the head are paid for in both. */
double engine_tokens(void *engine);
double engine_texts(void *engine);

/* lengths (count) of film reviews, the longest first: the quantiles of a log-normal distribution
 * with a median of 174 tokens, 10 to 1,000. */
void engine_review_lengths(int32_t *lengths, int32_t count);

#endif
