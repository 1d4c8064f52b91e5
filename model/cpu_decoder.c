#include "cpu_decoder.h"

#include <stdlib.h>
#include <string.h>

/* ---- weights ---- */

/* One matrix of the decoder that is read in panels: where it lies in the parameters, and its sizes.
 */
struct packed {
    float **to;
    size_t at, cols, depth;
};

static int packed_list(struct cpu_decoder *d, struct packed list[7])
{
    const size_t e = (size_t)d->sizes.embedding, h2 = 2 * (size_t)d->sizes.hidden,
                 n = (size_t)d->sizes.decoder;
    const size_t a = (size_t)d->sizes.alignment, v = (size_t)d->sizes.vocab;
    const struct packed all[7] = {
        { &d->bridge, d->at.bridge, 2 * n, h2 },
        { &d->ih, d->at.ih, 4 * n, e + h2 },
        { &d->hh, d->at.hh, 4 * n, n },
        { &d->align_state, d->at.align_state, a, h2 },
        { &d->align_query, d->at.align_query, a, n },
        { &d->output, d->at.output, e, n + h2 },
        { &d->vocabulary, 0, v, e },
    };
    memcpy(list, all, sizeof all);
    return 7;
}

enum lstm_status cpu_decoder_open(const struct lstm_sizes *sizes, const struct cpu_kernels *kernels,
                                  const float *params, struct cpu_decoder **decoder,
                                  struct lstm_error *err)
{
    struct cpu_decoder shape = {
        .sizes = *sizes, .at = lstm_decoder_at(sizes), .kernels = kernels, .params = params
    };
    struct packed list[7];
    size_t floats = 0;
    int count = packed_list(&shape, list);
    for (int i = 0; i < count; i++)
        floats += list[i].cols * list[i].depth;
    struct cpu_decoder *d = *decoder = calloc(1, sizeof *d + floats * sizeof(float));
    if (!d)
        return lstm_fail(err, LSTM_NOMEM, "out of memory for %zu packed weights", floats);
    *d = shape;
    float *next = (float *)(d + 1);
    packed_list(d, list);
    for (int i = 0; i < count; i++) {
        *list[i].to = next;
        next += list[i].cols * list[i].depth;
    }
    cpu_decoder_pack(d);
    return LSTM_OK;
}

void cpu_decoder_pack(struct cpu_decoder *d)
{
    struct packed list[7];
    int count = packed_list(d, list);
    for (int i = 0; i < count; i++)
        cpu_pack_transposed(d->params + list[i].at, list[i].cols, list[i].depth, *list[i].to);
}

void cpu_decoder_close(struct cpu_decoder *decoder)
{
    free(decoder);
}

/* ---- steps ---- */

/* out (rows x cols) = bias + in (rows x depth) times packed weights */
static void affine(const struct cpu_decoder *d, int32_t rows, size_t cols, size_t depth,
                   const float *in, const float *weights, const float *bias, float *out)
{
    for (int32_t r = 0; r < rows; r++)
        memcpy(out + (size_t)r * cols, bias, cols * sizeof *out);
    d->kernels->gemm(rows, (int32_t)cols, (int32_t)depth, (struct cpu_matrix){ in, depth, 1 },
                     (struct cpu_panels){ weights, 16, 16 * depth }, out, cols);
}

void cpu_source_keys(const struct cpu_decoder *d, int32_t count, const float *states, float *keys)
{
    const size_t h2 = 2 * (size_t)d->sizes.hidden, a = (size_t)d->sizes.alignment;
    memset(keys, 0, (size_t)count * a * sizeof *keys);
    d->kernels->gemm(count, d->sizes.alignment, (int32_t)h2, (struct cpu_matrix){ states, h2, 1 },
                     (struct cpu_panels){ d->align_state, 16, 16 * h2 }, keys, a);
}

void cpu_decoder_begin(const struct cpu_decoder *d, const struct cpu_source *source, float *mean,
                       float *bridged)
{
    const size_t h2 = 2 * (size_t)d->sizes.hidden, n = (size_t)d->sizes.decoder;
    memset(mean, 0, h2 * sizeof *mean);
    for (int32_t i = 0; i < source->count; i++)
        d->kernels->add(h2, source->states + (size_t)i * h2, mean);
    for (size_t j = 0; j < h2; j++)
        mean[j] /= (float)source->count;
    affine(d, 1, 2 * n, h2, mean, d->bridge, d->params + d->at.bridge_bias, bridged);
    d->kernels->tanh(2 * n, bridged);
}

/* What one row reads from its source, and how much it wants to copy. */
static void attend(const struct cpu_decoder *d, const struct cpu_decoder_step *s, int32_t row)
{
    const struct cpu_kernels *k = d->kernels;
    const struct cpu_source *source = s->sources[row];
    const int32_t h2 = 2 * d->sizes.hidden, n = d->sizes.decoder, e = d->sizes.embedding,
                  a = d->sizes.alignment;
    const float *copy = d->params + d->at.copy;
    float *attention = s->attention[row], *joined = s->joined + (size_t)row * (size_t)(n + h2),
          *context = joined + n;
    const float *input = s->input + (size_t)row * (size_t)(e + h2);
    k->align(source->count, a, source->keys, s->query + (size_t)row * (size_t)a, s->coverage[row],
             d->params + d->at.align_coverage, d->params + d->at.align_score, attention);
    k->normalise(source->count, attention);
    memcpy(joined, s->state + (size_t)row * (size_t)n, (size_t)n * sizeof *joined);
    k->weigh(source->count, h2, attention, source->states, context);
    float wish = k->dot(h2, copy, context) + k->dot(n, copy + h2, joined) +
                 k->dot(e, copy + h2 + n, input) + d->params[d->at.copy_bias];
    s->generate[row] = 1.0f / (1.0f + k->exp(-wish));
}

void cpu_decoder_step(const struct cpu_decoder *d, const struct cpu_decoder_step *s)
{
    const struct cpu_kernels *k = d->kernels;
    const size_t e = (size_t)d->sizes.embedding, h2 = 2 * (size_t)d->sizes.hidden,
                 n = (size_t)d->sizes.decoder;
    for (int32_t r = 0; r < s->rows; r++) {
        float *input = s->input + (size_t)r * (e + h2);
        memcpy(input, d->params + (size_t)s->tokens[r] * e, e * sizeof *input);
        memcpy(input + e, s->context_before + (size_t)r * h2, h2 * sizeof *input);
    }
    affine(d, s->rows, 4 * n, e + h2, s->input, d->ih, d->params + d->at.bias, s->gates);
    k->gemm(s->rows, (int32_t)(4 * n), (int32_t)n, (struct cpu_matrix){ s->state_before, n, 1 },
            (struct cpu_panels){ d->hh, 16, 16 * n }, s->gates, 4 * n);
    k->cell(s->rows, (int32_t)n, s->gates, s->cell_before, s->cell, s->state);
    affine(d, s->rows, (size_t)d->sizes.alignment, n, s->state, d->align_query,
           d->params + d->at.align_bias, s->query);
    for (int32_t r = 0; r < s->rows; r++)
        attend(d, s, r);
    affine(d, s->rows, e, n + h2, s->joined, d->output, d->params + d->at.output_bias, s->output);
    k->tanh((size_t)s->rows * e, s->output);
}

void cpu_decoder_vocabulary(const struct cpu_decoder *d, int32_t rows, const float *output,
                            float *shares)
{
    const size_t v = (size_t)d->sizes.vocab;
    affine(d, rows, v, (size_t)d->sizes.embedding, output, d->vocabulary,
           d->params + d->at.vocabulary_bias, shares);
    for (int32_t r = 0; r < rows; r++)
        d->kernels->normalise(d->sizes.vocab, shares + (size_t)r * v);
}
