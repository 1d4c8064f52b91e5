/* lstm-train autotune (train/autotune.h), on rows that a small network learns in seconds. */
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

static char rows_db[PATH_SIZE];

static int make_rows(void **state)
{
    (void)state;
    snprintf(rows_db, sizeof rows_db, "%s/rows.db", extension_folder());
    sqlite3 *db = extension_open("rows.db", 0);
    run(db, "CREATE TABLE rows(body, positive);"
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400)"
            "INSERT INTO rows SELECT 'The ' || iif(i % 3, 'soup', 'room') || iif(i % 2,"
            " ' was lovely, warm.', ' was awful, stale.'), i % 2 FROM n");
    extension_close(db);
    return 0;
}

static int remove_rows(void **state)
{
    (void)state;
    extension_folder_remove();
    return 0;
}

/* words: up to a NULL, behind the rows. */
static const char *search(const char *const *words, int expected_status)
{
    const char *all[COMMAND_WORDS_MAX + 1] = { "autotune", "--db", rows_db, "--sql",
                                               "SELECT body, positive, rowid FROM rows" };
    int count = 5, status;
    for (; *words; words++)
        all[count++] = *words;
    const char *output = command_output(command_autotune, all, &status);
    if (status != expected_status)
        fail_msg("%s", output);
    return output;
}

static int lines_with(const char *text, const char *words)
{
    int count = 0;
    for (const char *at = strstr(text, words); at; at = strstr(at + 1, words))
        count++;
    return count;
}

#define SMALL \
    "--from", "scratch", "--vocab", "512", "--dimension", "16", "--hidden", "16", "--batch", "200"

static void half_of_the_candidates_learn_from_twice_the_rows(void **state)
{
    (void)state;
    const char *output = search(
        (const char *const[]){ SMALL, "--epochs", "4", "--steps", "250", "--name", "tuned", NULL },
        0);
    if (lines_with(output, "\n    1  ") != 4 || lines_with(output, "\n    2  ") != 2 ||
        lines_with(output, "  scratch      16       4  ") != 6 || lines_with(output, " failed") ||
        !strstr(output, "\nbest: --from scratch --hidden 16 --epochs 4 --rate 0."))
        fail_msg("%s", output);
    assert_non_null(strstr(output, " rows held out:\n"));
    sqlite3 *db = extension_open("rows.db", 0);
    assert_true(real_of(db, "SELECT lstm_sentiment('The soup was lovely, warm.', 'tuned')") > 0.5);
    assert_true(real_of(db, "SELECT lstm_sentiment('The soup was awful, stale.', 'tuned')") < -0.5);
    expect(db,
           "SELECT (card ->> 'run') LIKE '%, on 1 of the rows, chosen by autotune among 4 on the"
           " rows held out' FROM lstm_models WHERE name = 'tuned'",
           "1");
    extension_close(db);
}

/* A line of the table. */
struct line {
    int round;
    double rate, accuracy, loss;
};

static int is_worse(const struct line *a, const struct line *b)
{
    return a->accuracy < b->accuracy || (!(a->accuracy > b->accuracy) && a->loss > b->loss);
}

static void the_better_half_of_a_round_goes_on(void **state)
{
    struct line lines[6];
    int count = 0;
    (void)state;
    const char *output = search((const char *const[]){ SMALL, "--epochs", "4", "--steps", "250",
                                                       "--seed", "3", "--name", "halves", NULL },
                                0);
    for (const char *at = strstr(output, "\nround "); at && count < 6; at = strchr(at + 1, '\n')) {
        struct line *l = &lines[count];
        count += sscanf(at, "%d %*d %*s %*d %*d %lf %*f %*f %*f %lf %lf", &l->round, &l->rate,
                        &l->accuracy, &l->loss) == 4;
    }
    assert_int_equal(count, 6);
    for (int i = 4; i < 6; i++) {
        int better = 0;
        const struct line *before = NULL;
        for (int j = 0; j < 4; j++)
            if (lines[j].rate > lines[i].rate - 1e-9 && lines[j].rate < lines[i].rate + 1e-9)
                before = &lines[j];
        assert_non_null(before);
        for (int j = 0; j < 4; j++)
            better += is_worse(before, &lines[j]);
        assert_in_range(better, 0, 1);
    }
}

static void steps_and_a_seed_repeat_a_search_to_the_last_bit(void **state)
{
    static const struct {
        const char *name, *seed, *threads;
    } runs[] = { { "one", "7", "1" }, { "same", "7", "2" }, { "other", "8", "1" } };
    (void)state;
    for (size_t i = 0; i < COUNT(runs); i++)
        search((const char *const[]){ SMALL, "--steps", "300", "--name", runs[i].name, "--seed",
                                      runs[i].seed, "--threads", runs[i].threads, NULL },
               0);
    sqlite3 *db = extension_open("rows.db", 0);
    expect_true(db,
                (const char *const[]){
                    "lstm_model_sha256('one') = lstm_model_sha256('same')",
                    "lstm_model_sha256('one') <> lstm_model_sha256('other')",
                },
                2);
    extension_close(db);
}

static void a_model_and_scratch_are_both_tried_and_what_is_given_stays(void **state)
{
    (void)state;
    const char *output = search((const char *const[]){ "--batch", "2000", "--epochs", "1", "--rate",
                                                       "0.0007", "--drop-word", "0.07", "--steps",
                                                       "6", "--name", "both", NULL },
                                0);
    if (lines_with(output, "\n    1  ") != 4 || lines_with(output, "  scratch  ") < 1 ||
        lines_with(output, "  model       128       1    0.0007       0.07  ") < 4)
        fail_msg("%s", output);
}

static void time_is_counted_in_steps_and_kept(void **state)
{
    (void)state;
    const char *output = search((const char *const[]){ SMALL, "--epochs", "1", "--minutes", "0.1",
                                                       "--name", "timed", NULL },
                                0);
    assert_non_null(strstr(output, " tokens/s: 0.1 minutes are "));
    assert_non_null(strstr(output, "\nbest: --from scratch"));
}

static void refuses_with_a_reason(void **state)
{
    static const struct {
        const char *words[16];
        int status;
        const char *reason;
    } cases[] = {
        { { "--name", "x" }, 2, "what is the budget? Give --minutes or --steps" },
        { { "--name", "x", "--steps", "3", "--minutes", "2" }, 2, "what is the budget?" },
        { { "--name", "x", "--steps", "3", "--task", "summarize" },
          2,
          "--task is \"summarize\", expected sentiment or classify" },
        { { "--name", "x", "--steps", "3", "--checkpoint", "c" }, 2, "has no --checkpoint" },
        { { "--name", "x", "--steps", "3", "--hidden", "64" }, 2, "or give --from scratch" },
        { { "--steps", "3" }, 1, "where should the model go?" },
        { { SMALL, "--name", "x", "--steps", "3" },
          1,
          "3 steps are too few: the recipe alone takes " },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *output = search(cases[i].words, cases[i].status);
        if (!strstr(output, cases[i].reason))
            fail_msg("%s\nexpected: %s", output, cases[i].reason);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(half_of_the_candidates_learn_from_twice_the_rows),
        cmocka_unit_test(the_better_half_of_a_round_goes_on),
        cmocka_unit_test(steps_and_a_seed_repeat_a_search_to_the_last_bit),
        cmocka_unit_test(a_model_and_scratch_are_both_tried_and_what_is_given_stays),
        cmocka_unit_test(time_is_counted_in_steps_and_kept),
        cmocka_unit_test(refuses_with_a_reason),
    };
    return cmocka_run_group_tests(tests, make_rows, remove_rows);
}
