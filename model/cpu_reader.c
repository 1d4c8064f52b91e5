#include "cpu_reader.h"
#include "carve.h"
#include "limits.h"
#include "parallel.h"

#include <stdatomic.h>
#include <string.h>

enum {
    TILE_ROWS = 36,         /* a multiple of every register tile's height */
    STEPS_ASK = 64,         /* between two questions whether to stop */
    THREAD_WORK = 100000000 /* multiplications that are worth a thread: part of a millisecond */
};

/* The working memory of one thread. */
struct tile_memory {
    void *block; /* of what follows; grows, never shrinks */
    size_t size;
    char *states[2]; /* rows x steps x 2 hidden: a layer's output, the one below */
    float *cell;     /* rows x hidden */
    char *products;  /* rows x 4 hidden input products that no table holds */
    float *scratch;  /* of the taker */
    int32_t offset[TILE_ROWS];
    const void *input[TILE_ROWS], *next[TILE_ROWS], *before[TILE_ROWS];
    void *after[TILE_ROWS];
};

struct cpu_reader {
    const struct cpu_network *network; /* not ours */
    struct tile_memory memory[LSTM_THREADS_MAX];
    struct lstm_window windows[CPU_ROUND_WINDOWS], sorted[CPU_ROUND_WINDOWS];
};

/* One round as its threads see it. */
struct round {
    struct cpu_reader *reader;
    const struct lstm_batch *batch;
    const struct cpu_taker *taker;
    int32_t windows, tile_rows;
    atomic_int is_stopped;
};

enum lstm_status cpu_reader_open(const struct cpu_network *network, struct cpu_reader **reader,
                                 struct lstm_error *err)
{
    struct cpu_reader *r = *reader = calloc(1, sizeof *r);
    if (!r)
        return lstm_fail(err, LSTM_NOMEM, "out of memory for %zu bytes to read with", sizeof *r);
    r->network = network;
    return LSTM_OK;
}

void cpu_reader_close(struct cpu_reader *reader)
{
    if (!reader)
        return;
    for (int i = 0; i < LSTM_THREADS_MAX; i++)
        free(reader->memory[i].block);
    free(reader);
}

/* How a call is cut: tiles of so many rows, which are read for at most so many steps, on so many
 * threads. */
struct plan {
    int32_t rows, steps, threads;
};

static void lay_out(const struct cpu_network *n, const struct plan *plan, struct tile_memory *m,
                    struct carver *carver)
{
    const size_t h = (size_t)n->sizes.hidden, rows = (size_t)plan->rows;
    const size_t states = rows * (size_t)plan->steps * 2 * h;
    m->states[0] = carve(carver, states, n->arithmetic->state_size);
    m->states[1] =
        n->sizes.layers > 1 ? carve(carver, states, n->arithmetic->state_size) : m->states[0];
    m->cell = carve(carver, rows * h, sizeof *m->cell);
    m->products = carve(carver, rows * 4 * h, n->arithmetic->input_size);
    m->scratch = carve(carver, (size_t)plan->steps + 16, sizeof *m->scratch);
}

static size_t tile_size(const struct cpu_network *n, struct plan plan)
{
    struct tile_memory nothing;
    struct carver count = { 0 };
    lay_out(n, &plan, &nothing, &count);
    return count.used;
}

/* Memory for every thread of the plan, or for fewer threads where there is no more. */
static enum lstm_status reserve(struct cpu_reader *r, struct plan *plan, struct lstm_error *err)
{
    const size_t size = tile_size(r->network, *plan);
    for (int32_t i = 0; i < plan->threads; i++) {
        struct tile_memory *m = &r->memory[i];
        if (size > m->size) {
            free(m->block);
            m->block = aligned_alloc(64, size);
            m->size = m->block ? size : 0;
        }
        if (!m->block && i == 0)
            return lstm_fail(err, LSTM_NOMEM, "out of memory for tiles of %zu bytes", size);
        if (!m->block) {
            plan->threads = i;
            return LSTM_OK;
        }
        struct carver carver = { .memory = m->block };
        lay_out(r->network, plan, m, &carver);
    }
    return LSTM_OK;
}

/* ---- a tile ---- */

struct direction {
    struct round *round;
    int32_t worker;
    const struct cpu_network *network;
    struct tile_memory *memory;
    const struct lstm_window *windows;
    const int32_t *tokens;
    int layer, reverse;
    char *out;      /* the layer's states */
    const char *in; /* those of the layer below */
};

/* Which token of its window a row reads at a step. */
static int32_t position(const struct direction *d, int32_t row, int32_t step)
{
    return d->reverse ? d->windows[row].length - 1 - step : step;
}

/* The input products of the first layer, and where those of the next step are. */
static void look_up(const struct direction *d, int32_t rows, int32_t step)
{
    const struct cpu_inputs *inputs = &d->network->read;
    int32_t tokens[TILE_ROWS], next[TILE_ROWS];
    for (int32_t r = 0; r < rows; r++) {
        const int32_t *window = d->tokens + d->windows[r].start;
        const int is_last = d->windows[r].length == step + 1;
        tokens[r] = window[position(d, r, step)];
        next[r] = is_last ? tokens[r] : window[position(d, r, step + 1)];
    }
    cpu_inputs_find(d->network, inputs, d->reverse, rows, tokens, d->memory->products,
                    d->memory->input);
    memcpy(d->memory->next, d->memory->input, (size_t)rows * sizeof *d->memory->next);
    cpu_inputs_peek(d->network, inputs, d->reverse, rows, next, d->memory->next);
}

/* The input products of a layer above the first. */
static void multiply(const struct direction *d, int32_t rows, int32_t step)
{
    const struct cpu_network *n = d->network;
    const struct cpu_arithmetic *a = n->arithmetic;
    const size_t h = (size_t)n->sizes.hidden;
    const void *below[TILE_ROWS];
    void *out[TILE_ROWS];
    for (int32_t r = 0; r < rows; r++) {
        const size_t at = (size_t)(d->memory->offset[r] + position(d, r, step));
        below[r] = d->in + at * 2 * h * a->state_size;
        out[r] = d->memory->products + (size_t)r * 4 * h * a->input_size;
        d->memory->input[r] = d->memory->next[r] = out[r];
    }
    a->input(rows, &n->above[d->layer][d->reverse], below, NULL, out);
}

/* The caller's thread asks, all look. */
static int is_stopped(struct round *round, int32_t worker)
{
    const struct lstm_batch *batch = round->batch;
    if (worker == 0 && batch->stop && !atomic_load(&round->is_stopped) &&
        batch->stop(batch->stop_arg))
        atomic_store(&round->is_stopped, 1);
    return atomic_load(&round->is_stopped);
}

static void run_direction(const struct direction *d, int32_t rows)
{
    const struct cpu_network *n = d->network;
    struct tile_memory *m = d->memory;
    const size_t half = (size_t)n->sizes.hidden * n->arithmetic->state_size;
    for (int32_t step = 0; step < d->windows[0].length; step++) {
        if (step % STEPS_ASK == 0 && is_stopped(d->round, d->worker))
            return;
        while (d->windows[rows - 1].length <= step)
            rows--;
        for (int32_t r = 0; r < rows; r++) {
            const size_t at = (size_t)(m->offset[r] + position(d, r, step));
            m->before[r] = m->after[r];
            m->after[r] = d->out + at * 2 * half + (d->reverse ? half : 0);
        }
        if (d->layer)
            multiply(d, rows, step);
        else
            look_up(d, rows, step);
        n->arithmetic->step(rows, n->sizes.hidden, &n->recurrent[d->layer][d->reverse], step == 0,
                            m->input, m->next, m->before, m->cell, m->after);
    }
}

static void run_tile(void *arg, int32_t part, int32_t worker)
{
    struct round *round = arg;
    const struct cpu_network *n = round->reader->network;
    struct tile_memory *m = &round->reader->memory[worker];
    const int32_t first = part * round->tile_rows, left = round->windows - first;
    const struct lstm_window *windows = round->reader->sorted + first;
    struct cpu_tile_states tile = { .windows = windows,
                                    .rows = left < round->tile_rows ? left : round->tile_rows,
                                    .offset = m->offset };
    for (int32_t r = 0, at = 0; r < tile.rows; at += windows[r].length, r++)
        m->offset[r] = at;
    for (int layer = 0; layer < n->sizes.layers; layer++)
        for (int reverse = 0; reverse < 2; reverse++) {
            struct direction d = { round,
                                   worker,
                                   n,
                                   m,
                                   windows,
                                   round->batch->tokens,
                                   layer,
                                   reverse,
                                   m->states[layer % 2],
                                   m->states[(layer + 1) % 2] };
            run_direction(&d, tile.rows);
        }
    tile.states = m->states[(n->sizes.layers - 1) % 2];
    if (!atomic_load(&round->is_stopped))
        round->taker->tile(round->taker->arg, &tile, m->scratch);
}

/* ---- a batch ---- */

/* How many threads so many tokens are worth. */
static int32_t threads_for(const struct lstm_sizes *s, double tokens)
{
    const double h = s->hidden, first = 2 * 4 * h * h, above = 2 * 4 * h * 3 * h;
    const double worth = tokens * (first + (s->layers - 1) * above) / THREAD_WORK;
    const int32_t most = lstm_limits_get().threads;
    return worth < 2 ? 1 : worth < most ? (int32_t)worth : most;
}

/* The rows of a tile: few enough that every thread gets some, in whole register tiles. */
static int32_t rows_for(int32_t windows, int32_t threads)
{
    const int32_t share = (windows + threads - 1) / threads, rows = (share + 5) / 6 * 6;
    return rows < TILE_ROWS ? rows : TILE_ROWS;
}

/* Tiles of all threads take at most a quarter of the memory that scoring may have, but for a single
 * row, without which nothing can be read. */
static struct plan plan_for(const struct cpu_network *n, const struct lstm_batch *batch)
{
    const struct lstm_sizes *s = &n->sizes;
    const size_t most = lstm_limits_quarter();
    struct plan plan = { .steps = 1 };
    int32_t windows = 0;
    for (int32_t i = 0; i < batch->texts; i++) {
        const int32_t tokens = batch->starts[i + 1] - batch->starts[i];
        const int32_t steps = tokens < s->window ? tokens : s->window;
        plan.steps = steps > plan.steps ? steps : plan.steps;
        if (windows < CPU_ROUND_WINDOWS)
            windows += lstm_window_count(s, tokens);
    }
    windows = windows < CPU_ROUND_WINDOWS ? windows : CPU_ROUND_WINDOWS;
    plan.threads = threads_for(s, (double)batch->starts[batch->texts] - (double)batch->starts[0]);
    plan.rows = rows_for(windows, plan.threads);
    while (plan.threads > 1 &&
           tile_size(n, (struct plan){ 6, plan.steps, 1 }) > most / (size_t)plan.threads)
        plan.threads--;
    while (plan.rows > 1 && tile_size(n, plan) > most / (size_t)plan.threads)
        plan.rows--;
    const int32_t tiles = (windows + plan.rows - 1) / plan.rows;
    plan.threads = plan.threads < tiles ? plan.threads : tiles;
    return plan;
}

enum lstm_status cpu_reader_run(struct cpu_reader *reader, const struct lstm_batch *batch,
                                const struct cpu_taker *taker, struct lstm_error *err)
{
    const struct lstm_sizes *sizes = &reader->network->sizes;
    struct round round = { .reader = reader, .batch = batch, .taker = taker };
    struct lstm_walk walk = { 0 };
    enum lstm_status rc = lstm_batch_check(sizes, batch, err);
    if (rc || batch->texts == 0)
        return rc;
    struct plan plan = plan_for(reader->network, batch);
    if ((rc = reserve(reader, &plan, err)))
        return rc;
    round.tile_rows = plan.rows;
    while ((round.windows =
                lstm_windows_next(sizes, batch, &walk, reader->windows, CPU_ROUND_WINDOWS)) > 0) {
        lstm_windows_sort(reader->windows, round.windows, reader->sorted);
        lstm_parallel(plan.threads, (round.windows + plan.rows - 1) / plan.rows, run_tile, &round);
        if (round.is_stopped)
            return lstm_fail(err, LSTM_INTERRUPTED, "interrupted after %d of %d texts",
                             reader->windows[0].text, batch->texts);
        if (taker->round)
            taker->round(taker->arg, reader->windows, round.windows);
    }
    return LSTM_OK;
}
