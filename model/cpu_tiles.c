#include "cpu_tiles.h"

#include <stdlib.h>

enum {
    TILE_ROWS = 36
}; /* six register tiles high: the step's gates stay in the L2 cache beside the weights */

struct cpu_tiles {
    const struct cpu_weights *weights; /* not ours */
    float *floats;                     /* working memory of a tile, made once */
    int32_t *ints;
    struct cpu_steps steps;
    float *states[2]; /* TILE_ROWS x window positions x 2 hidden: a layer's output, the layer below
                         it */
    struct lstm_window *windows; /* of a batch: grows, never shrinks */
    int32_t windows_max;
};

void cpu_tiles_close(struct cpu_tiles *t)
{
    if (!t)
        return;
    free(t->windows);
    free(t->ints);
    free(t->floats);
    free(t);
}

enum lstm_status cpu_tiles_open(const struct cpu_weights *w, struct cpu_tiles **tiles,
                                struct lstm_error *err)
{
    size_t h = (size_t)w->sizes.hidden,
           in = w->sizes.layers > 1 ? 2 * h : (size_t)w->sizes.embedding;
    size_t positions = (size_t)TILE_ROWS * (size_t)w->sizes.window,
           layers = w->sizes.layers > 1 ? 2 : 1;
    if (in < (size_t)w->sizes.embedding)
        in = (size_t)w->sizes.embedding;
    size_t floats = TILE_ROWS * (in + 6 * h) + layers * positions * 2 * h;
    struct cpu_tiles *t = *tiles = calloc(1, sizeof *t);
    if (t) {
        t->weights = w;
        t->floats = malloc(floats * sizeof(float));
        t->ints =
            malloc(cpu_tile_ints(TILE_ROWS, w->sizes.window, (int32_t)positions) * sizeof(int32_t));
    }
    if (!t || !t->floats || !t->ints) {
        cpu_tiles_close(t);
        *tiles = NULL;
        return lstm_fail(err, LSTM_NOMEM, "out of memory for tiles of %zu floats", floats);
    }
    float *next = t->floats;
    t->steps.x = next, next += TILE_ROWS * in;
    t->steps.gates = next, next += TILE_ROWS * 4 * h;
    t->steps.cell = next, next += TILE_ROWS * h;
    t->steps.state = next, next += TILE_ROWS * h;
    t->states[0] = next, next += positions * 2 * h;
    t->states[1] = layers > 1 ? next : NULL;
    return LSTM_OK;
}

static enum lstm_status reserve(struct cpu_tiles *t, int32_t windows, struct lstm_error *err)
{
    if (windows <= t->windows_max)
        return LSTM_OK;
    struct lstm_window *grown = realloc(t->windows, (size_t)windows * sizeof *grown);
    if (!grown)
        return lstm_fail(err, LSTM_NOMEM, "out of memory for a batch in %d windows", windows);
    t->windows = grown;
    t->windows_max = windows;
    return LSTM_OK;
}

static const float *run_tile(struct cpu_tiles *t, const struct cpu_tile *tile)
{
    const struct cpu_weights *w = t->weights;
    struct cpu_input input = { w->params, tile->tokens, w->sizes.embedding };
    for (int layer = 0; layer < w->sizes.layers; layer++) {
        float *states = t->states[layer % 2];
        for (int reverse = 0; reverse < 2; reverse++)
            cpu_direction_run(w, layer, reverse, tile, &input, &t->steps, states);
        input = (struct cpu_input){ states, NULL, 2 * w->sizes.hidden };
    }
    return input.table;
}

enum lstm_status cpu_tiles_run(struct cpu_tiles *t, const struct lstm_batch *batch,
                               cpu_tile_taker *take, void *arg, struct lstm_error *err)
{
    const struct lstm_sizes *sizes = &t->weights->sizes;
    enum lstm_status rc = cpu_batch_check(sizes, batch, err);
    int32_t windows = 0;
    for (int32_t i = 0; i < batch->texts && !rc; i++)
        windows += lstm_window_count(sizes, batch->starts[i + 1] - batch->starts[i]);
    if (rc || windows == 0 || (rc = reserve(t, windows, err)))
        return rc;
    lstm_windows_sorted(sizes, batch, t->windows, windows);
    for (int32_t first = 0; first < windows; first += TILE_ROWS) {
        if (batch->stop && batch->stop(batch->stop_arg))
            return lstm_fail(err, LSTM_INTERRUPTED, "interrupted after %d of %d windows", first,
                             windows);
        struct cpu_tile tile;
        int32_t rows = windows - first < TILE_ROWS ? windows - first : TILE_ROWS;
        cpu_tile_plan(&tile, t->windows + first, rows, batch->tokens, t->ints);
        take(arg, &tile, run_tile(t, &tile));
    }
    return LSTM_OK;
}
