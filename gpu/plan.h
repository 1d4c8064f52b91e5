/* How a model runs on a device, decided from their sizes alone: which recurrence, in which
 * precision, how much at once. Plain C without CUDA. */
#ifndef LSTM_GPU_PLAN_H
#define LSTM_GPU_PLAN_H

#include "model/backend.h"

enum gpu_recurrence {
    GPU_ALONE,  /* a block holds a direction's recurrent weights in its registers */
    GPU_GROUPS, /* GPU_GROUP_SLICES blocks hold them together and meet at every step */
    GPU_STEPS /* a product by cuBLAS and a kernel of gates a step, in a graph of GPU_GRAPH_STEPS */
};

enum {
    GPU_TILE_ROWS = 16,     /* windows that one tensor-core product multiplies */
    GPU_ALONE_MAX = 128,    /* hidden units that fit into the registers of one multiprocessor */
    GPU_GROUP_HIDDEN = 256, /* hidden units that fit into those of GPU_GROUP_SLICES */
    GPU_GROUP_SLICES = 4,
    GPU_GROUP_TILES_MAX = 4, /* that a group interleaves, so that it computes while it waits */
    GPU_GRAPH_STEPS = 32,
    GPU_GRAPHS = 9,                                  /* of 16, 32 .. 4096 rows: a layer's graphs */
    GPU_ROWS_MAX = GPU_TILE_ROWS << (GPU_GRAPHS - 1) /* of a round */
};

/* What a device is, as far as a plan depends on it. */
struct gpu_traits {
    int32_t multiprocessors;
    int is_cooperative; /* it can keep all blocks of a launch resident */
};

struct gpu_plan {
    struct lstm_sizes sizes; /* hidden is padded to what the kernels take: units without weights,
                                whose states stay 0 */
    int32_t hidden;          /* the model's own */
    enum lstm_precision precision;
    enum gpu_recurrence recurrence;
    size_t element; /* bytes of a weight, of a state and of an input product */
    int32_t groups; /* GPU_GROUPS: groups of a direction that are resident together */
    int32_t multiprocessors;
    int32_t rows_max, states_max; /* of a round, at most; states_max >= the window */
    int32_t written_max; /* rows of the decoder at once, at most; >= LSTM_SUMMARY_BEAM_MAX */
};

/* The sizes must have been checked. */
struct gpu_plan gpu_plan_make(const struct lstm_sizes *sizes, enum lstm_precision precision,
                              const struct gpu_traits *traits);

/* How many tiles a block (GPU_ALONE) or a group (GPU_GROUPS) interleaves: one while all fit onto
 * the device at once, since that is the soonest; more where they would queue anyway. */
int32_t gpu_plan_tiles(const struct gpu_plan *plan, int32_t rows);

/* Blocks (GPU_ALONE) or groups' shares (GPU_GROUPS) of a direction. */
int32_t gpu_plan_parts(int32_t rows, int32_t tiles);

/* Counters by which the groups' blocks meet: one for each tile of each part of each direction. And
 * the most that so many rows can need, whatever the tiles. */
static inline size_t gpu_plan_meetings(int32_t rows, int32_t tiles)
{
    return 2 * (size_t)gpu_plan_parts(rows, tiles) * (size_t)tiles;
}
static inline size_t gpu_plan_meetings_max(int32_t rows)
{
    return 2 * ((size_t)gpu_plan_parts(rows, 1) + GPU_GROUP_TILES_MAX - 1);
}

/* Which graph (0 .. GPU_GRAPHS - 1) holds so many rows, 1 to GPU_ROWS_MAX: the smallest. */
int gpu_plan_graph(int32_t rows);

/* The device memory of a model, in bytes: its parts, each at a multiple of 64. table: vocab x 8
 * hidden elements; recurrent: 8 hidden x hidden elements a layer; above: 8 hidden x 2 hidden
 * elements and above_bias: 8 hidden floats for each layer but the first; head: a classifier's
 * floats (packing.h). decoder: a summariser's, with the shapes of struct gpu_decoder. */
struct gpu_decoder_at {
    size_t table, gates, bridge, align_state, align_query, output, vocabulary;
    size_t vectors; /* all that are floats, one after another (packing_decoder.h) */
};
struct gpu_weights_at {
    size_t table;
    size_t recurrent[LSTM_LAYERS_MAX], above[LSTM_LAYERS_MAX], above_bias[LSTM_LAYERS_MAX];
    size_t head;
    struct gpu_decoder_at decoder;
    size_t end;
};
struct gpu_weights_at gpu_plan_weights(const struct gpu_plan *plan);

/* Where the floats of a decoder lie among its vectors, in floats. */
struct gpu_vectors_at {
    size_t bridge_bias, align_bias, align_coverage, align_score, copy, copy_token, output_bias,
        vocabulary_bias, end;
};
struct gpu_vectors_at gpu_plan_vectors(const struct gpu_plan *plan);

/* The floats of a pool: weighted, max and sum of 2 hidden each, then top and total (cpu_kernels.h
 * says what they are), rounded up for vector loads. */
static inline size_t gpu_plan_pool(const struct gpu_plan *plan)
{
    return 6 * (size_t)plan->sizes.hidden + 4;
}

#endif
