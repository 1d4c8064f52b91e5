/* Sums and weights of a product as two AVX2 registers; see dot_generic.h for what each
 * word means. */
#ifndef LSTM_DOT_LANES_AVX2_H
#define LSTM_DOT_LANES_AVX2_H

#if !defined(__AVX2__)
#error "compile this file with -mavx2 (see the Makefile)"
#endif

#include <immintrin.h>
#include <stdint.h>

typedef struct {
    __m256i lo, hi;
} dot_sums;
typedef dot_sums dot_weights;

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

#endif
