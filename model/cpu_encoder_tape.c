#include "cpu_encoder_tape.h"

#include <string.h>

static size_t most(size_t a, size_t b)
{
    return a > b ? a : b;
}

void cpu_mask_row(float *y, const float *mask, size_t count)
{
    for (size_t j = 0; mask && j < count; j++)
        y[j] *= mask[j];
}

const float *cpu_mask_of(const float *masks, int32_t text, size_t cols)
{
    return masks ? masks + (size_t)text * cols : NULL;
}

void cpu_encoder_tape_carve(struct cpu_encoder_tape *t, const struct lstm_batch *batch,
                            struct carver *carver)
{
    const struct lstm_sizes *s = &t->weights->sizes;
    size_t rows = 0, positions = 0, steps = 0;
    for (int32_t i = 0; i < batch->texts; i++) {
        int32_t tokens = batch->starts[i + 1] - batch->starts[i],
                count = lstm_window_count(s, tokens);
        rows += (size_t)count;
        positions += (size_t)(tokens + (count - 1) * s->overlap);
        steps = most(steps, (size_t)(tokens < s->window ? tokens : s->window));
    }
    size_t h = (size_t)s->hidden, e = (size_t)s->embedding, wide = most(2 * h, e);
    const size_t f = sizeof(float);
    t->windows = carve(carver, rows, sizeof *t->windows);
    t->unsorted = carve(carver, rows, sizeof *t->unsorted);
    t->ints = carve(carver, cpu_tile_ints((int32_t)rows, (int32_t)steps, (int32_t)positions),
                    sizeof *t->ints);
    for (int layer = 0; layer < s->layers; layer++) {
        t->states[layer] = carve(carver, positions * 2 * h, f);
        for (int reverse = 0; reverse < 2; reverse++) {
            t->kept[layer][reverse].gates = carve(carver, positions * 4 * h, f);
            t->kept[layer][reverse].cell = carve(carver, positions * h, f);
            t->kept[layer][reverse].state = carve(carver, positions * h, f);
        }
    }
    t->embedded = carve(carver, positions * e, f);
    t->d_input = carve(carver, positions * wide, f);
    t->d_states = carve(carver, positions * wide, f);
    t->x = carve(carver, positions * wide, f);
    t->zeros = carve(carver, rows * h, f);
    t->d_cell = carve(carver, rows * h, f);
    t->d_state = carve(carver, rows * h, f);
    t->tile.rows = (int32_t)rows;
}

static void embed(struct cpu_encoder_tape *t)
{
    size_t e = (size_t)t->weights->sizes.embedding;
    float *to = t->embedded;
    for (int32_t r = 0; r < t->tile.rows; r++)
        for (int32_t i = 0; i < t->windows[r].length; i++, to += e) {
            size_t token = (size_t)t->tile.tokens[t->tile.offset[r] + i];
            memcpy(to, t->weights->params + token * e, e * sizeof *to);
            cpu_mask_row(to, cpu_mask_of(t->masks, t->windows[r].text, e), e);
        }
}

/* What a layer reads. */
static struct cpu_input input_of(const struct cpu_encoder_tape *t, int layer)
{
    if (layer)
        return (struct cpu_input){ t->states[layer - 1], NULL, 2 * t->weights->sizes.hidden };
    return (struct cpu_input){ t->embedded, NULL, t->weights->sizes.embedding };
}

void cpu_encoder_tape_forward(struct cpu_encoder_tape *t, const struct lstm_batch *batch,
                              const float *masks)
{
    const struct lstm_sizes *s = &t->weights->sizes;
    int32_t rows = t->tile.rows;
    t->batch = batch;
    t->masks = masks;
    struct lstm_walk walk = { 0 };
    lstm_windows_next(s, batch, &walk, t->unsorted, rows);
    lstm_windows_sort(t->unsorted, rows, t->windows);
    cpu_tile_plan(&t->tile, t->windows, rows, batch->tokens, t->ints);
    memset(t->zeros, 0, (size_t)rows * (size_t)s->hidden * sizeof *t->zeros);
    memset(t->d_states, 0, (size_t)t->tile.positions * 2 * (size_t)s->hidden * sizeof *t->d_states);
    embed(t);
    for (int layer = 0; layer < s->layers; layer++) {
        struct cpu_input input = input_of(t, layer);
        for (int reverse = 0; reverse < 2; reverse++) {
            const struct cpu_kept *kept = &t->kept[layer][reverse];
            struct cpu_steps steps = { t->x, kept->gates, kept->cell, kept->state };
            cpu_direction_run(t->weights, layer, reverse, &t->tile, &input, &steps,
                              t->states[layer]);
        }
    }
}

/* Back through time: leaves dz in the kept gates. */
static void steps_backward(struct cpu_encoder_tape *t, int layer, int reverse)
{
    const struct cpu_kernels *k = t->weights->kernels;
    const struct cpu_tile *tile = &t->tile;
    const int32_t hidden = t->weights->sizes.hidden;
    const size_t h = (size_t)hidden;
    const struct cpu_kept *kept = &t->kept[layer][reverse];
    memset(t->d_cell, 0, (size_t)tile->rows * h * sizeof *t->d_cell);
    memset(t->d_state, 0, (size_t)tile->rows * h * sizeof *t->d_state);
    for (int32_t s = tile->steps - 1; s >= 0; s--) {
        const size_t here = (size_t)tile->base[s];
        const int32_t rows = tile->base[s + 1] - tile->base[s];
        for (int32_t r = 0; r < rows; r++) {
            size_t place = (size_t)tile->place[reverse][here + (size_t)r];
            k->add(h, t->d_states + place * 2 * h + (reverse ? h : 0), t->d_state + (size_t)r * h);
        }
        const float *before = s ? kept->cell + (size_t)tile->base[s - 1] * h : t->zeros;
        float *gates = kept->gates + here * 4 * h;
        k->cell_backward(rows, hidden, gates, before, kept->cell + here * h, t->d_state, t->d_cell);
        memset(t->d_state, 0, (size_t)rows * h * sizeof *t->d_state);
        k->gemm(
            rows, hidden, 4 * hidden, (struct cpu_matrix){ gates, 4 * h, 1 },
            (struct cpu_panels){ t->weights->direction[layer][reverse].hh_back, 16, 16 * 4 * h },
            t->d_state, h);
    }
}

/* The weights of a direction from dz, and the gradient of its input added to d_input. */
static void weights_backward(struct cpu_encoder_tape *t, int layer, int reverse, float *gradient)
{
    const struct cpu_kernels *k = t->weights->kernels;
    const struct cpu_tile *tile = &t->tile;
    const struct cpu_input input = input_of(t, layer);
    const int32_t hidden = t->weights->sizes.hidden, later = tile->positions - tile->rows;
    const size_t h = (size_t)hidden, in = (size_t)input.cols;
    const float *dz = t->kept[layer][reverse].gates;
    float *d_ih = gradient + lstm_direction_at(&t->weights->sizes, layer, reverse);
    float *d_hh = d_ih + 4 * h * in, *d_bias = d_hh + 4 * h * h;

    for (int32_t p = 0; p < tile->positions; p++)
        k->add(4 * h, dz + (size_t)p * 4 * h, d_bias);
    cpu_gather(&input, tile->place[reverse], tile->positions, t->x);
    k->gemm(4 * hidden, input.cols, tile->positions, (struct cpu_matrix){ dz, 1, 4 * h },
            (struct cpu_panels){ t->x, in, 16 }, d_ih, in);
    for (int32_t s = 1; s < tile->steps;
         s++) { /* the states before each later step, in the order of its rows */
        size_t to = (size_t)(tile->base[s] - tile->rows) * h,
               rows = (size_t)(tile->base[s + 1] - tile->base[s]);
        memcpy(t->x + to, t->kept[layer][reverse].state + (size_t)tile->base[s - 1] * h,
               rows * h * sizeof *t->x);
    }
    k->gemm(4 * hidden, hidden, later,
            (struct cpu_matrix){ dz + (size_t)tile->rows * 4 * h, 1, 4 * h },
            (struct cpu_panels){ t->x, h, 16 }, d_hh, h);
    memset(t->x, 0, (size_t)tile->positions * in * sizeof *t->x);
    k->gemm(tile->positions, input.cols, 4 * hidden, (struct cpu_matrix){ dz, 4 * h, 1 },
            (struct cpu_panels){ t->weights->direction[layer][reverse].ih_back, 16, 16 * 4 * h },
            t->x, in);
    for (int32_t p = 0; p < tile->positions; p++)
        k->add(in, t->x + (size_t)p * in, t->d_input + (size_t)tile->place[reverse][p] * in);
}

static void embedding_backward(struct cpu_encoder_tape *t, float *gradient)
{
    size_t e = (size_t)t->weights->sizes.embedding;
    float *from = t->d_states; /* where layer 0 left the gradient of its input */
    for (int32_t r = 0; r < t->tile.rows; r++)
        for (int32_t i = 0; i < t->windows[r].length; i++, from += e) {
            size_t token = (size_t)t->tile.tokens[t->tile.offset[r] + i];
            cpu_mask_row(from, cpu_mask_of(t->masks, t->windows[r].text, e), e);
            t->weights->kernels->add(e, from, gradient + token * e);
        }
}

void cpu_encoder_tape_backward(struct cpu_encoder_tape *t, float *gradient)
{
    for (int layer = t->weights->sizes.layers - 1; layer >= 0; layer--) {
        size_t in = (size_t)input_of(t, layer).cols;
        memset(t->d_input, 0, (size_t)t->tile.positions * in * sizeof *t->d_input);
        for (int reverse = 0; reverse < 2; reverse++) {
            steps_backward(t, layer, reverse);
            weights_backward(t, layer, reverse, gradient);
        }
        float *done =
            t->d_states; /* what this layer's input wants is what the layer below must give */
        t->d_states = t->d_input;
        t->d_input = done;
    }
    embedding_backward(t, gradient);
}
