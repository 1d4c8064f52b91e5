/* Products of int8 numbers on AVX2; see dot_generic.h for what each word means. The instruction
 * multiplies unsigned by signed bytes and adds pairs in 16 bits: |state| by the weight with the
 * state's sign is at most 127 * 127, and two of them fit. */
#ifndef LSTM_DOT_AVX2_H
#define LSTM_DOT_AVX2_H

#include "dot_lanes_avx2.h"

#include <string.h>

#define DOT_OFFSET 0

typedef struct {
    __m256i states, magnitudes;
} dot_states;

static inline dot_states dot_load_states(const uint8_t *p)
{
    int32_t four;
    memcpy(&four, p, sizeof four);
    __m256i states = _mm256_set1_epi32(four);
    return (dot_states){ states, _mm256_abs_epi8(states) };
}

static inline __m256i dot_half(__m256i sums, dot_states a, __m256i weights)
{
    __m256i pairs = _mm256_maddubs_epi16(a.magnitudes, _mm256_sign_epi8(weights, a.states));
    return _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

static inline dot_sums dot_add(dot_sums s, dot_states a, dot_weights b)
{
    return (dot_sums){ dot_half(s.lo, a, b.lo), dot_half(s.hi, a, b.hi) };
}

#endif
