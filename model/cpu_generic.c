/* The kernels in plain C, for any processor. */
#include "vec_generic.h"

#define KERNELS cpu_kernels_generic
#define ISA "generic"
#define GEMM_ROWS 6
#define GEMM_VECS 1
#define GEMM_WIDE 2
#include "cpu_kernels.inc"
