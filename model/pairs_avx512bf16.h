/* Pairs of bfloat16 numbers by AVX-512 BF16; see pairs_generic.h for what each word means. */
#ifndef LSTM_PAIRS_AVX512BF16_H
#define LSTM_PAIRS_AVX512BF16_H

#if !defined(__AVX512BF16__)
#error "compile this file with -mavx512bf16 (see the Makefile)"
#endif

#include "pairs_zip_avx512.h"

static inline void pairs_store(uint16_t *p, v16 a)
{
    _mm256_storeu_si256((__m256i *)(void *)p, (__m256i)_mm512_cvtneps_pbh(a));
}

static inline v16 pairs_add(v16 left, v16 right, v16 sum)
{
    return _mm512_dpbf16_ps(sum, (__m512bh)left, (__m512bh)right);
}

#endif
