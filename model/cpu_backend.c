/* The CPU's table behind the seam. A classifier's windows are read, pooled, and forgotten. */
#include "backend.h"
#include "carve.h"
#include "cpu_reader.h"
#include "cpu_summaries.h"

#include <string.h>

struct lstm_loaded {
    struct cpu_network *network;
};

struct lstm_session {
    const struct cpu_network *network; /* not ours */
    struct cpu_reader *reader;
    struct cpu_summaries *summaries; /* a summariser's; it has none of what follows */
    struct cpu_pool *pools;          /* of a round's windows, by index; grows, never shrinks */
    void *pools_memory;
    size_t pools_size;
    struct cpu_pool text;           /* of a text of several windows, which may span rounds */
    float *features;                /* 6 hidden; in one block with the pool of the text */
    const struct lstm_batch *batch; /* of the call under way */
    float *logits;
};

static enum lstm_status load(const char *isa, const struct lstm_model *model,
                             struct lstm_loaded **loaded, struct lstm_error *err)
{
    *loaded = calloc(1, sizeof **loaded);
    if (!*loaded)
        return lstm_fail(err, LSTM_NOMEM, "out of memory for a model on the CPU");
    enum lstm_status rc = cpu_network_open(model, cpu_isa_pick(isa), &(*loaded)->network, err);
    if (rc) {
        free(*loaded);
        *loaded = NULL;
    }
    return rc;
}

static void unload(struct lstm_loaded *loaded)
{
    if (loaded)
        cpu_network_close(loaded->network);
    free(loaded);
}

static struct cpu_pool pool_at(float *floats, size_t hidden)
{
    return (struct cpu_pool){ .weighted = floats,
                              .max = floats + 2 * hidden,
                              .sum = floats + 4 * hidden };
}

static void close_session(struct lstm_session *s)
{
    if (!s)
        return;
    cpu_summaries_close(s->summaries);
    cpu_reader_close(s->reader);
    free(s->pools_memory);
    free(s->features);
    free(s);
}

static enum lstm_status open_pool(struct lstm_session *s, struct lstm_error *err)
{
    const size_t h = (size_t)s->network->sizes.hidden;
    s->features = malloc(2 * 6 * h * sizeof *s->features);
    if (!s->features)
        return lstm_fail(err, LSTM_NOMEM, "out of memory for a session of %zu units", h);
    s->text = pool_at(s->features + 6 * h, h);
    return LSTM_OK;
}

static enum lstm_status open_session(const struct lstm_loaded *loaded,
                                     struct lstm_session **session, struct lstm_error *err)
{
    const struct cpu_network *n = loaded->network;
    struct lstm_session *s = *session = calloc(1, sizeof *s);
    if (!s)
        return lstm_fail(err, LSTM_NOMEM, "out of memory for a session");
    s->network = n;
    enum lstm_status rc = cpu_reader_open(n, &s->reader, err);
    if (!rc)
        rc = n->sizes.decoder ? cpu_summaries_open(n, s->reader, &s->summaries, err)
                              : open_pool(s, err);
    if (rc) {
        close_session(s);
        *session = NULL;
    }
    return rc;
}

/* Room for the pools of a round of the batch. */
static enum lstm_status reserve(struct lstm_session *s, const struct lstm_batch *batch,
                                struct lstm_error *err)
{
    const struct lstm_sizes *sizes = &s->network->sizes;
    const size_t h = (size_t)sizes->hidden;
    size_t windows = 0;
    for (int32_t i = 0; i < batch->texts && windows < CPU_ROUND_WINDOWS; i++)
        windows += (size_t)lstm_window_count(sizes, batch->starts[i + 1] - batch->starts[i]);
    windows = windows < CPU_ROUND_WINDOWS ? windows : CPU_ROUND_WINDOWS;
    struct carver count = { 0 };
    carve(&count, windows, sizeof *s->pools);
    carve(&count, windows * 6 * h, sizeof(float));
    if (!carve_reserve(&s->pools_memory, &s->pools_size, count.used))
        return lstm_fail(err, LSTM_NOMEM, "out of memory for the pools of %zu windows", windows);
    struct carver carver = { .memory = s->pools_memory };
    s->pools = carve(&carver, windows, sizeof *s->pools);
    float *floats = carve(&carver, windows * 6 * h, sizeof *floats);
    for (size_t i = 0; i < windows; i++)
        s->pools[i] = pool_at(floats + i * 6 * h, h);
    return LSTM_OK;
}

static void pool_tile(void *arg, const struct cpu_tile_states *tile, float *scratch)
{
    struct lstm_session *s = arg;
    const struct cpu_network *n = s->network;
    const int32_t width = 2 * n->sizes.hidden;
    const size_t token_size = (size_t)width * n->arithmetic->state_size;
    for (int32_t r = 0; r < tile->rows; r++) {
        const struct lstm_window *window = &tile->windows[r];
        const size_t first = (size_t)(tile->offset[r] + window->own_start - window->start);
        n->arithmetic->pool(window->own_length, width,
                            (const char *)tile->states + first * token_size, n->attention, scratch,
                            &s->pools[window->index]);
    }
}

static void finish_text(struct lstm_session *s, int32_t text, const struct cpu_pool *pool)
{
    const struct cpu_network *n = s->network;
    const struct lstm_sizes *sizes = &n->sizes;
    const int32_t width = 2 * sizes->hidden, columns = 3 * width;
    n->kernels->pool_finish(width, s->batch->starts[text + 1] - s->batch->starts[text], pool,
                            n->state_unit, s->features);
    n->kernels->classify(sizes->classes, columns, n->classifier,
                         n->classifier + (size_t)sizes->classes * (size_t)columns, s->features,
                         s->logits + (size_t)text * (size_t)sizes->classes);
}

/* Windows of a text come one after another, over rounds too. */
static void finish_round(void *arg, const struct lstm_window *windows, int32_t count)
{
    struct lstm_session *s = arg;
    const int32_t width = 2 * s->network->sizes.hidden;
    for (int32_t i = 0; i < count; i++) {
        const struct lstm_window *w = &windows[i];
        const int32_t *starts = s->batch->starts + w->text;
        const int is_first = w->start == starts[0];
        const int is_last = w->own_start + w->own_length == starts[1];
        if (is_first && is_last) {
            finish_text(s, w->text, &s->pools[i]);
        } else if (is_first) {
            s->text.top = s->pools[i].top;
            s->text.total = s->pools[i].total;
            memcpy(s->text.weighted, s->pools[i].weighted, 3 * (size_t)width * sizeof(float));
        } else {
            s->network->kernels->pool_merge(width, &s->text, &s->pools[i]);
            if (is_last)
                finish_text(s, w->text, &s->text);
        }
    }
}

static enum lstm_status classify(struct lstm_session *s, const struct lstm_batch *batch,
                                 float *logits, struct lstm_error *err)
{
    const struct cpu_taker taker = { pool_tile, finish_round, s };
    enum lstm_status rc = reserve(s, batch, err);
    if (rc)
        return rc;
    s->batch = batch;
    s->logits = logits;
    return cpu_reader_run(s->reader, batch, &taker, err);
}

static enum lstm_status write_summaries(struct lstm_session *s, const struct lstm_batch *batch,
                                        const struct lstm_summary_settings *settings,
                                        struct lstm_written *written, struct lstm_error *err)
{
    return cpu_summaries_write(s->summaries, batch, settings, written, err);
}

#define CPU_BACKEND(isa)                                                                    \
    static enum lstm_status load_##isa(const struct lstm_model *model,                      \
                                       struct lstm_loaded **loaded, struct lstm_error *err) \
    {                                                                                       \
        return load(#isa, model, loaded, err);                                              \
    }                                                                                       \
    static const struct lstm_backend backend_##isa = { .abi = LSTM_BACKEND_ABI,             \
                                                       .name = "cpu-" #isa,                 \
                                                       .load = load_##isa,                  \
                                                       .unload = unload,                    \
                                                       .open = open_session,                \
                                                       .close = close_session,              \
                                                       .classify = classify,                \
                                                       .write = write_summaries,            \
                                                       .guides = 1 };

CPU_BACKEND(generic)
CPU_BACKEND(avx2)
CPU_BACKEND(avxvnni)
CPU_BACKEND(avx512)
CPU_BACKEND(avx512vnni)

const struct lstm_backend *lstm_backend_cpu(const char *isa)
{
    static const struct lstm_backend *const all[] = { &backend_generic, &backend_avx2,
                                                      &backend_avxvnni, &backend_avx512,
                                                      &backend_avx512vnni };
    const struct cpu_isa *found = cpu_isa_pick(isa);
    for (size_t i = 0; found && i < sizeof all / sizeof *all; i++)
        if (!strcmp(all[i]->name + strlen("cpu-"), found->name))
            return all[i];
    return NULL;
}
