/* Command-line options from a table (train/options.h). */
#include "train/options.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <string.h>

struct values {
    const char *out;
    int32_t epochs;
    uint64_t seed;
    double rate;
    int quiet;
};

/* Parses up to eight words behind the command's name. */
static enum lstm_status parse(const char *const *words, struct values *values,
                              struct lstm_error *err)
{
    const struct option_spec specs[] = {
        { "--out", OPTION_TEXT, &values->out, 0, 0, "a file" },
        { "--epochs", OPTION_INT, &values->epochs, 1, 100, "passes" },
        { "--seed", OPTION_SEED, &values->seed, 0, 0, "a seed" },
        { "--rate", OPTION_REAL, &values->rate, 0.001, 1, "learning rate" },
        { "--quiet", OPTION_FLAG, &values->quiet, 0, 0, "no bar" },
    };
    char copies[9][80] = { "command" }, *argv[9] = { copies[0] };
    int argc = 1;
    for (; argc < 9 && words[argc - 1]; argc++) {
        argv[argc] = copies[argc];
        strncpy(copies[argc], words[argc - 1], sizeof *copies - 1);
    }
    static char kept[80]; /* values->out points into our copy */
    enum lstm_status rc = options_parse(argc, argv, specs, sizeof specs / sizeof *specs, err);
    if (values->out) {
        strncpy(kept, values->out, sizeof kept - 1);
        values->out = kept;
    }
    return rc;
}

static void values_follow_their_names_or_an_equals_sign(void **state)
{
    static const char *const cases[][9] = {
        { "--out", "a=b", "--epochs", "7", "--seed", "18446744073709551615", "--rate", "0.5" },
        { "--out=a=b", "--epochs=7", "--seed=18446744073709551615", "--rate=5e-1" },
        { "--epochs", "3", "--epochs", "7", "--out=a=b", "--seed=18446744073709551615",
          "--rate=.5" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct values values = { 0 };
        struct lstm_error err = { 0 };
        assert_int_equal(parse(cases[i], &values, &err), LSTM_OK);
        assert_string_equal(values.out, "a=b");
        assert_int_equal(values.epochs, 7);
        assert_true(values.seed == UINT64_MAX);
        assert_true(values.rate == 0.5);
        assert_false(values.quiet);
    }
}

static void what_is_not_given_keeps_its_default(void **state)
{
    static const char *const words[9] = { "--quiet" };
    struct values values = { .epochs = 5, .rate = 0.1 };
    struct lstm_error err = { 0 };
    (void)state;
    assert_int_equal(parse(words, &values, &err), LSTM_OK);
    assert_true(values.quiet);
    assert_int_equal(values.epochs, 5);
    assert_true(values.rate == 0.1);
    assert_null(values.out);
}

static void what_is_given_is_known_in_either_form(void **state)
{
    char *argv[] = { "command", "--rate", "1", "--epochs=3", "--seeds" };
    (void)state;
    assert_true(options_given(5, argv, "--rate"));
    assert_true(options_given(5, argv, "--epochs"));
    assert_false(options_given(5, argv, "--seed"));
    assert_false(options_given(5, argv, "command"));
}

static void refuses_with_the_option_the_value_and_the_bounds(void **state)
{
    static const struct {
        const char *words[9], *message;
    } cases[] = {
        { { "--epochs", "0" }, "--epochs is \"0\", expected a whole number from 1 to 100" },
        { { "--epochs", "101" }, "--epochs is \"101\", expected a whole number from 1 to 100" },
        { { "--epochs", "3x" }, "--epochs is \"3x\", expected a whole number from 1 to 100" },
        { { "--epochs=" }, "--epochs is \"\", expected a whole number from 1 to 100" },
        { { "--epochs", "99999999999999999999" }, "expected a whole number from 1 to 100" },
        { { "--rate", "nan" }, "--rate is \"nan\", expected a number from 0.001 to 1" },
        { { "--rate", "1.5" }, "--rate is \"1.5\", expected a number from 0.001 to 1" },
        { { "--seed", "-1" },
          "--seed is \"-1\", expected a whole number from 0 to 18446744073709551615" },
        { { "--seed", "18446744073709551616" },
          "expected a whole number from 0 to 18446744073709551615" },
        { { "--quiet=yes" }, "--quiet takes no value, but \"yes\" was given" },
        { { "--out" }, "--out needs a value" },
        { { "--out", "--epochs", "3" }, "--out needs a value" },
        { { "reviews.db" }, "unexpected \"reviews.db\", options begin with --" },
        { { "--epoch", "3" }, "unknown option --epoch, did you mean --epochs?" },
        { { "--speed=3" }, "unknown option --speed, did you mean --seed?" },
        { { "--ruiet" }, "unknown option --ruiet, did you mean --quiet?" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct values values = { 0 };
        struct lstm_error err = { 0 };
        assert_int_equal(parse(cases[i].words, &values, &err), LSTM_RANGE);
        if (!strstr(err.text, cases[i].message))
            fail_msg("case %zu: \"%s\", expected \"%s\"", i, err.text, cases[i].message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_follow_their_names_or_an_equals_sign),
        cmocka_unit_test(what_is_not_given_keeps_its_default),
        cmocka_unit_test(what_is_given_is_known_in_either_form),
        cmocka_unit_test(refuses_with_the_option_the_value_and_the_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
