/* The encoder of the trainer: the windows of a batch run in lockstep as the rows of one tile, and
 * everything that the backward pass needs is kept. (Inference is cpu_reader.) */
#ifndef LSTM_CPU_ENCODER_H
#define LSTM_CPU_ENCODER_H

#include "batch.h"
#include "cpu_products.h"

/* The weights of one direction of one layer in the order the products read them. in = embedding or
 * 2 hidden. */
struct cpu_direction {
    float *ih;   /* in x 4 hidden, in panels */
    float *hh;   /* hidden x 4 hidden, in panels */
    float *bias; /* 4 hidden */
    float *ih_back,
        *hh_back; /* 4 hidden x in, 4 hidden x hidden, in panels: for the backward pass */
};

struct cpu_weights {
    struct lstm_sizes sizes;
    const struct cpu_kernels *kernels;
    const struct cpu_products *products; /* in whose precision the panels are */
    const float *params; /* not ours: embedding, attention and classifier are read where they lie */
    struct cpu_direction direction[LSTM_LAYERS_MAX][2];
};

/* Allocates room for packed weights and packs the params. */
enum lstm_status cpu_weights_open(const struct lstm_sizes *sizes, const struct cpu_kernels *kernels,
                                  const struct cpu_products *products, const float *params,
                                  struct cpu_weights **weights, struct lstm_error *err);
void cpu_weights_pack(struct cpu_weights *weights); /* again, after the params changed */
/* matrix: cols x depth, as PyTorch stores a weight; its transpose in panels of 16 columns. */
void cpu_pack_transposed(const float *matrix, size_t cols, size_t depth, float *panels);
void cpu_weights_close(struct cpu_weights *weights);

/* Where everything in a tile lies. Packed order goes step by step, the rows still running at each
 * step; row-major order goes window by window, token by token. In both directions step s of row r
 * is packed position base[s] + r; it reads token s forward and token length - 1 - s in reverse. */
struct cpu_tile {
    const struct lstm_window *windows; /* not ours; the longest first */
    int32_t rows, steps, positions;
    int32_t *base;     /* steps + 1 packed positions; base[s + 1] - base[s] rows run at step s */
    int32_t *offset;   /* rows: the row-major position of a window's first token */
    int32_t *place[2]; /* positions: row-major position of each packed one, forward and reverse */
    int32_t *before;   /* positions: the packed position of the step before; -1: none */
    int32_t *tokens;   /* positions, row-major */
};

/* How many int32 a tile's arrays need, and laying them out in such a block. Windows are sorted. */
size_t cpu_tile_ints(int32_t rows, int32_t steps, int32_t positions);
void cpu_tile_plan(struct cpu_tile *tile, const struct lstm_window *windows, int32_t rows,
                   const int32_t *tokens, int32_t *memory);
int32_t cpu_tile_positions(const struct lstm_window *windows, int32_t rows);

/* The input of a layer, an operand of the products: a row for each row-major position. */
struct cpu_input {
    const float *rows;
    int32_t cols;
};

/* What a direction keeps, by packed position. */
struct cpu_kept {
    float *gates; /* positions x 4 hidden: the activated gates i f g o, numbers as operands have */
    float *cell;  /* positions x hidden */
    float *state; /* positions x hidden, an operand */
};

enum { CPU_INPUT_ROWS = 96 }; /* whose input products are computed together */

/* What running a direction works with. */
struct cpu_scratch {
    float *x;     /* the input of CPU_INPUT_ROWS rows, or of a step if that has more */
    float *z;     /* as many x 4 hidden */
    float *zeros; /* rows x hidden: the cells before the first step */
};

/* Runs a direction over a tile. Its states go to columns reverse * hidden of states (positions x 2
 * hidden floats) and of operands (the same, in the products' precision), whichever is not NULL. */
void cpu_direction_run(const struct cpu_weights *weights, int layer, int reverse,
                       const struct cpu_tile *tile, const struct cpu_input *input,
                       const struct cpu_kept *kept, const struct cpu_scratch *scratch,
                       float *states, float *operands);

/* Pools the owned states of a tile's windows into texts' pools, in order; counts[text] is the
 * number of states pooled so far. scratch: window + 16 scores and one pool. */
struct cpu_pools {
    struct cpu_pool *texts;
    int32_t *counts;
    struct cpu_pool window;
    float *scores;
};
void cpu_pool_tile(const struct cpu_weights *weights, const struct cpu_tile *tile,
                   const float *states, struct cpu_pools *pools);

#endif
