/* What the decoder's kernels share: where a row's vectors are, and the rules of the search, which
 * are those of the CPU. */
#ifndef LSTM_GPU_DECODER_ROWS_H
#define LSTM_GPU_DECODER_ROWS_H

#include <cuda_runtime.h>

extern "C" {
#include "gpu/decoder.h"
#define BEAM_RULE __device__ inline
#include "model/beam_rules.h"
}

__device__ inline int thread_index()
{
    return static_cast<int>(threadIdx.x);
}

/* Where a row's numbers over the positions of its source begin. */
__device__ inline size_t row_positions(const gpu_group &g, int source, int slot)
{
    return static_cast<size_t>(g.beam) * static_cast<size_t>(g.sources[source].first) +
           static_cast<size_t>(slot) * static_cast<size_t>(g.sources[source].count);
}

/* Where row i of so many columns begins. */
__device__ inline size_t row_at(int row, int columns)
{
    return static_cast<size_t>(row) * static_cast<size_t>(columns);
}

/* The tokens that a row has written, or the positions that they came from. */
__device__ inline int32_t *row_tokens(const gpu_group &g, int32_t *tokens, int row)
{
    return tokens + row_at(row, g.max_tokens);
}

#endif
