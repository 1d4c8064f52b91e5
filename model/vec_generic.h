/* The vector vocabulary in plain C: 16 floats that every instruction set computes to the same
 * bits. */
#ifndef LSTM_VEC_GENERIC_H
#define LSTM_VEC_GENERIC_H

#include <math.h>
#include <stdint.h>
#include <string.h>

typedef struct { float lane[16]; } v16;

#define V16_EACH(expression) \
    v16 r; \
    for (int i = 0; i < 16; i++) \
        r.lane[i] = (expression); \
    return r

static inline v16 v16_load(const float *p) { V16_EACH(p[i]); }
static inline void v16_store(float *p, v16 a) { memcpy(p, a.lane, sizeof a.lane); }
static inline v16 v16_set1(float x) { V16_EACH(x); }
static inline v16 v16_add(v16 a, v16 b) { V16_EACH(a.lane[i] + b.lane[i]); }
static inline v16 v16_sub(v16 a, v16 b) { V16_EACH(a.lane[i] - b.lane[i]); }
static inline v16 v16_mul(v16 a, v16 b) { V16_EACH(a.lane[i] * b.lane[i]); }
static inline v16 v16_div(v16 a, v16 b) { V16_EACH(a.lane[i] / b.lane[i]); }
static inline v16 v16_sqrt(v16 a) { V16_EACH(sqrtf(a.lane[i])); }
/* a * b + c with one rounding. Where the processor has no such instruction: the product of two
 * floats is exact in a double, the sum is rounded to odd there (Boldo and Melquiond 2008), and
 * rounding that to a float is then rounding once. Two lanes at a time and without branches: every
 * 64-bit processor has vectors of two doubles. */
#ifdef __FP_FAST_FMAF
static inline v16 v16_fma(v16 a, v16 b, v16 c) { V16_EACH(fmaf(a.lane[i], b.lane[i], c.lane[i])); }
#else
typedef float v2_float __attribute__((vector_size(8)));
typedef double v2_double __attribute__((vector_size(16)));
typedef int64_t v2_bits __attribute__((vector_size(16)));

/* By vectors, not lane by lane: gcc 12 at -O3 takes a double made a float and a double again for
 * the first one. */
static inline v2_double v2_load(const float *p)
{
    v2_float pair;
    memcpy(&pair, p, sizeof pair);
    return __builtin_convertvector(pair, v2_double);
}

static inline v16 v16_fma(v16 a, v16 b, v16 c)
{
    v16 r;
    for (int i = 0; i < 16; i += 2) {
        v2_double product = v2_load(a.lane + i) * v2_load(b.lane + i), z = v2_load(c.lane + i);
        v2_double sum = product + z;
        v2_double back = sum - product, lost = (product - (sum - back)) + (z - back);
        v2_bits bits = (v2_bits)sum, is_inward = (lost > 0) ^ (sum > 0);
        v2_bits is_inexact = (lost < 0) | (lost > 0); /* a mask; neither for NaN */
        v2_bits is_even = (bits & 1) - 1;
        /* to the odd neighbour on the side that was lost */
        bits += is_inexact & is_even & (1 | is_inward);
        v2_float rounded = __builtin_convertvector((v2_double)bits, v2_float);
        memcpy(r.lane + i, &rounded, sizeof rounded);
    }
    return r;
}
#endif

static inline v16 v16_fnma(v16 a, v16 b, v16 c)
{
    for (int i = 0; i < 16; i++)
        a.lane[i] = -a.lane[i];
    return v16_fma(a, b, c);
}
/* b where the lanes are equal or either is NaN, as maxps and minps do */
static inline v16 v16_max(v16 a, v16 b) { V16_EACH(a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i]); }
static inline v16 v16_min(v16 a, v16 b) { V16_EACH(a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i]); }
static inline v16 v16_round(v16 a) { V16_EACH(rintf(a.lane[i])); } /* to nearest, ties to even */

/* 2^n for integral n in -126..127 */
static inline v16 v16_pow2(v16 n)
{
    v16 r;
    for (int i = 0; i < 16; i++) {
        uint32_t bits = (uint32_t)((int32_t)n.lane[i] + 127) << 23;
        memcpy(&r.lane[i], &bits, sizeof bits);
    }
    return r;
}

/* p 2^n for integral n; p and the result are normal numbers. */
static inline v16 v16_scale(v16 p, v16 n)
{
    for (int i = 0; i < 16; i++) {
        uint32_t bits;
        memcpy(&bits, &p.lane[i], sizeof bits);
        bits += (uint32_t)(int32_t)n.lane[i] << 23;
        memcpy(&p.lane[i], &bits, sizeof bits);
    }
    return p;
}

static inline v16 v16_load_ints(const int32_t *p) { V16_EACH((float)p[i]); }

/* Whole numbers in -127..127, kept in bytes above their value by offset: 0, or 128 as the unsigned
 * bytes that some products want. Storing rounds to nearest, ties to even; the
 * caller sees to the range. */
static inline v16 v16_load_bytes(const uint8_t *p, int offset)
{
    V16_EACH((float)(int8_t)(p[i] ^ offset));
}

static inline void v16_store_bytes(uint8_t *p, v16 a, int offset)
{
    for (int i = 0; i < 16; i++)
        p[i] = (uint8_t)((int32_t)rintf(a.lane[i]) ^ offset);
}

/* IEEE 754 binary16. Widening: the bits as if of a float of the small exponent range, then the
 * exponents put right by a product, which is exact. */
static inline v16 v16_load_half(const uint16_t *p)
{
    v16 r;
    for (int i = 0; i < 16; i++) {
        uint32_t bits = (uint32_t)(p[i] & 0x7fff) << 13;
        float magnitude;
        memcpy(&magnitude, &bits, sizeof magnitude);
        magnitude *= 0x1p112f;
        memcpy(&bits, &magnitude, sizeof bits);
        bits |= bits >= 0x47800000u ? 0x7f800000u : 0; /* infinity and NaN stay what they are */
        bits |= (uint32_t)(p[i] & 0x8000) << 16;
        memcpy(&r.lane[i], &bits, sizeof bits);
    }
    return r;
}

/* Narrowing to nearest, ties to even, beyond the range to infinity: adding a power of two leaves
 * the bits that a half has room for. */
static inline void v16_store_half(uint16_t *p, v16 a)
{
    for (int i = 0; i < 16; i++) {
        uint32_t bits, sign, rounder, half;
        memcpy(&bits, &a.lane[i], sizeof bits);
        sign = bits >> 16 & 0x8000;
        bits &= 0x7fffffff;
        if (bits >= 0x47800000) { /* 65536 and more */
            half = bits > 0x7f800000 ? 0x7e00 : 0x7c00;
        } else {
            float magnitude, power;
            uint32_t exponent = bits >> 23 < 113 ? 113 : bits >> 23; /* subnormal below 2^-14 */
            rounder = (exponent + 13) << 23;
            memcpy(&magnitude, &bits, sizeof magnitude);
            memcpy(&power, &rounder, sizeof power);
            magnitude += power;
            memcpy(&half, &magnitude, sizeof half);
            half = half - rounder + ((exponent - 113) << 10);
        }
        p[i] = (uint16_t)(sign | half);
    }
}

/* Bit i: lane i of a is above that of b. */
static inline uint32_t v16_above(v16 a, v16 b)
{
    uint32_t bits = 0;
    for (int i = 0; i < 16; i++)
        bits |= (uint32_t)(a.lane[i] > b.lane[i]) << i;
    return bits;
}

/* The sum of the lanes, as a tree: 8 + 8, 4 + 4, 2 + 2, 1 + 1. */
static inline float v16_sum(v16 a)
{
    for (int half = 8; half; half /= 2)
        for (int i = 0; i < half; i++)
            a.lane[i] += a.lane[i + half];
    return a.lane[0];
}

#undef V16_EACH
#endif
