/* The summariser inside the extension on the CUDA backend, against the CPU's fp32 pass over the
 * same dequantised weights: reviews of the demo; with LSTM_DATA, in a thorough run, texts of test
 * sets too. */
#include "ext/embedded.h"
#include "model/backend.h"
#include "model/beam_rules.h"
#include "model/cpu_kernels.h"
#include "tests/cuda_host/control.h"
#include "tests/cuda_host/machine.h"
#include "tests/demo_reviews.h"
#include "tests/networks.h"
#include "train/rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TEXTS_MAX = 24, TOKENS_MAX = 400, MOST = 24 };

/* As the extension has them by default. */
static const struct lstm_summary_settings settings = {
    .max_tokens = MOST, .min_tokens = 2, .beam = 4, .length_penalty = 0.8f
};

static struct lstm_model *model;

static int read_model(void **state)
{
    struct lstm_error err;
    const struct embedded *embedded = embedded_find(EMBEDDED_SUMMARY);
    (void)state;
    if (lstm_model_read(embedded->blob, embedded->size, &model, &err))
        fail_msg("%s", err.text);
    lstm_model_dequantise(model);
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
    int32_t count, most;
};

static void add_text(void *arg, const void *bytes, size_t size)
{
    struct texts *t = arg;
    struct lstm_error err;
    const int32_t before = t->tokens.count;
    if (t->count == t->most)
        return;
    if (lstm_tokenize(model->tokenizer, bytes, size, 0, &t->tokens, &err))
        fail_msg("%s", err.text);
    if (t->tokens.count - before > TOKENS_MAX)
        t->tokens.count = before + TOKENS_MAX;
    t->starts[++t->count] = t->tokens.count;
}

struct summaries {
    struct lstm_written written[TEXTS_MAX];
    int32_t tokens[TEXTS_MAX][MOST], origins[TEXTS_MAX][MOST];
};

static void write_texts(const struct lstm_backend *backend, const struct lstm_model *of,
                        const struct texts *t, struct summaries *s)
{
    const struct lstm_batch batch = { .tokens = t->tokens.ids,
                                      .starts = t->starts,
                                      .texts = t->count };
    struct lstm_loaded *loaded;
    struct lstm_session *session = NULL;
    struct lstm_error err = { .text = "" };
    for (int32_t i = 0; i < t->count; i++)
        s->written[i] = (struct lstm_written){ .tokens = s->tokens[i], .origins = s->origins[i] };
    if (backend->load(of, &loaded, &err) || backend->open(loaded, &session, &err) ||
        backend->write(session, &batch, &settings, s->written, &err))
        fail_msg("%s: %s", backend->name, err.text);
    backend->close(session);
    backend->unload(loaded);
}

static double rank_of(const struct lstm_written *w)
{
    return w->log_share /
           beam_penalty(settings.length_penalty, w->count + 1, cpu_kernels_pick(NULL)->exp);
}

static void check(const char *what, const struct texts *t, enum lstm_precision precision)
{
    static struct summaries found, expected;
    const struct lstm_model floats = { .sizes = model->sizes, .params = model->params };
    const double tolerance = (double)machine_tolerance(precision);
    double worst = 0.0;
    int others = 0;
    write_texts(lstm_backend_cpu(NULL), &floats, t, &expected);
    cuda_host_seed(1);
    write_texts(machine_backend(MACHINE_SMALL, precision), model, t, &found);
    for (int32_t i = 0; i < t->count; i++) {
        const struct lstm_written *f = &found.written[i], *e = &expected.written[i];
        const int is_same = f->count == e->count &&
                            !memcmp(f->tokens, e->tokens, (size_t)f->count * sizeof *f->tokens);
        const double off = fabs(rank_of(f) / rank_of(e) - 1.0);
        others += !is_same;
        if (is_same)
            worst = fmax(worst, off);
        /* Another summary is one that the search found as good, or nearly: it is no best of all. */
        if (is_same ? off > tolerance : rank_of(f) < 1.1 * rank_of(e))
            fail_msg("%s, text %d: rank %.9g instead of %.9g", what, i, rank_of(f), rank_of(e));
    }
    print_message("%d %s, %s: %d other summaries, log shares of the same within %.2g\n", t->count,
                  what, precision == LSTM_PRECISION_FP32 ? "32 bits" : "16 bits", others, worst);
    assert_true(others <= (precision == LSTM_PRECISION_FP32 ? t->count / 20 : t->count / 4));
}

static void reviews_of_the_demo_have_the_summaries_of_the_cpu(void **state)
{
    struct texts texts = { .most = machine_is_short() ? 1 : TEXTS_MAX };
    (void)state;
    demo_reviews(add_text, &texts);
    assert_int_equal(texts.count, texts.most);
    for (int precision = 0; precision < 2; precision++)
        check("reviews of the demo", &texts, (enum lstm_precision)precision);
    lstm_tokens_free(&texts.tokens);
}

static void texts_of_a_test_set_have_the_summaries_of_the_cpu(void **state)
{
    const char *name = *state, *folder = getenv("LSTM_DATA");
    char path[4096];
    struct texts texts = { .most = TEXTS_MAX };
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
    for (int precision = 0; precision < 2; precision++)
        check(name, &texts, (enum lstm_precision)precision);
    lstm_tokens_free(&texts.tokens);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reviews_of_the_demo_have_the_summaries_of_the_cpu),
        cmocka_unit_test_prestate(texts_of_a_test_set_have_the_summaries_of_the_cpu, "imdb_test"),
        cmocka_unit_test_prestate(texts_of_a_test_set_have_the_summaries_of_the_cpu,
                                  "scitldr_test"),
    };
    machine_set_up();
    return cmocka_run_group_tests(tests, read_model, free_model);
}
