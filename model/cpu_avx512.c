/* The kernels for AVX-512: 32 registers of 16 floats. */
#include "vec_avx512.h"

#define KERNELS cpu_kernels_avx512
#define ISA "avx512"
#define GEMM_ROWS 6
#define GEMM_VECS 4
#define GEMM_WIDE 8
#include "cpu_kernels.inc"
