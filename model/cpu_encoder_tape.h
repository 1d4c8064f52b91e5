/* The encoder with its activations kept, and its backward pass: what the tapes of the tasks stand
 * on. */
#ifndef LSTM_CPU_ENCODER_TAPE_H
#define LSTM_CPU_ENCODER_TAPE_H

#include "carve.h"
#include "cpu_encoder.h"

struct cpu_encoder_tape {
    const struct cpu_weights *weights; /* not ours */
    const struct lstm_batch *batch;    /* not ours */
    const float *masks;                /* not ours: texts x embedding, or NULL */
    struct lstm_window *windows, *unsorted;
    struct cpu_tile tile;
    struct cpu_kept kept[LSTM_LAYERS_MAX][2];
    float *inputs[LSTM_LAYERS_MAX]; /* operands: positions x what a layer reads, row-major; of the
                                       first the embedding, dropout applied */
    float *states;                  /* of the last layer: positions x 2 hidden, row-major */
    float *d_input, *d_states;      /* positions x the widest layer, row-major */
    struct cpu_scratch scratch;     /* x has room for all positions */
    float *dz;               /* positions x 4 hidden, stacked; NULL where dz lie so already */
    float *fresh;            /* rows x hidden: a step's states */
    float *embedded;         /* embedding: a row as floats */
    float *d_cell, *d_state; /* rows x hidden */
    int32_t *ints;
};

/* Lays out the memory a batch needs. Windows, tile and zeros are filled by
 * cpu_encoder_tape_forward. */
void cpu_encoder_tape_carve(struct cpu_encoder_tape *tape, const struct lstm_batch *batch,
                            struct carver *carver);

/* Runs the encoder over a checked batch; masks: locked dropout of the embedding (texts x
 * embedding), or NULL. The states of the last layer are in states; d_states is zero, for the task
 * to add to. */
void cpu_encoder_tape_forward(struct cpu_encoder_tape *tape, const struct lstm_batch *batch,
                              const float *masks);

/* From the gradient of the last layer's states in d_states to that of the parameters. */
void cpu_encoder_tape_backward(struct cpu_encoder_tape *tape, float *gradient);

/* The states of the last layer that belong to a window's owned tokens, and their gradient. */
static inline size_t cpu_encoder_tape_owned(const struct cpu_encoder_tape *tape, int32_t row)
{
    return (size_t)(tape->tile.offset[row] + tape->windows[row].own_start -
                    tape->windows[row].start);
}

/* y *= mask, or nothing where there is none */
void cpu_mask_row(float *y, const float *mask, size_t count);
const float *cpu_mask_of(const float *masks, int32_t text, size_t cols);

#endif
