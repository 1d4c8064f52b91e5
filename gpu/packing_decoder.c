#include "gpu/packing_decoder.h"
#include "gpu/element.h"

#include <math.h>
#include <string.h>

/* The model's own sizes and where its parameters lie. */
struct source {
    const float *params;
    struct lstm_decoder_at at;
    size_t e, h, d, a, vocab; /* h: of a direction, without padding */
    size_t padded;            /* h as the plan has it */
};

static struct source find(const struct gpu_plan *plan, const float *params)
{
    struct lstm_sizes sizes = plan->sizes;
    sizes.hidden = plan->hidden;
    return (struct source){ .params = params,
                            .at = lstm_decoder_at(&sizes),
                            .e = (size_t)sizes.embedding,
                            .h = (size_t)sizes.hidden,
                            .d = (size_t)sizes.decoder,
                            .a = (size_t)sizes.alignment,
                            .vocab = (size_t)sizes.vocab,
                            .padded = (size_t)plan->sizes.hidden };
}

enum lstm_status gpu_pack_decoder_check(const struct gpu_plan *plan, const float *params,
                                        struct lstm_error *err)
{
    const struct source s = find(plan, params);
    const struct {
        size_t at, end;
    } matrices[] = { { s.at.bridge, s.at.bridge_bias },
                     { s.at.ih, s.at.bias },
                     { s.at.align_state, s.at.align_bias },
                     { s.at.output, s.at.output_bias } };
    enum lstm_status rc = LSTM_OK;
    for (size_t i = 0; i < sizeof matrices / sizeof *matrices && !rc; i++)
        rc =
            gpu_element_check(plan, params + matrices[i].at, matrices[i].end - matrices[i].at, err);
    return rc;
}

/* ---- matrices ---- */

/* Where the next elements go. */
struct sink {
    const struct gpu_plan *plan;
    void *to;
    size_t at;
};

static void put(struct sink *sink, const float *from, size_t count)
{
    for (size_t i = 0; i < count; i++)
        gpu_element_put(sink->plan, sink->to, sink->at++, from[i]);
}

/* Columns of both directions' states. */
static void put_states(struct sink *sink, const struct source *s, const float *from)
{
    const float zero = 0.0f;
    for (size_t direction = 0; direction < 2; direction++) {
        put(sink, from + direction * s->h, s->h);
        for (size_t u = s->h; u < s->padded; u++)
            put(sink, &zero, 1);
    }
}

/* Row 4 u + g of the kernels' gates in PyTorch's order. */
static size_t gate_row(const struct source *s, size_t row)
{
    return row % 4 * s->d + row / 4;
}

void gpu_pack_decoder_table(const struct gpu_plan *plan, const float *params, void *to)
{
    const struct source s = find(plan, params);
    struct sink sink = { plan, to, 0 };
    for (size_t row = 0; row < 4 * s.d; row++)
        put(&sink, params + s.at.ih + gate_row(&s, row) * (s.e + 2 * s.h), s.e);
}

void gpu_pack_decoder_bias(const struct gpu_plan *plan, const float *params, void *to)
{
    const struct source s = find(plan, params);
    for (size_t row = 0; row < 4 * s.d; row++)
        ((float *)to)[row] = params[s.at.bias + gate_row(&s, row)];
}

void gpu_pack_gates(const struct gpu_plan *plan, const float *params, void *to)
{
    const struct source s = find(plan, params);
    struct sink sink = { plan, to, 0 };
    for (size_t row = 0; row < 4 * s.d; row++) {
        put_states(&sink, &s, params + s.at.ih + gate_row(&s, row) * (s.e + 2 * s.h) + s.e);
        put(&sink, params + s.at.hh + gate_row(&s, row) * s.d, s.d);
    }
}

void gpu_pack_bridge(const struct gpu_plan *plan, const float *params, void *to)
{
    const struct source s = find(plan, params);
    struct sink sink = { plan, to, 0 };
    for (size_t row = 0; row < 2 * s.d; row++)
        put_states(&sink, &s, params + s.at.bridge + row * 2 * s.h);
}

void gpu_pack_align_state(const struct gpu_plan *plan, const float *params, void *to)
{
    const struct source s = find(plan, params);
    struct sink sink = { plan, to, 0 };
    for (size_t row = 0; row < s.a; row++)
        put_states(&sink, &s, params + s.at.align_state + row * 2 * s.h);
}

void gpu_pack_align_query(const struct gpu_plan *plan, const float *params, void *to)
{
    const struct source s = find(plan, params);
    struct sink sink = { plan, to, 0 };
    put(&sink, params + s.at.align_query, s.a * s.d);
}

void gpu_pack_output(const struct gpu_plan *plan, const float *params, void *to)
{
    const struct source s = find(plan, params);
    struct sink sink = { plan, to, 0 };
    for (size_t row = 0; row < s.e; row++) { /* the model has the state before the context */
        const float *from = params + s.at.output + row * (s.d + 2 * s.h);
        put_states(&sink, &s, from + s.d);
        put(&sink, from, s.d);
    }
}

/* ---- vectors ---- */

/* What a token, written last, adds to the wish to generate: its embedding's product, and the bias.
 */
static void copy_tokens(const struct source *s, float *to)
{
    const float *weight = s->params + s->at.copy + 2 * s->h + s->d;
    for (size_t v = 0; v < s->vocab; v++) {
        double sum = (double)s->params[s->at.copy_bias];
        for (size_t j = 0; j < s->e; j++)
            sum += (double)weight[j] * (double)s->params[v * s->e + j];
        to[v] = (float)sum;
    }
}

void gpu_pack_vectors(const struct gpu_plan *plan, const float *params, void *to)
{
    static const struct gpu_plan floats = { .element = sizeof(float) };
    const struct source s = find(plan, params);
    const struct gpu_vectors_at at = gpu_plan_vectors(plan);
    float *vectors = to;
    struct sink copy = { &floats, vectors + at.copy, 0 };
    memcpy(vectors + at.bridge_bias, params + s.at.bridge_bias, 2 * s.d * sizeof(float));
    memcpy(vectors + at.align_bias, params + s.at.align_bias, s.a * sizeof(float));
    memcpy(vectors + at.align_coverage, params + s.at.align_coverage, s.a * sizeof(float));
    memcpy(vectors + at.align_score, params + s.at.align_score, s.a * sizeof(float));
    put_states(&copy, &s, params + s.at.copy);
    put(&copy, params + s.at.copy + 2 * s.h, s.d);
    copy_tokens(&s, vectors + at.copy_token);
    memcpy(vectors + at.output_bias, params + s.at.output_bias, s.e * sizeof(float));
    memcpy(vectors + at.vocabulary_bias, params + s.at.vocabulary_bias, s.vocab * sizeof(float));
}
