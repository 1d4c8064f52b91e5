#include "tape.h"
#include "cpu_encoder_tape.h"

#include <stdlib.h>
#include <string.h>

struct lstm_tape {
    struct cpu_encoder_tape encoder;
    const float *feature_masks;   /* not ours: texts x 6 hidden, or NULL */
    float *features, *d_features; /* texts x 6 hidden */
    char *taken; /* texts x 2 hidden: the state that was a feature's maximum has been met */
    struct cpu_pools pools;
    void *memory; /* all of the above: grows, never shrinks */
    size_t size;
};

enum lstm_status lstm_tape_open(const struct cpu_weights *weights, struct lstm_tape **tape,
                                struct lstm_error *err)
{
    *tape = calloc(1, sizeof **tape);
    if (!*tape)
        return lstm_fail(err, LSTM_NOMEM, "out of memory for a tape");
    (*tape)->encoder.weights = weights;
    return LSTM_OK;
}

void lstm_tape_close(struct lstm_tape *tape)
{
    if (tape)
        free(tape->memory);
    free(tape);
}

static void lay_out(struct lstm_tape *t, const struct lstm_batch *batch, struct carver *carver)
{
    const struct lstm_sizes *s = &t->encoder.weights->sizes;
    const size_t h = (size_t)s->hidden, texts = (size_t)batch->texts, f = sizeof(float);
    cpu_encoder_tape_carve(&t->encoder, batch, carver);
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

static enum lstm_status reserve(struct lstm_tape *t, const struct lstm_batch *batch,
                                struct lstm_error *err)
{
    struct carver count = { 0 };
    lay_out(t, batch, &count);
    if (!carve_reserve(&t->memory, &t->size, count.used))
        return lstm_fail(err, LSTM_NOMEM, "out of memory for a batch of %d tokens",
                         batch->starts[batch->texts]);
    struct carver carver = { .memory = t->memory };
    lay_out(t, batch, &carver);
    return LSTM_OK;
}

enum lstm_status lstm_tape_forward(struct lstm_tape *t, const struct lstm_batch *batch,
                                   const struct lstm_masks *masks, float *logits,
                                   struct lstm_error *err)
{
    const struct cpu_weights *w = t->encoder.weights;
    const struct cpu_kernels *k = w->kernels;
    const struct lstm_sizes *s = &w->sizes;
    enum lstm_status rc = lstm_batch_check(s, batch, err);
    if (rc || (rc = reserve(t, batch, err)))
        return rc;
    cpu_encoder_tape_forward(&t->encoder, batch, masks ? masks->embedding : NULL);
    t->feature_masks = masks ? masks->features : NULL;
    memset(t->pools.counts, 0, (size_t)batch->texts * sizeof *t->pools.counts);
    cpu_pool_tile(w, &t->encoder.tile, t->encoder.states, &t->pools);
    int32_t width = 2 * s->hidden;
    size_t columns = 6 * (size_t)s->hidden, classes = (size_t)s->classes;
    const float *weight = w->params + lstm_classifier_at(s);
    for (int32_t i = 0; i < batch->texts; i++) {
        float *features = t->features + (size_t)i * columns;
        k->pool_finish(width, t->pools.counts[i], &t->pools.texts[i], 1.0f, features);
        cpu_mask_row(features, cpu_mask_of(t->feature_masks, i, columns), columns);
        k->classify(s->classes, 3 * width, weight, weight + classes * columns, features,
                    logits + (size_t)i * classes);
    }
    return LSTM_OK;
}

/* The classifier: its own gradient, and that of a text's features. */
static void classifier_backward(struct lstm_tape *t, int32_t text, const float *d_logits,
                                float *gradient)
{
    const struct lstm_sizes *s = &t->encoder.weights->sizes;
    size_t columns = 6 * (size_t)s->hidden, classes = (size_t)s->classes,
           at = lstm_classifier_at(s);
    float *d_features = t->d_features + (size_t)text * columns;
    memset(d_features, 0, columns * sizeof *d_features);
    for (size_t k = 0; k < classes; k++) {
        float d = d_logits[(size_t)text * classes + k];
        t->encoder.weights->kernels->axpy((int32_t)columns, d, t->features + (size_t)text * columns,
                                          gradient + at + k * columns);
        t->encoder.weights->kernels->axpy(
            (int32_t)columns, d, t->encoder.weights->params + at + k * columns, d_features);
        gradient[at + classes * columns + k] += d;
    }
    cpu_mask_row(d_features, cpu_mask_of(t->feature_masks, text, columns), columns);
}

/* Where the maximum of a feature stands first in the text, the state takes its gradient. */
static void max_backward(size_t width, const float *d_max, const float *max, const float *state,
                         char *taken, float *d_state)
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
    const struct cpu_kernels *k = t->encoder.weights->kernels;
    const struct lstm_sizes *s = &t->encoder.weights->sizes;
    const struct lstm_window *window = &t->encoder.windows[row];
    const struct cpu_pool *pool = &t->pools.texts[window->text];
    const int32_t width = 2 * s->hidden;
    const size_t w = (size_t)width, text = (size_t)window->text;
    const float *attention = t->encoder.weights->params + lstm_attention_at(s);
    const float *d_weighted = t->d_features + text * 3 * w, *d_max = d_weighted + w,
                *d_mean = d_max + w;
    const float share = 1.0f / (float)t->pools.counts[text];
    /* d_weighted . the attention-weighted mean: the level that the softmax takes off every score's
     * gradient */
    const float level = k->dot(width, d_weighted, pool->weighted) / pool->total;
    const size_t first = cpu_encoder_tape_owned(&t->encoder, row);
    for (size_t i = first; i < first + (size_t)window->own_length; i++) {
        const float *state = t->encoder.states + i * w;
        float *d_state = t->encoder.d_states + i * w;
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
    size_t width = 2 * (size_t)t->encoder.weights->sizes.hidden;
    memset(t->taken, 0, (size_t)t->encoder.batch->texts * width);
    for (int32_t text = 0; text < t->encoder.batch->texts; text++)
        classifier_backward(t, text, d_logits, gradient);
    for (int32_t row = 0; row < t->encoder.tile.rows; row++) /* a text's windows come in order */
        pool_backward(t, row, gradient);
}

void lstm_tape_backward(struct lstm_tape *t, const float *d_logits, float *gradient)
{
    head_backward(t, d_logits, gradient);
    cpu_encoder_tape_backward(&t->encoder, gradient);
}
