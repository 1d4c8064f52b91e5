/* The scoring functions, through the SQL that users write. */
#include "tests/extension.h"

#include <pthread.h>
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
static const struct tiny_model headless = { .task = "classify", .labels = "yes no", .seed = 3 };
static const struct tiny_model overflowing = {
    .task = "sentiment", .labels = "negative positive", .seed = 4, .scale = 1e30F
};

static sqlite3 *db; /* in memory, with the models above, opened for each test */

static int open_database(void **state)
{
    (void)state;
    db = extension_open(":memory:", 0);
    extension_import(db, "mood", &sentiment);
    extension_import(db, "topic", &topics);
    extension_import(db, "headless", &headless);
    extension_import(db, "overflowing", &overflowing);
    return 0;
}

static int close_database(void **state)
{
    (void)state;
    extension_close(db);
    return 0;
}

static void scores_every_kind_of_value(void **state)
{
    static const char *const facts[] = {
        "lstm_sentiment(NULL, 'mood') IS NULL",
        "lstm_sentiment('', 'mood') IS NULL",
        "lstm_sentiment(x'', 'mood') IS NULL",
        "lstm_sentiment(zeroblob(0), 'mood') IS NULL",
        "lstm_sentiment(char(32, 9, 10, 13), 'mood') IS NULL",
        "typeof(lstm_sentiment('a', 'mood')) = 'real'",
        "lstm_sentiment('a good film', 'mood') BETWEEN -1 AND 1",
        "lstm_sentiment('a good film', 'mood') = lstm_sentiment('A GOOD FILM', 'mood')",
        "lstm_sentiment('a good film', 'mood') <> lstm_sentiment('a bad film', 'mood')",
        ("lstm_sentiment(CAST('a good film' AS BLOB), 'mood') = lstm_sentiment('a good film', "
         "'mood')"),
        "lstm_sentiment(x'ff', 'mood') = lstm_sentiment(char(0xfffd), 'mood')",
        "lstm_sentiment(CAST(x'e4bd' AS TEXT), 'mood') = lstm_sentiment(char(0xfffd), 'mood')",
        "lstm_sentiment('a' || char(0) || 'bad', 'mood') = lstm_sentiment('a bad', 'mood')",
        "lstm_sentiment('a' || char(0) || 'bad', 'mood') <> lstm_sentiment('a', 'mood')",
        "lstm_sentiment(42, 'mood') = lstm_sentiment('42', 'mood')",
        "lstm_sentiment(-4.5, 'mood') = lstm_sentiment('-4.5', 'mood')",
        "lstm_sentiment('a good film', 'overflowing') BETWEEN -1 AND 1",
        "lstm_classify(NULL, 'topic') IS NULL",
        "lstm_classify(' ', 'topic') IS NULL",
    };
    (void)state;
    expect_true(db, facts, COUNT(facts));
}

static void classifies_as_json(void **state)
{
    static const char *const facts[] = {
        "json_valid(lstm_classify('the film', 'topic'))",
        "json_type(json_array(lstm_classify('the film', 'topic')), '$[0]') = 'object'", /* the
                                                                                           subtype
                                                                                         */
        "(SELECT group_concat(key) FROM json_each(lstm_classify('the film', 'topic'))) = "
        "'label,confidence,probabilities'",
        "(SELECT group_concat(key) FROM json_each(lstm_classify('the film', 'topic'), "
        "'$.probabilities')) = "
        "'sport,politics,weather'",
        "abs((SELECT sum(value) FROM json_each(lstm_classify('the film', 'topic'), "
        "'$.probabilities')) - 1) < 1e-6",
        "(SELECT max(value) FROM json_each(lstm_classify('the film', 'topic'), '$.probabilities')) "
        "= "
        "json_extract(lstm_classify('the film', 'topic'), '$.confidence')",
        "(SELECT key FROM json_each(lstm_classify('the film', 'topic'), '$.probabilities') ORDER "
        "BY value DESC LIMIT "
        "1) = "
        "json_extract(lstm_classify('the film', 'topic'), '$.label')",
        "abs(2 * json_extract(lstm_classify('the film', 'mood'), '$.probabilities.positive') - 1 - "
        "lstm_sentiment('the film', 'mood')) < 1e-7",
    };
    (void)state;
    expect_true(db, facts, COUNT(facts));
}

static void options_are_a_json_object_or_a_name(void **state)
{
    static const char *const facts[] = {
        "lstm_sentiment('film', '{\"model\": \"mood\"}') = lstm_sentiment('film', 'mood')",
        ("lstm_sentiment('film', ' { \"mod\\u0065l\" : \"mood\" } ') = lstm_sentiment('film', "
         "'mood')"),
        "lstm_sentiment('film', NULL) = lstm_sentiment('film')",
        "lstm_sentiment('film', '{}') = lstm_sentiment('film')",
        "lstm_sentiment('film', 'default-sentiment') = lstm_sentiment('film')",
        "(SELECT count(DISTINCT lstm_classify('film', column1)) = 2 FROM options)",
    };
    (void)state;
    run(db, "CREATE TEMP TABLE options AS VALUES ('mood'), ('topic'), ('{\"model\": \"mood\"}')");
    expect_true(db, facts, COUNT(facts));
}

static void bad_arguments_have_clear_errors(void **state)
{
    static const struct {
        const char *sql, *message;
    } cases[] = {
        { "SELECT lstm_sentiment('x', 'nope')", "LSTM_ERR_MODEL: no model named 'nope'" },
        { "SELECT lstm_sentiment(NULL, 'nope')", "LSTM_ERR_MODEL: no model named 'nope'" },
        { "SELECT lstm_classify('x', 'default-nope')",
          "LSTM_ERR_MODEL: no model named 'default-nope'" },
        { "SELECT lstm_sentiment('x', 'topic')", "LSTM_ERR_TASK: model 'topic' has the task "
                                                 "'classify', lstm_sentiment needs 'sentiment'" },
        { "SELECT lstm_sentiment('x', '{\"modle\": \"mood\"}')",
          "LSTM_ERR_OPTIONS: there is no option \"modle\"; the options are: \"model\"" },
        { "SELECT lstm_sentiment('x', '{\"model\": 5}')",
          "LSTM_ERR_OPTIONS: the option \"model\" has to be a string" },
        { "SELECT lstm_sentiment('x', '{\"model\": null}')",
          "LSTM_ERR_OPTIONS: the option \"model\" has to be a string" },
        { "SELECT lstm_sentiment('x', '{\"model\": \"\"}')",
          "LSTM_ERR_OPTIONS: the option \"model\" has to be the name" },
        { "SELECT lstm_sentiment('x', '{\"model\": \"mood\\u0000\"}')",
          "LSTM_ERR_OPTIONS: the option \"model\" has to be the name" },
        { "SELECT lstm_sentiment('x', '{\"model\": \"mood\", \"model\": \"topic\"}')",
          "LSTM_ERR_OPTIONS: the options, byte 25: a key that stands twice" },
        { "SELECT lstm_sentiment('x', '{\"model\": \"mood\"')",
          "LSTM_ERR_OPTIONS: the options, byte 16" },
        { "SELECT lstm_sentiment('x', '{model: ''mood''}')",
          "LSTM_ERR_OPTIONS: the options, byte 1" },
        { "SELECT lstm_sentiment('x', '')", "LSTM_ERR_OPTIONS: options are neither" },
        { "SELECT lstm_sentiment('x', 'mood' || char(0))",
          "LSTM_ERR_OPTIONS: options are neither" },
        { "SELECT lstm_sentiment('x', 5)", "LSTM_ERR_OPTIONS: options have to be text" },
        { "SELECT lstm_sentiment('x', x'6d6f6f64')", "LSTM_ERR_OPTIONS: options have to be text" },
        { "SELECT lstm_sentiment('x', printf('{\"model\":\"%5000s\"}', ''))",
          "LSTM_ERR_OPTIONS: options of 5012 bytes: at most 4096" },
        { "SELECT * FROM lstm_tokens", "LSTM_ERR_INPUT: lstm_tokens needs a text" },
        { "SELECT * FROM lstm_tokens('x', 'nope')", "LSTM_ERR_MODEL: no model named 'nope'" },
        { "SELECT * FROM lstm_tokens('x', '{\"a\":1}')",
          "LSTM_ERR_OPTIONS: there is no option \"a\"" },
        { "SELECT lstm_model_sha256('nope')", "LSTM_ERR_MODEL: no model named 'nope'" },
        { "SELECT lstm_model_export('nope')", "LSTM_ERR_MODEL: no model named 'nope'" },
        { "SELECT lstm_sentiment()", "wrong number of arguments to function lstm_sentiment()" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(fails_with(db, cases[i].sql, cases[i].message), SQLITE_ERROR);
}

static void errors_never_echo_the_text(void **state)
{
    (void)state;
    fails_with(db, "SELECT lstm_sentiment('mood', 'my secret diary')", "options are neither");
    assert_null(strstr(sqlite3_errmsg(db), "secret"));
    fails_with(db, "SELECT lstm_sentiment('my secret diary', 'topic')", "LSTM_ERR_TASK");
    assert_null(strstr(sqlite3_errmsg(db), "secret"));
    fails_with(db,
               "SELECT lstm_sentiment('mood', '{\"Dear diary, as nobody but me will read: a "
               "secret\": 1}')",
               "there is no option \"Dear diary, as nobody but me will read: ...\"; the options "
               "are: \"model\"");
    /* a key that would be cut within a character: x and 25 times U+00E9 */
    fails_with(db,
               "SELECT lstm_sentiment('mood', printf('{\"x%s\": 1}', replace(printf('%025d', 0), "
               "'0', char(233))))",
               "no option "
               "\"x\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
               "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9...\"; the "
               "options");
}

static void tokens_cover_the_text_they_came_from(void **state)
{
    static const char *const facts[] = {
        "(SELECT group_concat(token, '|') FROM lstm_tokens('The GOOD film.', 'mood')) = ' the| "
        "good| film|. '",
        "(SELECT group_concat(\"begin\" || '-' || \"end\") FROM lstm_tokens('The GOOD film', "
        "'mood')) = '0-3,4-8,9-13'",
        "(SELECT group_concat(position) FROM lstm_tokens('The GOOD film.', 'mood')) = '0,1,2,3'",
        "(SELECT min(id) > 256 FROM lstm_tokens('The GOOD film.', 'mood'))",
        /* a character that is no entry: its bytes */
        "(SELECT group_concat(token, '') FROM lstm_tokens(char(0x4f60), 'mood')) = ' "
        "<0xE4><0xBD><0xA0>'",
        "(SELECT min(\"begin\") = 0 AND max(\"end\") = 3 FROM lstm_tokens(char(0x4f60), 'mood'))",
        "(SELECT count(*) FROM lstm_tokens(NULL, 'mood')) = 0",
        "(SELECT count(*) FROM lstm_tokens('', 'mood')) = 0",
        "(SELECT count(*) FROM lstm_tokens(x'ff00fe', 'mood')) > 0",
        "(SELECT text || options FROM lstm_tokens('film', 'mood')) = 'filmmood'",
        "(SELECT count(*) FROM (SELECT 'the film' AS t UNION ALL SELECT 'good') AS x, "
        "lstm_tokens(x.t, 'mood')) = 3",
        "(SELECT count(*) FROM lstm_tokens WHERE text IN ('the film', 'good') AND options = "
        "'mood') = 3",
        "(SELECT count(*) FROM lstm_tokens('film')) > 0",
    };
    (void)state;
    expect_true(db, facts, COUNT(facts));
}

static void works_in_views_triggers_and_updates(void **state)
{
    (void)state;
    run(db, "CREATE TABLE reviews(id INTEGER PRIMARY KEY, body TEXT, score REAL, label TEXT);"
            "CREATE VIEW scored AS SELECT id, lstm_sentiment(body, 'mood') AS score FROM reviews;"
            "CREATE TRIGGER on_insert AFTER INSERT ON reviews BEGIN"
            "  UPDATE reviews SET score = lstm_sentiment(new.body, 'mood') WHERE id = new.id;"
            "END;"
            "INSERT INTO reviews(body) VALUES ('a good film'), ('a bad film'), (NULL);"
            "UPDATE reviews SET label = json_extract(lstm_classify(body, 'topic'), '$.label');");
    assert_string_equal(
        text_of(db, "SELECT count(*) FROM reviews JOIN scored USING (id) WHERE reviews.score IS "
                    "scored.score"),
        "3");
    assert_string_equal(text_of(db, "SELECT count(score) || count(label) FROM reviews"), "22");
    assert_true(real_of(db, "SELECT score FROM reviews WHERE id = 2") ==
                real_of(db, "SELECT lstm_sentiment('a bad film', 'mood')"));
}

static void flags_say_what_is_so(void **state)
{
    (void)state;
    run(db, "CREATE TABLE t(body TEXT); CREATE VIEW v AS SELECT lstm_model_export('mood'), "
            "lstm_version();");
    fails_with(db, "SELECT * FROM v", "unsafe use of lstm_model_export");
    fails_with(db, "CREATE INDEX i ON t(lstm_sentiment(body, 'mood'))", "non-deterministic");
    assert_string_equal(
        text_of(db,
                "SELECT group_concat(DISTINCT name) FROM (SELECT name FROM pragma_function_list "
                "WHERE name LIKE 'lstm_%' AND flags & 0x800 ORDER BY name)"), /* deterministic */
        "lstm_version");
}

static void reads_ten_megabytes(void **state)
{
    enum { SIZE = 10000000 };
    sqlite3_stmt *s = NULL;
    char *text = malloc(SIZE);
    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < SIZE; i++)
        text[i] = "the very good film "[i % 19];
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT lstm_sentiment(?1, 'mood')", -1, &s, NULL),
                     SQLITE_OK);
    sqlite3_bind_blob(s, 1, text, SIZE, SQLITE_STATIC);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    double score = sqlite3_column_double(s, 0);
    assert_true(score > -1 && score < 1);
    assert_int_equal(sqlite3_finalize(s), SQLITE_OK);
    free(text);
}

static void interrupt_itself(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    (void)argc;
    sqlite3_interrupt(sqlite3_context_db_handle(context));
    sqlite3_result_value(context, argv[0]);
}

/* SQLite itself looks for interrupts at jumps only, and between these two functions there is none.
 * The first one is found out between tiles, the second while the model is looked up. */
static void an_interrupt_ends_a_long_call(void **state)
{
    static const char *const calls[] = {
        "SELECT lstm_sentiment(interrupting(body)) FROM t",
        "SELECT lstm_sentiment(interrupting(body), 'mood') FROM t"
    };
    (void)state;
    run(db, "CREATE TABLE t AS SELECT 'the film' AS body");
    sqlite3_create_function(db, "interrupting", 1, SQLITE_UTF8, NULL, interrupt_itself, NULL, NULL);
    for (size_t i = 0; i < COUNT(calls); i++) {
        sqlite3_stmt *s = NULL;
        assert_int_equal(sqlite3_prepare_v2(db, calls[i], -1, &s, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(s), SQLITE_INTERRUPT); /* and not a row before */
        assert_string_equal(sqlite3_errmsg(db), "interrupted");
        sqlite3_finalize(s);
        assert_true(real_of(db, "SELECT lstm_sentiment(body, 'mood') FROM t") <
                    1); /* and the next one is fine */
    }
}

static void info_is_json_with_what_is_loaded(void **state)
{
    static const char *const facts[] = {
        "json_valid(lstm_info())",
        "json_extract(lstm_info(), '$.version') = lstm_version()",
        "json_extract(lstm_info(), '$.sqlite') = sqlite_version()",
        "json_extract(lstm_info(), '$.device') = 'cpu-' || json_extract(lstm_info(), '$.isa')",
        "length(json_extract(lstm_info(), '$.utf8proc')) > 0",
        "length(json_extract(lstm_info(), '$.compiler')) > 0",
        "json_extract(lstm_info(), '$.embedded.default-sentiment') = lstm_model_sha256()",
        "json_array_length(lstm_info(), '$.models') = 0",
        "lstm_sentiment('film', 'mood') IS NOT NULL",
        "json_extract(lstm_info(), '$.models[0].name') = 'mood'",
        "json_extract(lstm_info(), '$.models[0].task') = 'sentiment'",
        "json_extract(lstm_info(), '$.models[0].hidden') = 16",
        "json_extract(lstm_info(), '$.models[0].sha256') = lstm_model_sha256('mood')",
        ("json_extract(lstm_info(), '$.models[0].bytes') = (SELECT bytes FROM lstm_models WHERE "
         "name = 'mood')"),
    };
    (void)state;
    expect_true(db, facts, COUNT(facts));
}

static void utf_16_databases_work(void **state)
{
    sqlite3 *utf16 = extension_open(":memory:", 0);
    (void)state;
    run(utf16, "PRAGMA encoding = 'UTF-16le'; CREATE TABLE t AS SELECT 'Ein guter Film' AS body");
    extension_import(utf16, "mood", &sentiment);
    assert_true(real_of(utf16, "SELECT lstm_sentiment(body, 'mood') FROM t") ==
                real_of(db, "SELECT lstm_sentiment('Ein guter Film', 'mood')"));
    assert_string_equal(text_of(utf16, "SELECT max(\"end\") FROM t, lstm_tokens(body, 'mood')"),
                        "14");
    extension_close(utf16);
}

/* What is shared between connections is found out by -fsanitize=thread. */
struct side {
    pthread_t thread;
    const char *model;
    double expected, score;
    int failed;
};

static void *score_again_and_again(void *argument)
{
    struct side *side = argument;
    char sql[200];
    for (int round = 0; round < 5; round++) {
        sqlite3 *own = extension_open("a.db", SQLITE_OPEN_READONLY);
        sqlite3_stmt *s = NULL;
        snprintf(
            sql, sizeof sql,
            "SELECT json_extract(lstm_classify('the film is a bad one', '%s'), '$.confidence')",
            side->model);
        side->failed |= sqlite3_prepare_v2(own, sql, -1, &s, NULL) != SQLITE_OK;
        for (int i = 0; i < 50 && !side->failed; i++) {
            side->failed |=
                sqlite3_step(s) != SQLITE_ROW || sqlite3_column_double(s, 0) != side->expected;
            sqlite3_reset(s);
        }
        sqlite3_finalize(s);
        side->failed |= sqlite3_close(own) != SQLITE_OK;
    }
    return NULL;
}

static void connections_in_threads_do_not_meet(void **state)
{
    struct side sides[4] = {
        { .model = "mood" }, { .model = "topic" }, { .model = "mood" }, { .model = "topic" }
    };
    char sql[200];
    (void)state;
    extension_folder();
    sqlite3 *file = extension_open("a.db", 0);
    extension_import(file, "mood", &sentiment);
    extension_import(file, "topic", &topics);
    for (size_t i = 0; i < COUNT(sides); i++) {
        snprintf(
            sql, sizeof sql,
            "SELECT json_extract(lstm_classify('the film is a bad one', '%s'), '$.confidence')",
            sides[i].model);
        sides[i].expected = real_of(file, sql);
    }
    extension_close(file);
    for (size_t i = 0; i < COUNT(sides); i++)
        assert_int_equal(pthread_create(&sides[i].thread, NULL, score_again_and_again, &sides[i]),
                         0);
    for (size_t i = 0; i < COUNT(sides); i++)
        pthread_join(sides[i].thread, NULL);
    for (size_t i = 0; i < COUNT(sides); i++)
        assert_false(sides[i].failed);
    extension_folder_remove();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_database, close_database)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(scores_every_kind_of_value),
        TEST(classifies_as_json),
        TEST(options_are_a_json_object_or_a_name),
        TEST(bad_arguments_have_clear_errors),
        TEST(errors_never_echo_the_text),
        TEST(tokens_cover_the_text_they_came_from),
        TEST(works_in_views_triggers_and_updates),
        TEST(flags_say_what_is_so),
        TEST(reads_ten_megabytes),
        TEST(an_interrupt_ends_a_long_call),
        TEST(info_is_json_with_what_is_loaded),
        TEST(utf_16_databases_work),
        TEST(connections_in_threads_do_not_meet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
