/* The vector vocabulary as two AVX2 registers; see vec_generic.h for what each word means. */
#ifndef LSTM_VEC_AVX2_H
#define LSTM_VEC_AVX2_H

#if !defined(__AVX2__) || !defined(__FMA__) || !defined(__F16C__)
#error "compile this file with -mavx2 -mfma -mf16c (see the Makefile)"
#endif

#include <immintrin.h>
#include <stdint.h>

typedef struct { __m256 lo, hi; } v16;

#define V16_BOTH(op, a, b) ((v16){ op((a).lo, (b).lo), op((a).hi, (b).hi) })

static inline v16 v16_load(const float *p)
{
    return (v16){ _mm256_loadu_ps(p), _mm256_loadu_ps(p + 8) };
}

static inline void v16_store(float *p, v16 a)
{
    _mm256_storeu_ps(p, a.lo);
    _mm256_storeu_ps(p + 8, a.hi);
}

static inline v16 v16_set1(float x) { return (v16){ _mm256_set1_ps(x), _mm256_set1_ps(x) }; }
static inline v16 v16_add(v16 a, v16 b) { return V16_BOTH(_mm256_add_ps, a, b); }
static inline v16 v16_sub(v16 a, v16 b) { return V16_BOTH(_mm256_sub_ps, a, b); }
static inline v16 v16_mul(v16 a, v16 b) { return V16_BOTH(_mm256_mul_ps, a, b); }
static inline v16 v16_div(v16 a, v16 b) { return V16_BOTH(_mm256_div_ps, a, b); }
static inline v16 v16_max(v16 a, v16 b) { return V16_BOTH(_mm256_max_ps, a, b); }
static inline v16 v16_min(v16 a, v16 b) { return V16_BOTH(_mm256_min_ps, a, b); }
static inline v16 v16_sqrt(v16 a) { return (v16){ _mm256_sqrt_ps(a.lo), _mm256_sqrt_ps(a.hi) }; }

static inline v16 v16_fma(v16 a, v16 b, v16 c)
{
    return (v16){ _mm256_fmadd_ps(a.lo, b.lo, c.lo), _mm256_fmadd_ps(a.hi, b.hi, c.hi) };
}

static inline v16 v16_fnma(v16 a, v16 b, v16 c)
{
    return (v16){ _mm256_fnmadd_ps(a.lo, b.lo, c.lo), _mm256_fnmadd_ps(a.hi, b.hi, c.hi) };
}

static inline v16 v16_round(v16 a)
{
    enum { NEAREST = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC };
    return (v16){ _mm256_round_ps(a.lo, NEAREST), _mm256_round_ps(a.hi, NEAREST) };
}

static inline __m256 v16_pow2_half(__m256 n)
{
    __m256i exponent = _mm256_add_epi32(_mm256_cvttps_epi32(n), _mm256_set1_epi32(127));
    return _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23));
}

static inline v16 v16_pow2(v16 n) { return (v16){ v16_pow2_half(n.lo), v16_pow2_half(n.hi) }; }

static inline __m256 v16_scale_half(__m256 p, __m256 n)
{
    __m256i shift = _mm256_slli_epi32(_mm256_cvttps_epi32(n), 23);
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p), shift));
}

static inline v16 v16_scale(v16 p, v16 n) { return V16_BOTH(v16_scale_half, p, n); }

static inline v16 v16_load_ints(const int32_t *p)
{
    return (v16){ _mm256_cvtepi32_ps(_mm256_loadu_si256((const __m256i *)(const void *)p)),
                  _mm256_cvtepi32_ps(_mm256_loadu_si256((const __m256i *)(const void *)(p + 8))) };
}

static inline v16 v16_load_bytes(const uint8_t *p, int offset)
{
    __m128i bytes = _mm_xor_si128(_mm_loadu_si128((const __m128i *)(const void *)p),
                                  _mm_set1_epi8((char)offset));
    return (v16){ _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes)),
                  _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(bytes, 8))) };
}

static inline void v16_store_bytes(uint8_t *p, v16 a, int offset)
{
    __m256i words = _mm256_packs_epi32(_mm256_cvtps_epi32(a.lo), _mm256_cvtps_epi32(a.hi));
    words = _mm256_permute4x64_epi64(words, 0xd8); /* packing works in halves of 128 bits */
    __m128i bytes =
        _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    _mm_storeu_si128((__m128i *)(void *)p, _mm_xor_si128(bytes, _mm_set1_epi8((char)offset)));
}

static inline v16 v16_load_half(const uint16_t *p)
{
    return (v16){ _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)p)),
                  _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)(p + 8))) };
}

static inline void v16_store_half(uint16_t *p, v16 a)
{
    enum { NEAREST = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC };
    _mm_storeu_si128((__m128i *)(void *)p, _mm256_cvtps_ph(a.lo, NEAREST));
    _mm_storeu_si128((__m128i *)(void *)(p + 8), _mm256_cvtps_ph(a.hi, NEAREST));
}

static inline uint32_t v16_above(v16 a, v16 b)
{
    const int lo = _mm256_movemask_ps(_mm256_cmp_ps(a.lo, b.lo, _CMP_GT_OQ));
    const int hi = _mm256_movemask_ps(_mm256_cmp_ps(a.hi, b.hi, _CMP_GT_OQ));
    return (uint32_t)lo | (uint32_t)hi << 8;
}

static inline float v16_sum(v16 a)
{
    __m256 eight = _mm256_add_ps(a.lo, a.hi);
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

#undef V16_BOTH
#endif
