/* Pairs of bfloat16 numbers in plain C: words that every instruction set computes to the same bits.
 * To be included after the vector vocabulary. */
#ifndef LSTM_PAIRS_GENERIC_H
#define LSTM_PAIRS_GENERIC_H

#include "vec_generic.h"

/* Sixteen floats rounded to nearest even; below 1.2e-38 they become 0 of their sign, and a NaN is
 * quiet. */
static inline void pairs_store(uint16_t *p, v16 a)
{
    for (int i = 0; i < 16; i++) {
        uint32_t bits;
        memcpy(&bits, &a.lane[i], sizeof bits);
        if ((bits & 0x7f800000u) == 0)
            bits &= 0x80000000u;
        if ((bits & 0x7fffffffu) > 0x7f800000u)
            bits |= 0x00400000u;
        else
            bits += 0x7fffu + (bits >> 16 & 1);
        p[i] = (uint16_t)(bits >> 16);
    }
}

/* Sixteen lanes of sixteen numbers each: low in the lower halves, high in the upper ones. */
static inline v16 pairs_zip(const float *low, const float *high)
{
    uint16_t numbers[2][16];
    uint32_t lanes[16];
    v16 r;
    memcpy(numbers[0], low, sizeof numbers[0]);
    memcpy(numbers[1], high, sizeof numbers[1]);
    for (int i = 0; i < 16; i++)
        lanes[i] = numbers[0][i] | (uint32_t)numbers[1][i] << 16;
    memcpy(r.lane, lanes, sizeof lanes);
    return r;
}

/* The upper or the lower number of every lane as a float. */
static inline v16 pairs_high(v16 a)
{
    uint32_t lanes[16];
    memcpy(lanes, a.lane, sizeof lanes);
    for (int i = 0; i < 16; i++)
        lanes[i] &= 0xffff0000u;
    memcpy(a.lane, lanes, sizeof lanes);
    return a;
}

static inline v16 pairs_low(v16 a)
{
    uint32_t lanes[16];
    memcpy(lanes, a.lane, sizeof lanes);
    for (int i = 0; i < 16; i++)
        lanes[i] <<= 16;
    memcpy(a.lane, lanes, sizeof lanes);
    return a;
}

/* sum + high products, + low products. */
static inline v16 pairs_add(v16 left, v16 right, v16 sum)
{
    sum = v16_fma(pairs_high(left), pairs_high(right), sum);
    return v16_fma(pairs_low(left), pairs_low(right), sum);
}

#endif
