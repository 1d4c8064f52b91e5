/* Labels, batches and splits of a training set. */
#include "train/dataset.h"

#include "train/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TEXTS = 3000, BATCH = 500 };

/* Texts of 1 to 200 tokens; text i is all token 257 + i % 50, its class i % 2. */
static void make_dataset(struct dataset *d)
{
    uint64_t random = 3;
    *d = (struct dataset){ .texts = TEXTS };
    d->starts = calloc(TEXTS + 1, sizeof *d->starts);
    d->classes = calloc(TEXTS, sizeof *d->classes);
    d->rows = calloc(TEXTS, sizeof *d->rows);
    d->tokens.ids = calloc(TEXTS * 200, sizeof *d->tokens.ids);
    assert_true(d->starts && d->classes && d->rows && d->tokens.ids);
    for (int32_t i = 0; i < TEXTS; i++) {
        int32_t length = 1 + (int32_t)random_below(&random, 200);
        for (int32_t t = 0; t < length; t++)
            d->tokens.ids[d->tokens.count++] = 257 + i % 50;
        d->starts[i + 1] = d->tokens.count;
        d->classes[i] = i % 2;
        d->rows[i] = 3 * i;
    }
}

static void every_text_is_in_exactly_one_batch_beside_texts_of_its_length(void **state)
{
    struct dataset d;
    struct epoch_plan plan;
    struct lstm_error err;
    int seen[TEXTS] = { 0 };
    (void)state;
    make_dataset(&d);
    assert_int_equal(epoch_plan_open(&d, BATCH, 1, 0, &plan, &err), LSTM_OK);
    assert_int_equal(plan.batches[0], 0);
    assert_int_equal(plan.batches[plan.count], TEXTS);
    int small = 0, wide = 0;
    for (int32_t b = 0; b < plan.count; b++) {
        int32_t tokens = 0, shortest = 200, longest = 0;
        assert_true(plan.batches[b] < plan.batches[b + 1]);
        for (int32_t i = plan.batches[b]; i < plan.batches[b + 1]; i++) {
            int32_t text = plan.order[i], length = d.starts[text + 1] - d.starts[text];
            seen[text]++;
            tokens += length;
            shortest = length < shortest ? length : shortest;
            longest = length > longest ? length : longest;
        }
        small += tokens < BATCH;
        wide += longest > 2 * shortest + 8;
        assert_true(tokens < BATCH + 200);
    }
    for (int i = 0; i < TEXTS; i++)
        assert_int_equal(seen[i], 1);
    assert_true(small <= 1 + d.tokens.count / (50 * BATCH)); /* the last of each pool */
    assert_true(wide <= plan.count / 20);
    epoch_plan_close(&plan);
    dataset_close(&d);
}

static void the_order_depends_on_the_seed_and_the_epoch_alone(void **state)
{
    static const struct {
        uint64_t seed;
        int32_t epoch;
        int same;
    } cases[] = { { 1, 0, 1 }, { 1, 1, 0 }, { 2, 0, 0 } };
    struct dataset d;
    struct epoch_plan first, other;
    struct lstm_error err;
    (void)state;
    make_dataset(&d);
    assert_int_equal(epoch_plan_open(&d, BATCH, 1, 0, &first, &err), LSTM_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(epoch_plan_open(&d, BATCH, cases[i].seed, cases[i].epoch, &other, &err),
                         LSTM_OK);
        assert_int_equal(!memcmp(first.order, other.order, TEXTS * sizeof *first.order),
                         cases[i].same);
        epoch_plan_close(&other);
    }
    epoch_plan_close(&first);
    dataset_close(&d);
}

static void a_split_moves_whole_texts_and_keeps_their_order(void **state)
{
    struct dataset d, all, held;
    struct lstm_error err;
    (void)state;
    make_dataset(&d);
    make_dataset(&all);
    assert_int_equal(dataset_split(&d, 0.1, 1, &held, &err), LSTM_OK);
    assert_int_equal(d.texts + held.texts, TEXTS);
    assert_true(held.texts > TEXTS / 20 && held.texts < TEXTS / 6);
    for (int32_t i = 0, kept = 0, moved = 0; i < TEXTS; i++) {
        int32_t length = all.starts[i + 1] - all.starts[i];
        const int32_t *ids = all.tokens.ids + all.starts[i];
        int is_kept = kept < d.texts && d.starts[kept + 1] - d.starts[kept] == length &&
                      !memcmp(d.tokens.ids + d.starts[kept], ids, (size_t)length * sizeof *ids);
        const struct dataset *in = is_kept ? &d : &held;
        int32_t at = is_kept ? kept++ : moved++;
        assert_true(at < in->texts);
        assert_int_equal(in->starts[at + 1] - in->starts[at], length);
        assert_memory_equal(in->tokens.ids + in->starts[at], ids, (size_t)length * sizeof *ids);
        assert_int_equal(in->classes[at], all.classes[i]);
        assert_int_equal(in->rows[at], 3 * i);
    }
    dataset_close(&d);
    dataset_close(&all);
    dataset_close(&held);
}

/* rows is 3 * i of text i. */
static void a_smaller_sample_is_within_a_larger_one(void **state)
{
    static const double shares[] = { 0.25, 0.5, 1 };
    struct dataset all, sample[3];
    struct lstm_error err;
    (void)state;
    make_dataset(&all);
    for (int s = 0; s < 3; s++) {
        assert_int_equal(dataset_sample(&all, shares[s], 1, &sample[s], &err), LSTM_OK);
        const int32_t expected = (int32_t)(TEXTS * shares[s]);
        assert_in_range(sample[s].texts, expected - expected / 4, expected + expected / 4);
        for (int32_t i = 0; i < sample[s].texts; i++) {
            const int32_t of = sample[s].rows[i] / 3, length = all.starts[of + 1] - all.starts[of];
            assert_int_equal(sample[s].starts[i + 1] - sample[s].starts[i], length);
            assert_memory_equal(sample[s].tokens.ids + sample[s].starts[i],
                                all.tokens.ids + all.starts[of], (size_t)length * sizeof(int32_t));
        }
    }
    assert_int_equal(sample[2].texts, TEXTS);
    for (int32_t i = 0, at = 0; i < sample[0].texts; i++, at++) {
        while (at < sample[1].texts && sample[1].rows[at] != sample[0].rows[i])
            at++;
        assert_true(at < sample[1].texts);
    }
    for (int s = 0; s < 3; s++)
        dataset_close(&sample[s]);
    dataset_close(&all);
}

static void collect(const char *const *names, int32_t count, int sentiment, struct labels *labels,
                    enum lstm_status expected, struct lstm_error *err)
{
    struct row items[300];
    char many[300][16];
    struct rows rows = { .count = count, .rows = items };
    for (int32_t i = 0; i < count; i++) {
        snprintf(many[i], sizeof many[i], "label %d", i);
        items[i] = (struct row){ .text = "a", .size = 1, .label = names ? names[i] : many[i] };
    }
    assert_int_equal(labels_collect(&rows, sentiment, labels, err), expected);
}

static void labels_are_ordered_by_value_and_refused_with_a_reason(void **state)
{
    static struct labels labels;
    struct lstm_error err = { 0 };
    (void)state;
    collect((const char *const[]){ "10", "9", "10", "2" }, 4, 0, &labels, LSTM_OK, &err);
    assert_int_equal(labels.count, 3);
    assert_string_equal(labels.names[0], "2");
    assert_string_equal(labels.names[2], "10");
    collect((const char *const[]){ "1", "0" }, 2, 1, &labels, LSTM_OK, &err);
    assert_string_equal(labels.names[0], "negative");
    assert_string_equal(labels.names[1], "positive");
    collect((const char *const[]){ "10", "9", "1a", "2" }, 4, 0, &labels, LSTM_OK, &err);
    assert_string_equal(labels.names[0], "10"); /* not all are numbers, so all are text */
    assert_string_equal(labels.names[1], "1a");
    collect((const char *const[]){ "1", "1" }, 2, 1, &labels, LSTM_RANGE, &err);
    assert_non_null(
        strstr(err.text, "0 rows are negative and 2 positive, at least 1 of each is needed"));
    collect((const char *const[]){ "a", "a" }, 2, 0, &labels, LSTM_RANGE, &err);
    assert_non_null(strstr(err.text, "1 distinct label, at least 2"));
    collect((const char *const[]){ "a", "" }, 2, 0, &labels, LSTM_RANGE, &err);
    assert_non_null(strstr(err.text, "row 2: a label has 1 to 63 bytes, this one 0"));
    collect((const char *const[]){ "a", NULL }, 2, 0, &labels, LSTM_RANGE, &err);
    assert_non_null(strstr(err.text, "the rows have no label"));
    collect(NULL, 257, 0, &labels, LSTM_RANGE, &err);
    assert_non_null(strstr(err.text, "more than 256 distinct labels"));
}

static void a_label_that_is_not_known_is_named(void **state)
{
    static struct labels labels;
    struct lstm_tokenizer *tokenizer;
    struct dataset d;
    struct lstm_error err = { 0 };
    struct row items[] = { { "fine", 4, "1" }, { " ", 1, "0" }, { "awful", 5, "maybe" } };
    struct rows rows = { .count = 2, .rows = items };
    (void)state;
    assert_int_equal(lstm_tokenizer_open(" \na\n", 4, &tokenizer, &err), LSTM_OK);
    assert_int_equal(labels_collect(&rows, 1, &labels, &err), LSTM_OK);
    assert_int_equal(dataset_open(tokenizer, &rows, &labels, &d, &err), LSTM_OK);
    assert_int_equal(d.texts, 1);
    assert_int_equal(d.classes[0], 1);
    assert_int_equal(d.empty, 1);
    dataset_close(&d);
    rows.count = 3;
    assert_int_equal(dataset_open(tokenizer, &rows, &labels, &d, &err), LSTM_RANGE);
    assert_string_equal(
        err.text, "row 3: label \"maybe\" is neither negative nor positive nor a number from 0 "
                  "to 1, the probability of positive");
    lstm_tokenizer_close(tokenizer);
}

static void a_sentiment_label_is_a_class_or_a_probability(void **state)
{
    static const struct {
        const char *label;
        int32_t class;
        float share;
    } cases[] = {
        { "0", 0, 0.0f },        { "1", 1, 1.0f },     { "negative", 0, 0.0f },
        { "positive", 1, 1.0f }, { "0.0", 0, 0.0f },   { "1.0", 1, 1.0f },
        { "0.25", 0, 0.25f },    { "0.5", 1, 0.5f },   { "0.75", 1, 0.75f },
        { "1.001", -1, 0.0f },   { "-0.1", -1, 0.0f }, { "nan", -1, 0.0f },
        { "0.5 ", -1, 0.0f },    { "", -1, 0.0f },
    };
    static struct labels labels = { .count = 2,
                                    .names = { "negative", "positive" },
                                    .sentiment = 1 };
    struct lstm_tokenizer *tokenizer;
    struct lstm_error err = { 0 };
    (void)state;
    assert_int_equal(lstm_tokenizer_open(" \na\n", 4, &tokenizer, &err), LSTM_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct row items[] = { { "fine", 4, cases[i].label }, { "fine", 4, "0.125" } };
        const struct rows rows = { .count = 2, .rows = items };
        struct dataset d;
        enum lstm_status rc = dataset_open(tokenizer, &rows, &labels, &d, &err);
        assert_int_equal(rc, cases[i].class < 0 ? LSTM_RANGE : LSTM_OK);
        if (rc)
            continue;
        assert_int_equal(d.classes[0], cases[i].class);
        assert_true(fabsf(d.shares[0] - cases[i].share) <= 0);
        assert_true(fabsf(d.shares[1] - 0.125f) <= 0);
        dataset_close(&d);
    }
    lstm_tokenizer_close(tokenizer);
}

static void whole_labels_need_no_probabilities(void **state)
{
    static struct labels labels;
    struct row items[] = { { "a", 1, "1" }, { "a", 1, "0" }, { "a", 1, "positive" } };
    const struct rows rows = { .count = 3, .rows = items };
    struct lstm_tokenizer *tokenizer;
    struct dataset d;
    struct lstm_error err = { 0 };
    (void)state;
    assert_int_equal(lstm_tokenizer_open(" \na\n", 4, &tokenizer, &err), LSTM_OK);
    assert_int_equal(labels_collect(&rows, 1, &labels, &err), LSTM_OK);
    assert_int_equal(dataset_open(tokenizer, &rows, &labels, &d, &err), LSTM_OK);
    assert_null(d.shares);
    dataset_close(&d);
    lstm_tokenizer_close(tokenizer);
}

/* The shares follow their texts, and a checkpoint of other shares is of another run. */
static void probabilities_move_with_their_texts_and_change_the_hash(void **state)
{
    struct dataset d, held;
    struct lstm_error err;
    (void)state;
    make_dataset(&d);
    uint64_t whole = dataset_hash(&d, 0);
    d.shares = calloc(TEXTS, sizeof *d.shares);
    assert_non_null(d.shares);
    for (int32_t i = 0; i < TEXTS; i++) {
        d.shares[i] = (float)(i % 50) / 50;
        d.classes[i] = i % 50; /* of its token */
    }
    uint64_t soft = dataset_hash(&d, 0);
    d.shares[7] = 0.99f;
    assert_true(whole != soft && soft != dataset_hash(&d, 0));
    d.shares[7] = 0.14f;
    assert_int_equal(dataset_split(&d, 0.3, 1, &held, &err), LSTM_OK);
    const struct dataset *both[] = { &d, &held };
    for (int side = 0; side < 2; side++)
        for (int32_t i = 0; i < both[side]->texts; i++) {
            int32_t token = both[side]->tokens.ids[both[side]->starts[i]];
            assert_true(fabsf(both[side]->shares[i] - (float)(token - 257) / 50) < 1e-6f);
        }
    dataset_close(&d);
    dataset_close(&held);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_text_is_in_exactly_one_batch_beside_texts_of_its_length),
        cmocka_unit_test(the_order_depends_on_the_seed_and_the_epoch_alone),
        cmocka_unit_test(a_split_moves_whole_texts_and_keeps_their_order),
        cmocka_unit_test(a_smaller_sample_is_within_a_larger_one),
        cmocka_unit_test(labels_are_ordered_by_value_and_refused_with_a_reason),
        cmocka_unit_test(a_label_that_is_not_known_is_named),
        cmocka_unit_test(a_sentiment_label_is_a_class_or_a_probability),
        cmocka_unit_test(whole_labels_need_no_probabilities),
        cmocka_unit_test(probabilities_move_with_their_texts_and_change_the_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
