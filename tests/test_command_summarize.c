/* lstm-train summarize and rouge, from rows to a model that summarises in SQL and a report on it.
 */
#include "train/commands.h"

#include "tests/command.h"
#include "tests/extension.h"
#include "tests/interrupter.h"
#include "train/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATH_SIZE = 300, ROWS = 800 };

static char csv[PATH_SIZE], rows_db[PATH_SIZE], models_db[PATH_SIZE];

/* "We had the soup and it was cold again." is to become "cold soup". */
static int make_rows(void **state)
{
    static const char *const words[] = { "awful", "stale", "cold", "lovely",
                                         "fresh", "warm",  "sweet" };
    static const char *const things[] = { "soup", "bread", "room", "tea", "fish" };
    (void)state;
    const char *folder = extension_folder();
    snprintf(csv, sizeof csv, "%s/rows.csv", folder);
    snprintf(rows_db, sizeof rows_db, "%s/rows.db", folder);
    snprintf(models_db, sizeof models_db, "%s/models.db", folder);
    FILE *file = fopen(csv, "w");
    sqlite3 *db = NULL;
    if (!file || sqlite3_open(rows_db, &db))
        return -1;
    fprintf(file, "title,body\n");
    run(db, "BEGIN; CREATE TABLE rows(body, title)");
    for (int i = 0; i < ROWS; i++) {
        char sql[300];
        const char *word = words[i * 5 % 7], *thing = things[i * 3 % 5];
        fprintf(file, "%s %s,We had the %s and it was %s again.\n", word, thing, thing, word);
        snprintf(sql, sizeof sql,
                 "INSERT INTO rows VALUES('We had the %s and it was %s again.', '%s %s')", thing,
                 word, word, thing);
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

#define SMALL                                                                                  \
    "--vocab", "512", "--dimension", "32", "--hidden", "16", "--decoder", "32", "--alignment", \
        "16", "--batch", "400", "--rate", "0.01", "--warmup", "20"

static const char *train(const char *name, const char *seed, const char *threads,
                         const char *epochs, int *status)
{
    return command_output(
        command_summarize,
        (const char *const[]){ "summarize", "--csv",  csv,      "--text",    "body",
                               "--summary", "title",  "--into", models_db,   "--name",
                               name,        "--seed", seed,     "--threads", threads,
                               "--epochs",  epochs,   SMALL,    "--data",    "made \"here\"",
                               NULL },
        status);
}

static void rows_become_a_model_that_summarises_in_sql(void **state)
{
    int status;
    (void)state;
    const char *output = train("meals", "1", "2", "8", &status);
    if (status)
        fail_msg("%s", output);
    assert_non_null(strstr(output, "epoch 1/8: loss "));
    assert_non_null(strstr(output, "validation likelihood "));
    assert_non_null(strstr(output, ", ROUGE-1 100.00, ROUGE-L 100.00, the best so far"));
    sqlite3 *db = extension_open("models.db", 0);
    assert_string_equal(
        text_of(db, "SELECT lstm_summarize('We had the tea and it was warm again.', 'meals')"),
        "Warm tea");
    assert_true(
        real_of(
            db,
            "SELECT (metrics ->> 'valid_likelihood') * 1.0 FROM lstm_models WHERE name = 'meals'") <
        0.1);
    assert_string_equal(text_of(db, "SELECT card ->> 'data' FROM lstm_models WHERE name = 'meals'"),
                        "made \"here\"");
    assert_non_null(strstr(
        text_of(db, "SELECT card ->> 'run' FROM lstm_models WHERE name = 'meals'"), "seed 1,"));
    /* the card's run begins with "vocab 336, " */
    sqlite3_int64 vocab = (sqlite3_int64)real_of(
        db, "SELECT substr(card ->> 'run', 7, 4) * 1.0 FROM lstm_models WHERE name = 'meals'");
    assert_true(vocab > 256 && vocab % 16 == 0); /* though as many as were learned need not be */
    extension_close(db);
}

/* A model that is not yet good, so that the numbers say something. */
static void validation_measures_what_eval_measures_afterwards(void **state)
{
    int status;
    char table[100];
    (void)state;
    const char *output = command_output(
        command_summarize,
        (const char *const[]){ "summarize", "--csv", csv, "--valid-csv", csv, "--text", "body",
                               "--summary", "title", "--into", models_db, "--name", "young",
                               "--epochs", "1", SMALL, "--rate", "0.008", NULL },
        &status);
    if (status)
        fail_msg("%s", output);
    sqlite3 *db = extension_open("models.db", 0);
    snprintf(table, sizeof table, "%s",
             text_of(db, "SELECT format('%7.2f  %7.2f  %7.2f', 100 * (metrics ->> 'valid_rouge1'),"
                         " 100 * (metrics ->> 'valid_rouge2'), 100 * (metrics ->> 'valid_rougeL'))"
                         " FROM lstm_models WHERE name = 'young'"));
    if (!(strtod(table, NULL) > 0 && strtod(table, NULL) < 100))
        fail_msg("%s", table);
    assert_true(real_of(db, "SELECT (card ->> '$.metrics.valid_rouge1') * 1.0 FROM lstm_models "
                            "WHERE name = 'young'") > 0);
    extension_close(db);
    output =
        command_output(command_eval,
                       (const char *const[]){ "eval", "--csv", csv, "--text", "body", "--summary",
                                              "title", "--model", "young", "--models-db", models_db,
                                              "--options", "{\"beam\": 1}", NULL },
                       &status);
    if (status || !strstr(output, table))
        fail_msg("\"%s\" is not in: %s", table, output);
}

static void eval_reports_what_the_model_writes(void **state)
{
    int status;
    (void)state;
    const char *output =
        command_output(command_eval,
                       (const char *const[]){ "eval", "--db", rows_db, "--sql",
                                              "SELECT body, title FROM rows", "--model", "meals",
                                              "--models-db", models_db, "--examples", "2", NULL },
                       &status);
    if (status)
        fail_msg("%s", output);
    assert_non_null(strstr(output, "ROUGE-1"));
    assert_non_null(strstr(output, "100.00"));
    assert_non_null(strstr(output, "0.0%")); /* of the words are novel */
    assert_non_null(strstr(output, "Warm "));
}

static void a_seed_repeats_a_summariser_to_the_last_bit(void **state)
{
    int status;
    (void)state;
    train("first", "5", "2", "2", &status);
    assert_int_equal(status, 0);
    train("again", "5", "1", "2", &status);
    assert_int_equal(status, 0);
    train("other", "6", "2", "2", &status);
    assert_int_equal(status, 0);
    sqlite3 *db = extension_open("models.db", 0);
    assert_true(
        real_of(db, "SELECT (lstm_model_sha256('first') = lstm_model_sha256('again')) * 1.0") > 0);
    assert_true(
        real_of(db, "SELECT (lstm_model_sha256('first') = lstm_model_sha256('other')) * 1.0") < 1);
    extension_close(db);
}

/* Trains to a file, from its checkpoint where there is one, as far as no signal comes; whether one
 * came. */
static int train_to_file(const char *path, int *resumed)
{
    char checkpoint[PATH_SIZE + 20];
    int status;
    snprintf(checkpoint, sizeof checkpoint, "%s.checkpoint", path);
    int is_resumed = access(checkpoint, F_OK) == 0;
    *resumed += is_resumed;
    const char *output = command_output(
        command_summarize,
        (const char *const[]){ "summarize", "--csv", csv, "--text", "body", "--summary", "title",
                               "--out", path, "--checkpoint", checkpoint, "--epochs", "8", SMALL,
                               is_resumed ? "--resume" : NULL, NULL },
        &status);
    int is_interrupted = strstr(output, ": interrupted at batch ") != NULL ||
                         strstr(output, "interrupted before the first epoch") != NULL ||
                         strstr(output, "; interrupted, keeping") != NULL;
    if (status && !is_interrupted)
        fail_msg("%s", output);
    return is_interrupted;
}

static void an_interrupted_run_goes_on_to_the_same_model(void **state)
{
    char whole[PATH_SIZE], resumed_path[PATH_SIZE];
    unsigned char *bytes[2];
    size_t sizes[2];
    struct lstm_error err;
    struct interrupter interrupter;
    int milliseconds = 5, is_interrupted, resumed = 0;
    (void)state;
    snprintf(whole, sizeof whole, "%.200s/whole", extension_folder());
    snprintf(resumed_path, sizeof resumed_path, "%.200s/resumed", extension_folder());
    assert_false(train_to_file(whole, &resumed));
    do { /* each time a little later, so that it comes to an end */
        interrupter_start(&interrupter, milliseconds);
        is_interrupted = train_to_file(resumed_path, &resumed);
        interrupter_stop(&interrupter);
        milliseconds += 40;
    } while (is_interrupted || (!resumed && milliseconds < 2000));
    assert_true(resumed > 0);
    assert_int_equal(file_read(whole, &bytes[0], &sizes[0], &err), LSTM_OK);
    assert_int_equal(file_read(resumed_path, &bytes[1], &sizes[1], &err), LSTM_OK);
    assert_int_equal(sizes[0], sizes[1]);
    assert_memory_equal(bytes[0], bytes[1], sizes[0]);
    free(bytes[0]);
    free(bytes[1]);
}

/* The encoder of a sentiment model, trained on the same texts, is where a summariser may begin. */
static void an_encoder_is_shared_with_another_task(void **state)
{
    int status;
    char model[PATH_SIZE];
    const char *output;
    (void)state;
    snprintf(model, sizeof model, "%s/polarity.safetensors", extension_folder());
    output =
        command_output(command_classify,
                       (const char *const[]){
                           "classify", "--db", rows_db, "--sql",
                           "SELECT body, title FROM rows WHERE title IN (SELECT title FROM rows "
                           "GROUP BY title ORDER BY title LIMIT 2)",
                           "--out", model, "--from", "scratch", "--vocab", "512", "--dimension",
                           "32", "--hidden", "16", "--epochs", "1", NULL },
                       &status);
    if (status)
        fail_msg("%s", output);
    output = command_output(
        command_summarize,
        (const char *const[]){
            "summarize", "--db",    rows_db,     "--sql",   "SELECT body, title FROM rows",
            "--encoder", model,     "--decoder", "32",      "--alignment",
            "16",        "--batch", "400",       "--rate",  "0.01",
            "--epochs",  "1",       "--into",    models_db, "--name",
            "shared",    NULL },
        &status);
    if (status)
        fail_msg("%s", output);
    assert_non_null(strstr(output, "hidden 16,"));
    assert_non_null(strstr(output, ", encoder of a classify model"));
}

static void what_would_fail_after_training_fails_before_it(void **state)
{
    static const struct {
        const char *words[16];
        int status;
        const char *reason;
    } cases[] = {
        { { "--csv", csv, "--text", "body", "--summary", "title" },
          1,
          "where should the model go?" },
        { { "--csv", csv, "--text", "body", "--out", "x" }, 1, "the rows have no summary" },
        { { "--csv", csv, "--text", "body", "--summary", "title", "--out", "x", "--decoder", "40" },
          1,
          "decoder is 40, expected 0 to 1024 in steps of 16" },
        { { "--csv", csv, "--text", "body", "--summary", "title", "--out", "x", "--target-max",
            "1" },
          1,
          "0 pairs to learn from and 0 to validate on, both need at least 1" },
        { { "--csv", csv, "--text", "body", "--summary", "title", "--out", "x", "--resume" },
          2,
          "--resume needs --checkpoint" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *words[24] = { "summarize", "--vocab", "512", "--dimension", "32" };
        int status;
        memcpy(words + 5, cases[i].words, sizeof cases[i].words);
        const char *output = command_output(command_summarize, words, &status);
        assert_int_equal(status, cases[i].status);
        if (!strstr(output, cases[i].reason))
            fail_msg("\"%s\" is not in: %s", cases[i].reason, output);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_become_a_model_that_summarises_in_sql),
        cmocka_unit_test(validation_measures_what_eval_measures_afterwards),
        cmocka_unit_test(eval_reports_what_the_model_writes),
        cmocka_unit_test(a_seed_repeats_a_summariser_to_the_last_bit),
        cmocka_unit_test(an_interrupted_run_goes_on_to_the_same_model),
        cmocka_unit_test(an_encoder_is_shared_with_another_task),
        cmocka_unit_test(what_would_fail_after_training_fails_before_it),
    };
    return cmocka_run_group_tests(tests, make_rows, remove_rows);
}
