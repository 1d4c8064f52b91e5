/* The kernels for AVX-512: 32 registers of 16 floats or 64 bytes. */
#include "dot_avx512.h"
#include "pairs_avx512.h"
#include "vec_avx512.h"

#define KERNELS cpu_kernels_avx512
#define ISA "avx512"
#define GEMM_ROWS 6
#define GEMM_VECS 4
#define GEMM_WIDE 8
#include "cpu_kernels.inc"

#define FP32 cpu_fp32_avx512
#define STEP_VECS 4
#include "cpu_fp32.inc"

#define INT8 cpu_int8_avx512
#define INT8_ISA ISA
#define DOT_ROWS 5
#define DOT_VECS 4
#include "cpu_int8.inc"

#define PRODUCTS cpu_fp32_products_avx512
#include "cpu_products_fp32.inc"

#define PRODUCTS cpu_bf16_products_avx512
#define PRODUCTS_ISA ISA
#include "cpu_products_bf16.inc"
