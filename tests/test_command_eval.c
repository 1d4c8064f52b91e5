/* lstm-train eval (train/command_eval.c), by the model inside the extension, on labels made from
 * its own answers. */
#include "tests/command.h"
#include "train/commands.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int sqlite3_lstmext_init(sqlite3 *db, char **message, const sqlite3_api_routines *api);

static char folder[] = "/tmp/test_eval_XXXXXX", path[200];

/* 40 texts; the model's answer as a word (own), as 0 or 1 (digit), and wrong for every fourth
 * (flawed). */
static int make_database(void **state)
{
    sqlite3 *db;
    char *message = NULL;
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/rows.db", folder);
    if (sqlite3_open(path, &db) || (sqlite3_lstmext_init(db, &message, NULL) & 0xff))
        return -1;
    int rc = sqlite3_exec(
        db,
        "CREATE TABLE t(id INTEGER PRIMARY KEY, text, own, digit, flawed);"
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)"
        "INSERT INTO t(id, text) SELECT i, iif(i % 2, 'good fun ', 'dull and bad ') || i FROM n;"
        "UPDATE t SET own = json_extract(lstm_classify(text), '$.label');"
        "UPDATE t SET digit = own = 'positive';"
        "UPDATE t SET flawed = iif(id % 4 = 0, 1 - digit, digit);"
        "CREATE TABLE empty(text, label); INSERT INTO empty SELECT text, own FROM t WHERE id < 4;"
        "INSERT INTO empty VALUES ('   ', 'positive')",
        NULL, NULL, &message);
    sqlite3_close(db);
    return rc;
}

static int remove_database(void **state)
{
    (void)state;
    return remove(path) || rmdir(folder);
}

/* What the command prints for these words holds the expected text. */
static void assert_answers(const char *const *words, int expected_status, const char *expected)
{
    int status;
    const char *text = command_output(command_eval, words, &status);
    if (!strstr(text, expected))
        fail_msg("%s\nexpected: %s", text, expected);
    assert_int_equal(status, expected_status);
}

static void assert_prints(const char *query, const char *model, int expected_status,
                          const char *expected)
{
    assert_answers((const char *const[]){ "eval", "--db", path, "--sql", query,
                                          model ? "--model" : NULL, model, NULL },
                   expected_status, expected);
}

static void a_models_own_answers_are_all_right(void **state)
{
    (void)state;
    assert_prints("SELECT text, own FROM t", NULL, 0,
                  "\ndefault-sentiment    1.0000    1.0000    1.0000  ");
    assert_prints("SELECT text, own FROM t", "default-sentiment", 0,
                  "\ndefault-sentiment    1.0000    1.0000    1.0000  ");
    assert_prints("SELECT text, own FROM t", NULL, 0, "\nup to 128    40    1.0000\n");
}

static void zero_and_one_are_negative_and_positive(void **state)
{
    (void)state;
    assert_prints("SELECT text, digit FROM t", NULL, 0,
                  "\ndefault-sentiment    1.0000    1.0000    1.0000  ");
    assert_prints("SELECT text, CAST(digit AS TEXT) FROM t", NULL, 0,
                  "\ndefault-sentiment    1.0000    1.0000    1.0000  ");
}

static void wrong_answers_count(void **state)
{
    (void)state;
    assert_prints("SELECT text, flawed FROM t", NULL, 0, "\ndefault-sentiment    0.7500 ");
    assert_prints("SELECT text, flawed FROM t", NULL, 0, "\nup to 128    40    0.7500\n");
    assert_prints("SELECT text, flawed FROM t WHERE id % 8 > 1", NULL, 0,
                  "\ndefault-sentiment    0.8333 "); /* 30 rows, 5 wrong */
}

/* Of 20 negative answers 10 are right, of 20 positive ones all: 10 and 30 labels. */
static void each_class_has_precision_recall_and_f1(void **state)
{
    static const char *const lines[] = {
        "\ndefault-sentiment    0.7500    0.8333    0.7333  ",
        "\nnegative    10       20     0.5000  1.0000  0.6667\n",
        "\npositive    30       20     1.0000  0.6667  0.8000\n",
        "\nlabel \\ answer  negative  positive\n"
        "negative              10         0\n"
        "positive              10        20\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        assert_prints("SELECT text, flawed FROM t", NULL, 0, lines[i]);
}

/* All answers are surer than 14 of 15, so there is one bin, and its gap is the error. */
static void calibration_compares_confidence_with_what_was_right(void **state)
{
    int status;
    double mean = 0, right = 0, error = 0;
    char after[40];
    (void)state;
    const char *text = command_output(
        command_eval,
        (const char *const[]){ "eval", "--db", path, "--sql", "SELECT text, flawed FROM t", NULL },
        &status);
    const char *bin = strstr(text, "0.93 to 1.00    40  "), *line = strstr(text, "0.7333  ");
    if (!bin || !line || sscanf(bin, "0.93 to 1.00 40 %lf %lf", &mean, &right) != 2 ||
        sscanf(line, "0.7333 %lf%1s", &error, after) != 2)
        fail_msg("%s", text);
    assert_true(right == 0.75);
    assert_true(error > mean - right - 1e-3 && error < mean - right + 1e-3);
}

static void the_most_confident_wrong_answers_are_shown_with_their_keys(void **state)
{
    static const char query[] = "SELECT text || char(10) || printf('%200c', 'x'), flawed, 1000 + id"
                                " FROM t ORDER BY id";
    int status;
    (void)state;
    const char *text = command_output(
        command_eval,
        (const char *const[]){ "eval", "--db", path, "--sql", query, "--examples", "9", NULL },
        &status);
    const char *errors = strstr(text, " key  confidence  label     wrong answer  text\n");
    int shown = 0;
    for (const char *at = errors ? strstr(errors, "\n10") : NULL; at; at = strstr(at + 1, "\n10"))
        shown++;
    if (status || shown != 9 || !strstr(errors, "positive  negative      dull and bad ") ||
        !strstr(errors, "\xe2\x80\xa6"))
        fail_msg("%d shown: %s", shown, text);
    double first = 0, last = 1, confidence;
    for (const char *at = strstr(errors, "\n10"); at; at = strstr(at + 1, "\n10")) {
        assert_int_equal(sscanf(at, "%*d %lf", &confidence), 1);
        assert_true(confidence <= last);
        first = first > 0 ? first : confidence;
        last = confidence;
    }
    assert_true(first > last);
    assert_prints("SELECT text, flawed FROM t", NULL, 0,
                  "\nconfidence  label     wrong answer  text");
}

static void a_text_without_a_token_is_not_answered_and_wrong(void **state)
{
    (void)state;
    assert_prints("SELECT text, label FROM empty", NULL, 0, "  unanswered\n");
    assert_prints("SELECT text, label FROM empty", NULL, 0, "     4           1\n");
    assert_prints("SELECT text, label FROM empty", NULL, 0, "\ndefault-sentiment    0.7500 ");
}

/* Labels that the model knows are its own however few it hits. */
static void answers_that_are_all_wrong_or_none_are_a_report(void **state)
{
    (void)state;
    assert_prints("SELECT text, 1 - digit FROM t WHERE id < 4", NULL, 0,
                  "\ndefault-sentiment    0.0000 ");
    assert_prints("SELECT '  ', 1", NULL, 0, "     1           1\n\nmodel ");
    assert_prints("SELECT '  ', 'odd'", NULL, 1, "(label odd, answer none of default-sentiment)");
}

static void summaries_are_measured_by_the_default_summariser(void **state)
{
    (void)state;
    assert_answers((const char *const[]){ "eval", "--db", path, "--sql",
                                          "SELECT text, own FROM t LIMIT 3", "--summary", "own",
                                          NULL },
                   0, "\ndefault-summarize ");
    assert_answers((const char *const[]){ "eval", "--db", path, "--sql",
                                          "SELECT text, own FROM t LIMIT 3", "--summary", "own",
                                          "--options", "{\"max_tokens\": 0}", NULL },
                   1, "the option \"max_tokens\" is 0");
    assert_answers((const char *const[]){ "eval", "--help", NULL }, 0, "--summary COLUMN");
}

static void what_is_of_summaries_alone_is_refused_for_classes(void **state)
{
    static const char query[] = "SELECT text, own FROM t";
    (void)state;
    assert_answers((const char *const[]){ "eval", "--db", path, "--sql", query, "--options",
                                          "{\"beam\": 1}", NULL },
                   1,
                   "--options is for summaries, but the model 'default-sentiment' classifies: "
                   "leave it out, or name a summariser by --model");
}

static void refuses_with_a_reason(void **state)
{
    (void)state;
    assert_prints("SELECT text FROM t", NULL, 1,
                  "the rows have no labels: the query's second column, --label or --summary");
    assert_prints("SELECT text, own FROM t WHERE 0", NULL, 1, "there is no row to score");
    assert_prints("SELECT text, id + 100 FROM t", NULL, 1,
                  "no row has the label that the model gives it");
    assert_prints("SELECT text, own FROM t", "absent", 1, "no model named 'absent'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_models_own_answers_are_all_right),
        cmocka_unit_test(zero_and_one_are_negative_and_positive),
        cmocka_unit_test(wrong_answers_count),
        cmocka_unit_test(each_class_has_precision_recall_and_f1),
        cmocka_unit_test(calibration_compares_confidence_with_what_was_right),
        cmocka_unit_test(the_most_confident_wrong_answers_are_shown_with_their_keys),
        cmocka_unit_test(a_text_without_a_token_is_not_answered_and_wrong),
        cmocka_unit_test(answers_that_are_all_wrong_or_none_are_a_report),
        cmocka_unit_test(summaries_are_measured_by_the_default_summariser),
        cmocka_unit_test(what_is_of_summaries_alone_is_refused_for_classes),
        cmocka_unit_test(refuses_with_a_reason),
    };
    return cmocka_run_group_tests(tests, make_database, remove_database);
}
