/* lstm_config() and lstm_stats(). */
#define _GNU_SOURCE /* sched_setaffinity */
#include "model/limits.h"
#include "tests/extension.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct tiny_model mood = { .task = "sentiment",
                                        .labels = "negative positive",
                                        .seed = 1 };

static sqlite3 *db, *other;

static int open_databases(void **state)
{
    (void)state;
    db = extension_open(":memory:", 0);
    other = extension_open(":memory:", 0);
    return 0;
}

static int close_databases(void **state)
{
    (void)state;
    extension_close(db);
    extension_close(other);
    return 0;
}

/* Before any test sets it. */
static void threads_follow_the_processors_whatever_else_is_set(void **state)
{
    cpu_set_t before, one;
    (void)state;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    if (CPU_COUNT(&before) < 2) {
        print_message("SKIPPED: the number of threads: this machine lends one processor\n");
        skip();
    }
    run(db, "SELECT lstm_config('batch', 7), lstm_config('cache_mb', 64), "
            "lstm_config('cuda_memory_mb', 4096)");
    CPU_ZERO(&one);
    for (size_t i = 0; CPU_COUNT(&one) == 0; i++)
        if (CPU_ISSET(i, &before))
            CPU_SET(i, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    const int32_t threads = lstm_limits_get().threads;
    assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
    assert_int_equal(threads, 1);
}

static void settings_are_of_the_connection_or_of_the_process(void **state)
{
    static const struct {
        const char *key, *first, *changed; /* first NULL: depends on the machine */
        int of_process;
    } cases[] = {
        { "readahead", "on", "off", 0 }, { "readahead", "off", "eager", 0 },
        { "batch", "1024", "7", 0 },     { "device", "auto", "cpu", 0 },
        { "cache_mb", "64", "3", 1 },    { "threads", NULL, "1", 1 },
        { "memory_mb", NULL, "500", 1 }, { "cuda_memory_mb", "4096", "4095", 1 },
    };
    const struct lstm_limits limits = lstm_limits_get();
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char get[100], set[100], before[40];
        snprintf(get, sizeof get, "SELECT lstm_config('%s')", cases[i].key);
        snprintf(set, sizeof set, "SELECT lstm_config('%s', '%s')", cases[i].key, cases[i].changed);
        snprintf(before, sizeof before, "%s", text_of(other, get));
        if (cases[i].first)
            expect(db, get, cases[i].first);
        expect(db, set, cases[i].changed);
        expect(db, get, cases[i].changed);
        expect(other, get, cases[i].of_process ? cases[i].changed : before);
    }
    assert_int_equal(lstm_limits_get().threads, 1);
    assert_int_equal(lstm_limits_get().memory_mb, 500);
    lstm_limits_set(limits);
    run(db, "SELECT lstm_config('cache_mb', 64), lstm_config('cuda_memory_mb', 4096)");
}

static void what_is_no_setting_is_an_error_and_changes_nothing(void **state)
{
    static const struct {
        const char *arguments, *message;
    } cases[] = {
        { "'bach'", "LSTM_ERR_OPTIONS: there is no setting 'bach'; the settings are: readahead, "
                    "batch, device, threads, "
                    "cache_mb, memory_mb, cuda_plugin, cuda_memory_mb" },
        { "NULL", "LSTM_ERR_OPTIONS: there is no setting 'NULL'" },
        { "'bach', 5", "LSTM_ERR_OPTIONS: there is no setting 'bach'" },
        { "'batch', 0", "LSTM_ERR_OPTIONS: the setting batch is '0', it has to be a whole number "
                        "from 1 to 4096" },
        { "'batch', 4097", "LSTM_ERR_OPTIONS: the setting batch is '4097'" },
        { "'batch', 5.5", "LSTM_ERR_OPTIONS: the setting batch is '5.5'" },
        { "'batch', NULL", "LSTM_ERR_OPTIONS: the setting batch is 'NULL'" },
        { "'batch', 'many'", "LSTM_ERR_OPTIONS: the setting batch is 'many'" },
        { "'threads', 65", "LSTM_ERR_OPTIONS: the setting threads is '65', it has to be a whole "
                           "number from 1 to 64" },
        { "'cache_mb', 0", "LSTM_ERR_OPTIONS: the setting cache_mb is '0', it has to be a whole "
                           "number from 1 to 1048576" },
        { "'memory_mb', 15",
          "LSTM_ERR_OPTIONS: the setting memory_mb is '15', it has to be a whole number from 16" },
        { "'readahead', 'maybe'", "LSTM_ERR_OPTIONS: the setting readahead is 'maybe', it has to "
                                  "be 'off', 'on' or 'eager'" },
        { "'readahead', 1", "LSTM_ERR_OPTIONS: the setting readahead is '1'" },
        { "'device', 'tpu'", "LSTM_ERR_DEVICE: the setting device: there is no device \"tpu\"; use "
                             "\"auto\", \"cpu\", \"cuda\"" },
        { "'device', NULL", "LSTM_ERR_DEVICE: the setting device: there is no device \"NULL\"" },
        { "'cuda_memory_mb', 63", "LSTM_ERR_OPTIONS: the setting cuda_memory_mb is '63', it has to "
                                  "be a whole number from 64 to 1048576" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char sql[100];
        snprintf(sql, sizeof sql, "SELECT lstm_config(%s)", cases[i].arguments);
        fails_with(db, sql, cases[i].message);
    }
    expect(db, "SELECT lstm_config('batch')", "1024");
    expect(db, "SELECT lstm_config('device')", "auto");
    run(db, "CREATE VIEW v AS SELECT lstm_config('batch', 5)");
    fails_with(db, "SELECT * FROM v", "unsafe use of lstm_config()");
}

static void counters_say_what_was_done(void **state)
{
    static const char *const facts[] = {
        "json_type(json_array(lstm_stats()), '$[0]') = 'object'", /* the subtype */
        "lstm_stats() ->> 'texts' = 201",
        "lstm_stats() ->> 'alone' = 2",
        "lstm_stats() ->> 'read_ahead' = 199",
        "lstm_stats() ->> 'cache_hits' = 1",
        "lstm_stats() ->> 'wasted' = 0",
        "lstm_stats() ->> 'lookaheads' = 2",
        "lstm_stats() ->> 'batches' < 8",
        "lstm_stats() ->> 'fill' BETWEEN 0.2 AND 1",
        "lstm_stats() ->> 'inference_ms' > 0",
        "lstm_stats() ->> 'cache_results' >= 201",
        "lstm_stats() ->> '$.refused' = '{}'",
    };
    (void)state;
    extension_import(db, "mood", &mood);
    run(db,
        "SELECT lstm_config('readahead', 'eager'), lstm_config('batch', 128); CREATE TABLE t(a);"
        "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 200)"
        "INSERT INTO t SELECT 'a counted film ' || i FROM n;"
        "SELECT avg(lstm_sentiment(a, 'mood')) FROM t;"
        "SELECT lstm_sentiment('one more of the counted films', 'mood');"
        "SELECT lstm_sentiment('one more of the counted films', 'mood')");
    expect_true(db, facts, COUNT(facts));
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, open_databases, close_databases)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(threads_follow_the_processors_whatever_else_is_set),
        TEST(settings_are_of_the_connection_or_of_the_process),
        TEST(what_is_no_setting_is_an_error_and_changes_nothing),
        TEST(counters_say_what_was_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
