/* A model's weights in the order and precision of a plan's kernels. Plain C without CUDA.
 *
 * Gates are interleaved: row 4 u + g of a packed matrix is gate g (i f g o) of unit u, so that a
 * thread finds the four gates of its units side by side. Units that pad hidden to the kernel's size
 * have zeros everywhere: their gates are 1/2, their update 0, their state 0 for ever. */
#ifndef LSTM_GPU_PACKING_H
#define LSTM_GPU_PACKING_H

#include "gpu/plan.h"

/* Refuses a matrix that fp16 cannot hold. Errors: LSTM_MISMATCH with the value. */
enum lstm_status gpu_pack_check(const struct gpu_plan *plan, const float *params,
                                struct lstm_error *err);

/* Rows first .. first + count - 1 of the embedding: count x E elements. */
void gpu_pack_embedding(const struct gpu_plan *plan, const float *params, int32_t first,
                        int32_t count, void *to);

/* A layer's input matrix, both directions: 8 hidden x (E or 2 hidden) elements. And its bias: 8
 * hidden floats. */
void gpu_pack_input(const struct gpu_plan *plan, const float *params, int layer, void *to);
void gpu_pack_bias(const struct gpu_plan *plan, const float *params, int layer, float *to);

/* A layer's recurrent matrix, both directions, 8 hidden x hidden elements. GPU_STEPS: row by row.
 * Else as the lanes of the kernel's warps hold it: for each direction, slice, warp, 16 columns and
 * 8 rows the 4 elements of each lane's fragment b (tensor.h). */
void gpu_pack_recurrent(const struct gpu_plan *plan, const float *params, int layer, void *to);

/* Attention (2 hidden), classifier (classes x 6 hidden), its bias (classes), as floats. */
void gpu_pack_head(const struct gpu_plan *plan, const float *params, float *to);

/* Units a thread computes side by side, and the warps of a block: a block's units are 4 times their
 * product. */
static inline int32_t gpu_pack_pairs(const struct gpu_plan *plan)
{
    return plan->recurrence == GPU_GROUPS ? 1 : 2;
}

/* The unit of which lanes 4 n + unit_lane hold the gates. */
static inline int32_t gpu_pack_unit(int32_t pairs, int32_t warp, int32_t unit_lane, int32_t pair)
{
    return (4 * warp + unit_lane) * pairs + pair;
}

#endif
