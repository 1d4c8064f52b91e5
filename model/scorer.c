#include "scorer.h"
#include "backend.h"
#include "cpu_kernels.h"
#include "tokenizer.h"

#include <stdlib.h>
#include <string.h>

struct lstm_scorer {
    struct lstm_model *model;
    const struct lstm_backend *backend;
    struct lstm_loaded *loaded;         /* a classifier, else NULL */
    struct lstm_summarizer *summarizer; /* a summariser, else NULL; on the CPU */
};

struct lstm_worker {
    const struct lstm_scorer *scorer; /* not ours */
    struct lstm_session *session;
    struct lstm_summary_session *summaries;
    struct lstm_tokens tokens;
    int32_t *starts; /* capacity + 1 */
    float *logits;   /* capacity x classes */
    int32_t capacity;
};

enum lstm_status lstm_scorer_open(const void *blob, size_t size, const char *device,
                                  struct lstm_scorer **scorer, struct lstm_error *err)
{
    enum lstm_status rc = LSTM_OK;
    struct lstm_scorer *s = NULL;
    *scorer = NULL;
    if (strcmp(device, "auto") && strcmp(device, "cpu"))
        return lstm_fail(err, LSTM_UNAVAILABLE,
                         "there is no device \"%s\"; use \"auto\" or \"cpu\"", device);
    if (!(s = calloc(1, sizeof *s)))
        return lstm_fail(err, LSTM_NOMEM, "out of memory for a scorer");
    s->backend = lstm_backend_cpu(NULL);
    if ((rc = lstm_model_read(blob, size, &s->model, err)))
        goto done;
    if (s->model->sizes.decoder)
        rc = lstm_summarizer_open(s->model, NULL, &s->summarizer, err);
    else
        rc = s->backend->load(s->model, &s->loaded, err);
done:
    if (rc)
        lstm_scorer_close(s), s = NULL;
    *scorer = s;
    return rc;
}

void lstm_scorer_close(struct lstm_scorer *scorer)
{
    if (!scorer)
        return;
    scorer->backend->unload(scorer->loaded);
    lstm_summarizer_close(scorer->summarizer);
    lstm_model_free(scorer->model);
    free(scorer);
}

const struct lstm_model *lstm_scorer_model(const struct lstm_scorer *scorer)
{
    return scorer->model;
}

const char *lstm_scorer_device(const struct lstm_scorer *scorer)
{
    return scorer->backend->name;
}

enum lstm_status lstm_worker_open(const struct lstm_scorer *scorer, struct lstm_worker **worker,
                                  struct lstm_error *err)
{
    struct lstm_worker *w = *worker = calloc(1, sizeof *w);
    if (!w)
        return lstm_fail(err, LSTM_NOMEM, "out of memory for a worker");
    w->scorer = scorer;
    enum lstm_status rc = scorer->summarizer
                              ? lstm_summary_session_open(scorer->summarizer, &w->summaries, err)
                              : scorer->backend->open(scorer->loaded, &w->session, err);
    if (rc) {
        free(w);
        *worker = NULL;
    }
    return rc;
}

void lstm_worker_close(struct lstm_worker *worker)
{
    if (!worker)
        return;
    worker->scorer->backend->close(worker->session);
    lstm_summary_session_close(worker->summaries);
    lstm_tokens_free(&worker->tokens);
    free(worker->starts);
    free(worker->logits);
    free(worker);
}

static enum lstm_status reserve(struct lstm_worker *w, int32_t texts, struct lstm_error *err)
{
    size_t n = (size_t)texts, classes = (size_t)w->scorer->model->sizes.classes;
    if (texts <= w->capacity)
        return LSTM_OK;
    int32_t *starts = realloc(w->starts, (n + 1) * sizeof *starts);
    w->starts = starts ? starts : w->starts;
    float *logits = realloc(w->logits, n * classes * sizeof *logits);
    w->logits = logits ? logits : w->logits;
    if (!starts || !logits)
        return lstm_fail(err, LSTM_NOMEM, "out of memory for a batch of %d texts", texts);
    w->capacity = texts;
    return LSTM_OK;
}

enum lstm_status lstm_worker_classify(struct lstm_worker *w, const struct lstm_text *texts,
                                      int32_t count, int (*stop)(void *), void *stop_arg,
                                      float *probabilities, int32_t *tokens, struct lstm_error *err)
{
    const struct lstm_model *model = w->scorer->model;
    const size_t classes = (size_t)model->sizes.classes;
    if (w->scorer->summarizer)
        return lstm_fail(err, LSTM_MISMATCH, "a model of task \"%s\" cannot classify", model->task);
    enum lstm_status rc = reserve(w, count, err);
    if (rc || count == 0)
        return rc;
    struct lstm_batch batch = { .starts = w->starts, .stop = stop, .stop_arg = stop_arg };
    w->tokens.count = 0;
    w->starts[0] = 0;
    for (int32_t i = 0; i < count; i++) { /* texts without a token stay out of the batch */
        int32_t before = w->tokens.count;
        if ((rc = lstm_tokenize(model->tokenizer, texts[i].bytes, texts[i].size, 0, &w->tokens,
                                err)))
            return rc;
        tokens[i] = w->tokens.count - before;
        if (tokens[i] > 0)
            w->starts[++batch.texts] = w->tokens.count;
    }
    batch.tokens = w->tokens.ids;
    if (batch.texts > 0 && (rc = w->scorer->backend->classify(w->session, &batch, w->logits, err)))
        return rc;
    const struct cpu_kernels *kernels = cpu_kernels_pick(NULL);
    const float *logits = w->logits;
    memset(probabilities, 0, (size_t)count * classes * sizeof *probabilities);
    for (int32_t i = 0; i < count; i++)
        if (tokens[i] > 0) {
            kernels->softmax(model->sizes.classes, logits, model->temperature,
                             probabilities + (size_t)i * classes);
            logits += classes;
        }
    return LSTM_OK;
}

enum lstm_status lstm_worker_summarize(struct lstm_worker *w, const struct lstm_text *texts,
                                       int32_t count, const struct lstm_summary_settings *settings,
                                       int (*stop)(void *), void *stop_arg,
                                       struct lstm_summary *summaries, struct lstm_error *err)
{
    if (w->summaries)
        return lstm_summary_session_run(w->summaries, texts, count, settings, stop, stop_arg,
                                        summaries, err);
    for (int32_t i = 0; i < count; i++)
        summaries[i] = (struct lstm_summary){ 0 };
    return lstm_fail(err, LSTM_MISMATCH, "a model of task \"%s\" cannot summarize",
                     w->scorer->model->task);
}
