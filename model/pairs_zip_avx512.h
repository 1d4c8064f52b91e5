/* Putting bfloat16 numbers side by side, as AVX-512 does with and without BF16; see pairs_generic.h
 * for what the word means. */
#ifndef LSTM_PAIRS_ZIP_AVX512_H
#define LSTM_PAIRS_ZIP_AVX512_H

#include "vec_avx512.h"

static inline v16 pairs_zip(const float *low, const float *high)
{
    __m512i l = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)low));
    __m512i h = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)high));
    return _mm512_castsi512_ps(_mm512_or_si512(l, _mm512_slli_epi32(h, 16)));
}

#endif
