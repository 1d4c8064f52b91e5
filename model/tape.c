#include "tape.h"
#include "cpu_encoder.h"

#include <stdlib.h>
#include <string.h>

/* What a layer's direction keeps, in packed order. */
struct kept {
    float *gates, *cell, *state;
};

struct lstm_tape {
    const struct cpu_weights *weights; /* not ours */
    const struct lstm_batch *batch;    /* not ours */
    const struct lstm_masks *masks;    /* not ours */
    struct lstm_window *windows;
    struct cpu_tile tile;
    struct kept kept[LSTM_LAYERS_MAX][2];
    float *embedded;                 /* positions x embedding, row-major, dropout applied */
    float *states[LSTM_LAYERS_MAX];  /* positions x 2 hidden, row-major */
    float *d_input, *d_states;       /* positions x the widest layer, row-major */
    float *x;                        /* positions x the widest input, packed */
    float *zeros, *d_cell, *d_state; /* rows x hidden */
    float *features, *d_features;    /* texts x 6 hidden */
    char *taken;                     /* texts x 2 hidden: the state that was a feature's maximum has been met */
    struct cpu_pools pools;
    void *memory; /* all of the above: grows, never shrinks */
    size_t size;
};

enum lstm_status lstm_tape_open(const struct cpu_weights *weights, struct lstm_tape **tape, struct lstm_error *err)
{
    *tape = calloc(1, sizeof **tape);
    if (!*tape)
        return lstm_fail(err, LSTM_NOMEM, "out of memory for a tape");
    (*tape)->weights = weights;
    return LSTM_OK;
}

void lstm_tape_close(struct lstm_tape *tape)
{
    if (tape)
        free(tape->memory);
    free(tape);
}

/* Hands out pieces of one block; with a NULL block it only counts. */
struct carver {
    char *memory;
    size_t used;
};

static void *carve(struct carver *carver, size_t count, size_t size)
{
    void *piece = carver->memory ? carver->memory + carver->used : NULL;
    carver->used += (count * size + 63) / 64 * 64;
    return piece;
}

static size_t most(size_t a, size_t b)
{
    return a > b ? a : b;
}

static void lay_out(struct lstm_tape *t, struct carver *carver, size_t texts, size_t rows, size_t steps,
                    size_t positions, int32_t **ints)
{
    const struct lstm_sizes *s = &t->weights->sizes;
    size_t h = (size_t)s->hidden, e = (size_t)s->embedding, wide = most(2 * h, e);
    const size_t f = sizeof(float);
    t->windows = carve(carver, rows, sizeof *t->windows);
    *ints = carve(carver, cpu_tile_ints((int32_t)rows, (int32_t)steps, (int32_t)positions), sizeof **ints);
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
    t->features = carve(carver, texts * 6 * h, f);
    t->d_features = carve(carver, texts * 6 * h, f);
    t->taken = carve(carver, texts * 2 * h, sizeof *t->taken);
    t->pools.texts = carve(carver, texts, sizeof *t->pools.texts);
    t->pools.counts = carve(carver, texts, sizeof *t->pools.counts);
    t->pools.scores = carve(carver, (size_t)s->window + 16, f);
    float *pools = carve(carver, (texts + 1) * 6 * h, f);
    for (size_t i = 0; pools && i <= texts; i++, pools += 6 * h) {
        struct cpu_pool *pool = i < texts ? &t->pools.texts[i] : &t->pools.window;
        *pool = (struct cpu_pool){ .weighted = pools, .max = pools + 2 * h, .sum = pools + 4 * h };
    }
}

static enum lstm_status plan(struct lstm_tape *t, const struct lstm_batch *batch, struct lstm_error *err)
{
    const struct lstm_sizes *s = &t->weights->sizes;
    int32_t rows = 0, positions = 0, steps = 0, *ints;
    for (int32_t i = 0; i < batch->texts; i++) {
        int32_t tokens = batch->starts[i + 1] - batch->starts[i], count = lstm_window_count(s, tokens);
        rows += count;
        positions += tokens + (count - 1) * s->overlap;
        steps = steps > tokens ? steps : tokens;
    }
    steps = steps < s->window ? steps : s->window;
    struct carver count = { 0 };
    lay_out(t, &count, (size_t)batch->texts, (size_t)rows, (size_t)steps, (size_t)positions, &ints);
    if (count.used > t->size) {
        free(t->memory);
        t->memory = malloc(count.used);
        t->size = t->memory ? count.used : 0;
        if (!t->memory)
            return lstm_fail(err, LSTM_NOMEM, "out of memory for a batch of %d tokens", positions);
    }
    struct carver carver = { .memory = t->memory };
    lay_out(t, &carver, (size_t)batch->texts, (size_t)rows, (size_t)steps, (size_t)positions, &ints);
    lstm_windows_sorted(s, batch, t->windows, rows);
    cpu_tile_plan(&t->tile, t->windows, rows, batch->tokens, ints);
    memset(t->zeros, 0, (size_t)rows * (size_t)s->hidden * sizeof *t->zeros);
    memset(t->pools.counts, 0, (size_t)batch->texts * sizeof *t->pools.counts);
    return LSTM_OK;
}

/* y *= mask, or y *= nothing */
static void mask_row(float *y, const float *mask, size_t count)
{
    for (size_t j = 0; mask && j < count; j++)
        y[j] *= mask[j];
}

static const float *mask_of(const float *masks, int32_t text, size_t cols)
{
    return masks ? masks + (size_t)text * cols : NULL;
}

static void embed(struct lstm_tape *t)
{
    size_t e = (size_t)t->weights->sizes.embedding;
    float *to = t->embedded;
    for (int32_t r = 0; r < t->tile.rows; r++)
        for (int32_t i = 0; i < t->windows[r].length; i++, to += e) {
            size_t token = (size_t)t->tile.tokens[t->tile.offset[r] + i];
            memcpy(to, t->weights->params + token * e, e * sizeof *to);
            mask_row(to, t->masks ? mask_of(t->masks->embedding, t->windows[r].text, e) : NULL, e);
        }
}

/* What a layer reads. */
static struct cpu_input input_of(const struct lstm_tape *t, int layer)
{
    if (layer)
        return (struct cpu_input){ t->states[layer - 1], NULL, 2 * t->weights->sizes.hidden };
    return (struct cpu_input){ t->embedded, NULL, t->weights->sizes.embedding };
}

enum lstm_status lstm_tape_forward(struct lstm_tape *t, const struct lstm_batch *batch, const struct lstm_masks *masks,
                                   float *logits, struct lstm_error *err)
{
    const struct cpu_weights *w = t->weights;
    const struct cpu_kernels *k = w->kernels;
    const struct lstm_sizes *s = &w->sizes;
    enum lstm_status rc = cpu_batch_check(s, batch, err);
    if (rc || (rc = plan(t, batch, err)))
        return rc;
    t->batch = batch;
    t->masks = masks;
    embed(t);
    for (int layer = 0; layer < s->layers; layer++) {
        struct cpu_input input = input_of(t, layer);
        for (int reverse = 0; reverse < 2; reverse++) {
            const struct kept *kept = &t->kept[layer][reverse];
            struct cpu_steps steps = { 1, t->x, kept->gates, kept->cell, kept->state };
            cpu_direction_run(w, layer, reverse, &t->tile, &input, &steps, t->states[layer]);
        }
    }
    cpu_pool_tile(w, &t->tile, t->states[s->layers - 1], &t->pools);
    int32_t width = 2 * s->hidden;
    size_t columns = 6 * (size_t)s->hidden, classes = (size_t)s->classes;
    const float *weight = w->params + lstm_classifier_at(s);
    for (int32_t i = 0; i < batch->texts; i++) {
        float *features = t->features + (size_t)i * columns;
        k->pool_finish(width, t->pools.counts[i], &t->pools.texts[i], features);
        mask_row(features, masks ? mask_of(masks->features, i, columns) : NULL, columns);
        k->classify(s->classes, 3 * width, weight, weight + classes * columns, features, logits + (size_t)i * classes);
    }
    return LSTM_OK;
}

/* The classifier: its own gradient, and that of a text's features. */
static void classifier_backward(struct lstm_tape *t, int32_t text, const float *d_logits, float *gradient)
{
    const struct lstm_sizes *s = &t->weights->sizes;
    size_t columns = 6 * (size_t)s->hidden, classes = (size_t)s->classes, at = lstm_classifier_at(s);
    float *d_features = t->d_features + (size_t)text * columns;
    memset(d_features, 0, columns * sizeof *d_features);
    for (size_t k = 0; k < classes; k++) {
        float d = d_logits[(size_t)text * classes + k];
        t->weights->kernels->axpy((int32_t)columns, d, t->features + (size_t)text * columns,
                                  gradient + at + k * columns);
        t->weights->kernels->axpy((int32_t)columns, d, t->weights->params + at + k * columns, d_features);
        gradient[at + classes * columns + k] += d;
    }
    mask_row(d_features, t->masks ? mask_of(t->masks->features, text, columns) : NULL, columns);
}

/* Where the maximum of a feature stands first in the text, the state takes its gradient. */
static void max_backward(size_t width, const float *d_max, const float *max, const float *state, char *taken,
                         float *d_state)
{
    for (size_t j = 0; j < width; j++)
        if (state[j] == max[j] && !taken[j]) {
            d_state[j] += d_max[j];
            taken[j] = 1;
        }
}

/* One window of a text: the gradient of its owned states from attention, max and mean. */
static void pool_backward(struct lstm_tape *t, int32_t row, float *gradient)
{
    const struct cpu_kernels *k = t->weights->kernels;
    const struct lstm_sizes *s = &t->weights->sizes;
    const struct lstm_window *window = &t->windows[row];
    const struct cpu_pool *pool = &t->pools.texts[window->text];
    const int32_t width = 2 * s->hidden;
    const size_t w = (size_t)width, text = (size_t)window->text;
    const float *attention = t->weights->params + lstm_attention_at(s);
    const float *d_weighted = t->d_features + text * 3 * w, *d_max = d_weighted + w, *d_mean = d_max + w;
    const float share = 1.0f / (float)t->pools.counts[text];
    /* d_weighted . the attention-weighted mean: the level that the softmax takes off every score's gradient */
    const float level = k->dot(width, d_weighted, pool->weighted) / pool->total;
    const size_t first = (size_t)(t->tile.offset[row] + window->own_start - window->start);
    for (size_t i = first; i < first + (size_t)window->own_length; i++) {
        const float *state = t->states[s->layers - 1] + i * w;
        float *d_state = t->d_states + i * w;
        float probability = k->exp(k->dot(width, state, attention) - pool->top) / pool->total;
        float d_score = probability * (k->dot(width, d_weighted, state) - level);
        k->axpy(width, probability, d_weighted, d_state);
        k->axpy(width, share, d_mean, d_state);
        k->axpy(width, d_score, attention, d_state);
        k->axpy(width, d_score, state, gradient + lstm_attention_at(s));
        max_backward(w, d_max, pool->max, state, t->taken + text * w, d_state);
    }
}

static void head_backward(struct lstm_tape *t, const float *d_logits, float *gradient)
{
    size_t width = 2 * (size_t)t->weights->sizes.hidden;
    memset(t->d_states, 0, (size_t)t->tile.positions * width * sizeof *t->d_states);
    memset(t->taken, 0, (size_t)t->batch->texts * width);
    for (int32_t text = 0; text < t->batch->texts; text++)
        classifier_backward(t, text, d_logits, gradient);
    for (int32_t row = 0; row < t->tile.rows; row++) /* a text's windows come in order */
        pool_backward(t, row, gradient);
}

/* Back through time: leaves dz in the kept gates. */
static void steps_backward(struct lstm_tape *t, int layer, int reverse)
{
    const struct cpu_kernels *k = t->weights->kernels;
    const struct cpu_tile *tile = &t->tile;
    const int32_t hidden = t->weights->sizes.hidden;
    const size_t h = (size_t)hidden;
    const struct kept *kept = &t->kept[layer][reverse];
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
        k->gemm(rows, hidden, 4 * hidden, (struct cpu_matrix){ gates, 4 * h, 1 },
                (struct cpu_panels){ t->weights->direction[layer][reverse].hh_back, 16, 16 * 4 * h }, t->d_state, h);
    }
}

/* The weights of a direction from dz, and the gradient of its input added to d_input. */
static void weights_backward(struct lstm_tape *t, int layer, int reverse, float *gradient)
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
    for (int32_t s = 1; s < tile->steps; s++) { /* the states before each later step, in the order of its rows */
        size_t to = (size_t)(tile->base[s] - tile->rows) * h, rows = (size_t)(tile->base[s + 1] - tile->base[s]);
        memcpy(t->x + to, t->kept[layer][reverse].state + (size_t)tile->base[s - 1] * h, rows * h * sizeof *t->x);
    }
    k->gemm(4 * hidden, hidden, later, (struct cpu_matrix){ dz + (size_t)tile->rows * 4 * h, 1, 4 * h },
            (struct cpu_panels){ t->x, h, 16 }, d_hh, h);
    memset(t->x, 0, (size_t)tile->positions * in * sizeof *t->x);
    k->gemm(tile->positions, input.cols, 4 * hidden, (struct cpu_matrix){ dz, 4 * h, 1 },
            (struct cpu_panels){ t->weights->direction[layer][reverse].ih_back, 16, 16 * 4 * h }, t->x, in);
    for (int32_t p = 0; p < tile->positions; p++)
        k->add(in, t->x + (size_t)p * in, t->d_input + (size_t)tile->place[reverse][p] * in);
}

static void embedding_backward(struct lstm_tape *t, float *gradient)
{
    size_t e = (size_t)t->weights->sizes.embedding;
    float *from = t->d_states; /* where layer 0 left the gradient of its input */
    for (int32_t r = 0; r < t->tile.rows; r++)
        for (int32_t i = 0; i < t->windows[r].length; i++, from += e) {
            size_t token = (size_t)t->tile.tokens[t->tile.offset[r] + i];
            mask_row(from, t->masks ? mask_of(t->masks->embedding, t->windows[r].text, e) : NULL, e);
            t->weights->kernels->add(e, from, gradient + token * e);
        }
}

void lstm_tape_backward(struct lstm_tape *t, const float *d_logits, float *gradient)
{
    head_backward(t, d_logits, gradient);
    for (int layer = t->weights->sizes.layers - 1; layer >= 0; layer--) {
        size_t in = (size_t)input_of(t, layer).cols;
        memset(t->d_input, 0, (size_t)t->tile.positions * in * sizeof *t->d_input);
        for (int reverse = 0; reverse < 2; reverse++) {
            steps_backward(t, layer, reverse);
            weights_backward(t, layer, reverse, gradient);
        }
        float *done = t->d_states; /* what this layer's input wants is what the layer below must give */
        t->d_states = t->d_input;
        t->d_input = done;
    }
    embedding_backward(t, gradient);
}
