/* McNemar's exact test (train/mcnemar.h). */
#include "train/mcnemar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>

/* Whole binomial coefficients over powers of two; the last summed in exact fractions. */
static void agrees_with_sums_of_binomial_coefficients(void **state)
{
    static const struct {
        int64_t first, second;
        double p;
    } cases[] = {
        { 0, 0, 1 },
        { 1, 0, 1 },
        { 3, 3, 1 },
        { 0, 6, 2 * 1.0 / 64 },
        { 2, 8, 2 * (1.0 + 10 + 45) / 1024 },
        { 5, 15, 2 * (1.0 + 20 + 190 + 1140 + 4845 + 15504) / 1048576 },
        { 400, 500, 0.0009564441369 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double p = mcnemar_exact(cases[i].first, cases[i].second);
        if (!(fabs(p - cases[i].p) < 1e-6 * cases[i].p))
            fail_msg("%d, %d: %.9g, expected %.9g", (int)cases[i].first, (int)cases[i].second, p,
                     cases[i].p);
        assert_true(p == mcnemar_exact(cases[i].second, cases[i].first));
    }
}

/* There 0.5^n is no double, but its logarithm is one. */
static void many_rows_do_not_underflow(void **state)
{
    (void)state;
    assert_true(fabs(mcnemar_exact(500000, 500000) - 1) < 1e-6);
    double p = mcnemar_exact(498000, 502000); /* 4 standard deviations: near the normal's 6.3e-5 */
    assert_true(p > 6e-5 && p < 6.6e-5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_sums_of_binomial_coefficients),
        cmocka_unit_test(many_rows_do_not_underflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
