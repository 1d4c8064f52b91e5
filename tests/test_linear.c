/* The linear teacher: what it learns, and the table that lstm-train linear fills. */
#include "train/linear.h"

#include "tests/command.h"
#include "tests/extension.h"
#include "train/commands.h"
#include "train/random.h"
#include "train/vectors.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TEXTS = 400, TOKENS = 12 };

static const struct linear_options plain = {
    .order = 2, .bits = 16, .epochs = 5, .rate = 0.1, .seed = 1
};

/* Noise of 50 tokens; the text says 7 and then 8 where it is of the second class, 8 and then 7
 * where it is of the first: only the order tells. */
static void make_texts(struct dataset *d)
{
    struct lstm_error err;
    uint64_t random = 9;
    assert_int_equal(dataset_room(d, TEXTS, 0, &err), LSTM_OK);
    d->tokens.ids = malloc(TEXTS * TOKENS * sizeof *d->tokens.ids);
    assert_non_null(d->tokens.ids);
    for (int32_t i = 0; i < TEXTS; i++) {
        int32_t *ids = d->tokens.ids + d->tokens.count,
                at = (int32_t)random_below(&random, TOKENS - 1);
        for (int t = 0; t < TOKENS; t++)
            ids[t] = 100 + (int32_t)random_below(&random, 50);
        d->classes[i] = (int32_t)random_below(&random, 2);
        ids[at] = 8 - d->classes[i];
        ids[at + 1] = 7 + d->classes[i];
        d->tokens.count += TOKENS;
        d->starts[++d->texts] = d->tokens.count;
    }
}

static double score(struct linear *linear, const int32_t *tokens, int32_t count)
{
    double log_odds = NAN;
    struct lstm_error err;
    assert_int_equal(linear_score(linear, tokens, count, &log_odds, &err), LSTM_OK);
    return log_odds;
}

static void a_feature_counts_once_in_a_text(void **state)
{
    static const int32_t once[] = { 100, 101, 7 }, often[] = { 101, 100, 7, 100, 100, 100, 7 };
    struct linear_options options = plain;
    struct linear *linear;
    struct dataset d;
    struct lstm_error err;
    (void)state;
    options.order = 1;
    make_texts(&d);
    assert_int_equal(linear_learn(&d, &options, &linear, &err), LSTM_OK);
    assert_true(fabs(score(linear, once, 3) - score(linear, once, 2)) > 1e-6);
    assert_true(fabs(score(linear, once, 3) - score(linear, often, 7)) < 1e-6);
    linear_free(linear);
    dataset_close(&d);
}

static void pairs_tell_what_single_tokens_cannot(void **state)
{
    static const int32_t right[] = { 100, 7, 8, 120 }, wrong[] = { 100, 8, 7, 120 };
    (void)state;
    for (int32_t order = 1; order <= 3; order++) {
        struct linear_options options = plain;
        struct linear *linear;
        struct dataset d;
        struct lstm_error err;
        options.order = order;
        make_texts(&d);
        assert_int_equal(linear_learn(&d, &options, &linear, &err), LSTM_OK);
        double difference = score(linear, right, 4) - score(linear, wrong, 4);
        if (order == 1)
            assert_true(fabs(difference) < 1e-9);
        else
            assert_true(difference > 2);
        linear_free(linear);
        dataset_close(&d);
    }
}

static void a_seed_repeats_the_scores_and_learning_improves_naive_bayes(void **state)
{
    static const struct {
        int32_t epochs;
        uint64_t seed;
        double decay;
    } cases[] = { { 5, 1, 0 }, { 5, 1, 0 }, { 5, 2, 0 }, { 0, 1, 0 }, { 5, 1, 1 } };
    static const int32_t text[] = { 100, 7, 8, 120 };
    double scores[5];
    (void)state;
    for (size_t i = 0; i < 5; i++) {
        struct linear_options options = plain;
        struct linear *linear;
        struct dataset d;
        struct lstm_error err;
        options.epochs = cases[i].epochs;
        options.seed = cases[i].seed;
        options.decay = cases[i].decay;
        make_texts(&d);
        assert_int_equal(linear_learn(&d, &options, &linear, &err), LSTM_OK);
        scores[i] = score(linear, text, 4);
        assert_true(fabs(score(linear, text, 0)) < 1); /* nothing known: the bias alone */
        linear_free(linear);
        dataset_close(&d);
    }
    assert_memory_equal(&scores[0], &scores[1], sizeof *scores);
    assert_true(fabs(scores[0] - scores[2]) > 1e-12);
    assert_true(scores[3] > 0.1 && scores[0] > scores[3]);
    assert_true(fabs(scores[4] - scores[3]) < (scores[0] - scores[3]) / 2); /* held back */
}

/* ---- the command ---- */

enum { PATH_SIZE = 300 };

static char rows_db[PATH_SIZE], vectors[PATH_SIZE];

static int make_rows(void **state)
{
    static const char words[] = " good\n bad\n tea\n fish\n";
    (void)state;
    const char *folder = extension_folder();
    snprintf(rows_db, sizeof rows_db, "%s/linear.db", folder);
    snprintf(vectors, sizeof vectors, "%s/linear.safetensors", folder);
    sqlite3 *db = NULL;
    struct lstm_tokenizer *tokenizer;
    struct lstm_error err;
    static float zeros[300 * 16];
    if (sqlite3_open(rows_db, &db) ||
        lstm_tokenizer_open(words, sizeof words - 1, &tokenizer, &err) ||
        vectors_write(vectors, tokenizer, zeros, 16, &err))
        return -1;
    lstm_tokenizer_close(tokenizer);
    run(db, "CREATE TABLE rows(id, body, label);"
            "WITH RECURSIVE n(i) AS (VALUES(0) UNION ALL SELECT i + 1 FROM n WHERE i < 99)"
            "INSERT INTO rows SELECT 'row,' || i, iif(i % 2, 'good', 'bad') || iif(i % 3, ' tea', "
            "' fish'), i % 2 FROM n;");
    sqlite3_close(db);
    return 0;
}

static int remove_rows(void **state)
{
    (void)state;
    extension_folder_remove();
    return 0;
}

#define ASK "--db", rows_db, "--sql", "SELECT body, label FROM rows"
#define SCORE "--score-sql", "SELECT body, id FROM rows"

static void the_scores_come_with_their_keys(void **state)
{
    int status;
    (void)state;
    const char *output =
        command_output(command_linear,
                       (const char *const[]){ "linear", ASK, SCORE, "--vectors", vectors, "--into",
                                              rows_db, "--table", "what it \"thinks\"", NULL },
                       &status);
    if (status)
        fail_msg("%s", output);
    sqlite3 *db = extension_open("linear.db", 0);
    assert_true(
        real_of(db, "SELECT count(*) * 1.0 FROM rows JOIN \"what it \"\"thinks\"\"\" ON id = key"
                    " WHERE abs(probability - label) < 0.4") > 99);
    extension_close(db);
}

static void what_is_missing_is_named_and_nothing_is_left(void **state)
{
    static const struct {
        const char *words[14];
        const char *reason;
    } cases[] = {
        { { ASK, SCORE, "--vectors", vectors, "--into", rows_db }, "--table is missing" },
        { { ASK, SCORE, "--vectors", vectors, "--table", "t" }, "--into is missing" },
        { { ASK, SCORE, "--into", rows_db, "--table", "t" }, "--vectors is missing" },
        { { ASK, "--vectors", vectors, "--into", rows_db, "--table", "t" },
          "--score-sql is missing" },
        { { ASK, "--score-sql", "SELECT body FROM rows", "--vectors", vectors, "--into", rows_db,
            "--table", "t" },
          "--score-sql gives 1 column, expected 2" },
        { { ASK, SCORE, "--vectors", vectors, "--into", rows_db, "--table", "rows" },
          "already exists" },
        { { ASK, SCORE, "--vectors", rows_db, "--into", rows_db, "--table", "t" },
          "the header has" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *words[20] = { "linear" };
        int status;
        for (int w = 0; w < 14 && cases[i].words[w]; w++)
            words[w + 1] = cases[i].words[w];
        const char *output = command_output(command_linear, words, &status);
        if (!strstr(output, cases[i].reason))
            fail_msg("%s\nexpected: %s", output, cases[i].reason);
        assert_int_equal(status, 1);
        sqlite3 *db = extension_open("linear.db", 0);
        assert_true(real_of(db, "SELECT count(*) * 1.0 FROM sqlite_schema WHERE name = 't'") < 1);
        extension_close(db);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_feature_counts_once_in_a_text),
        cmocka_unit_test(pairs_tell_what_single_tokens_cannot),
        cmocka_unit_test(a_seed_repeats_the_scores_and_learning_improves_naive_bayes),
        cmocka_unit_test(the_scores_come_with_their_keys),
        cmocka_unit_test(what_is_missing_is_named_and_nothing_is_left),
    };
    return cmocka_run_group_tests(tests, make_rows, remove_rows);
}
