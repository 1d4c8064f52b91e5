#include "cpu_writer.h"
#include "tokenizer.h"

#include <string.h>

enum { ROWS = 64 }; /* that a product is given pointers of at once */

void cpu_source_fill(const struct cpu_network *n, int32_t count, const void *stored, float *states,
                     float *keys)
{
    const struct cpu_arithmetic *a = n->arithmetic;
    const size_t h2 = 2 * (size_t)n->sizes.hidden, alignment = (size_t)n->sizes.alignment;
    const void *from[ROWS];
    float *to[ROWS];
    a->load((size_t)count * h2, stored, states);
    for (int32_t first = 0, some; first < count; first += some) {
        some = count - first < ROWS ? count - first : ROWS;
        for (int32_t i = 0; i < some; i++) {
            from[i] = (const char *)stored + (size_t)(first + i) * h2 * a->state_size;
            to[i] = keys + (size_t)(first + i) * alignment;
        }
        a->affine(some, &n->align_state, from, NULL, to);
    }
}

void cpu_writer_begin(const struct cpu_network *n, const struct cpu_source *source, float *scratch,
                      void *row, float *cell)
{
    const struct cpu_arithmetic *a = n->arithmetic;
    const size_t h2 = 2 * (size_t)n->sizes.hidden, d = (size_t)n->sizes.decoder;
    float *mean = scratch, *bridged = scratch + h2;
    memset(mean, 0, h2 * sizeof *mean);
    for (int32_t i = 0; i < source->count; i++)
        n->kernels->add(h2, source->states + (size_t)i * h2, mean);
    for (size_t j = 0; j < h2; j++)
        mean[j] /= (float)source->count;
    a->store(h2, mean, row); /* where the context will be */
    a->affine(1, &n->bridge, (const void *const[]){ row }, NULL, (float *const[]){ bridged });
    n->kernels->tanh(2 * d, bridged);
    memset(mean, 0, h2 * sizeof *mean);
    a->store(h2, mean, row);
    a->store(d, bridged, (char *)row + h2 * a->state_size);
    memcpy(cell, bridged + d, d * sizeof *cell);
}

/* What one row reads from its source, and how much it wants to copy. */
static void attend(const struct cpu_network *n, const struct cpu_writer_step *s, int32_t row)
{
    const struct cpu_kernels *k = n->kernels;
    const struct cpu_arithmetic *a = n->arithmetic;
    const struct cpu_source *source = s->sources[row];
    const int32_t e = n->sizes.embedding, alignment = n->sizes.alignment, h2 = 2 * n->sizes.hidden,
                  d = n->sizes.decoder;
    const size_t token = (size_t)s->tokens[row];
    float *embedded = s->vectors[row], *query = embedded + e, *context = query + alignment,
          *state = context + h2, *attention = s->attention[row];
    k->align(source->count, alignment, source->keys, query, s->coverage[row], n->align_coverage,
             n->align_score, attention);
    k->normalise(source->count, attention);
    k->weigh(source->count, h2, attention, source->states, context);
    a->store((size_t)h2, context, s->after[row]);
    a->load((size_t)h2, s->after[row], context); /* as the next step will read it */
    a->load((size_t)d, s->states[row], state);
    a->load((size_t)e, (const char *)n->embedding + token * (size_t)e * a->state_size, embedded);
    /* load takes an embedding for a state, so what its unit is worth is put right here */
    const float unit = n->embedding_scale ? n->embedding_scale[token] / n->state_unit : 1.0f;
    const float wish = k->dot(h2, n->copy, context) + k->dot(d, n->copy + h2, state) +
                       unit * k->dot(e, n->copy + h2 + d, embedded) + n->copy_bias[0];
    s->generate[row] = 1.0f / (1.0f + k->exp(-wish));
}

void cpu_writer_step(const struct cpu_network *n, const struct cpu_writer_step *s)
{
    const struct cpu_arithmetic *a = n->arithmetic;
    const size_t e = (size_t)n->sizes.embedding,
                 context = 2 * (size_t)n->sizes.hidden * a->state_size;
    for (int32_t r = 0; r < s->rows; r++) {
        s->states[r] = (char *)s->after[r] + context;
        s->vectors[r] += e; /* the queries, for now */
    }
    cpu_inputs_find(n, &n->written, 0, s->rows, s->tokens, s->products, s->input);
    a->step(s->rows, n->sizes.decoder, &n->decoder, 0, s->input, s->input, s->before, s->cell,
            s->states);
    a->affine(s->rows, &n->align_query, (const void *const *)s->states, NULL, s->vectors);
    for (int32_t r = 0; r < s->rows; r++) {
        s->vectors[r] -= e;
        attend(n, s, r);
    }
    a->affine(s->rows, &n->output, (const void *const *)s->after, NULL, s->vectors);
    for (int32_t r = 0; r < s->rows; r++) {
        n->kernels->tanh(e, s->vectors[r]);
        a->store(e, s->vectors[r], s->output[r]);
    }
}

void cpu_writer_vocabulary(const struct cpu_network *n, int32_t rows, const void *const *output,
                           float *const *logits)
{
    n->arithmetic->affine(rows, &n->vocabulary, output, NULL, logits);
}

void cpu_writer_mix(const struct cpu_network *n, const struct cpu_source *source,
                    const float *attention, float generate, float *shares)
{
    const float copy = 1.0f - generate;
    n->kernels->normalise(n->sizes.vocab, shares);
    n->kernels->scale((size_t)n->sizes.vocab, generate, shares);
    memset(shares + LSTM_TOKEN_BYTES, 0,
           (LSTM_TOKEN_FIRST - LSTM_TOKEN_BYTES) * sizeof *shares); /* bytes are copied alone */
    for (int32_t i = 0; i < source->count; i++)
        shares[source->tokens[i]] += copy * attention[i];
}
