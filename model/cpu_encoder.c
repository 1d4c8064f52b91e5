#include "cpu_encoder.h"

#include <string.h>

size_t cpu_tile_ints(int32_t rows, int32_t steps, int32_t positions)
{
    return (size_t)steps + 1 + (size_t)rows + 3 * (size_t)positions;
}

int32_t cpu_tile_positions(const struct lstm_window *windows, int32_t rows)
{
    int32_t positions = 0;
    for (int32_t r = 0; r < rows; r++)
        positions += windows[r].length;
    return positions;
}

void cpu_tile_plan(struct cpu_tile *tile, const struct lstm_window *windows, int32_t rows,
                   const int32_t *tokens, int32_t *memory)
{
    int32_t positions = cpu_tile_positions(windows, rows), steps = rows ? windows[0].length : 0;
    *tile = (struct cpu_tile){
        .windows = windows, .rows = rows, .steps = steps, .positions = positions
    };
    tile->base = memory, memory += steps + 1;
    tile->offset = memory, memory += rows;
    tile->place[0] = memory, memory += positions;
    tile->place[1] = memory, memory += positions;
    tile->tokens = memory;
    for (int32_t r = 0, at = 0; r < rows; at += windows[r].length, r++) {
        tile->offset[r] = at;
        memcpy(tile->tokens + at, tokens + windows[r].start,
               (size_t)windows[r].length * sizeof *tokens);
    }
    tile->base[0] = 0;
    for (int32_t s = 0, running = rows, p = 0; s < steps; s++) {
        while (windows[running - 1].length <= s)
            running--;
        for (int32_t r = 0; r < running; r++, p++) {
            tile->place[0][p] = tile->offset[r] + s;
            tile->place[1][p] = tile->offset[r] + windows[r].length - 1 - s;
        }
        tile->base[s + 1] = p;
    }
}

void cpu_gather(const struct cpu_input *input, const int32_t *place, int32_t count, float *x)
{
    size_t cols = (size_t)input->cols;
    for (int32_t i = 0; i < count; i++, x += cols) {
        size_t row = (size_t)(input->rows ? input->rows[place[i]] : place[i]);
        memcpy(x, input->table + row * cols, cols * sizeof *x);
    }
}

static void scatter(const float *rows, size_t cols, const int32_t *place, int32_t count,
                    float *states, size_t width)
{
    for (int32_t i = 0; i < count; i++, rows += cols)
        memcpy(states + (size_t)place[i] * width, rows, cols * sizeof *rows);
}

void cpu_direction_run(const struct cpu_weights *weights, int layer, int reverse,
                       const struct cpu_tile *tile, const struct cpu_input *input,
                       struct cpu_steps *steps, float *states)
{
    const struct cpu_kernels *k = weights->kernels;
    const struct cpu_direction *d = &weights->direction[layer][reverse];
    const size_t h = (size_t)weights->sizes.hidden, in = (size_t)input->cols;
    const int32_t hidden = weights->sizes.hidden;
    size_t before = 0; /* where the step before lies in the kept memory */
    for (int32_t s = 0; s < tile->steps; s++) {
        const int32_t rows = tile->base[s + 1] - tile->base[s];
        const int32_t *place = tile->place[reverse] + tile->base[s];
        const size_t here = (size_t)tile->base[s];
        float *gates = steps->gates + here * 4 * h, *cell = steps->cell + here * h,
              *state = steps->state + here * h;
        cpu_gather(input, place, rows, steps->x);
        for (int32_t r = 0; r < rows; r++)
            memcpy(gates + (size_t)r * 4 * h, d->bias, 4 * h * sizeof *gates);
        k->gemm(rows, 4 * hidden, input->cols, (struct cpu_matrix){ steps->x, in, 1 },
                (struct cpu_panels){ d->ih, 16, 16 * in }, gates, 4 * h);
        if (s > 0)
            k->gemm(rows, 4 * hidden, hidden,
                    (struct cpu_matrix){ steps->state + before * h, h, 1 },
                    (struct cpu_panels){ d->hh, 16, 16 * h }, gates, 4 * h);
        else
            memset(cell, 0, (size_t)rows * h * sizeof *cell);
        k->cell(rows, hidden, gates, s > 0 ? steps->cell + before * h : cell, cell, state);
        scatter(state, h, place, rows, states + (reverse ? h : 0), 2 * h);
        before = here;
    }
}

void cpu_pool_tile(const struct cpu_weights *weights, const struct cpu_tile *tile,
                   const float *states, struct cpu_pools *pools)
{
    const struct cpu_kernels *k = weights->kernels;
    const float *attention = weights->params + lstm_attention_at(&weights->sizes);
    int32_t width = 2 * weights->sizes.hidden;
    for (int32_t r = 0; r < tile->rows; r++) {
        const struct lstm_window *window = &tile->windows[r];
        int32_t first = tile->offset[r] + window->own_start - window->start;
        struct cpu_pool *text = &pools->texts[window->text];
        struct cpu_pool *into = pools->counts[window->text] ? &pools->window : text;
        k->pool(window->own_length, width, states + (size_t)first * (size_t)width, attention,
                pools->scores, into);
        if (into != text)
            k->pool_merge(width, text, into);
        pools->counts[window->text] += window->own_length;
    }
}
