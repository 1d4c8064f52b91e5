/* lstm_summarize and lstm_attention, through the SQL that users write. */
#include "model/json.h"
#include "tests/extension.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static const struct tiny_model brief = { .task = "summarize", .seed = 7 };
static const struct tiny_model another = { .task = "summarize", .seed = 8 };
static const struct tiny_model overflowing = { .task = "summarize", .seed = 9, .scale = 1e30F };
static const struct tiny_model sentiment = { .task = "sentiment",
                                             .labels = "negative positive",
                                             .seed = 1 };
static const struct tiny_model topics = { .task = "classify",
                                          .labels = "sport politics weather",
                                          .seed = 2 };

static sqlite3 *db; /* in memory, with the models above, opened for each test */
static int open_database(void **state)
{
    (void)state;
    db = extension_open(":memory:", 0);
    extension_import(db, "brief", &brief);
    extension_import(db, "another", &another);
    extension_import(db, "overflowing", &overflowing);
    extension_import(db, "mood", &sentiment);
    extension_import(db, "topic", &topics);
    return 0;
}

static int close_database(void **state)
{
    (void)state;
    extension_close(db);
    return 0;
}

static void summarizes_every_kind_of_value(void **state)
{
    static const char *const facts[] = {
        "lstm_summarize(NULL, 'brief') IS NULL",
        "lstm_summarize('', 'brief') IS NULL",
        "lstm_summarize(x'', 'brief') IS NULL",
        "lstm_summarize(zeroblob(0), 'brief') IS NULL",
        "lstm_summarize(char(32, 9, 10, 13), 'brief') IS NULL",
        "typeof(lstm_summarize('a', 'brief')) = 'text'",
        "typeof(lstm_summarize('!!!', 'brief')) = 'text'",
        "typeof(lstm_summarize('a good film', 'overflowing')) = 'text'",
        "length(lstm_summarize('a very good film', 'brief')) > 0",
        "lstm_summarize('a very good film', 'brief') = lstm_summarize('a very good film', 'brief')",
        "lstm_summarize('a very good film', 'brief') <> lstm_summarize('the bad thing', 'brief')",
        "lstm_summarize('a very good film', 'brief') <> lstm_summarize('a very good film', "
        "'another')",
        "lower(lstm_summarize('a very good film', 'brief')) = lower(lstm_summarize('A VERY GOOD "
        "FILM', 'brief'))",
        "lstm_summarize(CAST('a very good film' AS BLOB), 'brief') = lstm_summarize('a very good "
        "film', 'brief')",
        "lstm_summarize(x'ff', 'brief') = lstm_summarize(char(0xfffd), 'brief')",
        "lstm_summarize('a' || char(0) || 'bad', 'brief') = lstm_summarize('a bad', 'brief')",
        "lstm_summarize(42, 'brief') = lstm_summarize('42', 'brief')",
        "lstm_summarize(-4.5, 'brief') = lstm_summarize('-4.5', 'brief')",
        "typeof(lstm_summarize('a very good film')) = 'text'",
    };
    (void)state;
    expect_true(db, facts, COUNT(facts));
}

static void options_change_the_summary(void **state)
{
#define FILM "'the film is a very good one and not a bad one at all'"
#define LENGTH(options) \
    "(SELECT count(DISTINCT output_position) FROM lstm_attention(" FILM ", '" options "'))"
    static const char *const facts[] = {
        "lstm_summarize(" FILM ", '{\"model\": \"brief\"}') = lstm_summarize(" FILM ", 'brief')",
        "lstm_summarize(" FILM ", ' { \"mod\\u0065l\" : \"brief\" } ') = lstm_summarize(" FILM
        ", 'brief')",
        "lstm_summarize(" FILM ", NULL) = lstm_summarize(" FILM ")",
        "lstm_summarize(" FILM ", '{}') = lstm_summarize(" FILM ")",
        "lstm_summarize(" FILM ", 'default-summarize') = lstm_summarize(" FILM ")",
        LENGTH("brief") " BETWEEN 2 AND 24",
        LENGTH("{\"model\": \"brief\", \"max_tokens\": 1}") " = 1",
        LENGTH("{\"model\": \"brief\", \"max_tokens\": 3}") " BETWEEN 2 AND 3",
        LENGTH("{\"model\": \"brief\", \"min_tokens\": 30}") " = 30",
        LENGTH("{\"model\": \"brief\", \"min_tokens\": 9, \"max_tokens\": 9}") " = 9",
        LENGTH(
            "{\"model\": \"brief\", \"min_tokens\": 0, \"max_tokens\": 200, \"beam\": 16}") " <= "
                                                                                            "200",
        "(SELECT count(DISTINCT lstm_summarize(" FILM ", column1)) = 3 FROM options)",
    };
    (void)state;
    run(db,
        "CREATE TEMP TABLE options AS VALUES ('brief'), ('another'), ('{\"model\": \"brief\"}'), "
        "('{\"model\": \"brief\", \"max_tokens\": 3}')");
    expect_true(db, facts, COUNT(facts));
}

static void bad_arguments_have_clear_errors(void **state)
{
    static const struct {
        const char *call, *message;
    } cases[] = {
        { "('x', 'nope')", "LSTM_ERR_MODEL: no model named 'nope'" },
        { "('x', 'nope')", "which has 'default-sentiment' and 'default-summarize'" },
        { "(NULL, 'nope')", "LSTM_ERR_MODEL: no model named 'nope'" },
        { "('x', '{\"modle\": \"brief\"}')",
          "LSTM_ERR_OPTIONS: there is no option \"modle\"; the options are: "
          "\"model\", \"max_tokens\", \"min_tokens\", \"beam\"" },
        { "('x', '{\"model\": 5}')", "LSTM_ERR_OPTIONS: the option \"model\" has to be a string" },
        { "('x', '{\"max_tokens\": 0}')", "LSTM_ERR_OPTIONS: the option \"max_tokens\" is 0, it "
                                          "has to be a whole number from 1 to 200" },
        { "('x', '{\"max_tokens\": 201}')", "LSTM_ERR_OPTIONS: the option \"max_tokens\" is 201, "
                                            "it has to be a whole number from 1 to 200" },
        { "('x', '{\"max_tokens\": 1e2}')",
          "the option \"max_tokens\" is 1e2, it has to be a whole number" },
        { "('x', '{\"max_tokens\": 2.5}')",
          "the option \"max_tokens\" is 2.5, it has to be a whole number" },
        { "('x', '{\"max_tokens\": \"many\"}')",
          "the option \"max_tokens\" is \"many\", it has to be a whole number" },
        { "('x', '{\"beam\": \"4\"}')",
          "the option \"beam\" is \"4\", it has to be a whole number from 1 to 16" },
        { "('x', '{\"beam\": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]}')",
          "the option \"beam\" is [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, ..., it has to be" },
        { "('x', '{\"max_tokens\": null}')",
          "the option \"max_tokens\" is null, it has to be a whole number" },
        { "('x', '{\"max_tokens\": 99999999999999999999}')",
          "is 99999999999999999999, it has to be a whole number" },
        { "('x', '{\"min_tokens\": -1}')", "LSTM_ERR_OPTIONS: the option \"min_tokens\" is -1, it "
                                           "has to be a whole number from 0 to 200" },
        { "('x', '{\"min_tokens\": 201}')",
          "the option \"min_tokens\" is 201, it has to be a whole number from 0 to" },
        { "('x', '{\"min_tokens\": 9, \"max_tokens\": 8}')",
          "LSTM_ERR_OPTIONS: the option \"min_tokens\" is 9, more than \"max_tokens\", which is "
          "8" },
        { "('x', '{\"beam\": 0}')",
          "LSTM_ERR_OPTIONS: the option \"beam\" is 0, it has to be a whole number from 1 to 16" },
        { "('x', '{\"beam\": 17}')",
          "the option \"beam\" is 17, it has to be a whole number from 1 to 16" },
        { "('x', '{\"beam\": 4, \"beam\": 5}')",
          "LSTM_ERR_OPTIONS: the options, byte 18: a key that stands twice" },
        { "('x', '{\"beam\": 4')", "LSTM_ERR_OPTIONS: the options, byte 10" },
        { "('x', '')", "LSTM_ERR_OPTIONS: options are neither" },
        { "('x', 5)", "LSTM_ERR_OPTIONS: options have to be text" },
        { "('x', 'mood')", "LSTM_ERR_TASK: model 'mood' has the task 'sentiment'" },
        { "('x', 'mood')", " needs 'summarize'; use lstm_sentiment" },
        { "(NULL, 'topic')", "LSTM_ERR_TASK: model 'topic' has the task 'classify'" },
        { "('x', 'topic')", " needs 'summarize'; use lstm_classify" },
    };
    char sql[300];
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        snprintf(sql, sizeof sql, "SELECT lstm_summarize%s", cases[i].call);
        assert_int_equal(fails_with(db, sql, cases[i].message), SQLITE_ERROR);
        snprintf(sql, sizeof sql, "SELECT * FROM lstm_attention%s", cases[i].call);
        assert_int_equal(fails_with(db, sql, cases[i].message), SQLITE_ERROR);
    }
    fails_with(db, "SELECT lstm_summarize()",
               "wrong number of arguments to function lstm_summarize()");
    fails_with(db, "SELECT * FROM lstm_attention", "LSTM_ERR_INPUT: lstm_attention needs a text");
}

static void a_summarizer_does_not_score(void **state)
{
    static const struct {
        const char *call, *message;
    } cases[] = {
        { "lstm_sentiment('x', 'brief')",
          "LSTM_ERR_TASK: model 'brief' has the task 'summarize', lstm_sentiment needs "
          "'sentiment'; use lstm_summarize" },
        { "lstm_sentiment(NULL, 'brief')",
          "LSTM_ERR_TASK: model 'brief' has the task 'summarize'" },
        { "lstm_classify('x', 'brief')",
          "LSTM_ERR_TASK: model 'brief' has the task 'summarize', lstm_classify needs "
          "'classify' or 'sentiment'; use lstm_summarize" },
        { "lstm_sentiment('x', 'default-summarize')",
          "LSTM_ERR_TASK: model 'default-summarize' has the task" },
        { "lstm_sentiment('x', '{\"beam\": 4}')",
          "there is no option \"beam\"; the options are: \"model\"" },
    };
    char sql[300];
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        snprintf(sql, sizeof sql, "SELECT %s", cases[i].call);
        assert_int_equal(fails_with(db, sql, cases[i].message), SQLITE_ERROR);
    }
}

static void errors_never_echo_the_text(void **state)
{
    static const char *const calls[] = {
        "SELECT lstm_summarize('x', 'my secret diary')",
        "SELECT lstm_summarize('my secret diary', 'mood')",
        "SELECT * FROM lstm_attention('my secret diary', 'mood')",
        "SELECT lstm_summarize('my secret diary', '{\"beam\": 0}')",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(calls); i++) {
        fails_with(db, calls[i], "LSTM_ERR_");
        assert_null(strstr(sqlite3_errmsg(db), "secret"));
    }
}

static void an_imported_summarizer_is_a_described_row(void **state)
{
    static const char *const facts[] = {
        "(SELECT task = 'summarize' AND labels = '[]' FROM lstm_models WHERE name = 'brief')",
        "(SELECT sizes LIKE '{%,\"decoder\":16,\"alignment\":16,%}' FROM lstm_models WHERE name = "
        "'brief')",
        "(SELECT json_extract(sizes, '$.decoder') FROM lstm_models WHERE name = 'brief') = 16",
        "(SELECT json_extract(sizes, '$.classes') FROM lstm_models WHERE name = 'mood') = 2",
        "(SELECT blob = lstm_model_export('brief') FROM lstm_models WHERE name = 'brief')",
        "(SELECT count(*) FROM lstm_tokens('a very good film', 'brief')) = 4",
        "json_extract(lstm_info(), '$.embedded.default-summarize') = "
        "lstm_model_sha256('default-summarize')",
        "json_extract(lstm_info(), '$.embedded.default-sentiment') = lstm_model_sha256()",
        "lstm_summarize('film', 'brief') IS NOT NULL",
        "json_extract(lstm_info(), '$.models[0].task') = 'summarize'",
        "json_extract(lstm_info(), '$.models[0].alignment') = 16",
        "json_type(lstm_info(), '$.models[0].classes') IS NULL",
    };
    (void)state;
    expect_true(db, facts, COUNT(facts));
}

static void attention_says_where_every_token_came_from(void **state)
{
    static const char *const facts[] = {
        "(SELECT count(*) > 0 FROM rows)",
        "(SELECT count(*) = count(DISTINCT output_position) * count(DISTINCT source_position) FROM "
        "rows)",
        "(SELECT count(*) = 0 FROM (SELECT sum(weight) AS s FROM rows GROUP BY output_position) "
        "WHERE abs(s - 1) > "
        "1e-5)",
        "(SELECT min(weight) >= 0 AND min(generated) >= 0 AND max(generated) <= 1 FROM rows)",
        "(SELECT max(n) = 1 FROM (SELECT count(DISTINCT generated) AS n FROM rows GROUP BY "
        "output_position))",
        /* the source is what lstm_tokens sees */
        "(SELECT count(*) = 0 FROM (SELECT source_position, source_token, \"begin\", \"end\" FROM "
        "rows EXCEPT "
        "SELECT position, token, \"begin\", \"end\" FROM story, lstm_tokens(body, 'brief')))",
        "(SELECT count(DISTINCT source_position) FROM rows) = (SELECT count(*) FROM story, "
        "lstm_tokens(body, 'brief'))",
        /* offsets slice the text in its own letters; these words are entries as a whole */
        "(SELECT group_concat(s, '|') FROM (SELECT DISTINCT source_position, substr(CAST(body AS "
        "BLOB), \"begin\" + 1, "
        "\"end\" - \"begin\") AS s FROM rows, story WHERE source_position < 2)) = 'The|FILM'",
        /* what is copied stands there */
        "(SELECT count(*) > 0 FROM rows WHERE copied)",
        "(SELECT count(*) = 0 FROM rows WHERE copied AND output_token <> source_token)",
        "(SELECT max(n) = 1 FROM (SELECT sum(copied) AS n FROM rows GROUP BY output_position))",
        "(SELECT count(*) = 0 FROM rows AS r, story WHERE copied AND instr(lower(body), "
        "trim(output_token)) = 0)",
        /* rows are in order */
        "(SELECT group_concat(output_position || '.' || source_position) LIKE '0.0,0.1,0.2,%' FROM "
        "rows)",
        "(SELECT count(*) = max(rowid) + 1 FROM lstm_attention('the film', 'brief'))",
        "(SELECT text || options FROM lstm_attention('film', 'brief')) = 'filmbrief'",
    };
    (void)state;
    run(db, "CREATE TABLE story AS SELECT 'The FILM is a very Good film, and the bad film is not.' "
            "AS body;"
            "CREATE TABLE rows AS SELECT a.* FROM story, lstm_attention(body, 'brief') AS a");
    expect_true(db, facts, COUNT(facts));
}

static void attention_is_that_of_the_summary(void **state)
{
    static const char *const facts[] = {
        "lower(lstm_summarize('Very GOOD film', '{\"model\": \"brief\", \"max_tokens\": 4}')) = "
        "(SELECT trim(group_concat(t, '')) FROM (SELECT DISTINCT output_position, output_token AS "
        "t FROM "
        "lstm_attention('Very GOOD film', '{\"model\": \"brief\", \"max_tokens\": 4}')))",
        "(SELECT count(*) FROM lstm_attention(NULL, 'brief')) = 0",
        "(SELECT count(*) FROM lstm_attention('', 'brief')) = 0",
        "(SELECT count(*) FROM lstm_attention(x'ff00fe', 'brief')) > 0",
        "(SELECT count(DISTINCT t) FROM (SELECT 'the film' AS t UNION ALL SELECT 'good') AS x, "
        "lstm_attention(x.t, 'brief')) = 2",
        "(SELECT count(DISTINCT text) FROM lstm_attention WHERE text IN ('the film', 'good') AND "
        "options = 'brief') = "
        "2",
    };
    (void)state;
    expect_true(db, facts, COUNT(facts));
}

static void works_in_views_triggers_and_updates(void **state)
{
    (void)state;
    run(db, "CREATE TABLE reviews(id INTEGER PRIMARY KEY, body TEXT, summary TEXT);"
            "CREATE VIEW summarized AS SELECT id, lstm_summarize(body, 'brief') AS summary FROM "
            "reviews;"
            "CREATE VIEW origins AS SELECT id, a.* FROM reviews, lstm_attention(body, 'brief') AS "
            "a WHERE copied;"
            "CREATE TRIGGER on_insert AFTER INSERT ON reviews BEGIN"
            "  UPDATE reviews SET summary = lstm_summarize(new.body, 'brief') WHERE id = new.id;"
            "END;"
            "INSERT INTO reviews(body) VALUES ('a good film'), ('the bad thing'), (NULL);");
    assert_string_equal(
        text_of(db,
                "SELECT count(*) || count(reviews.summary) FROM reviews JOIN summarized USING (id) "
                "WHERE reviews.summary IS summarized.summary"),
        "32");
    run(db, "UPDATE reviews SET summary = NULL; UPDATE reviews SET summary = lstm_summarize(body, "
            "'brief')");
    assert_string_equal(
        text_of(db,
                "SELECT count(*) || count(reviews.summary) FROM reviews JOIN summarized USING (id) "
                "WHERE reviews.summary IS summarized.summary"),
        "32");
    assert_string_equal(text_of(db, "SELECT count(DISTINCT id) > 0 FROM origins"), "1");
}

static void flags_say_what_is_so(void **state)
{
    (void)state;
    run(db, "CREATE TABLE t(body TEXT)");
    fails_with(db, "CREATE INDEX i ON t(lstm_summarize(body, 'brief'))", "non-deterministic");
    assert_string_equal(
        text_of(
            db,
            "SELECT group_concat(narg || ':' || (flags & 0x280800)) FROM (SELECT DISTINCT narg, "
            "flags FROM pragma_function_list WHERE name = 'lstm_summarize' ORDER BY narg)"),
        "1:0,2:0"); /* neither SQLITE_DETERMINISTIC nor SQLITE_INNOCUOUS nor SQLITE_DIRECTONLY */
    run(db,
        "PRAGMA trusted_schema = OFF; CREATE VIEW v AS SELECT lstm_summarize('a film', 'brief')");
    fails_with(db, "SELECT * FROM v", "unsafe use of lstm_summarize");
}

/* A text of so many bytes, bound: the summary is UTF-8, or the error has these words in it. */
static void summarize_bytes(size_t size, const char *options, const char *refusal)
{
    sqlite3_stmt *s = NULL;
    char *text = malloc(size);
    assert_non_null(text);
    for (size_t i = 0; i < size; i++)
        text[i] = "the very good film "[i % 19];
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT lstm_summarize(?1, ?2)", -1, &s, NULL),
                     SQLITE_OK);
    sqlite3_bind_blob64(s, 1, text, size, SQLITE_STATIC);
    sqlite3_bind_text(s, 2, options, -1, SQLITE_STATIC);
    if (sqlite3_step(s) == SQLITE_ROW) {
        const char *summary = (const char *)sqlite3_column_text(s, 0);
        assert_true(!refusal && summary && json_is_utf8(summary, strlen(summary)));
    } else if (!refusal || !strstr(sqlite3_errmsg(db), refusal)) {
        fail_msg("%zu bytes: %s", size, sqlite3_errmsg(db));
    }
    sqlite3_finalize(s);
    free(text);
}

static void reads_a_hundred_thousand_words_whole(void **state)
{
    (void)state;
    summarize_bytes(100000 / 4 * 19, "{\"model\": \"brief\", \"max_tokens\": 6, \"beam\": 2}",
                    NULL);
}

static void refuses_ten_megabytes_rather_than_cut_them(void **state)
{
    (void)state;
    summarize_bytes(10000000, "{\"model\": \"brief\", \"max_tokens\": 4, \"beam\": 1}",
                    "LSTM_ERR_INPUT: the text cannot be summarized: a text of 2105265 "
                    "tokens, at most 131072 can be summarized; summarize its parts");
}

static void every_language_gives_utf_8(void **state)
{
    static const char *const texts[] = {
        "Ein schöner, guter Film über die Größe.",
        "一部非常好的电影。我会再看一遍。",
        "فيلم جيد جدا، أنصح به.",
        "Очень хороший фильм!",
        "とても良い映画でした。",
        "บทภาพยนตร์ดีมาก",
        "🎬🎉👍🏽 👩‍👩‍👧‍👦",
        "x",
        "?",
        "a\u0301\u0301\u0301",
        "\xff\xfe\xed\xa0\x80 good",
        "\xe4\xbd",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++)
        for (int as_blob = 0; as_blob < 2; as_blob++) {
            sqlite3_stmt *s = NULL;
            assert_int_equal(
                sqlite3_prepare_v2(db, "SELECT lstm_summarize(?1, 'brief')", -1, &s, NULL),
                SQLITE_OK);
            if (as_blob)
                sqlite3_bind_blob(s, 1, texts[i], (int)strlen(texts[i]), SQLITE_STATIC);
            else
                sqlite3_bind_text(s, 1, texts[i], -1, SQLITE_STATIC);
            if (sqlite3_step(s) != SQLITE_ROW)
                fail_msg("%s: %s", texts[i], sqlite3_errmsg(db));
            const char *summary = (const char *)sqlite3_column_text(s, 0);
            assert_non_null(summary);
            assert_true(json_is_utf8(summary, strlen(summary)));
            assert_int_equal(sqlite3_finalize(s), SQLITE_OK);
        }
}

static void interrupt_itself(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    (void)argc;
    sqlite3_interrupt(sqlite3_context_db_handle(context));
    sqlite3_result_value(context, argv[0]);
}

static void an_interrupt_ends_a_call_before_it_begins(void **state)
{
    static const char *const calls[] = {
        "SELECT lstm_summarize(interrupting(body)) FROM t",
        "SELECT lstm_summarize(interrupting(body), 'brief') FROM t",
        "SELECT count(*) FROM t, lstm_attention(interrupting(body))",
    };
    (void)state;
    run(db, "CREATE TABLE t AS SELECT 'the film' AS body");
    sqlite3_create_function(db, "interrupting", 1, SQLITE_UTF8, NULL, interrupt_itself, NULL, NULL);
    for (size_t i = 0; i < COUNT(calls); i++) {
        sqlite3_stmt *s = NULL;
        assert_int_equal(sqlite3_prepare_v2(db, calls[i], -1, &s, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(s), SQLITE_INTERRUPT);
        assert_string_equal(sqlite3_errmsg(db), "interrupted");
        sqlite3_finalize(s);
        assert_string_equal(text_of(db, "SELECT typeof(lstm_summarize(body, 'brief')) FROM t"),
                            "text");
    }
}

struct impatient {
    atomic_int done;
    sqlite3 *db;
};

static void *interrupt_again_and_again(void *argument)
{
    struct impatient *user = argument;
    while (!atomic_load(&user->done)) {
        nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
        sqlite3_interrupt(user->db);
    }
    return NULL;
}

/* Uninterrupted it would take minutes: 60,000 tokens are looked at 200 times by 16 beams. */
static void an_interrupt_ends_a_long_call(void **state)
{
    struct impatient user = { .db = db };
    pthread_t thread;
    sqlite3_stmt *s = NULL;
    (void)state;
    run(db, "CREATE TABLE t AS SELECT replace(printf('%60000s', ''), ' ', 'film ') AS body");
    assert_int_equal(sqlite3_prepare_v2(
                         db,
                         "SELECT lstm_summarize(body, '{\"model\": \"brief\", \"max_tokens\": 200, "
                         "\"min_tokens\": 200, \"beam\": 16}') FROM t",
                         -1, &s, NULL),
                     SQLITE_OK);
    assert_int_equal(pthread_create(&thread, NULL, interrupt_again_and_again, &user), 0);
    int rc = sqlite3_step(s);
    atomic_store(&user.done, 1);
    pthread_join(thread, NULL);
    assert_int_equal(rc, SQLITE_INTERRUPT);
    sqlite3_finalize(s);
    assert_string_equal(text_of(db, "SELECT typeof(lstm_summarize('a film', 'brief'))"), "text");
}

static void utf_16_databases_work(void **state)
{
    sqlite3 *utf16 = extension_open(":memory:", 0);
    char expected[300];
    (void)state;
    run(utf16, "PRAGMA encoding = 'UTF-16le'; CREATE TABLE t AS SELECT 'Ein guter Film für "
               "Ängstliche' AS body");
    extension_import(utf16, "brief", &brief);
    snprintf(expected, sizeof expected, "%s",
             text_of(db, "SELECT lstm_summarize('Ein guter Film für Ängstliche', 'brief')"));
    assert_string_equal(text_of(utf16, "SELECT lstm_summarize(body, 'brief') FROM t"), expected);
    assert_string_equal(text_of(utf16, "SELECT max(\"end\") FROM t, lstm_attention(body, 'brief')"),
                        "31");
    extension_close(utf16);
}

/* What is shared between connections is found out by -fsanitize=thread. */
struct side {
    pthread_t thread;
    const char *sql;
    char expected[300];
    int failed;
};

static void *summarize_again_and_again(void *argument)
{
    struct side *side = argument;
    for (int round = 0; round < 3; round++) {
        sqlite3 *own = extension_open("a.db", SQLITE_OPEN_READONLY);
        sqlite3_stmt *s = NULL;
        side->failed |= sqlite3_prepare_v2(own, side->sql, -1, &s, NULL) != SQLITE_OK;
        for (int i = 0; i < 10 && !side->failed; i++) {
            side->failed |= sqlite3_step(s) != SQLITE_ROW ||
                            strcmp((const char *)sqlite3_column_text(s, 0), side->expected) != 0;
            sqlite3_reset(s);
        }
        sqlite3_finalize(s);
        side->failed |= sqlite3_close(own) != SQLITE_OK;
    }
    return NULL;
}

static void connections_in_threads_do_not_meet(void **state)
{
    struct side sides[3] = { { .sql = "SELECT lstm_summarize('the film is a bad one', 'brief')" },
                             { .sql = "SELECT lstm_summarize('the film is a bad one', 'another')" },
                             { .sql = "SELECT group_concat(weight) FROM lstm_attention('a film', "
                                      "'{\"model\": \"brief\", \"max_tokens\": 4}')" } };
    (void)state;
    extension_folder();
    sqlite3 *file = extension_open("a.db", 0);
    extension_import(file, "brief", &brief);
    extension_import(file, "another", &another);
    for (size_t i = 0; i < COUNT(sides); i++)
        snprintf(sides[i].expected, sizeof sides[i].expected, "%s", text_of(file, sides[i].sql));
    extension_close(file);
    for (size_t i = 0; i < COUNT(sides); i++)
        assert_int_equal(
            pthread_create(&sides[i].thread, NULL, summarize_again_and_again, &sides[i]), 0);
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
        TEST(summarizes_every_kind_of_value),
        TEST(options_change_the_summary),
        TEST(bad_arguments_have_clear_errors),
        TEST(a_summarizer_does_not_score),
        TEST(errors_never_echo_the_text),
        TEST(an_imported_summarizer_is_a_described_row),
        TEST(attention_says_where_every_token_came_from),
        TEST(attention_is_that_of_the_summary),
        TEST(works_in_views_triggers_and_updates),
        TEST(flags_say_what_is_so),
        TEST(reads_a_hundred_thousand_words_whole),
        TEST(refuses_ten_megabytes_rather_than_cut_them),
        TEST(every_language_gives_utf_8),
        TEST(an_interrupt_ends_a_call_before_it_begins),
        TEST(an_interrupt_ends_a_long_call),
        TEST(utf_16_databases_work),
        TEST(connections_in_threads_do_not_meet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
