/* The products of training in bfloat16 for AVX-512 BF16. */
#include "pairs_avx512bf16.h"

#define PRODUCTS cpu_bf16_products_avx512bf16
#define PRODUCTS_ISA "avx512bf16"
#define GEMM_ROWS 6
#define GEMM_VECS 4
#define GEMM_WIDE 8
#include "cpu_products_bf16.inc"
