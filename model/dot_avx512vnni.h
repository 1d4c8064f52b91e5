/* Products of int8 numbers on AVX-512 VNNI, by offset as on AVX-VNNI; see dot_generic.h for what
 * each word means. */
#ifndef LSTM_DOT_AVX512VNNI_H
#define LSTM_DOT_AVX512VNNI_H

#if !defined(__AVX512VNNI__)
#error "compile this file with -mavx512vnni (see the Makefile)"
#endif

#include "dot_lanes_avx512.h"

#include <string.h>

#define DOT_OFFSET 128

typedef __m512i dot_states;

static inline dot_states dot_load_states(const uint8_t *p)
{
    int32_t four;
    memcpy(&four, p, sizeof four);
    return _mm512_set1_epi32(four);
}

static inline dot_sums dot_add(dot_sums s, dot_states a, dot_weights b)
{
    return _mm512_dpbusd_epi32(s, a, b);
}

#endif
