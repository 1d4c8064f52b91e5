/* The CPU's table behind the seam: tiles of windows, pooled and forgotten as they go. */
#include "backend.h"
#include "cpu_tiles.h"

#include <stdlib.h>

struct lstm_loaded {
    struct cpu_weights *weights;
};

struct lstm_session {
    const struct cpu_weights *weights; /* not ours */
    struct cpu_tiles *tiles;
    float *features;    /* 6 hidden; with the pool of a window in one block */
    void *batch_memory; /* pools of a batch: grows, never shrinks */
    size_t batch_size;
    struct cpu_pools pools;
};

static enum lstm_status load(const struct cpu_kernels *kernels, const struct lstm_model *model,
                             struct lstm_loaded **loaded, struct lstm_error *err)
{
    *loaded = calloc(1, sizeof **loaded);
    if (!*loaded)
        return lstm_fail(err, LSTM_NOMEM, "out of memory for a model on the CPU");
    enum lstm_status rc =
        cpu_weights_open(&model->sizes, kernels, model->params, 0, &(*loaded)->weights, err);
    if (rc) {
        free(*loaded);
        *loaded = NULL;
    }
    return rc;
}

static void unload(struct lstm_loaded *loaded)
{
    if (loaded)
        cpu_weights_close(loaded->weights);
    free(loaded);
}

static void close_session(struct lstm_session *s)
{
    if (!s)
        return;
    cpu_tiles_close(s->tiles);
    free(s->batch_memory);
    free(s->features);
    free(s);
}

static enum lstm_status open_session(const struct lstm_loaded *loaded,
                                     struct lstm_session **session, struct lstm_error *err)
{
    const struct cpu_weights *w = loaded->weights;
    size_t h = (size_t)w->sizes.hidden, floats = 6 * h + 6 * h + (size_t)w->sizes.window + 16;
    struct lstm_session *s = *session = calloc(1, sizeof *s);
    enum lstm_status rc = LSTM_OK;
    if (s)
        s->features = malloc(floats * sizeof(float));
    if (!s || !s->features)
        rc = lstm_fail(err, LSTM_NOMEM, "out of memory for a session of %zu floats", floats);
    else
        rc = cpu_tiles_open(w, &s->tiles, err);
    if (rc) {
        close_session(s);
        *session = NULL;
        return rc;
    }
    s->weights = w;
    float *next = s->features + 6 * h;
    s->pools.window =
        (struct cpu_pool){ .weighted = next, .max = next + 2 * h, .sum = next + 4 * h };
    s->pools.scores = next + 6 * h;
    return LSTM_OK;
}

/* Pools and counts of a batch in one block that grows and is kept. */
static enum lstm_status reserve(struct lstm_session *s, int32_t texts, struct lstm_error *err)
{
    size_t n = (size_t)texts, width = 2 * (size_t)s->weights->sizes.hidden;
    size_t need =
        n * (sizeof *s->pools.texts + sizeof *s->pools.counts) + n * 3 * width * sizeof(float);
    if (need > s->batch_size) {
        void *memory = realloc(s->batch_memory, need);
        if (!memory)
            return lstm_fail(err, LSTM_NOMEM, "out of memory for a batch of %d texts", texts);
        s->batch_memory = memory;
        s->batch_size = need;
    }
    s->pools.texts = s->batch_memory;
    float *floats = (float *)(s->pools.texts + n);
    s->pools.counts = (int32_t *)(floats + n * 3 * width);
    for (size_t i = 0; i < n; i++, floats += 3 * width) {
        s->pools.texts[i] = (struct cpu_pool){ .weighted = floats,
                                               .max = floats + width,
                                               .sum = floats + 2 * width };
        s->pools.counts[i] = 0;
    }
    return LSTM_OK;
}

static void take_tile(void *arg, const struct cpu_tile *tile, const float *states)
{
    struct lstm_session *s = arg;
    cpu_pool_tile(s->weights, tile, states, &s->pools);
}

static enum lstm_status classify(struct lstm_session *s, const struct lstm_batch *batch,
                                 float *logits, struct lstm_error *err)
{
    const struct lstm_sizes *sizes = &s->weights->sizes;
    const struct cpu_kernels *k = s->weights->kernels;
    if (batch->texts == 0)
        return LSTM_OK;
    enum lstm_status rc = reserve(s, batch->texts, err);
    if (rc || (rc = cpu_tiles_run(s->tiles, batch, take_tile, s, err)))
        return rc;
    const float *weight = s->weights->params + lstm_classifier_at(sizes);
    int32_t width = 2 * sizes->hidden, columns = 3 * width;
    for (int32_t i = 0; i < batch->texts; i++) {
        k->pool_finish(width, s->pools.counts[i], &s->pools.texts[i], s->features);
        k->classify(sizes->classes, columns, weight,
                    weight + (size_t)sizes->classes * (size_t)columns, s->features,
                    logits + (size_t)i * (size_t)sizes->classes);
    }
    return LSTM_OK;
}

#define CPU_BACKEND(isa)                                                                    \
    static enum lstm_status load_##isa(const struct lstm_model *model,                      \
                                       struct lstm_loaded **loaded, struct lstm_error *err) \
    {                                                                                       \
        return load(&cpu_kernels_##isa, model, loaded, err);                                \
    }                                                                                       \
    static const struct lstm_backend backend_##isa = { .abi = LSTM_BACKEND_ABI,             \
                                                       .name = "cpu-" #isa,                 \
                                                       .load = load_##isa,                  \
                                                       .unload = unload,                    \
                                                       .open = open_session,                \
                                                       .close = close_session,              \
                                                       .classify = classify };

CPU_BACKEND(generic)
#if defined(__x86_64__)
CPU_BACKEND(avx2)
CPU_BACKEND(avx512)
#endif

const struct lstm_backend *lstm_backend_cpu(const char *isa)
{
    const struct cpu_kernels *kernels = cpu_kernels_pick(isa);
#if defined(__x86_64__)
    if (kernels == &cpu_kernels_avx512)
        return &backend_avx512;
    if (kernels == &cpu_kernels_avx2)
        return &backend_avx2;
#endif
    return kernels ? &backend_generic : NULL;
}
