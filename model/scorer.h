/* The facade for ext/ and train/: text in, probabilities or summaries out. */
#ifndef LSTM_SCORER_H
#define LSTM_SCORER_H

#include "summarizer.h"

struct lstm_scorer; /* a model on a device: immutable, shared by connections and threads */
struct lstm_worker; /* one caller's working memory for a scorer: used by one thread at a time */

/* Parses a blob, of a classifier or a summariser, and loads it. device: see
 * lstm_device_choose; of "auto" what the device cannot hold or do is on the CPU. The blob is not
 * needed after the call. Errors: LSTM_CORRUPT, LSTM_NOMEM, LSTM_UNAVAILABLE, also for what a CUDA
 * device that was asked for by name cannot hold or do. On error *scorer is NULL. */
enum lstm_status lstm_scorer_open(const void *blob, size_t size, const char *device,
                                  struct lstm_scorer **scorer, struct lstm_error *err);
void lstm_scorer_close(struct lstm_scorer *scorer); /* after its workers; NULL is fine */

const struct lstm_model *lstm_scorer_model(const struct lstm_scorer *scorer);
const char *lstm_scorer_device(const struct lstm_scorer *scorer); /* "cpu-avx512", "cuda:0" ... */
const char *lstm_scorer_why(const struct lstm_scorer *scorer);    /* see struct lstm_device */

/* Bytes that the tables of input products of all scorers of the process take; they grow as tokens
 * are first met (model/limits.h bounds them). */
size_t lstm_scorer_tables(void);

enum lstm_status lstm_worker_open(const struct lstm_scorer *scorer, struct lstm_worker **worker,
                                  struct lstm_error *err);
void lstm_worker_close(struct lstm_worker *worker); /* NULL is fine */

/* Scores texts in one batch. probabilities: texts x classes, calibrated, each row sums to 1; a text
 * without a token has tokens[i] = 0 and a row of zeros. tokens: texts. stop may be NULL (see struct
 * lstm_batch). The same text gives the same bits beside any neighbours. Errors: LSTM_MISMATCH for a
 * summariser, LSTM_NOMEM, LSTM_UNAVAILABLE for an error of a CUDA device, LSTM_RANGE for a text
 * that is too long, LSTM_INTERRUPTED. */
enum lstm_status lstm_worker_classify(struct lstm_worker *worker, const struct lstm_text *texts,
                                      int32_t count, int (*stop)(void *), void *stop_arg,
                                      float *probabilities, int32_t *tokens,
                                      struct lstm_error *err);

/* Summarises texts, as lstm_summary_session_run does. Errors: its own, and LSTM_MISMATCH for a
 * classifier; then every summary is zeroed. */
enum lstm_status lstm_worker_summarize(struct lstm_worker *worker, const struct lstm_text *texts,
                                       int32_t count, const struct lstm_summary_settings *settings,
                                       int (*stop)(void *), void *stop_arg,
                                       struct lstm_summary *summaries, struct lstm_error *err);

#endif
