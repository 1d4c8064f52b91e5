/* Summaries: text in, a shorter text out that says where each of its words came from. The facade of
 * a summariser, as scorer.h is of every model; ext/ and train/ reach it through scorer.h. */
#ifndef LSTM_SUMMARIZER_H
#define LSTM_SUMMARIZER_H

#include "backend.h"

/* 24, 2, 2, 1.8, 0.45, 0.4, whole words, no attention */
extern const struct lstm_summary_settings lstm_summary_defaults;

/* Errors: LSTM_RANGE with the setting, its value and its bounds. */
enum lstm_status lstm_summary_settings_check(const struct lstm_summary_settings *settings,
                                             struct lstm_error *err);

struct lstm_text {
    const void *bytes; /* any bytes */
    size_t size;
};

/* What the model looked at while it wrote. Position p of the source is token sources[p], bytes
 * begins[p]..ends[p] of the text. The block is one malloc. */
struct lstm_summary_attention {
    int32_t *sources;        /* source_tokens */
    uint32_t *begins, *ends; /* source_tokens */
    float *weights;          /* count x source_tokens; a row sums to 1 */
    float
        *generate; /* count: the share of the vocabulary in what was written; the rest was copied */
};

struct lstm_summary {
    char *text;       /* valid UTF-8 with its NUL; NULL for a text without a token */
    int32_t count;    /* tokens written, without the end */
    int32_t *tokens;  /* count; in one block with origins */
    int32_t *origins; /* count: the position in the source that a token was mainly copied from, -1:
                         generated */
    double log_share; /* sum of the logarithms of the tokens' shares, the end's included */
    int32_t source_tokens;                    /* tokens of the text; all of them are read */
    struct lstm_summary_attention *attention; /* NULL where it was not asked for */
};
void lstm_summary_free(struct lstm_summary *summary); /* a zeroed one is fine; leaves it zeroed */

struct lstm_summarizer;      /* a model's packed weights: immutable, shared by threads */
struct lstm_summary_session; /* one caller's working memory: used by one thread at a time */

/* The model must outlive the summariser. Errors: LSTM_MISMATCH for a model of another task or a
 * backend that writes no summaries, those of the backend's load, LSTM_NOMEM. On error *summarizer
 * is NULL. */
enum lstm_status lstm_summarizer_open(const struct lstm_model *model,
                                      const struct lstm_backend *backend,
                                      struct lstm_summarizer **summarizer, struct lstm_error *err);
void lstm_summarizer_close(
    struct lstm_summarizer *summarizer); /* after its sessions; NULL is fine */

enum lstm_status lstm_summary_session_open(const struct lstm_summarizer *summarizer,
                                           struct lstm_summary_session **session,
                                           struct lstm_error *err);
void lstm_summary_session_close(struct lstm_summary_session *session); /* NULL is fine */

/* Summarises texts. On the CPU a text's summary does not depend on its neighbours, bit for bit.
 * Working memory is bounded by LSTM_SUMMARY_SOURCE_MAX positions and the tokens of all texts; up to
 * half of memory_mb (limits.h) is kept, so that a call like the one before allocates only what it
 * returns. Texts are decoded together while their states take at most a quarter of it. Time grows
 * with length x max_tokens x beam. stop (may be NULL) is asked between tiles and steps. The caller
 * frees summaries (count of them) with lstm_summary_free. Errors: LSTM_RANGE for settings and,
 * before anything is computed, for a text of more than LSTM_SUMMARY_SOURCE_MAX tokens, LSTM_NOMEM,
 * LSTM_INTERRUPTED; then every summary is zeroed. */
enum lstm_status lstm_summary_session_run(struct lstm_summary_session *session,
                                          const struct lstm_text *texts, int32_t count,
                                          const struct lstm_summary_settings *settings,
                                          int (*stop)(void *), void *stop_arg,
                                          struct lstm_summary *summaries, struct lstm_error *err);

#endif
