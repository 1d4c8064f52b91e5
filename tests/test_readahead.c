/* Read-ahead over the forms of statements: which of them batch, and that what they give is the same
 * bits. */
#include "tests/twins.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct twins twins;

static int open_databases(void **state)
{
    (void)state;
    twins = twins_open(
        0, "CREATE TABLE r(id INTEGER PRIMARY KEY, body TEXT, kind INT, score REAL, note TEXT);"
           "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 300)"
           "INSERT INTO r(id, body, kind) SELECT i, CASE WHEN i % 50 = 0 THEN NULL WHEN i % 7 = 0 "
           "THEN 'the good film' "
           "ELSE 'the film ' || char(97 + i % 26, 97 + i / 26) || ' is ' || iif(i % 3, 'bad', "
           "'very good') END, i % 5 "
           "FROM n;"
           "CREATE INDEX r_kind ON r(kind);"
           "CREATE TABLE s(k INTEGER PRIMARY KEY, v, w);"
           "INSERT INTO s SELECT id, 'kind ' || id, id FROM r WHERE id <= 5;"
           "CREATE VIEW good AS SELECT id, body FROM r WHERE lstm_sentiment(body, 'mood') > 0;"
           "CREATE TABLE log(x);"
           "CREATE TRIGGER logging AFTER INSERT ON s BEGIN INSERT INTO log VALUES "
           "(lstm_sentiment(NEW.v, 'mood')); END");
    return 0;
}

static int close_databases(void **state)
{
    (void)state;
    twins_close(&twins);
    return 0;
}

/* Compares a statement, in a transaction that is undone where asked for. */
static void compare(const char *sql, int undo)
{
    if (undo)
        twins_run(&twins, "BEGIN");
    twins_compare(&twins, sql,
                  "SELECT count(*), total(score), group_concat(note), max(body) FROM r UNION ALL "
                  "SELECT count(*), total(v), group_concat(w), NULL FROM s UNION ALL "
                  "SELECT count(*), total(x), NULL, NULL FROM log");
    if (undo)
        twins_run(&twins, "ROLLBACK");
}

static int64_t counter(const char *name)
{
    return twins_counter(&twins, name);
}

#define F "lstm_sentiment(body, 'mood')"

static const char *const batched[] = {
    "SELECT id, " F " FROM r",
    "SELECT id, lstm_classify(body, 'topic') FROM r",
    "SELECT lstm_summarize(body, '{\"model\": \"title\", \"max_tokens\": 4, \"beam\": 1}') FROM r "
    "WHERE id < 60",
    "SELECT id FROM r WHERE " F " > 0",
    "SELECT id FROM r WHERE " F " > 0 LIMIT 20",
    "SELECT id FROM r ORDER BY " F " DESC, id LIMIT 10",
    "SELECT avg(" F "), max(" F ") FROM r",
    "SELECT kind, avg(" F ") FROM r GROUP BY kind",
    "SELECT id % 3 AS k, avg(" F ") FROM r GROUP BY k",
    "SELECT DISTINCT round(" F ", 2) FROM r",
    "SELECT r.id, s.v, " F " FROM r JOIN s ON s.k = r.kind",
    "WITH c AS (SELECT id, " F " AS f FROM r) SELECT count(*), sum(f) FROM c WHERE f < 0",
    "SELECT (SELECT count(*) FROM r WHERE " F " > 0)",
    "SELECT count(*) FROM good",
    "SELECT id, " F ", sum(id) OVER (ORDER BY id) FROM r",
    "SELECT sum(" F ") OVER (PARTITION BY kind) FROM r",
    "SELECT id, " F " FROM r WHERE kind = 1 UNION ALL SELECT id, " F " FROM r WHERE kind = 2",
    "SELECT id FROM r WHERE kind = 1 AND " F " > 0 UNION SELECT id FROM r WHERE kind = 2 AND " F
    " > 0",
    "SELECT id, " F ", lstm_sentiment(body || '!', 'mood'), lstm_classify(body, 'topic') FROM r",
    "SELECT id, " F " FROM r WHERE " F " > 0 ORDER BY " F,
    "SELECT avg(lstm_sentiment(lstm_summarize(body, '{\"model\": \"title\", \"max_tokens\": 4, "
    "\"beam\": 1}'), 'mood')) FROM r",
    "SELECT count(*) FROM r WHERE " F
    " > 0 AND lstm_sentiment(body || '!', 'mood') > 0 AND lstm_sentiment(body || '?', 'mood') < 1",
    "SELECT lstm_sentiment(lstm_summarize(body, '{\"model\": \"title\", \"max_tokens\": 4, "
    "\"beam\": 1}'), 'mood') "
    "FROM r WHERE id < 60",
    "SELECT id, " F " FROM r WHERE id > ?1 AND kind <> ?2",
    "SELECT id, " F " FROM r WHERE id > :low AND kind IN (?, @b, $c::d(e))",
    "SELECT id, CASE WHEN kind = 1 THEN " F " ELSE lstm_sentiment(body || '?', 'mood') END FROM r",
    "VALUES (lstm_sentiment('a', 'mood')), (lstm_sentiment('b', 'mood')), (lstm_sentiment('c', "
    "'mood')), "
    "(lstm_sentiment('d', 'mood')), (lstm_sentiment('e', 'mood')), (lstm_sentiment('f', 'mood'))",
    "UPDATE r SET score = " F " WHERE score IS NULL",
    "UPDATE r SET score = " F ", note = lstm_sentiment(body || '.', 'mood')",
    "UPDATE OR IGNORE main.r AS q NOT INDEXED SET (score, note) = (SELECT lstm_sentiment(q.body, "
    "'mood'), 1) -- so\n"
    "WHERE kind <> 3",
    "UPDATE r SET (score, note) = (" F ", 5) WHERE id > 20 RETURNING id, score",
    "UPDATE r SET score = lstm_sentiment(r.body || s.v, 'mood') FROM s WHERE s.k = r.kind",
    "UPDATE r SET score = 1 WHERE " F " > 0",
    "INSERT INTO log SELECT " F " FROM r",
    "INSERT OR REPLACE INTO log(x) SELECT " F " FROM r WHERE kind = 2 ORDER BY id RETURNING x",
    "WITH c AS (SELECT body FROM r) INSERT INTO log SELECT " F " FROM c",
    "INSERT INTO log WITH c AS (SELECT body FROM r) SELECT " F " FROM c",
    "REPLACE INTO s(k, v) SELECT id, " F " FROM r WHERE id > 100 AND " F " > 0",
    "INSERT INTO r(id, score) SELECT id, " F
    " FROM r WHERE true ON CONFLICT(id) DO UPDATE SET score = excluded.score",
    "CREATE TABLE scored AS SELECT id, " F " AS f FROM r",
    "CREATE TEMP TABLE IF NOT EXISTS scored AS SELECT id, " F " AS f FROM r",
    "DELETE FROM r WHERE " F " < 0",
    "WITH c AS (SELECT 3 AS k) DELETE FROM r WHERE kind = (SELECT k FROM c) AND " F
    " < 0 RETURNING id",
};

static void statements_of_these_forms_are_scored_in_batches(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(batched); i++)
        for (int undo = 0; undo < 2; undo++) {
            int64_t alone = counter("alone"), texts = counter("texts");
            compare(batched[i], strncmp(batched[i], "SELECT", 6) == 0 ? undo : 1);
            alone = counter("alone") - alone;
            texts = counter("texts") - texts;
            if (5 * alone > texts + 8 && alone > 3)
                fail_msg("%s: of %d texts %d alone: %s", batched[i], (int)texts, (int)alone,
                         text_of(twins.on, "SELECT lstm_stats()"));
        }
}

static void statements_that_are_left_alone_give_the_same_and_say_why(void **state)
{
    static const struct {
        const char *sql, *reason;
    } cases[] = {
        { "SELECT id, " F " FROM r WHERE random() <> 1", "other functions" },
        { "SELECT value, lstm_sentiment(value, 'mood') FROM json_each('[\"a\", \"b\", \"c\", "
          "\"d\"]')",
          "virtual table" },
        { "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9 AND "
          "coalesce(lstm_sentiment('x' || i, 'mood'), 9) < 2) SELECT count(*) FROM n",
          "recursion" },
        { "SELECT a.id, lstm_sentiment(a.body || b.v, 'mood') FROM r AS a CROSS JOIN s AS b WHERE "
          "a.id < 20",
          "scan within a scan" },
        { "SELECT id FROM s AS o JOIN r ON r.id = o.k WHERE (SELECT count(*) FROM log WHERE x < "
          "o.k) = 0 AND " F " < 2",
          "scan within a scan" },
        { "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 9) SELECT count(*) FROM n "
          "WHERE "
          "coalesce(lstm_sentiment('z' || i, 'mood'), 9) <> 9",
          "recursion" },
        { "SELECT count(*) FROM r AS a, r AS b WHERE (a.id = 1 OR lstm_sentiment(a.body, 'mood') "
          "IS NULL) AND b.id > 0 AND "
          "a.kind + b.kind < 3",
          "scan within a scan" },
        { "INSERT INTO s(v) VALUES ('a'), ('b'), ('c'), ('d')", NULL },
        { "SELECT lstm_sentiment('only', 'mood')", NULL },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t lookaheads = counter("lookaheads"),
                refused = cases[i].reason ? twins_refused(&twins, cases[i].reason) : 0;
        compare(cases[i].sql, 1);
        if (counter("lookaheads") != lookaheads)
            fail_msg("%s: looked ahead", cases[i].sql);
        if (cases[i].reason && twins_refused(&twins, cases[i].reason) != refused + 1)
            fail_msg("%s: not refused as \"%s\": %s", cases[i].sql, cases[i].reason,
                     text_of(twins.on, "SELECT lstm_stats()"));
    }
}

/* Every EXISTS ends at its first text, which the look-ahead cannot know. */
static void what_is_not_used_is_given_up(void **state)
{
    int64_t wasted = counter("wasted"), refused = twins_refused(&twins, "not used");
    (void)state;
    twins_compare(
        &twins,
        "SELECT count(*) FROM r AS o WHERE EXISTS (SELECT 1 FROM r WHERE r.kind = o.kind AND "
        "lstm_sentiment(r.body || o.id, 'mood') > -2)",
        NULL);
    assert_true(counter("wasted") - wasted < 40);
    assert_int_equal(twins_refused(&twins, "not used"), refused + 1);
}

static void off_is_off(void **state)
{
    (void)state;
    effects_forget_results();
    run(twins.on, "SELECT lstm_config('readahead', 'off')");
    run(twins.on, "SELECT " F " FROM r");
    assert_int_equal(counter("lookaheads"), 0);
    assert_int_equal(counter("alone"), counter("texts"));
}

/* The first ten rows of the run: how many texts were scored that it had not come to. */
static void an_abandoned_statement_wastes_little(void **state)
{
    static const struct {
        int rows, wasted_max;
    } cases[] = { { 1, 0 }, { 2, 7 }, { 10, 16 }, { 30, 32 }, { 100, 64 } };
    (void)state;
    run(twins.on, "UPDATE r SET body = 'a film ' || id");
    for (size_t i = 0; i < COUNT(cases); i++) {
        sqlite3_stmt *s = NULL;
        effects_forget_results();
        int64_t texts = counter("texts");
        assert_int_equal(sqlite3_prepare_v2(twins.on, "SELECT " F " FROM r", -1, &s, NULL),
                         SQLITE_OK);
        for (int row = 0; row < cases[i].rows; row++)
            assert_int_equal(sqlite3_step(s), SQLITE_ROW);
        sqlite3_finalize(s);
        texts = counter("texts") - texts - cases[i].rows;
        if (texts < 0 || texts > cases[i].wasted_max)
            fail_msg("after %d rows %d texts were wasted", cases[i].rows, (int)texts);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(statements_of_these_forms_are_scored_in_batches,
                                        open_databases, close_databases),
        cmocka_unit_test_setup_teardown(statements_that_are_left_alone_give_the_same_and_say_why,
                                        open_databases, close_databases),
        cmocka_unit_test_setup_teardown(what_is_not_used_is_given_up, open_databases,
                                        close_databases),
        cmocka_unit_test_setup_teardown(off_is_off, open_databases, close_databases),
        cmocka_unit_test_setup_teardown(an_abandoned_statement_wastes_little, open_databases,
                                        close_databases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
