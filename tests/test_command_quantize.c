/* lstm-train quantize: from a model of floats, in a file or a database, to the same as int8. */
#include "train/commands.h"

#include "model/model.h"
#include "tests/command.h"
#include "tests/extension.h"
#include "train/files.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATH_SIZE = 300 };

static char float_file[PATH_SIZE], summary_file[PATH_SIZE], int8_file[PATH_SIZE], csv[PATH_SIZE],
    rows_db[PATH_SIZE], models_db[PATH_SIZE];

static const struct tiny_model mood = {
    .task = "sentiment",
    .labels = "negative positive",
    .seed = 6,
    .card = "{\"quantised\": 1,"
            " \"metrics\": {\"valid_accuracy\": 0.75}, \"data\": \"\xc3\xa9\"}"
};
static const struct tiny_model brief = { .task = "summarize", .seed = 5 };

static void write_model(const char *path, const struct tiny_model *tiny)
{
    struct lstm_error err;
    size_t size;
    void *blob = tiny_model_write(tiny, &size);
    if (file_write(path, blob, size, &err))
        fail_msg("%s", err.text);
    free(blob);
}

static const char *path_of(const char *folder, const char *name, char *path)
{
    snprintf(path, PATH_SIZE, "%s/%s", folder, name);
    return path;
}

/* Texts of which the model is least sure, with its labels, and with the summaries of the other;
 * then ten without a token. */
static int make_models(void **state)
{
    (void)state;
    const char *folder = extension_folder();
    write_model(path_of(folder, "mood.safetensors", float_file), &mood);
    write_model(path_of(folder, "brief.safetensors", summary_file), &brief);
    path_of(folder, "int8.safetensors", int8_file);
    path_of(folder, "rows.csv", csv);
    path_of(folder, "rows.db", rows_db);
    path_of(folder, "models.db", models_db);
    sqlite3 *db = extension_open("models.db", 0);
    extension_import(db, "mood", &mood);
    extension_import(db, "brief", &brief);
    extension_close(db);
    db = extension_open("rows.db", 0);
    extension_import(db, "mood", &mood);
    extension_import(db, "brief", &brief);
    run(db,
        "CREATE TABLE rows(text, label, title);"
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)"
        "INSERT INTO rows(text) SELECT printf('the %d film %s%s was %s', i * i, char(97 + i % 26),"
        " iif(i % 3, ' good', ' bad'), char(97 + i % 7)) AS text FROM n"
        " ORDER BY abs(lstm_sentiment(text, 'mood')) LIMIT 290;"
        "UPDATE rows SET label = lstm_sentiment(text, 'mood') > 0,"
        " title = lstm_summarize(text, '{\"model\":\"brief\",\"beam\":1}');"
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10)"
        "INSERT INTO rows SELECT '  ', 1, 'x' FROM n");
    extension_close(db);
    FILE *file = fopen(csv, "w");
    if (!file)
        return -1;
    fprintf(file, "said,verdict\nthe good film,positive\nthe bad film,0\n");
    return fclose(file);
}

static int remove_models(void **state)
{
    (void)state;
    extension_folder_remove();
    return 0;
}

/* Runs the command with these words behind its name, and gives what it printed. */
static const char *quantise(const char *const *words, int expected_status)
{
    const char *all[COMMAND_WORDS_MAX] = { "quantize" };
    int status;
    for (int i = 0; words[i]; i++)
        all[i + 1] = words[i];
    const char *output = command_output(command_quantize, all, &status);
    if (status != expected_status)
        fail_msg("status %d: %s", status, output);
    return output;
}

static struct lstm_model *read_model(const char *path)
{
    struct lstm_model *model = NULL;
    struct lstm_error err;
    unsigned char *bytes;
    size_t size;
    if (file_read(path, &bytes, &size, &err) || lstm_model_read(bytes, size, &model, &err))
        fail_msg("%s", err.text);
    free(bytes);
    lstm_model_dequantise(model);
    return model;
}

static void a_file_becomes_int8_and_keeps_all_else(void **state)
{
    (void)state;
    const char *output =
        quantise((const char *const[]){ "--model", float_file, "--out", int8_file, NULL }, 0);
    assert_non_null(strstr(output, "quantised: what it costs was not measured"));
    assert_non_null(strstr(output, "int8.safetensors: {\"rows\":0}"));
    struct lstm_model *before = read_model(float_file), *after = read_model(int8_file);
    const size_t count = lstm_params_count(&before->sizes);
    double off = 0;
    assert_true(!before->int8.weights && after->int8.weights);
    assert_memory_equal(&before->sizes, &after->sizes, sizeof before->sizes);
    for (size_t i = 0; i < count; i++)
        off = off > fabs((double)(before->params[i] - after->params[i]))
                  ? off
                  : fabs((double)(before->params[i] - after->params[i]));
    assert_true(off > 0.3 / 1000 && off <= 0.3 / 254 + 1e-9); /* half a step of the largest row */
    assert_true(before->temperature == after->temperature);
    assert_string_equal(after->labels[1], "positive");
    assert_string_equal(after->card,
                        "{\"quantised\":{\"rows\":0},\"metrics\":{\"valid_accuracy\":0.75},"
                        "\"data\":\"\xc3\xa9\"}");
    lstm_model_free(before);
    lstm_model_free(after);
}

static void what_was_lost_stands_in_the_card_and_is_what_eval_measures(void **state)
{
    int status;
    char table[40];
    (void)state;
    const char *output =
        quantise((const char *const[]){ "--model", "mood", "--models-db", models_db, "--db",
                                        rows_db, "--valid-sql", "SELECT text, label FROM rows",
                                        "--into", models_db, "--name", "small", NULL },
                 0);
    assert_non_null(strstr(output, " of 290 held-out rows")); /* ten have no token */
    sqlite3 *db = extension_open("models.db", 0);
    expect(db, "SELECT card -> '$.quantised.rows' FROM lstm_models WHERE name = 'small'", "290");
    expect(db, "SELECT card ->> '$.quantised.metric' FROM lstm_models WHERE name = 'small'",
           "accuracy");
    expect(db, "SELECT metrics FROM lstm_models WHERE name = 'small'", "{\"valid_accuracy\":0.75}");
    expect(db, "SELECT card -> '$.quantised.fp32' FROM lstm_models WHERE name = 'small'", "1");
    expect(db, "SELECT (card ->> '$.quantised.int8') < 1 FROM lstm_models WHERE name = 'small'",
           "1");
    snprintf(table, sizeof table, "\nsmall    %.4f ",
             real_of(db, "SELECT 1.0 * (card -> '$.quantised.int8') FROM lstm_models"
                         " WHERE name = 'small'"));
    extension_close(db);
    output =
        command_output(command_eval,
                       (const char *const[]){ "eval", "--db", rows_db, "--sql",
                                              "SELECT text, label FROM rows WHERE trim(text) <> ''",
                                              "--model", "small", "--models-db", models_db, NULL },
                       &status);
    if (status || !strstr(output, table))
        fail_msg("no %s in: %s", table, output);
}

static void a_summariser_is_measured_by_rouge(void **state)
{
    (void)state;
    const char *output =
        quantise((const char *const[]){ "--model", summary_file, "--db", rows_db, "--valid-sql",
                                        "SELECT text, title FROM rows", "--out", int8_file, NULL },
                 0);
    assert_non_null(strstr(output, "{\"metric\":\"mean of ROUGE-1 and ROUGE-L\",\"fp32\":1,"));
    assert_non_null(strstr(output, "\"rows\":290}"));
    struct lstm_model *model = read_model(int8_file);
    assert_non_null(model->int8.weights);
    assert_non_null(strstr(model->card, "{\"quantised\":{\"metric\":\"mean of ROUGE-1"));
    lstm_model_free(model);
}

static void rows_of_a_csv_do_too(void **state)
{
    (void)state;
    const char *output = quantise(
        (const char *const[]){ "--model", float_file, "--valid-csv", csv, "--text", "said",
                               "--label", "verdict", "--threads", "1", "--out", int8_file, NULL },
        0);
    assert_non_null(strstr(output, "\"rows\":2}"));
}

static void refuses_with_a_reason(void **state)
{
    static const struct {
        const char *words[12];
        int status;
        const char *reason;
    } cases[] = {
        { { "--out", "x" }, 2, "which model? Give --model FILE or --model NAME" },
        { { "--model", float_file, "--out", "x", "--db", rows_db }, 2, "needs --valid-sql" },
        { { "--model", float_file }, 1, "where should the model go?" },
        { { "--model", float_file, "--into", models_db }, 1, "needs --name" },
        { { "--model", "absent", "--out", "x" }, 1, "no model named 'absent'" },
        { { "--model", "absent", "--models-db", models_db, "--out", "x" },
          1,
          "no model named 'absent'" },
        { { "--model", csv, "--out", "x" }, 1, "expected 2 to 100000000" },
        { { "--model", "default-sentiment", "--out", "x" },
          1,
          "default-sentiment is int8 already" },
        { { "--model", float_file, "--out", "/nowhere/x" }, 1, "cannot write" },
        { { "--model", float_file, "--out", "x", "--db", rows_db, "--valid-sql",
            "SELECT text, 'fine' FROM rows" },
          1,
          "row 1: label \"fine\" is neither negative nor positive" },
        { { "--model", float_file, "--out", "x", "--db", rows_db, "--valid-sql",
            "SELECT text FROM rows" },
          1,
          "row 1: label \"\" is neither negative nor positive" },
        { { "--model", summary_file, "--out", "x", "--db", rows_db, "--valid-sql",
            "SELECT ' ', title FROM rows" },
          1,
          "there is no row to measure on" },
        { { "--model", float_file, "--out", "x", "--valid-sql", "SELECT 1, 1" }, 1, "--db" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *output = quantise(cases[i].words, cases[i].status);
        if (!strstr(output, cases[i].reason))
            fail_msg("%s\nexpected: %s", output, cases[i].reason);
        assert_int_equal(access("x", F_OK), -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_becomes_int8_and_keeps_all_else),
        cmocka_unit_test(what_was_lost_stands_in_the_card_and_is_what_eval_measures),
        cmocka_unit_test(a_summariser_is_measured_by_rouge),
        cmocka_unit_test(rows_of_a_csv_do_too),
        cmocka_unit_test(refuses_with_a_reason),
    };
    return cmocka_run_group_tests(tests, make_models, remove_models);
}
