/* Pairs of text and summary as tokens: what is cut, what is left out, what is counted. */
#include "train/pairs.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) ((int32_t)(sizeof(array) / sizeof *(array)))

enum { VOCAB = LSTM_TOKEN_FIRST + 3, TEA = LSTM_TOKEN_FIRST, WARM, COLD };

static const char vocabulary[] = " tea\n warm\n cold\n";
static struct lstm_tokenizer *tokenizer;

static int open_tokenizer(void **state)
{
    struct lstm_error err;
    (void)state;
    return lstm_tokenizer_open(vocabulary, strlen(vocabulary), &tokenizer, &err) != LSTM_OK;
}

static int close_tokenizer(void **state)
{
    (void)state;
    lstm_tokenizer_close(tokenizer);
    return 0;
}

static void open_pairs(const struct row *items, int32_t count, struct pairs_limits limits,
                       struct dataset *d, struct pairs_report *report)
{
    struct row copy[8];
    struct rows rows = { .count = count, .rows = copy };
    struct lstm_error err;
    memcpy(copy, items, (size_t)count * sizeof *copy);
    for (int32_t i = 0; i < count; i++)
        copy[i].size = strlen(copy[i].text);
    assert_int_equal(pairs_open(tokenizer, &rows, &limits, d, report, &err), LSTM_OK);
}

static void a_pair_is_its_source_and_then_its_summary(void **state)
{
    static const struct row rows[] = { { "warm tea", 0, "tea" },
                                       { "cold cold tea", 0, "cold tea" } };
    static const int32_t ids[] = { WARM, TEA, TEA, COLD, COLD, TEA, COLD, TEA };
    static const int32_t starts[] = { 0, 3, 8 }, middles[] = { 2, 6 };
    struct dataset d;
    struct pairs_report report;
    (void)state;
    open_pairs(rows, COUNT(rows), (struct pairs_limits){ 10, 10 }, &d, &report);
    assert_int_equal(d.texts, 2);
    assert_int_equal(d.tokens.count, COUNT(ids));
    assert_memory_equal(d.tokens.ids, ids, sizeof ids);
    assert_memory_equal(d.starts, starts, sizeof starts);
    assert_memory_equal(d.middles, middles, sizeof middles);
    assert_int_equal(report.targets, 3);
    assert_null(d.classes);
    dataset_close(&d);
}

static void long_texts_are_cut_and_long_or_empty_pairs_left_out_and_both_counted(void **state)
{
    static const struct row rows[] = {
        { "warm warm tea", 0, "tea" },           /* cut to two tokens */
        { "warm tea", 0, "cold cold cold tea" }, /* too long a summary */
        { "warm warm warm tea", 0,
          "cold cold cold cold tea" }, /* left out, so not counted as cut */
        { "", 0, "tea" },
        { "tea", 0, " " },
        { "cold", 0, "tea tea tea" }, /* exactly as long as may be */
    };
    static const int32_t ids[] = { WARM, WARM, TEA, COLD, TEA, TEA, TEA };
    struct dataset d;
    struct pairs_report report;
    (void)state;
    open_pairs(rows, COUNT(rows), (struct pairs_limits){ 2, 3 }, &d, &report);
    assert_int_equal(d.texts, 2);
    assert_int_equal(d.tokens.count, COUNT(ids));
    assert_memory_equal(d.tokens.ids, ids, sizeof ids);
    assert_int_equal(report.cut, 1);
    assert_int_equal(report.too_long, 2);
    assert_int_equal(d.empty, 2);
    assert_int_equal(report.targets, 4);
    dataset_close(&d);
}

static void rows_without_summaries_are_refused(void **state)
{
    struct row row = { "tea", 3, NULL };
    struct rows rows = { .count = 1, .rows = &row };
    const struct pairs_limits limits = { 10, 10 };
    struct dataset d;
    struct pairs_report report;
    struct lstm_error err;
    (void)state;
    assert_int_equal(pairs_open(tokenizer, &rows, &limits, &d, &report, &err), LSTM_RANGE);
    assert_non_null(strstr(err.text, "no summary: select text and summary"));
    assert_null(d.starts);
}

static void a_split_keeps_source_and_summary_together(void **state)
{
    enum { PAIRS = 200 };
    static struct row items[PAIRS];
    struct rows rows = { .count = PAIRS, .rows = items };
    const struct pairs_limits limits = { 10, 10 };
    struct dataset d, held;
    struct pairs_report report;
    struct lstm_error err;
    (void)state;
    for (int i = 0; i < PAIRS; i++)
        items[i] =
            i % 3 ? (struct row){ "warm tea", 8, "warm" } : (struct row){ "cold", 4, "cold tea" };
    assert_int_equal(pairs_open(tokenizer, &rows, &limits, &d, &report, &err), LSTM_OK);
    uint64_t whole = dataset_hash(&d, 0);
    assert_int_equal(dataset_split(&d, 0.3, 1, &held, &err), LSTM_OK);
    assert_int_equal(d.texts + held.texts, PAIRS);
    assert_true(held.texts > PAIRS / 5 && d.texts > PAIRS / 2);
    assert_true(dataset_hash(&d, 0) != whole);
    for (int half = 0; half < 2; half++) {
        const struct dataset *in = half ? &held : &d;
        for (int32_t i = 0; i < in->texts; i++) {
            const int32_t *ids = in->tokens.ids + in->starts[i];
            assert_int_equal(in->starts[i + 1] - in->starts[i], 3);
            assert_int_equal(in->middles[i] - in->starts[i], ids[0] == WARM ? 2 : 1);
            assert_int_equal(in->tokens.ids[in->middles[i]], ids[0]);
        }
    }
    dataset_close(&d);
    dataset_close(&held);
}

static void frequencies_count_summaries_and_their_ends_plus_one(void **state)
{
    static const struct row rows[] = { { "warm tea", 0, "tea" }, { "cold tea", 0, "cold tea" } };
    struct dataset d;
    struct pairs_report report;
    float log_shares[VOCAB];
    double total = VOCAB + 5, sum = 0;
    const struct {
        int32_t token;
        double count;
    } expected[] = {
        { TEA, 3 }, { COLD, 2 }, { WARM, 1 }, { LSTM_TOKEN_MASK, 3 }, { LSTM_TOKEN_BYTES, 1 }
    };
    (void)state;
    open_pairs(rows, COUNT(rows), (struct pairs_limits){ 10, 10 }, &d, &report);
    pairs_frequencies(&d, VOCAB, log_shares);
    for (int32_t i = 0; i < COUNT(expected); i++)
        assert_true(fabs((double)log_shares[expected[i].token] - log(expected[i].count / total)) <
                    1e-6);
    for (int32_t k = 0; k < VOCAB; k++)
        sum += exp((double)log_shares[k]);
    assert_true(fabs(sum - 1) < 1e-6);
    dataset_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pair_is_its_source_and_then_its_summary),
        cmocka_unit_test(long_texts_are_cut_and_long_or_empty_pairs_left_out_and_both_counted),
        cmocka_unit_test(rows_without_summaries_are_refused),
        cmocka_unit_test(a_split_keeps_source_and_summary_together),
        cmocka_unit_test(frequencies_count_summaries_and_their_ends_plus_one),
    };
    return cmocka_run_group_tests(tests, open_tokenizer, close_tokenizer);
}
