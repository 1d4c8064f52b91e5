/* lstm_score(query [, options]), through the SQL that users write. */
#include "tests/extension.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct tiny_model sentiment = { .task = "sentiment",
                                             .labels = "negative positive",
                                             .seed = 1 };
static const struct tiny_model topics = { .task = "classify",
                                          .labels = "sport politics weather",
                                          .seed = 2 };
static const struct tiny_model stars = { .task = "sentiment", .labels = "one two", .seed = 3 };
static const struct tiny_model summaries = { .task = "summarize", .seed = 4 };

static sqlite3 *db; /* a.db in a folder of its own: the models above, and a table */

static int open_database(void **state)
{
    (void)state;
    extension_folder();
    db = extension_open("a.db", 0);
    run(db, "PRAGMA synchronous = off");
    extension_import(db, "mood", &sentiment);
    extension_import(db, "topic", &topics);
    extension_import(db, "stars", &stars);
    extension_import(db, "titles", &summaries);
    run(db,
        "CREATE TABLE t(id INTEGER PRIMARY KEY, body);"
        "INSERT INTO t(body) VALUES ('a good film'), ('a bad film'), (NULL), (''), ('the'), "
        "(42), (x'6120626164'), ('\xe4\xb8\x80'), ('th\xe4\xb8\x80'), ('a good film'), ('bad')");
    return 0;
}

static int close_database(void **state)
{
    (void)state;
    extension_close(db);
    extension_folder_remove();
    return 0;
}

static void scores_what_the_functions_score(void **state)
{
    static const char *const facts[] = {
        "group_concat(s.key) = '1,2,3,4,5,6,7,8,9,10,11'",
        "sum(s.score IS NOT lstm_sentiment(t.body, 'mood')) = 0",
        "sum(s.label IS NOT json_extract(lstm_classify(t.body, 'mood'), '$.label')) = 0",
        "max(abs(s.confidence - json_extract(lstm_classify(t.body, 'mood'), '$.confidence'))) < "
        "1e-7",
        "sum(s.confidence IS NULL) = 2",
        "group_concat(ifnull(s.tokens, 'none')) = (SELECT group_concat(CASE WHEN body IS NULL THEN "
        "'none' ELSE (SELECT count(*) FROM lstm_tokens(body, 'mood')) END) FROM t)",
        "count(s.error) = 0",
    };
    static const char *const options[] = { "mood", "{\"model\": \"mood\", \"batch\": 1}",
                                           "{\"batch\": 2, \"model\": \"mood\"}",
                                           "{\"model\": \"mood\", \"batch\": 11}",
                                           "{\"model\": \"mood\", \"batch\": 4096}" };
    (void)state;
    for (size_t i = 0; i < COUNT(facts) * COUNT(options); i++) {
        char sql[1000];
        snprintf(sql, sizeof sql,
                 "SELECT %s FROM lstm_score('SELECT id, body FROM t', '%s') s JOIN t ON t.id = "
                 "s.key",
                 facts[i % COUNT(facts)], options[i / COUNT(facts)]);
        expect(db, sql, "1");
    }
}

static void other_classifiers_have_labels_and_no_score(void **state)
{
    static const char *const facts[] = {
        "(SELECT count(*) FROM lstm_score('SELECT id, body FROM t', 'topic') s JOIN t ON t.id = "
        "s.key WHERE s.label IS NOT json_extract(lstm_classify(t.body, 'topic'), '$.label')) = 0",
        "(SELECT count(score) = 0 AND count(label) = 9 AND count(confidence) = 9 FROM "
        "lstm_score('SELECT id, body FROM t', 'topic'))",
    };
    (void)state;
    expect_true(db, facts, COUNT(facts));
}

static void the_embedded_model_is_the_default(void **state)
{
    static const char *const facts[] = {
        "(SELECT score FROM lstm_score('SELECT 1, ''fine''')) = lstm_sentiment('fine')",
        "(SELECT score FROM lstm_score('SELECT 1, ''fine''', '{}')) = lstm_sentiment('fine')",
        "(SELECT score FROM lstm_score('SELECT 1, ''fine''', NULL)) = lstm_sentiment('fine')",
    };
    (void)state;
    expect_true(db, facts, COUNT(facts));
}

static void keys_are_what_the_query_gives(void **state)
{
    (void)state;
    expect(db,
           "SELECT group_concat(typeof(key) || ':' || quote(key), ' ') FROM lstm_score('VALUES "
           "(7, ''a''), (1.5, ''b''), (''k'', ''c''), (x''00ff'', ''d''), (NULL, ''e'')', 'mood')",
           "integer:7 real:1.5 text:'k' blob:X'00FF' null:NULL");
}

/* A NULL text is no mistake, and a text without a token has nothing but that. */
static void what_does_not_apply_is_null(void **state)
{
    (void)state;
    expect(db,
           "SELECT group_concat(key || ':' || coalesce(score, label, confidence, unknown, error, "
           "'null') || ':' || ifnull(tokens, 'null'), ' ') FROM lstm_score('SELECT id, body FROM t "
           "WHERE id IN (3, 4)', 'mood')",
           "3:null:null 4:null:0");
    expect(db, "SELECT count(*) FROM lstm_score(NULL)", "0");
    expect(db, "SELECT count(*) FROM lstm_score('SELECT 1, ''a'' WHERE 0')", "0");
}

/* The ideograph is three bytes that no entry has; "th" is two that one has. */
static void unknown_is_the_share_of_byte_fallback(void **state)
{
    (void)state;
    expect(db,
           "SELECT group_concat(key || ':' || round(unknown, 3), ' ') FROM lstm_score('SELECT id, "
           "body FROM t', 'mood') WHERE unknown IS NOT NULL",
           "1:0.0 2:0.0 5:0.0 6:1.0 7:0.0 8:1.0 9:0.6 10:0.0 11:0.0");
}

static void bad_arguments_have_clear_errors(void **state)
{
    static const struct {
        const char *arguments, *message;
    } cases[] = {
        { "'SELECT 1'", "LSTM_ERR_INPUT: the query of lstm_score gives 1 columns, it has to give "
                        "2: a key and a text" },
        { "'SELECT 1, 2, 3'", "gives 3 columns, it has to give 2" },
        { "''", "LSTM_ERR_INPUT: the query of lstm_score is empty" },
        { "' -- nothing'", "LSTM_ERR_INPUT: the query of lstm_score is empty" },
        { "42", "LSTM_ERR_INPUT: the query of lstm_score has to be text" },
        { "'SELECT 1, 2' || char(0) || ', 3'", "has a NUL in it, at byte 11" },
        { "'SELECT id, body FORM t'", "LSTM_ERR_INPUT: the query of lstm_score: near" },
        { "'SELECT id, bdoy FROM t'", "the query of lstm_score: no such column: bdoy" },
        { "'SELECT 1, 2; SELECT 3, 4'", "the query of lstm_score is more than one statement" },
        { "'SELECT 1, 2; nonsense'", "the query of lstm_score is more than one statement" },
        { "'SELECT ?1, ?2'", "has parameters, the last is number 2, and nothing can be bound" },
        { "'SELECT 1, $text'", "has parameters, the last is number 1" },
        { "'DELETE FROM t'", "LSTM_ERR_INPUT: the query of lstm_score would write" },
        { "'INSERT INTO t DEFAULT VALUES RETURNING id, body'", "would write" },
        { "'PRAGMA user_version = 5'", "would write" },
        { "'BEGIN'", "gives 0 columns" },
        { "'SELECT id, abs(-9223372036854775807 - 1) FROM t'",
          "LSTM_ERR_INPUT: the query of lstm_score: integer overflow" },
        { "'SELECT id, lstm_sentiment(body, ''nope'') FROM t'",
          "the query of lstm_score: LSTM_ERR_MODEL: no model named 'nope'" },
        { "'SELECT 1, 2', 'nope'", "LSTM_ERR_MODEL: no model named 'nope'" },
        { "'SELECT 1, 2', 'titles'", "LSTM_ERR_TASK: model 'titles' has the task 'summarize'" },
        { "'SELECT 1, 2', 'stars'", "LSTM_ERR_MODEL: model 'stars' has no label \"positive\"" },
        { "'SELECT 1, 2', 'a name'", "LSTM_ERR_OPTIONS: options are neither" },
        { "'SELECT 1, 2', 5", "LSTM_ERR_OPTIONS: options have to be text" },
        { "'SELECT 1, 2', '{\"model\": \"mood\"'", "LSTM_ERR_OPTIONS: the options, byte 16" },
        { "'SELECT 1, 2', '{\"model\": 5}'", "the option \"model\" has to be a string" },
        { "'SELECT 1, 2', '{\"model\": \"\"}'",
          "the option \"model\" has to be the name of a model" },
        { "'SELECT 1, 2', '{\"batch\": 0}'",
          "the option \"batch\" is 0, it has to be a whole number from 1 to 4096" },
        { "'SELECT 1, 2', '{\"batch\": 4097}'", "the option \"batch\" is 4097" },
        { "'SELECT 1, 2', '{\"batch\": 1.5}'", "the option \"batch\" is 1.5" },
        { "'SELECT 1, 2', '{\"batch\": \"2\"}'", "the option \"batch\" is \"2\"" },
        { "'SELECT 1, 2', '{\"bacth\": 2}'",
          "LSTM_ERR_OPTIONS: there is no option \"bacth\"; the options are: \"model\", \"batch\"" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char sql[500];
        snprintf(sql, sizeof sql, "SELECT * FROM lstm_score(%s)", cases[i].arguments);
        fails_with(db, sql, cases[i].message);
    }
    fails_with(db, "SELECT * FROM lstm_score", "LSTM_ERR_INPUT: lstm_score needs a query");
    expect(db, "SELECT count(*) FROM t", "11");
    expect(db, "SELECT count(*) FROM lstm_score('SELECT 1, 2; ; -- and no more')", "1");
}

static void is_for_direct_use_only(void **state)
{
    (void)state;
    run(db, "CREATE VIEW v AS SELECT * FROM lstm_score('SELECT id, body FROM t')");
    fails_with(db, "SELECT * FROM v", "unsafe use of virtual table \"lstm_score\"");
}

/* A query that finds itself in a table would go on for ever. */
static void a_query_that_uses_lstm_score_is_refused(void **state)
{
    (void)state;
    run(db, "CREATE TABLE q AS SELECT 'SELECT s.key, s.label FROM lstm_score((SELECT sql FROM q)) "
            "s' AS sql");
    fails_with(db, "SELECT * FROM lstm_score((SELECT sql FROM q))",
               "the query of lstm_score uses lstm_score; join them outside of it");
    expect(db,
           "SELECT count(*) FROM lstm_score('SELECT id, body FROM t', 'mood') a JOIN "
           "lstm_score('SELECT id, body FROM t', 'topic') b USING (key)",
           "11");
}

/* What a statement writes is not read again: without a guard this one would never end. */
static void a_statement_may_write_what_the_query_reads(void **state)
{
    (void)state;
    run(db, "INSERT INTO t(body) SELECT label FROM lstm_score('SELECT id, body FROM t', "
            "'{\"model\": \"mood\", \"batch\": 2}')");
    expect(db, "SELECT count(*) FROM t", "22");
    run(db, "ALTER TABLE t ADD COLUMN score REAL;"
            "UPDATE t SET score = s.score FROM lstm_score('SELECT id, body FROM t', '{\"model\": "
            "\"mood\", \"batch\": 2}') s WHERE s.key = t.id");
    expect(db, "SELECT count(*) FROM t WHERE score IS NOT lstm_sentiment(body, 'mood')", "0");
}

static int counted;

static void count_calls(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    (void)argc;
    counted++;
    sqlite3_result_value(context, argv[0]);
}

/* The row behind a batch is already looked at, but not scored. */
static void rows_come_batch_by_batch(void **state)
{
    sqlite3_stmt *s = NULL;
    (void)state;
    sqlite3_create_function(db, "counting", 1, SQLITE_UTF8, NULL, count_calls, NULL, NULL);
    assert_int_equal(sqlite3_prepare_v2(db,
                                        "SELECT key FROM lstm_score('SELECT id, counting(body) "
                                        "FROM t', '{\"model\": \"mood\", \"batch\": 3}')",
                                        -1, &s, NULL),
                     SQLITE_OK);
    counted = 0;
    for (int row = 0; row < 11; row++) {
        assert_int_equal(sqlite3_step(s), SQLITE_ROW);
        assert_int_equal(sqlite3_column_int(s, 0), row + 1);
        int read = (row / 3 + 1) * 3 + 1;
        assert_int_equal(counted, read > 11 ? 11 : read);
    }
    assert_int_equal(sqlite3_step(s), SQLITE_DONE);
    sqlite3_reset(s);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW); /* and once more from the start */
    assert_int_equal(sqlite3_column_int(s, 0), 1);
    sqlite3_finalize(s); /* in the middle: closing finds out what was left open */
}

static void a_batch_is_what_lstm_config_says(void **state)
{
    sqlite3_stmt *s = NULL;
    (void)state;
    sqlite3_create_function(db, "counting", 1, SQLITE_UTF8, NULL, count_calls, NULL, NULL);
    run(db, "SELECT lstm_config('batch', 4)");
    assert_int_equal(sqlite3_prepare_v2(db,
                                        "SELECT key FROM lstm_score('SELECT id, counting(body) "
                                        "FROM t', 'mood')",
                                        -1, &s, NULL),
                     SQLITE_OK);
    counted = 0;
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    assert_int_equal(counted, 5);
    sqlite3_finalize(s);
}

static void a_batch_ends_where_its_texts_are_too_many_bytes(void **state)
{
    sqlite3_stmt *s = NULL;
    (void)state;
    sqlite3_create_function(db, "counting", 1, SQLITE_UTF8, NULL, count_calls, NULL, NULL);
    assert_int_equal(sqlite3_prepare_v2(db,
                                        "SELECT key FROM lstm_score('SELECT id, printf(''%9000000s'"
                                        "', counting('''')) FROM t', 'mood')",
                                        -1, &s, NULL),
                     SQLITE_OK);
    counted = 0;
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    assert_int_equal(counted, 3); /* two make 18 MB; spaces cost no scoring */
    sqlite3_finalize(s);
}

/* Before the first row as well as in the middle: never a row less in silence. */
static void a_query_that_fails_on_its_way_is_an_error(void **state)
{
    static const struct {
        const char *options;
        int rows;
    } cases[] = { { "{\"model\": \"mood\", \"batch\": 1}", 1 },
                  { "{\"model\": \"mood\", \"batch\": 2}", 0 },
                  { "{\"model\": \"mood\"}", 0 } };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        sqlite3_stmt *s = NULL;
        char sql[500];
        int rows = 0, rc = SQLITE_ROW;
        snprintf(sql, sizeof sql,
                 "SELECT key FROM lstm_score('SELECT id, CASE WHEN id > 2 THEN "
                 "json_extract(''{'', ''$'') ELSE body END FROM t', '%s')",
                 cases[i].options);
        assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
        for (; (rc = sqlite3_step(s)) == SQLITE_ROW; rows++)
            continue;
        assert_int_equal(rc, SQLITE_ERROR);
        assert_int_equal(rows, cases[i].rows);
        assert_non_null(strstr(sqlite3_errmsg(db), "the query of lstm_score: malformed JSON"));
        sqlite3_finalize(s);
    }
}

static void a_locked_database_says_that_it_is_busy(void **state)
{
    sqlite3 *other = extension_open("a.db", 0);
    sqlite3 *memory = extension_open(":memory:", 0);
    char sql[400];
    (void)state;
    snprintf(sql, sizeof sql, "ATTACH '%s' AS file", sqlite3_db_filename(db, "main"));
    run(memory, sql);
    expect(memory, "SELECT count(*) FROM lstm_score('SELECT id, body FROM file.t')", "11");
    run(other, "BEGIN EXCLUSIVE");
    assert_int_equal(fails_with(memory,
                                "SELECT count(*) FROM lstm_score('SELECT id, body FROM file.t', "
                                "'default-sentiment')",
                                "the query of lstm_score: database is locked"),
                     SQLITE_BUSY);
    run(other, "ROLLBACK");
    expect(memory, "SELECT count(*) FROM lstm_score('SELECT id, body FROM file.t')", "11");
    extension_close(memory);
    extension_close(other);
}

/* Another connection may write as soon as the last row is read, and transactions stay as they are.
 */
static void leaves_transactions_and_locks_as_they_were(void **state)
{
    static const struct {
        const char *begin, *end;
        int autocommit;
    } cases[] = { { "SELECT 1", "SELECT 1", 1 },
                  { "BEGIN", "COMMIT", 0 },
                  { "BEGIN IMMEDIATE", "COMMIT", 0 },
                  { "SAVEPOINT mine", "RELEASE mine", 0 } };
    sqlite3 *other = extension_open("a.db", 0);
    (void)state;
    run(other, "PRAGMA synchronous = off");
    for (size_t i = 0; i < COUNT(cases); i++) {
        run(db, cases[i].begin);
        expect(db, "SELECT count(*) FROM lstm_score('SELECT id, body FROM t', 'mood')", "11");
        fails_with(db, "SELECT count(*) FROM lstm_score('SELECT id, bdoy FROM t', 'mood')",
                   "no such column");
        assert_int_equal(sqlite3_get_autocommit(db), cases[i].autocommit);
        run(db, cases[i].end);
        run(other, "UPDATE t SET body = body WHERE id = 1");
    }
    extension_close(other);
}

static int stop(void *calls_left)
{
    return --*(int *)calls_left == 0;
}

/* A progress handler stops it at every moment. */
static void an_interrupt_ends_it_and_leaves_nothing_open(void **state)
{
    static const char sql[] = "SELECT max(key) FROM lstm_score('SELECT id, body FROM t', "
                              "'{\"model\": \"mood\", \"batch\": 2}')";
    sqlite3 *other = extension_open("a.db", 0);
    int at = 0, rc = SQLITE_INTERRUPT;
    (void)state;
    run(other, "PRAGMA synchronous = off");
    for (at = 1; rc == SQLITE_INTERRUPT; at++) {
        sqlite3_stmt *s = NULL;
        int calls_left = at;
        assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
        sqlite3_progress_handler(db, 1, stop, &calls_left);
        rc = sqlite3_step(s);
        if (rc != SQLITE_ROW && (rc != SQLITE_INTERRUPT || calls_left > 0))
            fail_msg("stopped at %d: %d, %s", at, rc, sqlite3_errmsg(db));
        if (rc == SQLITE_ROW)
            assert_int_equal(sqlite3_column_int(s, 0), 11);
        if (calls_left <= 0) /* stopped where it did not matter */
            rc = SQLITE_INTERRUPT;
        sqlite3_finalize(s);
        sqlite3_progress_handler(db, 0, NULL, NULL);
        assert_int_equal(sqlite3_get_autocommit(db), 1);
        if (at % 10 == 0)
            run(other, "UPDATE t SET body = body WHERE id = 1");
    }
    assert_true(at > 150);
    extension_close(other);
}

/* The first step of the query finds that another connection changed the schema, and begins again.
 * In autocommit mode that would leave the cursors of the outer statement on pages that are no
 * longer theirs: without the savepoint of score_query_open the first row was missing here, and
 * nobody said so. */
static void a_changed_schema_moves_no_cursor_of_the_outer_statement(void **state)
{
    static const char outer[] =
        "SELECT group_concat(m || ':' || n, ' ') FROM (SELECT b.m AS m, count(*) AS n FROM b CROSS "
        "JOIN a ON a.k >= 0 AND a.k < b.m + (SELECT count(*) - 1 FROM lstm_score('SELECT count(*), "
        "max(x) FROM file.c, main.big USING (x)', 'default-sentiment') WHERE b.m > -1) GROUP BY "
        "b.rowid)";
    sqlite3 *other = extension_open("b.db", 0);
    char sql[400];
    (void)state;
    run(other, "PRAGMA synchronous = off; CREATE TABLE c AS SELECT 1 AS x");
    run(db, "CREATE TABLE a(k INTEGER, pad TEXT); CREATE TABLE big(x); CREATE TABLE b(m);"
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) "
            "INSERT INTO a SELECT i, printf('%100s', '') FROM n;"
            "INSERT INTO big SELECT printf('%500s', '') FROM a; CREATE INDEX ak ON a(k);"
            "INSERT INTO b VALUES (10), (500), (1500)");
    extension_close(db);
    db = extension_open("a.db", 0);
    snprintf(sql, sizeof sql, "PRAGMA cache_size = 10; ATTACH '%s' AS file",
             sqlite3_db_filename(other, "main"));
    run(db, sql);
    expect(db, outer, "10:9 500:499 1500:1499");
    run(other, "CREATE TABLE new(x)");
    expect(db, outer, "10:9 500:499 1500:1499");
    extension_close(other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_database, close_database)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(scores_what_the_functions_score),
        TEST(other_classifiers_have_labels_and_no_score),
        TEST(the_embedded_model_is_the_default),
        TEST(keys_are_what_the_query_gives),
        TEST(what_does_not_apply_is_null),
        TEST(unknown_is_the_share_of_byte_fallback),
        TEST(bad_arguments_have_clear_errors),
        TEST(is_for_direct_use_only),
        TEST(a_query_that_uses_lstm_score_is_refused),
        TEST(a_statement_may_write_what_the_query_reads),
        TEST(rows_come_batch_by_batch),
        TEST(a_batch_is_what_lstm_config_says),
        TEST(a_batch_ends_where_its_texts_are_too_many_bytes),
        TEST(a_query_that_fails_on_its_way_is_an_error),
        TEST(a_locked_database_says_that_it_is_busy),
        TEST(leaves_transactions_and_locks_as_they_were),
        TEST(an_interrupt_ends_it_and_leaves_nothing_open),
        TEST(a_changed_schema_moves_no_cursor_of_the_outer_statement),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
