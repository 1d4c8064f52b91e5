/* Models as rows: import, export, which one a name stands for, and what other connections see. */
#include "model/json.h"
#include "tests/extension.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct tiny_model first = { .task = "sentiment",
                                         .labels = "negative positive",
                                         .seed = 1,
                                         .card = "{\"seed\":1,\"data\":\"none\"}" };
static const struct tiny_model second = { .task = "sentiment",
                                          .labels = "negative positive",
                                          .seed = 2 };
static const struct tiny_model topics = { .task = "classify",
                                          .labels = "sport politics weather",
                                          .seed = 3 };

#define SCORE "SELECT lstm_sentiment('a good film', 'm')"

static sqlite3 *db;      /* a.db in a folder of its own */
static double scores[2]; /* of SCORE by first and by second */

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
    static const struct tiny_model *const models[] = { &first, &second };
    (void)state;
    for (size_t i = 0; i < COUNT(models); i++) {
        sqlite3 *memory = extension_open(":memory:", 0);
        extension_import(memory, "m", models[i]);
        scores[i] = real_of(memory, SCORE);
        extension_close(memory);
    }
    return scores[0] == scores[1];
}

/* import */

static void an_imported_model_is_a_described_row(void **state)
{
    (void)state;
    assert_int_equal(extension_import(db, "m", &first), 1);
    expect(db, "SELECT name || version || task FROM lstm_models", "m1sentiment");
    expect(db, "SELECT sha256 = lstm_model_sha256('m') AND bytes = length(blob) FROM lstm_models",
           "1");
    expect(db,
           "SELECT json_extract(sizes, '$.vocab', '$.embedding', '$.hidden', '$.layers', "
           "'$.classes', '$.window', "
           "'$.overlap') FROM lstm_models",
           "[289,16,16,1,2,32,8]");
    expect(db, "SELECT labels FROM lstm_models", "[\"negative\",\"positive\"]");
    expect(db, "SELECT card FROM lstm_models", "{\"seed\":1,\"data\":\"none\"}");
    expect(db, "SELECT metrics FROM lstm_models", "NULL");
    expect(db,
           "SELECT created_at BETWEEN strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '-1 minute') AND "
           "strftime('%Y-%m-%dT%H:%M:%SZ', 'now') FROM lstm_models",
           "1");
    expect(db, "SELECT lstm_model_import('n', lstm_model_export('m'), '{\"accuracy\": 0.5}')", "1");
    expect(db, "SELECT json_extract(metrics, '$.accuracy') FROM lstm_models WHERE name = 'n'",
           "0.5");
}

static void the_same_blob_again_is_no_new_version(void **state)
{
    (void)state;
    assert_int_equal(extension_import(db, "m", &first), 1);
    assert_int_equal(extension_import(db, "m", &first), 1);
    assert_true(real_of(db, SCORE) == scores[0]);
    assert_int_equal(extension_import(db, "m", &second), 2);
    assert_true(real_of(db, SCORE) == scores[1]);
    assert_int_equal(extension_import(db, "m", &second), 2);
    assert_int_equal(extension_import(db, "m", &first),
                     3); /* the latest is what a name stands for, so this one is new */
    assert_true(real_of(db, SCORE) == scores[0]);
    run(db, "DELETE FROM lstm_models WHERE version = 3");
    assert_true(real_of(db, SCORE) == scores[1]);
    expect(db, "SELECT count(*) FROM lstm_models", "2");
}

static void versions_never_change(void **state)
{
    (void)state;
    extension_import(db, "m", &first);
    assert_int_equal(fails_with(db, "UPDATE lstm_models SET task = 'classify'",
                                "a version of a model never changes"),
                     SQLITE_CONSTRAINT);
}

static void import_refuses_what_is_no_model(void **state)
{
    static const struct {
        const char *sql, *message;
    } cases[] = {
        { "SELECT lstm_model_import('m', x'')", "LSTM_ERR_MODEL: the BLOB is not a model: " },
        { "SELECT lstm_model_import('m', x'00')", "LSTM_ERR_MODEL: the BLOB is not a model: " },
        { "SELECT lstm_model_import('m', zeroblob(8))",
          "LSTM_ERR_MODEL: the BLOB is not a model: " },
        { "SELECT lstm_model_import('m', x'ffffffffffffffff')",
          "LSTM_ERR_MODEL: the BLOB is not a model: " },
        { "SELECT lstm_model_import('m', randomblob(10000))",
          "LSTM_ERR_MODEL: the BLOB is not a model: " },
        { "SELECT lstm_model_import('m', NULL)", "LSTM_ERR_INPUT: a model has to be a BLOB" },
        { "SELECT lstm_model_import('m', 'model.safetensors')",
          "LSTM_ERR_INPUT: a model has to be a BLOB" },
        { "SELECT lstm_model_import('', b) FROM model",
          "LSTM_ERR_INPUT: a model's name has to be" },
        { "SELECT lstm_model_import(NULL, b) FROM model",
          "LSTM_ERR_INPUT: a model's name has to be" },
        { "SELECT lstm_model_import(5, b) FROM model", "LSTM_ERR_INPUT: a model's name has to be" },
        { "SELECT lstm_model_import('two words', b) FROM model",
          "LSTM_ERR_INPUT: a model's name has to be" },
        { "SELECT lstm_model_import('m' || char(0), b) FROM model",
          "LSTM_ERR_INPUT: a model's name has to be" },
        { "SELECT lstm_model_import(printf('%065d', 1), b) FROM model",
          "LSTM_ERR_INPUT: a model's name has to be" },
        { "SELECT lstm_model_import('default-x', b) FROM model",
          "LSTM_ERR_INPUT: the name 'default-x' is not free" },
        { "SELECT lstm_model_import('m', b, '{') FROM model", "LSTM_ERR_INPUT: metrics, byte 1" },
        { "SELECT lstm_model_import('m', b, '[1]') FROM model",
          "LSTM_ERR_INPUT: metrics have to be NULL or a JSON object" },
        { "SELECT lstm_model_import('m', b, 1) FROM model",
          "LSTM_ERR_INPUT: metrics have to be NULL or a JSON object" },
        { "SELECT lstm_model_import('m', substr(b, 1, length(b) - 1)) FROM model",
          "LSTM_ERR_MODEL: the BLOB is not a model: " },
        { "SELECT lstm_model_import('m', substr(b, 1, length(b) / 2)) FROM model",
          "LSTM_ERR_MODEL: the BLOB is not a model: " },
        { "SELECT lstm_model_import('m', CAST(b || x'00' AS BLOB)) FROM model",
          "LSTM_ERR_MODEL: the BLOB is not a model: " },
    };
    sqlite3_stmt *s = NULL;
    (void)state;
    run(db, "CREATE TABLE model(b BLOB)");
    assert_int_equal(sqlite3_prepare_v2(db, "INSERT INTO model VALUES (?1)", -1, &s, NULL),
                     SQLITE_OK);
    bind_model(s, 1, &first);
    assert_int_equal(sqlite3_step(s), SQLITE_DONE);
    sqlite3_finalize(s);
    for (size_t i = 0; i < COUNT(cases); i++)
        fails_with(db, cases[i].sql, cases[i].message);
    expect(db, "SELECT count(*) FROM sqlite_master WHERE name LIKE 'lstm%'", "0");
    expect(db, "SELECT lstm_model_import('m', b) FROM model", "1");
}

static void import_is_part_of_the_transaction_it_is_in(void **state)
{
    (void)state;
    run(db, "BEGIN");
    extension_import(db, "m", &first);
    assert_true(real_of(db, SCORE) == scores[0]);
    run(db, "ROLLBACK");
    fails_with(db, SCORE, "LSTM_ERR_MODEL: no model named 'm'");
    extension_import(db, "m", &first);
    run(db, "BEGIN");
    extension_import(db, "m", &second);
    fails_with(db, "SELECT lstm_model_import('m', x'00')", "not a model");
    assert_true(real_of(db, SCORE) == scores[1]);
    run(db, "ROLLBACK");
    assert_true(real_of(db, SCORE) == scores[0]);
}

static void a_failing_import_leaves_nothing_behind(void **state)
{
    (void)state;
    run(db, "CREATE VIEW lstm_models AS SELECT 1 AS name");
    fails_with(db, "SELECT lstm_model_import('m', lstm_model_export('default-sentiment'))",
               "LSTM_ERR_MODEL: cannot store the model");
    expect(db, "SELECT group_concat(name) FROM sqlite_master", "lstm_models");
    assert_int_equal(sqlite3_get_autocommit(db), 1);
    run(db, "DROP VIEW lstm_models; CREATE TABLE t(x)");
    fails_with(
        db, "INSERT INTO t SELECT lstm_model_import('m', lstm_model_export('default-sentiment'))",
        "LSTM_ERR_INPUT: lstm_model_import cannot be part of a statement that writes");
    expect(db, "SELECT group_concat(name) FROM sqlite_master", "t");
    run(db, "CREATE TEMP TABLE lstm_models(x)"); /* in the way of the unqualified name */
    expect(db, "SELECT lstm_model_import('m', lstm_model_export('default-sentiment'))", "1");
    expect(db, "SELECT count(*) FROM main.lstm_models", "1");
    expect(db, "SELECT count(*) FROM main.sqlite_master WHERE type = 'trigger'", "1");
}

static void export_gives_the_bytes_back(void **state)
{
    sqlite3_stmt *s = NULL;
    size_t size = 0;
    void *blob = tiny_model_write(&second, &size);
    (void)state;
    extension_import(db, "m", &first);
    extension_import(db, "m", &second);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT lstm_model_export('m')", -1, &s, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    assert_int_equal(sqlite3_column_bytes(s, 0), size);
    assert_memory_equal(sqlite3_column_blob(s, 0), blob, size);
    sqlite3_finalize(s);
    free(blob);
    expect(db, "SELECT lstm_model_import('copy', lstm_model_export('m'))", "1");
    expect(db, "SELECT lstm_model_sha256('copy') = lstm_model_sha256('m')", "1");
}

/* rows that are not as import made them */

static void altered_rows_are_found_out(void **state)
{
    static const struct {
        const char *change, *message;
    } cases[] = {
        { "blob = CAST(substr(blob, 1, length(blob) - 4) || x'00000000' AS BLOB)",
          "LSTM_ERR_MODEL: model 'm' (version 1, database 'main') was altered after it was "
          "stored" },
        { "blob = substr(blob, 1, 1000), bytes = 1000", "blob of 1000 bytes has SHA-256" },
        { "blob = x'', bytes = 0",
          "LSTM_ERR_MODEL: model 'm' (version 1, database 'main'): its blob is empty" },
        { "sha256 = printf('%064d', 7)", "its row says 0000000000000000" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char sql[300];
        extension_import(db, "m", &first);
        snprintf(sql, sizeof sql, "DROP TRIGGER lstm_models_immutable; UPDATE lstm_models SET %s",
                 cases[i].change);
        run(db, sql);
        fails_with(db, SCORE, cases[i].message);
        fails_with(db, "SELECT lstm_model_export('m')", cases[i].message);
        run(db, "DROP TABLE lstm_models");
    }
}

static void a_valid_hash_of_an_invalid_model_is_found_out(void **state)
{
    (void)state; /* the SHA-256 of "abc", FIPS 180-2 appendix B.1 */
    extension_import(db, "m", &first);
    run(db, "DROP TRIGGER lstm_models_immutable; UPDATE lstm_models SET blob = x'616263', bytes = "
            "3, sha256 = "
            "'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'");
    fails_with(db, SCORE, "LSTM_ERR_MODEL: model 'm' (version 1, database 'main'): ");
}

static void tables_of_another_shape_are_named(void **state)
{
    static const struct {
        const char *table, *message;
    } cases[] = {
        { "CREATE TABLE lstm_models(name)",
          "LSTM_ERR_MODEL: cannot read the models of database 'main': no such column: version" },
        { "CREATE TABLE lstm_models AS SELECT 'm' AS name, 1 AS version, NULL AS sha256, NULL AS "
          "blob",
          "LSTM_ERR_MODEL: model 'm' (version 1, database 'main'): its sha256 is not one" },
        { "CREATE TABLE lstm_models AS SELECT 'm' AS name, 1 AS version, printf('%064d', 1) AS "
          "sha256, 'x' AS blob",
          "LSTM_ERR_MODEL: model 'm' (version 1, database 'main'): its blob is not a BLOB" },
        { "CREATE TABLE lstm_models AS SELECT 'n' AS name, 1 AS version, '' AS sha256, x'' AS blob",
          "LSTM_ERR_MODEL: no model named 'm'" },
        { "CREATE TABLE model_rows AS SELECT 1; CREATE VIEW lstm_models AS SELECT * FROM "
          "model_rows",
          "LSTM_ERR_MODEL: no model named 'm'" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        run(db, cases[i].table);
        fails_with(db, SCORE, cases[i].message);
        run(db,
            strstr(cases[i].table, "VIEW") ? "DROP VIEW lstm_models" : "DROP TABLE lstm_models");
    }
}

static void a_table_that_scores_while_it_is_read_is_refused(void **state)
{
    (void)state;
    if (sqlite3_exec(db,
                     "CREATE VIEW rows AS SELECT 1 AS id, 'm' AS name, 1 AS version, "
                     "lstm_sentiment('x', 'm') AS sha256, x'' AS blob;"
                     "CREATE VIRTUAL TABLE lstm_models USING fts5(name, version, sha256, blob, "
                     "content='rows', "
                     "content_rowid='id')",
                     NULL, NULL, NULL)) {
        print_message("skipped: this SQLite has no FTS5, which the table of this test needs\n");
        skip();
    }
    fails_with(db, SCORE, "lstm_models of some database uses the functions that read it");
    run(db, "DROP TABLE lstm_models");
    extension_import(db, "m", &first);
    assert_true(real_of(db, SCORE) == scores[0]);
}

/* which database */

static void one_name_in_two_databases_has_to_be_one_model(void **state)
{
    char attach[400];
    (void)state;
    sqlite3 *other = extension_open("b.db", 0);
    snprintf(attach, sizeof attach, "ATTACH '%s' AS \"other \"\"db\"",
             sqlite3_db_filename(other, "main"));
    extension_import(db, "m", &first);
    extension_import(other, "m", &first);
    extension_import(other, "there", &second);
    run(db, attach);
    assert_true(real_of(db, SCORE) == scores[0]);
    assert_true(real_of(db, "SELECT lstm_sentiment('a good film', 'there')") == scores[1]);
    extension_import(other, "m", &second);
    fails_with(db, SCORE,
               "LSTM_ERR_MODEL: the name 'm' stands for different models in the databases 'main' "
               "and 'other \"db'");
    run(db, "DETACH \"other \"\"db\"");
    assert_true(real_of(db, SCORE) == scores[0]);
    fails_with(db, "SELECT lstm_sentiment('x', 'there')", "LSTM_ERR_MODEL: no model named 'there'");
    run(db, "CREATE TEMP TABLE lstm_models AS SELECT * FROM main.lstm_models; DELETE FROM "
            "main.lstm_models");
    assert_true(real_of(db, SCORE) == scores[0]);
    extension_close(other);
}

static void the_defaults_cannot_be_replaced(void **state)
{
    double before = real_of(db, "SELECT lstm_sentiment('a good film')");
    (void)state;
    extension_import(db, "m", &first);
    run(db, "CREATE TEMP TABLE lstm_models AS SELECT * FROM main.lstm_models;"
            "UPDATE temp.lstm_models SET name = 'default-sentiment'");
    assert_true(real_of(db, "SELECT lstm_sentiment('a good film')") == before);
    assert_true(real_of(db, "SELECT lstm_sentiment('a good film', 'default-sentiment')") == before);
}

/* time */

static void what_another_connection_does_counts_at_once(void **state)
{
    sqlite3 *other = extension_open("a.db", 0);
    (void)state;
    fails_with(db, SCORE,
               "no model named 'm'"); /* and this connection now knows a schema without the table */
    extension_import(other, "m", &first);
    assert_true(real_of(db, SCORE) == scores[0]);
    extension_import(other, "m", &second);
    assert_true(real_of(db, SCORE) == scores[1]);
    expect(db, "SELECT lstm_model_sha256('m') = (SELECT sha256 FROM lstm_models WHERE version = 2)",
           "1");
    run(other, "DELETE FROM lstm_models WHERE version = 2");
    assert_true(real_of(db, SCORE) == scores[0]);
    run(other, "DROP TABLE lstm_models");
    fails_with(db, SCORE, "no model named 'm'");
    extension_close(other);
}

static void a_statement_scores_by_one_model(void **state)
{
    sqlite3_stmt *s = NULL;
    (void)state;
    extension_import(db, "m", &first);
    assert_int_equal(
        sqlite3_prepare_v2(
            db, "SELECT lstm_sentiment('a good film', 'm') FROM (SELECT 1 UNION ALL SELECT 2)", -1,
            &s, NULL),
        SQLITE_OK);
    for (int run_number = 0; run_number < 2; run_number++) {
        assert_int_equal(sqlite3_step(s), SQLITE_ROW);
        assert_true(sqlite3_column_double(s, 0) == scores[run_number]);
        extension_import(db, "m", &second);
        assert_int_equal(sqlite3_step(s), SQLITE_ROW);
        assert_true(sqlite3_column_double(s, 0) == scores[run_number]);
        sqlite3_reset(s);
    }
    sqlite3_finalize(s);
}

static void more_models_than_a_connection_keeps(void **state)
{
    struct tiny_model tiny = topics;
    char name[8];
    (void)state;
    for (tiny.seed = 10; tiny.seed < 22; tiny.seed++) {
        snprintf(name, sizeof name, "m%d", (int)tiny.seed);
        extension_import(db, name, &tiny);
    }
    run(db, "CREATE TABLE once AS SELECT name, lstm_classify('a good film', name) AS result FROM "
            "lstm_models");
    expect(db, "SELECT count(DISTINCT result) FROM once", "12");
    expect(db,
           "SELECT sum(result = lstm_classify('a good film', name)) FROM once, (SELECT 1 UNION ALL "
           "SELECT 2)",
           "24");
    expect(db, "SELECT json_array_length(lstm_info(), '$.models')", "8");
}

/* files and locks */

static void no_lock_outlives_a_call(void **state)
{
    static const char *const modes[] = { "PRAGMA journal_mode = delete",
                                         "PRAGMA journal_mode = wal" };
    (void)state;
    extension_import(db, "m", &first);
    for (size_t i = 0; i < COUNT(modes); i++) {
        sqlite3_stmt *s = NULL;
        run(db, modes[i]);
        assert_int_equal(sqlite3_prepare_v2(db, SCORE, -1, &s, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(s), SQLITE_ROW);
        sqlite3_reset(s);
        sqlite3 *other = extension_open("a.db", 0);
        run(other, "BEGIN EXCLUSIVE; CREATE TABLE t(x); DROP TABLE t; COMMIT");
        assert_int_equal(sqlite3_step(s), SQLITE_ROW);
        sqlite3_finalize(s);
        extension_close(other);
    }
}

static void a_locked_database_is_an_error_and_not_a_guess(void **state)
{
    sqlite3 *other = extension_open("a.db", 0);
    (void)state;
    extension_import(db, "m", &first);
    run(other, "BEGIN EXCLUSIVE");
    assert_int_equal(
        fails_with(db, SCORE,
                   "LSTM_ERR_MODEL: cannot read the models of database 'main': database is locked"),
        SQLITE_BUSY);
    assert_true(real_of(db, "SELECT lstm_sentiment('a good film')") < 1); /* needs no database */
    run(other, "COMMIT");
    assert_true(real_of(db, SCORE) == scores[0]);
    extension_close(other);
}

static void read_only_databases_score(void **state)
{
    static const char *const modes[] = { "PRAGMA journal_mode = delete",
                                         "PRAGMA journal_mode = wal" };
    (void)state;
    extension_import(db, "m", &first);
    for (size_t i = 0; i < COUNT(modes); i++) {
        run(db, modes[i]);
        sqlite3 *reader = extension_open("a.db", SQLITE_OPEN_READONLY);
        assert_true(real_of(reader, SCORE) == scores[0]);
        assert_true(real_of(reader, "SELECT lstm_sentiment('a good film')") < 1);
        assert_int_equal(fails_with(reader, "SELECT lstm_model_import('n', lstm_model_export('m'))",
                                    "attempt to write a readonly database"),
                         SQLITE_READONLY);
        extension_close(reader);
    }
}

static void wal_readers_score_while_others_write(void **state)
{
    (void)state;
    run(db, "PRAGMA journal_mode = wal; CREATE TABLE t(body TEXT); INSERT INTO t VALUES ('good'), "
            "('bad'), ('film')");
    extension_import(db, "m", &first);
    sqlite3 *writer = extension_open("a.db", 0);
    run(writer, "BEGIN IMMEDIATE; INSERT INTO t VALUES ('the')");
    expect(db, "SELECT count(lstm_sentiment(body, 'm')) FROM t", "3");
    run(writer, "UPDATE t SET body = body || round(lstm_sentiment(body, 'm'), 2); COMMIT");
    expect(db, "SELECT count(lstm_sentiment(body, 'm')) FROM t", "4");
    extension_close(writer);
}

/* A nested statement that finds its schema outdated fails inside SQLite before it is prepared
 * again. In autocommit mode that moves the cursors of the statement it is nested in; when what the
 * call reads next pushes their pages out of the cache, the outer statement gives wrong rows without
 * an error. So the tables here are in a database that is looked into after the outdated one, with a
 * small cache and a long schema. */
static void a_look_up_leaves_the_cursors_of_its_statement_alone(void **state)
{
    sqlite3_stmt *s = NULL;
    char sql[400];
    int rows = 0;
    (void)state;
    sqlite3 *tables = extension_open("b.db", 0), *other = extension_open("a.db", 0);
    run(tables, "CREATE TABLE a(k INTEGER, filler TEXT); CREATE INDEX ak ON a(k, filler); CREATE "
                "TABLE b(m INTEGER);"
                "INSERT INTO b VALUES (10), (500), (1500);"
                "WITH n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 1999)"
                "INSERT INTO a SELECT i, printf('%0200d', i) FROM n; BEGIN");
    for (int i = 0; i < 300; i++) {
        snprintf(sql, sizeof sql, "CREATE TABLE t%d(x /* %0200d */)", i, i);
        run(tables, sql);
    }
    run(tables, "COMMIT");
    extension_import(db, "m", &first);
    snprintf(sql, sizeof sql, "ATTACH '%s' AS tables; PRAGMA tables.cache_size = 10",
             sqlite3_db_filename(tables, "main"));
    run(db, sql);
    assert_int_equal(
        sqlite3_prepare_v2(
            db,
            "SELECT b.m, count(*) FROM b CROSS JOIN a INDEXED BY ak ON a.k >= 0 AND a.k < "
            "b.m + (lstm_sentiment('film', 'm') > 2) GROUP BY b.rowid",
            -1, &s, NULL),
        SQLITE_OK);
    run(other, "CREATE TABLE t(x)"); /* what db knows of this schema is outdated now */
    for (; sqlite3_step(s) == SQLITE_ROW; rows++)
        assert_int_equal(sqlite3_column_int(s, 0), sqlite3_column_int(s, 1));
    assert_int_equal(rows, 3);
    assert_int_equal(sqlite3_finalize(s), SQLITE_OK);
    extension_close(other);
    extension_close(tables);
}

/* interrupts */

static int look_at_profiled(unsigned event, void *rows, void *statement, void *nanoseconds)
{
    char *sql = sqlite3_expanded_sql(statement);
    (void)event, (void)nanoseconds;
    if (sql && strstr(sql, ".lstm_models WHERE name = ")) {
        *(int *)rows += 1;
        if (!strstr(sql, ".lstm_models WHERE name = 'm'"))
            *(int *)rows += 1000;
    }
    sqlite3_free(sql);
    return 0;
}

/* A profiler reads the parameters of a statement when it ends. */
static void the_name_outlives_the_statement_it_is_bound_to(void **state)
{
    int rows = 0;
    (void)state;
    extension_import(db, "m", &first);
    sqlite3_trace_v2(db, SQLITE_TRACE_PROFILE, look_at_profiled, &rows);
    assert_true(real_of(db, SCORE) == scores[0]);
    sqlite3_trace_v2(db, 0, NULL, NULL);
    assert_int_equal(rows, 1);
}

static void a_long_error_is_cut_at_a_character(void **state)
{
    static const char *const triggers[] = {
        "CREATE TRIGGER long BEFORE INSERT ON lstm_models BEGIN SELECT RAISE(ABORT, '%s'); END",
        "CREATE TRIGGER long BEFORE INSERT ON lstm_models BEGIN SELECT RAISE(ABORT, 'x%s'); END",
        "CREATE TRIGGER long BEFORE INSERT ON lstm_models BEGIN SELECT RAISE(ABORT, 'xx%s'); END",
    };
    char words[1201] = "", sql[1400];
    (void)state;
    extension_import(db, "m", &first);
    for (size_t i = 0; i + 3 < sizeof words; i += 3)
        memcpy(words + i, "\xe2\x82\xac", 4); /* the euro sign */
    for (size_t i = 0; i < COUNT(triggers); i++) {
        sqlite3_snprintf(sizeof sql, sql, triggers[i], words);
        run(db, sql);
        fails_with(db, "SELECT lstm_model_import('n', lstm_model_export('m'))",
                   "LSTM_ERR_MODEL: cannot store the model: ");
        size_t size = strlen(sqlite3_errmsg(db));
        assert_in_range(size, 797, 799);
        assert_true(json_is_utf8(sqlite3_errmsg(db), size));
        run(db, "DROP TRIGGER long");
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_database, close_database)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_imported_model_is_a_described_row),
        TEST(the_same_blob_again_is_no_new_version),
        TEST(versions_never_change),
        TEST(import_refuses_what_is_no_model),
        TEST(import_is_part_of_the_transaction_it_is_in),
        TEST(a_failing_import_leaves_nothing_behind),
        TEST(export_gives_the_bytes_back),
        TEST(altered_rows_are_found_out),
        TEST(a_valid_hash_of_an_invalid_model_is_found_out),
        TEST(tables_of_another_shape_are_named),
        TEST(a_table_that_scores_while_it_is_read_is_refused),
        TEST(one_name_in_two_databases_has_to_be_one_model),
        TEST(the_defaults_cannot_be_replaced),
        TEST(what_another_connection_does_counts_at_once),
        TEST(a_statement_scores_by_one_model),
        TEST(more_models_than_a_connection_keeps),
        TEST(no_lock_outlives_a_call),
        TEST(a_locked_database_is_an_error_and_not_a_guess),
        TEST(read_only_databases_score),
        TEST(wal_readers_score_while_others_write),
        TEST(a_look_up_leaves_the_cursors_of_its_statement_alone),
        TEST(the_name_outlives_the_statement_it_is_bound_to),
        TEST(a_long_error_is_cut_at_a_character),
    };
    return cmocka_run_group_tests(tests, measure, NULL);
}
