/* What a look-ahead could break, each with the statement that showed it: cursors, transactions,
 * callbacks of the application, functions that must not run twice. */
#include "tests/twins.h"

#include "ext/result_cache.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct twins twins;

#define ROWS_OF_R                                                                                  \
    "CREATE TABLE r(id INTEGER PRIMARY KEY, body TEXT, k INT);"                                    \
    "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 400)"              \
    "INSERT INTO r SELECT i, 'the film ' || char(97 + i % 26, 97 + i / 26) || iif(i % 3, ' bad', " \
    "' good'), i % 4 "                                                                             \
    "FROM n;"                                                                                      \
    "CREATE TABLE keep(x);"

#define F "lstm_sentiment(body, 'mood')"

static int open_memory(void **state)
{
    (void)state;
    twins = twins_open(0, ROWS_OF_R);
    return 0;
}

static int open_files(void **state)
{
    (void)state;
    extension_folder();
    twins = twins_open(1, ROWS_OF_R);
    return 0;
}

static int close_both(void **state)
{
    (void)state;
    twins_close(&twins);
    extension_folder_remove();
    return 0;
}

/* SQLite computes the upper bound of a range behind the seek, and does not look whether the cursor
 * still stands: a nested statement that fails in autocommit mode takes its page away, and whatever
 * is read next, here the model of the second function, puts another one in its place. Without the
 * savepoint there are no rows, and no error. */
static void a_range_whose_bound_we_compute_keeps_its_rows(void **state)
{
    static const char range[] =
        "SELECT b.id, count(*) FROM r AS b CROSS JOIN a ON a.g = 1 AND a.k >= 0 AND a.k < "
        "500 * (1 + lstm_sentiment(b.body, 'mood')) + 0 * lstm_sentiment('film', b.model) "
        "GROUP BY b.id";
    (void)state;
    twins_run(&twins, "ALTER TABLE r ADD COLUMN model DEFAULT 'mood'; CREATE TABLE a(g, k, pad);"
                      "INSERT INTO a SELECT 1, (b.id * 400 + r.id) % 997, hex(zeroblob(20)) FROM "
                      "r, r AS b WHERE b.id < "
                      "50; CREATE INDEX a_gk ON a(g, k, pad); PRAGMA cache_size = 10");
    int64_t lookaheads = twins_counter(&twins, "lookaheads");
    twins_compare(&twins, range, NULL);
    assert_true(twins_counter(&twins, "lookaheads") > lookaheads); /* or this has tested nothing */
}

static void a_transaction_that_has_written_is_not_put_at_risk(void **state)
{
    static const char sorted[] = "SELECT id FROM r ORDER BY " F ", body";
    (void)state;
    twins_run(&twins, "BEGIN; INSERT INTO keep VALUES ('precious')");
    twins_compare(&twins, sorted, "SELECT * FROM keep");
    assert_int_equal(twins_refused(&twins, "sort within a transaction"), 1);
    sqlite3_int64 before = sqlite3_hard_heap_limit64(sqlite3_memory_used() + (64 << 20));
    twins_compare(&twins, "SELECT id, " F " FROM r", "SELECT * FROM keep");
    sqlite3_hard_heap_limit64(before);
    assert_int_equal(twins_refused(&twins, "heap limit"), 1);
    twins_run(&twins, "COMMIT");
    twins_compare(&twins, sorted, "SELECT * FROM keep");
    assert_true(twins_counter(&twins, "lookaheads") > 0);
}

/* The look-ahead meets the error before the statement does. */
static void errors_come_when_their_row_comes(void **state)
{
    static const char *const statements[] = {
        "SELECT id, " F ", abs(-9223372036854775807 - (id = 200)) FROM r",
        "SELECT avg(" F "), max(abs(-9223372036854775807 - (id = 200))) FROM r",
        "UPDATE r SET k = " F ", body = abs(-9223372036854775807 - (id = 200))",
        "SELECT id, lstm_sentiment(body, iif(id = 200, 'nobody', 'mood')) FROM r",
        "SELECT id, lstm_sentiment(body, iif(id = 200, 'topic', 'mood')) FROM r",
        "SELECT id, lstm_sentiment(iif(id = 200, json('{'), body), 'mood') FROM r",
        "SELECT lstm_summarize(iif(id = 20, replace(hex(zeroblob(100000)), '0', 'a b'), body), "
        "'{\"model\": \"title\", "
        "\"max_tokens\": 2, \"beam\": 1}') FROM r WHERE id < 40",
        "INSERT INTO keep SELECT " F " FROM r WHERE id < 200 OR json('{')",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(statements); i++)
        twins_compare(&twins, statements[i], "SELECT count(*), total(k) FROM r");
    assert_true(twins_counter(&twins, "lookaheads") > 8);
}

static int calls; /* of a function of the application */

static void count_call(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    (void)argc, (void)argv;
    sqlite3_result_int(context, ++calls);
}

static void functions_of_the_application_run_as_often_as_without(void **state)
{
    static const int flags[] = { 0, SQLITE_DETERMINISTIC, SQLITE_DIRECTONLY,
                                 SQLITE_DIRECTONLY | SQLITE_INNOCUOUS };
    static const char *const statements[] = {
        "SELECT id, counted(id), " F " FROM r",
        "SELECT id FROM r WHERE counted(id) > 0 AND " F " > 0",
        "SELECT max(counted(body)), avg(" F ") FROM r",
        "INSERT INTO keep SELECT counted(id) + " F " FROM r",
        "SELECT id, length(body), " F " FROM r",
        "SELECT id, lstm_embed(body), " F " FROM r", /* its name alone does not make it ours */
        "SELECT id, round(" F ", 2) FROM r",
        "SELECT id FROM r WHERE body LIKE 'the%' AND " F " > 0",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(flags) * COUNT(statements); i++) {
        static const char *const names[] = { "counted", "length", "lstm_embed", "round", "like" };
        const char *sql = statements[i % COUNT(statements)];
        struct effects effects[2] = { { NULL, 0, 0 } };
        int counted[2];
        for (int twin = 0; twin < 2; twin++) {
            sqlite3 *db = twin ? twins.on : twins.off;
            effects_forget_results();
            for (size_t name = 0; name < COUNT(names);
                 name++) /* length(1), round(2), like(2) are SQLite's too */
                sqlite3_create_function(db, names[name], name > 2 ? 2 : 1,
                                        SQLITE_UTF8 | flags[i / COUNT(statements)], NULL,
                                        count_call, NULL, NULL);
            calls = 0;
            effects_run(&effects[twin], db, sql);
            counted[twin] = calls;
        }
        if (strcmp(effects[0].text, effects[1].text) != 0)
            fail_msg("%s\n--- off\n%s--- on\n%s", sql, effects[0].text, effects[1].text);
        if (counted[0] != counted[1] || counted[0] == 0)
            fail_msg("%s: %d calls without, %d with read-ahead", sql, counted[0], counted[1]);
        free(effects[0].text);
        free(effects[1].text);
    }
    assert_int_equal(twins_counter(&twins, "lookaheads"), 0);
}

/* An override that comes after the statement was found harmless. */
static void a_function_is_looked_at_in_every_run(void **state)
{
    static const char sql[] = "SELECT id, length(body), " F " FROM r";
    (void)state;
    twins_compare(&twins, sql, NULL);
    int64_t lookaheads = twins_counter(&twins, "lookaheads");
    assert_true(lookaheads > 0);
    sqlite3_create_function(twins.on, "length", 1, SQLITE_UTF8, NULL, count_call, NULL, NULL);
    calls = 0;
    effects_forget_results();
    run(twins.on, sql);
    assert_int_equal(calls, 400);
    assert_int_equal(twins_counter(&twins, "lookaheads"), lookaheads);
}

static void bind_everything(sqlite3_stmt *s, int c)
{
    static const double reals[] = { 0.1 + 0.2, -0.0, 5e-324, 1e300, 2.5 };
    switch (c) {
    case 0: sqlite3_bind_int64(s, 1, INT64_MIN); break;
    case 1: sqlite3_bind_text(s, 1, "it''s -- a /* 'quote'", -1, SQLITE_STATIC); break;
    case 2: sqlite3_bind_text(s, 1, "a\0b", 3, SQLITE_STATIC); break;
    case 3: sqlite3_bind_blob(s, 1, "\0\xff'x", 4, SQLITE_STATIC); break;
    case 4: sqlite3_bind_zeroblob(s, 1, 30); break;
    case 5: sqlite3_bind_double(s, 1, INFINITY); break;
    case 6: sqlite3_bind_double(s, 1, -INFINITY); break;
    case 7: sqlite3_bind_double(s, 1, NAN); break;
    case 8: sqlite3_bind_null(s, 1); break;
    case 9: sqlite3_bind_pointer(s, 1, &calls, "int", NULL); break;
    case 10: sqlite3_bind_text(s, 1, "\xff\xfe", 2, SQLITE_STATIC); break;
    case 11: sqlite3_bind_text(s, 1, "", 0, SQLITE_STATIC); break;
    default: sqlite3_bind_double(s, 1, reals[c - 12]);
    }
}

static void parameters_of_every_kind_give_the_same(void **state)
{
    static const char *const statements[] = {
        "SELECT id, lstm_sentiment(body || coalesce(?1, ''), 'mood'), typeof(?1) FROM r WHERE id < "
        "60",
        "SELECT id, " F " FROM r WHERE ?1 IS NULL OR body <> ?1 ORDER BY ?1, id DESC",
        "SELECT ?1, count(*), avg(" F ") FROM r GROUP BY ?1",
        "SELECT id, " F " FROM r WHERE body LIKE ?1 OR id > 300",
        "UPDATE r SET k = " F ", body = coalesce(?1, body) WHERE id % 2 = ?2",
    };
    (void)state;
    for (int c = 0; c < 17; c++)
        for (size_t i = 0; i < COUNT(statements); i++) {
            struct effects effects[2] = { { NULL, 0, 0 } };
            for (int twin = 0; twin < 2; twin++) {
                sqlite3_stmt *s = NULL;
                effects_forget_results();
                run(twin ? twins.on : twins.off, "BEGIN");
                sqlite3_prepare_v2(twin ? twins.on : twins.off, statements[i], -1, &s, NULL);
                bind_everything(s, c);
                while (effects_step(&effects[twin], s) == SQLITE_ROW)
                    ;
                sqlite3_finalize(s);
                effects_run(&effects[twin], twin ? twins.on : twins.off, "SELECT * FROM r");
                run(twin ? twins.on : twins.off, "ROLLBACK");
            }
            if (strcmp(effects[0].text, effects[1].text) != 0)
                fail_msg("%s, value %d\n--- off\n%s--- on\n%s", statements[i], c, effects[0].text,
                         effects[1].text);
            free(effects[0].text);
            free(effects[1].text);
        }
    assert_true(twins_counter(&twins, "lookaheads") > 60);
    assert_true(twins_refused(&twins, "parameters") > 6);
}

static int progress_at; /* the call of the handler that stops */

static int stop_once(void *unused)
{
    (void)unused;
    return --progress_at == 0;
}

/* Wherever the handler stops it, within the look-ahead or outside, the statement ends. */
static void a_progress_handler_that_stops_once_is_heard(void **state)
{
    int within = 0;
    (void)state;
    for (int at = 1; at < 400; at += 7) {
        sqlite3_stmt *s = NULL;
        int rc = SQLITE_ROW;
        effects_forget_results();
        progress_at = at;
        sqlite3_progress_handler(twins.on, 20, stop_once, NULL);
        assert_int_equal(sqlite3_prepare_v2(twins.on, "SELECT id, " F " FROM r", -1, &s, NULL),
                         SQLITE_OK);
        while (rc == SQLITE_ROW)
            rc = sqlite3_step(s);
        sqlite3_progress_handler(twins.on, 0, NULL, NULL);
        if (progress_at > 0 ? rc != SQLITE_DONE : rc != SQLITE_INTERRUPT)
            fail_msg("stopped at %d: %d, %s", at, rc, sqlite3_errmsg(twins.on));
        within += progress_at <= 0;
        sqlite3_finalize(s);
        assert_int_equal(sqlite3_get_autocommit(twins.on), 1);
    }
    assert_true(within > 40);
}

static int deny(void *denied, int action, const char *a, const char *b, const char *c,
                const char *d)
{
    (void)a, (void)b, (void)c, (void)d;
    return action == *(int *)denied ? SQLITE_DENY : SQLITE_OK;
}

static void an_authorizer_decides_over_look_aheads_too(void **state)
{
    static int actions[] = { SQLITE_SAVEPOINT, SQLITE_PRAGMA };
    (void)state;
    for (size_t i = 0; i < COUNT(actions); i++) {
        sqlite3_set_authorizer(twins.on, deny, &actions[i]);
        sqlite3_set_authorizer(twins.off, deny, &actions[i]);
        twins_compare(&twins, "SELECT id, length(body), lstm_sentiment(body) FROM r WHERE id < 50",
                      NULL);
        sqlite3_set_authorizer(twins.on, NULL, NULL);
        sqlite3_set_authorizer(twins.off, NULL, NULL);
    }
    assert_int_equal(twins_counter(&twins, "lookaheads"), 0);
    assert_int_equal(twins_refused(&twins, "no savepoint"), 1);
    assert_int_equal(twins_refused(&twins, "not prepared"), 1);
}

static void cursors_that_are_paused_are_told_apart_or_left_alone(void **state)
{
    static const char *const first[] = { "SELECT id, " F " FROM r", "SELECT id FROM r" };
    static const char *const second[] = {
        "SELECT id, " F " FROM r",
        "SELECT count(*) FROM good",
        "SELECT id, lstm_classify(body, 'topic') FROM r",
        "INSERT INTO fire SELECT id FROM r WHERE id < 9",
        "UPDATE r SET k = " F " WHERE id > 390",
    };
    (void)state;
    twins_run(
        &twins,
        "CREATE VIEW good AS SELECT id FROM r WHERE lstm_sentiment(body || '!', 'mood') > 0;"
        "CREATE TABLE fire(x); CREATE TRIGGER firing AFTER INSERT ON fire BEGIN "
        "INSERT INTO keep SELECT lstm_sentiment(body || '?', 'mood') FROM r WHERE id < 20; END");
    for (size_t i = 0; i < COUNT(first) * COUNT(second); i++) {
        struct effects effects[2] = { { NULL, 0, 0 } };
        for (int twin = 0; twin < 2; twin++) {
            sqlite3 *db = twin ? twins.on : twins.off;
            sqlite3_stmt *a = NULL, *b = NULL;
            effects_forget_results();
            sqlite3_prepare_v2(db, first[i / COUNT(second)], -1, &a, NULL);
            sqlite3_prepare_v2(db, second[i % COUNT(second)], -1, &b, NULL);
            for (int row = 0; row < 30; row++)
                effects_step(&effects[twin], a);
            for (int row = 0; row < 40 && effects_step(&effects[twin], b) == SQLITE_ROW; row++)
                effects_step(&effects[twin], a);
            effects_run(&effects[twin], db, "SELECT total(x), count(*) FROM keep");
            while (effects_step(&effects[twin], a) == SQLITE_ROW)
                ;
            sqlite3_finalize(a);
            sqlite3_finalize(b);
        }
        if (strcmp(effects[0].text, effects[1].text) != 0)
            fail_msg("%s\n--- off\n%s--- on\n%s", second[i % COUNT(second)], effects[0].text,
                     effects[1].text);
        free(effects[0].text);
        free(effects[1].text);
    }
}

/* SQLite closes the connection when the last statement has gone. */
static void a_statement_outlives_its_connection(void **state)
{
    (void)state;
    sqlite3 *db = extension_open(":memory:", 0);
    sqlite3_stmt *s = NULL;
    run(db, ROWS_OF_R "SELECT lstm_config('readahead', 'eager')");
    assert_int_equal(
        sqlite3_prepare_v2(db, "SELECT lstm_sentiment(body) FROM r WHERE id < 20", -1, &s, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    assert_int_equal(sqlite3_close_v2(db), SQLITE_OK);
    for (int row = 1; row < 19; row++)
        assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    assert_int_equal(sqlite3_step(s), SQLITE_DONE);
    assert_int_equal(sqlite3_finalize(s), SQLITE_OK);
}

static void nothing_is_read_that_would_begin_a_transaction(void **state)
{
    static const char values[] =
        "VALUES (lstm_sentiment('a')), (lstm_sentiment('b')), (lstm_sentiment('c'))";
    (void)state;
    int64_t lookaheads = twins_counter(&twins, "lookaheads");
    twins_run(&twins, "BEGIN");
    twins_compare(&twins, values, NULL);
    assert_int_equal(sqlite3_txn_state(twins.on, NULL), SQLITE_TXN_NONE);
    twins_run(&twins, "COMMIT");
    assert_true(twins_counter(&twins, "lookaheads") > lookaheads);
}

static void a_cache_smaller_than_the_table_still_serves_batches(void **state)
{
    (void)state;
    twins_run(&twins,
              "WITH RECURSIVE n(i) AS (VALUES (401) UNION ALL SELECT i + 1 FROM n WHERE i < 30000)"
              "INSERT INTO r SELECT i, 'film ' || i, 0 FROM n");
    run(twins.on, "SELECT lstm_config('cache_mb', 1)");
    static const char *const statements[] = { "SELECT avg(" F ") FROM r", "SELECT id, " F " FROM r",
                                              "SELECT k, count(*) FROM r GROUP BY " F " > 0",
                                              "SELECT count(" F " + length(lstm_classify(body, "
                                              "'mood'))) FROM r" };
    for (size_t i = 0; i < COUNT(statements); i++) {
        int64_t alone = twins_counter(&twins, "alone");
        twins_compare(&twins, statements[i], NULL);
        assert_true(twins_counter(&twins, "alone") - alone < 300);
        assert_true(result_cache_state().bytes + result_cache_state().held <= 1 << 20);
    }
    assert_int_equal(result_cache_state().held, 0);
    run(twins.on, "SELECT lstm_config('cache_mb', 64)");
}

static char logged[1 << 16], traced[1 << 18];

static void log_message(void *unused, int code, const char *message)
{
    (void)unused, (void)code;
    strncat(logged, message, sizeof logged - strlen(logged) - 1);
}

static int trace_statement(unsigned what, void *unused, void *statement, void *text)
{
    (void)unused, (void)text;
    if (what == SQLITE_TRACE_STMT)
        strncat(traced, sqlite3_sql(statement), sizeof traced - strlen(traced) - 1);
    return 0;
}

static void no_value_and_no_text_is_logged_or_traced(void **state)
{
    sqlite3_stmt *s = NULL;
    (void)state;
    logged[0] = traced[0] = '\0';
    sqlite3_trace_v2(twins.on, SQLITE_TRACE_STMT, trace_statement, NULL);
    assert_int_equal(sqlite3_prepare_v2(
                         twins.on, "SELECT count(*) FROM r WHERE body <> ?1 AND " F " > 0 LIMIT 1",
                         -1, &s, NULL),
                     SQLITE_OK);
    sqlite3_bind_text(s, 1, "my secret", -1, SQLITE_STATIC);
    while (sqlite3_step(s) == SQLITE_ROW)
        ;
    sqlite3_finalize(s);
    sqlite3_trace_v2(twins.on, 0, NULL, NULL);
    assert_true(twins_counter(&twins, "lookaheads") > 0);
    assert_non_null(strstr(logged, "read-ahead ends here")); /* it does say that one ended */
    assert_null(strstr(logged, "secret"));
    assert_null(strstr(logged, "the film"));
    assert_null(strstr(traced, "secret"));
    assert_null(strstr(traced, "the film"));
}

/* Another connection finds the locks as they would be without. */
static void another_connection_writes_when_it_could_without(void **state)
{
    static const char *const modes[] = { "PRAGMA journal_mode = delete",
                                         "PRAGMA journal_mode = wal" };
    static const int rows[] = { 1, 12, 50, 1000 };
    (void)state;
    for (size_t i = 0; i < COUNT(modes) * COUNT(rows); i++) {
        int rcs[2][3] = { { 0 } };
        for (int twin = 0; twin < 2; twin++) {
            sqlite3 *db = twin ? twins.on : twins.off,
                    *other = extension_open(twin ? "a.db" : "b.db", 0);
            sqlite3_stmt *s = NULL;
            effects_forget_results();
            run(db, modes[i / COUNT(rows)]);
            sqlite3_prepare_v2(db, "SELECT id, " F " FROM r", -1, &s, NULL);
            for (int row = 0; row < rows[i % COUNT(rows)] && sqlite3_step(s) == SQLITE_ROW; row++)
                ;
            rcs[twin][0] = sqlite3_exec(other, "INSERT INTO keep VALUES (1)", NULL, NULL, NULL);
            sqlite3_reset(s);
            rcs[twin][1] = sqlite3_exec(other, "INSERT INTO keep VALUES (1)", NULL, NULL, NULL);
            sqlite3_finalize(s);
            rcs[twin][2] = sqlite3_exec(other, "INSERT INTO keep VALUES (1)", NULL, NULL, NULL);
            extension_close(other);
        }
        assert_memory_equal(rcs[0], rcs[1], sizeof rcs[0]);
        assert_int_equal(rcs[1][1], SQLITE_OK);
    }
}

static char hooks[4000];

static int on_commit(void *db)
{
    (void)db;
    strncat(hooks, "commit ", sizeof hooks - strlen(hooks) - 1);
    return 0;
}

static void on_rollback(void *db)
{
    (void)db;
    strncat(hooks, "rollback ", sizeof hooks - strlen(hooks) - 1);
}

static int on_wal(void *unused, sqlite3 *db, const char *database, int pages)
{
    char words[60];
    (void)unused, (void)db;
    snprintf(words, sizeof words, "wal %s %d ", database, pages > 0);
    strncat(hooks, words, sizeof hooks - strlen(hooks) - 1);
    return SQLITE_OK;
}

/* Statements within every kind of transaction, with the hooks that go off. */
static void transactions_and_hooks_are_as_without(void **state)
{
    static const char *const statements[] = {
        "SELECT id, " F " FROM r",
        "SELECT id FROM r ORDER BY " F " LIMIT 5",
        "UPDATE r SET k = " F " WHERE id > 100",
        "INSERT INTO keep SELECT " F " FROM r",
        "CREATE TABLE made AS SELECT id, " F " AS f FROM r",
        "DELETE FROM r WHERE " F " < 0 AND id > 380",
    };
    static const char *const begins[] = { NULL, "BEGIN", "BEGIN IMMEDIATE", "SAVEPOINT s" };
    static const char *const modes[] = { "PRAGMA journal_mode = delete",
                                         "PRAGMA journal_mode = wal" };
    (void)state;
    for (size_t i = 0; i < COUNT(statements) * COUNT(begins) * COUNT(modes); i++) {
        struct effects effects[2] = { { NULL, 0, 0 } };
        const char *begin = begins[i / COUNT(statements) % COUNT(begins)];
        for (int twin = 0; twin < 2; twin++) {
            sqlite3 *db = twin ? twins.on : twins.off;
            run(db, modes[i / COUNT(statements) / COUNT(begins)]);
            run(db, "DROP TABLE IF EXISTS made");
            effects_forget_results();
            hooks[0] = '\0';
            sqlite3_commit_hook(db, on_commit, NULL);
            sqlite3_rollback_hook(db, on_rollback, NULL);
            sqlite3_wal_hook(db, on_wal, NULL);
            if (begin)
                run(db, begin);
            effects_run(&effects[twin], db, statements[i % COUNT(statements)]);
            if (begin)
                run(db, "COMMIT");
            effects_run(
                &effects[twin], db,
                "SELECT total(k), count(*) FROM r UNION ALL SELECT total(x), count(*) FROM keep");
            effects_put(&effects[twin], "%s", hooks);
        }
        if (strcmp(effects[0].text, effects[1].text) != 0)
            fail_msg("%s\n--- off\n%s--- on\n%s", statements[i % COUNT(statements)],
                     effects[0].text, effects[1].text);
        free(effects[0].text);
        free(effects[1].text);
    }
    assert_true(twins_counter(&twins, "lookaheads") > 80);
}

#define IN(where, test) cmocka_unit_test_setup_teardown(test, open_##where, close_both)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN(files, a_range_whose_bound_we_compute_keeps_its_rows),
        IN(memory, a_transaction_that_has_written_is_not_put_at_risk),
        IN(memory, errors_come_when_their_row_comes),
        IN(memory, functions_of_the_application_run_as_often_as_without),
        IN(memory, a_function_is_looked_at_in_every_run),
        IN(memory, parameters_of_every_kind_give_the_same),
        IN(memory, a_progress_handler_that_stops_once_is_heard),
        IN(memory, an_authorizer_decides_over_look_aheads_too),
        IN(memory, cursors_that_are_paused_are_told_apart_or_left_alone),
        IN(memory, a_statement_outlives_its_connection),
        IN(memory, nothing_is_read_that_would_begin_a_transaction),
        IN(memory, a_cache_smaller_than_the_table_still_serves_batches),
        IN(memory, no_value_and_no_text_is_logged_or_traced),
        IN(files, another_connection_writes_when_it_could_without),
        IN(files, transactions_and_hooks_are_as_without),
    };
    sqlite3_config(SQLITE_CONFIG_LOG, log_message, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
