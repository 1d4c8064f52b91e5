/* The products of training in one precision: operands are rows of floats, or of bfloat16 numbers
 * (the upper half of a float), sums are floats in both. One table a precision and an instruction
 * set; within a precision every table gives the same bits, and a row's bits do not depend on the
 * rows beside it.
 *
 * A lane is 32 bits of an operand: one float, or two bfloat16 numbers of neighbouring depth, the
 * first in the lower half. A product of lanes adds the upper numbers' product to the sum, then the
 * lower ones', each by a fused multiply-add: what vdpbf16ps does. That instruction takes numbers
 * below 1.2e-38 for 0; the other tables do so for operands, but not for sums. */
#ifndef LSTM_CPU_PRODUCTS_H
#define LSTM_CPU_PRODUCTS_H

#include "cpu_kernels.h"

struct cpu_products {
    const char *precision, *isa; /* "fp32" or "bf16" */
    size_t group;                /* numbers in a lane: 1 or 2 */

    /* count floats (a multiple of 16), times a mask's where it is not NULL, as an operand, rounded
     * to nearest even. */
    void (*store)(size_t count, const float *x, const float *mask, float *to);

    /* Rows of operands (width lanes a row) for a product over the rows: row i is operand place[i],
     * zeros where that is negative, or operand i where place is NULL. cols = width * group numbers
     * of `group` rows become the lanes of one row: lane (k, 16 p + j) goes to to[p * panel + k *
     * row + j]. An incomplete last group is filled with zeros. */
    void (*stack)(int32_t rows, int32_t cols, const float *operands, size_t stride,
                  const int32_t *place, float *to, size_t row, size_t panel);

    /* Weight (k, c) = matrix[k * k_stride + c * c_stride] in panels of 16 columns, as a packed
     * right factor of depth / group lanes. */
    void (*pack)(int32_t cols, int32_t depth, const float *matrix, size_t k_stride, size_t c_stride,
                 float *panels);

    /* One step of the cell for rows x hidden units, from z (rows x 4 hidden). Keeps the activated
     * gates, in group numbers a lane (bf16: as IEEE binary16, which is closer near 1), the cell,
     * and the state as an operand. Row r's state also goes to states + place[r] * width as floats,
     * where states is not NULL. */
    void (*cell)(int32_t rows, int32_t hidden, const float *z, const float *cell_before,
                 float *gates, float *cell, float *state, const int32_t *place, float *states,
                 size_t width);

    /* The step's backward pass. The gradient of row r's state is d_state's row, which becomes 0,
     * and d_states + place[r] * width. The kept gates become dz, an operand, whose sum is added to
     * d_bias; d_cell, the gradient of cell, becomes that of cell_before. */
    void (*cell_backward)(int32_t rows, int32_t hidden, float *gates, const float *cell_before,
                          const float *cell, const int32_t *place, const float *d_states,
                          size_t width, float *d_state, float *d_cell, float *d_bias);

    /* As cpu_kernels.gemm; depth and strides count lanes. */
    void (*gemm)(int32_t rows, int32_t cols, int32_t depth, struct cpu_matrix a,
                 struct cpu_panels b, float *c, size_t c_row);
};

/* The table of a precision for the best instruction set this machine can run, or for the one with
 * this name: as in cpu_arithmetic.h, or "avx512bf16". NULL if there is none. */
const struct cpu_products *cpu_products_pick(const char *precision, const char *isa);

extern const struct cpu_products cpu_fp32_products_generic, cpu_bf16_products_generic;
#if defined(__x86_64__)
extern const struct cpu_products cpu_fp32_products_avx2, cpu_bf16_products_avx2;
extern const struct cpu_products cpu_fp32_products_avx512, cpu_bf16_products_avx512;
extern const struct cpu_products cpu_bf16_products_avx512bf16;
#endif

#endif
