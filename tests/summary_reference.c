#include "tests/summary_reference.h"
#include "tests/networks.h"
#include "tests/reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The tensors, in the order in which struct lstm_decoder_at lists them. */
struct decoder {
    size_t vocab, embedding, width, units, alignment; /* width: of a source's state */
    const double *table;
    const double *bridge, *bridge_bias, *ih, *hh, *bias, *align_state, *align_query, *align_bias,
        *align_coverage;
    const double *align_score, *copy, *output, *output_bias, *vocabulary_bias, *copy_bias;
};

/* What changes from step to step, and what a step computes. */
struct memory {
    double *states, *keys;                 /* of the source: count x width, count x alignment */
    double *attention, *coverage;          /* count each */
    double *input, *cell, *before, *state; /* embedding + width, units each */
    double *context, *query, *joined;      /* width, alignment, units + width */
    double *output, *shares;               /* embedding, vocab */
    double generate;
};

static struct decoder decoder_of(const struct lstm_sizes *s, const double *params)
{
    struct decoder d = { (size_t)s->vocab,   (size_t)s->embedding, 2 * (size_t)s->hidden,
                         (size_t)s->decoder, (size_t)s->alignment, .table = params };
    size_t h = (size_t)s->hidden, n = d.units, in = d.embedding;
    const double *next = params + d.vocab * d.embedding;
    for (int layer = 0; layer < s->layers; layer++, in = d.width)
        next += 2 * 4 * h * (in + h + 1);
    const struct {
        const double **tensor;
        size_t count;
    } all[] = {
        { &d.bridge, 2 * n * d.width },
        { &d.bridge_bias, 2 * n },
        { &d.ih, 4 * n * (d.embedding + d.width) },
        { &d.hh, 4 * n * n },
        { &d.bias, 4 * n },
        { &d.align_state, d.alignment * d.width },
        { &d.align_query, d.alignment * n },
        { &d.align_bias, d.alignment },
        { &d.align_coverage, d.alignment },
        { &d.align_score, d.alignment },
        { &d.copy, d.width + n + d.embedding },
        { &d.output, d.embedding * (n + d.width) },
        { &d.output_bias, d.embedding },
        { &d.vocabulary_bias, d.vocab },
        { &d.copy_bias, 1 },
    };
    for (size_t i = 0; i < COUNT(all); i++) {
        *all[i].tensor = next;
        next += all[i].count;
    }
    return d;
}

static double dot(size_t count, const double *a, const double *b)
{
    double sum = 0.0;
    for (size_t i = 0; i < count; i++)
        sum += a[i] * b[i];
    return sum;
}

/* x becomes softmax(x) */
static void softmax(size_t count, double *x)
{
    double top = -INFINITY, total = 0.0;
    for (size_t i = 0; i < count; i++)
        top = fmax(top, x[i]);
    for (size_t i = 0; i < count; i++)
        total += x[i] = exp(x[i] - top);
    for (size_t i = 0; i < count; i++)
        x[i] /= total;
}

/* W_h h_i */
static void read_keys(const struct decoder *d, size_t count, struct memory *m)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < d->alignment; k++)
            m->keys[i * d->alignment + k] =
                dot(d->width, d->align_state + k * d->width, m->states + i * d->width);
}

/* The state and the cell before the first step: tanh of an affine map of the mean of the source's
 * states. */
static void begin(const struct decoder *d, const struct reference_pair *pair, struct memory *m)
{
    double *mean = m->context;
    for (size_t j = 0; j < d->width; j++) {
        mean[j] = 0.0;
        for (size_t i = 0; i < (size_t)pair->source_count; i++)
            mean[j] += m->states[i * d->width + j] / pair->source_count;
    }
    for (size_t j = 0; j < d->units; j++) {
        m->before[j] = tanh(d->bridge_bias[j] + dot(d->width, d->bridge + j * d->width, mean));
        size_t row = d->units + j;
        m->cell[j] = tanh(d->bridge_bias[row] + dot(d->width, d->bridge + row * d->width, mean));
    }
    memset(m->context, 0, d->width * sizeof *m->context);
    memset(m->coverage, 0, (size_t)pair->source_count * sizeof *m->coverage);
}

/* attention i = softmax of v . tanh(W_h h_i + W_s s + b + w_c c_i); context = sum of attention i
 * h_i */
static void attend(const struct decoder *d, size_t count, struct memory *m)
{
    for (size_t k = 0; k < d->alignment; k++)
        m->query[k] = d->align_bias[k] + dot(d->units, d->align_query + k * d->units, m->state);
    for (size_t i = 0; i < count; i++) {
        m->attention[i] = 0.0;
        for (size_t k = 0; k < d->alignment; k++)
            m->attention[i] +=
                d->align_score[k] * tanh(m->keys[i * d->alignment + k] + m->query[k] +
                                         d->align_coverage[k] * m->coverage[i]);
    }
    softmax(count, m->attention);
    for (size_t j = 0; j < d->width; j++) {
        m->context[j] = 0.0;
        for (size_t i = 0; i < count; i++)
            m->context[j] += m->attention[i] * m->states[i * d->width + j];
    }
}

/* One step: reads a token and the last context, leaves attention, generate and the shares of the
 * vocabulary. */
static void step(const struct decoder *d, const struct reference_pair *pair, int32_t token,
                 struct memory *m)
{
    size_t e = d->embedding, n = d->units;
    memcpy(m->input, d->table + (size_t)token * e, e * sizeof *m->input);
    memcpy(m->input + e, m->context, d->width * sizeof *m->input);
    reference_lstm_step(n, e + d->width, d->ih, d->hh, d->bias, m->input, m->before, m->cell,
                        m->state);
    memcpy(m->before, m->state, n * sizeof *m->before);
    attend(d, (size_t)pair->source_count, m);
    double wish = d->copy_bias[0] + dot(d->width, d->copy, m->context) +
                  dot(n, d->copy + d->width, m->state) + dot(e, d->copy + d->width + n, m->input);
    m->generate = 1.0 / (1.0 + exp(-wish));
    memcpy(m->joined, m->state, n * sizeof *m->joined);
    memcpy(m->joined + n, m->context, d->width * sizeof *m->joined);
    for (size_t j = 0; j < e; j++) {
        m->output[j] =
            tanh(d->output_bias[j] + dot(n + d->width, d->output + j * (n + d->width), m->joined));
        m->output[j] *= pair->output_mask ? (double)pair->output_mask[j] : 1.0;
    }
    for (size_t w = 0; w < d->vocab; w++)
        m->shares[w] = d->vocabulary_bias[w] + dot(e, d->table + w * e, m->output);
    softmax(d->vocab, m->shares);
}

/* What a step that should have written this token costs. */
static void add_loss(const struct decoder *d, const struct reference_pair *pair, int32_t token,
                     const struct memory *m, struct reference_loss *loss)
{
    double copied = 0.0, spread = 0.0, again = 0.0;
    for (int32_t i = 0; i < pair->source_count; i++) {
        copied += pair->source[i] == token ? m->attention[i] : 0.0;
        again += fmin(m->attention[i], m->coverage[i]);
    }
    for (size_t w = 0; pair->smoothing > 0.0 && w < d->vocab; w++)
        spread -= log(m->shares[w]) / (double)d->vocab;
    double likelihood = -log(m->generate * m->shares[token] + (1.0 - m->generate) * copied + 1e-10);
    loss->likelihood += likelihood;
    loss->coverage += again;
    loss->loss +=
        (1.0 - pair->smoothing) * likelihood + pair->smoothing * spread + pair->coverage * again;
}

void reference_summary_loss(const struct lstm_sizes *s, const double *params,
                            const struct reference_pair *pair, struct reference_loss *loss)
{
    const struct decoder d = decoder_of(s, params);
    const size_t count = (size_t)pair->source_count;
    struct memory m = { 0 };
    const struct {
        double **array;
        size_t count;
    } all[] = {
        { &m.states, count * d.width },
        { &m.keys, count * d.alignment },
        { &m.attention, count },
        { &m.coverage, count },
        { &m.cell, d.units },
        { &m.before, d.units },
        { &m.input, d.embedding + d.width },
        { &m.state, d.units },
        { &m.context, d.width },
        { &m.query, d.alignment },
        { &m.output, d.embedding },
        { &m.shares, d.vocab },
        { &m.joined, d.units + d.width },
    };
    size_t total = 0;
    for (size_t i = 0; i < COUNT(all); i++)
        total += all[i].count;
    double *block = network_memory(total * sizeof *block), *next = block;
    for (size_t i = 0; i < COUNT(all); i++) {
        *all[i].array = next;
        next += all[i].count;
    }
    reference_states(s, params, pair->source, pair->source_count, pair->embedding_mask, m.states);
    read_keys(&d, count, &m);
    begin(&d, pair, &m);
    for (int32_t t = 0; t <= pair->target_count; t++) {
        step(&d, pair, t ? pair->target[t - 1] : 0, &m);
        add_loss(&d, pair, t < pair->target_count ? pair->target[t] : 0, &m, loss);
        for (size_t i = 0; i < count; i++)
            m.coverage[i] += m.attention[i];
    }
    free(block);
}
