/* The CPU's table behind the seam: tiles of windows, forgotten as they go. */
#include "backend.h"
#include "cpu_encoder.h"

#include <stdlib.h>

enum { TILE_ROWS = 36 }; /* six register tiles high: the step's gates stay in the L2 cache beside the weights */

struct lstm_loaded {
    struct cpu_weights *weights;
};

struct lstm_session {
    const struct cpu_weights *weights; /* not ours */
    float *tile_floats;                /* working memory of a tile, made once */
    struct cpu_steps steps;
    float *states[2]; /* TILE_ROWS x window positions x 2 hidden: a layer's output, the layer below it */
    float *features;  /* 6 hidden */
    int32_t *tile_ints;
    void *batch_memory; /* windows and pools of a batch: grows, never shrinks */
    size_t batch_size;
    struct lstm_window *windows;
    struct cpu_pools pools;
};

static enum lstm_status load(const struct cpu_kernels *kernels, const struct lstm_model *model,
                             struct lstm_loaded **loaded, struct lstm_error *err)
{
    *loaded = calloc(1, sizeof **loaded);
    if (!*loaded)
        return lstm_fail(err, LSTM_NOMEM, "out of memory for a model on the CPU");
    enum lstm_status rc = cpu_weights_open(&model->sizes, kernels, model->params, 0, &(*loaded)->weights, err);
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
    free(s->batch_memory);
    free(s->tile_ints);
    free(s->tile_floats);
    free(s);
}

static enum lstm_status open_session(const struct lstm_loaded *loaded, struct lstm_session **session,
                                     struct lstm_error *err)
{
    const struct cpu_weights *w = loaded->weights;
    size_t h = (size_t)w->sizes.hidden, in = w->sizes.layers > 1 ? 2 * h : (size_t)w->sizes.embedding;
    size_t positions = (size_t)TILE_ROWS * (size_t)w->sizes.window, layers = w->sizes.layers > 1 ? 2 : 1;
    if (in < (size_t)w->sizes.embedding)
        in = (size_t)w->sizes.embedding;
    size_t floats = TILE_ROWS * (in + 6 * h) + layers * positions * 2 * h + 6 * h + 6 * h;
    struct lstm_session *s = calloc(1, sizeof *s);
    *session = s;
    if (s) {
        s->weights = w;
        s->tile_floats = malloc((floats + (size_t)w->sizes.window + 16) * sizeof(float));
        s->tile_ints = malloc(cpu_tile_ints(TILE_ROWS, w->sizes.window, (int32_t)positions) * sizeof(int32_t));
    }
    if (!s || !s->tile_floats || !s->tile_ints) {
        close_session(s);
        *session = NULL;
        return lstm_fail(err, LSTM_NOMEM, "out of memory for a session of %zu floats", floats);
    }
    float *next = s->tile_floats;
    s->steps.x = next, next += TILE_ROWS * in;
    s->steps.gates = next, next += TILE_ROWS * 4 * h;
    s->steps.cell = next, next += TILE_ROWS * h;
    s->steps.state = next, next += TILE_ROWS * h;
    s->features = next, next += 6 * h;
    s->pools.window = (struct cpu_pool){ .weighted = next, .max = next + 2 * h, .sum = next + 4 * h };
    next += 6 * h;
    s->pools.scores = next, next += w->sizes.window + 16;
    s->states[0] = next, next += positions * 2 * h;
    s->states[1] = layers > 1 ? next : NULL;
    return LSTM_OK;
}

/* Windows, pools and counts of a batch in one block that grows and is kept. */
static enum lstm_status reserve(struct lstm_session *s, int32_t texts, int32_t windows, struct lstm_error *err)
{
    size_t n = (size_t)texts, width = 2 * (size_t)s->weights->sizes.hidden;
    size_t need = (size_t)windows * sizeof *s->windows + n * (sizeof *s->pools.texts + sizeof *s->pools.counts) +
                  n * 3 * width * sizeof(float);
    if (need > s->batch_size) {
        void *memory = realloc(s->batch_memory, need);
        if (!memory)
            return lstm_fail(err, LSTM_NOMEM, "out of memory for a batch of %d texts in %d windows", texts, windows);
        s->batch_memory = memory;
        s->batch_size = need;
    }
    s->pools.texts = s->batch_memory;
    float *floats = (float *)(s->pools.texts + n);
    s->windows = (struct lstm_window *)(floats + n * 3 * width);
    s->pools.counts = (int32_t *)(s->windows + windows);
    for (size_t i = 0; i < n; i++, floats += 3 * width) {
        s->pools.texts[i] = (struct cpu_pool){ .weighted = floats, .max = floats + width, .sum = floats + 2 * width };
        s->pools.counts[i] = 0;
    }
    return LSTM_OK;
}

static void run_tile(struct lstm_session *s, const struct cpu_tile *tile)
{
    const struct cpu_weights *w = s->weights;
    struct cpu_input input = { w->params, tile->tokens, w->sizes.embedding };
    for (int layer = 0; layer < w->sizes.layers; layer++) {
        float *states = s->states[layer % 2];
        for (int reverse = 0; reverse < 2; reverse++)
            cpu_direction_run(w, layer, reverse, tile, &input, &s->steps, states);
        input = (struct cpu_input){ states, NULL, 2 * w->sizes.hidden };
    }
    cpu_pool_tile(w, tile, input.table, &s->pools);
}

static enum lstm_status classify(struct lstm_session *s, const struct lstm_batch *batch, float *logits,
                                 struct lstm_error *err)
{
    const struct lstm_sizes *sizes = &s->weights->sizes;
    const struct cpu_kernels *k = s->weights->kernels;
    enum lstm_status rc = cpu_batch_check(sizes, batch, err);
    int32_t windows = 0;
    for (int32_t i = 0; i < batch->texts && !rc; i++)
        windows += lstm_window_count(sizes, batch->starts[i + 1] - batch->starts[i]);
    if (rc || batch->texts == 0 || (rc = reserve(s, batch->texts, windows, err)))
        return rc;
    lstm_windows_sorted(sizes, batch, s->windows, windows);
    for (int32_t first = 0; first < windows; first += TILE_ROWS) {
        if (batch->stop && batch->stop(batch->stop_arg))
            return lstm_fail(err, LSTM_INTERRUPTED, "interrupted after %d of %d windows", first, windows);
        struct cpu_tile tile;
        int32_t rows = windows - first < TILE_ROWS ? windows - first : TILE_ROWS;
        cpu_tile_plan(&tile, s->windows + first, rows, batch->tokens, s->tile_ints);
        run_tile(s, &tile);
    }
    const float *weight = s->weights->params + lstm_classifier_at(sizes);
    int32_t width = 2 * sizes->hidden, columns = 3 * width;
    for (int32_t i = 0; i < batch->texts; i++) {
        k->pool_finish(width, s->pools.counts[i], &s->pools.texts[i], s->features);
        k->classify(sizes->classes, columns, weight, weight + (size_t)sizes->classes * (size_t)columns, s->features,
                    logits + (size_t)i * (size_t)sizes->classes);
    }
    return LSTM_OK;
}

#define CPU_BACKEND(isa)                                                                            \
    static enum lstm_status load_##isa(const struct lstm_model *model, struct lstm_loaded **loaded, \
                                       struct lstm_error *err)                                      \
    {                                                                                               \
        return load(&cpu_kernels_##isa, model, loaded, err);                                        \
    }                                                                                               \
    static const struct lstm_backend backend_##isa = { .abi = LSTM_BACKEND_ABI,                     \
                                                       .name = "cpu-" #isa,                         \
                                                       .load = load_##isa,                          \
                                                       .unload = unload,                            \
                                                       .open = open_session,                        \
                                                       .close = close_session,                      \
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
