#include "summary_tape.h"
#include "cpu_decoder.h"
#include "cpu_encoder_tape.h"
#include "tokenizer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 64 }; /* rows whose shares of the vocabulary are held at once */

/* The smallest share that a target may have, so that its logarithm stays finite. */
static const float share_min = 1e-10f;

/* Packed position p = base[t] + r is step t of row r; rows are the texts by falling length of their
 * summaries. */
struct lstm_summary_tape {
    struct cpu_encoder_tape encoder;
    const struct cpu_decoder *decoder;          /* not ours */
    const struct lstm_targets *targets;         /* not ours */
    const struct lstm_summary_options *options; /* not ours */
    int32_t texts, steps, positions;
    int32_t *order, *base;            /* texts; steps + 1 */
    int32_t *read, *written;          /* positions: the token before and the target */
    struct cpu_source *sources;       /* by text */
    const struct cpu_source **source; /* by row */
    float *states, *keys;             /* of all texts: tokens x 2 hidden, tokens x alignment */
    float *d_states, *d_keys;         /* the same */
    float *means, *bridged;           /* rows x 2 hidden, rows x 2 decoder */
    float *zeros;                     /* rows x 2 hidden */
    float *input, *gates, *cell, *state, *query, *context, *joined, *output,
        *generate;                       /* positions x ... */
    float *d_output, *d_generate;        /* positions x embedding, positions */
    float **attention, **coverage;       /* positions: a float a source token, rounded up to 16 */
    float **d_copied;                    /* positions: what copying wants of the attention */
    float *cells_before, *states_before; /* rows x decoder: the first step's */
    float *shares;                       /* CHUNK x vocab */
    float *d_joined, *d_cell, *d_state, *d_context, *d_input, *d_query; /* rows x ... */
    float **d_coverage;                                                 /* rows */
    float *d_attention, *d_scores;                                      /* the longest source */
    float *packed; /* positions x decoder: the states before */
    void *memory;  /* all of the above: grows, never shrinks */
    size_t size;
};

enum lstm_status lstm_summary_tape_open(const struct cpu_weights *encoder,
                                        const struct cpu_decoder *decoder,
                                        struct lstm_summary_tape **tape, struct lstm_error *err)
{
    *tape = calloc(1, sizeof **tape);
    if (!*tape)
        return lstm_fail(err, LSTM_NOMEM, "out of memory for a tape");
    (*tape)->encoder.weights = encoder;
    (*tape)->decoder = decoder;
    return LSTM_OK;
}

void lstm_summary_tape_close(struct lstm_summary_tape *tape)
{
    if (tape)
        free(tape->memory);
    free(tape);
}

/* ---- memory ---- */

static int32_t source_count(const struct lstm_batch *batch, int32_t text)
{
    return batch->starts[text + 1] - batch->starts[text];
}

/* Steps of a text: its summary's tokens and the end. */
static int32_t step_count(const struct lstm_targets *targets, int32_t text)
{
    return targets->starts[text + 1] - targets->starts[text] + 1;
}

static void carve_positions(struct lstm_summary_tape *t, struct carver *carver)
{
    const struct lstm_sizes *s = &t->decoder->sizes;
    const size_t e = (size_t)s->embedding, h2 = 2 * (size_t)s->hidden, n = (size_t)s->decoder;
    const size_t a = (size_t)s->alignment, p = (size_t)t->positions, f = sizeof(float);
    t->input = carve(carver, p * (e + h2), f);
    t->gates = carve(carver, p * 4 * n, f);
    t->cell = carve(carver, p * n, f);
    t->state = carve(carver, p * n, f);
    t->query = carve(carver, p * a, f);
    t->context = carve(carver, p * h2, f);
    t->joined = carve(carver, p * (n + h2), f);
    t->output = carve(carver, p * e, f);
    t->generate = carve(carver, p, f);
    t->d_output = carve(carver, p * e, f);
    t->d_generate = carve(carver, p, f);
    t->packed = carve(carver, p * n, f);
    t->attention = carve(carver, p, sizeof *t->attention);
    t->coverage = carve(carver, p, sizeof *t->coverage);
    t->d_copied = carve(carver, p, sizeof *t->d_copied);
    t->read = carve(carver, p, sizeof *t->read);
    t->written = carve(carver, p, sizeof *t->written);
}

static void carve_rows(struct lstm_summary_tape *t, const struct lstm_batch *batch,
                       struct carver *carver)
{
    const struct lstm_sizes *s = &t->decoder->sizes;
    const size_t e = (size_t)s->embedding, h2 = 2 * (size_t)s->hidden, n = (size_t)s->decoder;
    const size_t a = (size_t)s->alignment, rows = (size_t)t->texts, f = sizeof(float);
    const size_t tokens = (size_t)batch->starts[t->texts];
    t->order = carve(carver, rows, sizeof *t->order);
    t->base = carve(carver, (size_t)t->steps + 1, sizeof *t->base);
    t->sources = carve(carver, rows, sizeof *t->sources);
    t->source = carve(carver, rows, sizeof *t->source);
    t->states = carve(carver, tokens * h2, f);
    t->d_states = carve(carver, tokens * h2, f);
    t->keys = carve(carver, tokens * a, f);
    t->d_keys = carve(carver, tokens * a, f);
    t->means = carve(carver, rows * h2, f);
    t->bridged = carve(carver, rows * 2 * n, f);
    t->zeros = carve(carver, rows * h2, f);
    t->cells_before = carve(carver, rows * n, f);
    t->states_before = carve(carver, rows * n, f);
    t->shares = carve(carver, CHUNK * (size_t)s->vocab, f);
    t->d_joined = carve(carver, rows * (n + h2), f);
    t->d_cell = carve(carver, rows * n, f);
    t->d_state = carve(carver, rows * n, f);
    t->d_context = carve(carver, rows * h2, f);
    t->d_input = carve(carver, rows * (e + h2), f);
    t->d_query = carve(carver, rows * a, f);
    t->d_coverage = carve(carver, rows, sizeof *t->d_coverage);
}

/* A float a source token for every position of every text, three times over, and once more a text.
 */
static void carve_sources(struct lstm_summary_tape *t, const struct lstm_batch *batch,
                          struct carver *carver)
{
    size_t longest = 0;
    for (int32_t r = 0; r < t->texts; r++) {
        int32_t text = carver->memory ? t->order[r] : r;
        size_t width = cpu_source_width(source_count(batch, text));
        int32_t steps = step_count(t->targets, text);
        longest = width > longest ? width : longest;
        float *floats = carve(carver, (3 * (size_t)steps + 1) * width, sizeof(float));
        for (int32_t step = 0; floats && step < steps; step++) {
            size_t p = (size_t)(t->base[step] + r);
            t->attention[p] = floats, floats += width;
            t->coverage[p] = floats, floats += width;
            t->d_copied[p] = floats, floats += width;
        }
        if (floats)
            t->d_coverage[r] = floats;
    }
    t->d_attention = carve(carver, longest, sizeof(float));
    t->d_scores = carve(carver, longest, sizeof(float));
}

/* Texts by falling length of their summaries, equal ones in their order; a scan of all texts for
 * each length costs nothing beside the steps. */
static void order_rows(struct lstm_summary_tape *t)
{
    int32_t placed = 0;
    for (int32_t steps = t->steps; steps > 0; steps--)
        for (int32_t i = 0; i < t->texts; i++)
            if (step_count(t->targets, i) == steps)
                t->order[placed++] = i;
    for (int32_t step = 0, running = t->texts, p = 0; step <= t->steps; step++) {
        t->base[step] = p;
        while (running > 0 && step_count(t->targets, t->order[running - 1]) <= step)
            running--;
        p += running;
    }
    for (int32_t step = 0; step < t->steps; step++)
        for (int32_t r = 0; r < t->base[step + 1] - t->base[step]; r++) {
            const int32_t *target = t->targets->tokens + t->targets->starts[t->order[r]];
            int32_t p = t->base[step] + r, count = step_count(t->targets, t->order[r]) - 1;
            t->read[p] = step ? target[step - 1] : LSTM_TOKEN_MASK;
            t->written[p] = step < count ? target[step] : LSTM_TOKEN_MASK;
        }
}

static void lay_out(struct lstm_summary_tape *t, const struct lstm_batch *batch,
                    struct carver *carver)
{
    cpu_encoder_tape_carve(&t->encoder, batch, carver);
    carve_rows(t, batch, carver);
    carve_positions(t, carver);
    if (carver->memory)
        order_rows(t);
    carve_sources(t, batch, carver);
}

static enum lstm_status reserve(struct lstm_summary_tape *t, const struct lstm_batch *batch,
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

static enum lstm_status check(struct lstm_summary_tape *t, const struct lstm_batch *batch,
                              struct lstm_error *err)
{
    const struct lstm_targets *targets = t->targets;
    t->texts = batch->texts;
    t->steps = t->positions = 0;
    for (int32_t i = 0; i < batch->texts; i++) {
        int32_t steps = step_count(targets, i);
        if (steps < 1)
            return lstm_fail(err, LSTM_RANGE, "the summary of text %d ends before it starts", i);
        t->steps = steps > t->steps ? steps : t->steps;
        t->positions += steps;
        for (int32_t p = targets->starts[i]; p < targets->starts[i + 1]; p++)
            if (targets->tokens[p] < 0 || targets->tokens[p] >= t->decoder->sizes.vocab)
                return lstm_fail(err, LSTM_RANGE, "token %d of a vocabulary of %d",
                                 targets->tokens[p], t->decoder->sizes.vocab);
    }
    return lstm_batch_check(&t->decoder->sizes, batch, err);
}

/* ---- forward ---- */

/* The states of a text's tokens in order, from (or, adding, back to) the windows that own them. */
static void move_states(struct lstm_summary_tape *t, const struct lstm_batch *batch, float *by_text,
                        int is_back)
{
    const size_t h2 = 2 * (size_t)t->decoder->sizes.hidden;
    for (int32_t row = 0; row < t->encoder.tile.rows; row++) {
        const struct lstm_window *window = &t->encoder.windows[row];
        size_t from = cpu_encoder_tape_owned(&t->encoder, row) * h2,
               count = (size_t)window->own_length * h2;
        float *text = by_text + (size_t)(window->own_start - batch->starts[0]) * h2;
        if (is_back)
            t->encoder.weights->kernels->add(count, text, t->encoder.d_states + from);
        else
            memcpy(text, t->encoder.states + from, count * sizeof *text);
    }
}

static void read_sources(struct lstm_summary_tape *t, const struct lstm_batch *batch)
{
    const struct cpu_decoder *d = t->decoder;
    const size_t h2 = 2 * (size_t)d->sizes.hidden, a = (size_t)d->sizes.alignment,
                 n = (size_t)d->sizes.decoder;
    cpu_encoder_tape_forward(&t->encoder, batch, t->options->embedding_masks);
    move_states(t, batch, t->states, 0);
    cpu_source_keys(d, batch->starts[batch->texts] - batch->starts[0], t->states, t->keys);
    for (int32_t i = 0; i < t->texts; i++) {
        size_t at = (size_t)(batch->starts[i] - batch->starts[0]);
        t->sources[i] =
            (struct cpu_source){ source_count(batch, i), batch->tokens + batch->starts[i],
                                 t->states + at * h2, t->keys + at * a };
    }
    for (int32_t r = 0; r < t->texts; r++) {
        float *bridged = t->bridged + (size_t)r * 2 * n;
        t->source[r] = &t->sources[t->order[r]];
        cpu_decoder_begin(d, t->source[r], t->means + (size_t)r * h2, bridged);
        memcpy(t->states_before + (size_t)r * n, bridged, n * sizeof *bridged);
        memcpy(t->cells_before + (size_t)r * n, bridged + n, n * sizeof *bridged);
    }
    memset(t->zeros, 0, (size_t)t->texts * h2 * sizeof *t->zeros);
}

/* The coverage before a step is that before the last step and its attention. */
static void cover(struct lstm_summary_tape *t, int32_t step, int32_t rows)
{
    for (int32_t r = 0; r < rows; r++) {
        size_t here = (size_t)(t->base[step] + r), width = cpu_source_width(t->source[r]->count);
        memset(t->coverage[here], 0, width * sizeof(float));
        if (step) {
            size_t last = (size_t)(t->base[step - 1] + r);
            t->encoder.weights->kernels->add(width, t->coverage[last], t->coverage[here]);
            t->encoder.weights->kernels->add(width, t->attention[last], t->coverage[here]);
        }
    }
}

static void write_steps(struct lstm_summary_tape *t)
{
    const struct cpu_decoder *d = t->decoder;
    const size_t e = (size_t)d->sizes.embedding, h2 = 2 * (size_t)d->sizes.hidden,
                 n = (size_t)d->sizes.decoder;
    const size_t a = (size_t)d->sizes.alignment;
    for (int32_t step = 0; step < t->steps; step++) {
        size_t p = (size_t)t->base[step], before = step ? (size_t)t->base[step - 1] : 0;
        int32_t rows = t->base[step + 1] - t->base[step];
        cover(t, step, rows);
        struct cpu_decoder_step s = {
            .rows = rows,
            .tokens = t->read + p,
            .sources = t->source,
            .context_before = step ? t->context + before * h2 : t->zeros,
            .cell_before = step ? t->cell + before * n : t->cells_before,
            .state_before = step ? t->state + before * n : t->states_before,
            .coverage = (const float *const *)(t->coverage + p),
            .input = t->input + p * (e + h2),
            .gates = t->gates + p * 4 * n,
            .cell = t->cell + p * n,
            .state = t->state + p * n,
            .query = t->query + p * a,
            .attention = t->attention + p,
            .joined = t->joined + p * (n + h2),
            .output = t->output + p * e,
            .generate = t->generate + p,
        };
        cpu_decoder_step(d, &s);
        for (int32_t r = 0; r < rows; r++)
            memcpy(t->context + (p + (size_t)r) * h2, s.joined + (size_t)r * (n + h2) + n,
                   h2 * sizeof(float));
    }
}

static int32_t row_of(const struct lstm_summary_tape *t, int32_t position, int32_t *step)
{
    while (position >= t->base[*step + 1])
        ++*step;
    return position - t->base[*step];
}

/* ---- the loss, and the gradient of what it is made of ---- */

/* One position: its shares of the vocabulary become the gradient of their logits. */
static void mixture(struct lstm_summary_tape *t, int32_t position, int32_t row, float *shares,
                    struct lstm_summary_loss *loss)
{
    const int32_t vocab = t->decoder->sizes.vocab, target = t->written[position];
    const struct cpu_source *source = t->source[row];
    const float *attention = t->attention[position], generate = t->generate[position];
    const float smoothing = t->options->smoothing, even = smoothing / (float)vocab;
    float copied = 0.0f;
    for (int32_t i = 0; i < source->count; i++)
        copied += source->tokens[i] == target ? attention[i] : 0.0f;
    float share = generate * shares[target] + (1.0f - generate) * copied + share_min;
    float d_share = -(1.0f - smoothing) / share, pull = d_share * generate * shares[target];
    loss->likelihood -= log((double)share);
    loss->loss -= (1 - (double)smoothing) * log((double)share);
    for (int32_t k = 0; smoothing > 0 && k < vocab;
         k += LSTM_UNITS / 2) { /* a log of eight at once */
        double product = 1;
        for (int32_t j = k; j < k + LSTM_UNITS / 2; j++)
            product *= (double)shares[j] + 1e-30;
        loss->loss -= (double)even * log(product);
    }
    t->d_generate[position] = d_share * (shares[target] - copied);
    for (int32_t i = 0; i < source->count; i++)
        t->d_copied[position][i] = source->tokens[i] == target ? d_share * (1.0f - generate) : 0.0f;
    for (int32_t k = 0; k < vocab; k++)
        shares[k] = (smoothing - pull) * shares[k] - even;
    shares[target] += pull;
}

/* All positions: the loss, and with a gradient that of the vocabulary's bias, the embedding and the
 * outputs. */
static void vocabulary(struct lstm_summary_tape *t, struct lstm_summary_loss *loss, float *gradient)
{
    const struct cpu_kernels *k = t->decoder->kernels;
    const size_t e = (size_t)t->decoder->sizes.embedding, v = (size_t)t->decoder->sizes.vocab;
    memset(t->d_output, 0, (size_t)t->positions * e * sizeof *t->d_output);
    for (int32_t first = 0, step = 0; first < t->positions; first += CHUNK) {
        int32_t rows = t->positions - first < CHUNK ? t->positions - first : CHUNK;
        float *output = t->output + (size_t)first * e;
        cpu_decoder_vocabulary(t->decoder, rows, output, t->shares);
        for (int32_t i = 0; i < rows; i++) {
            int32_t row = row_of(t, first + i, &step);
            mixture(t, first + i, row, t->shares + (size_t)i * v, loss);
        }
        for (int32_t i = 0; gradient && i < rows; i++)
            k->add(v, t->shares + (size_t)i * v, gradient + t->decoder->at.vocabulary_bias);
        if (!gradient)
            continue;
        k->gemm(rows, (int32_t)e, (int32_t)v, (struct cpu_matrix){ t->shares, v, 1 },
                (struct cpu_panels){ t->decoder->params, e, 16 }, t->d_output + (size_t)first * e,
                e);
        k->gemm((int32_t)v, (int32_t)e, rows, (struct cpu_matrix){ t->shares, 1, v },
                (struct cpu_panels){ output, e, 16 }, gradient, e);
    }
}

static double coverage_loss(const struct lstm_summary_tape *t)
{
    double sum = 0;
    for (int32_t p = 0, step = 0; p < t->positions; p++) {
        int32_t count = t->source[row_of(t, p, &step)]->count;
        for (int32_t i = 0; i < count; i++)
            sum += (double)(t->attention[p][i] < t->coverage[p][i] ? t->attention[p][i]
                                                                   : t->coverage[p][i]);
    }
    return sum;
}

static const float *output_mask(const struct lstm_summary_tape *t, int32_t position, int32_t *step)
{
    int32_t text = t->order[row_of(t, position, step)];
    return cpu_mask_of(t->options->output_masks, text, (size_t)t->decoder->sizes.embedding);
}

static void mask_outputs(struct lstm_summary_tape *t)
{
    const size_t e = (size_t)t->decoder->sizes.embedding;
    for (int32_t p = 0, step = 0; p < t->positions; p++)
        cpu_mask_row(t->output + (size_t)p * e, output_mask(t, p, &step), e);
}

/* Outputs become the gradient of what their tanh was taken of. */
static void outputs_backward(struct lstm_summary_tape *t)
{
    const size_t e = (size_t)t->decoder->sizes.embedding;
    for (int32_t p = 0, step = 0; p < t->positions; p++) {
        const float *mask = output_mask(t, p, &step), *d = t->d_output + (size_t)p * e;
        float *output = t->output + (size_t)p * e;
        for (size_t j = 0; j < e; j++) {
            float kept = mask ? mask[j] : 1.0f, squashed = kept > 0 ? output[j] / kept : 0.0f;
            output[j] = d[j] * kept * (1.0f - squashed * squashed);
        }
    }
}

/* ---- backward ---- */

/* One row of a step, from the gradient of its context (in d_context) to those of the source, the
 * query and what was attended to before. */
static void attend_backward(struct lstm_summary_tape *t, int32_t position, int32_t row,
                            float *gradient)
{
    const struct cpu_decoder *d = t->decoder;
    const struct cpu_kernels *k = d->kernels;
    const struct cpu_source *source = t->source[row];
    const int32_t h2 = 2 * d->sizes.hidden, a = d->sizes.alignment;
    const float *attention = t->attention[position], *coverage = t->coverage[position];
    const float *d_context = t->d_context + (size_t)row * (size_t)h2, weight = t->options->coverage;
    float *d_coverage = t->d_coverage[row], level = 0.0f;
    size_t at = (size_t)(source->states - t->states) / (size_t)h2;
    for (int32_t i = 0; i < source->count; i++) {
        size_t state = (size_t)i * (size_t)h2;
        k->axpy(h2, attention[i], d_context, t->d_states + at * (size_t)h2 + state);
        t->d_attention[i] = k->dot(h2, d_context, source->states + state) +
                            t->d_copied[position][i] + d_coverage[i];
        t->d_attention[i] += attention[i] < coverage[i] ? weight : 0.0f;
        d_coverage[i] += attention[i] < coverage[i] ? 0.0f : weight;
        level += attention[i] * t->d_attention[i];
    }
    for (int32_t i = 0; i < source->count; i++)
        t->d_scores[i] = attention[i] * (t->d_attention[i] - level);
    k->align_backward(source->count, a, source->keys, t->query + (size_t)position * (size_t)a,
                      coverage, d->params + d->at.align_coverage, d->params + d->at.align_score,
                      t->d_scores, t->d_keys + at * (size_t)a, t->d_query + (size_t)row * (size_t)a,
                      d_coverage, gradient + d->at.align_coverage, gradient + d->at.align_score);
}

/* The wish to generate: its own gradient, and what it asks of context, state and input. */
static void generate_backward(struct lstm_summary_tape *t, int32_t position, int32_t row,
                              float *gradient)
{
    const struct cpu_decoder *d = t->decoder;
    const struct cpu_kernels *k = d->kernels;
    const int32_t h2 = 2 * d->sizes.hidden, n = d->sizes.decoder, e = d->sizes.embedding;
    const size_t p = (size_t)position, r = (size_t)row;
    const float g = t->generate[position], d_wish = t->d_generate[position] * g * (1.0f - g);
    const float *weights = d->params + d->at.copy, *joined = t->joined + p * (size_t)(n + h2);
    float *d_weights = gradient + d->at.copy;
    k->axpy(h2, d_wish, joined + n, d_weights);
    k->axpy(n, d_wish, joined, d_weights + h2);
    k->axpy(e, d_wish, t->input + p * (size_t)(e + h2), d_weights + h2 + n);
    gradient[d->at.copy_bias] += d_wish;
    k->axpy(h2, d_wish, weights, t->d_context + r * (size_t)h2);
    k->axpy(n, d_wish, weights + h2, t->d_state + r * (size_t)n);
    k->axpy(e, d_wish, weights + h2 + n, t->d_input + r * (size_t)(e + h2));
}

/* c (rows x cols) += a (rows x depth) times weights (depth x cols, row-major in the parameters) */
static void product(const struct cpu_decoder *d, int32_t rows, size_t cols, size_t depth,
                    const float *a, const float *weights, float *c)
{
    d->kernels->gemm(rows, (int32_t)cols, (int32_t)depth, (struct cpu_matrix){ a, depth, 1 },
                     (struct cpu_panels){ weights, cols, 16 }, c, cols);
}

/* One step. d_state holds the gradient that the step after it gave of its state, d_cell of its
 * cell, and d_input's second part of its context. Leaves the same for the step before it, the
 * gradients of affine results in place of what they were: output, gates, query. */
static void step_backward(struct lstm_summary_tape *t, int32_t step, float *gradient)
{
    const struct cpu_decoder *d = t->decoder;
    const struct cpu_kernels *k = d->kernels;
    const size_t e = (size_t)d->sizes.embedding, h2 = 2 * (size_t)d->sizes.hidden,
                 n = (size_t)d->sizes.decoder;
    const size_t a = (size_t)d->sizes.alignment, p = (size_t)t->base[step];
    const int32_t rows = t->base[step + 1] - t->base[step];
    float *d_pre = t->output + p * e, *gates = t->gates + p * 4 * n;
    memset(t->d_joined, 0, (size_t)rows * (n + h2) * sizeof *t->d_joined);
    product(d, rows, n + h2, e, d_pre, d->params + d->at.output, t->d_joined);
    for (size_t r = 0; r < (size_t)rows; r++) {
        float *d_input = t->d_input + r * (e + h2), *d_context = t->d_context + r * h2;
        memcpy(d_context, d_input + e,
               h2 * sizeof *d_context); /* by the step that read this context */
        k->add(h2, t->d_joined + r * (n + h2) + n, d_context);
        k->add(n, t->d_joined + r * (n + h2), t->d_state + r * n);
        memset(d_input, 0, (e + h2) * sizeof *d_input);
        memset(t->d_query + r * a, 0, a * sizeof *t->d_query);
        generate_backward(t, (int32_t)(p + r), (int32_t)r, gradient);
        attend_backward(t, (int32_t)(p + r), (int32_t)r, gradient);
    }
    product(d, rows, n, a, t->d_query, d->params + d->at.align_query, t->d_state);
    memcpy(t->query + p * a, t->d_query, (size_t)rows * a * sizeof *t->query);
    const float *before = step ? t->cell + (size_t)t->base[step - 1] * n : t->cells_before;
    k->cell_backward(rows, (int32_t)n, gates, before, t->cell + p * n, t->d_state, t->d_cell);
    product(d, rows, e + h2, 4 * n, gates, d->params + d->at.ih, t->d_input);
    memset(t->d_state, 0, (size_t)rows * n * sizeof *t->d_state);
    product(d, rows, n, 4 * n, gates, d->params + d->at.hh, t->d_state);
    for (size_t r = 0; r < (size_t)rows; r++)
        k->add(e, t->d_input + r * (e + h2), gradient + (size_t)t->read[p + r] * e);
}

/* d_weights (out x in) += dz^T x, d_bias += sum of dz, over so many rows of each. */
static void affine_backward(const struct cpu_decoder *d, int32_t rows, size_t out, size_t in,
                            const float *dz, const float *x, float *d_weights, float *d_bias)
{
    for (int32_t r = 0; d_bias && r < rows; r++)
        d->kernels->add(out, dz + (size_t)r * out, d_bias);
    d->kernels->gemm((int32_t)out, (int32_t)in, rows, (struct cpu_matrix){ dz, 1, out },
                     (struct cpu_panels){ x, in, 16 }, d_weights, in);
}

/* Back to the mean of the states, where the first state and cell came from. */
static void begin_backward(struct lstm_summary_tape *t, float *gradient)
{
    const struct cpu_decoder *d = t->decoder;
    const size_t h2 = 2 * (size_t)d->sizes.hidden, n = (size_t)d->sizes.decoder;
    for (size_t r = 0; r < (size_t)t->texts; r++) {
        float *bridged = t->bridged + r * 2 * n,
              *d_mean = t->zeros + r * h2; /* zeros are not needed any more */
        for (size_t j = 0; j < 2 * n; j++) {
            float given = j < n ? t->d_state[r * n + j] : t->d_cell[r * n + j - n];
            bridged[j] = given * (1.0f - bridged[j] * bridged[j]);
        }
        product(d, 1, h2, 2 * n, bridged, d->params + d->at.bridge, d_mean);
        const struct cpu_source *source = t->source[r];
        float *d_states = t->d_states + (source->states - t->states);
        for (int32_t i = 0; i < source->count; i++)
            d->kernels->axpy((int32_t)h2, 1.0f / (float)source->count, d_mean,
                             d_states + (size_t)i * h2);
    }
    affine_backward(d, t->texts, 2 * n, h2, t->bridged, t->means, gradient + d->at.bridge,
                    gradient + d->at.bridge_bias);
}

static void backward(struct lstm_summary_tape *t, const struct lstm_batch *batch, float *gradient)
{
    const struct cpu_decoder *d = t->decoder;
    const size_t e = (size_t)d->sizes.embedding, h2 = 2 * (size_t)d->sizes.hidden,
                 n = (size_t)d->sizes.decoder;
    const size_t a = (size_t)d->sizes.alignment, rows = (size_t)t->texts;
    const int32_t tokens = batch->starts[batch->texts] - batch->starts[0];
    memset(t->d_states, 0, (size_t)tokens * h2 * sizeof *t->d_states);
    memset(t->d_keys, 0, (size_t)tokens * a * sizeof *t->d_keys);
    memset(t->d_cell, 0, rows * n * sizeof *t->d_cell);
    memset(t->d_state, 0, rows * n * sizeof *t->d_state);
    memset(t->d_input, 0, rows * (e + h2) * sizeof *t->d_input);
    for (int32_t r = 0; r < t->texts; r++)
        memset(t->d_coverage[r], 0, (size_t)t->source[r]->count * sizeof(float));
    for (int32_t step = t->steps - 1; step >= 0; step--)
        step_backward(t, step, gradient);
    for (int32_t step = 0; step < t->steps; step++) { /* the states before, beside their gates */
        int32_t count = t->base[step + 1] - t->base[step];
        const float *from = step ? t->state + (size_t)t->base[step - 1] * n : t->states_before;
        memcpy(t->packed + (size_t)t->base[step] * n, from, (size_t)count * n * sizeof *from);
    }
    affine_backward(d, t->positions, 4 * n, e + h2, t->gates, t->input, gradient + d->at.ih,
                    gradient + d->at.bias);
    affine_backward(d, t->positions, 4 * n, n, t->gates, t->packed, gradient + d->at.hh, NULL);
    affine_backward(d, t->positions, a, n, t->query, t->state, gradient + d->at.align_query,
                    gradient + d->at.align_bias);
    affine_backward(d, t->positions, e, n + h2, t->output, t->joined, gradient + d->at.output,
                    gradient + d->at.output_bias);
    begin_backward(t, gradient);
    affine_backward(d, tokens, a, h2, t->d_keys, t->states, gradient + d->at.align_state, NULL);
    product(d, tokens, h2, a, t->d_keys, d->params + d->at.align_state, t->d_states);
    move_states(t, batch, t->d_states, 1);
    cpu_encoder_tape_backward(&t->encoder, gradient);
}

enum lstm_status lstm_summary_tape_run(struct lstm_summary_tape *t, const struct lstm_batch *batch,
                                       const struct lstm_targets *targets,
                                       const struct lstm_summary_options *options,
                                       struct lstm_summary_loss *loss, float *gradient,
                                       struct lstm_error *err)
{
    t->targets = targets;
    t->options = options;
    enum lstm_status rc = check(t, batch, err);
    if (rc || batch->texts == 0 || (rc = reserve(t, batch, err)))
        return rc;
    read_sources(t, batch);
    write_steps(t);
    mask_outputs(t);
    struct lstm_summary_loss sum = { .tokens = t->positions };
    vocabulary(t, &sum, gradient);
    sum.coverage = coverage_loss(t);
    loss->likelihood += sum.likelihood;
    loss->coverage += sum.coverage;
    loss->loss += sum.loss + (double)options->coverage * sum.coverage;
    loss->tokens += sum.tokens;
    if (!gradient)
        return LSTM_OK;
    outputs_backward(t);
    backward(t, batch, gradient);
    return LSTM_OK;
}
