/* What models are measured on (train/heldout.c). */
#include "train/heldout.h"

#include "tests/tiny_model.h"
#include "train/pairs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 4100 };

static char texts[ROWS][40], titles[ROWS][20];
static struct row items[ROWS];
static const struct tiny_model tiny = { .task = "summarize", .seed = 3 };
static void *blob;
static size_t blob_size;
static struct lstm_model *model;

/* Row i speaks of i; every fifth has no text that is worth learning from. */
static int make_rows(void **state)
{
    struct lstm_error err;
    (void)state;
    for (int i = 0; i < ROWS; i++) {
        snprintf(texts[i], sizeof texts[i], i % 5 ? "the bread %d was a good one" : "  ", i);
        snprintf(titles[i], sizeof titles[i], "bread %d", i);
        items[i] = (struct row){ texts[i], strlen(texts[i]), titles[i] };
    }
    blob = tiny_model_write(&tiny, &blob_size);
    return lstm_model_read(blob, blob_size, &model, &err) ? -1 : 0;
}

static int free_rows(void **state)
{
    (void)state;
    lstm_model_free(model);
    free(blob);
    return 0;
}

/* The pairs of the first rows. */
static struct dataset pairs_of(int32_t count)
{
    const struct rows rows = { .count = count, .rows = items };
    const struct pairs_limits limits = { .source_max = 400, .target_max = 40 };
    struct pairs_report report;
    struct dataset d;
    struct lstm_error err;
    if (pairs_open(model->tokenizer, &rows, &limits, &d, &report, &err))
        fail_msg("%s", err.text);
    return d;
}

static struct heldout heldout_of(const struct dataset *d)
{
    const struct rows rows = { .count = ROWS, .rows = items };
    struct heldout heldout;
    struct lstm_error err;
    if (heldout_open(&rows, d, &heldout, &err))
        fail_msg("%s", err.text);
    return heldout;
}

static void assert_row(const struct heldout *heldout, int32_t i, int row)
{
    const struct lstm_text text = heldout->texts[i];
    const struct rouge_text reference = heldout->references[i];
    assert_int_equal(text.size, strlen(texts[row]));
    assert_memory_equal(text.bytes, texts[row], text.size);
    assert_int_equal(reference.size, strlen(titles[row]));
    assert_memory_equal(reference.bytes, titles[row], reference.size);
}

static void a_texts_own_summary_is_beside_it(void **state)
{
    struct dataset learned = pairs_of(ROWS), held;
    struct lstm_error err;
    (void)state;
    assert_int_equal(dataset_split(&learned, 0.1, 7, &held, &err), LSTM_OK);
    assert_in_range(held.texts, 200, 500);
    struct heldout heldout = heldout_of(&held);
    assert_int_equal(heldout.count, held.texts);
    for (int32_t i = 0, before = -1; i < held.texts; before = held.rows[i++]) {
        assert_true(held.rows[i] > before && held.rows[i] % 5);
        assert_row(&heldout, i, held.rows[i]);
        /* and those rows are the ones whose tokens the loss is measured on: their digits say so */
        struct lstm_tokens tokens = { 0 };
        assert_int_equal(lstm_tokenize(model->tokenizer, texts[held.rows[i]],
                                       strlen(texts[held.rows[i]]), 0, &tokens, &err),
                         LSTM_OK);
        assert_int_equal(tokens.count, held.middles[i] - held.starts[i]);
        assert_memory_equal(tokens.ids, held.tokens.ids + held.starts[i],
                            (size_t)tokens.count * sizeof *tokens.ids);
        lstm_tokens_free(&tokens);
    }
    heldout_close(&heldout);
    dataset_close(&learned);
    dataset_close(&held);
}

static void of_many_rows_as_many_as_fit_are_taken_at_even_distances(void **state)
{
    struct dataset d = pairs_of(ROWS);
    struct heldout heldout = heldout_of(&d);
    (void)state;
    assert_int_equal(d.texts, 3280);
    assert_int_equal(heldout.count, HELDOUT_MAX);
    assert_row(&heldout, 0, d.rows[0]);
    assert_row(&heldout, 1000, d.rows[1640]);
    assert_row(&heldout, 1999, d.rows[3278]);
    heldout_close(&heldout);
    dataset_close(&d);
}

static void threads_leave_no_trace_in_the_mean(void **state)
{
    static const int threads[] = { 1, 2, 5, 64 };
    struct dataset d = pairs_of(250);
    struct heldout heldout = heldout_of(&d);
    struct rouge first, mean;
    struct lstm_error err;
    (void)state;
    /* The summary that the model writes of the first row becomes its reference. */
    struct lstm_scorer *scorer;
    struct lstm_worker *worker;
    struct lstm_summary_settings greedy = lstm_summary_defaults;
    struct lstm_summary summary;
    greedy.beam = 1;
    assert_int_equal(lstm_scorer_open(blob, blob_size, "cpu", &scorer, &err), LSTM_OK);
    assert_int_equal(lstm_worker_open(scorer, &worker, &err), LSTM_OK);
    assert_int_equal(
        lstm_worker_summarize(worker, heldout.texts, 1, &greedy, NULL, NULL, &summary, &err),
        LSTM_OK);
    heldout.references[0] = (struct rouge_text){ summary.text, strlen(summary.text) };
    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
        struct rouge *to = i ? &mean : &first;
        assert_int_equal(heldout_measure(&heldout, blob, blob_size, threads[i], to, &err), LSTM_OK);
        assert_memory_equal(&to->one, &first.one, sizeof first.one);
        assert_memory_equal(&to->l, &first.l, sizeof first.l);
    }
    assert_true(first.one >= 1.0 / heldout.count && first.one < 1);
    lstm_summary_free(&summary);
    lstm_worker_close(worker);
    lstm_scorer_close(scorer);
    heldout_close(&heldout);
    dataset_close(&d);
}

/* The labels are the classes that the model finds likeliest, but for every seventh row. */
static void accuracy_is_the_share_of_rows_whose_class_is_right(void **state)
{
    const struct tiny_model other = {
        .task = "classify", .labels = "a b c", .seed = 6, .scale = 1
    };
    enum { TEXTS = 150 };
    static const int threads[] = { 1, 2, 5, 64 };
    struct row labelled[TEXTS];
    const struct rows rows = { .count = TEXTS, .rows = labelled };
    struct labels labels = { .count = 3, .names = { "a", "b", "c" } };
    struct lstm_text bodies[TEXTS];
    float probabilities[TEXTS * 3];
    int32_t tokens[TEXTS], wrong = 0, seen = 0;
    struct lstm_scorer *scorer;
    struct lstm_worker *worker;
    struct dataset d;
    struct heldout heldout;
    struct lstm_error err;
    size_t size;
    double accuracy;
    void *bytes = tiny_model_write(&other, &size);
    (void)state;
    for (int i = 0; i < TEXTS; i++)
        bodies[i] = (struct lstm_text){ texts[i], strlen(texts[i]) };
    assert_int_equal(lstm_scorer_open(bytes, size, "cpu", &scorer, &err), LSTM_OK);
    assert_int_equal(lstm_worker_open(scorer, &worker, &err), LSTM_OK);
    assert_int_equal(
        lstm_worker_classify(worker, bodies, TEXTS, NULL, NULL, probabilities, tokens, &err),
        LSTM_OK);
    for (int i = 0; i < TEXTS; i++) {
        const float *p = probabilities + 3 * i;
        int likeliest = p[1] > p[0] ? (p[2] > p[1] ? 2 : 1) : (p[2] > p[0] ? 2 : 0);
        int is_wrong = i % 7 == 1;
        labelled[i] = items[i];
        labelled[i].label = labels.names[(likeliest + is_wrong) % 3];
        wrong += is_wrong && tokens[i] > 0;
        seen += tokens[i] > 0;
    }
    assert_int_equal(dataset_open(lstm_scorer_model(scorer)->tokenizer, &rows, &labels, &d, &err),
                     LSTM_OK);
    assert_int_equal(d.texts, seen);
    assert_true(seen == TEXTS / 5 * 4 && wrong > 5);
    assert_int_equal(heldout_open(&rows, &d, &heldout, &err), LSTM_OK);
    assert_int_equal(heldout.count, seen);
    assert_int_equal(d.rows[3], 4); /* row 0 has no token */
    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
        assert_int_equal(heldout_accuracy(&heldout, bytes, size, threads[i], &accuracy, &err),
                         LSTM_OK);
        assert_true(accuracy == (double)(seen - wrong) / seen);
    }
    assert_int_equal(heldout_accuracy(&heldout, blob, blob_size, 2, &accuracy, &err),
                     LSTM_MISMATCH);
    assert_non_null(strstr(err.text, "a model of task \"summarize\" cannot classify"));
    lstm_worker_close(worker);
    lstm_scorer_close(scorer);
    heldout_close(&heldout);
    dataset_close(&d);
    free(bytes);
}

static void a_classifier_is_refused(void **state)
{
    const struct tiny_model other = { .task = "sentiment", .labels = "negative positive" };
    struct dataset d = pairs_of(20);
    struct heldout heldout = heldout_of(&d);
    struct rouge mean;
    struct lstm_error err;
    size_t size;
    void *bytes = tiny_model_write(&other, &size);
    (void)state;
    assert_int_equal(heldout_measure(&heldout, bytes, size, 2, &mean, &err), LSTM_MISMATCH);
    assert_non_null(strstr(err.text, "sentiment"));
    free(bytes);
    heldout_close(&heldout);
    dataset_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_texts_own_summary_is_beside_it),
        cmocka_unit_test(of_many_rows_as_many_as_fit_are_taken_at_even_distances),
        cmocka_unit_test(threads_leave_no_trace_in_the_mean),
        cmocka_unit_test(accuracy_is_the_share_of_rows_whose_class_is_right),
        cmocka_unit_test(a_classifier_is_refused),
    };
    return cmocka_run_group_tests(tests, make_rows, free_rows);
}
