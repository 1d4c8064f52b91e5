/* A step of a summariser: the same in any number of shards, and as its options say; one of a
 * classifier by probabilities. */
#include "train/trainer.h"

#include "train/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PAIRS = 9, VOCAB = 288 };

static const struct lstm_sizes sizes = { VOCAB, 16, 16, 1, 0, 16, 4, 16, 16, 0 };

static void make_pairs(struct dataset *d)
{
    struct lstm_error err;
    uint64_t random = 5;
    assert_int_equal(dataset_room(d, PAIRS, 1, &err), LSTM_OK);
    d->tokens.ids = malloc(PAIRS * 60 * sizeof *d->tokens.ids);
    assert_non_null(d->tokens.ids);
    for (int32_t i = 0; i < PAIRS; i++) {
        int32_t source = 1 + (int32_t)random_below(&random, 40),
                target = 1 + (int32_t)random_below(&random, 10);
        for (int32_t t = 0; t < source + target; t++)
            d->tokens.ids[d->tokens.count++] = 1 + (int32_t)random_below(&random, VOCAB - 1);
        d->middles[d->texts++] = d->tokens.count - target;
        d->starts[d->texts] = d->tokens.count;
    }
}

/* One step on all pairs; the caller closes the trainer. */
static void step(const struct trainer_options *options, int64_t steps, struct trainer *t,
                 struct trainer_loss *loss)
{
    static const int32_t order[PAIRS] = { 8, 3, 1, 0, 2, 4, 7, 6, 5 };
    struct dataset d;
    struct lstm_error err;
    make_pairs(&d);
    assert_int_equal(trainer_open(&sizes, options, t, &err), LSTM_OK);
    trainer_start(t, NULL);
    t->steps = steps;
    assert_int_equal(trainer_step(t, &d, order, PAIRS, loss, &err), LSTM_OK);
    dataset_close(&d);
}

static const struct trainer_options plain = { .batch_tokens = 1000,
                                              .rate = 1e-3,
                                              .shards = 1,
                                              .threads = 2,
                                              .seed = 1,
                                              .coverage = 1,
                                              .coverage_from = 0 };

static void a_step_is_the_same_in_any_number_of_shards_but_for_rounding(void **state)
{
    struct trainer one, many;
    struct trainer_loss loss, same;
    (void)state;
    step(&plain, 10, &one, &loss);
    for (int32_t shards = 2; shards < 5; shards++) {
        struct trainer_options options = plain;
        options.shards = shards;
        step(&options, 10, &many, &same);
        assert_true(fabs(loss.loss - same.loss) < 1e-6 * loss.loss);
        assert_int_equal(loss.terms, same.terms);
        assert_int_equal(loss.tokens, same.tokens);
        for (size_t i = 0; i < one.count; i++) /* a tenth of the gradient */
            assert_true(fabsf(one.mean[i] - many.mean[i]) < 1e-6f);
        for (size_t i = 0; i < (size_t)shards * many.padded; i++)
            assert_true(fabsf(many.gradients[i]) <= 0);
        trainer_close(&many);
    }
    trainer_close(&one);
}

static void the_losses_are_what_the_options_ask_for(void **state)
{
    static const struct {
        double smoothing, coverage, coverage_from;
        int is_smoothed, is_covered;
    } cases[] = {
        { 0, 1, 0, 0, 1 },
        { 0, 1, 0.5, 0, 0 }, /* the first of ten steps */
        { 0, 0, 0, 0, 0 },
        { 0.1, 0, 0, 1, 0 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct trainer_options options = plain;
        struct trainer t;
        struct trainer_loss loss;
        options.smoothing = cases[i].smoothing;
        options.coverage = cases[i].coverage;
        options.coverage_from = cases[i].coverage_from;
        step(&options, 10, &t, &loss);
        assert_true(loss.coverage > 0 && loss.likelihood > 0);
        double expected = loss.likelihood + (cases[i].is_covered ? loss.coverage : 0);
        assert_int_equal(fabs(loss.loss - expected) > 1e-6 * expected, cases[i].is_smoothed);
        trainer_close(&t);
    }
}

static void dropout_is_noise_of_the_seed_in_training_alone(void **state)
{
    static const struct {
        double embedding, output;
    } cases[] = { { 0, 0 }, { 0.5, 0 }, { 0, 0.5 }, { 0.5, 0.5 } };
    double losses[4];
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct trainer_options options = plain;
        struct trainer t;
        struct trainer_loss loss, again;
        options.drop_embedding = cases[i].embedding;
        options.drop_features = cases[i].output;
        step(&options, 10, &t, &loss);
        trainer_close(&t);
        step(&options, 10, &t, &again);
        trainer_close(&t);
        assert_memory_equal(&loss.loss, &again.loss, sizeof loss.loss);
        losses[i] = loss.loss;
        for (int j = 0; j < i; j++)
            assert_true(fabs(losses[i] - losses[j]) > 1e-9);
    }
}

static void the_prior_is_what_an_untrained_decoder_writes(void **state)
{
    struct trainer t;
    struct trainer_loss even, known;
    struct dataset d;
    struct lstm_error err;
    float log_shares[VOCAB];
    (void)state;
    make_pairs(&d);
    for (int32_t k = 0; k < VOCAB; k++)
        log_shares[k] = k == LSTM_TOKEN_MASK ? logf(0.9f) : logf(0.1f / (VOCAB - 1));
    assert_int_equal(trainer_open(&sizes, &plain, &t, &err), LSTM_OK);
    trainer_start(&t, NULL);
    assert_int_equal(trainer_evaluate(&t, &d, NULL, &even, &err), LSTM_OK);
    trainer_prior(&t, log_shares);
    trainer_pack(&t);
    for (int32_t i = 0; i < PAIRS; i++) /* summaries that are empty: the end alone */
        d.middles[i] = d.starts[i + 1];
    assert_int_equal(trainer_evaluate(&t, &d, NULL, &known, &err), LSTM_OK);
    assert_int_equal(known.terms, PAIRS);
    /* it generates about half of each token, at first, and copying never ends a summary */
    assert_true(fabs(known.likelihood / PAIRS + log(0.45)) < 0.35);
    assert_true(even.likelihood / (double)even.terms > 4);
    trainer_close(&t);
    dataset_close(&d);
}

/* A step without dropout on texts whose share of the second class is given (NULL: they are of it).
 */
static void classify_step(const float *shares, struct trainer *t, struct trainer_loss *loss)
{
    static const struct lstm_sizes small = { VOCAB, 16, 16, 1, 2, 16, 4, 0, 0, 0 };
    static const int32_t order[] = { 2, 0, 1 };
    float copy[3];
    struct dataset d = { .texts = 3,
                         .tokens = { .ids = (int32_t[]){ 5, 9, 7, 300 - 20, 6, 8 }, .count = 6 },
                         .starts = (int32_t[]){ 0, 2, 3, 6 },
                         .classes = (int32_t[]){ 1, 1, 1 } };
    struct lstm_error err;
    for (int i = 0; shares && i < 3; i++)
        copy[i] = shares[i], d.classes[i] = shares[i] >= 0.5f, d.shares = copy;
    assert_int_equal(trainer_open(&small, &plain, t, &err), LSTM_OK);
    trainer_start(t, NULL);
    t->steps = 10;
    assert_int_equal(trainer_step(t, &d, order, 3, loss, &err), LSTM_OK);
}

static void a_precision_is_part_of_a_run_and_repeats_it(void **state)
{
    static const char *const precisions[] = { NULL, "fp32", "bf16", "bf16" };
    struct trainer runs[4], none;
    struct trainer_loss loss;
    struct trainer_options options = plain;
    struct lstm_error err;
    size_t size = 0;
    (void)state;
    for (int i = 0; i < 4; i++) {
        options.precision = precisions[i];
        options.shards = 2;
        options.threads = 1 + i % 2;
        step(&options, 10, &runs[i], &loss);
        size = runs[i].count * sizeof *runs[i].params;
    }
    assert_memory_equal(runs[0].params, runs[1].params, size);
    assert_memory_equal(runs[2].params, runs[3].params, size);
    assert_memory_not_equal(runs[1].params, runs[2].params, size);
    for (int i = 0; i < 4; i++)
        trainer_close(&runs[i]);
    options.precision = "fp8";
    assert_int_equal(trainer_open(&sizes, &options, &none, &err), LSTM_RANGE);
    assert_string_equal(err.text, "there is no precision fp8, use fp32 or bf16");
}

static void a_share_weighs_the_losses_and_gradients_of_the_classes(void **state)
{
    static const float none[3] = { 0, 0, 0 }, mixed[3] = { 0.25f, 0.25f, 0.25f };
    struct trainer whole, ends[2], mix;
    struct trainer_loss loss[4];
    (void)state;
    classify_step(NULL, &whole, &loss[0]);
    classify_step((const float[]){ 1, 1, 1 }, &ends[1], &loss[1]);
    classify_step(none, &ends[0], &loss[2]);
    classify_step(mixed, &mix, &loss[3]);
    assert_memory_equal(whole.mean, ends[1].mean, whole.count * sizeof *whole.mean);
    assert_true(fabs(loss[0].loss - loss[1].loss) <= 0);
    assert_true(fabs(loss[3].loss - (0.25 * loss[1].loss + 0.75 * loss[2].loss)) < 1e-6);
    assert_int_equal(loss[3].right, loss[2].right);
    int moved = 0;
    for (size_t i = 0; i < mix.count; i++) { /* a tenth of the gradient */
        assert_true(fabsf(mix.mean[i] - (0.25f * ends[1].mean[i] + 0.75f * ends[0].mean[i])) <
                    1e-6f);
        moved += fabsf(ends[1].mean[i] - ends[0].mean[i]) > 1e-4f;
    }
    assert_true(moved > 100);
    trainer_close(&whole), trainer_close(&ends[0]), trainer_close(&ends[1]), trainer_close(&mix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_precision_is_part_of_a_run_and_repeats_it),
        cmocka_unit_test(a_share_weighs_the_losses_and_gradients_of_the_classes),
        cmocka_unit_test(a_step_is_the_same_in_any_number_of_shards_but_for_rounding),
        cmocka_unit_test(the_losses_are_what_the_options_ask_for),
        cmocka_unit_test(dropout_is_noise_of_the_seed_in_training_alone),
        cmocka_unit_test(the_prior_is_what_an_untrained_decoder_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
