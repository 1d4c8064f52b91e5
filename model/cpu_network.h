/* A model on the CPU, ready for inference in its own precision. Shared by threads; only its tables
 * grow. */
#ifndef LSTM_CPU_NETWORK_H
#define LSTM_CPU_NETWORK_H

#include "cpu_arithmetic.h"
#include "cpu_table.h"
#include "model.h"

struct lstm_word_kind;

/* The input products of embedded tokens, kept in a table: of the encoder's first layer in two
 * parts, forward and backward, of the decoder in one. */
struct cpu_inputs {
    struct cpu_packed matrix[2];
    int parts;
    struct cpu_table *table;
};

struct cpu_network {
    struct lstm_sizes sizes;
    const struct cpu_kernels *kernels;       /* floats in either precision */
    const struct cpu_arithmetic *arithmetic; /* of the model's precision */
    float state_unit;                        /* what a stored unit of a state is worth */
    const void *embedding;        /* vocab x embedding, stored as states are; fp32: not ours */
    const float *embedding_scale; /* vocab: what a stored unit of a row is worth; or NULL: 1 */

    struct cpu_inputs read;                      /* of the encoder */
    struct cpu_packed above[LSTM_LAYERS_MAX][2]; /* input products of layers 1 .. */
    struct cpu_packed recurrent[LSTM_LAYERS_MAX][2];

    /* a classifier's, else NULL */
    const float *attention;  /* 2 hidden, times state_unit */
    const float *classifier; /* classes x 6 hidden, then classes biases */

    /* a summariser's (see lstm_decoder_at); a decoder's row is its context, then its state */
    struct cpu_inputs written;
    struct cpu_packed bridge, decoder, align_state, align_query, output, vocabulary;
    const float *align_coverage, *align_score, *copy, *copy_bias;
    const float *tone;                  /* vocab, then the bias; NULL: the model has none */
    const struct lstm_word_kind *kinds; /* vocab (words.h); NULL: the model has no tokenizer */

    void *memory; /* the packed weights and what is copied */
};

/* An int8 model is not needed after the call; one of fp32 must outlive the network. Errors:
 * LSTM_NOMEM. On error *network is NULL. */
enum lstm_status cpu_network_open(const struct lstm_model *model, const struct cpu_isa *isa,
                                  struct cpu_network **network, struct lstm_error *err);
void cpu_network_close(struct cpu_network *network); /* NULL is fine */

/* input[r]: where the products of tokens[r] are, in that part of a table; products: memory for
 * those that find no room there (rows x a part). */
void cpu_inputs_find(const struct cpu_network *network, const struct cpu_inputs *inputs, int part,
                     int32_t rows, const int32_t *tokens, void *products, const void **input);

/* The same for tokens whose products the table has; of the others input[r] stays as it is. */
void cpu_inputs_peek(const struct cpu_network *network, const struct cpu_inputs *inputs, int part,
                     int32_t rows, const int32_t *tokens, const void **input);

#endif
