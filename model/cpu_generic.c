/* The kernels in plain C, for any processor. */
#include "dot_generic.h"
#include "pairs_generic.h"
#include "vec_generic.h"

#define KERNELS cpu_kernels_generic
#define ISA "generic"
#define GEMM_ROWS 6
#define GEMM_VECS 1
#define GEMM_WIDE 2
#include "cpu_kernels.inc"

#define FP32 cpu_fp32_generic
#define STEP_VECS 1
#include "cpu_fp32.inc"

#define INT8 cpu_int8_generic
#define INT8_ISA ISA
#define DOT_ROWS 2
#define DOT_VECS 1
#include "cpu_int8.inc"

#define PRODUCTS cpu_fp32_products_generic
#include "cpu_products_fp32.inc"

#define PRODUCTS cpu_bf16_products_generic
#define PRODUCTS_ISA ISA
#include "cpu_products_bf16.inc"
