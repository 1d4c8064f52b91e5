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

/* The float of a half; NVIDIA's own conversion takes most of the emulation's time. Moved to their
 * place, exponent and mantissa are 2^112 times too small, those of numbers below the normal ones
 * too. */
inline float tensor_half(uint32_t word, int high)
{
    const uint32_t half = word >> 16 * high & 0xffffu, sign = (half & 0x8000u) << 16;
    const float size = simt_bits<float>((half & 0x7fffu) << 13) * 0x1p112f;
    const bool is_finite = (half & 0x7c00u) != 0x7c00u;
    return simt_bits<float>(
        sign | (is_finite ? simt_bits<uint32_t>(size) : 0x7f800000u | (half & 0x3ffu) << 13));
}

__attribute__((no_sanitize("thread"))) inline void tensor_combine(void *const lanes[32])
{
    float a[16][16], b[16][8], d[16][8];
    for (int i = 0; i < 32; i++) {
        const tensor_lane &lane = *static_cast<const tensor_lane *>(lanes[i]);
        const int group = i / 4, pair = 2 * (i % 4);
        for (int high = 0; high < 2; high++) {
            for (int part = 0; part < 4; part++)
                a[group + 8 * (part % 2)][pair + 8 * (part / 2) + high] =
                    tensor_half(lane.a[part], high);
            b[pair + high][group] = tensor_half(lane.b.x, high);
            b[pair + 8 + high][group] = tensor_half(lane.b.y, high);
        }
        for (int part = 0; part < 4; part++)
            d[group + 8 * (part / 2)][pair + part % 2] = lane.sums[part];
    }
    for (int row = 0; row < 16; row++)
        for (int k = 0; k < 16; k++)
            for (int col = 0; col < 8; col++)
                d[row][col] += a[row][k] * b[k][col];
    for (int i = 0; i < 32; i++) {
        float *sums = static_cast<const tensor_lane *>(lanes[i])->sums;
        for (int part = 0; part < 4; part++)
            sums[part] = d[i / 4 + 8 * (part / 2)][2 * (i % 4) + part % 2];
    }
}

inline void tensor_multiply_add(float sums[4], const uint32_t a[4], uint2 b, SIMT_HERE)
{
    tensor_lane mine = { sums, a, b };
    simt_warp(0xffffffffu, &mine, tensor_combine, false, { "mma", file, line });
}

#endif
