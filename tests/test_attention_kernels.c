/* The kernels of the decoder's attention against plain loops in double. */
#include "tests/kernel_tables.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { COUNT_MAX = 100, WIDTH_MAX = 96 };

/* Random inputs of a source, and what is there before a backward pass adds to it. */
struct source {
    float keys[COUNT_MAX * WIDTH_MAX], coverage[COUNT_MAX], query[WIDTH_MAX], fertility[WIDTH_MAX],
        score[WIDTH_MAX];
    float d_scores[COUNT_MAX];
};
struct source_gradient {
    float keys[COUNT_MAX * WIDTH_MAX], coverage[COUNT_MAX], query[WIDTH_MAX], fertility[WIDTH_MAX],
        score[WIDTH_MAX];
};

static double squashed(const struct source *s, size_t width, size_t i, size_t j)
{
    double sum = (double)s->keys[i * width + j] + (double)s->query[j];
    return tanh(sum + (double)s->coverage[i] * (double)s->fertility[j]);
}

static void check_aligned(const struct cpu_kernels *k, const struct source *s, size_t count,
                          size_t width)
{
    float scores[COUNT_MAX];
    k->align((int32_t)count, (int32_t)width, s->keys, s->query, s->coverage, s->fertility, s->score,
             scores);
    for (size_t i = 0; i < count; i++) {
        double expected = 0.0;
        for (size_t j = 0; j < width; j++)
            expected += (double)s->score[j] * squashed(s, width, i, j);
        check_close("score", k, (double)scores[i], expected, 5e-6);
    }
}

/* Each d_ against the sum of the slopes that it stands for. */
static void check_aligned_backward(const struct cpu_kernels *k, const struct source *s,
                                   size_t count, size_t width)
{
    static struct source_gradient start, d;
    uint64_t seed = 11;
    network_fill(&seed, 1.0f, sizeof start / sizeof(float), start.keys);
    d = start;
    k->align_backward((int32_t)count, (int32_t)width, s->keys, s->query, s->coverage, s->fertility,
                      s->score, s->d_scores, d.keys, d.query, d.coverage, d.fertility, d.score);
    for (size_t i = 0; i < count; i++) {
        double covered = (double)start.coverage[i];
        for (size_t j = 0; j < width; j++) {
            double u = squashed(s, width, i, j),
                   du = (double)s->d_scores[i] * (double)s->score[j] * (1.0 - u * u);
            check_close("d_keys", k, (double)d.keys[i * width + j],
                        (double)start.keys[i * width + j] + du, 2e-6);
            covered += du * (double)s->fertility[j];
        }
        check_close("d_coverage", k, (double)d.coverage[i], covered, 1e-5);
    }
    for (size_t j = 0; j < width; j++) {
        double query = (double)start.query[j], fertility = (double)start.fertility[j],
               score = (double)start.score[j];
        for (size_t i = 0; i < count; i++) {
            double u = squashed(s, width, i, j),
                   du = (double)s->d_scores[i] * (double)s->score[j] * (1.0 - u * u);
            query += du;
            fertility += du * (double)s->coverage[i];
            score += (double)s->d_scores[i] * u;
        }
        check_close("d_query", k, (double)d.query[j], query, 1e-5);
        check_close("d_fertility", k, (double)d.fertility[j], fertility, 1e-5);
        check_close("d_score", k, (double)d.score[j], score, 1e-5);
    }
    /* behind the last of everything nothing was touched */
    assert_true(same_bits(d.keys + count * width, start.keys + count * width,
                          COUNT_MAX * WIDTH_MAX - count * width));
    assert_true(same_bits(d.coverage + count, start.coverage + count, COUNT_MAX - count));
    assert_true(same_bits(d.query + width, start.query + width, WIDTH_MAX - width));
}

static void check_weighed(const struct cpu_kernels *k, const struct source *s, size_t count,
                          size_t width)
{
    float out[WIDTH_MAX];
    k->weigh((int32_t)count, (int32_t)width, s->coverage, s->keys, out);
    for (size_t j = 0; j < width; j++) {
        double expected = 0.0;
        for (size_t i = 0; i < count; i++)
            expected += (double)s->coverage[i] * (double)s->keys[i * width + j];
        check_close("weighed state", k, (double)out[j], expected, 1e-5);
    }
    k->tanh(width, memcpy(out, s->query, width * sizeof *out));
    for (size_t j = 0; j < width; j++)
        check_close("tanh", k, (double)out[j], tanh((double)s->query[j]), 3e-7);
}

static void attention_follows_its_formula(void **state)
{
    (void)state;
    static struct source s;
    uint64_t seed = 10;
    for (size_t t = 0; t < tables_count; t++)
        for (size_t width = 16; width <= WIDTH_MAX; width += 16)
            for (size_t count = 1; count <= COUNT_MAX; count += 1 + count / 4) {
                network_fill(&seed, 2.0f, sizeof s / sizeof(float), s.keys);
                check_aligned(tables[t], &s, count, width);
                check_aligned_backward(tables[t], &s, count, width);
                check_weighed(tables[t], &s, count, width);
            }
}

/* From all alike to one that wins; what is behind the count has to be 0, since sums go over it. */
static void normalised_scores_sum_to_one_and_the_rest_is_zero(void **state)
{
    (void)state;
    static const float scales[] = { 0.0f, 1.0f, 20.0f, 1e4f, 1e30f };
    uint64_t seed = 12;
    for (size_t t = 0; t < tables_count; t++)
        for (size_t count = 1; count <= COUNT_MAX; count++)
            for (size_t c = 0; c < COUNT(scales); c++) {
                size_t padded = (count + 15) / 16 * 16;
                float *x = random_floats(&seed, scales[c], padded); /* the rest is not 0 before */
                double exact[COUNT_MAX], top = -INFINITY, total = 0.0, sum = 0.0;
                for (size_t i = 0; i < count; i++)
                    top = fmax(top, (double)x[i]);
                for (size_t i = 0; i < count; i++)
                    total += exact[i] = exp((double)x[i] - top);
                tables[t]->normalise((int32_t)count, x);
                for (size_t i = 0; i < count; i++) {
                    check_close("share", tables[t], (double)x[i], exact[i] / total, 2e-6);
                    sum += (double)x[i];
                }
                check_close("sum of shares", tables[t], sum, 1.0, 1e-6);
                for (size_t i = count; i < padded; i++)
                    assert_true(x[i] == 0.0f);
                free(x);
            }
}

static int32_t first_above(int32_t first, int32_t count, const float *x, float bound)
{
    while (first < count && !(x[first] > bound))
        first++;
    return first;
}

/* Among them bounds that are met and numbers that are none; much of what lies behind is large. */
static void the_first_above_a_bound_is_found_wherever_one_begins(void **state)
{
    (void)state;
    float x[COUNT_MAX + 28];
    uint64_t seed = 13;
    for (int32_t count = 0; count <= COUNT_MAX; count++) {
        network_fill(&seed, 1.0f, COUNT(x), x);
        x[count / 2] = NAN;
        x[count / 3] = INFINITY;
        for (size_t i = (size_t)count; i < COUNT(x); i++)
            x[i] = i % 2 ? INFINITY : -INFINITY;
        const float bounds[] = { -1e30f, x[0], 0.0f, x[count / 4], 0.97f, INFINITY, NAN };
        for (int32_t first = 0; first <= count; first++)
            for (size_t b = 0; b < COUNT(bounds); b++)
                for (size_t t = 0; t < tables_count; t++)
                    if (tables[t]->above(first, count, x, bounds[b]) !=
                        first_above(first, count, x, bounds[b]))
                        fail_msg("%s: %d instead of %d above %g from %d to %d", tables[t]->isa,
                                 tables[t]->above(first, count, x, bounds[b]),
                                 first_above(first, count, x, bounds[b]), (double)bounds[b], first,
                                 count);
    }
}

static void a_scale_multiplies_each_number(void **state)
{
    (void)state;
    uint64_t seed = 14;
    for (size_t count = 0; count <= 96; count += 16)
        for (size_t t = 0; t < tables_count; t++) {
            float *x = random_floats(&seed, 4.0f, count + 1), expected[97];
            for (size_t i = 0; i < count; i++)
                expected[i] = 0.3f * x[i];
            expected[count] = x[count]; /* nothing behind them is touched */
            tables[t]->scale(count, 0.3f, x);
            assert_true(same_bits(x, expected, count + 1));
            free(x);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attention_follows_its_formula),
        cmocka_unit_test(normalised_scores_sum_to_one_and_the_rest_is_zero),
        cmocka_unit_test(the_first_above_a_bound_is_found_wherever_one_begins),
        cmocka_unit_test(a_scale_multiplies_each_number),
    };
    return cmocka_run_group_tests(tests, find_tables, NULL);
}
