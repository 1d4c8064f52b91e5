/* Sums and weights of a product as one AVX-512 register; see dot_generic.h for what each
 * word means. */
#ifndef LSTM_DOT_LANES_AVX512_H
#define LSTM_DOT_LANES_AVX512_H

#if !defined(__AVX512F__)
#error "compile this file with -mavx512f (see the Makefile)"
#endif

#include <immintrin.h>
#include <stdint.h>

typedef __m512i dot_sums;
typedef __m512i dot_weights;

static inline dot_sums dot_load_sums(const int32_t *p)
{
    return _mm512_loadu_si512(p);
}
static inline void dot_store_sums(int32_t *p, dot_sums s)
{
    _mm512_storeu_si512(p, s);
}
static inline dot_weights dot_load_weights(const int8_t *p)
{
    return _mm512_loadu_si512(p);
}

#endif
