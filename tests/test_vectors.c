/* Word vectors by CBOW (train/vectors.c). The corpus is made up: texts of two topics that share
 * some words. */
#include "train/vectors.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TOPIC = 20, SHARED = 20, UNSEEN = 2 * TOPIC + SHARED, VOCAB = UNSEEN + 1 };
enum { TEXTS = 2000, LENGTH = 30, TOKENS = TEXTS * LENGTH, DIMENSION = 32 };

static const struct vectors_options usual = { .dimension = DIMENSION,
                                              .epochs = 3,
                                              .window = 5,
                                              .negatives = 5,
                                              .subsample = 0,
                                              .rate = 0.05,
                                              .seed = 1 };

static int32_t tokens[TOKENS];
static int64_t starts[TEXTS + 1];

/* Topic 0 has tokens 0..19, topic 1 20..39; 40..59 stand in both; 60 is never met. */
static int make_corpus(void **state)
{
    uint64_t random = 12345;
    (void)state;
    for (int text = 0; text < TEXTS; text++) {
        starts[text] = (int64_t)text * LENGTH;
        for (int i = 0; i < LENGTH; i++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            int32_t drawn = (int32_t)(random >> 33) % (TOPIC + SHARED);
            tokens[text * LENGTH + i] = drawn >= TOPIC ? drawn + TOPIC : drawn + (text % 2) * TOPIC;
        }
    }
    starts[TEXTS] = TOKENS;
    return 0;
}

static void learn(const struct vectors_options *options, float *vectors)
{
    struct lstm_error err = { 0 };
    if (vectors_learn(tokens, starts, TEXTS, VOCAB, options, vectors, &err))
        fail_msg("%s", err.text);
}

static double cosine(const float *a, const float *b)
{
    double ab = 0, aa = 0, bb = 0;
    for (int d = 0; d < DIMENSION; d++) {
        ab += (double)a[d] * (double)b[d];
        aa += (double)a[d] * (double)a[d];
        bb += (double)b[d] * (double)b[d];
    }
    return ab / sqrt(aa * bb);
}

static void words_of_one_topic_are_closer_than_words_of_two(void **state)
{
    static float vectors[VOCAB * DIMENSION];
    double same = 0, other = 0;
    (void)state;
    learn(&usual, vectors);
    for (int a = 0; a < TOPIC; a++)
        for (int b = 0; b < TOPIC; b++) {
            if (a != b)
                same += cosine(vectors + a * DIMENSION, vectors + b * DIMENSION) /
                        (TOPIC * (TOPIC - 1));
            other += cosine(vectors + a * DIMENSION, vectors + (TOPIC + b) * DIMENSION) /
                     (TOPIC * TOPIC);
        }
    if (!(same > 0.5 && other < 0))
        fail_msg("mean cosine %.3f within a topic, %.3f between topics", same, other);
}

static void vectors_are_centred_with_unit_variance(void **state)
{
    static float vectors[VOCAB * DIMENSION];
    double squares = 0;
    (void)state;
    learn(&usual, vectors);
    for (int d = 0; d < DIMENSION; d++) {
        double sum = 0;
        for (int i = 0; i < UNSEEN; i++) {
            double value = (double)vectors[i * DIMENSION + d];
            sum += value;
            squares += value * value;
        }
        assert_true(fabs(sum / UNSEEN) < 1e-6);
        assert_true(vectors[UNSEEN * DIMENSION + d] == 0);
    }
    assert_true(fabs(squares / (UNSEEN * DIMENSION) - 1) < 1e-5);
}

static void a_seed_repeats_every_bit_and_another_does_not(void **state)
{
    static float first[VOCAB * DIMENSION], second[VOCAB * DIMENSION];
    struct vectors_options options = usual;
    (void)state;
    options.subsample = 0.01; /* so that thinning takes part */
    learn(&options, first);
    learn(&options, second);
    assert_memory_equal(first, second, sizeof first);
    options.seed = 2;
    learn(&options, second);
    assert_memory_not_equal(first, second, sizeof first);
}

/* A token alone in its text has no context, so it teaches nothing, however often it is read. */
static void context_does_not_cross_texts(void **state)
{
    static float once[VOCAB * DIMENSION], often[VOCAB * DIMENSION];
    static int64_t alone[TOKENS + 1];
    struct lstm_error err = { 0 };
    struct vectors_options options = usual;
    (void)state;
    for (int i = 0; i <= TOKENS; i++)
        alone[i] = i;
    options.epochs = 1;
    if (vectors_learn(tokens, alone, TOKENS, VOCAB, &options, once, &err))
        fail_msg("%s", err.text);
    options.epochs = 5;
    if (vectors_learn(tokens, alone, TOKENS, VOCAB, &options, often, &err))
        fail_msg("%s", err.text);
    assert_memory_equal(once, often, sizeof once);
}

static void refuses_with_the_value_and_the_bound(void **state)
{
    static float vectors[VOCAB * 1024];
    static const struct {
        struct vectors_options options;
        int32_t vocab;
        const char *message;
    } cases[] = {
        { { 24, 1, 5, 5, 0, 0.05, 1 },
          VOCAB,
          "dimension is 24, expected 16 to 1024 in steps of 16" },
        { { 0, 1, 5, 5, 0, 0.05, 1 }, VOCAB, "dimension is 0" },
        { { 16, 1, 0, 5, 0, 0.05, 1 }, VOCAB, "window is 0, expected 1 to 64" },
        { { 16, 1, 5, 65, 0, 0.05, 1 }, VOCAB, "negatives is 65, expected 1 to 64" },
        { { 16, 0, 5, 5, 0, 0.05, 1 },
          VOCAB,
          "epochs 0, rate 0.05, subsample 0: expected at least 1" },
        { { 16, 1, 5, 5, 0, NAN, 1 }, VOCAB, "rate nan" },
        { { 16, 1, 5, 5, 0, 0.05, 1 }, UNSEEN - 1, "token 59 of a vocabulary of 59" },
    };
    struct lstm_error err = { 0 };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(
            vectors_learn(tokens, starts, TEXTS, cases[i].vocab, &cases[i].options, vectors, &err),
            LSTM_RANGE);
        if (!strstr(err.text, cases[i].message))
            fail_msg("case %zu: \"%s\", expected \"%s\"", i, err.text, cases[i].message);
    }
    static const int32_t one[] = { 7, 7, 7 };
    static const int64_t all[] = { 0, 3 }, none[] = { 0, 0 };
    assert_int_equal(vectors_learn(one, all, 1, VOCAB, &usual, vectors, &err), LSTM_RANGE);
    assert_non_null(strstr(err.text, "fewer than two different tokens"));
    assert_int_equal(vectors_learn(one, none, 1, VOCAB, &usual, vectors, &err), LSTM_RANGE);
    assert_non_null(strstr(err.text, "fewer than two different tokens"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_of_one_topic_are_closer_than_words_of_two),
        cmocka_unit_test(vectors_are_centred_with_unit_variance),
        cmocka_unit_test(a_seed_repeats_every_bit_and_another_does_not),
        cmocka_unit_test(context_does_not_cross_texts),
        cmocka_unit_test(refuses_with_the_value_and_the_bound),
    };
    return cmocka_run_group_tests(tests, make_corpus, NULL);
}
