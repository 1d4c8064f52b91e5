/* The arithmetic of the CPU backend: one table of functions an instruction set, bodies written once
 * in cpu_kernels.inc. Every function gives the same bits in every table, and a row's bits do not
 * depend on the rows beside it. Sizes named cols, hidden and width are multiples of 16. */
#ifndef LSTM_CPU_KERNELS_H
#define LSTM_CPU_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/* A matrix seen by strides: element (i, j) lies at at[i * row + j * col]. */
struct cpu_matrix {
    const float *at;
    size_t row, col;
};

/* The right factor of a product in panels of 16 columns: (k, 16 p + lane) lies at at[p * panel + k
 * * row + lane]. A row-major matrix of n columns is { at, .row = n, .panel = 16 }; a packed one,
 * which a product reads from front to back, { at, .row = 16, .panel = 16 * depth }. */
struct cpu_panels {
    const float *at;
    size_t row, panel;
};

/* What the states of a window, or of a whole text, add up to. The arrays have width = 2 hidden
 * floats. */
struct cpu_pool {
    float *weighted; /* sum of exp(score - top) * state */
    float *max;      /* elementwise maximum of the states */
    float *sum;      /* sum of the states */
    float top;       /* the largest attention score */
    float total;     /* sum of exp(score - top) */
};

struct cpu_adam {
    float rate, beta1, beta2, epsilon;
    float correction1, correction2; /* 1 / (1 - beta^step) */
    float scale; /* the gradient is multiplied by it first: averaging and clipping */
    float decay; /* decoupled weight decay, times rate */
};

struct cpu_kernels {
    const char *isa;

    /* c += a b, c row-major with c_row floats a row. Each element is summed over depth in order. */
    void (*gemm)(int32_t rows, int32_t cols, int32_t depth, struct cpu_matrix a,
                 struct cpu_panels b, float *c, size_t c_row);

    /* One step of the cell for rows x hidden units: gates (rows x 4 hidden: i f g o) hold z and
     * become the activated gates; cell = f cell_before + i g; state = o tanh(cell). cell may be
     * cell_before. */
    void (*cell)(int32_t rows, int32_t hidden, float *gates, const float *cell_before, float *cell,
                 float *state);

    /* The step's backward pass: gates hold the activated gates and become dz; d_state is the whole
     * gradient of the state; d_cell (rows x hidden) holds the gradient of cell and becomes that of
     * cell_before. */
    void (*cell_backward)(int32_t rows, int32_t hidden, float *gates, const float *cell_before,
                          const float *cell, const float *d_state, float *d_cell);

    /* Pools count >= 1 states (count x width): scores[i] = attention . state i (Felbo et al. 2017).
     * scores holds count floats rounded up to 16. */
    void (*pool)(int32_t count, int32_t width, const void *states, const float *attention,
                 float *scores, struct cpu_pool *pool);

    /* Adds the next window of the same text to what was pooled before it. */
    void (*pool_merge)(int32_t width, struct cpu_pool *text, const struct cpu_pool *window);

    /* features (3 width): attention-weighted mean, max, mean over count states, times unit. */
    void (*pool_finish)(int32_t width, int32_t count, const struct cpu_pool *text, float unit,
                        float *features);

    /* logits[k] = bias[k] + weight[k] . features */
    void (*classify)(int32_t classes, int32_t width, const float *weight, const float *bias,
                     const float *features, float *logits);

    /* probabilities = softmax(logits / temperature), computed in one order. */
    void (*softmax)(int32_t classes, const float *logits, float temperature, float *probabilities);

    /* Additive attention with coverage (Bahdanau et al. 2015; See et al. 2017): scores[i] = score .
     * tanh(keys i + query + coverage[i] * fertility). width = alignment; keys: count x width. */
    void (*align)(int32_t count, int32_t width, const float *keys, const float *query,
                  const float *coverage, const float *fertility, const float *score, float *scores);

    /* Its backward pass, adding to every d_: d_keys (count x width), d_query, d_fertility, d_score
     * (width), d_coverage (count). */
    void (*align_backward)(int32_t count, int32_t width, const float *keys, const float *query,
                           const float *coverage, const float *fertility, const float *score,
                           const float *d_scores, float *d_keys, float *d_query, float *d_coverage,
                           float *d_fertility, float *d_score);

    /* x becomes softmax(x) in place; x has room for count rounded up to 16, and the rest becomes 0.
     */
    void (*normalise)(int32_t count, float *x);

    /* out (width) = sum of weights[i] * states i */
    void (*weigh)(int32_t count, int32_t width, const float *weights, const float *states,
                  float *out);

    /* The first of x[first] .. x[count - 1] that is above bound; count: none is. x can be read up
     * to count rounded up to 16. */
    int32_t (*above)(int32_t first, int32_t count, const float *x, float bound);

    void (*scale)(size_t count, float scale, float *x); /* x *= scale; count as for tanh */
    void (*tanh)(size_t count, float *x);               /* in place; count is a multiple of 16 */
    float (*exp)(float x);                              /* the exp of the pooling */
    float (*dot)(int32_t width, const float *a, const float *b);
    void (*axpy)(int32_t width, float scale, const float *x, float *y); /* y += scale x */
    void (*add)(size_t count, const float *x, float *y); /* y += x; count is a multiple of 16 */
    void (*add_product)(size_t count, const float *a, const float *b, float *y); /* y += a b */
    double (*square_sum)(size_t count,
                         const float *x); /* in one order; count is a multiple of 16 */

    /* Adam (Kingma and Ba 2015) with decoupled decay on count parameters, a multiple of 16. The
     * gradient becomes 0. */
    void (*adam)(size_t count, const struct cpu_adam *adam, float *gradient, float *mean,
                 float *variance, float *params);
};

extern const struct cpu_kernels cpu_kernels_generic;
#if defined(__x86_64__)
extern const struct cpu_kernels cpu_kernels_avx2, cpu_kernels_avx512;
#endif

/* The table of the best instruction set this machine can run, or of the one with this name (see
 * cpu_arithmetic.h); NULL if it cannot run that. */
const struct cpu_kernels *cpu_kernels_pick(const char *isa);

#endif
