/* What the threads of a warp or of a block have together. */
#ifndef LSTM_GPU_REDUCE_H
#define LSTM_GPU_REDUCE_H

#include <cuda_runtime.h>

__device__ inline float warp_sum(float x)
{
    for (int lanes = 16; lanes > 0; lanes /= 2)
        x += __shfl_xor_sync(0xffffffffu, x, lanes);
    return x;
}

__device__ inline float warp_max(float x)
{
    for (int lanes = 16; lanes > 0; lanes /= 2)
        x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, lanes));
    return x;
}

/* Of a block of WARPS whole warps; every thread gets the result. shared: WARPS floats, which no
 * thread uses when it calls. */
template <int WARPS> __device__ float block_sum(float x, float *shared)
{
    const int thread = static_cast<int>(threadIdx.x);
    x = warp_sum(x);
    if (thread % 32 == 0)
        shared[thread / 32] = x;
    __syncthreads();
    x = 0.0f;
    for (int i = 0; i < WARPS; i++)
        x += shared[i];
    __syncthreads();
    return x;
}

template <int WARPS> __device__ float block_max(float x, float *shared)
{
    const int thread = static_cast<int>(threadIdx.x);
    x = warp_max(x);
    if (thread % 32 == 0)
        shared[thread / 32] = x;
    __syncthreads();
    x = shared[0];
    for (int i = 1; i < WARPS; i++)
        x = fmaxf(x, shared[i]);
    __syncthreads();
    return x;
}

#endif
