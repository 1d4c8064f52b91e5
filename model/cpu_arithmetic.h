/* The arithmetic of inference in the precision of the model: one table of functions a precision and
 * an instruction set, bodies written once in cpu_fp32.inc and cpu_int8.inc. Within a precision
 * every table gives the same bits, and a row's bits do not depend on the rows beside it.
 *
 * A state is a number in -1..1: of the LSTM, a context, an activated output. In fp32 it is a float;
 * in int8 it is round(127 x), ties to even, in a byte, products with it are sums of whole numbers
 * and exact, and the input products are kept as IEEE binary16. Gates, cells and attention are
 * floats in both. model/FORMAT.md has the formulas. */
#ifndef LSTM_CPU_ARITHMETIC_H
#define LSTM_CPU_ARITHMETIC_H

#include "cpu_kernels.h"

enum {
    CPU_GROUP = 64
}; /* columns that a product computes together; of an LSTM the four gates of 16
      units */

/* A matrix as a source for packing, its inputs in one or two pieces, one after another: the weight
 * from input k of a piece to output c is fp32[c * row + k], or in a quantised model int8[c * row +
 * k] times scale[c]. */
struct cpu_source_matrix {
    struct {
        const float *fp32;
        const int8_t *int8;
        size_t row;
        int32_t depth; /* a multiple of 4; of the second piece 0: there is none */
    } piece[2];
    const float *scale;
    const float *bias; /* cols, or NULL: zeros */
    int32_t cols;      /* a multiple of 16 */
    int gates;         /* cols = 4 units, in PyTorch's order: packed by groups of 16 units */
    float divisor;     /* stored units that make 1 of the input: 127 for int8 states, else 1 */
};

static inline size_t cpu_packed_cols(int32_t cols)
{
    return ((size_t)cols + CPU_GROUP - 1) / CPU_GROUP * CPU_GROUP;
}

/* The output that packed column p holds; cols or more: none. */
static inline size_t cpu_packed_column(const struct cpu_source_matrix *m, size_t p)
{
    return m->gates ? p % CPU_GROUP / 16 * ((size_t)m->cols / 4) + p / CPU_GROUP * 16 + p % 16 : p;
}

static inline float cpu_source_fp32(const struct cpu_source_matrix *m, size_t c, size_t k)
{
    const size_t first = (size_t)m->piece[0].depth;
    return k < first ? m->piece[0].fp32[c * m->piece[0].row + k]
                     : m->piece[1].fp32[c * m->piece[1].row + k - first];
}

static inline int8_t cpu_source_int8(const struct cpu_source_matrix *m, size_t c, size_t k)
{
    const size_t first = (size_t)m->piece[0].depth;
    return k < first ? m->piece[0].int8[c * m->piece[0].row + k]
                     : m->piece[1].int8[c * m->piece[1].row + k - first];
}

/* A matrix as products read it: groups of CPU_GROUP columns one after another, zeros in the last
 * where cols does not fill it. Vectors are in the order of the packed columns. */
struct cpu_packed {
    int32_t cols, depth; /* cols as the source has them */
    const void *panels;
    const float *bias;
    const float *scale;   /* int8: of a sum */
    const int32_t *start; /* int8: what a sum begins with */
};

/* How many columns of a group are outputs. */
static inline size_t cpu_group_cols(const struct cpu_packed *w, size_t group)
{
    const size_t left = (size_t)w->cols - group * CPU_GROUP;
    return left < CPU_GROUP ? left : CPU_GROUP;
}

struct cpu_arithmetic {
    const char *precision, *isa;
    size_t state_size, input_size; /* bytes of a state's element, of an input product's */

    /* Bytes that a packed matrix takes, and packing it into such a block, aligned to 64. */
    size_t (*packed_size)(int32_t cols, int32_t depth);
    struct cpu_packed (*pack)(const struct cpu_source_matrix *source, void *memory);

    /* One step of an LSTM for so many rows, each with its own memory: z = input[r] + w before[r],
     * with w's depth states; then c' = sigmoid(f) c + sigmoid(i) tanh(g), after[r] = sigmoid(o)
     * tanh(c'). input: 4 hidden products in packed order; next: those of the step after this one,
     * which are asked of the memory meanwhile. cell: rows x hidden. is_first: no state before, zero
     * cells. Sources: Hochreiter and Schmidhuber 1997, Gers et al. 2000. */
    void (*step)(int32_t rows, int32_t hidden, const struct cpu_packed *w, int is_first,
                 const void *const *input, const void *const *next, const void *const *before,
                 float *cell, void *const *after);

    /* out[r] = bias + w states[r], each row of floats in packed order; row_scale (rows, or NULL) is
     * what a stored unit of the row is worth beside that of the matrix. */
    void (*affine)(int32_t rows, const struct cpu_packed *w, const void *const *states,
                   const float *row_scale, float *const *out);

    /* The same as products for step. */
    void (*input)(int32_t rows, const struct cpu_packed *w, const void *const *states,
                  const float *row_scale, void *const *out);

    /* cpu_kernels.pool over states; what it adds up is in stored units, so attention is given
     * divided by them too. */
    void (*pool)(int32_t count, int32_t width, const void *states, const float *attention,
                 float *scores, struct cpu_pool *pool);

    /* count is a multiple of 16. */
    void (*store)(size_t count, const float *x, void *states);
    void (*load)(size_t count, const void *states, float *x);
    void (*place)(size_t count, const int8_t *numbers, void *states); /* int8 only */
};

/* What a machine computes with: floats, and either precision of inference. */
struct cpu_isa {
    const char *name; /* "generic", "avx2", "avxvnni", "avx512", "avx512vnni" */
    const struct cpu_kernels *kernels;
    const struct cpu_arithmetic *fp32, *int8;
};

/* The best that this machine can run, or the one with this name; NULL if it cannot run that. */
const struct cpu_isa *cpu_isa_pick(const char *name);

extern const struct cpu_arithmetic cpu_fp32_generic, cpu_int8_generic;
#if defined(__x86_64__)
extern const struct cpu_arithmetic cpu_fp32_avx2, cpu_fp32_avx512;
extern const struct cpu_arithmetic cpu_int8_avx2, cpu_int8_avxvnni, cpu_int8_avx512,
    cpu_int8_avx512vnni;
#endif

#endif
