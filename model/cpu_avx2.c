/* The kernels for AVX2 with FMA: 16 registers of 8 floats or 32 bytes. */
#include "dot_avx2.h"
#include "pairs_avx2.h"
#include "vec_avx2.h"

#define KERNELS cpu_kernels_avx2
#define ISA "avx2"
#define GEMM_ROWS 6
#define GEMM_VECS 1
#define GEMM_WIDE 4
#include "cpu_kernels.inc"

#define FP32 cpu_fp32_avx2
#define STEP_VECS 1
#include "cpu_fp32.inc"

#define INT8 cpu_int8_avx2
#define INT8_ISA ISA
#define DOT_ROWS 3
#define DOT_VECS 2
#include "cpu_int8.inc"

#define PRODUCTS cpu_fp32_products_avx2
#include "cpu_products_fp32.inc"

#define PRODUCTS cpu_bf16_products_avx2
#define PRODUCTS_ISA ISA
#include "cpu_products_bf16.inc"
