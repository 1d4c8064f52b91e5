/* lstm-train compare (train/command_compare.c): the model inside the extension, whose own answers
 * are the labels of most rows, and a random one. */
#include "train/commands.h"

#include "tests/command.h"
#include "tests/extension.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { PATH_SIZE = 300 };

static char path[PATH_SIZE];
static const struct tiny_model random_model = { .task = "sentiment",
                                                .labels = "negative positive",
                                                .seed = 6 };

/* 60 texts, the label of every tenth turned round. */
static int make_rows(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "%s/rows.db", extension_folder());
    sqlite3 *db = extension_open("rows.db", 0);
    extension_import(db, "random", &random_model);
    run(db, "CREATE TABLE t(id INTEGER PRIMARY KEY, text, label);"
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60)"
            "INSERT INTO t SELECT i, iif(i % 2, 'good fun ', 'dull and bad ') || (i * i * 77), 0"
            " FROM n;"
            "UPDATE t SET label = (lstm_sentiment(text) > 0) <> (id % 10 = 0)");
    extension_close(db);
    return 0;
}

static int remove_rows(void **state)
{
    (void)state;
    extension_folder_remove();
    return 0;
}

static const char *compare(const char *const *words, int expected_status)
{
    const char *all[COMMAND_WORDS_MAX + 1] = { "compare", "--db", path };
    int count = 3, status;
    for (; *words; words++)
        all[count++] = *words;
    const char *output = command_output(command_compare, all, &status);
    if (status != expected_status)
        fail_msg("%s", output);
    return output;
}

#define QUERY "--sql", "SELECT text, label, 500 + id FROM t"

/* The table as SQL counts it, and p by whole binomial coefficients. */
static void rows_that_one_model_alone_gets_right_are_counted(void **state)
{
    char line[200];
    (void)state;
    sqlite3 *db = extension_open("rows.db", 0);
    run(db, "CREATE TEMP TABLE two AS SELECT (lstm_sentiment(text) > 0) = label AS a,"
            " (lstm_sentiment(text, 'random') > 0) = label AS b FROM t");
    snprintf(line, sizeof line, "\n%s",
             text_of(db, "SELECT printf('%10d  %14d  %15d  %10d ', sum(a AND b), sum(a > b),"
                         " sum(b > a), sum(NOT a AND NOT b)) FROM two"));
    expect_true(db, (const char *const[]){ "(SELECT sum(a > b) > 9 AND sum(b > a) > 1 FROM two)" },
                1);
    extension_close(db);
    const char *output = compare(
        (const char *const[]){ QUERY, "--model", "default-sentiment", "--with", "random", NULL },
        0);
    if (!strstr(output, line) || !strstr(output, "\ndefault-sentiment    0.9000 ") ||
        !strstr(output, "  McNemar's exact p\n"))
        fail_msg("no %s in: %s", line, output);
}

static void both_are_calibrated_and_the_second_is_the_default(void **state)
{
    (void)state;
    const char *output = compare((const char *const[]){ QUERY, "--model", "random", NULL }, 0);
    assert_non_null(
        strstr(output, "\nmodel              confidence    rows   mean  right\nrandom  "));
    assert_non_null(strstr(output, "\ndefault-sentiment  0.93 to 1.00 "));
}

static void disagreements_are_shown_with_keys(void **state)
{
    (void)state;
    const char *output =
        compare((const char *const[]){ QUERY, "--model", "random", "--examples", "2", NULL }, 0);
    const char *table =
        strstr(output, "\nkey  label     first     confidence  second    confidence");
    int shown = 0;
    for (const char *at = table ? strstr(table, "\n5") : NULL; at; at = strstr(at + 1, "\n5"))
        shown++;
    if (shown != 2)
        fail_msg("%d shown: %s", shown, output);
}

static void refuses_with_a_reason(void **state)
{
    static const struct {
        const char *words[8];
        int status;
        const char *reason;
    } cases[] = {
        { { QUERY }, 2, "which model? Give --model NAME, and --with NAME" },
        { { QUERY, "--model", "a", "--with", "a" }, 2, "--model and --with are both a" },
        { { QUERY, "--model", "absent" }, 1, "no model named 'absent'" },
        { { QUERY, "--model", "random", "--with", "default-summarize" }, 1, "LSTM_ERR_TASK" },
        { { "--sql", "SELECT text FROM t", "--model", "random" }, 1, "the rows have no labels" },
        { { "--sql", "SELECT text, 7 FROM t", "--model", "random" },
          1,
          "no row has the label that the model gives it (label 7, answer " },
        { { "--sql", "SELECT text, label FROM t WHERE 0", "--model", "random" },
          1,
          "there is no row to score" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *output = compare(cases[i].words, cases[i].status);
        if (!strstr(output, cases[i].reason))
            fail_msg("%s\nexpected: %s", output, cases[i].reason);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_that_one_model_alone_gets_right_are_counted),
        cmocka_unit_test(both_are_calibrated_and_the_second_is_the_default),
        cmocka_unit_test(disagreements_are_shown_with_keys),
        cmocka_unit_test(refuses_with_a_reason),
    };
    return cmocka_run_group_tests(tests, make_rows, remove_rows);
}
