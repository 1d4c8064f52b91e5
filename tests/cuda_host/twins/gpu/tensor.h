/* The host twin of gpu/tensor.h: the same product by the same lanes. Products of halves are exact
 * in fp32; they are added in the order of the depth, which the hardware does not promise. */
#ifndef LSTM_GPU_TENSOR_H
#define LSTM_GPU_TENSOR_H

#include <cstdint>
#include <cuda_fp16.h>

struct tensor_lane {
    float *sums;
    const uint32_t *a;
    uint2 b;
};

inline float tensor_half(uint32_t word, int high)
{
    __half_raw raw;
    raw.x = static_cast<unsigned short>(word >> 16 * high);
    return __half2float(__half(raw));
}

__attribute__((no_sanitize("thread"))) inline void tensor_combine(void *const lanes[32])
{
    float a[16][16], b[16][8];
    for (int i = 0; i < 32; i++) {
        const tensor_lane &lane = *static_cast<const tensor_lane *>(lanes[i]);
        int group = i / 4, pair = 2 * (i % 4);
        for (int high = 0; high < 2; high++) {
            for (int part = 0; part < 4; part++)
                a[group + 8 * (part % 2)][pair + 8 * (part / 2) + high] =
                    tensor_half(lane.a[part], high);
            b[pair + high][group] = tensor_half(lane.b.x, high);
            b[pair + 8 + high][group] = tensor_half(lane.b.y, high);
        }
    }
    for (int i = 0; i < 32; i++) {
        float *sums = static_cast<const tensor_lane *>(lanes[i])->sums;
        int group = i / 4, pair = 2 * (i % 4);
        for (int part = 0; part < 4; part++)
            for (int k = 0; k < 16; k++)
                sums[part] += a[group + 8 * (part / 2)][k] * b[k][pair + part % 2];
    }
}

inline void tensor_multiply_add(float sums[4], const uint32_t a[4], uint2 b, SIMT_HERE)
{
    tensor_lane mine = { sums, a, b };
    simt_warp(0xffffffffu, &mine, tensor_combine, false, { "mma", file, line });
}

#endif
