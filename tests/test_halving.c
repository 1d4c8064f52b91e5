/* Successive halving and its candidates (train/halving.h). */
#include "train/halving.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

static const struct candidate of_model = { .from_model = 1,
                                           .hidden = 128,
                                           .epochs = 5,
                                           .rate = 5e-4,
                                           .drop_word = 0.1,
                                           .drop_embedding = 0.3,
                                           .drop_features = 0.5 },
                              scratch = { .hidden = 48, .epochs = 7, .rate = 2e-3 };

static int same(struct candidate a, struct candidate b)
{
    return a.from_model == b.from_model && a.hidden == b.hidden && a.epochs == b.epochs &&
           fabs(a.rate - b.rate) < 1e-12 && fabs(a.drop_word - b.drop_word) < 1e-12 &&
           fabs(a.drop_embedding - b.drop_embedding) < 1e-12 &&
           fabs(a.drop_features - b.drop_features) < 1e-12;
}

static void the_first_candidate_is_the_recipe_and_a_seed_repeats_the_others(void **state)
{
    const struct candidate_fixed nothing = { 0 };
    int differ = 0, of_scratch = 0;
    (void)state;
    assert_true(same(candidate_draw(&of_model, &scratch, &nothing, 1, 0), of_model));
    for (int32_t i = 1; i < HALVING_MAX; i++) {
        struct candidate c = candidate_draw(&of_model, &scratch, &nothing, 1, i);
        assert_true(same(c, candidate_draw(&of_model, &scratch, &nothing, 1, i)));
        differ += !same(c, candidate_draw(&of_model, &scratch, &nothing, 2, i));
        of_scratch += !c.from_model;
        assert_int_equal(c.hidden % 16, 0);
        assert_true(c.epochs >= 2 && c.epochs <= 12);
        assert_true(c.rate > 4 * 1e-4 / 4 && c.rate < 4 * 2.01e-3);
        assert_true(c.drop_word <= 0.2 && c.drop_embedding <= 0.5 && c.drop_features <= 0.6);
        assert_true(!c.from_model || c.hidden == of_model.hidden);
    }
    assert_int_equal(differ, HALVING_MAX - 1);
    assert_int_equal(of_scratch, HALVING_MAX / 4);
}

static void what_is_fixed_is_not_varied(void **state)
{
    const struct candidate_fixed all = { 1, 1, 1, 1, 1, 1, 1 }, rate = { .rate = 1 };
    int epochs_differ = 0;
    (void)state;
    for (int32_t i = 0; i < HALVING_MAX; i++) {
        assert_true(same(candidate_draw(&of_model, &scratch, &all, 1, i), of_model));
        assert_true(same(candidate_draw(&scratch, &scratch, &all, 1, i), scratch));
        struct candidate c = candidate_draw(&of_model, &scratch, &rate, 1, i);
        assert_true(c.rate == (c.from_model ? of_model.rate : scratch.rate));
        epochs_differ += c.epochs != of_model.epochs;
    }
    assert_true(epochs_differ > 5);
}

static void halves_stay_and_rows_double(void **state)
{
    static const struct {
        int32_t count, rounds, survivors[5];
        double shares[5];
    } cases[] = {
        { 1, 1, { 1 }, { 1 } },
        { 2, 1, { 2 }, { 1 } },
        { 8, 3, { 8, 4, 2 }, { 0.25, 0.5, 1 } },
        { 32, 5, { 32, 16, 8, 4, 2 }, { 0.0625, 0.125, 0.25, 0.5, 1 } },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(halving_rounds(cases[i].count), cases[i].rounds);
        for (int32_t r = 0; r < cases[i].rounds; r++) {
            assert_int_equal(halving_survivors(cases[i].count, r), cases[i].survivors[r]);
            assert_true(halving_share(cases[i].count, r) == cases[i].shares[r]);
        }
    }
}

/* The dearest survive, in the worst case. */
static void a_budget_pays_for_the_worst_case(void **state)
{
    double costs[HALVING_MAX];
    (void)state;
    for (int i = 0; i < HALVING_MAX; i++)
        costs[i] = i < 4 ? 1 + i : 1;
    assert_true(halving_cost(costs, 1) == 1);
    assert_true(halving_cost(costs, 2) == 3);
    assert_true(halving_cost(costs, 4) == 0.5 * 10 + 7);
    assert_true(halving_cost(costs, 8) == 0.25 * 14 + 0.5 * 10 + 7);
    assert_int_equal(halving_affordable(costs, 0.9), 0);
    assert_int_equal(halving_affordable(costs, 1), 1);
    assert_int_equal(halving_affordable(costs, 11.9), 2);
    assert_int_equal(halving_affordable(costs, 15.5), 8);
    assert_int_equal(halving_affordable(costs, 1e9), HALVING_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_candidate_is_the_recipe_and_a_seed_repeats_the_others),
        cmocka_unit_test(what_is_fixed_is_not_varied),
        cmocka_unit_test(halves_stay_and_rows_double),
        cmocka_unit_test(a_budget_pays_for_the_worst_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
