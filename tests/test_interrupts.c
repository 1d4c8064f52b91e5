/* An interrupt at any moment of a look-up or an import leaves no transaction open and no lock held.
 */
#include "tests/extension.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct tiny_model first = { .task = "sentiment",
                                         .labels = "negative positive",
                                         .seed = 1 };

#define SCORE "SELECT lstm_sentiment('a good film', 'm')"

static sqlite3 *db;  /* a.db in a folder of its own */
static double score; /* of SCORE by first */

static int open_database(void **state)
{
    (void)state;
    extension_folder();
    db = extension_open("a.db", 0);
    return 0;
}

static int close_database(void **state)
{
    (void)state;
    extension_close(db);
    extension_folder_remove();
    return 0;
}

static int measure(void **state)
{
    (void)state;
    sqlite3 *memory = extension_open(":memory:", 0);
    extension_import(memory, "m", &first);
    score = real_of(memory, SCORE);
    extension_close(memory);
    return 0;
}

static struct {
    enum { INTERRUPT, STOP_ONCE, STOP_FROM_THEN_ON, WAYS } way;
    int at, calls; /* of the progress handler */
} interruption;

static int progress(void *unused)
{
    (void)unused;
    interruption.calls++;
    if (interruption.way == INTERRUPT && interruption.calls == interruption.at)
        sqlite3_interrupt(db);
    return interruption.way == STOP_ONCE           ? interruption.calls == interruption.at
           : interruption.way == STOP_FROM_THEN_ON ? interruption.calls >= interruption.at
                                                   : 0;
}

/* Runs a statement with one row, which is interrupted after at operations, also behind the last one
 * of each statement that is nested in it. Returns whether it was long enough for that. */
static int interrupted(sqlite3_stmt *s, int at)
{
    interruption.at = at;
    interruption.calls = 0;
    sqlite3_progress_handler(db, 1, progress, NULL);
    int rc = sqlite3_step(s);
    sqlite3_reset(s);
    sqlite3_progress_handler(db, 0, NULL, NULL);
    if (rc != SQLITE_ROW && rc != SQLITE_INTERRUPT)
        fail_msg("interrupted after %d operations: %d, %s", at, rc, sqlite3_errmsg(db));
    assert_true(rc == SQLITE_ROW || interruption.calls >= at);
    return interruption.calls >= at;
}

/* Nothing is open, nothing is locked, and what is written from now on stays. */
static void expect_no_transaction(sqlite3 *other)
{
    assert_int_equal(sqlite3_get_autocommit(db), 1);
    run(other, "UPDATE t SET x = 1");
    run(db, "UPDATE t SET x = x + 1");
    assert_string_equal(text_of(other, "SELECT x FROM t"), "2");
}

static const char *const journal_modes[] = { "PRAGMA journal_mode = delete",
                                             "PRAGMA journal_mode = wal" };

static sqlite3 *open_both(const char *journal_mode)
{
    sqlite3 *other = extension_open("a.db", 0);
    run(db, journal_mode);
    run(db, "PRAGMA synchronous = off; DROP TABLE IF EXISTS t; CREATE TABLE t(x); INSERT INTO t "
            "VALUES (0)");
    run(other, "PRAGMA synchronous = off");
    return other;
}

static void an_interrupted_look_up_leaves_no_transaction_open(void **state)
{
    (void)state;
    extension_import(db, "m", &first);
    for (size_t i = 0; i < COUNT(journal_modes) * WAYS; i++) {
        sqlite3_stmt *s = NULL;
        sqlite3 *other = open_both(journal_modes[i / WAYS]);
        interruption.way = i % WAYS;
        assert_int_equal(sqlite3_prepare_v2(db, SCORE, -1, &s, NULL), SQLITE_OK);
        for (int at = 1; interrupted(s, at); at++)
            expect_no_transaction(other);
        assert_true(interruption.at > 50); /* or this has tested nothing */
        expect_no_transaction(other);
        sqlite3_finalize(s);
        extension_close(other);
        assert_true(real_of(db, SCORE) == score);
    }
}

static void an_interrupted_import_leaves_no_transaction_open(void **state)
{
    static const char *const before[] = { "DROP TABLE IF EXISTS lstm_models",
                                          "DELETE FROM lstm_models" };
    (void)state;
    for (size_t i = 0; i < COUNT(journal_modes) * COUNT(before) * WAYS; i++) {
        sqlite3_stmt *s = NULL;
        sqlite3 *other = open_both(journal_modes[i / WAYS / COUNT(before)]);
        interruption.way = i % WAYS;
        assert_int_equal(sqlite3_prepare_v2(db, "SELECT lstm_model_import('m', ?1)", -1, &s, NULL),
                         SQLITE_OK);
        bind_model(s, 1, &first);
        for (int at = 1, more = 1; more; at++) {
            run(db, before[i / WAYS % COUNT(before)]);
            more = interrupted(s, at);
            expect_no_transaction(other);
            if (!strcmp(
                    text_of(db, "SELECT count(*) FROM sqlite_master WHERE name = 'lstm_models'"),
                    "1"))
                expect(db, "SELECT count(*) FROM sqlite_master WHERE type = 'trigger'",
                       "1"); /* all or nothing */
        }
        assert_true(interruption.at > 50);
        expect(db, "SELECT count(*) FROM lstm_models", "1");
        sqlite3_finalize(s);
        extension_close(other);
    }
}

/* The user's transaction goes on without a savepoint of ours, or was rolled back as SQLite does it.
 */
static void an_interrupted_import_in_a_transaction_is_not_half_done(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(journal_modes) * WAYS; i++) {
        sqlite3_stmt *s = NULL;
        sqlite3 *other = open_both(journal_modes[i / WAYS]);
        int lost = 0, kept = 0;
        interruption.way = i % WAYS;
        assert_int_equal(sqlite3_prepare_v2(db, "SELECT lstm_model_import('m', ?1)", -1, &s, NULL),
                         SQLITE_OK);
        bind_model(s, 1, &first);
        for (int at = 1, more = 1; more; at++) {
            run(db,
                "DROP TABLE IF EXISTS lstm_models; UPDATE t SET x = 0; BEGIN; UPDATE t SET x = 7");
            more = interrupted(s, at);
            if (sqlite3_get_autocommit(db)) {
                expect(db, "SELECT x FROM t", "0");
                lost++;
            } else {
                fails_with(db, "RELEASE lstm_model_import", "no such savepoint");
                run(db, "COMMIT");
                expect(db, "SELECT x FROM t", "7");
                kept++;
            }
            expect(db,
                   "SELECT count(*) FROM sqlite_master WHERE name = 'lstm_models' AND NOT EXISTS "
                   "(SELECT 1 FROM "
                   "sqlite_master WHERE type = 'trigger')",
                   "0");
            expect_no_transaction(other);
        }
        assert_true(lost > 0 && kept > 0);
        sqlite3_finalize(s);
        extension_close(other);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_interrupted_look_up_leaves_no_transaction_open,
                                        open_database, close_database),
        cmocka_unit_test_setup_teardown(an_interrupted_import_leaves_no_transaction_open,
                                        open_database, close_database),
        cmocka_unit_test_setup_teardown(an_interrupted_import_in_a_transaction_is_not_half_done,
                                        open_database, close_database),
    };
    return cmocka_run_group_tests(tests, measure, NULL);
}
