/* The tensor-core instruction of the recurrence, in one function of a warp; the host emulation
 * replaces this header by one of the same name that computes the same product.
 *
 * Fragments (PTX ISA, "Matrix fragments for mma.m16n8k16"), with group = lane / 4 and pair = 2 *
 * (lane % 4); each word holds two halves, the lower index in the lower bits:
 *     a[0] = A[group][pair, pair + 1]         a[1] = A[group + 8][pair, pair + 1]
 *     a[2] = A[group][pair + 8, pair + 9]     a[3] = A[group + 8][pair + 8, pair + 9]
 *     b.x  = B[pair, pair + 1][group]         b.y  = B[pair + 8, pair + 9][group]
 *     sums[0, 1] = D[group][pair, pair + 1]   sums[2, 3] = D[group + 8][pair, pair + 1]
 */
#ifndef LSTM_GPU_TENSOR_H
#define LSTM_GPU_TENSOR_H

#include <cstdint>
#include <cuda_runtime.h>
#include <nv/target>

/* D (16 x 8, fp32) += A (16 x 16, fp16) B (16 x 8, fp16). The whole warp calls it. */
__device__ inline void tensor_multiply_add(float sums[4], const uint32_t a[4], uint2 b)
{
    NV_IF_ELSE_TARGET(NV_PROVIDES_SM_80,
                      (asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, "
                           "{%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                           : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
                           : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b.x), "r"(b.y));),
                      (/* Turing multiplies half the depth at a time */
                       asm("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, "
                           "{%4, %5}, {%6}, {%0, %1, %2, %3};"
                           : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
                           : "r"(a[0]), "r"(a[1]), "r"(b.x));
                       asm("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, "
                           "{%4, %5}, {%6}, {%0, %1, %2, %3};"
                           : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
                           : "r"(a[2]), "r"(a[3]), "r"(b.y));))
}

#endif
