/* exp, sigmoid and tanh over the vector vocabulary, which the including file has chosen: fixed
 * polynomials in fused multiply-adds, so that every instruction set gives the same bits. Largest
 * errors against double precision: exp 1.1 ulp, sigmoid 1e-7, tanh 3e-7 of itself; no tanh is
 * beyond 1 (tests/test_kernels.c). A NaN counts as the lowest input of exp and
 * tanh, as the highest of a sigmoid. */
#ifndef LSTM_VEC_MATH_H
#define LSTM_VEC_MATH_H

/* e^x by 2^n * e^r, |r| <= ln(2) / 2, with the polynomial of Cephes (Moshier). x is clamped to
 * -87..88. */
static inline v16 v16_exp(v16 x)
{
    x = v16_min(v16_max(x, v16_set1(-87.0f)), v16_set1(88.0f));
    v16 n = v16_round(v16_mul(x, v16_set1(1.44269504088896341f)));
    v16 r = v16_fnma(n, v16_set1(0.693359375f), x);
    r = v16_fnma(n, v16_set1(-2.12194440e-4f), r);
    v16 p = v16_set1(1.9875691500e-4f);
    p = v16_fma(p, r, v16_set1(1.3981999507e-3f));
    p = v16_fma(p, r, v16_set1(8.3334519073e-3f));
    p = v16_fma(p, r, v16_set1(4.1665795894e-2f));
    p = v16_fma(p, r, v16_set1(1.6666665459e-1f));
    p = v16_fma(p, r, v16_set1(5.0000001201e-1f));
    p = v16_add(v16_fma(p, v16_mul(r, r), r), v16_set1(1.0f));
    return v16_mul(p, v16_pow2(n));
}

static inline v16 v16_sigmoid(v16 x)
{
    v16 one = v16_set1(1.0f);
    return v16_div(one, v16_add(one, v16_exp(v16_sub(v16_set1(0.0f), x))));
}

/* tanh x = p / q: the rational approximation of degree 13/6 that Eigen uses; beyond 7.9 tanh is 1
 * in single precision. */
static inline void v16_tanh_parts(v16 x, v16 *p, v16 *q)
{
    v16 bound = v16_set1(7.90531110763549805f);
    x = v16_min(v16_max(x, v16_sub(v16_set1(0.0f), bound)), bound);
    v16 z = v16_mul(x, x);
    v16 n = v16_set1(-2.76076847742355e-16f);
    n = v16_fma(n, z, v16_set1(2.00018790482477e-13f));
    n = v16_fma(n, z, v16_set1(-8.60467152213735e-11f));
    n = v16_fma(n, z, v16_set1(5.12229709037114e-08f));
    n = v16_fma(n, z, v16_set1(1.48572235717979e-05f));
    n = v16_fma(n, z, v16_set1(6.37261928875436e-04f));
    n = v16_fma(n, z, v16_set1(4.89352455891786e-03f));
    *p = v16_mul(n, x);
    v16 d = v16_set1(1.19825839466702e-06f);
    d = v16_fma(d, z, v16_set1(1.18534705686654e-04f));
    d = v16_fma(d, z, v16_set1(2.26843463243900e-03f));
    *q = v16_fma(d, z, v16_set1(4.89352518554385e-03f));
}

static inline v16 v16_tanh(v16 x)
{
    v16 p, q;
    v16_tanh_parts(x, &p, &q);
    return v16_div(p, q);
}

/* 1 + e^-x, whose inverse is the sigmoid; |x| is clamped to 20, where the sigmoid is within 2e-9 of
 * its end. */
static inline v16 v16_one_plus_exp(v16 x)
{
    v16 y = v16_mul(x, v16_set1(-1.44269504088896341f)), bound = v16_set1(28.8539008f);
    y = v16_min(v16_max(y, v16_sub(v16_set1(0.0f), bound)), bound);
    v16 n = v16_round(y), f = v16_sub(y, n);
    v16 p = v16_set1(1.5345811e-4f); /* minimax for 2^f, relative error 2e-9 before rounding */
    p = v16_fma(p, f, v16_set1(1.3399931e-3f));
    p = v16_fma(p, f, v16_set1(9.6184893e-3f));
    p = v16_fma(p, f, v16_set1(5.5503286e-2f));
    p = v16_fma(p, f, v16_set1(2.4022647e-1f));
    p = v16_fma(p, f, v16_set1(6.9314720e-1f));
    p = v16_fma(p, f, v16_set1(1.0f));
    return v16_add(v16_set1(1.0f), v16_scale(p, n));
}

/* The cell with its fractions brought to one denominator, so that five divisions are two: with
 * F = 1 + e^-f, I = 1 + e^-i and p / q = tanh g,
 * c' = c / F + (p / q) / I = (c I q + p F) / (F I q); state = tanh(c') / (1 + e^-o). */
static inline v16 v16_cell(v16 in, v16 forget, v16 update, v16 out, v16 *cell)
{
    v16 p, q, i = v16_one_plus_exp(in), f = v16_one_plus_exp(forget), o = v16_one_plus_exp(out);
    v16_tanh_parts(update, &p, &q);
    v16 iq = v16_mul(i, q);
    *cell = v16_div(v16_fma(*cell, iq, v16_mul(p, f)), v16_mul(f, iq));
    v16_tanh_parts(*cell, &p, &q);
    return v16_div(p, v16_mul(o, q));
}

#endif
