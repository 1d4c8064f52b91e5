/* What runs on the device, as functions that enqueue it. Pointers are the device's. H = hidden as
 * the plan pads it; elements are halves (LSTM_PRECISION_FP16) or floats (LSTM_PRECISION_FP32). Each
 * returns what the launch returned; none waits. C++ includes this within extern "C". */
#ifndef LSTM_GPU_KERNELS_H
#define LSTM_GPU_KERNELS_H

#include "gpu/plan.h"
#include "gpu/round.h"

#include <cuda_runtime_api.h>

/* One layer of one round, both directions. */
struct gpu_layer {
    const struct gpu_row *rows; /* the longest first */
    int32_t hidden;             /* H */
    int32_t count;              /* of the rows, at least 1 */
    const int32_t *tokens;      /* which row of inputs a position reads; NULL: its state's */
    const void *inputs;         /* input products: rows x 2 directions x H units x 4 gates */
    const void *recurrent;      /* packed as the plan says */
    void *states;               /* states x 2 directions x H */
};

/* Elements for rows x cols, each row bias (cols floats): what a product is added to. */
cudaError_t gpu_fill(cudaStream_t stream, enum lstm_precision precision, int32_t rows, int32_t cols,
                     const float *bias, void *elements);

/* The whole recurrence of a layer. tiles: gpu_plan_tiles. For plans of GPU_ALONE. */
cudaError_t gpu_recur_alone(cudaStream_t stream, const struct gpu_layer *layer, int32_t tiles);

/* The same for plans of GPU_GROUPS. meetings: gpu_plan_meetings counters, all 0. */
cudaError_t gpu_recur_groups(cudaStream_t stream, const struct gpu_plan *plan,
                             const struct gpu_layer *layer, int32_t tiles, uint32_t *meetings);

/* One step of one direction for the first rows of a layer, after its recurrent products. */
struct gpu_step {
    const int32_t *first; /* of the graph's steps */
    int32_t offset;       /* of this one */
    int32_t reverse;
    const float *products; /* rows x 4 H: the recurrent ones */
    float *cells;          /* rows x H */
    void *states;          /* rows x H elements: what the next step's product reads */
};
cudaError_t gpu_gates(cudaStream_t stream, enum lstm_precision precision,
                      const struct gpu_layer *layer, int32_t rows, const struct gpu_step *step);

/* *first += count */
cudaError_t gpu_advance(cudaStream_t stream, int32_t *first, int32_t count);

/* Each window's own states into its pool (gpu_plan_pool floats). attention: 2 H. */
cudaError_t gpu_pool(cudaStream_t stream, const struct gpu_plan *plan, const struct gpu_row *rows,
                     int32_t count, const void *states, const float *attention, float *pools);

/* The pools of each text's windows together, and its logits (texts x classes). A text that does not
 * begin here goes on from carried, one that does not end goes into carry. head: see packing.h. */
cudaError_t gpu_finish(cudaStream_t stream, const struct gpu_plan *plan,
                       const struct gpu_text *texts, int32_t count, const float *pools,
                       const float *head, const float *carried, float *carry, float *logits);

#endif
