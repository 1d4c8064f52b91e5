/* From texts to probabilities: any number of threads, a process that forks, and the memory that the
 * process allows. */
#include "model/limits.h"
#include "model/scorer.h"
#include "tests/networks.h"
#include "train/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { TEXTS = 400, WORDS_MAX = 300 };

static struct lstm_text texts[TEXTS];
static unsigned char *blob; /* the default model: large enough for threads to be worth it */
static size_t blob_size;
static struct lstm_limits unlimited;

/* Texts of a few words to a few hundred, some without any. */
static int set_up(void **state)
{
    static const char *const words[] = { "a ",    "film ",   "wonderful ",
                                         "not ",  "dull, ",  "\xc3\xa9t\xc3\xa9 ",
                                         "plot ", "boring ", "the ",
                                         "x\xff " };
    struct lstm_error err;
    uint64_t seed = 4;
    (void)state;
    for (int i = 0; i < TEXTS; i++) {
        char *text = network_memory(WORDS_MAX * 12), *end = text;
        const int32_t count = i % 50 == 7 ? 0 : 1 + network_below(&seed, WORDS_MAX);
        for (int32_t w = 0; w < count; w++)
            end = stpcpy(end, words[network_below(&seed, (int32_t)COUNT(words))]);
        texts[i] = (struct lstm_text){ text, (size_t)(end - text) };
    }
    unlimited = lstm_limits_get();
    return file_read("model/default_sentiment.safetensors", &blob, &blob_size, &err) != LSTM_OK;
}

static int tear_down(void **state)
{
    (void)state;
    for (int i = 0; i < TEXTS; i++)
        free((void *)(uintptr_t)texts[i].bytes);
    free(blob);
    return 0;
}

/* What a call gives. */
struct scores {
    float probabilities[TEXTS * 2];
    int32_t tokens[TEXTS];
};

static struct lstm_scorer *scorer_open(void)
{
    struct lstm_scorer *scorer;
    struct lstm_error err = { .text = "" };
    if (lstm_scorer_open(blob, blob_size, "cpu", &scorer, &err))
        fail_msg("%s", err.text);
    return scorer;
}

static enum lstm_status score(struct lstm_scorer *scorer, int32_t count, struct scores *scores,
                              struct lstm_error *err)
{
    struct lstm_worker *worker;
    memset(scores, 0, sizeof *scores);
    enum lstm_status rc = lstm_worker_open(scorer, &worker, err);
    if (!rc)
        rc = lstm_worker_classify(worker, texts, count, NULL, NULL, scores->probabilities,
                                  scores->tokens, err);
    lstm_worker_close(worker);
    return rc;
}

static void limit(int32_t threads, int32_t memory_mb)
{
    assert_int_equal(lstm_limits_set((struct lstm_limits){ threads, memory_mb }), 0);
}

static void any_number_of_threads_gives_the_same_scores(void **state)
{
    static struct scores one, more;
    struct lstm_scorer *scorer = scorer_open();
    struct lstm_error err;
    (void)state;
    limit(1, unlimited.memory_mb);
    assert_int_equal(score(scorer, TEXTS, &one, &err), LSTM_OK);
    for (int32_t threads = 2; threads <= 5; threads++) {
        limit(threads, unlimited.memory_mb);
        assert_int_equal(score(scorer, TEXTS, &more, &err), LSTM_OK);
        assert_memory_equal(&more, &one, sizeof one);
    }
    for (int i = 0; i < TEXTS; i++)
        assert_int_equal(one.tokens[i] == 0, i % 50 == 7);
    lstm_scorer_close(scorer);
    limit(unlimited.threads, unlimited.memory_mb);
}

static void a_forked_process_scores_on(void **state)
{
    static struct scores before, after;
    struct lstm_scorer *scorer = scorer_open();
    struct lstm_error err;
    int status = 0;
    (void)state;
    limit(3, unlimited.memory_mb);
    assert_int_equal(score(scorer, TEXTS, &before, &err), LSTM_OK);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int failed = score(scorer, TEXTS, &after, &err) != LSTM_OK;
        _exit(failed || memcmp(&after, &before, sizeof after));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    lstm_scorer_close(scorer);
    limit(unlimited.threads, unlimited.memory_mb);
}

/* So many scorers that the last find no room in the quarter of the memory that tables may take. */
static void what_finds_no_room_in_a_table_is_computed(void **state)
{
    enum { SCORERS = 40, TABLES_MAX = LSTM_MEMORY_MB_MIN << 18 };
    static struct scores first, other;
    struct lstm_scorer *scorers[SCORERS];
    struct lstm_error err;
    size_t before = 0;
    (void)state;
    limit(1, LSTM_MEMORY_MB_MIN);
    for (int i = 0; i < SCORERS; i++) {
        scorers[i] = scorer_open();
        before = lstm_scorer_tables();
        assert_int_equal(score(scorers[i], 3, i ? &other : &first, &err), LSTM_OK);
        assert_true(lstm_scorer_tables() <= TABLES_MAX);
        if (i > 0)
            assert_memory_equal(&other, &first, sizeof first);
    }
    assert_true(lstm_scorer_tables() == before); /* the last had none */
    for (int i = 0; i < SCORERS; i++)
        lstm_scorer_close(scorers[i]);
    limit(unlimited.threads, unlimited.memory_mb);
}

/* Texts of many words in a table that fills up in their midst. */
static void a_table_that_fills_up_changes_no_score(void **state)
{
    enum { SLAB_MAX = 1 << 20 };
    static struct scores expected, found;
    struct lstm_text kept[TEXTS];
    struct lstm_error err;
    uint64_t seed = 9;
    (void)state;
    memcpy(kept, texts, sizeof kept);
    for (int i = 0; i < TEXTS; i++) {
        char *text = network_memory(WORDS_MAX * 12), *end = text;
        for (int w = 0; w < 60; w++) {
            for (int32_t letters = 1 + network_below(&seed, 6); letters > 0; letters--)
                *end++ = (char)('a' + network_below(&seed, 26));
            *end++ = ' ';
        }
        texts[i] = (struct lstm_text){ text, (size_t)(end - text) };
    }
    struct lstm_scorer *scorer = scorer_open();
    limit(1, 1024);
    assert_int_equal(score(scorer, TEXTS, &expected, &err), LSTM_OK);
    lstm_scorer_close(scorer);
    for (int32_t threads = 1; threads <= 3; threads++) {
        scorer = scorer_open();
        limit(threads, LSTM_MEMORY_MB_MIN);
        for (int again = 0; again < 2; again++) {
            assert_int_equal(score(scorer, TEXTS, &found, &err), LSTM_OK);
            assert_memory_equal(&found, &expected, sizeof found);
        }
        assert_true(lstm_scorer_tables() > (LSTM_MEMORY_MB_MIN << 18) - SLAB_MAX);
        assert_true(lstm_scorer_tables() <= LSTM_MEMORY_MB_MIN << 18);
        lstm_scorer_close(scorer);
    }
    limit(unlimited.threads, unlimited.memory_mb);
    for (int i = 0; i < TEXTS; i++)
        free((void *)(uintptr_t)texts[i].bytes);
    memcpy(texts, kept, sizeof kept);
}

static void tables_are_counted_and_freed(void **state)
{
    static struct scores all, few;
    struct lstm_scorer *scorer = scorer_open();
    struct lstm_error err;
    (void)state;
    assert_true(lstm_scorer_tables() == 0);
    assert_int_equal(score(scorer, TEXTS, &all, &err), LSTM_OK);
    const size_t filled = lstm_scorer_tables();
    assert_true(filled > 0);
    struct lstm_scorer *second = scorer_open();
    assert_int_equal(score(second, 1, &few, &err), LSTM_OK);
    assert_true(lstm_scorer_tables() > filled);
    lstm_scorer_close(second);
    assert_true(lstm_scorer_tables() == filled);
    lstm_scorer_close(scorer);
    assert_true(lstm_scorer_tables() == 0);
}

static void too_much_text_at_once_is_refused(void **state)
{
    static struct scores scores;
    struct lstm_scorer *scorer = scorer_open();
    struct lstm_error err;
    (void)state;
    limit(1, LSTM_MEMORY_MB_MIN);
    const struct lstm_text kept = texts[0];
    texts[0].size = (size_t)LSTM_MEMORY_MB_MIN << 20;
    texts[0].bytes = calloc(1, texts[0].size);
    assert_non_null(texts[0].bytes);
    assert_int_equal(score(scorer, 1, &scores, &err), LSTM_RANGE);
    assert_string_equal(err.text, "16 MB of text at once, memory_mb allows 16; score fewer or "
                                  "shorter texts at once or raise memory_mb");
    free((void *)(uintptr_t)texts[0].bytes);
    texts[0] = kept;
    lstm_scorer_close(scorer);
    limit(unlimited.threads, unlimited.memory_mb);
}

/* Bytes that no entry has: a token each. */
static void text_that_becomes_too_many_tokens_is_refused(void **state)
{
    static struct scores scores;
    enum { SIZE = 15 << 20 };
    struct lstm_scorer *scorer = scorer_open();
    struct lstm_error err;
    const struct lstm_text kept = texts[0];
    char *bytes = network_memory(SIZE);
    (void)state;
    limit(1, LSTM_MEMORY_MB_MIN);
    memset(bytes, 0xff, SIZE);
    texts[0] = (struct lstm_text){ bytes, SIZE };
    assert_int_equal(score(scorer, 1, &scores, &err), LSTM_RANGE);
    assert_non_null(strstr(err.text,
                           " tokens at once, for which memory_mb gives no room; use fewer "
                           "or shorter texts at once or raise memory_mb"));
    texts[0] = kept;
    free(bytes);
    lstm_scorer_close(scorer);
    limit(unlimited.threads, unlimited.memory_mb);
}

static void limits_out_of_bounds_change_nothing(void **state)
{
    static const struct lstm_limits bad[] = { { 0, 100 },
                                              { -1, 100 },
                                              { LSTM_THREADS_MAX + 1, 100 },
                                              { 1, LSTM_MEMORY_MB_MIN - 1 },
                                              { 1, LSTM_MEMORY_MB_MAX + 1 } };
    (void)state;
    limit(3, 77);
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_int_equal(lstm_limits_set(bad[i]), -1);
    assert_int_equal(lstm_limits_get().threads, 3);
    assert_int_equal(lstm_limits_get().memory_mb, 77);
    limit(unlimited.threads, unlimited.memory_mb);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_are_counted_and_freed),
        cmocka_unit_test(what_finds_no_room_in_a_table_is_computed),
        cmocka_unit_test(a_table_that_fills_up_changes_no_score),
        cmocka_unit_test(text_that_becomes_too_many_tokens_is_refused),
        cmocka_unit_test(any_number_of_threads_gives_the_same_scores),
        cmocka_unit_test(a_forked_process_scores_on),
        cmocka_unit_test(too_much_text_at_once_is_refused),
        cmocka_unit_test(limits_out_of_bounds_change_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
