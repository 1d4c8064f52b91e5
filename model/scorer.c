#include "scorer.h"
#include "cpu_kernels.h"
#include "cpu_table.h"
#include "device.h"
#include "limits.h"
#include "parallel.h"
#include "tokenizer.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct lstm_scorer {
    struct lstm_model *model;
    struct lstm_device device;
    struct lstm_loaded *loaded;         /* a classifier, else NULL */
    struct lstm_summarizer *summarizer; /* a summariser, else NULL */
};

/* Where the tokens of a text are: in the list of the thread that made them. */
struct place {
    int32_t list, first, count;
};

struct lstm_worker {
    const struct lstm_scorer *scorer; /* not ours */
    struct lstm_session *session;
    struct lstm_summary_session *summaries;
    struct lstm_tokens lists[LSTM_THREADS_MAX]; /* one a thread */
    int32_t *joined;                            /* the tokens of all lists in the order of texts */
    int32_t joined_capacity;
    struct place *places; /* capacity */
    int32_t *starts;      /* capacity + 1 */
    float *logits;        /* capacity x classes */
    int32_t capacity;
};

/* What a device cannot hold or compute is no fault of the process's memory or of the model, and is
 * told with the device's own words. */
static enum lstm_status of_device(const struct lstm_device *device, enum lstm_status rc,
                                  struct lstm_error *err)
{
    if (device->backend == lstm_backend_cpu(NULL) || (rc != LSTM_NOMEM && rc != LSTM_MISMATCH))
        return rc;
    if (err)
        err->status = LSTM_UNAVAILABLE;
    return LSTM_UNAVAILABLE;
}

static enum lstm_status load_on(struct lstm_scorer *s, struct lstm_error *err)
{
    return s->model->sizes.decoder
               ? lstm_summarizer_open(s->model, s->device.backend, &s->summarizer, err)
               : s->device.backend->load(s->model, &s->loaded, err);
}

/* Where the device was not asked for by name, what it cannot hold or do goes to the CPU. */
static enum lstm_status load(struct lstm_scorer *s, const char *device, struct lstm_error *err)
{
    struct lstm_error reason;
    enum lstm_status rc = lstm_device_choose(device, &s->device, err);
    if (rc)
        return rc;
    const int is_cpu = s->device.backend == lstm_backend_cpu(NULL);
    if (!is_cpu)
        lstm_model_dequantise(s->model); /* plug-ins read floats */
    if (strcmp(device, "auto") || is_cpu)
        return of_device(&s->device, load_on(s, err), err);
    if (!load_on(s, &reason))
        return LSTM_OK;
    s->device = lstm_device_cpu(reason.text);
    return load_on(s, err);
}

enum lstm_status lstm_scorer_open(const void *blob, size_t size, const char *device,
                                  struct lstm_scorer **scorer, struct lstm_error *err)
{
    enum lstm_status rc = LSTM_OK;
    struct lstm_scorer *s = NULL;
    *scorer = NULL;
    if (!(s = calloc(1, sizeof *s)))
        return lstm_fail(err, LSTM_NOMEM, "out of memory for a scorer");
    s->device = lstm_device_cpu("");
    if ((rc = lstm_model_read(blob, size, &s->model, err)))
        goto done;
    rc = load(s, device, err);
    if (s->model->int8.weights)
        lstm_model_forget_weights(s->model); /* what is loaded is smaller */
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
    scorer->device.backend->unload(scorer->loaded);
    lstm_summarizer_close(scorer->summarizer);
    lstm_model_free(scorer->model);
    free(scorer);
}

const struct lstm_model *lstm_scorer_model(const struct lstm_scorer *scorer)
{
    return scorer->model;
}

size_t lstm_scorer_tables(void)
{
    return cpu_table_bytes();
}

const char *lstm_scorer_device(const struct lstm_scorer *scorer)
{
    return scorer->device.backend->name;
}

const char *lstm_scorer_why(const struct lstm_scorer *scorer)
{
    return scorer->device.why;
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
                              : scorer->device.backend->open(scorer->loaded, &w->session, err);
    rc = of_device(&scorer->device, rc, err);
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
    worker->scorer->device.backend->close(worker->session);
    lstm_summary_session_close(worker->summaries);
    for (int i = 0; i < LSTM_THREADS_MAX; i++)
        lstm_tokens_free(&worker->lists[i]);
    free(worker->joined);
    free(worker->places);
    free(worker->starts);
    free(worker->logits);
    free(worker);
}

/* ---- reading texts ---- */

static enum lstm_status reserve(struct lstm_worker *w, int32_t texts, struct lstm_error *err)
{
    const size_t n = (size_t)texts, classes = (size_t)w->scorer->model->sizes.classes;
    if (texts <= w->capacity)
        return LSTM_OK;
    struct place *places = realloc(w->places, n * sizeof *places);
    w->places = places ? places : w->places;
    int32_t *starts = realloc(w->starts, (n + 1) * sizeof *starts);
    w->starts = starts ? starts : w->starts;
    float *logits = realloc(w->logits, n * classes * sizeof *logits);
    w->logits = logits ? logits : w->logits;
    if (!places || !starts || !logits)
        return lstm_fail(err, LSTM_NOMEM, "out of memory for a batch of %d texts", texts);
    w->capacity = texts;
    return LSTM_OK;
}

static enum lstm_status check_bytes(const struct lstm_text *texts, int32_t count, size_t *bytes,
                                    struct lstm_error *err)
{
    const int32_t memory_mb = lstm_limits_get().memory_mb;
    *bytes = 0;
    for (int32_t i = 0; i < count; i++)
        *bytes += texts[i].size;
    if (*bytes >> 20 < (size_t)memory_mb)
        return LSTM_OK;
    return lstm_fail(err, LSTM_RANGE,
                     "%zu MB of text at once, memory_mb allows %d; score fewer or shorter texts at "
                     "once or raise memory_mb",
                     *bytes >> 20, memory_mb);
}

/* A batch whose texts are made tokens by several threads, PART_TEXTS at a time. */
struct reading {
    struct lstm_worker *worker;
    const struct lstm_text *texts;
    int32_t count;
    const struct lstm_batch *batch; /* whom to ask whether to stop */
    atomic_int status;
    struct lstm_error error; /* of whoever failed first */
};

enum { PART_TEXTS = 16, THREAD_BYTES = 1 << 16 /* of text that are worth a thread */ };

static void read_part(void *arg, int32_t part, int32_t thread)
{
    struct reading *r = arg;
    struct lstm_worker *w = r->worker;
    struct lstm_tokens *list = &w->lists[thread];
    const int32_t first = part * PART_TEXTS,
                  end = first + PART_TEXTS < r->count ? first + PART_TEXTS : r->count;
    struct lstm_error error;
    if (thread == 0 && r->batch->stop && r->batch->stop(r->batch->stop_arg)) {
        int none = 0;
        lstm_fail(&error, LSTM_INTERRUPTED, "interrupted after %d of %d texts", first, r->count);
        if (atomic_compare_exchange_strong(&r->status, &none, (int)LSTM_INTERRUPTED))
            r->error = error;
    }
    for (int32_t i = first; i < end && !atomic_load(&r->status); i++) {
        const int32_t before = list->count;
        enum lstm_status rc = lstm_tokenize(w->scorer->model->tokenizer, r->texts[i].bytes,
                                            r->texts[i].size, 0, list, &error);
        int none = 0;
        if (rc && atomic_compare_exchange_strong(&r->status, &none, (int)rc))
            r->error = error;
        w->places[i] = (struct place){ thread, before, list->count - before };
    }
}

/* The lists of several threads as one, in the order of the texts. */
static enum lstm_status join(struct lstm_worker *w, int32_t count, struct lstm_error *err)
{
    int64_t total = 0;
    for (int32_t i = 0; i < count; i++)
        total += w->places[i].count;
    if (total > INT32_MAX)
        return lstm_fail(err, LSTM_RANGE, "%lld tokens at once, at most %d; score fewer texts",
                         (long long)total, INT32_MAX);
    if (total > w->joined_capacity) {
        free(w->joined);
        w->joined = malloc((size_t)total * sizeof *w->joined);
        w->joined_capacity = w->joined ? (int32_t)total : 0;
        if (!w->joined)
            return lstm_fail(err, LSTM_NOMEM, "out of memory for %lld tokens", (long long)total);
    }
    for (int32_t i = 0, at = 0; i < count; at += w->places[i].count, i++)
        if (w->places[i].count > 0)
            memcpy(w->joined + at, w->lists[w->places[i].list].ids + w->places[i].first,
                   (size_t)w->places[i].count * sizeof *w->joined);
    return LSTM_OK;
}

/* The tokens of texts as a batch, in which those without a token do not stand; tokens: how many
 * each has. */
static enum lstm_status read_texts(struct lstm_worker *w, const struct lstm_text *texts,
                                   int32_t count, int32_t *tokens, struct lstm_batch *batch,
                                   struct lstm_error *err)
{
    struct reading reading = { .worker = w, .texts = texts, .count = count, .batch = batch };
    const int32_t most = lstm_limits_get().threads;
    size_t bytes;
    enum lstm_status rc = check_bytes(texts, count, &bytes, err);
    if (rc)
        return rc;
    const int32_t threads =
        bytes / THREAD_BYTES < (size_t)most ? (int32_t)(bytes / THREAD_BYTES) : most;
    for (int i = 0; i < LSTM_THREADS_MAX; i++) {
        w->lists[i].count = 0;
        w->lists[i].most = lstm_limits_tokens(sizeof(int32_t)) / (threads > 1 ? 2 * threads : 1);
    }
    lstm_parallel(threads, (count + PART_TEXTS - 1) / PART_TEXTS, read_part, &reading);
    if (reading.status) {
        if (err)
            *err = reading.error;
        return (enum lstm_status)reading.status;
    }
    if (threads > 1 && (rc = join(w, count, err)))
        return rc;
    batch->tokens = threads > 1 ? w->joined : w->lists[0].ids;
    w->starts[0] = 0;
    for (int32_t i = 0; i < count; i++) {
        tokens[i] = w->places[i].count;
        if (tokens[i] == 0)
            continue;
        w->starts[batch->texts + 1] = w->starts[batch->texts] + tokens[i];
        batch->texts++;
    }
    return LSTM_OK;
}

/* After a call: what a huge text needed is not kept. */
static void release(struct lstm_worker *w)
{
    enum { KEPT_MAX = 4 << 20 }; /* tokens */
    int64_t kept = w->joined_capacity;
    for (int i = 0; i < LSTM_THREADS_MAX; i++)
        kept += w->lists[i].capacity;
    if (kept <= KEPT_MAX)
        return;
    for (int i = 0; i < LSTM_THREADS_MAX; i++)
        lstm_tokens_free(&w->lists[i]);
    free(w->joined);
    w->joined = NULL;
    w->joined_capacity = 0;
}

enum lstm_status lstm_worker_classify(struct lstm_worker *w, const struct lstm_text *texts,
                                      int32_t count, int (*stop)(void *), void *stop_arg,
                                      float *probabilities, int32_t *tokens, struct lstm_error *err)
{
    const struct lstm_model *model = w->scorer->model;
    const size_t classes = (size_t)model->sizes.classes;
    const struct cpu_kernels *kernels = cpu_kernels_pick(NULL);
    if (w->scorer->summarizer)
        return lstm_fail(err, LSTM_MISMATCH, "a model of task \"%s\" cannot classify", model->task);
    enum lstm_status rc = reserve(w, count, err);
    if (rc || count == 0)
        return rc;
    struct lstm_batch batch = { .starts = w->starts, .stop = stop, .stop_arg = stop_arg };
    rc = read_texts(w, texts, count, tokens, &batch, err);
    if (!rc && batch.texts > 0)
        rc =
            of_device(&w->scorer->device,
                      w->scorer->device.backend->classify(w->session, &batch, w->logits, err), err);
    release(w);
    if (rc)
        return rc;
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
        return of_device(&w->scorer->device,
                         lstm_summary_session_run(w->summaries, texts, count, settings, stop,
                                                  stop_arg, summaries, err),
                         err);
    for (int32_t i = 0; i < count; i++)
        summaries[i] = (struct lstm_summary){ 0 };
    return lstm_fail(err, LSTM_MISMATCH, "a model of task \"%s\" cannot summarize",
                     w->scorer->model->task);
}
