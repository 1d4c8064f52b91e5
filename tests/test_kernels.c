/* The kernels of every instruction set against one another bit for bit, and against plain loops and
 * libm in double. */
#include "tests/kernel_tables.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void the_best_table_is_picked_and_unknown_names_are_refused(void **state)
{
    (void)state;
    assert_string_equal(cpu_kernels_pick("generic")->isa, "generic");
    assert_null(cpu_kernels_pick("sse9"));
    assert_null(cpu_kernels_pick(""));
    assert_ptr_equal(cpu_kernels_pick(NULL), tables[tables_count - 1]);
}

/* ---- matrix products ---- */

/* How the factors of a product lie in memory; columns: the left one is read by columns, as its
 * transpose is stored. */
struct product {
    int32_t rows, cols, depth;
    int columns, packed;
    size_t gap; /* floats between the rows of the result */
};

/* The definition: one fused multiply-add after the other in the order of depth. */
static void multiply(const struct product *p, struct cpu_matrix a, struct cpu_panels b, float *c,
                     size_t c_row)
{
    for (size_t i = 0; i < (size_t)p->rows; i++)
        for (size_t j = 0; j < (size_t)p->cols; j++)
            for (size_t k = 0; k < (size_t)p->depth; k++)
                c[i * c_row + j] =
                    fmaf(a.at[i * a.row + k * a.col], b.at[j / 16 * b.panel + k * b.row + j % 16],
                         c[i * c_row + j]);
}

static void check_product(const struct product *p, uint64_t *seed)
{
    size_t rows = (size_t)p->rows, cols = (size_t)p->cols, depth = (size_t)p->depth,
           c_row = cols + p->gap;
    float *left = random_floats(seed, 1.0f, rows * depth),
          *right = random_floats(seed, 1.0f, depth * cols);
    /* nothing may be touched behind the last element of the last row */
    float *start = random_floats(seed, 1.0f, rows * c_row - p->gap), *expected, *found;
    size_t size = (rows * c_row - p->gap) * sizeof *start;
    struct cpu_matrix a = { left, p->columns ? 1 : depth, p->columns ? rows : 1 };
    struct cpu_panels b = { right, p->packed ? 16 : cols, p->packed ? 16 * depth : 16 };
    expected = memcpy(network_memory(size), start, size);
    found = network_memory(size);
    multiply(p, a, b, expected, c_row);
    for (size_t i = 0; i < tables_count; i++) {
        memcpy(found, start, size);
        tables[i]->gemm(p->rows, p->cols, p->depth, a, b, found, c_row);
        if (memcmp(expected, found, size))
            fail_msg("%s: %d x %d x %d, by columns %d, packed %d, gap %zu", tables[i]->isa, p->rows,
                     p->cols, p->depth, p->columns, p->packed, p->gap);
    }
    free(left);
    free(right);
    free(start);
    free(expected);
    free(found);
}

static void products_are_fused_sums_in_the_order_of_depth(void **state)
{
    (void)state;
    static const int32_t depths[] = { 1, 2, 17, 255, 256, 257, 600 };
    uint64_t seed = 1;
    int layout = 0; /* the layouts take turns; the number of shapes is not a multiple of theirs */
    for (int32_t rows = 1; rows <= 13; rows++)
        for (int32_t cols = 16; cols <= 160; cols += 16)
            for (size_t d = 0; d < COUNT(depths); d++, layout++) {
                struct product p = {
                    rows, cols, depths[d], layout & 1, layout >> 1 & 1, layout & 4 ? 16 : 0
                };
                check_product(&p, &seed);
            }
    for (int combination = 0; combination < 8;
         combination++) { /* many tiles high, as a training batch is */
        struct product p = {
            77, 64, 300, combination & 1, combination >> 1 & 1, combination & 4 ? 32 : 0
        };
        check_product(&p, &seed);
    }
}

/* a b lies half-way between two floats, or next to it, and what is added decides: rounding twice
 * gives another float. Then random numbers of far exponents, whose sums cancel, vanish, overflow or
 * become subnormal. */
static void a_fused_multiply_add_rounds_once(void **state)
{
    (void)state;
    enum { ROUNDS = 20000 };
    uint64_t seed = 5;
    for (int round = 0; round < ROUNDS; round++) {
        float left[1], right[16], start[16], found[16];
        int tie = round % 2;
        left[0] = tie ? 1.0f + ldexpf(1.0f, -12)
                      : ldexpf(network_between(&seed, -2.0f, 2.0f), round % 90 - 45);
        for (int i = 0; i < 16; i++) {
            int exponent = (int)network_below(&seed, 130) - 80;
            right[i] = tie ? ldexpf(1.0f + ldexpf(1.0f, -12), exponent)
                           : ldexpf(network_between(&seed, -2.0f, 2.0f), exponent);
            start[i] = ldexpf(network_between(&seed, -2.0f, 2.0f),
                              exponent - (int)network_below(&seed, 80));
        }
        for (size_t t = 0; t < tables_count; t++) {
            memcpy(found, start, sizeof found);
            tables[t]->gemm(1, 16, 1, (struct cpu_matrix){ left, 1, 1 },
                            (struct cpu_panels){ right, 16, 16 }, found, 16);
            for (int i = 0; i < 16; i++) {
                float expected = fmaf(left[0], right[i], start[i]);
                if (!same_bits(&expected, &found[i], 1))
                    fail_msg("%s: %a * %a + %a is %a, expected %a", tables[t]->isa, (double)left[0],
                             (double)right[i], (double)start[i], (double)found[i],
                             (double)expected);
            }
        }
    }
}

/* ---- exp, sigmoid and tanh ---- */

static double sigmoid_of(double x)
{
    return 1.0 / (1.0 + exp(-x));
}

/* Inputs over the whole range: even steps, the neighbourhood of zero in powers of two, and the
 * extremes. */
static size_t curve_inputs(float *x, size_t room)
{
    static const float extremes[] = { 0.0f,  -0.0f,  1e-45f,   -1e-45f,  1e-38f,
                                      1e30f, -1e30f, INFINITY, -INFINITY };
    size_t count = 0;
    for (; count < room / 2; count++)
        x[count] = -100.0f + 200.0f * (float)count / ((float)room / 2.0f);
    for (; count < room - 16; count++)
        x[count] = ldexpf(count % 2 ? -1.0f - (float)(count % 61) / 61.0f
                                    : 1.0f + (float)(count % 59) / 59.0f,
                          7 - (int)(count % 97));
    for (size_t i = 0; count < room; count++, i = (i + 1) % COUNT(extremes))
        x[count] = extremes[i];
    return count;
}

enum { CURVE = 1 << 18 };

/* The curves as the cell computes them: with the same z in every gate, gates become sigmoid,
 * sigmoid, tanh, sigmoid. */
static void curves(const struct cpu_kernels *k, const float *x, float *sigmoid, float *tanh_of)
{
    float gates[64], cell[16], state[16];
    for (size_t i = 0; i < CURVE; i += 16) {
        for (size_t gate = 0; gate < 4; gate++)
            memcpy(gates + 16 * gate, x + i, 16 * sizeof *x);
        memset(cell, 0, sizeof cell);
        k->cell(1, 16, gates, cell, cell, state);
        assert_true(same_bits(gates, gates + 16, 16) && same_bits(gates, gates + 48, 16));
        memcpy(sigmoid + i, gates, 16 * sizeof *x);
        memcpy(tanh_of + i, gates + 32, 16 * sizeof *x);
    }
}

static void curves_are_as_close_as_vec_math_says(void **state)
{
    (void)state;
    float *x = network_memory(3 * CURVE * sizeof *x), *sigmoid = x + CURVE,
          *tanh_of = sigmoid + CURVE;
    double worst_exp = 0.0, worst_sigmoid = 0.0, worst_tanh = 0.0;
    assert_int_equal(curve_inputs(x, CURVE), CURVE);
    curves(tables[tables_count - 1], x, sigmoid, tanh_of);
    for (size_t i = 0; i < CURVE; i++) {
        double exact = exp(fmin(fmax((double)x[i], -87.0), 88.0));
        double ulp = ldexp(1.0, ilogb(exact) - 23);
        double exact_tanh = tanh((double)x[i]),
               scale = fmax(fabs(exact_tanh), 1e-30); /* below it rounding is to subnormals */
        worst_exp =
            fmax(worst_exp, fabs((double)tables[tables_count - 1]->exp(x[i]) - exact) / ulp);
        worst_sigmoid = fmax(worst_sigmoid, fabs((double)sigmoid[i] - sigmoid_of((double)x[i])));
        worst_tanh = fmax(worst_tanh, fabs((double)tanh_of[i] - exact_tanh) / scale);
        if (!(sigmoid[i] >= 0.0f && sigmoid[i] <= 1.0f && fabsf(tanh_of[i]) <= 1.0f))
            fail_msg("at %g: sigmoid %.9g, tanh %.9g", (double)x[i], (double)sigmoid[i],
                     (double)tanh_of[i]);
    }
    print_message("exp %.3f ulp, sigmoid %.3g, tanh %.3g\n", worst_exp, worst_sigmoid, worst_tanh);
    assert_true(worst_exp <= 1.1);
    assert_true(worst_sigmoid <= 1e-7);
    assert_true(worst_tanh <= 3e-7);
    free(x);
}

static void curves_are_the_same_bits_everywhere(void **state)
{
    (void)state;
    float *x = network_memory(5 * CURVE * sizeof *x), *first = x + CURVE,
          *other = first + 2 * CURVE;
    curve_inputs(x, CURVE);
    curves(tables[0], x, first, first + CURVE);
    for (size_t i = 1; i < tables_count; i++) {
        curves(tables[i], x, other, other + CURVE);
        assert_true(same_bits(first, other, 2 * CURVE));
        for (size_t j = 0; j < CURVE; j++) {
            float a = tables[0]->exp(x[j]), b = tables[i]->exp(x[j]);
            if (!same_bits(&a, &b, 1))
                fail_msg("%s: exp(%g) is %.9g, generic has %.9g", tables[i]->isa, (double)x[j],
                         (double)b, (double)a);
        }
    }
    free(x);
}

static void exp_of_zero_is_one_and_the_ends_are_clamped(void **state)
{
    (void)state;
    static const struct {
        float x;
        double expected;
    } cases[] = { { 0.0f, 1.0 },
                  { -0.0f, 1.0 },
                  { -INFINITY, 1.6458e-38 },
                  { INFINITY, 1.6516e38 },
                  { 1000.0f, 1.6516e38 } };
    for (size_t t = 0; t < tables_count; t++)
        for (size_t i = 0; i < COUNT(cases); i++) {
            double found = (double)tables[t]->exp(cases[i].x);
            if (cases[i].expected == 1.0 ? found != 1.0
                                         : fabs(found / cases[i].expected - 1.0) > 1e-4)
                fail_msg("%s: exp(%g) is %.9g", tables[t]->isa, (double)cases[i].x, found);
        }
}

/* ---- the cell and its backward pass ---- */

static void a_cell_follows_its_formula_also_in_place(void **state)
{
    (void)state;
    enum { ROWS = 5, HIDDEN = 48, UNITS = ROWS * HIDDEN };
    uint64_t seed = 2;
    float *z = random_floats(&seed, 6.0f, 4 * UNITS), *before = random_floats(&seed, 3.0f, UNITS);
    for (size_t t = 0; t < tables_count; t++) {
        float gates[4 * UNITS], cell[UNITS], hidden_state[UNITS], again[UNITS];
        memcpy(gates, z, sizeof gates);
        tables[t]->cell(ROWS, HIDDEN, gates, before, cell, hidden_state);
        for (size_t i = 0; i < UNITS; i++) {
            const float *at = z + i / HIDDEN * 4 * HIDDEN + i % HIDDEN;
            double c = sigmoid_of((double)at[HIDDEN]) * (double)before[i] +
                       sigmoid_of((double)at[0]) * tanh((double)at[2 * HIDDEN]);
            check_close("cell", tables[t], (double)cell[i], c, 2e-6);
            check_close("state", tables[t], (double)hidden_state[i],
                        sigmoid_of((double)at[3 * HIDDEN]) * tanh(c), 2e-6);
        }
        memcpy(gates, z, sizeof gates);
        memcpy(again, before, sizeof again);
        tables[t]->cell(ROWS, HIDDEN, gates, again, again, hidden_state);
        assert_true(same_bits(again, cell, UNITS));
    }
    free(z);
    free(before);
}

/* ---- every other kernel: the same bits on the same input, whatever the shape ---- */

enum { OUT = 16384, COUNT_MAX = 100, WIDTH_MAX = 96 };

/* Each fills out from random inputs of its own; size grows from 1. Returns how many floats. */
static size_t cells(const struct cpu_kernels *k, uint64_t seed, int32_t size, float *out)
{
    int32_t rows = 1 + size % 7, hidden = 16 * (1 + size % 3);
    size_t units = (size_t)rows * (size_t)hidden;
    float *before = random_floats(&seed, 3.0f, units), *d_state = random_floats(&seed, 1.0f, units);
    float *gates = out, *cell = out + 4 * units, *hidden_state = cell + units,
          *d_cell = hidden_state + units;
    network_fill(&seed, 8.0f, 4 * units, gates);
    network_fill(&seed, 1.0f, units, d_cell);
    k->cell(rows, hidden, gates, before, cell, hidden_state);
    k->cell_backward(rows, hidden, gates, before, cell, d_state, d_cell);
    free(before);
    free(d_state);
    return 7 * units;
}

static size_t pools(const struct cpu_kernels *k, uint64_t seed, int32_t size, float *out)
{
    size_t width = 32 * (size_t)(1 + size % 3),
           counts[2] = { (size_t)size, (size_t)(1 + size % 5) };
    float *states = random_floats(&seed, 1.0f, (counts[0] + counts[1]) * width);
    float *attention = random_floats(&seed, size % 4 ? 3.0f : 300.0f, width);
    float *scores = random_floats(&seed, 1.0f, (counts[0] + counts[1] + 15) / 16 * 16 + 16);
    struct cpu_pool pool[2];
    for (size_t i = 0; i < 2; i++) {
        float *at = out + i * 3 * width;
        pool[i] = (struct cpu_pool){ .weighted = at, .max = at + width, .sum = at + 2 * width };
        k->pool((int32_t)counts[i], (int32_t)width, states + i * counts[0] * width, attention,
                scores, &pool[i]);
    }
    k->pool_merge((int32_t)width, &pool[0], &pool[1]);
    k->pool_finish((int32_t)width, (int32_t)(counts[0] + counts[1]), &pool[0], 1.0f,
                   out + 6 * width);
    out[9 * width] = pool[0].top;
    out[9 * width + 1] = pool[0].total;
    free(states);
    free(attention);
    free(scores);
    return 9 * width + 2;
}

static size_t heads(const struct cpu_kernels *k, uint64_t seed, int32_t size, float *out)
{
    int32_t classes = 2 + size % 9, width = 16 * (1 + size % 6);
    float *weight = random_floats(&seed, 1.0f, (size_t)(classes * width)),
          *bias = random_floats(&seed, 1.0f, 16);
    float *features = random_floats(&seed, 1.0f, (size_t)width);
    k->classify(classes, width, weight, bias, features, out);
    k->softmax(classes, out, 0.25f + (float)(size % 4), out + classes);
    out[2 * classes] = k->dot(width, weight, features);
    k->axpy(width, out[0], weight, features);
    memcpy(out + 2 * classes + 1, features, (size_t)width * sizeof *out);
    k->add((size_t)width, weight, features);
    memcpy(out + 2 * classes + 1 + width, features, (size_t)width * sizeof *out);
    free(weight);
    free(bias);
    free(features);
    return (size_t)(2 * classes + 1 + 2 * width);
}

static size_t optimiser(const struct cpu_kernels *k, uint64_t seed, int32_t size, float *out)
{
    const struct cpu_adam adam = { .rate = 0.01f,
                                   .beta1 = 0.9f,
                                   .beta2 = 0.99f,
                                   .epsilon = 1e-6f,
                                   .correction1 = 3.0f,
                                   .correction2 = 5.0f,
                                   .scale = 0.125f,
                                   .decay = 0.1f };
    size_t count = 16 * (size_t)size;
    float *gradient = random_floats(&seed, 1.0f, count), *mean = out, *variance = out + count;
    network_fill(&seed, 1.0f, 3 * count, out);
    for (size_t i = 0; i < count; i++)
        variance[i] = fabsf(variance[i]);
    double square_sum = k->square_sum(count, gradient);
    k->adam(count, &adam, gradient, mean, variance, variance + count);
    memcpy(out + 3 * count, &square_sum, sizeof square_sum);
    free(gradient);
    return 3 * count + sizeof square_sum / sizeof *out;
}

static size_t long_square_sum(const struct cpu_kernels *k, uint64_t seed, int32_t size, float *out)
{
    size_t count = 16 * (size_t)(size * size);
    float *values = random_floats(&seed, 1.0f, count);
    double square_sum = k->square_sum(count, values);
    memcpy(out, &square_sum, sizeof square_sum);
    free(values);
    return sizeof square_sum / sizeof *out;
}

/* What the attention of a decoder computes and its backward pass, over states of the keys' width.
 * Size goes through every count up to COUNT_MAX, then through them again with wider keys. */
static size_t attention(const struct cpu_kernels *k, uint64_t seed, int32_t size, float *out)
{
    int32_t count = 1 + (size - 1) % COUNT_MAX, width = 16 * (1 + (size - 1) / COUNT_MAX);
    size_t w = (size_t)width, keys_count = (size_t)count * w,
           padded = ((size_t)count + 15) / 16 * 16;
    float *keys = random_floats(&seed, 2.0f, keys_count),
          *vectors = random_floats(&seed, 2.0f, 3 * w);
    float *coverage = random_floats(&seed, 2.0f, (size_t)count), *shares = out,
          *context = out + padded;
    float *d_keys = context + w, *d_vectors = d_keys + keys_count, *d_coverage = d_vectors + 3 * w;
    k->align(count, width, keys, vectors, coverage, vectors + w, vectors + 2 * w, shares);
    k->normalise(count, shares);
    k->weigh(count, width, shares, keys, context);
    network_fill(&seed, 1.0f, keys_count + 3 * w + (size_t)count, d_keys);
    k->align_backward(count, width, keys, vectors, coverage, vectors + w, vectors + 2 * w, shares,
                      d_keys, d_vectors, d_coverage, d_vectors + w, d_vectors + 2 * w);
    k->tanh(w, context);
    free(keys);
    free(vectors);
    free(coverage);
    return padded + w + keys_count + 3 * w + (size_t)count;
}

static void every_kernel_gives_the_same_bits_in_every_table(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t (*run)(const struct cpu_kernels *, uint64_t, int32_t, float *);
        int32_t size_max;
    } kernels[] = {
        { "cell", cells, 40 },
        { "pool", pools, 40 },
        { "classifier", heads, 40 },
        { "optimiser", optimiser, 40 },
        { "square_sum", long_square_sum, 40 },
        { "attention", attention, COUNT_MAX * WIDTH_MAX / 16 },
    };
    static float out[2][OUT];
    for (size_t i = 0; i < COUNT(kernels); i++)
        for (int32_t size = 1; size <= kernels[i].size_max; size++) {
            size_t count = kernels[i].run(tables[0], (uint64_t)size, size, out[0]);
            for (size_t t = 1; t < tables_count; t++) {
                assert_int_equal(kernels[i].run(tables[t], (uint64_t)size, size, out[1]), count);
                for (size_t j = 0; j < count; j++)
                    if (!same_bits(&out[0][j], &out[1][j], 1))
                        fail_msg("%s of %s, size %d: element %zu is %.9g, generic has %.9g",
                                 kernels[i].name, tables[t]->isa, size, j, (double)out[1][j],
                                 (double)out[0][j]);
            }
        }
}

/* ---- pooling, softmax and the sums against double precision ---- */

/* Pools in one go, and in windows of part states that are merged. */
static void pool_parts(const struct cpu_kernels *k, int32_t count, int32_t part, size_t width,
                       const float *states, const float *attention, float *features)
{
    float *memory = network_memory((6 * width + (size_t)count + 16) * sizeof *memory),
          *scores = memory + 6 * width;
    struct cpu_pool text = { .weighted = memory, .max = memory + width, .sum = memory + 2 * width };
    struct cpu_pool window = { .weighted = memory + 3 * width,
                               .max = memory + 4 * width,
                               .sum = memory + 5 * width };
    for (int32_t done = 0; done < count; done += part) {
        int32_t here = count - done < part ? count - done : part;
        k->pool(here, (int32_t)width, states + (size_t)done * width, attention, scores,
                done ? &window : &text);
        if (done)
            k->pool_merge((int32_t)width, &text, &window);
    }
    k->pool_finish((int32_t)width, count, &text, 1.0f, features);
    free(memory);
}

static void pooling_in_parts_is_pooling_of_all(void **state)
{
    (void)state;
    enum { WIDTH = 32, STATES = 45 };
    static const float scales[] = {
        1.0f, 20.0f, 2000.0f
    }; /* the last: scores so far apart that one state wins */
    uint64_t seed = 3;
    for (size_t c = 0; c < COUNT(scales); c++) {
        float *states = random_floats(&seed, 1.0f, STATES * WIDTH),
              *attention = random_floats(&seed, scales[c], WIDTH);
        double expected[3 * WIDTH] = { 0 }, scores[STATES], top = -INFINITY, total = 0.0;
        for (size_t i = 0; i < STATES; i++) {
            scores[i] = 0.0;
            for (size_t j = 0; j < WIDTH; j++)
                scores[i] += (double)states[i * WIDTH + j] * (double)attention[j];
            top = fmax(top, scores[i]);
        }
        for (size_t i = 0; i < STATES; i++)
            total += exp(scores[i] - top);
        for (size_t j = 0; j < WIDTH; j++) {
            expected[WIDTH + j] = -INFINITY;
            for (size_t i = 0; i < STATES; i++) {
                double h = (double)states[i * WIDTH + j];
                expected[j] += exp(scores[i] - top) / total * h;
                expected[WIDTH + j] = fmax(expected[WIDTH + j], h);
                expected[2 * WIDTH + j] += h / STATES;
            }
        }
        for (size_t t = 0; t < tables_count; t++)
            for (int32_t part = 1; part <= STATES; part++) {
                float features[3 * WIDTH];
                pool_parts(tables[t], STATES, part, WIDTH, states, attention, features);
                for (size_t j = 0; j < 3 * WIDTH;
                     j++) /* a score's rounding error goes straight into its weight */
                    check_close("feature", tables[t], (double)features[j], expected[j],
                                2e-6 * (double)scales[c] + 1e-6);
            }
        free(states);
        free(attention);
    }
}

static void softmax_sums_to_one_at_any_size_of_logits(void **state)
{
    (void)state;
    static const struct {
        float logits[3], temperature;
        double expected[3];
    } cases[] = {
        { { 0.0f, 0.0f, 0.0f }, 1.0f, { 1 / 3.0, 1 / 3.0, 1 / 3.0 } },
        { { 1.0f, 0.0f, -1.0f }, 0.5f, { 0.86681333, 0.11731043, 0.01587624 } },
        { { 1.0f, 0.0f, -1.0f }, 2.0f, { 0.50648039, 0.30719589, 0.18632372 } },
        { { 10000.0f, -10000.0f, 0.0f }, 1.0f, { 1.0, 0.0, 0.0 } },
        { { 3e38f, 3e38f, -3e38f }, 0.01f, { 0.5, 0.5, 0.0 } },
    };
    for (size_t t = 0; t < tables_count; t++)
        for (size_t i = 0; i < COUNT(cases); i++) {
            float probabilities[3];
            tables[t]->softmax(3, cases[i].logits, cases[i].temperature, probabilities);
            for (size_t k = 0; k < 3; k++)
                check_close("probability", tables[t], (double)probabilities[k],
                            cases[i].expected[k], 5e-7);
        }
}

/* ---- the attention of a decoder against double precision ---- */

static void sums_and_steps_follow_their_formulas(void **state)
{
    (void)state;
    enum { COUNT_OF = 4096 };
    const struct cpu_adam adam = { .rate = 0.01f,
                                   .beta1 = 0.9f,
                                   .beta2 = 0.99f,
                                   .epsilon = 1e-6f,
                                   .correction1 = 3.0f,
                                   .correction2 = 5.0f,
                                   .scale = 0.125f,
                                   .decay = 0.1f };
    uint64_t seed = 4;
    float *g = random_floats(&seed, 1.0f, COUNT_OF), *m = random_floats(&seed, 1.0f, COUNT_OF);
    float *v = random_floats(&seed, 1.0f, COUNT_OF), *p = random_floats(&seed, 1.0f, COUNT_OF);
    for (size_t t = 0; t < tables_count; t++) {
        float gradients[COUNT_OF], mean[COUNT_OF], variance[COUNT_OF], params[COUNT_OF];
        double squares = 0.0, product = 0.0;
        for (size_t i = 0; i < COUNT_OF; i++) {
            v[i] = fabsf(v[i]);
            squares += (double)g[i] * (double)g[i];
            product += (double)g[i] * (double)m[i];
        }
        check_close("square_sum", tables[t], tables[t]->square_sum(COUNT_OF, g), squares, 1e-6);
        check_close("dot", tables[t], (double)tables[t]->dot(COUNT_OF, g, m), product, 1e-5);
        memcpy(gradients, g, sizeof gradients);
        memcpy(mean, m, sizeof mean);
        memcpy(variance, v, sizeof variance);
        memcpy(params, p, sizeof params);
        tables[t]->adam(COUNT_OF, &adam, gradients, mean, variance, params);
        for (size_t i = 0; i < COUNT_OF; i++) {
            double gradient = 0.125 * (double)g[i], first = 0.9 * (double)m[i] + 0.1 * gradient;
            double second = 0.99 * (double)v[i] + 0.01 * gradient * gradient;
            double step =
                0.01 * 3.0 * first / (sqrt(5.0 * second) + 1e-6) + 0.01 * 0.1 * (double)p[i];
            assert_true(same_bits(&gradients[i], &(float){ 0.0f }, 1));
            check_close("mean", tables[t], (double)mean[i], first, 1e-6);
            check_close("variance", tables[t], (double)variance[i], second, 1e-6);
            check_close("parameter", tables[t], (double)params[i], (double)p[i] - step, 2e-6);
        }
    }
    free(g);
    free(m);
    free(v);
    free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_table_is_picked_and_unknown_names_are_refused),
        cmocka_unit_test(products_are_fused_sums_in_the_order_of_depth),
        cmocka_unit_test(a_fused_multiply_add_rounds_once),
        cmocka_unit_test(curves_are_as_close_as_vec_math_says),
        cmocka_unit_test(curves_are_the_same_bits_everywhere),
        cmocka_unit_test(exp_of_zero_is_one_and_the_ends_are_clamped),
        cmocka_unit_test(a_cell_follows_its_formula_also_in_place),
        cmocka_unit_test(every_kernel_gives_the_same_bits_in_every_table),
        cmocka_unit_test(pooling_in_parts_is_pooling_of_all),
        cmocka_unit_test(softmax_sums_to_one_at_any_size_of_logits),
        cmocka_unit_test(sums_and_steps_follow_their_formulas),
    };
    return cmocka_run_group_tests(tests, find_tables, NULL);
}
