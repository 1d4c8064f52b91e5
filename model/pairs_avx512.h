/* Pairs of bfloat16 numbers by AVX-512 without BF16; see pairs_generic.h for what each word means.
 */
#ifndef LSTM_PAIRS_AVX512_H
#define LSTM_PAIRS_AVX512_H

#include "pairs_zip_avx512.h"

static inline void pairs_store(uint16_t *p, v16 a)
{
    const __m512i exponent = _mm512_set1_epi32(0x7f800000), sign = _mm512_set1_epi32(INT32_MIN);
    __m512i bits = _mm512_castps_si512(a);
    __mmask16 is_small = _mm512_testn_epi32_mask(bits, exponent);
    __mmask16 is_nan = _mm512_cmpgt_epi32_mask(_mm512_andnot_si512(sign, bits), exponent);
    bits = _mm512_mask_and_epi32(bits, is_small, bits, sign);
    __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    __m512i up = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
    up = _mm512_mask_or_epi32(up, is_nan, bits, _mm512_set1_epi32(0x00400000));
    _mm256_storeu_si256((__m256i *)(void *)p, _mm512_cvtepi32_epi16(_mm512_srli_epi32(up, 16)));
}

static inline v16 pairs_high(v16 a)
{
    return _mm512_castsi512_ps(
        _mm512_and_si512(_mm512_castps_si512(a), _mm512_set1_epi32((int32_t)0xffff0000u)));
}

static inline v16 pairs_low(v16 a)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(a), 16));
}

static inline v16 pairs_add(v16 left, v16 right, v16 sum)
{
    sum = v16_fma(pairs_high(left), pairs_high(right), sum);
    return v16_fma(pairs_low(left), pairs_low(right), sum);
}

#endif
