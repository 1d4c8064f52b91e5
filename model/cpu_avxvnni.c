/* The int8 arithmetic for AVX-VNNI, beside AVX2 for all else. */
#include "dot_avxvnni.h"
#include "vec_avx2.h"

#define INT8 cpu_int8_avxvnni
#define INT8_ISA "avxvnni"
#define DOT_ROWS 3
#define DOT_VECS 2
#include "cpu_int8.inc"
