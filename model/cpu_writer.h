/* The decoder in inference, in the precision of the model: an LSTM with additive attention and
 * coverage over the states of a text, input feeding, and a mixture of generating from the
 * vocabulary and copying from the text (See, Liu and Manning 2017). Rows are beams; a row's bits do
 * not depend on the rows beside it. */
#ifndef LSTM_CPU_WRITER_H
#define LSTM_CPU_WRITER_H

#include "cpu_network.h"
#include "cpu_source.h"

/* Bytes of a row: 2 hidden of context, then decoder of state, stored as states are. */
static inline size_t cpu_written_row(const struct cpu_network *n)
{
    return (2 * (size_t)n->sizes.hidden + (size_t)n->sizes.decoder) * n->arithmetic->state_size;
}

/* From stored states of the encoder (count x 2 hidden) to what a source has of them. */
void cpu_source_fill(const struct cpu_network *network, int32_t count, const void *stored,
                     float *states, float *keys);

/* The row and the cell before the first step. scratch: 2 hidden + 2 decoder floats. */
void cpu_writer_begin(const struct cpu_network *network, const struct cpu_source *source,
                      float *scratch, void *row, float *cell);

/* One step of so many rows. */
struct cpu_writer_step {
    int32_t rows;
    const int32_t *tokens; /* rows: what was written last; LSTM_TOKEN_MASK at the beginning */
    const struct cpu_source *const *sources; /* rows */
    const float *const *coverage; /* rows: the attention so far, a float a source token */
    const void *const *before;    /* rows: see cpu_written_row */
    float *cell;                  /* rows x decoder; becomes that of this step */
    /* what the step computes */
    void *const *after;      /* rows */
    float *const *attention; /* rows: cpu_source_width of the source's count */
    float *generate;         /* rows: the share of the vocabulary; the rest is copied */
    void *const *output;     /* rows: embedding, stored as states are, before the vocabulary */
    /* working memory */
    void *products;     /* rows x 4 decoder of the arithmetic's input products */
    const void **input; /* rows */
    void **states;      /* rows: the decoder's part of after */
    float **vectors;    /* rows: embedding + alignment + 2 hidden + decoder floats each */
};
void cpu_writer_step(const struct cpu_network *network, const struct cpu_writer_step *step);

/* What the vocabulary's tokens (vocab floats a row) get from outputs, before their softmax. */
void cpu_writer_vocabulary(const struct cpu_network *network, int32_t rows,
                           const void *const *output, float *const *logits);

/* The logits of a row become its shares in the mixture of generating and copying. */
void cpu_writer_mix(const struct cpu_network *network, const struct cpu_source *source,
                    const float *attention, float generate, float *shares);

#endif
