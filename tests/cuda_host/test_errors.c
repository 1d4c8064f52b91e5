/* Every call of CUDA and cuBLAS fails once: the backend says so, gives back what it took, and goes
 * on when the device does. */
#include "tests/cuda_host/control.h"
#include "tests/cuda_host/machine.h"
#include "tests/networks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { OUT_OF_MEMORY = 2, LAUNCH_FAILURE = 719 }; /* of cudaError_t */

static const int32_t lengths[] = { 5, 1, 60, 16 };
enum { TEXTS = (int)COUNT(lengths), CLASSES = 2 };

struct work {
    struct lstm_model model;
    struct lstm_batch batch;
    const struct lstm_backend *backend;
};

static struct work work_of(const struct machine_path *path)
{
    struct work w = { .model.sizes = { .vocab = 40,
                                       .embedding = 16,
                                       .hidden = path->hidden,
                                       .layers = 2,
                                       .classes = CLASSES,
                                       .window = 16,
                                       .overlap = 4 },
                      .backend = machine_backend(path->device, path->precision) };
    w.model.params = network_params(&w.model.sizes, 1, 0.1f);
    w.batch = network_texts(w.model.sizes.vocab, lengths, TEXTS, 1);
    return w;
}

/* A summariser: the smallest vocabulary that there is, and few steps. */
static struct work writing_of(enum lstm_precision precision)
{
    struct work w = { .model.sizes = { .vocab = 272,
                                       .embedding = 16,
                                       .hidden = 16,
                                       .layers = 1,
                                       .window = 16,
                                       .overlap = 4,
                                       .decoder = 16,
                                       .alignment = 16 },
                      .backend = machine_backend(MACHINE_SMALL, precision) };
    w.model.params = network_params(&w.model.sizes, 1, 0.3f);
    w.batch = network_texts(w.model.sizes.vocab, lengths, TEXTS, 1);
    return w;
}

static void work_free(struct work *w)
{
    free(w->model.params);
    network_texts_free(&w->batch);
}

/* The log shares of the texts' summaries, and what was attended to. */
static enum lstm_status write_texts(const struct work *w, struct lstm_session *session,
                                    float *answers, struct lstm_error *err)
{
    enum { MOST = 2 };
    static const struct lstm_summary_settings settings = { .max_tokens = MOST,
                                                           .beam = 2,
                                                           .attention = 1 };
    static int32_t tokens[TEXTS][MOST], origins[TEXTS][MOST];
    static float weights[TEXTS][MOST * 60], generate[TEXTS][MOST];
    struct lstm_written written[TEXTS];
    for (int i = 0; i < TEXTS; i++)
        written[i] = (struct lstm_written){ .tokens = tokens[i],
                                            .origins = origins[i],
                                            .weights = weights[i],
                                            .generate = generate[i] };
    enum lstm_status rc = w->backend->write(session, &w->batch, &settings, written, err);
    for (int i = 0; !rc && i < TEXTS; i++) {
        answers[CLASSES * i] = (float)written[i].log_share;
        answers[CLASSES * i + 1] = written[i].count ? generate[i][0] : 0.0f;
    }
    return rc;
}

/* All that a backend is for, twice in one session: the first failure, with its text. */
static enum lstm_status run(const struct work *w, float *logits, struct lstm_error *err)
{
    const struct lstm_backend *b = w->backend;
    struct lstm_loaded *loaded = NULL;
    struct lstm_session *session = NULL;
    enum lstm_status rc = b->load(&w->model, &loaded, err);
    if (!rc)
        rc = b->open(loaded, &session, err);
    for (int i = 0; !rc && i < 2; i++)
        rc = w->model.sizes.decoder ? write_texts(w, session, logits, err)
                                    : b->classify(session, &w->batch, logits, err);
    if (session)
        b->close(session);
    if (loaded)
        b->unload(loaded);
    return rc;
}

static void check_text(enum lstm_status rc, const struct lstm_error *err)
{
    if (rc != LSTM_UNAVAILABLE && rc != LSTM_NOMEM)
        fail_msg("status %d: %s", rc, err->text);
    if (err->status != rc || (!strstr(err->text, "CUDA error") && !strstr(err->text, "cublas")))
        fail_msg("a text that does not say what failed: \"%s\"", err->text);
}

/* Each call of a run fails, one after another. */
static void check_calls(const struct work *w, int error)
{
    float expected[TEXTS * CLASSES], logits[TEXTS * CLASSES];
    struct lstm_error err;
    cuda_host_seed(1);
    const long before = cuda_host_calls(), objects = cuda_host_objects();
    assert_int_equal(run(w, expected, &err), LSTM_OK);
    const long calls = cuda_host_calls() - before;
    assert_int_equal(cuda_host_objects(), objects);
    long failures = 0, step = machine_is_short() ? 1 + calls / 8 : 1;
    for (long nth = 1; nth <= calls; nth += step) {
        const long held = cuda_host_objects();
        cuda_host_fail(NULL, nth, error, 0);
        err = (struct lstm_error){ .text = "" };
        const enum lstm_status rc = run(w, logits, &err);
        cuda_host_fail(NULL, 0, 0, 0);
        if (rc)
            check_text(rc, &err);
        failures += rc != LSTM_OK;
        /* A run that went well met the failure when it gave back, and one thing could not be. */
        if (cuda_host_objects() - held > (rc == LSTM_OK))
            fail_msg("call %ld of %ld, \"%s\": %ld objects are left", nth, calls, err.text,
                     cuda_host_objects() - held);
    }
    if (failures < calls / step / 2)
        fail_msg("%ld of %ld calls failed, %ld runs did", calls / step, calls, failures);
    assert_int_equal(run(w, logits, &err), LSTM_OK);
    assert_memory_equal(logits, expected, sizeof expected);
}

static void every_call_may_fail(void **state)
{
    const struct machine_path *path = *state;
    struct work w = work_of(path);
    check_calls(&w, LAUNCH_FAILURE);
    check_calls(&w, OUT_OF_MEMORY);
    work_free(&w);
}

static void every_call_of_a_summariser_may_fail(void **state)
{
    (void)state;
    struct work w = writing_of(LSTM_PRECISION_FP16);
    check_calls(&w, LAUNCH_FAILURE);
    check_calls(&w, OUT_OF_MEMORY);
    work_free(&w);
}

/* As after a fault in a kernel: until the process ends, if nobody resets the device. */
static void a_device_that_is_lost_is_an_error_of_every_call(void **state)
{
    struct work w = work_of(*state);
    float logits[TEXTS * CLASSES];
    struct lstm_error err = { .text = "" };
    cuda_host_fail("cudaEventSynchronize", 1, LAUNCH_FAILURE, 1);
    check_text(run(&w, logits, &err), &err);
    assert_non_null(strstr(err.text, "unspecified launch failure"));
    for (int i = 0; i < 2; i++)
        check_text(run(&w, logits, &err), &err);
    cuda_host_fail(NULL, 0, 0, 0);
    work_free(&w);
}

int main(void)
{
    struct CMUnitTest tests[2 * COUNT(machine_paths)];
    size_t count = 0;
    machine_set_up();
    for (size_t i = 0; i < COUNT(machine_paths); i++)
        if (machine_paths[i].is_quick || !machine_is_short())
            tests[count++] = (struct CMUnitTest){ .name = machine_paths[i].name,
                                                  .test_func = every_call_may_fail,
                                                  .initial_state = (void *)&machine_paths[i] };
    tests[count++] = (struct CMUnitTest){
        .name = "a device that is lost is an error of every call",
        .test_func = a_device_that_is_lost_is_an_error_of_every_call,
        .initial_state = (void *)&machine_paths[0],
    };
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(every_call_of_a_summariser_may_fail);
    return _cmocka_run_group_tests("errors", tests, count, NULL, NULL);
}
