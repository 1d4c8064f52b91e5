/* The products of training against their definition, in every precision and instruction set. */
#include "model/cpu_products.h"
#include "tests/networks.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const isas[] = { "generic", "avx2", "avx512", "avx512bf16" };

static uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static void numbers_are_rounded_to_the_nearest_even(void **state)
{
    static const struct {
        uint32_t given;
        uint16_t stored;
    } cases[16] = {
        { 0x00000000, 0x0000 }, { 0x80000000, 0x8000 }, { 0x3f800000, 0x3f80 },
        { 0x3f808000, 0x3f80 }, /* half-way, down to even */
        { 0x3f818000, 0x3f82 }, /* half-way, up to even */
        { 0x3f808001, 0x3f81 }, { 0xbf80ffff, 0xbf81 }, { 0x3fffffff, 0x4000 },
        { 0x7f7fffff, 0x7f80 }, /* the largest float is beyond the largest number */
        { 0x7f800000, 0x7f80 }, { 0xff800000, 0xff80 }, { 0x7f800001, 0x7fc0 },
        { 0x7fc12345, 0x7fc1 }, { 0x007fffff, 0x0000 }, /* below the smallest normal float */
        { 0x80000001, 0x8000 }, { 0x00800000, 0x0080 },
    };
    float given[16], stored[8];
    (void)state;
    for (int i = 0; i < 16; i++)
        given[i] = float_of(cases[i].given);
    for (size_t t = 0; t < COUNT(isas); t++) {
        const struct cpu_products *p = cpu_products_pick("bf16", isas[t]);
        if (!p) {
            print_message("skipped: %s, which this machine lacks\n", isas[t]);
            continue;
        }
        uint16_t found[16];
        p->store(16, given, NULL, stored);
        memcpy(found, stored, sizeof found);
        for (int i = 0; i < 16; i++)
            if (found[i] != cases[i].stored)
                fail_msg("%s: %08x is stored as %04x, expected %04x", isas[t], cases[i].given,
                         found[i], cases[i].stored);
    }
}

/* Number i of a row of lanes as a float. */
static float number(const struct cpu_products *p, const float *row, size_t i)
{
    uint32_t bits = bits_of(row[i / p->group]);
    if (p->group == 1)
        return row[i];
    return float_of(i % 2 ? bits & 0xffff0000u : bits << 16);
}

/* sum + the products of two lanes, the upper numbers first. */
static float add_lanes(const struct cpu_products *p, float left, float right, float sum)
{
    for (size_t i = p->group; i-- > 0;)
        sum = fmaf(number(p, &left, i), number(p, &right, i), sum);
    return sum;
}

static void check_products(const struct cpu_products *p, int32_t rows, int32_t cols, int32_t depth,
                           uint64_t *seed)
{
    const size_t lanes = (size_t)depth / p->group, n = (size_t)cols;
    float *x = network_memory((size_t)(rows * depth) * sizeof *x),
          *w = network_memory((size_t)(cols * depth) * sizeof *w),
          *left = network_memory((size_t)rows * lanes * sizeof *left),
          *right = network_memory(n * lanes * sizeof *right),
          *c = network_memory((size_t)(rows * cols) * sizeof *c);
    network_fill(seed, 1.0f, (size_t)(rows * depth), x);
    network_fill(seed, 1.0f, (size_t)(cols * depth), w);
    network_fill(seed, 1.0f, (size_t)(rows * cols), c);
    float *before = memcpy(network_memory((size_t)(rows * cols) * sizeof *c), c,
                           (size_t)(rows * cols) * sizeof *c);
    for (size_t i = 0; i < (size_t)rows; i++)
        p->store((size_t)depth, x + i * (size_t)depth, NULL, left + i * lanes);
    p->pack(cols, depth, w, 1, (size_t)depth, right);
    p->gemm(rows, cols, (int32_t)lanes, (struct cpu_matrix){ left, lanes, 1 },
            (struct cpu_panels){ right, 16, 16 * lanes }, c, n);
    for (size_t i = 0; i < (size_t)rows; i++)
        for (size_t j = 0; j < n; j++) {
            float sum = before[i * n + j];
            for (size_t k = 0; k < lanes; k++)
                sum = add_lanes(p, left[i * lanes + k],
                                right[j / 16 * 16 * lanes + k * 16 + j % 16], sum);
            if (bits_of(sum) != bits_of(c[i * n + j]))
                fail_msg("%s of %s, %d x %d x %d: element %zu, %zu is %.9g, expected %.9g",
                         p->precision, p->isa, rows, cols, depth, i, j, (double)c[i * n + j],
                         (double)sum);
        }
    free(x), free(w), free(left), free(right), free(c), free(before);
}

static void products_add_lane_after_lane_the_upper_number_first(void **state)
{
    static const char *const precisions[] = { "fp32", "bf16" };
    uint64_t seed = 3;
    (void)state;
    for (size_t t = 0; t < COUNT(isas) * 2; t++) {
        const struct cpu_products *p = cpu_products_pick(precisions[t % 2], isas[t / 2]);
        for (int32_t rows = 1; p && rows <= 14; rows++)
            for (int32_t cols = 16; cols <= 96; cols += 16)
                check_products(p, rows, cols, rows % 3 ? 32 : 1056, &seed);
    }
}

/* Rows 4, none, 0, 2 and 1 of five, so that the last group is incomplete. */
static void stacked_operands_are_those_that_are_named(void **state)
{
    enum { ROWS = 5, COLS = 48 };
    static const int32_t place[ROWS] = { 4, -1, 0, 2, 1 };
    static const char *const precisions[] = { "fp32", "bf16" };
    uint64_t seed = 4;
    float x[ROWS * COLS], operands[ROWS * COLS], stacked[(ROWS + 1) * COLS];
    (void)state;
    network_fill(&seed, 1.0f, ROWS * COLS, x);
    for (size_t t = 0; t < COUNT(isas) * 2; t++) {
        const struct cpu_products *p = cpu_products_pick(precisions[t % 2], isas[t / 2]);
        if (!p)
            continue;
        const size_t stride = COLS / p->group, depth = (ROWS + p->group - 1) / p->group;
        for (size_t i = 0; i < ROWS; i++)
            p->store(COLS, x + i * COLS, NULL, operands + i * stride);
        for (int is_named = 0; is_named < 2; is_named++) {
            p->stack(ROWS, COLS, operands, stride, is_named ? place : NULL, stacked, 16,
                     16 * depth);
            for (size_t i = 0; i < depth * p->group; i++)
                for (size_t j = 0; j < COLS; j++) {
                    int32_t from = i >= ROWS ? -1 : is_named ? place[i] : (int32_t)i;
                    float lane = stacked[j / 16 * 16 * depth + i / p->group * 16 + j % 16];
                    float expected =
                        from < 0 ? 0.0f : number(p, operands + (size_t)from * stride, j);
                    float found = number(p, &lane, i % p->group);
                    if (bits_of(found) != bits_of(expected))
                        fail_msg("%s of %s: number %zu of row %zu is %.9g, expected %.9g",
                                 p->precision, p->isa, j, i, (double)found, (double)expected);
                }
        }
    }
}

static void the_best_table_of_a_precision_is_picked(void **state)
{
    (void)state;
    assert_null(cpu_products_pick("fp16", NULL));
    assert_null(cpu_products_pick("bf16", "sse9"));
    assert_null(cpu_products_pick("fp32", "avx512bf16"));
    assert_string_equal(cpu_products_pick("bf16", "generic")->isa, "generic");
    for (size_t t = 0; t < COUNT(isas); t++)
        if (cpu_products_pick("bf16", isas[t]))
            assert_string_equal(cpu_products_pick("bf16", isas[t])->precision, "bf16");
    if (cpu_products_pick("bf16", "avx512bf16"))
        assert_string_equal(cpu_products_pick("bf16", NULL)->isa, "avx512bf16");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_table_of_a_precision_is_picked),
        cmocka_unit_test(numbers_are_rounded_to_the_nearest_even),
        cmocka_unit_test(products_add_lane_after_lane_the_upper_number_first),
        cmocka_unit_test(stacked_operands_are_those_that_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
