/* Products of int8 numbers on AVX-VNNI; see dot_generic.h for what each word means. The instruction
 * multiplies unsigned by signed bytes: states are stored 128 above their value, and the sums start
 * at -128 times the sum of their weights. */
#ifndef LSTM_DOT_AVXVNNI_H
#define LSTM_DOT_AVXVNNI_H

#if !defined(__AVXVNNI__)
#error "compile this file with -mavxvnni (see the Makefile)"
#endif

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#define DOT_OFFSET 128

typedef struct {
    __m256i lo, hi;
} dot_sums;
typedef dot_sums dot_weights;
typedef __m256i dot_states;

static inline dot_sums dot_load_sums(const int32_t *p)
{
    return (dot_sums){ _mm256_loadu_si256((const __m256i *)(const void *)p),
                       _mm256_loadu_si256((const __m256i *)(const void *)(p + 8)) };
}

static inline void dot_store_sums(int32_t *p, dot_sums s)
{
    _mm256_storeu_si256((__m256i *)(void *)p, s.lo);
    _mm256_storeu_si256((__m256i *)(void *)(p + 8), s.hi);
}

static inline dot_weights dot_load_weights(const int8_t *p)
{
    return (dot_weights){ _mm256_loadu_si256((const __m256i *)(const void *)p),
                          _mm256_loadu_si256((const __m256i *)(const void *)(p + 32)) };
}

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
