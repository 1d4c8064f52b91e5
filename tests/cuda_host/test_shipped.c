/* The sentiment model inside the extension on the CUDA backend: against the CPU's fp32 pass over
 * the same dequantised weights. The demo's reviews always; with LSTM_DATA, in a thorough run,
 * reviews and phrases of two test sets too. */
#include "ext/embedded.h"
#include "model/tokenizer.h"
#include "tests/cuda_host/control.h"
#include "tests/cuda_host/machine.h"
#include "tests/networks.h"
#include "train/rows.h"

#include <math.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { TEXTS_MAX = 128, CLASSES = 2 };

static struct lstm_model *model;

static int read_model(void **state)
{
    struct lstm_error err;
    const struct embedded *embedded = embedded_find(EMBEDDED_SENTIMENT);
    (void)state;
    if (lstm_model_read(embedded->blob, embedded->size, &model, &err))
        fail_msg("%s", err.text);
    return 0;
}

static int free_model(void **state)
{
    (void)state;
    lstm_model_free(model);
    return 0;
}

/* A batch of texts one after another. */
struct texts {
    struct lstm_tokens tokens;
    int32_t starts[TEXTS_MAX + 1];
    int32_t count;
};

static void add_text(struct texts *t, const void *bytes, size_t size)
{
    struct lstm_error err;
    if (t->count == TEXTS_MAX)
        return;
    if (lstm_tokenize(model->tokenizer, bytes, size, 0, &t->tokens, &err))
        fail_msg("%s", err.text);
    t->starts[++t->count] = t->tokens.count;
}

static void check(const char *what, const struct texts *t)
{
    static const char *const names[] = {
        [LSTM_PRECISION_FP16] = "16", [LSTM_PRECISION_FP32] = "32"
    };
    static float found[TEXTS_MAX * CLASSES], expected[TEXTS_MAX * CLASSES];
    const struct lstm_model floats = { .sizes = model->sizes, .params = model->params };
    const struct lstm_batch batch = { .tokens = t->tokens.ids,
                                      .starts = t->starts,
                                      .texts = t->count };
    assert_int_equal(model->sizes.classes, CLASSES);
    machine_classify(lstm_backend_cpu(NULL), &floats, &batch, expected);
    for (int precision = 0; precision < 2; precision++) {
        const enum lstm_precision p = (enum lstm_precision)precision;
        int flips = 0;
        cuda_host_seed(1);
        machine_classify(machine_backend(MACHINE_SMALL, p), model, &batch, found);
        const double error = machine_error(found, expected, (size_t)t->count * CLASSES);
        for (int i = 0; i < t->count; i++)
            flips += (found[2 * i] < found[2 * i + 1]) != (expected[2 * i] < expected[2 * i + 1]);
        print_message("%d %s, %d tokens, %s bits: normalised error %.2g, %d other labels\n",
                      t->count, what, t->tokens.count, names[p], error, flips);
        if (!(error <= (double)machine_tolerance(p)))
            fail_msg("%s: normalised error %g", what, error);
        assert_int_equal(flips, 0);
    }
}

static void reviews_of_the_demo_have_the_logits_of_the_cpu(void **state)
{
    static char sql[1 << 16];
    struct texts texts = { .count = 0 };
    sqlite3 *db;
    sqlite3_stmt *s;
    FILE *file = fopen("sql/demo_reviews.sql", "r");
    (void)state;
    assert_non_null(file);
    sql[fread(sql, 1, sizeof sql - 1, file)] = '\0';
    fclose(file);
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT body FROM reviews", -1, &s, NULL), SQLITE_OK);
    while (sqlite3_step(s) == SQLITE_ROW)
        add_text(&texts, sqlite3_column_text(s, 0), (size_t)sqlite3_column_bytes(s, 0));
    sqlite3_finalize(s);
    sqlite3_close(db);
    assert_true(texts.count >= 20);
    check("reviews of the demo", &texts);
    lstm_tokens_free(&texts.tokens);
}

static void texts_of_a_test_set_have_the_logits_of_the_cpu(void **state)
{
    const char *name = *state, *folder = getenv("LSTM_DATA");
    char path[4096];
    struct texts texts = { .count = 0 };
    struct rows rows;
    struct lstm_error err;
    if (!folder || machine_seeds() == 1) {
        print_message("SKIPPED: texts of %s: set LSTM_DATA, and CUDA_HOST_SEEDS to more than 1\n",
                      name);
        skip();
    }
    snprintf(path, sizeof path, "%s/%s.csv.xz", folder, name);
    const struct rows_source source = { .csv = path, .text_column = "text" };
    if (rows_read(&source, &rows, &err))
        fail_msg("%s", err.text);
    for (int32_t i = 0; i < rows.count; i += 1 + rows.count / TEXTS_MAX)
        add_text(&texts, rows.rows[i].text, rows.rows[i].size);
    rows_free(&rows);
    check(name, &texts);
    lstm_tokens_free(&texts.tokens);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reviews_of_the_demo_have_the_logits_of_the_cpu),
        cmocka_unit_test_prestate(texts_of_a_test_set_have_the_logits_of_the_cpu, "imdb_test"),
        cmocka_unit_test_prestate(texts_of_a_test_set_have_the_logits_of_the_cpu, "sst2_test"),
    };
    machine_set_up();
    return cmocka_run_group_tests(tests, read_model, free_model);
}
