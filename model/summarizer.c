#include "summarizer.h"
#include "carve.h"
#include "limits.h"
#include "source_text.h"
#include "tokenizer.h"

#include <stdlib.h>
#include <string.h>

const struct lstm_summary_settings lstm_summary_defaults = {
    .max_tokens = 24,
    .min_tokens = 2,
    .beam = 2,
    .length_penalty = 1.8f,
    .contrast = 0.45f,
    .tone = 0.4f,
    .whole_words = 1,
};

struct lstm_summarizer {
    const struct lstm_model *model; /* not ours; its weights are not read after opening */
    const struct lstm_backend *backend;
    struct lstm_loaded *loaded;
};

struct lstm_summary_session {
    const struct lstm_summarizer *summarizer; /* not ours */
    struct lstm_session *session;
    struct lstm_tokens tokens; /* of all texts of a call, with offsets */
    void *batch;               /* of a call's texts: see reserve */
    size_t batch_size;
};

/* One call. */
struct request {
    const struct lstm_text *texts;
    int32_t count;
    const struct lstm_summary_settings *settings;
    struct lstm_batch batch;      /* the texts that have a token */
    struct lstm_written *written; /* batch.texts */
    int32_t *text;                /* batch.texts: which text of the call it is */
    int32_t *starts;              /* those of the batch */
    struct lstm_summary *summaries;
};

enum lstm_status lstm_summary_settings_check(const struct lstm_summary_settings *s,
                                             struct lstm_error *err)
{
    if (s->max_tokens < 1 || s->max_tokens > LSTM_SUMMARY_TOKENS_MAX)
        return lstm_fail(err, LSTM_RANGE, "max_tokens is %d, expected 1 to %d", s->max_tokens,
                         LSTM_SUMMARY_TOKENS_MAX);
    if (s->min_tokens < 0 || s->min_tokens > s->max_tokens)
        return lstm_fail(err, LSTM_RANGE, "min_tokens is %d, expected 0 to max_tokens, which is %d",
                         s->min_tokens, s->max_tokens);
    if (s->beam < 1 || s->beam > LSTM_SUMMARY_BEAM_MAX)
        return lstm_fail(err, LSTM_RANGE, "beam is %d, expected 1 to %d", s->beam,
                         LSTM_SUMMARY_BEAM_MAX);
    if (!(s->length_penalty >= 0.0f && s->length_penalty <= 2.0f))
        return lstm_fail(err, LSTM_RANGE, "length_penalty is %g, expected 0 to 2",
                         (double)s->length_penalty);
    if (!(s->contrast >= 0.0f && s->contrast <= 1.0f))
        return lstm_fail(err, LSTM_RANGE, "contrast is %g, expected 0 to 1", (double)s->contrast);
    if (!(s->tone >= 0.0f && s->tone <= 1.0f))
        return lstm_fail(err, LSTM_RANGE, "tone is %g, expected 0 to 1", (double)s->tone);
    return LSTM_OK;
}

void lstm_summary_free(struct lstm_summary *summary)
{
    free(summary->text);
    free(summary->tokens);
    free(summary->attention);
    *summary = (struct lstm_summary){ 0 };
}

/* ---- opening ---- */

enum lstm_status lstm_summarizer_open(const struct lstm_model *model,
                                      const struct lstm_backend *backend,
                                      struct lstm_summarizer **summarizer, struct lstm_error *err)
{
    *summarizer = NULL;
    if (!model->sizes.decoder)
        return lstm_fail(err, LSTM_MISMATCH, "a model of task \"%s\" cannot summarize",
                         model->task);
    if (!backend->write || !backend->guides)
        return lstm_fail(err, LSTM_MISMATCH,
                         "the device %s writes no summaries%s; use the device \"auto\" or \"cpu\"",
                         backend->name, backend->write ? " of whole words" : "");
    struct lstm_summarizer *s = calloc(1, sizeof *s);
    if (!s)
        return lstm_fail(err, LSTM_NOMEM, "out of memory for a summarizer");
    s->model = model;
    s->backend = backend;
    enum lstm_status rc = backend->load(model, &s->loaded, err);
    if (rc)
        free(s), s = NULL;
    *summarizer = s;
    return rc;
}

void lstm_summarizer_close(struct lstm_summarizer *summarizer)
{
    if (summarizer)
        summarizer->backend->unload(summarizer->loaded);
    free(summarizer);
}

enum lstm_status lstm_summary_session_open(const struct lstm_summarizer *summarizer,
                                           struct lstm_summary_session **session,
                                           struct lstm_error *err)
{
    struct lstm_summary_session *s = *session = calloc(1, sizeof *s);
    if (!s)
        return lstm_fail(err, LSTM_NOMEM, "out of memory for a session");
    s->summarizer = summarizer;
    enum lstm_status rc = summarizer->backend->open(summarizer->loaded, &s->session, err);
    if (rc) {
        free(s);
        *session = NULL;
    }
    return rc;
}

void lstm_summary_session_close(struct lstm_summary_session *session)
{
    if (!session)
        return;
    session->summarizer->backend->close(session->session);
    lstm_tokens_free(&session->tokens);
    free(session->batch);
    free(session);
}

/* Room for what is known of each text of a call. */
static enum lstm_status reserve(struct lstm_summary_session *s, struct request *q,
                                struct lstm_error *err)
{
    const size_t n = (size_t)q->count;
    struct carver count = { 0 };
    carve(&count, n, sizeof *q->written);
    carve(&count, 2 * n + 1, sizeof *q->text);
    if (!carve_reserve(&s->batch, &s->batch_size, count.used))
        return lstm_fail(err, LSTM_NOMEM, "out of memory for a batch of %d texts", q->count);
    struct carver carver = { .memory = s->batch };
    q->written = carve(&carver, n, sizeof *q->written);
    q->text = carve(&carver, 2 * n + 1, sizeof *q->text);
    q->starts = q->text + n;
    return LSTM_OK;
}

/* After a call: what a huge text needed is not kept. An eighth is for tokens, the rest of the half
 * for the backend. */
static void release(struct lstm_summary_session *s)
{
    const size_t token = sizeof *s->tokens.ids + sizeof *s->tokens.begins + sizeof *s->tokens.ends;
    if ((size_t)s->tokens.capacity * token > lstm_limits_quarter() / 2)
        lstm_tokens_free(&s->tokens);
}

/* ---- results ---- */

/* Where things lie in an attention's block: the weights last, since how many there are is known
 * last. */
static void lay_out(struct lstm_summary_attention *a, size_t tokens_max, size_t n)
{
    float *generate = (float *)(a + 1);
    uint32_t *begins = (uint32_t *)(generate + tokens_max), *ends = begins + n;
    int32_t *sources = (int32_t *)(ends + n);
    *a = (struct lstm_summary_attention){ sources, begins, ends, (float *)(sources + n), generate };
}

static size_t attention_size(size_t tokens_max, size_t n, size_t count)
{
    return sizeof(struct lstm_summary_attention) + tokens_max * sizeof(float) +
           3 * n * sizeof(int32_t) + count * n * sizeof(float);
}

static enum lstm_status make_room(const struct request *q, int32_t i, struct lstm_error *err)
{
    struct lstm_summary *summary = &q->summaries[q->text[i]];
    struct lstm_written *written = &q->written[i];
    const size_t most = (size_t)q->settings->max_tokens, n = (size_t)summary->source_tokens;
    *written = (struct lstm_written){ 0 };
    if (!(summary->tokens = malloc(2 * most * sizeof *summary->tokens)))
        return lstm_fail(err, LSTM_NOMEM, "out of memory for a summary of %zu tokens", most);
    written->tokens = summary->tokens;
    written->origins = summary->origins = summary->tokens + most;
    if (!q->settings->attention)
        return LSTM_OK;
    if (!(summary->attention = malloc(attention_size(most, n, most))))
        return lstm_fail(err, LSTM_NOMEM, "out of memory for the attention of %zu tokens to %zu",
                         most, n);
    lay_out(summary->attention, most, n);
    written->weights = summary->attention->weights;
    written->generate = summary->attention->generate;
    return LSTM_OK;
}

static void finish_attention(const struct request *q, const struct lstm_source_text *source,
                             struct lstm_summary *summary)
{
    const size_t most = (size_t)q->settings->max_tokens, n = (size_t)source->count;
    void *smaller = realloc(summary->attention, attention_size(most, n, (size_t)summary->count));
    if (smaller)
        summary->attention = smaller;
    lay_out(summary->attention, most, n);
    memcpy(summary->attention->begins, source->begins, n * sizeof(uint32_t));
    memcpy(summary->attention->ends, source->ends, n * sizeof(uint32_t));
    memcpy(summary->attention->sources, source->tokens, n * sizeof(int32_t));
}

static enum lstm_status finish(struct lstm_summary_session *s, const struct request *q, int32_t i,
                               struct lstm_error *err)
{
    const int32_t text = q->text[i], first = q->batch.starts[i];
    struct lstm_summary *summary = &q->summaries[text];
    const struct lstm_source_text letters = {
        q->texts[text].bytes,     summary->source_tokens, s->tokens.ids + first,
        s->tokens.begins + first, s->tokens.ends + first,
    };
    summary->count = q->written[i].count;
    summary->log_share = q->written[i].log_share;
    if (q->settings->attention)
        finish_attention(q, &letters, summary);
    return lstm_source_text_write(s->summarizer->model->tokenizer, &letters, summary->tokens,
                                  summary->origins, summary->count, &summary->text, err);
}

/* ---- the whole ---- */

/* The texts that have a token, as a batch. */
static enum lstm_status tokenize_all(struct lstm_summary_session *s, struct request *q,
                                     struct lstm_error *err)
{
    s->tokens.count = q->starts[0] = 0;
    s->tokens.most = lstm_limits_tokens(3 * sizeof(int32_t)); /* with offsets */
    for (int32_t i = 0; i < q->count; i++) {
        const int32_t before = s->tokens.count;
        enum lstm_status rc = lstm_tokenize(s->summarizer->model->tokenizer, q->texts[i].bytes,
                                            q->texts[i].size, 1, &s->tokens, err);
        if (rc)
            return rc;
        const int32_t tokens = q->summaries[i].source_tokens = s->tokens.count - before;
        if (tokens > LSTM_SUMMARY_SOURCE_MAX)
            return lstm_fail(
                err, LSTM_RANGE,
                "a text of %d tokens, at most %d can be summarized; summarize its parts", tokens,
                LSTM_SUMMARY_SOURCE_MAX);
        if (tokens == 0)
            continue;
        q->text[q->batch.texts++] = i;
        q->starts[q->batch.texts] = s->tokens.count;
    }
    q->batch.tokens = s->tokens.ids;
    q->batch.starts = q->starts;
    return LSTM_OK;
}

static enum lstm_status summarize_all(struct lstm_summary_session *s, const struct request *q,
                                      struct lstm_error *err)
{
    enum lstm_status rc = LSTM_OK;
    for (int32_t i = 0; i < q->batch.texts && !rc; i++)
        rc = make_room(q, i, err);
    if (!rc)
        rc = s->summarizer->backend->write(s->session, &q->batch, q->settings, q->written, err);
    for (int32_t i = 0; i < q->batch.texts && !rc; i++)
        rc = finish(s, q, i, err);
    return rc;
}

enum lstm_status lstm_summary_session_run(struct lstm_summary_session *s,
                                          const struct lstm_text *texts, int32_t count,
                                          const struct lstm_summary_settings *settings,
                                          int (*stop)(void *), void *stop_arg,
                                          struct lstm_summary *summaries, struct lstm_error *err)
{
    for (int32_t i = 0; i < count; i++)
        summaries[i] = (struct lstm_summary){ 0 };
    enum lstm_status rc = lstm_summary_settings_check(settings, err);
    if (rc)
        return rc;
    struct request q = { .texts = texts,
                         .count = count,
                         .settings = settings,
                         .batch = { .stop = stop, .stop_arg = stop_arg },
                         .summaries = summaries };
    if (!(rc = reserve(s, &q, err)) && !(rc = tokenize_all(s, &q, err)) && q.batch.texts > 0)
        rc = summarize_all(s, &q, err);
    for (int32_t i = 0; i < count && rc; i++)
        lstm_summary_free(&summaries[i]);
    release(s);
    return rc;
}
