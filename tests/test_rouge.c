/* ROUGE F1: the values are those of the Python package rouge-score 0.1.2, use_stemmer=False. */
#include "train/rouge.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct rouge_text text(const char *bytes)
{
    return (struct rouge_text){ bytes, strlen(bytes) };
}

static void the_numbers_are_those_of_rouge_score(void **state)
{
    static const struct {
        const char *reference, *output;
        double one, two, l;
    } cases[] = {
        { "Great dress for summer", "great summer dress", 0.8571428571428571, 0,
          0.57142857142857151 },
        { "the cat sat on the mat", "the the the cat", 0.59999999999999998, 0.25,
          0.40000000000000002 },
        { "police killed the gunman", "police kill the gunman", 0.75, 0.33333333333333331, 0.75 },
        { "police killed the gunman", "the gunman kill police", 0.75, 0.33333333333333331, 0.5 },
        { "a b c d e f", "f e d c b a", 1, 0, 0.16666666666666666 },
        { "Loves it!!! 10/10, would-buy again", "10 10 would buy it again", 0.92307692307692302,
          0.54545454545454541, 0.76923076923076916 },
        { "don't buy", "dont buy", 0.40000000000000002, 0, 0.40000000000000002 },
        { "don't buy", "don t buy", 1, 1, 1 },
        { "na\u00efve caf\u00e9", "naive cafe", 0, 0, 0 },
        { "na\u00efve caf\u00e9", "na ve caf", 1, 1, 1 },
        { "GRO\u00dfE \u0130ce 300\u212a", "gro e i ce 300k", 1, 1, 1 },
        { "!!!", "great", 0, 0, 0 },
        { "great", "...", 0, 0, 0 },
        { "", "", 0, 0, 0 },
        { "one", "one", 1, 0, 1 },
        { "one two one two one", "one two one", 0.74999999999999989, 0.66666666666666663,
          0.74999999999999989 },
        { "snake_case_name v2.0", "snake case name v2 0", 1, 1, 1 },
        { "common data files for the game engine", "data files for the common game",
          0.92307692307692302, 0.54545454545454541, 0.76923076923076916 },
        { "\u6771\u4eac great", "great \u6771\u4eac", 1, 0, 1 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rouge_text reference = text(cases[i].reference), output = text(cases[i].output);
        struct rouge rouge;
        struct lstm_error err;
        assert_int_equal(rouge_score(&reference, &output, NULL, &rouge, &err), LSTM_OK);
        if (fabs(rouge.one - cases[i].one) > 1e-12 || fabs(rouge.two - cases[i].two) > 1e-12 ||
            fabs(rouge.l - cases[i].l) > 1e-12)
            fail_msg("\"%s\", \"%s\": %.17g %.17g %.17g", cases[i].reference, cases[i].output,
                     rouge.one, rouge.two, rouge.l);
    }
}

static void words_of_the_output_that_the_source_lacks_are_novel(void **state)
{
    static const struct {
        const char *source, *output;
        int32_t words, novel;
    } cases[] = {
        { "The tea was warm.", "Warm tea", 2, 0 },
        { "The tea was warm.", "great, great tea!", 3, 2 },
        { "", "one two", 2, 2 },
        { "one", "", 0, 0 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rouge_text source = text(cases[i].source), output = text(cases[i].output);
        struct rouge rouge;
        struct lstm_error err;
        assert_int_equal(rouge_score(&source, &output, &source, &rouge, &err), LSTM_OK);
        assert_int_equal(rouge.words, cases[i].words);
        assert_int_equal(rouge.novel, cases[i].novel);
    }
}

static void invented_numbers_and_repeated_trigrams_are_counted(void **state)
{
    static const struct {
        const char *source, *output;
        int32_t numbers, repeats;
    } cases[] = {
        { "Runs 4 days at 20C.", "4 days, 20c", 0, 0 },
        { "Runs 4 days at 20C.", "5 days, 20 c, 4x", 3, 0 },
        { "", "a b c a b", 0, 0 },
        { "", "a b c A, B. C", 0, 1 },
        { "", "a a a a a", 0, 2 },
        { "", "a b", 0, 0 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rouge_text source = text(cases[i].source), output = text(cases[i].output);
        struct rouge rouge;
        struct lstm_error err;
        assert_int_equal(rouge_score(&source, &output, &source, &rouge, &err), LSTM_OK);
        assert_int_equal(rouge.numbers, cases[i].numbers);
        assert_int_equal(rouge.repeats, cases[i].repeats);
    }
}

static void any_bytes_are_text(void **state)
{
    const struct rouge_text broken = { "a\xe2\x84\0b\xc4", 6 }, plain = text("a b");
    struct rouge rouge;
    struct lstm_error err;
    (void)state;
    assert_int_equal(rouge_score(&broken, &plain, &broken, &rouge, &err), LSTM_OK);
    assert_true(fabs(rouge.l - 1) < 1e-12);
    assert_int_equal(rouge.novel, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_numbers_are_those_of_rouge_score),
        cmocka_unit_test(words_of_the_output_that_the_source_lacks_are_novel),
        cmocka_unit_test(invented_numbers_and_repeated_trigrams_are_counted),
        cmocka_unit_test(any_bytes_are_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
