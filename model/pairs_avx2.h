/* Pairs of bfloat16 numbers by AVX2; see pairs_generic.h for what each word means. */
#ifndef LSTM_PAIRS_AVX2_H
#define LSTM_PAIRS_AVX2_H

#if !defined(__AVX2__)
#error "compile this file with -mavx2 (see the Makefile)"
#endif

#include "vec_avx2.h"

static inline __m256i pairs_round_half(__m256 a)
{
    const __m256i exponent = _mm256_set1_epi32(0x7f800000), sign = _mm256_set1_epi32(INT32_MIN);
    __m256i bits = _mm256_castps_si256(a);
    __m256i is_small = _mm256_cmpeq_epi32(_mm256_and_si256(bits, exponent), _mm256_setzero_si256());
    __m256i is_nan = _mm256_cmpgt_epi32(_mm256_andnot_si256(sign, bits), exponent);
    bits = _mm256_blendv_epi8(bits, _mm256_and_si256(bits, sign), is_small);
    __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    __m256i up = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
    __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x00400000));
    return _mm256_srli_epi32(_mm256_blendv_epi8(up, quiet, is_nan), 16);
}

static inline void pairs_store(uint16_t *p, v16 a)
{
    __m256i packed = _mm256_packus_epi32(pairs_round_half(a.lo), pairs_round_half(a.hi));
    _mm256_storeu_si256((__m256i *)(void *)p, _mm256_permute4x64_epi64(packed, 0xd8));
}

static inline __m256 pairs_zip_half(const float *low, const float *high)
{
    __m256i l = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)low));
    __m256i h = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)high));
    return _mm256_castsi256_ps(_mm256_or_si256(l, _mm256_slli_epi32(h, 16)));
}

static inline v16 pairs_zip(const float *low, const float *high)
{
    return (v16){ pairs_zip_half(low, high), pairs_zip_half(low + 4, high + 4) };
}

static inline __m256 pairs_high_half(__m256 a)
{
    return _mm256_and_ps(a, _mm256_castsi256_ps(_mm256_set1_epi32((int32_t)0xffff0000u)));
}

static inline __m256 pairs_low_half(__m256 a)
{
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(a), 16));
}

static inline v16 pairs_add(v16 left, v16 right, v16 sum)
{
    v16 high[2] = { { pairs_high_half(left.lo), pairs_high_half(left.hi) },
                    { pairs_high_half(right.lo), pairs_high_half(right.hi) } };
    v16 low[2] = { { pairs_low_half(left.lo), pairs_low_half(left.hi) },
                   { pairs_low_half(right.lo), pairs_low_half(right.hi) } };
    return v16_fma(low[0], low[1], v16_fma(high[0], high[1], sum));
}

#endif
