/* The vector vocabulary in plain C: 16 floats that every instruction set computes to the same bits. */
#ifndef LSTM_VEC_GENERIC_H
#define LSTM_VEC_GENERIC_H

#include <math.h>
#include <stdint.h>
#include <string.h>

typedef struct { float lane[16]; } v16;

#define V16_EACH(expression)                                                                                           \
    v16 r;                                                                                                             \
    for (int i = 0; i < 16; i++)                                                                                       \
        r.lane[i] = (expression);                                                                                      \
    return r

static inline v16 v16_load(const float *p) { V16_EACH(p[i]); }
static inline void v16_store(float *p, v16 a) { memcpy(p, a.lane, sizeof a.lane); }
static inline v16 v16_set1(float x) { V16_EACH(x); }
static inline v16 v16_add(v16 a, v16 b) { V16_EACH(a.lane[i] + b.lane[i]); }
static inline v16 v16_sub(v16 a, v16 b) { V16_EACH(a.lane[i] - b.lane[i]); }
static inline v16 v16_mul(v16 a, v16 b) { V16_EACH(a.lane[i] * b.lane[i]); }
static inline v16 v16_div(v16 a, v16 b) { V16_EACH(a.lane[i] / b.lane[i]); }
static inline v16 v16_sqrt(v16 a) { V16_EACH(sqrtf(a.lane[i])); }
/* a * b + c and c - a * b with one rounding */
static inline v16 v16_fma(v16 a, v16 b, v16 c) { V16_EACH(fmaf(a.lane[i], b.lane[i], c.lane[i])); }
static inline v16 v16_fnma(v16 a, v16 b, v16 c) { V16_EACH(fmaf(-a.lane[i], b.lane[i], c.lane[i])); }
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
