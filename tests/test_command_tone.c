/* lstm-train tone: what a summariser learns of positive and negative texts, and what it leaves
 * alone. */
#include "tests/command.h"
#include "tests/extension.h"
#include "train/commands.h"
#include "train/files.h"

#include "model/model.h"
#include "model/tokenizer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char plain[300], toned[300], rows[300], mood[300];

static void write_model(const char *path, const struct tiny_model *tiny)
{
    struct lstm_error err;
    size_t size;
    void *blob = tiny_model_write(tiny, &size);
    assert_int_equal(file_write(path, blob, size, &err), LSTM_OK);
    free(blob);
}

/* 60 texts, of which two in three are positive. */
static int make_files(void **state)
{
    const char *folder = extension_folder();
    (void)state;
    snprintf(plain, sizeof plain, "%s/plain.safetensors", folder);
    snprintf(toned, sizeof toned, "%s/toned.safetensors", folder);
    snprintf(mood, sizeof mood, "%s/mood.safetensors", folder);
    snprintf(rows, sizeof rows, "%s/rows.db", folder);
    write_model(plain, &(struct tiny_model){ .task = "summarize", .seed = 4 });
    write_model(mood, &(struct tiny_model){ .task = "sentiment", .labels = "negative positive" });
    sqlite3 *db = extension_open("rows.db", 0);
    run(db, "CREATE TABLE rows(body, label);"
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60)"
            "INSERT INTO rows SELECT iif(i % 3, 'a very good film ', 'a bad bad film ') || i, "
            "i % 3 > 0 FROM n");
    extension_close(db);
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    extension_folder_remove();
    return 0;
}

static const char *learn(const char *from, const char *to, int *status)
{
    return command_output(command_tone,
                          (const char *const[]){ "tone", "--model", from, "--db", rows, "--sql",
                                                 "SELECT body, label FROM rows", "--valid-sql",
                                                 "SELECT body, label FROM rows", "--out", to,
                                                 NULL },
                          status);
}

static struct lstm_model *read_model(const char *path)
{
    struct lstm_model *model;
    struct lstm_error err;
    unsigned char *bytes;
    size_t size;
    assert_int_equal(file_read(path, &bytes, &size, &err), LSTM_OK);
    if (lstm_model_read(bytes, size, &model, &err))
        fail_msg("%s", err.text);
    free(bytes);
    return model;
}

static void a_tone_is_learned_and_nothing_else_changes(void **state)
{
    struct lstm_tokens tokens = { 0 };
    struct lstm_error err;
    int status;
    (void)state;
    const char *output = learn(plain, toned, &status);
    if (status || !strstr(output, "\"valid_accuracy\":1}"))
        fail_msg("%s", output);
    struct lstm_model *before = read_model(plain), *after = read_model(toned);
    assert_int_equal(before->sizes.tone, 0);
    assert_int_equal(after->sizes.tone, 1);
    assert_memory_equal(before->params, after->params,
                        lstm_params_count(&before->sizes) * sizeof *before->params);
    assert_non_null(strstr(after->card, "\"tone\":{\"texts\":60,"));
    const float *weights = after->params + lstm_decoder_at(&after->sizes).tone;
    assert_int_equal(lstm_tokenize(after->tokenizer, "good bad", 8, 0, &tokens, &err), LSTM_OK);
    assert_true(weights[tokens.ids[0]] > 0.5f);
    assert_true(weights[tokens.ids[tokens.count - 1]] < -0.5f);
    lstm_tokens_free(&tokens);
    lstm_model_free(before);
    lstm_model_free(after);
}

static void the_same_rows_give_the_same_file_also_where_a_tone_was(void **state)
{
    char again[320];
    unsigned char *first, *second;
    size_t first_size, second_size;
    struct lstm_error err;
    int status;
    (void)state;
    snprintf(again, sizeof again, "%s.again", toned);
    learn(plain, toned, &status);
    assert_int_equal(status, 0);
    learn(toned, again, &status);
    assert_int_equal(status, 0);
    assert_int_equal(file_read(toned, &first, &first_size, &err), LSTM_OK);
    assert_int_equal(file_read(again, &second, &second_size, &err), LSTM_OK);
    assert_int_equal(first_size, second_size);
    assert_memory_equal(first, second, first_size);
    free(first);
    free(second);
}

static void what_cannot_be_done_is_said(void **state)
{
    const struct {
        const char *model, *query, *out, *message;
        int status;
    } cases[] = {
        { NULL, "SELECT body, label FROM rows", toned, "--model is missing", 2 },
        { plain, NULL, toned, "--sql is missing", 2 },
        { plain, "SELECT body, label FROM rows", NULL, "--out is missing", 2 },
        { mood, "SELECT body, label FROM rows", toned, "of task \"sentiment\", expected a summar",
          1 },
        { plain, "SELECT body, label FROM rows WHERE label > 5", toned, "there is no text", 1 },
        { plain, "SELECT body, 'maybe' FROM rows", toned, "maybe", 1 },
        { plain, "SELECT body, missing FROM rows", toned, "no such column: missing", 1 },
    };
    (void)state;
    for (size_t c = 0; c < COUNT(cases); c++) {
        const char *words[12] = { "tone", "--db", rows };
        int count = 3, status;
        if (cases[c].model)
            words[count++] = "--model", words[count++] = cases[c].model;
        if (cases[c].query)
            words[count++] = "--sql", words[count++] = cases[c].query;
        if (cases[c].out)
            words[count++] = "--out", words[count++] = cases[c].out;
        const char *output = command_output(command_tone, words, &status);
        if (status != cases[c].status || !strstr(output, cases[c].message))
            fail_msg("case %zu: %d, %s", c, status, output);
    }
}

static void rouge_compares_rows_into_a_table(void **state)
{
    int status;
    sqlite3 *db = extension_open("rows.db", 0);
    (void)state;
    run(db, "CREATE TABLE pairs(id, title, output, text);"
            "INSERT INTO pairs VALUES (7, 'great tea', 'great tea', 'the tea was great'),"
            " (8, 'cold soup', '5 cups of tea', 'a cup of tea'), (9, 'nothing', NULL, 'tea')");
    extension_close(db);
    const char *const words[] = {
        "rouge",   "--db",   rows, "--sql", "SELECT id, title, output, text FROM pairs",
        "--table", "scores", NULL
    };
    assert_string_equal(command_output(command_rouge, words, &status),
                        "scores: 3 outputs compared\n");
    assert_int_equal(status, 0);
    db = extension_open("rows.db", 0);
    expect(db,
           "SELECT group_concat(format('%d %.1f %.1f %.1f %d %d %d %d', key, one, two, l, words, "
           "novel, numbers, repeats), '; ') FROM scores",
           "7 1.0 1.0 1.0 2 0 0 0; 8 0.0 0.0 0.0 4 2 1 0; 9 0.0 0.0 0.0 0 0 0 0");
    extension_close(db);
    const char *output = command_output(command_rouge, words, &status);
    assert_int_equal(status, 1);
    assert_non_null(strstr(output, "table \"scores\" already exists"));
    output = command_output(command_rouge,
                            (const char *const[]){ "rouge", "--db", rows, "--sql",
                                                   "SELECT id FROM pairs", "--table", "t", NULL },
                            &status);
    assert_int_equal(status, 1);
    assert_non_null(strstr(output, "has to be a SELECT of 4 columns: key, reference, output"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tone_is_learned_and_nothing_else_changes),
        cmocka_unit_test(the_same_rows_give_the_same_file_also_where_a_tone_was),
        cmocka_unit_test(what_cannot_be_done_is_said),
        cmocka_unit_test(rouge_compares_rows_into_a_table),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
