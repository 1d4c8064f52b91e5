/* The decoder of the trainer (inference is cpu_writer): an LSTM with additive attention and
 * coverage over the states of a text, input feeding, and a mixture of generating from the
 * vocabulary and copying from the text (See, Liu and Manning 2017). Rows are beams or training
 * texts; a row's bits do not depend on the rows beside it. */
#ifndef LSTM_CPU_DECODER_H
#define LSTM_CPU_DECODER_H

#include "cpu_encoder.h"
#include "cpu_source.h"

struct cpu_decoder {
    struct lstm_sizes sizes;
    struct lstm_decoder_at at;
    const struct cpu_kernels *kernels;
    const float *params; /* not ours: biases and vectors are read where they lie */
    float *bridge;       /* 2 hidden x 2 decoder, in panels; so are all the following */
    float *ih, *hh;      /* (embedding + 2 hidden) x 4 decoder, decoder x 4 decoder */
    float *align_state;  /* 2 hidden x alignment */
    float *align_query;  /* decoder x alignment */
    float *output;       /* (decoder + 2 hidden) x embedding */
    float *vocabulary;   /* embedding x vocab: the embedding once more */
};

enum lstm_status cpu_decoder_open(const struct lstm_sizes *sizes, const struct cpu_kernels *kernels,
                                  const float *params, struct cpu_decoder **decoder,
                                  struct lstm_error *err);
void cpu_decoder_pack(struct cpu_decoder *decoder); /* again, after the params changed */
void cpu_decoder_close(struct cpu_decoder *decoder);

/* keys (count x alignment) of states (count x 2 hidden). */
void cpu_source_keys(const struct cpu_decoder *decoder, int32_t count, const float *states,
                     float *keys);

/* The state and cell (decoder each) before the first step; mean: 2 hidden, the mean of the source's
 * states. */
void cpu_decoder_begin(const struct cpu_decoder *decoder, const struct cpu_source *source,
                       float *mean, float *bridged);

/* One step of so many rows. */
struct cpu_decoder_step {
    int32_t rows;
    const int32_t *tokens; /* rows: what was written last; LSTM_TOKEN_MASK at the beginning */
    const struct cpu_source *const *sources; /* rows */
    const float *context_before;             /* rows x 2 hidden */
    const float *cell_before, *state_before; /* rows x decoder */
    const float *const *coverage; /* rows: the attention so far, a float a source token */
    /* what the step computes */
    float *input;            /* rows x (embedding + 2 hidden) */
    float *gates;            /* rows x 4 decoder */
    float *cell, *state;     /* rows x decoder */
    float *query;            /* rows x alignment */
    float *const *attention; /* rows: cpu_source_width of the source's count */
    float *joined;           /* rows x (decoder + 2 hidden): state, context */
    float *output;           /* rows x embedding, before the vocabulary */
    float *generate;         /* rows: the share of the vocabulary; the rest is copied */
};
void cpu_decoder_step(const struct cpu_decoder *decoder, const struct cpu_decoder_step *step);

/* Shares of the vocabulary (rows x vocab, softmax done) from outputs (rows x embedding). */
void cpu_decoder_vocabulary(const struct cpu_decoder *decoder, int32_t rows, const float *output,
                            float *shares);

#endif
