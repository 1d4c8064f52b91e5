/* Texts that cannot be scored, among others that can. No text of a size that SQLite allows fails by
 * itself, so this program is linked with --wrap (see the Makefile) and puts its own failures in
 * front of the scorer. */
#include "model/scorer.h"
#include "tests/extension.h"
#include "tests/statement_effects.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct tiny_model sentiment = { .task = "sentiment",
                                             .labels = "negative positive",
                                             .seed = 1 };

static sqlite3 *db; /* in memory: a model "mood", and texts of which 'bad...' fail as told */
static enum lstm_status failing, failing_alone; /* the latter LSTM_OK: as the former */
static int calls, calls_of_one;

enum lstm_status __real_lstm_worker_classify(struct lstm_worker *worker,
                                             const struct lstm_text *texts, int32_t count,
                                             int (*stop)(void *), void *stop_arg,
                                             float *probabilities, int32_t *tokens,
                                             struct lstm_error *err);
enum lstm_status __wrap_lstm_worker_classify(struct lstm_worker *worker,
                                             const struct lstm_text *texts, int32_t count,
                                             int (*stop)(void *), void *stop_arg,
                                             float *probabilities, int32_t *tokens,
                                             struct lstm_error *err);

/* Like the real one, which leaves undefined what it was to fill where it fails. */
enum lstm_status __wrap_lstm_worker_classify(struct lstm_worker *worker,
                                             const struct lstm_text *texts, int32_t count,
                                             int (*stop)(void *), void *stop_arg,
                                             float *probabilities, int32_t *tokens,
                                             struct lstm_error *err)
{
    calls++;
    calls_of_one += count == 1;
    for (int32_t i = 0; failing && i < count; i++)
        if (texts[i].size >= 3 && !memcmp(texts[i].bytes, "bad", 3)) {
            memset(tokens, 0x55, (size_t)count * sizeof *tokens);
            return lstm_fail(err, count == 1 && failing_alone ? failing_alone : failing,
                             "a text of %zu bytes", texts[i].size);
        }
    return __real_lstm_worker_classify(worker, texts, count, stop, stop_arg, probabilities, tokens,
                                       err);
}

static int open_database(void **state)
{
    (void)state;
    db = extension_open(":memory:", 0);
    extension_import(db, "mood", &sentiment);
    run(db, "CREATE TABLE t(id INTEGER PRIMARY KEY, body);"
            "INSERT INTO t(body) VALUES ('a good film'), (NULL), ('bad'), ('the'), ('bad film'), "
            "(''), ('very good')");
    calls = calls_of_one = 0;
    failing = failing_alone = LSTM_OK;
    return 0;
}

static int close_database(void **state)
{
    (void)state;
    extension_close(db);
    return 0;
}

#define SCORES(options) \
    "FROM lstm_score('SELECT id, body FROM t', '{\"model\": \"mood\", " options "}')"

static void a_text_that_fails_says_so_in_its_row(void **state)
{
    static const struct {
        enum lstm_status status;
        const char *errors;
    } cases[] = {
        { LSTM_RANGE, "3:LSTM_ERR_INPUT: the text cannot be scored: a text of 3 bytes "
                      "5:LSTM_ERR_INPUT: the text cannot be scored: a text of 8 bytes" },
        { LSTM_NOMEM, "3:the text cannot be scored: a text of 3 bytes "
                      "5:the text cannot be scored: a text of 8 bytes" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        failing = LSTM_OK;
        effects_forget_results();
        run(db,
            "DROP TABLE IF EXISTS good; CREATE TABLE good AS SELECT * " SCORES("\"batch\": 256"));
        failing = cases[i].status;
        effects_forget_results();
        expect(db, "SELECT group_concat(key || ':' || error, ' ') " SCORES("\"batch\": 256"),
               cases[i].errors);
        expect(db,
               "SELECT group_concat(key || ':' || (coalesce(score, label, confidence, tokens, "
               "unknown) IS NULL), ' ') " SCORES("\"batch\": 256") " WHERE error IS NOT NULL",
               "3:1 5:1");
        expect(db,
               "SELECT count(*) FROM (SELECT * " SCORES(
                   "\"batch\": 256") " WHERE error IS NULL "
                                     "INTERSECT SELECT * FROM good)",
               "5");
    }
}

/* Of two batches of five rows the first has four texts, and two of them fail. */
static void only_a_batch_that_fails_is_scored_one_by_one(void **state)
{
    (void)state;
    run(db, "INSERT INTO t(body) VALUES ('in'), ('is'), ('film')");
    effects_forget_results();
    expect(db, "SELECT count(*) " SCORES("\"batch\": 5"), "10");
    assert_int_equal(calls, 2);
    assert_int_equal(calls_of_one, 0);
    failing = LSTM_RANGE;
    effects_forget_results();
    expect(db, "SELECT count(*) - count(error) " SCORES("\"batch\": 5"), "8");
    assert_int_equal(calls, 2 + 2 + 4);
    assert_int_equal(calls_of_one, 4);
}

static void a_text_is_scored_once_for_tables_and_functions(void **state)
{
    (void)state;
    effects_forget_results();
    expect(db, "SELECT count(score) " SCORES("\"batch\": 5"), "5");
    calls = 0;
    expect(db,
           "SELECT count(*) " SCORES("\"batch\": 3") " AS s JOIN t ON t.id = s.key WHERE score = "
                                                     "lstm_sentiment(body, 'mood')",
           "5");
    assert_int_equal(calls, 0);
    run(db, "UPDATE t SET body = 'a new ' || body; SELECT lstm_sentiment(body, 'mood') FROM t");
    calls = 0;
    expect(db, "SELECT sum(tokens > 1) || ' ' || sum(unknown > 0) " SCORES("\"batch\": 2"), "6 6");
    assert_int_equal(calls, 0);
}

static void an_interrupt_is_not_the_rows_fault(void **state)
{
    static const char *const sql[] = { "SELECT * " SCORES("\"batch\": 256"),
                                       "SELECT * " SCORES("\"batch\": 1"),
                                       "SELECT * FROM lstm_score('SELECT 1, ''bad''', 'mood')" };
    (void)state;
    failing = LSTM_INTERRUPTED;
    effects_forget_results();
    for (size_t i = 0; i < COUNT(sql); i++)
        assert_int_equal(fails_with(db, sql[i], "interrupted"), SQLITE_INTERRUPT);
    failing = LSTM_RANGE;
    failing_alone = LSTM_INTERRUPTED;
    assert_int_equal(fails_with(db, sql[0], "interrupted"), SQLITE_INTERRUPT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_database, close_database)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_text_that_fails_says_so_in_its_row),
        TEST(only_a_batch_that_fails_is_scored_one_by_one),
        TEST(a_text_is_scored_once_for_tables_and_functions),
        TEST(an_interrupt_is_not_the_rows_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
