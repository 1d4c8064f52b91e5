/* The kernels for AVX2 with FMA: 16 registers of 8 floats. */
#include "vec_avx2.h"

#define KERNELS cpu_kernels_avx2
#define ISA "avx2"
#define GEMM_ROWS 6
#define GEMM_VECS 1
#define GEMM_WIDE 4
#include "cpu_kernels.inc"
