/* lstm-train import and export, and what they stand on (train/state_dict.h).
 * tests/check_state_dicts.py goes the same ways with real PyTorch modules. */
#include "train/state_dict.h"

#include "model/safetensors.h"
#include "model/tokenizer.h"
#include "tests/command.h"
#include "tests/extension.h"
#include "train/commands.h"
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

enum { PATH_SIZE = 300, TENSORS_MAX = 40 };

static const struct tiny_model mood = {
    .task = "sentiment", .labels = "negative positive", .seed = 6, .card = "{\"data\":\"moods\"}"
};
static const struct tiny_model brief = { .task = "summarize", .seed = 5 };

static void *model_blob[2];
static size_t model_size[2];
static char path[4][PATH_SIZE]; /* mood as a model, as a state dict; brief; what is written */
static char rows_db[PATH_SIZE];

/* The tensors of a model alone, as PyTorch's save_file writes them; of one the shape is changed. */
static void *state_of(const void *blob, size_t size, const char *changed, int64_t rows,
                      int64_t cols, size_t *state_size)
{
    const struct safetensors_entry format = { "format", "pt", 2 };
    struct safetensors *file;
    struct safetensors_tensor tensors[TENSORS_MAX];
    unsigned char *state;
    struct lstm_error err;
    if (safetensors_read(blob, size, &file, &err))
        fail_msg("%s", err.text);
    assert_in_range(file->tensors_count, 1, TENSORS_MAX);
    memcpy(tensors, file->tensors, (size_t)file->tensors_count * sizeof *tensors);
    for (int i = 0; i < file->tensors_count; i++)
        if (changed && !strcmp(tensors[i].name, changed)) {
            tensors[i].shape[0] = rows;
            tensors[i].shape[1] = cols;
            tensors[i].rank = cols ? 2 : 1;
        }
    if (safetensors_layout(&format, 1, tensors, file->tensors_count, &state, state_size, &err))
        fail_msg("%s", err.text);
    for (int i = 0; i < file->tensors_count; i++)
        memcpy(state + tensors[i].at, (const char *)blob + file->tensors[i].at,
               file->tensors[i].size < tensors[i].size ? file->tensors[i].size : tensors[i].size);
    safetensors_free(file);
    return state;
}

static int make_models(void **state)
{
    static const char *const names[4] = { "mood.safetensors", "state.safetensors",
                                          "brief.safetensors", "out.safetensors" };
    struct lstm_error err;
    size_t size;
    (void)state;
    const char *folder = extension_folder();
    for (int i = 0; i < 4; i++)
        snprintf(path[i], PATH_SIZE, "%s/%s", folder, names[i]);
    snprintf(rows_db, sizeof rows_db, "%s/models.db", folder);
    model_blob[0] = tiny_model_write(&mood, &model_size[0]);
    model_blob[1] = tiny_model_write(&brief, &model_size[1]);
    void *bare = state_of(model_blob[0], model_size[0], NULL, 0, 0, &size);
    enum lstm_status rc = file_write(path[0], model_blob[0], model_size[0], &err);
    rc = rc ? rc : file_write(path[1], bare, size, &err);
    rc = rc ? rc : file_write(path[2], model_blob[1], model_size[1], &err);
    free(bare);
    return (int)rc;
}

static int remove_models(void **state)
{
    (void)state;
    free(model_blob[0]);
    free(model_blob[1]);
    extension_folder_remove();
    return 0;
}

static void tensors_and_what_is_told_are_a_model(void **state)
{
    static const struct state_dict_about about = {
        .task = "classify",
        .labels = "[\"dull, \\\"so\\\"\", \"fun\"]",
        .window = "100",
        .overlap = "20",
        .temperature = "2.5",
        .card = "{\"data\":\"told\"}",
    };
    struct lstm_model *model, *original;
    struct lstm_error err;
    size_t size;
    (void)state;
    void *bare = state_of(model_blob[0], model_size[0], NULL, 0, 0, &size);
    assert_int_equal(lstm_model_read(model_blob[0], model_size[0], &original, &err), LSTM_OK);
    if (state_dict_read(bare, size, &about, model_blob[0], model_size[0], &model, &err))
        fail_msg("%s", err.text);
    assert_string_equal(model->task, "classify");
    assert_string_equal(model->labels[0], "dull, \"so\"");
    assert_int_equal(model->sizes.window, 100);
    assert_int_equal(model->sizes.overlap, 20);
    assert_true(model->temperature == 2.5f);
    assert_string_equal(model->card, "{\"data\":\"told\"}");
    assert_memory_equal(model->params, original->params,
                        lstm_params_count(&model->sizes) * sizeof *model->params);
    lstm_model_free(model);
    lstm_model_free(original);
    free(bare);
}

static void what_is_not_told_comes_from_the_file_then_from_its_like(void **state)
{
    struct lstm_model *model, *original;
    struct lstm_error err;
    size_t size, vocabulary_size;
    (void)state;
    void *bare = state_of(model_blob[0], model_size[0], NULL, 0, 0, &size);
    assert_int_equal(lstm_model_read(model_blob[0], model_size[0], &original, &err), LSTM_OK);
    const struct state_dict_about nothing = { 0 }, words = {
        .task = "sentiment",
        .vocabulary = lstm_tokenizer_vocabulary(original->tokenizer, &vocabulary_size)
    };
    /* a model file needs nothing else, and keeps its card; a state dict does not get the other's */
    assert_int_equal(state_dict_read(model_blob[0], model_size[0], &nothing, NULL, 0, &model, &err),
                     LSTM_OK);
    assert_string_equal(model->card, mood.card);
    lstm_model_free(model);
    assert_int_equal(
        state_dict_read(bare, size, &nothing, model_blob[0], model_size[0], &model, &err), LSTM_OK);
    assert_string_equal(model->task, "sentiment");
    assert_int_equal(model->sizes.window, original->sizes.window);
    assert_string_equal(model->card, "{}");
    lstm_model_free(model);
    assert_int_equal(state_dict_read(bare, size, &words, NULL, 0, &model, &err), LSTM_OK);
    assert_string_equal(model->labels[1], "positive");
    assert_int_equal(model->sizes.window, 256);
    lstm_model_free(model);
    lstm_model_free(original);
    free(bare);
}

static void refuses_with_name_and_shapes_or_what_is_not_said(void **state)
{
    static const struct state_dict_about like = { 0 }, task = { .task = "classify" },
                                         many = { .labels = "[\"a\", \"b\", \"c\"]" };
    static const struct {
        const struct state_dict_about *about;
        int has_like;
        const char *changed;
        int64_t rows, cols;
        const char *reason;
    } cases[] = {
        { &like, 0, NULL, 0, 0,
          "nothing says the model's task: give --task TASK, or --like MODEL" },
        { &task, 0, NULL, 0, 0, "nothing says the model's vocabulary: give --vocabulary FILE, or" },
        { &many, 1, NULL, 0, 0, "metadata \"labels\" is not a JSON array of 2 strings" },
        { &like, 1, "attention.weight", 32, 1,
          "tensor attention.weight: expected shape [1, 32], found [32, 1]" },
        { &like, 1, "lstm.bias_hh_l0", 4, 16,
          "tensor lstm.bias_hh_l0: expected shape [64], found [4, 16]" },
        { &like, 1, "lstm.weight_ih_l0_reverse", 64, 8,
          "tensor lstm.weight_ih_l0_reverse: expected shape [64, 16], found [64, 8]" },
        { &like, 1, "classifier.bias", 2, 1, "not a shape of 1 sizes within bounds, but [2, 1]" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct lstm_model *model;
        struct lstm_error err = { 0 };
        size_t size;
        void *bare = state_of(model_blob[0], model_size[0], cases[i].changed, cases[i].rows,
                              cases[i].cols, &size);
        assert_int_not_equal(state_dict_read(bare, size, cases[i].about,
                                             cases[i].has_like ? model_blob[0] : NULL,
                                             model_size[0], &model, &err),
                             LSTM_OK);
        assert_null(model);
        if (!strstr(err.text, cases[i].reason))
            fail_msg("%s\nexpected: %s", err.text, cases[i].reason);
        free(bare);
    }
}

static const char *command(int (*run_command)(int, char **), const char *const *words,
                           int expected_status)
{
    int status;
    const char *output = command_output(run_command, words, &status);
    if (status != expected_status)
        fail_msg("%s", output);
    return output;
}

static void assert_same_files(const char *one, const char *other)
{
    unsigned char *bytes[2];
    size_t size[2];
    struct lstm_error err;
    assert_int_equal(file_read(one, &bytes[0], &size[0], &err), LSTM_OK);
    assert_int_equal(file_read(other, &bytes[1], &size[1], &err), LSTM_OK);
    assert_int_equal(size[0], size[1]);
    assert_memory_equal(bytes[0], bytes[1], size[0]);
    free(bytes[0]);
    free(bytes[1]);
}

/* out of mood's state dict: the original's bits, but for the card, which was not PyTorch's to keep
 */
static void an_import_scores_as_the_model_did(void **state)
{
    (void)state;
    command(command_import,
            (const char *const[]){ "import", "--state", path[1], "--like", path[0], "--into",
                                   rows_db, "--name", "back", "--use", "tests", NULL },
            0);
    sqlite3 *db = extension_open("models.db", 0);
    extension_import(db, "mood", &mood);
    expect(db, "SELECT lstm_sentiment('a fine day', 'back') = lstm_sentiment('a fine day', 'mood')",
           "1");
    expect(db, "SELECT card ->> 'intended_use' FROM lstm_models WHERE name = 'back'", "tests");
    extension_close(db);
}

/* --like may be a model that is in the extension while --into is yet to be made. */
static void a_database_that_is_missing_is_made(void **state)
{
    char fresh[PATH_SIZE];
    (void)state;
    snprintf(fresh, sizeof fresh, "%s/fresh.db", extension_folder());
    command(command_import,
            (const char *const[]){ "import", "--state", path[0], "--like", "default-summarize",
                                   "--into", fresh, "--name", "new", NULL },
            0);
    sqlite3 *db = extension_open("fresh.db", 0);
    expect(db, "SELECT name FROM lstm_models", "new");
    extension_close(db);
}

static void an_export_of_an_import_is_the_same_file(void **state)
{
    (void)state;
    for (int i = 0; i <= 2; i += 2) { /* a classifier, a summariser */
        char again[PATH_SIZE + 8];
        snprintf(again, sizeof again, "%s.again", path[3]);
        command(command_export,
                (const char *const[]){ "export", "--model", path[i], "--out", path[3], NULL }, 0);
        command(command_import,
                (const char *const[]){ "import", "--state", path[3], "--out", again, NULL }, 0);
        assert_same_files(path[3], again);
    }
}

/* Nothing ends a vocabulary's file but its size. */
static void a_vocabulary_comes_from_a_file_of_lines(void **state)
{
    struct lstm_model *original;
    struct lstm_error err;
    size_t size;
    (void)state;
    assert_int_equal(lstm_model_read(model_blob[0], model_size[0], &original, &err), LSTM_OK);
    const char *entries = lstm_tokenizer_vocabulary(original->tokenizer, &size);
    assert_int_equal(file_write(path[3], entries, size, &err), LSTM_OK);
    lstm_model_free(original);
    command(command_import,
            (const char *const[]){ "import", "--state", path[1], "--task", "sentiment",
                                   "--vocabulary", path[3], "--window", "32", "--overlap", "8",
                                   "--temperature", "1.5", "--into", rows_db, "--name", "lines",
                                   NULL },
            0);
    sqlite3 *db = extension_open("models.db", 0);
    expect(db,
           "SELECT lstm_sentiment('a fine day', 'lines') = lstm_sentiment('a fine day', 'mood')",
           "1");
    extension_close(db);
}

static void commands_refuse_with_a_reason(void **state)
{
    static const struct {
        int (*run)(int, char **);
        const char *words[8];
        int status;
        const char *reason;
    } cases[] = {
        { command_import, { "import" }, 2, "which state dict? Give --state FILE" },
        { command_import, { "import", "--state", path[1] }, 1, "where should the model go?" },
        { command_import,
          { "import", "--state", path[1], "--out", "x" },
          1,
          "nothing says the model's task" },
        { command_import,
          { "import", "--state", path[1], "--out", "x", "--like", "absent" },
          1,
          "no model named 'absent'" },
        { command_import, { "import", "--state", "/nowhere/s", "--out", "x" }, 1, "/nowhere/s" },
        { command_export, { "export", "--out", "x" }, 2, "give --model MODEL and --out FILE" },
        { command_export,
          { "export", "--model", "absent", "--out", "x" },
          1,
          "no model named 'absent'" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *output = command(cases[i].run, cases[i].words, cases[i].status);
        if (!strstr(output, cases[i].reason))
            fail_msg("%s\nexpected: %s", output, cases[i].reason);
        assert_int_equal(access("x", F_OK), -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tensors_and_what_is_told_are_a_model),
        cmocka_unit_test(what_is_not_told_comes_from_the_file_then_from_its_like),
        cmocka_unit_test(refuses_with_name_and_shapes_or_what_is_not_said),
        cmocka_unit_test(an_import_scores_as_the_model_did),
        cmocka_unit_test(a_vocabulary_comes_from_a_file_of_lines),
        cmocka_unit_test(a_database_that_is_missing_is_made),
        cmocka_unit_test(an_export_of_an_import_is_the_same_file),
        cmocka_unit_test(commands_refuse_with_a_reason),
    };
    return cmocka_run_group_tests(tests, make_models, remove_models);
}
