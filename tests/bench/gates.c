#include "tests/bench/gates.h"
#include "model/cpu_kernels.h"

#include <stddef.h>

enum { UNITS = 1024, TIMES = 50 };

static _Alignas(64) float gates[4 * UNITS], cells[UNITS], states[UNITS];

static void vary(float *x, size_t count)
{
    for (size_t i = 0; i < count; i++)
        x[i] = ((float)(i % 64) - 32) / 16;
}

/* The compiler is to believe that somebody reads what was computed. */
static void keep(const float *x)
{
    __asm__ volatile("" ::"r"(x) : "memory");
}

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX512 __attribute__((target("avx512f"), always_inline)) static inline

AVX512 __m512 clamped(__m512 x, float bound)
{
    return _mm512_max_ps(_mm512_min_ps(x, _mm512_set1_ps(bound)), _mm512_set1_ps(-bound));
}

/* 2^(x log2 e) by a polynomial of degree 5 on [-1/2, 1/2]; error 1e-7 of the result. */
AVX512 __m512 exp512(__m512 x)
{
    __m512 y = _mm512_mul_ps(x, _mm512_set1_ps(1.44269504F));
    __m512 whole = _mm512_roundscale_ps(y, 8), part = _mm512_sub_ps(y, whole);
    __m512 p = _mm512_set1_ps(1.8775767e-3F);
    p = _mm512_fmadd_ps(p, part, _mm512_set1_ps(8.9893397e-3F));
    p = _mm512_fmadd_ps(p, part, _mm512_set1_ps(5.5826318e-2F));
    p = _mm512_fmadd_ps(p, part, _mm512_set1_ps(2.4015361e-1F));
    p = _mm512_fmadd_ps(p, part, _mm512_set1_ps(6.9315308e-1F));
    p = _mm512_fmadd_ps(p, part, _mm512_set1_ps(9.9999994e-1F));
    return _mm512_scalef_ps(p, whole);
}

/* By an estimate of the reciprocal and one step of Newton's. */
AVX512 __m512 sigmoid512(__m512 x)
{
    __m512 e = exp512(_mm512_sub_ps(_mm512_setzero_ps(), clamped(x, 80)));
    __m512 d = _mm512_add_ps(_mm512_set1_ps(1), e), r = _mm512_rcp14_ps(d);
    return _mm512_mul_ps(r, _mm512_fnmadd_ps(d, r, _mm512_set1_ps(2)));
}

/* A rational function of degrees 13 and 6, as Eigen and XNNPACK have it. */
AVX512 __m512 tanh512(__m512 x)
{
    x = clamped(x, 7.90531110763549805F);
    __m512 z = _mm512_mul_ps(x, x), p = _mm512_set1_ps(-2.76076847742355e-16F);
    p = _mm512_fmadd_ps(p, z, _mm512_set1_ps(2.00018790482477e-13F));
    p = _mm512_fmadd_ps(p, z, _mm512_set1_ps(-8.60467152213735e-11F));
    p = _mm512_fmadd_ps(p, z, _mm512_set1_ps(5.12229709037114e-08F));
    p = _mm512_fmadd_ps(p, z, _mm512_set1_ps(1.48572235717979e-05F));
    p = _mm512_fmadd_ps(p, z, _mm512_set1_ps(6.37261928875436e-04F));
    p = _mm512_fmadd_ps(p, z, _mm512_set1_ps(4.89352455891786e-03F));
    __m512 q = _mm512_set1_ps(1.19825839466702e-06F);
    q = _mm512_fmadd_ps(q, z, _mm512_set1_ps(1.18534705686654e-04F));
    q = _mm512_fmadd_ps(q, z, _mm512_set1_ps(2.26843463243900e-03F));
    q = _mm512_fmadd_ps(q, z, _mm512_set1_ps(4.89352518554385e-03F));
    return _mm512_div_ps(_mm512_mul_ps(p, x), q);
}

__attribute__((target("avx512f"))) static void cell512(void)
{
    for (size_t j = 0; j < UNITS; j += 16) {
        __m512 in = sigmoid512(_mm512_load_ps(gates + j));
        __m512 forget = sigmoid512(_mm512_load_ps(gates + UNITS + j));
        __m512 update = tanh512(_mm512_load_ps(gates + 2 * UNITS + j));
        __m512 out = sigmoid512(_mm512_load_ps(gates + 3 * UNITS + j));
        __m512 c = _mm512_fmadd_ps(forget, _mm512_load_ps(cells + j), _mm512_mul_ps(in, update));
        _mm512_store_ps(cells + j, c);
        _mm512_store_ps(states + j, _mm512_mul_ps(out, tanh512(c)));
    }
}

__attribute__((target("avx512f"))) static void tanhs512(void)
{
    for (size_t j = 0; j < UNITS; j += 16)
        _mm512_store_ps(states + j, tanh512(_mm512_load_ps(gates + j)));
}

__attribute__((target("avx512f"))) static void exps512(void)
{
    for (size_t j = 0; j < UNITS; j += 16)
        _mm512_store_ps(states + j, exp512(_mm512_load_ps(gates + j)));
}

/* 0 where this machine or this instruction set has no AVX-512. */
static int run512(void (*run)(void), const char *isa)
{
    if (isa || !__builtin_cpu_supports("avx512f"))
        return 0;
    run();
    return 1;
}

#else
#define run512(run, isa) 0
#endif

/* Products of gates, cells and so on stay between 0 and 1 or so, whatever is computed from what. */
static const struct cpu_kernels *ready(const char *isa)
{
    static int is_varied;
    if (!is_varied) {
        vary(gates, 4 * UNITS);
        vary(cells, UNITS);
        is_varied = 1;
    }
    return cpu_kernels_pick(isa);
}

double gates_cells(void *isa)
{
    const struct cpu_kernels *kernels = ready(isa);
    for (int i = 0; i < TIMES; i++, keep(states))
        if (!run512(cell512, isa))
            kernels->cell(1, UNITS, gates, cells, cells, states);
    return (double)TIMES * UNITS;
}

double gates_tanhs(void *isa)
{
    const struct cpu_kernels *kernels = ready(isa);
    for (int i = 0; i < TIMES; i++, keep(states))
        if (!run512(tanhs512, isa))
            kernels->tanh(UNITS, gates);
    return (double)TIMES * UNITS;
}

double gates_exps(void *isa)
{
    const struct cpu_kernels *kernels = ready(isa);
    for (int i = 0; i < TIMES; i++, keep(states))
        if (!run512(exps512, isa))
            kernels->normalise(UNITS, gates);
    return (double)TIMES * UNITS;
}
