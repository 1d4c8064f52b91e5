/* Products of int8 numbers on AVX-VNNI; see dot_generic.h for what each word means. The instruction
 * multiplies unsigned by signed bytes: states are stored 128 above their value, and the sums start
 * at -128 times the sum of their weights. */
#ifndef LSTM_DOT_AVXVNNI_H
#define LSTM_DOT_AVXVNNI_H

#if !defined(__AVXVNNI__)
#error "compile this file with -mavxvnni (see the Makefile)"
#endif

#include "dot_lanes_avx2.h"

#include <string.h>

#define DOT_OFFSET 128

typedef __m256i dot_states;

static inline dot_states dot_load_states(const uint8_t *p)
{
    int32_t four;
    memcpy(&four, p, sizeof four);
    return _mm256_set1_epi32(four);
}

static inline dot_sums dot_add(dot_sums s, dot_states a, dot_weights b)
{
    return (dot_sums){ _mm256_dpbusd_avx_epi32(s.lo, a, b.lo),
                       _mm256_dpbusd_avx_epi32(s.hi, a, b.hi) };
}

#endif
