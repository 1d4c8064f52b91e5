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
    const size_t group = t->weights->products->group, lanes = h / group;
    const size_t whole =
        (positions + group - 1) / group * group; /* positions of stacked operands */
    for (int layer = 0; layer < s->layers; layer++) {
        t->inputs[layer] = carve(carver, positions * (layer ? 2 * h : e) / group, f);
        for (int reverse = 0; reverse < 2; reverse++) {
            t->kept[layer][reverse].gates = carve(carver, positions * 4 * lanes, f);
            t->kept[layer][reverse].cell = carve(carver, positions * h, f);
            t->kept[layer][reverse].state = carve(carver, positions * lanes, f);
        }
    }
    t->states = carve(carver, positions * 2 * h, f);
    t->d_input = carve(carver, positions * wide, f);
    t->d_states = carve(carver, positions * wide, f);
    t->scratch.x = carve(carver, most(whole, CPU_INPUT_ROWS) * wide, f);
    t->scratch.z = carve(carver, most(rows, CPU_INPUT_ROWS) * 4 * h, f);
    t->scratch.zeros = carve(carver, rows * h, f);
    t->dz = group > 1 ? carve(carver, whole * 4 * h / group, f) : NULL;
    t->d_cell = carve(carver, rows * h, f);
    t->d_state = carve(carver, rows * h, f);
    t->tile.rows = (int32_t)rows;
}

static void embed(struct cpu_encoder_tape *t)
{
    const size_t e = (size_t)t->weights->sizes.embedding, lanes = e / t->weights->products->group;
    float *to = t->inputs[0];
    for (int32_t r = 0; r < t->tile.rows; r++) {
        const float *mask = cpu_mask_of(t->masks, t->windows[r].text, e);
        for (int32_t i = 0; i < t->windows[r].length; i++, to += lanes) {
            size_t token = (size_t)t->tile.tokens[t->tile.offset[r] + i];
            t->weights->products->store(e, t->weights->params + token * e, mask, to);
        }
    }
}

/* What a layer reads. */
static struct cpu_input input_of(const struct cpu_encoder_tape *t, int layer)
{
    const struct lstm_sizes *s = &t->weights->sizes;
    return (struct cpu_input){ t->inputs[layer], layer ? 2 * s->hidden : s->embedding };
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
    memset(t->scratch.zeros, 0, (size_t)rows * (size_t)s->hidden * sizeof(float));
    memset(t->d_states, 0, (size_t)t->tile.positions * 2 * (size_t)s->hidden * sizeof *t->d_states);
    embed(t);
    for (int layer = 0; layer < s->layers; layer++) {
        const struct cpu_input input = input_of(t, layer);
        const int is_last = layer + 1 == s->layers;
        for (int reverse = 0; reverse < 2; reverse++)
            cpu_direction_run(t->weights, layer, reverse, &t->tile, &input,
                              &t->kept[layer][reverse], &t->scratch, is_last ? t->states : NULL,
                              is_last ? NULL : t->inputs[layer + 1]);
    }
}

/* The gradient of the input of some packed positions from first on, added to d_input. */
static void input_backward(struct cpu_encoder_tape *t, int layer, int reverse, size_t first,
                           int32_t count)
{
    const struct cpu_products *products = t->weights->products;
    const int32_t cols = input_of(t, layer).cols, *place = t->tile.place[reverse] + first;
    const size_t lanes = 4 * (size_t)t->weights->sizes.hidden / products->group, in = (size_t)cols;
    const float *dz = t->kept[layer][reverse].gates + first * lanes;
    memset(t->scratch.x, 0, (size_t)count * in * sizeof(float));
    products->gemm(
        count, cols, (int32_t)lanes, (struct cpu_matrix){ dz, lanes, 1 },
        (struct cpu_panels){ t->weights->direction[layer][reverse].ih_back, 16, 16 * lanes },
        t->scratch.x, in);
    for (int32_t i = 0; i < count; i++)
        t->weights->kernels->add(in, t->scratch.x + (size_t)i * in,
                                 t->d_input + (size_t)place[i] * in);
}

/* dz of the packed positions from a step's first one on, up to end, for products over positions;
 * the first waits for its partner of the step before. Returns where that begins. */
static size_t stack_dz(struct cpu_encoder_tape *t, const float *dz, size_t first, size_t end)
{
    const struct cpu_products *products = t->weights->products;
    const size_t group = products->group, h4 = 4 * (size_t)t->weights->sizes.hidden,
                 from = (first + group - 1) / group * group;
    if (t->dz && from < end)
        products->stack((int32_t)(end - from), (int32_t)h4, dz + from * h4 / group, h4 / group,
                        NULL, t->dz + from / group * h4, h4, 16);
    return from < end ? from : end;
}

/* Back through time: leaves dz in the kept gates, adds the gradients of the biases and of the
 * input, the latter while the dz of some steps are still in the cache. */
static void steps_backward(struct cpu_encoder_tape *t, int layer, int reverse, float *d_bias)
{
    const struct cpu_products *products = t->weights->products;
    const struct cpu_tile *tile = &t->tile;
    const int32_t hidden = t->weights->sizes.hidden;
    const size_t h = (size_t)hidden, lanes = 4 * h / products->group;
    const struct cpu_kept *kept = &t->kept[layer][reverse];
    const float *back = t->weights->direction[layer][reverse].hh_back;
    size_t stacked = (size_t)tile->positions;
    int32_t finished = tile->positions; /* from here on the input has its gradient */
    memset(t->d_cell, 0, (size_t)tile->rows * h * sizeof *t->d_cell);
    memset(t->d_state, 0, (size_t)tile->rows * h * sizeof *t->d_state);
    for (int32_t s = tile->steps - 1; s >= 0; s--) {
        const size_t here = (size_t)tile->base[s];
        const int32_t rows = tile->base[s + 1] - tile->base[s];
        const float *before = s ? kept->cell + (size_t)tile->base[s - 1] * h : t->scratch.zeros;
        float *gates = kept->gates + here * lanes;
        products->cell_backward(rows, hidden, gates, before, kept->cell + here * h,
                                tile->place[reverse] + here, t->d_states + (reverse ? h : 0), 2 * h,
                                t->d_state, t->d_cell, d_bias);
        if (s > 0)
            products->gemm(rows, hidden, (int32_t)lanes, (struct cpu_matrix){ gates, lanes, 1 },
                           (struct cpu_panels){ back, 16, 16 * lanes }, t->d_state, h);
        stacked = stack_dz(t, kept->gates, here, stacked);
        if (s == 0 || finished - tile->base[s - 1] > CPU_INPUT_ROWS) {
            input_backward(t, layer, reverse, here, finished - tile->base[s]);
            finished = tile->base[s];
        }
    }
}

/* d_weights (4 hidden x cols) += dz^T x, where row p of x is operand place[p], of so many lanes. */
static void product_backward(struct cpu_encoder_tape *t, const float *dz, int32_t cols,
                             const float *operands, const int32_t *place, float *d_weights)
{
    const struct cpu_products *products = t->weights->products;
    const int32_t positions = t->tile.positions, columns = 4 * t->weights->sizes.hidden;
    const size_t group = products->group, depth = ((size_t)positions + group - 1) / group;
    products->stack(positions, cols, operands, (size_t)cols / group, place, t->scratch.x, 16,
                    16 * depth);
    products->gemm(columns, cols, (int32_t)depth, (struct cpu_matrix){ dz, 1, (size_t)columns },
                   (struct cpu_panels){ t->scratch.x, 16, 16 * depth }, d_weights, (size_t)cols);
}

static void direction_backward(struct cpu_encoder_tape *t, int layer, int reverse, float *gradient)
{
    const struct cpu_input input = input_of(t, layer);
    const struct cpu_kept *kept = &t->kept[layer][reverse];
    const int32_t hidden = t->weights->sizes.hidden;
    const size_t h = (size_t)hidden;
    float *d_ih = gradient + lstm_direction_at(&t->weights->sizes, layer, reverse);
    float *d_hh = d_ih + 4 * h * (size_t)input.cols, *d_bias = d_hh + 4 * h * h;
    steps_backward(t, layer, reverse, d_bias);
    const float *dz = t->dz ? t->dz : kept->gates;
    product_backward(t, dz, input.cols, input.rows, t->tile.place[reverse], d_ih);
    product_backward(t, dz, hidden, kept->state, t->tile.before, d_hh);
}

static void embedding_backward(struct cpu_encoder_tape *t, float *gradient)
{
    const struct cpu_kernels *k = t->weights->kernels;
    const size_t e = (size_t)t->weights->sizes.embedding;
    const float *from = t->d_states; /* where layer 0 left the gradient of its input */
    for (int32_t r = 0; r < t->tile.rows; r++) {
        const float *mask = cpu_mask_of(t->masks, t->windows[r].text, e);
        for (int32_t i = 0; i < t->windows[r].length; i++, from += e) {
            float *to = gradient + (size_t)t->tile.tokens[t->tile.offset[r] + i] * e;
            if (mask)
                k->add_product(e, from, mask, to);
            else
                k->add(e, from, to);
        }
    }
}

void cpu_encoder_tape_backward(struct cpu_encoder_tape *t, float *gradient)
{
    for (int layer = t->weights->sizes.layers - 1; layer >= 0; layer--) {
        size_t in = (size_t)input_of(t, layer).cols;
        memset(t->d_input, 0, (size_t)t->tile.positions * in * sizeof *t->d_input);
        for (int reverse = 0; reverse < 2; reverse++)
            direction_backward(t, layer, reverse, gradient);
        float *done =
            t->d_states; /* what this layer's input wants is what the layer below must give */
        t->d_states = t->d_input;
        t->d_input = done;
    }
    embedding_backward(t, gradient);
}
