/* The int8 arithmetic for AVX-512 VNNI, beside AVX-512 for all else. */
#include "dot_avx512vnni.h"
#include "vec_avx512.h"

#define INT8 cpu_int8_avx512vnni
#define INT8_ISA "avx512vnni"
#define DOT_ROWS 6
#define DOT_VECS 4
#include "cpu_int8.inc"
