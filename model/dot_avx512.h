/* Products of int8 numbers on AVX-512 without VNNI, by magnitudes as on AVX2; see dot_generic.h for
 * what each word means. */
#ifndef LSTM_DOT_AVX512_H
#define LSTM_DOT_AVX512_H

#if !defined(__AVX512BW__)
#error "compile this file with -mavx512bw (see the Makefile)"
#endif

#include "dot_lanes_avx512.h"

#include <string.h>

#define DOT_OFFSET 0

typedef struct {
    __m512i magnitudes;
    __mmask64 negative;
} dot_states;

static inline dot_states dot_load_states(const uint8_t *p)
{
    int32_t four;
    memcpy(&four, p, sizeof four);
    __m512i states = _mm512_set1_epi32(four);
    return (dot_states){ _mm512_abs_epi8(states), _mm512_movepi8_mask(states) };
}

static inline dot_sums dot_add(dot_sums s, dot_states a, dot_weights b)
{
    __m512i weights = _mm512_mask_sub_epi8(b, a.negative, _mm512_setzero_si512(), b);
    __m512i pairs = _mm512_maddubs_epi16(a.magnitudes, weights);
    return _mm512_add_epi32(s, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)));
}

#endif
