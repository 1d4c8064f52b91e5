/* The arithmetic of inference: products against whole numbers and double precision, the cell
 * against its formula, and the same bits from every instruction set. */
#include "model/cpu_arithmetic.h"
#include "model/floats.h"
#include "tests/networks.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 41, COLS_MAX = 4 * 80, DEPTH_MAX = 112 };

/* A random matrix of one or two pieces and random states that it multiplies. */
struct example {
    struct cpu_source_matrix source;
    int32_t depth;
    float *weights, *scale, *bias, *states, *row_scale;
    int8_t *numbers;
};

static struct example example_make(uint64_t *seed, int32_t units, int gates, int with_bias)
{
    struct example e = { .depth = 4 * (1 + network_below(seed, DEPTH_MAX / 4)) };
    const int32_t cols = gates ? 4 * units : units,
                  first = 4 * (1 + network_below(seed, e.depth / 4));
    const size_t cells = (size_t)cols * (size_t)e.depth;
    e.weights = network_memory(cells * sizeof *e.weights);
    e.numbers = network_memory(cells);
    e.scale = network_memory((size_t)cols * sizeof *e.scale);
    e.bias = network_memory((size_t)cols * sizeof *e.bias);
    e.states = network_memory(ROWS * DEPTH_MAX * sizeof *e.states);
    e.row_scale = network_memory(ROWS * sizeof *e.row_scale);
    for (size_t i = 0; i < cells; i++)
        e.numbers[i] = (int8_t)(network_below(seed, 8)   ? network_below(seed, 255) - 127
                                : network_below(seed, 2) ? 127
                                                         : -127);
    for (int32_t c = 0; c < cols; c++) {
        e.scale[c] = network_between(seed, 1e-4f, 0.02f);
        e.bias[c] = network_between(seed, -2.0f, 2.0f);
        for (int32_t k = 0; k < e.depth; k++)
            e.weights[c * e.depth + k] = e.scale[c] * (float)e.numbers[c * e.depth + k];
    }
    for (size_t i = 0; i < ROWS * DEPTH_MAX; i++)
        e.states[i] = network_below(seed, 10) ? network_between(seed, -1.0f, 1.0f) : 1.0f;
    for (int r = 0; r < ROWS; r++)
        e.row_scale[r] = network_between(seed, 0.1f, 2.0f);
    e.source = (struct cpu_source_matrix){
        .scale = e.scale, .bias = with_bias ? e.bias : NULL, .cols = cols, .gates = gates
    };
    for (int p = 0; p < 2; p++) {
        e.source.piece[p].fp32 = e.weights + (p ? first : 0);
        e.source.piece[p].int8 = e.numbers + (p ? first : 0);
        e.source.piece[p].row = (size_t)e.depth;
        e.source.piece[p].depth = p ? e.depth - first : first;
    }
    return e;
}

static void example_free(struct example *e)
{
    free(e->weights);
    free(e->numbers);
    free(e->scale);
    free(e->bias);
    free(e->states);
    free(e->row_scale);
}

/* Memory whose end the sanitizers watch. */
static struct cpu_packed pack(const struct cpu_arithmetic *a, struct example *e, int is_int8,
                              void **memory)
{
    e->source.divisor = is_int8 ? 127.0f : 1.0f;
    *memory = network_memory(a->packed_size(e->source.cols, e->depth));
    return a->pack(&e->source, *memory);
}

/* The rows of states as a table stores them. */
struct stored {
    char bytes[ROWS][DEPTH_MAX * sizeof(float)];
    const void *rows[ROWS];
};

static void store(const struct cpu_arithmetic *a, const float *states, struct stored *s)
{
    for (int r = 0; r < ROWS; r++) {
        a->store(DEPTH_MAX, states + r * DEPTH_MAX, s->bytes[r]);
        s->rows[r] = s->bytes[r];
    }
}

static const struct cpu_arithmetic *arithmetic_of(const char *isa, int is_int8)
{
    const struct cpu_isa *found = cpu_isa_pick(isa);
    return !found ? NULL : is_int8 ? found->int8 : found->fp32;
}

static void affine(const struct cpu_arithmetic *a, const struct cpu_packed *w,
                   const struct stored *s, int32_t rows, const float *row_scale, float *out)
{
    float *pointers[ROWS];
    for (int r = 0; r < ROWS; r++)
        pointers[r] = out + r * COLS_MAX;
    a->affine(rows, w, s->rows, row_scale, pointers);
}

static void products_are_exact_sums_on_every_instruction_set(void **state)
{
    (void)state;
    static float out[ROWS * COLS_MAX], generic[ROWS * COLS_MAX];
    static struct stored stored;
    uint64_t seed = 5;
    for (int round = 0; round < 30; round++) {
        const int32_t units = 16 * (1 + network_below(&seed, 5)), rows = 1 + round % ROWS;
        const int gates = round % 2;
        struct example e = example_make(&seed, units, gates, round % 3);
        for (size_t i = 0; i < COUNT(network_isas); i++) {
            const struct cpu_arithmetic *a = arithmetic_of(network_isas[i], 1);
            void *memory;
            if (!a)
                continue;
            struct cpu_packed w = pack(a, &e, 1, &memory);
            store(a, e.states, &stored);
            memset(out, 0x5a, sizeof out);
            affine(a, &w, &stored, rows, round % 4 ? NULL : e.row_scale, out);
            free(memory);
            if (i > 0) {
                assert_memory_equal(out, generic, sizeof out);
                continue;
            }
            memcpy(generic, out, sizeof out);
            for (int32_t r = 0; r < rows; r++)
                for (int32_t p = 0; p < e.source.cols; p++) {
                    const size_t c = cpu_packed_column(&e.source, (size_t)p);
                    int32_t sum = 0;
                    for (int32_t k = 0; k < e.depth; k++)
                        sum += e.numbers[c * (size_t)e.depth + (size_t)k] *
                               (int32_t)rintf(127.0f * e.states[r * DEPTH_MAX + k]);
                    float scale = e.scale[c] / 127.0f;
                    if (round % 4 == 0)
                        scale = e.row_scale[r] * scale;
                    const float expected =
                        fmaf((float)sum, scale, e.source.bias ? e.bias[c] : 0.0f);
                    if (out[r * COLS_MAX + p] != expected)
                        fail_msg("round %d, row %d, column %d: %.9g, expected %.9g", round, r, p,
                                 (double)out[r * COLS_MAX + p], (double)expected);
                }
        }
        example_free(&e);
    }
}

static void fp32_products_are_those_of_double_precision(void **state)
{
    (void)state;
    static float out[ROWS * COLS_MAX], generic[ROWS * COLS_MAX];
    static struct stored stored;
    uint64_t seed = 6;
    for (int round = 0; round < 20; round++) {
        struct example e = example_make(&seed, 16 * (1 + network_below(&seed, 5)), round % 2, 1);
        for (size_t i = 0; i < COUNT(network_isas); i++) {
            const struct cpu_arithmetic *a = arithmetic_of(network_isas[i], 0);
            void *memory;
            if (!a)
                continue;
            struct cpu_packed w = pack(a, &e, 0, &memory);
            store(a, e.states, &stored);
            memset(out, 0, sizeof out);
            affine(a, &w, &stored, ROWS, NULL, out);
            free(memory);
            if (i > 0) {
                assert_memory_equal(out, generic, sizeof out);
                continue;
            }
            memcpy(generic, out, sizeof out);
            for (int32_t r = 0; r < ROWS; r++)
                for (int32_t p = 0; p < e.source.cols; p++) {
                    const size_t c = cpu_packed_column(&e.source, (size_t)p);
                    double sum = (double)e.bias[c];
                    for (int32_t k = 0; k < e.depth; k++)
                        sum += (double)e.weights[c * (size_t)e.depth + (size_t)k] *
                               (double)e.states[r * DEPTH_MAX + k];
                    if (!(fabs((double)out[r * COLS_MAX + p] - sum) < 1e-4))
                        fail_msg("row %d, column %d: %.9g, expected %.9g", r, p,
                                 (double)out[r * COLS_MAX + p], sum);
                }
        }
        example_free(&e);
    }
}

/* Steps of random weights: rows of any number, the first step among them. */
static void a_step_is_the_cell_of_its_products(void **state)
{
    (void)state;
    enum { UNITS = 48 };
    static float products[ROWS][4 * UNITS], z[ROWS * COLS_MAX], cells[2][ROWS * UNITS];
    static struct stored stored;
    static char after[2][ROWS][UNITS * sizeof(float)];
    uint64_t seed = 7;
    for (int round = 0; round < 60; round++) {
        const int is_int8 = round % 2, is_first = round % 5 == 0;
        const int32_t rows = 1 + round % ROWS;
        struct example e = example_make(&seed, UNITS, 1, 0);
        network_fill(&seed, 6.0f, ROWS * 4 * UNITS, products[0]);
        network_fill(&seed, 3.0f, ROWS * UNITS, cells[0]);
        float before[ROWS * UNITS];
        memcpy(before, cells[0], sizeof before);
        for (size_t i = 0; i < COUNT(network_isas); i++) {
            const struct cpu_arithmetic *a = arithmetic_of(network_isas[i], is_int8);
            uint16_t halves[ROWS][4 * UNITS];
            const void *input[ROWS];
            void *memory, *out[ROWS];
            if (!a)
                continue;
            struct cpu_packed w = pack(a, &e, is_int8, &memory);
            store(a, e.states, &stored);
            for (int r = 0; r < ROWS; r++) {
                floats_write(SAFETENSORS_F16, products[r], 4 * UNITS, (unsigned char *)halves[r]);
                input[r] = is_int8 ? (const void *)halves[r] : products[r];
                out[r] = after[i > 0][r];
            }
            memcpy(cells[i > 0], before, sizeof before);
            a->step(rows, UNITS, &w, is_first, input, input, stored.rows, cells[i > 0], out);
            affine(a, &w, &stored, rows, NULL, z);
            for (int32_t r = 0; r < rows; r++) {
                float states[UNITS];
                a->load(UNITS, after[i > 0][r], states);
                if (i > 0) {
                    float first[UNITS];
                    arithmetic_of("generic", is_int8)->load(UNITS, after[0][r], first);
                    assert_memory_equal(states, first, sizeof first);
                    continue;
                }
                for (size_t j = 0; j < UNITS; j++) {
                    double gate[4];
                    for (size_t g = 0; g < 4; g++) {
                        const size_t p = j / 16 * CPU_GROUP + 16 * g + j % 16;
                        float given = products[r][p];
                        if (is_int8)
                            floats_read(SAFETENSORS_F16, (const unsigned char *)&halves[r][p], 1,
                                        &given);
                        gate[g] =
                            (double)given + (is_first ? 0.0 : (double)z[(size_t)r * COLS_MAX + p]);
                    }
                    const double was = is_first ? 0.0 : (double)before[(size_t)r * UNITS + j];
                    const double cell =
                        was / (1 + exp(-gate[1])) + tanh(gate[2]) / (1 + exp(-gate[0]));
                    const double expected = tanh(cell) / (1 + exp(-gate[3]));
                    /* the sums behind z have another order here */
                    if (!(fabs((double)cells[0][(size_t)r * UNITS + j] - cell) < 3e-5) ||
                        !(fabs((double)states[j] - expected) < (is_int8 ? 0.004 : 3e-5)))
                        fail_msg("round %d, row %d, unit %zu: cell %.9g, state %.9g; expected %.9g "
                                 "and %.9g",
                                 round, r, j, (double)cells[0][(size_t)r * UNITS + j],
                                 (double)states[j], cell, expected);
                }
            }
            if (i > 0)
                assert_memory_equal(cells[1], cells[0], (size_t)rows * UNITS * sizeof(float));
            free(memory);
        }
        example_free(&e);
    }
}

/* Every half there is, and what lies between them, through the input products. */
static void input_products_are_rounded_to_binary16(void **state)
{
    (void)state;
    enum { COLS = 64 };
    uint64_t seed = 8;
    int8_t numbers[COLS * 4] = { 0 };
    float scale[COLS], bias[COLS];
    const struct cpu_source_matrix source = {
        .piece = { { .int8 = numbers, .row = 4, .depth = 4 } },
        .scale = scale,
        .bias = bias,
        .cols = COLS,
        .divisor = 127.0f
    };
    for (int round = 0; round < 20000; round++) {
        uint16_t found[COLS], expected[COLS];
        for (int c = 0; c < COLS; c++) {
            uint32_t bits = network_random(&seed);
            if (round % 2) /* near the halves: 13 bits of rounding, often a tie */
                bits = (bits & 0xffffe000u) | (network_below(&seed, 2) ? 0x1000u : 0u);
            memcpy(&bias[c], &bits, sizeof bits);
            bias[c] = isfinite(bias[c]) ? ldexpf(bias[c], -(int)(bits % 3) * 40) : 1.0f;
            if (bias[c] == 0.0f)
                bias[c] = 0.0f; /* what zero and -0 add up to */
            scale[c] = 1.0f;
        }
        for (size_t i = 0; i < COUNT(network_isas); i++) {
            const struct cpu_arithmetic *a = arithmetic_of(network_isas[i], 1);
            char memory[4096];
            const float zeros[16] = { 0 };
            char states[16];
            if (!a)
                continue;
            assert_true(a->packed_size(COLS, 4) <= sizeof memory);
            struct cpu_packed w = a->pack(&source, memory);
            a->store(16, zeros, states);
            a->input(1, &w, (const void *const[]){ states }, NULL, (void *const[]){ found });
            if (i == 0)
                memcpy(expected, found, sizeof found);
            assert_memory_equal(found, expected, sizeof found);
        }
        for (int c = 0; c < COLS; c++) {
            uint16_t half;
            if (fabsf(bias[c]) >= 65520.0f)
                half = bias[c] < 0 ? 0xfc00 : 0x7c00;
            else
                floats_write(SAFETENSORS_F16, &bias[c], 1, (unsigned char *)&half);
            if (half != expected[c])
                fail_msg("%a is stored as %04x, expected %04x", (double)bias[c],
                         (unsigned)expected[c], (unsigned)half);
        }
    }
}

/* The deepest product that there is: of a decoder's context and state. */
static void the_largest_sums_are_exact(void **state)
{
    (void)state;
    enum { COLS = 16, DEPTH = 3 * 1024 };
    static int8_t numbers[COLS * DEPTH];
    static float states[DEPTH];
    static char stored[DEPTH];
    float scale[COLS], found[COLS];
    int64_t sums[COLS] = { 0 };
    for (int c = 0; c < COLS; c++) {
        scale[c] = 1.0f;
        for (int k = 0; k < DEPTH; k++) {
            numbers[c * DEPTH + k] = (int8_t)(k < c * 100 ? k % 255 - 127 : 127);
            sums[c] += 127 * numbers[c * DEPTH + k];
        }
    }
    for (int k = 0; k < DEPTH; k++)
        states[k] = 1.0f;
    const struct cpu_source_matrix source = {
        .piece = { { .int8 = numbers, .row = DEPTH, .depth = DEPTH } },
        .scale = scale,
        .cols = COLS,
        .divisor = 1.0f
    };
    for (size_t i = 0; i < COUNT(network_isas); i++) {
        const struct cpu_arithmetic *a = arithmetic_of(network_isas[i], 1);
        if (!a)
            continue;
        void *memory = network_memory(a->packed_size(COLS, DEPTH));
        struct cpu_packed w = a->pack(&source, memory);
        a->store(DEPTH, states, stored);
        a->affine(1, &w, (const void *const[]){ stored }, NULL, (float *const[]){ found });
        for (int c = 0; c < COLS; c++)
            if (found[c] != (float)sums[c])
                fail_msg("%s, column %d: %.9g, expected %.9g", a->isa, c, (double)found[c],
                         (double)sums[c]);
        free(memory);
    }
}

static void a_state_beyond_1_is_1(void **state)
{
    (void)state;
    const float x[16] = { 1.01f, -1.01f, 1.0039f, -1.0039f, 5.0f, -1e30f, 1.0f, -1.0f };
    for (size_t i = 0; i < COUNT(network_isas); i++) {
        const struct cpu_arithmetic *a = arithmetic_of(network_isas[i], 1);
        char stored[16];
        float back[16];
        if (!a)
            continue;
        a->store(16, x, stored);
        a->load(16, stored, back);
        for (int j = 0; j < 8; j++)
            if (back[j] != (j % 2 ? -1.0f : 1.0f))
                fail_msg("%s: %g is stored as %g", a->isa, (double)x[j], (double)back[j]);
    }
}

static void instruction_sets_are_found_by_name(void **state)
{
    (void)state;
    assert_string_equal(cpu_isa_pick("generic")->name, "generic");
    assert_null(cpu_isa_pick("sse9"));
    assert_non_null(cpu_isa_pick(NULL));
    for (size_t i = 0; i < COUNT(network_isas); i++)
        if (cpu_isa_pick(network_isas[i])) {
            assert_string_equal(cpu_isa_pick(network_isas[i])->name, network_isas[i]);
            assert_string_equal(arithmetic_of(network_isas[i], 1)->isa, network_isas[i]);
            assert_string_equal(arithmetic_of(network_isas[i], 1)->precision, "int8");
            assert_string_equal(arithmetic_of(network_isas[i], 0)->precision, "fp32");
        } else {
            print_message("skipped: %s, which this machine lacks\n", network_isas[i]);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(instruction_sets_are_found_by_name),
        cmocka_unit_test(products_are_exact_sums_on_every_instruction_set),
        cmocka_unit_test(fp32_products_are_those_of_double_precision),
        cmocka_unit_test(a_step_is_the_cell_of_its_products),
        cmocka_unit_test(input_products_are_rounded_to_binary16),
        cmocka_unit_test(the_largest_sums_are_exact),
        cmocka_unit_test(a_state_beyond_1_is_1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
