/* What a process has of a device: found or refused with a reason, bounded, shared, left alone by a
 * forked child. */
#include "gpu/network.h"
#include "tests/cuda_host/control.h"
#include "tests/networks.h"

#include <cuda_runtime_api.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

extern const struct lstm_plugin lstm_plugin;

/* Two devices, large enough for a group of each direction. */
static const struct cuda_host_device two[] = { { 9, 0, 8, (size_t)1 << 30 },
                                               { 9, 0, 8, (size_t)1 << 30 } };

static void expect_text(const struct lstm_error *err, const char *expected)
{
    if (!strstr(err->text, expected))
        fail_msg("\"%s\" instead of \"%s\"", err->text, expected);
}

static void what_is_missing_is_said(void **state)
{
    (void)state;
    static const struct cuda_host_device alike[3] = { { 9, 0, 4, 1 << 20 },
                                                      { 9, 0, 4, 1 << 20 },
                                                      { 9, 0, 4, 1 << 20 } };
    static const struct cuda_host_device old = { 7, 0, 4, 1 << 20 };
    static const struct {
        const struct cuda_host_device *devices;
        int count;
        int32_t ordinal;
        int count_error; /* of cudaGetDeviceCount */
        const char *reason;
    } cases[] = {
        { alike, CUDA_HOST_NO_DRIVER, 0, 0, "there is no NVIDIA driver in this machine" },
        { alike, CUDA_HOST_OLD_DRIVER, 0, 0, "the NVIDIA driver is made for CUDA" },
        { alike, 1, 0, cudaErrorInitializationError, "cudaGetDeviceCount: initialization error" },
        { alike, 0, 0, 0, "there is no CUDA device in this machine" },
        { alike, 1, 1, 0, "there is no cuda:1, this machine has 1 device" },
        { alike, 3, 7, 0, "there is no cuda:7, this machine has 3 devices" },
        { alike, 3, 8, 0, "there is no cuda:8, devices are 0 to 7" },
        { &old, 1, 0, 0, "of compute capability 7.0, at least 7.5 is needed" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct lstm_backend *backend;
        char about[LSTM_ABOUT_SIZE];
        struct lstm_error err = { .text = "" };
        cuda_host_set_devices(cases[i].devices, cases[i].count);
        cuda_host_fail("cudaGetDeviceCount", cases[i].count_error != 0, cases[i].count_error, 0);
        assert_int_equal(
            lstm_plugin.open(cases[i].ordinal, LSTM_PRECISION_FP16, &backend, about, &err),
            LSTM_UNAVAILABLE);
        assert_int_equal(err.status, LSTM_UNAVAILABLE);
        expect_text(&err, cases[i].reason);
        assert_null(backend);
    }
    cuda_host_fail(NULL, 0, 0, 0);
    cuda_host_set_devices(two, 2);
}

static const struct lstm_backend *backend_of(int32_t ordinal, enum lstm_precision precision)
{
    const struct lstm_backend *backend;
    struct lstm_error err;
    char about[LSTM_ABOUT_SIZE];
    if (lstm_plugin.open(ordinal, precision, &backend, about, &err))
        fail_msg("%s", err.text);
    return backend;
}

static void a_device_is_described_and_its_backends_are_named(void **state)
{
    (void)state;
    const struct lstm_backend *backend;
    struct lstm_error err;
    char about[LSTM_ABOUT_SIZE];
    assert_string_equal(backend_of(0, LSTM_PRECISION_FP16)->name, "cuda:0");
    assert_string_equal(backend_of(1, LSTM_PRECISION_FP32)->name, "cuda-fp32:1");
    assert_int_equal(lstm_plugin.open(1, LSTM_PRECISION_FP16, &backend, about, &err), LSTM_OK);
    assert_non_null(strstr(about, "compute capability 9.0, 8 multiprocessors, 1024 MB"));
}

static struct lstm_model small_model(void)
{
    struct lstm_model model = { .sizes = { .vocab = 30,
                                           .embedding = 16,
                                           .hidden = 16,
                                           .layers = 1,
                                           .classes = 2,
                                           .window = 16,
                                           .overlap = 4 } };
    model.params = network_params(&model.sizes, 5, 0.2f);
    return model;
}

/* Loads, opens, classifies and closes all of it; returns the first status that is not good. */
static enum lstm_status run(const struct lstm_backend *backend, const struct lstm_model *model,
                            const struct lstm_batch *batch, float *logits, struct lstm_error *err)
{
    struct lstm_loaded *loaded;
    struct lstm_session *session = NULL;
    enum lstm_status rc = backend->load(model, &loaded, err);
    if (!rc)
        rc = backend->open(loaded, &session, err);
    if (!rc)
        rc = backend->classify(session, batch, logits, err);
    backend->close(session);
    backend->unload(loaded);
    return rc;
}

enum { TEXTS = 5 };

static struct lstm_batch small_batch(void)
{
    static const int32_t lengths[TEXTS] = { 3, 1, 20, 7, 2 };
    return network_texts(30, lengths, TEXTS, 1);
}

static void after_a_fault_of_the_device_the_reason_stays_and_the_cpu_works(void **state)
{
    (void)state;
    struct lstm_batch batch = small_batch();
    struct lstm_model model = small_model();
    const struct lstm_backend *backend = backend_of(0, LSTM_PRECISION_FP16);
    struct lstm_error err = { .text = "" };
    struct lstm_loaded *loaded;
    struct lstm_session *session;
    float logits[2 * TEXTS];
    assert_int_equal(backend->load(&model, &loaded, &err), LSTM_OK);
    assert_int_equal(backend->open(loaded, &session, &err), LSTM_OK);
    cuda_host_fail("cudaEventSynchronize", 1, cudaErrorIllegalAddress, 1);
    for (int i = 0; i < 3; i++) {
        err.text[0] = '\0';
        assert_int_equal(backend->classify(session, &batch, logits, &err), LSTM_UNAVAILABLE);
        expect_text(&err, "an illegal memory access was encountered (CUDA error 700)");
    }
    assert_int_equal(run(lstm_backend_cpu(NULL), &model, &batch, logits, &err), LSTM_OK);
    cuda_host_fail(NULL, 0, 0, 0);
    cudaDeviceReset(); /* what only the process's end does elsewhere */
    backend->close(session);
    backend->unload(loaded);
    assert_int_equal(run(backend, &model, &batch, logits, &err), LSTM_OK);
    free(model.params);
    network_texts_free(&batch);
}

static void memory_stays_within_the_limit(void **state)
{
    (void)state;
    struct lstm_batch batch = small_batch();
    struct lstm_model model = small_model();
    const struct lstm_backend *backend = backend_of(0, LSTM_PRECISION_FP16);
    struct lstm_error err = { .text = "" };
    struct lstm_loaded *loaded;
    struct lstm_session *session;
    float logits[2 * TEXTS], expected[2 * TEXTS];
    lstm_plugin.limit(1);
    assert_int_equal(backend->load(&model, &loaded, &err), LSTM_NOMEM);
    expect_text(&err, "MB more of the memory of cuda:0, 0 MB are taken and 0 MB allowed; raise "
                      "cuda_memory_mb or use the device \"cpu\"");
    assert_null(loaded);
    lstm_plugin.limit((uint64_t)1 << 30);
    assert_int_equal(run(backend, &model, &batch, expected, &err), LSTM_OK);
    assert_int_equal(backend->load(&model, &loaded, &err), LSTM_OK);
    assert_int_equal(backend->open(loaded, &session, &err), LSTM_OK);
    lstm_plugin.limit(200000); /* less than a round would like, more than a window needs */
    assert_int_equal(backend->classify(session, &batch, logits, &err), LSTM_OK);
    assert_memory_equal(logits, expected, sizeof expected);
    backend->close(session);
    assert_int_equal(backend->open(loaded, &session, &err), LSTM_OK);
    lstm_plugin.limit(40000); /* the weights and little else */
    assert_int_equal(backend->classify(session, &batch, logits, &err), LSTM_NOMEM);
    lstm_plugin.limit((uint64_t)1 << 30);
    assert_int_equal(backend->classify(session, &batch, logits, &err), LSTM_OK);
    assert_memory_equal(logits, expected, sizeof expected);
    backend->close(session);
    backend->unload(loaded);
    free(model.params);
    network_texts_free(&batch);
}

static void the_thread_keeps_the_device_it_had(void **state)
{
    (void)state;
    struct lstm_batch batch = small_batch();
    struct lstm_model model = small_model();
    struct lstm_error err;
    float logits[2 * TEXTS];
    int current = -1;
    assert_int_equal(cudaSetDevice(1), cudaSuccess);
    assert_int_equal(run(backend_of(0, LSTM_PRECISION_FP16), &model, &batch, logits, &err),
                     LSTM_OK);
    assert_int_equal(cudaGetDevice(&current), cudaSuccess);
    assert_int_equal(current, 1);
    assert_int_equal(cudaSetDevice(0), cudaSuccess);
    free(model.params);
    network_texts_free(&batch);
}

/* What a forked child finds; its exit status. */
static int child(const struct lstm_backend *backend, const struct lstm_model *model,
                 struct lstm_loaded *loaded, struct lstm_session *session,
                 const struct lstm_batch *batch)
{
    struct lstm_error err = { .text = "" };
    float logits[2 * TEXTS];
    struct lstm_loaded *other;
    const long calls = cuda_host_calls();
    if (backend->classify(session, batch, logits, &err) != LSTM_UNAVAILABLE)
        return 1;
    if (!strstr(err.text, "which then forked this one"))
        return 2;
    if (backend->load(model, &other, &err) != LSTM_UNAVAILABLE)
        return 3;
    backend->close(session);
    backend->unload(loaded);
    if (cuda_host_calls() != calls)
        return 4;
    return run(lstm_backend_cpu(NULL), model, batch, logits, &err) ? 5 : 0;
}

static void a_forked_child_is_told_and_leaves_cuda_alone(void **state)
{
    (void)state;
    struct lstm_batch batch = small_batch();
    struct lstm_model model = small_model();
    const struct lstm_backend *backend = backend_of(0, LSTM_PRECISION_FP16);
    struct lstm_error err;
    struct lstm_loaded *loaded;
    struct lstm_session *session;
    float logits[2 * TEXTS];
    int status = -1;
    assert_int_equal(backend->load(&model, &loaded, &err), LSTM_OK);
    assert_int_equal(backend->open(loaded, &session, &err), LSTM_OK);
    const pid_t forked = fork();
    if (forked == 0)
        _exit(child(backend, &model, loaded, session, &batch));
    assert_int_equal(waitpid(forked, &status, 0), forked);
    assert_int_equal(status, 0);
    assert_int_equal(backend->classify(session, &batch, logits, &err), LSTM_OK);
    backend->close(session);
    backend->unload(loaded);
    free(model.params);
    network_texts_free(&batch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_missing_is_said), /* first: what is found stays */
        cmocka_unit_test(a_device_is_described_and_its_backends_are_named),
        cmocka_unit_test(memory_stays_within_the_limit),
        cmocka_unit_test(the_thread_keeps_the_device_it_had),
        cmocka_unit_test(a_forked_child_is_told_and_leaves_cuda_alone),
        cmocka_unit_test(after_a_fault_of_the_device_the_reason_stays_and_the_cpu_works),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
