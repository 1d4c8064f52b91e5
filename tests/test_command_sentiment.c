/* lstm-train sentiment and classify, from rows in a file or a database to a model that scores in
 * SQL. */
#include "train/commands.h"

#include "tests/command.h"
#include "tests/extension.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATH_SIZE = 300, ROWS = 600 };

static char csv[PATH_SIZE], rows_db[PATH_SIZE], models_db[PATH_SIZE], base_file[PATH_SIZE];

/* Rows "the soup was lovely", their stars 5 or 1, as a CSV file and as a table with the labels
 * "good" and "bad". */
static int make_rows(void **state)
{
    static const char *const words[2][3] = { { "awful", "stale", "cold" },
                                             { "lovely", "fresh", "warm" } };
    static const char *const things[] = { "soup", "bread", "room", "tea", "fish" };
    (void)state;
    const char *folder = extension_folder();
    snprintf(csv, sizeof csv, "%s/rows.csv", folder);
    snprintf(rows_db, sizeof rows_db, "%s/rows.db", folder);
    snprintf(base_file, sizeof base_file, "%s/base.safetensors", folder);
    snprintf(models_db, sizeof models_db, "%s/models.db", folder);
    FILE *file = fopen(csv, "w");
    sqlite3 *db = NULL;
    if (!file || sqlite3_open(rows_db, &db))
        return -1;
    fprintf(file, "positive,body\n");
    run(db, "BEGIN; CREATE TABLE rows(body, verdict, positive)");
    for (int i = 0; i < ROWS; i++) {
        char text[100], sql[300];
        int positive = i * 7 % 10 > 4;
        snprintf(text, sizeof text, "The %s was %s, %s.", things[i % 5], words[positive][i % 3],
                 words[positive][i % 2]);
        fprintf(file, "%d,\"%s\"\n", positive, text);
        snprintf(sql, sizeof sql, "INSERT INTO rows VALUES('%s', '%s', %d)", text,
                 positive ? "good" : "bad", positive);
        run(db, sql);
    }
    run(db, "COMMIT");
    sqlite3_close(db);
    return fclose(file);
}

static int remove_rows(void **state)
{
    (void)state;
    extension_folder_remove();
    return 0;
}

#define SMALL                                                                                      \
    "--from", "scratch", "--vocab", "512", "--dimension", "16", "--hidden", "16", "--epochs", "6", \
        "--batch", "200", "--rate", "0.01"

static void train_from_csv(const char *name, const char *seed, const char *threads)
{
    int status;
    const char *output = command_output(
        command_sentiment,
        (const char *const[]){
            "sentiment", "--csv",      csv,       "--text", "body",   "--label",
            "positive",  "--into",     models_db, "--name", name,     "--seed",
            seed,        "--threads",  threads,   SMALL,    "--data", "made \"here\"",
            "--limits",  "meals only", NULL },
        &status);
    if (status)
        fail_msg("%s", output);
    assert_non_null(strstr(output, "epoch 1/6: loss "));
    assert_non_null(strstr(output, " tokens/s"));
}

static void rows_of_a_csv_become_a_model_that_scores_in_sql(void **state)
{
    (void)state;
    train_from_csv("meals", "1", "2");
    sqlite3 *db = extension_open("models.db", 0);
    assert_true(real_of(db, "SELECT lstm_sentiment('The tea was warm, lovely.', 'meals')") > 0.8);
    assert_true(real_of(db, "SELECT lstm_sentiment('The tea was stale, awful.', 'meals')") < -0.8);
    assert_string_equal(text_of(db, "SELECT card ->> 'data' FROM lstm_models WHERE name = 'meals'"),
                        "made \"here\"");
    assert_string_equal(
        text_of(db, "SELECT card ->> 'terms' FROM lstm_models WHERE name = 'meals'"), "not said");
    expect(
        db,
        "SELECT (card ->> 'intended_use') || '|' || (card ->> 'limits') || '|' || (card ->> 'seed')"
        " FROM lstm_models WHERE name = 'meals'",
        "not said|meals only|1");
    assert_true(
        real_of(
            db,
            "SELECT (metrics ->> 'valid_accuracy') * 1.0 FROM lstm_models WHERE name = 'meals'") >
        0.95);
    assert_non_null(strstr(
        text_of(db, "SELECT card ->> 'run' FROM lstm_models WHERE name = 'meals'"), "seed 1,"));
    /* int8 unless told, and the card says what that cost on the rows held out */
    expect(db, "SELECT instr(blob, CAST('\"dtype\":\"I8\"' AS BLOB)) > 0 FROM lstm_models", "1");
    expect(db,
           "SELECT (card -> '$.quantised.rows') = (metrics -> 'valid_texts')"
           " AND (card -> '$.quantised.fp32') = (metrics -> 'valid_accuracy')"
           " AND (card ->> '$.quantised.int8') BETWEEN 0.95 AND 1 FROM lstm_models",
           "1");
    extension_close(db);
}

static void a_seed_repeats_a_model_to_the_last_bit(void **state)
{
    (void)state;
    train_from_csv("first", "5", "2");
    train_from_csv("again", "5", "1");
    train_from_csv("other", "6", "2");
    sqlite3 *db = extension_open("models.db", 0);
    assert_true(
        real_of(db, "SELECT (lstm_model_sha256('first') = lstm_model_sha256('again')) * 1.0") > 0);
    assert_true(
        real_of(db, "SELECT (lstm_model_sha256('first') = lstm_model_sha256('other')) * 1.0") < 1);
    extension_close(db);
}

static void a_storage_of_floats_is_not_quantised(void **state)
{
    int status;
    (void)state;
    const char *output = command_output(
        command_sentiment,
        (const char *const[]){ "sentiment", "--csv", csv, "--text", "body", "--label", "positive",
                               "--into", models_db, "--name", "floats", "--storage", "f16",
                               "--epochs", "1", SMALL, NULL },
        &status);
    if (status)
        fail_msg("%s", output);
    assert_null(strstr(output, "quantised"));
    sqlite3 *db = extension_open("models.db", 0);
    expect(db,
           "SELECT instr(blob, CAST('\"dtype\":\"F16\"' AS BLOB)) > 0"
           " AND card -> 'quantised' IS NULL FROM lstm_models WHERE name = 'floats'",
           "1");
    extension_close(db);
}

/* A word stands in texts that most people like, another in texts that few do. */
static void probabilities_are_learned_as_probabilities(void **state)
{
    int status;
    (void)state;
    const char *output = command_output(
        command_sentiment,
        (const char *const[]){ "sentiment", "--db", rows_db, "--sql",
                               "SELECT body, iif(positive, 0.8, 0.4) FROM rows", "--into",
                               models_db, "--name", "shares", SMALL, NULL },
        &status);
    if (status)
        fail_msg("%s", output);
    sqlite3 *db = extension_open("models.db", 0);
    assert_float_equal(real_of(db, "SELECT lstm_sentiment('The tea was warm, lovely.', 'shares')"),
                       0.6, 0.1);
    assert_float_equal(real_of(db, "SELECT lstm_sentiment('The tea was stale, awful.', 'shares')"),
                       -0.2, 0.1);
    assert_true(real_of(db, "SELECT (metrics ->> 'valid_calibration_error') * 1.0 FROM lstm_models"
                            " WHERE name = 'shares'") < 0.1);
    extension_close(db);
}

/* windows: of the base, which stay */
static void go_on_from(const char *base, const char *windows, const char *name, const char *rate,
                       const char *query)
{
    int status;
    const char *output = command_output(
        command_sentiment,
        (const char *const[]){ "sentiment", "--db",    rows_db,    "--sql",  query,
                               "--from",    base,      "--warmup", "0",      "--epochs",
                               "4",         "--batch", "500",      "--rate", rate,
                               "--into",    models_db, "--name",   name,     NULL },
        &status);
    if (status || !strstr(output, windows) || !strstr(output, ", from a sentiment model"))
        fail_msg("%s", output);
}

static void training_goes_on_from_a_model(void **state)
{
    int status;
    (void)state;
    const char *output =
        command_output(command_sentiment,
                       (const char *const[]){ "sentiment", "--db", rows_db, "--sql",
                                              "SELECT body, positive FROM rows", "--out", base_file,
                                              "--window", "64", "--overlap", "8", SMALL, NULL },
                       &status);
    if (status)
        fail_msg("%s", output);
    go_on_from(base_file, ", window 64, overlap 8,", "same", "1e-7",
               "SELECT body, positive FROM rows");
    go_on_from(base_file, ", window 64, overlap 8,", "turned", "0.05",
               "SELECT body, 1 - positive FROM rows");
    go_on_from("default-sentiment", ", window 256, overlap 32,", "own", "1e-7",
               "SELECT body, positive FROM rows");
    sqlite3 *db = extension_open("models.db", 0);
    assert_true(real_of(db, "SELECT lstm_sentiment('The tea was warm, lovely.', 'same')") > 0.8);
    assert_true(real_of(db, "SELECT lstm_sentiment('The tea was warm, lovely.', 'turned')") < 0);
    assert_true(real_of(db, "SELECT lstm_sentiment('A great film.', 'own')") > 0.8);
    assert_true(real_of(db, "SELECT lstm_sentiment('A boring film.', 'own')") < -0.8);
    extension_close(db);
}

/* Turned labels turn the scores round; all of the base turns them back. */
static void a_share_of_the_base_is_kept(void **state)
{
    static const char *const shares[] = { "0", "0.5", "1" };
    double scores[3];
    int status;
    (void)state;
    for (int i = 0; i < 3; i++) {
        const char *output = command_output(
            command_sentiment, (const char *const[]){ "sentiment",
                                                      "--db",
                                                      rows_db,
                                                      "--sql",
                                                      "SELECT body, 1 - positive FROM rows",
                                                      "--from",
                                                      base_file,
                                                      "--keep",
                                                      shares[i],
                                                      "--epochs",
                                                      "4",
                                                      "--warmup",
                                                      "0",
                                                      "--batch",
                                                      "500",
                                                      "--rate",
                                                      "0.02",
                                                      "--storage",
                                                      "f32",
                                                      "--into",
                                                      models_db,
                                                      "--name",
                                                      "kept",
                                                      NULL },
            &status);
        if (status)
            fail_msg("%s", output);
        assert_int_equal(i > 0, strstr(output, ", kept to ") != NULL);
        sqlite3 *db = extension_open("models.db", 0);
        scores[i] = real_of(db, "SELECT lstm_sentiment('The tea was warm, lovely.', 'kept')");
        double right = real_of(db, "SELECT (metrics ->> 'valid_accuracy') * 1.0 FROM lstm_models"
                                   " WHERE name = 'kept' ORDER BY version DESC");
        assert_true(i == 2 ? right < 0.1 : i == 1 || right > 0.9); /* of the turned labels */
        extension_close(db);
    }
    assert_true(scores[0] < -0.5 && scores[2] > 0);
    assert_true(scores[1] != scores[0] && scores[1] != scores[2]);
}

static void any_labels_make_a_classifier(void **state)
{
    int status;
    (void)state;
    const char *output =
        command_output(command_classify,
                       (const char *const[]){ "classify", "--db", rows_db, "--sql",
                                              "SELECT body, verdict FROM rows", "--into", models_db,
                                              "--name", "verdicts", SMALL, NULL },
                       &status);
    if (status)
        fail_msg("%s", output);
    sqlite3 *db = extension_open("models.db", 0);
    assert_string_equal(
        text_of(db, "SELECT lstm_classify('The fish was fresh, fresh.', 'verdicts') ->> 'label'"),
        "good");
    fails_with(db, "SELECT lstm_sentiment('The fish was fresh.', 'verdicts')", "LSTM_ERR_TASK");
    extension_close(db);
}

/* The command of the README, as it stands there: nothing but a database, a query and a name. */
static void a_query_and_a_name_are_enough(void **state)
{
    int status;
    char stored[40];
    (void)state;
    const char *output = command_output(
        command_sentiment,
        (const char *const[]){ "sentiment", "--db", rows_db, "--sql",
                               "SELECT body, positive, rowid FROM rows WHERE rowid < 60", "--name",
                               "own", "--epochs", "1", "--valid-share", "0.3", NULL },
        &status);
    if (status || !strstr(output, ", from a sentiment model") || !strstr(output, "rate 0.0005,"))
        fail_msg("%s", output);
    sqlite3 *db = extension_open("rows.db", 0);
    assert_true(real_of(db, "SELECT lstm_sentiment('A great film.', 'own')") > 0.8);
    snprintf(stored, sizeof stored, "%s",
             text_of(db, "SELECT 'own    ' || substr(lstm_model_sha256('own'), 1, 12)"));
    extension_close(db);
    assert_non_null(strstr(output, " rows held out:\n\nmodel  sha256 "));
    assert_non_null(strstr(output, stored)); /* of the very model that is stored */
    assert_non_null(strstr(output, "\nclass     rows  answers  precision  recall      F1\n"));
    assert_non_null(strstr(output, "\nlabel \\ answer  negative  positive\n"));
}

/* Three labels that would break quoting, a table of columns, or a list with commas. */
static void labels_are_any_text(void **state)
{
    static const char *const labels[] = { "it's, \"so\" \\ so",
                                          "\xe8\x89\xaf\xe3\x81\x84 \xf0\x9f\x99\x82",
                                          "line\nfeed; DROP TABLE rows --" };
    int status;
    (void)state;
    sqlite3 *db = extension_open("rows.db", 0);
    run(db, "CREATE TABLE named(body, label)");
    for (int i = 0; i < 3; i++) {
        char *sql =
            sqlite3_mprintf("INSERT INTO named SELECT body || ' %s', %Q FROM rows LIMIT 500",
                            (const char *const[]){ "apple", "stone", "cloud" }[i], labels[i]);
        run(db, sql);
        sqlite3_free(sql);
    }
    const char *output = command_output(command_classify,
                                        (const char *const[]){ "classify", "--db", rows_db, "--sql",
                                                               "SELECT body, label FROM named",
                                                               "--name", "any", SMALL, NULL },
                                        &status);
    if (status || !strstr(output, "\nline feed; DROP TABLE rows --    "))
        fail_msg("%s", output);
    assert_string_equal(
        text_of(db, "SELECT avg(lstm_classify(body, 'any') ->> 'label' = label) FROM named"),
        "1.0");
    expect(db, "SELECT count(*) FROM json_each(lstm_classify('apple', 'any') -> 'probabilities')",
           "3");
    extension_close(db);
    output =
        command_output(command_classify,
                       (const char *const[]){ "classify", "--db", rows_db, "--sql",
                                              "SELECT body, printf('%064d', positive) FROM rows",
                                              "--name", "long", SMALL, NULL },
                       &status);
    assert_int_equal(status, 1);
    assert_non_null(strstr(output, "row 1: a label has 1 to 63 bytes, this one 64"));
}

static void what_would_fail_after_training_fails_before_it(void **state)
{
    static const struct {
        const char *words[16];
        int status;
        const char *reason;
    } cases[] = {
        { { "--csv", csv, "--text", "body", "--label", "positive" },
          1,
          "where should the model go?" },
        { { "--csv", csv, "--text", "body", "--label", "positive", "--into", models_db },
          1,
          "needs --name" },
        { { "--csv", csv, "--text", "body", "--label", "positive", "--out", "x", "--storage",
            "f8" },
          1,
          "--storage is \"f8\", expected int8, f16, bf16 or f32" },
        { { "--csv", csv, "--text", "body", "--label", "stars", "--out", "x" }, 1, "stars" },
        { { "--csv", csv, "--text", "body", "--label", "body", "--out", "x" },
          1,
          "is neither negative nor positive nor a number from 0 to 1" },
        { { "--csv", csv, "--text", "body", "--label", "positive", "--out", "x", "--from",
            "scratch", "--keep", "0.5" },
          1,
          "--keep is 0.5, but there is nothing to keep: it needs --from with a model of the same "
          "labels" },
        { { "--csv", csv, "--text", "body", "--label", "positive", "--out", "x", "--resume" },
          2,
          "--resume needs --checkpoint" },
        { { "--csv", csv, "--from", "scratch", "--hidden", "17", "--text", "body", "--label",
            "positive", "--out", "x" },
          1,
          "hidden is 17, expected 16 to 1024 in steps of 16" },
        { { "--csv", csv, "--text", "body", "--label", "positive", "--into", models_db, "--name",
            "default-x" },
          1,
          "default-" },
        { { "--csv", csv, "--text", "body", "--label", "positive", "--into", models_db, "--name",
            "a b" },
          1,
          "a b" },
        { { "--csv", csv, "--text", "body", "--label", "positive", "--into", "/nowhere/x.db",
            "--name", "x" },
          1,
          "cannot " },
        { { "--csv", csv, "--text", "body", "--label", "positive", "--out", "/nowhere/x" },
          1,
          "cannot write" },
        { { "--db", rows_db, "--sql", "SELECT body, 1 FROM rows", "--out", "x" },
          1,
          "0 rows are negative and 600 positive, at least 1 of each is needed" },
        { { "--csv", csv, "--text", "body", "--label", "positive", "--out", "x", "--from",
            "/nowhere/m" },
          1,
          "/nowhere/m" },
        { { "--csv", csv, "--text", "body", "--label", "positive", "--out", "x", "--from", csv },
          1,
          "the header has" },
        { { "--csv", csv, "--text", "body", "--label", "positive", "--out", "x", "--from",
            "default-nothing" },
          1,
          "default-nothing" },
        { { "--csv", csv, "--text", "body", "--label", "positive", "--out", "x", "--from", "m",
            "--vectors", "v" },
          1,
          "the model m and --vectors both say where to start" },
        { { "--csv", csv, "--text", "body", "--label", "positive", "--out", "x", "--hidden=64" },
          2,
          "--hidden is settled by the model that training starts from (--from default): leave it "
          "out, or give --from scratch" },
        { { "--csv", csv, "--text", "body", "--label", "positive", "--name", "x" },
          1,
          "where should the model go? Give --name NAME, --into DATABASE --name NAME" },
        { { "--epoch", "3" }, 2, "--epoch" },
        { { "--rate", "2" }, 2, "--rate" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *words[20] = { "sentiment" };
        int status;
        for (int w = 0; w < 16 && cases[i].words[w]; w++)
            words[w + 1] = cases[i].words[w];
        const char *output = command_output(command_sentiment, words, &status);
        if (!strstr(output, cases[i].reason))
            fail_msg("%s\nexpected: %s", output, cases[i].reason);
        assert_int_equal(status, cases[i].status);
        assert_int_equal(access("x", F_OK), -1);
        assert_null(strstr(output, "epoch 1/"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_a_csv_become_a_model_that_scores_in_sql),
        cmocka_unit_test(a_seed_repeats_a_model_to_the_last_bit),
        cmocka_unit_test(a_storage_of_floats_is_not_quantised),
        cmocka_unit_test(probabilities_are_learned_as_probabilities),
        cmocka_unit_test(training_goes_on_from_a_model),
        cmocka_unit_test(a_share_of_the_base_is_kept),
        cmocka_unit_test(any_labels_make_a_classifier),
        cmocka_unit_test(a_query_and_a_name_are_enough),
        cmocka_unit_test(labels_are_any_text),
        cmocka_unit_test(what_would_fail_after_training_fails_before_it),
    };
    return cmocka_run_group_tests(tests, make_rows, remove_rows);
}
