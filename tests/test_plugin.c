/* The plug-in with CUDA's backends, and devices by their names: with fakes from tests/plugins.
 * Order matters: what is opened stays open. */
#include "model/device.h"
#include "model/plugin.h"
#include "model/scorer.h"
#include "tests/networks.h"
#include "tests/plugin_fakes.h"
#include "tests/tiny_model.h"

#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void set_path(const char *path)
{
    struct lstm_error err = { .text = "" };
    if (lstm_plugin_set_path(path, &err))
        fail_msg("%s", err.text);
}

static void expect_text(const char *text, const char *expected)
{
    if (!strstr(text, expected))
        fail_msg("\"%s\" instead of \"%s\"", text, expected);
}

/* Within a fake's directory no lstm_cuda.so lies. */
static void without_a_plugin_the_reason_names_the_file_beside_us(void **state)
{
    (void)state;
    const struct lstm_plugin *plugin;
    struct lstm_device device;
    struct lstm_error err = { .text = "" };
    assert_int_equal(lstm_plugin_get(&plugin, &err), LSTM_UNAVAILABLE);
    assert_null(plugin);
    assert_int_equal(err.text[0], '/');
    expect_text(err.text, "/tests/lstm_cuda.so: No such file or directory");
    assert_int_equal(lstm_device_choose("cuda", &device, &err), LSTM_UNAVAILABLE);
    expect_text(err.text, "/tests/lstm_cuda.so: No such file or directory");
    assert_int_equal(lstm_device_choose("auto", &device, &err), LSTM_OK);
    assert_ptr_equal(device.backend, lstm_backend_cpu(NULL));
    expect_text(device.why, "/tests/lstm_cuda.so: No such file or directory");
    assert_int_equal(lstm_device_choose("cpu", &device, &err), LSTM_OK);
    assert_string_equal(device.why, "asked for by name");
}

static void what_is_no_plugin_is_refused_with_a_reason(void **state)
{
    (void)state;
    static const struct {
        const char *name, *reason;
    } cases[] = {
        { "absent", "absent.so: No such file or directory" },
        { "other", "other.so is no plug-in: it has no lstm_plugin" },
        { "old", "old.so has plug-in ABI 999, expected 2; build it with this extension" },
        { "needy", "cannot open shared object file" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct lstm_plugin *plugin;
        struct lstm_error err = { .text = "" };
        set_path(plugin_fake(cases[i].name));
        assert_int_equal(lstm_plugin_get(&plugin, &err), LSTM_UNAVAILABLE);
        assert_int_equal(err.status, LSTM_UNAVAILABLE);
        assert_null(plugin);
        expect_text(err.text, cases[i].reason);
        assert_int_equal(lstm_plugin_get(&plugin, NULL), LSTM_UNAVAILABLE);
    }
    set_path("");
}

static void a_path_that_is_not_absolute_is_refused(void **state)
{
    (void)state;
    char endless[2 * PATH_MAX];
    struct lstm_error err;
    const char *const cases[] = { "lstm_cuda.so", "./lstm_cuda.so", endless };
    memset(endless, '/', sizeof endless);
    endless[sizeof endless - 1] = '\0';
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(lstm_plugin_set_path(cases[i], &err), LSTM_RANGE);
        expect_text(err.text, "expected an absolute path of at most 4095 bytes");
    }
}

static void the_memory_of_devices_has_bounds(void **state)
{
    (void)state;
    static const struct {
        int64_t megabytes;
        const char *reason; /* NULL: fine */
    } cases[] = {
        { 63, "cuda_memory_mb is 63, expected 64 to 1048576" },
        { 1048577, "cuda_memory_mb is 1048577, expected 64 to 1048576" },
        { -1, "cuda_memory_mb is -1, expected 64 to 1048576" },
        { 64, NULL },
        { 1048576, NULL },
        { LSTM_DEVICE_MEMORY_MB, NULL },
    };
    struct lstm_error err;
    for (size_t i = 0; i < COUNT(cases); i++)
        if (cases[i].reason) {
            assert_int_equal(lstm_plugin_set_memory(cases[i].megabytes, &err), LSTM_RANGE);
            assert_string_equal(err.text, cases[i].reason);
        } else {
            assert_int_equal(lstm_plugin_set_memory(cases[i].megabytes, &err), LSTM_OK);
            assert_int_equal(lstm_plugin_memory(), cases[i].megabytes);
        }
}

static void devices_are_known_by_their_names(void **state)
{
    (void)state;
    static const struct {
        const char *name, *backend, *why; /* backend NULL: refused */
    } cases[] = {
        { "cuda", "fake", "device 0 of a fake" },
        { "cuda:0", "fake", "device 0 of a fake" },
        { "cuda:7", "fake", "device 7 of a fake" },
        { "cuda:99", "fake", "device 99 of a fake" },
        { "cuda-fp32", "fake-fp32", "device 0 of a fake" },
        { "cuda-fp32:1", "fake-fp32", "device 1 of a fake" },
        { "auto", "fake", "device 0 of a fake" },
        { "cuda:9", NULL, "there is no CUDA device in this machine" },
        { "cuda:8", NULL, "the NVIDIA driver is made for CUDA 12.2" },
        { "cuda:5", NULL, "backend fake-999 has ABI 999, expected 2" },
        { "cuda:", NULL, "there is no device \"cuda:\"; use \"auto\", \"cpu\", \"cuda\"" },
        { "cuda:100", NULL, "there is no device \"cuda:100\"" },
        { "cuda:1x", NULL, "there is no device \"cuda:1x\"" },
        { "cuda:-1", NULL, "there is no device \"cuda:-1\"" },
        { "cuda-fp16", NULL, "there is no device \"cuda-fp16\"" },
        { "cudaX", NULL, "there is no device \"cudaX\"" },
        { "CUDA", NULL, "there is no device \"CUDA\"" },
        { "", NULL, "there is no device \"\"" },
    };
    set_path(plugin_fake("working"));
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct lstm_device device;
        struct lstm_error err = { .text = "" };
        const enum lstm_status rc = lstm_device_choose(cases[i].name, &device, &err);
        assert_int_equal(rc, cases[i].backend ? LSTM_OK : LSTM_UNAVAILABLE);
        expect_text(rc ? err.text : device.why, cases[i].why);
        if (!rc)
            assert_string_equal(device.backend->name, cases[i].backend);
    }
}

static void an_open_plugin_stays(void **state)
{
    (void)state;
    const struct lstm_plugin *plugin, *again;
    struct lstm_error err = { .text = "" };
    set_path(plugin_fake("working")); /* the same one: nothing to do */
    assert_int_equal(lstm_plugin_get(&plugin, &err), LSTM_OK);
    assert_int_equal(lstm_plugin_set_path("", &err), LSTM_UNAVAILABLE);
    expect_text(err.text, "working.so is in use and stays until the process ends");
    assert_int_equal(lstm_plugin_get(&again, &err), LSTM_OK);
    assert_ptr_equal(plugin, again);
}

static struct lstm_scorer *open_scorer(const char *task, const char *device, struct lstm_error *err)
{
    const struct tiny_model tiny = { .task = task,
                                     .labels = strcmp(task, "summarize") ? "no yes" : NULL,
                                     .seed = 1 };
    struct lstm_scorer *scorer;
    size_t size;
    void *blob = tiny_model_write(&tiny, &size);
    (void)lstm_scorer_open(blob, size, device, &scorer, err);
    free(blob);
    return scorer;
}

static void a_scorer_scores_on_the_device_it_was_opened_for(void **state)
{
    (void)state;
    static const struct lstm_text texts[] = { { "good", 4 }, { "bad", 3 } };
    struct lstm_error err = { .text = "" };
    struct lstm_scorer *scorer = open_scorer("sentiment", "cuda", &err);
    struct lstm_worker *worker;
    float probabilities[4];
    int32_t tokens[2];
    if (!scorer)
        fail_msg("%s", err.text);
    assert_string_equal(lstm_scorer_device(scorer), "fake");
    expect_text(lstm_scorer_why(scorer), "device 0 of a fake");
    assert_int_equal(lstm_worker_open(scorer, &worker, &err), LSTM_OK);
    assert_int_equal(
        lstm_worker_classify(worker, texts, 2, NULL, NULL, probabilities, tokens, &err), LSTM_OK);
    assert_true(fabsf(probabilities[0] - 0.5f) < 1e-6f); /* as the fake says */
    assert_true(probabilities[2] > 0.6f);
    lstm_worker_close(worker);
    lstm_scorer_close(scorer);
}

static void what_a_device_cannot_do_fails_by_name_and_goes_to_the_cpu_by_auto(void **state)
{
    (void)state;
    static const struct {
        const char *task, *device, *backend, *why; /* backend NULL: refused */
        enum lstm_status status;
    } cases[] = {
        { "sentiment", "auto", "cpu-", "100 MB more than there are", LSTM_OK },
        { "sentiment", "cuda", NULL, "100 MB more than there are", LSTM_UNAVAILABLE },
        { "sentiment", "cpu", "cpu-", "asked for by name", LSTM_OK },
        { "sentiment", "cuda:9", NULL, "there is no CUDA device", LSTM_UNAVAILABLE },
        { "summarize", "auto", "cpu-", "the device fake writes no summaries", LSTM_OK },
        { "summarize", "cpu", "cpu-", "asked for by name", LSTM_OK },
        { "summarize", "cuda", NULL,
          "the device fake writes no summaries; use the device \"auto\" or \"cpu\"",
          LSTM_UNAVAILABLE },
        { "summarize", "tpu", NULL, "there is no device \"tpu\"", LSTM_UNAVAILABLE },
    };
    assert_int_equal(lstm_plugin_set_memory(LSTM_DEVICE_MEMORY_MB_MIN, NULL), LSTM_OK);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct lstm_error err = { .text = "" };
        struct lstm_scorer *scorer = open_scorer(cases[i].task, cases[i].device, &err);
        assert_int_equal(scorer != NULL, cases[i].backend != NULL);
        if (scorer)
            expect_text(lstm_scorer_device(scorer), cases[i].backend);
        else
            assert_int_equal(err.status, cases[i].status);
        expect_text(scorer ? lstm_scorer_why(scorer) : err.text, cases[i].why);
        lstm_scorer_close(scorer);
    }
    assert_int_equal(lstm_plugin_set_memory(LSTM_DEVICE_MEMORY_MB, NULL), LSTM_OK);
}

int main(int argc, char **argv)
{
    (void)argc;
    plugin_fakes_find(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_plugin_the_reason_names_the_file_beside_us),
        cmocka_unit_test(what_is_no_plugin_is_refused_with_a_reason),
        cmocka_unit_test(a_path_that_is_not_absolute_is_refused),
        cmocka_unit_test(the_memory_of_devices_has_bounds),
        cmocka_unit_test(devices_are_known_by_their_names),
        cmocka_unit_test(an_open_plugin_stays),
        cmocka_unit_test(a_scorer_scores_on_the_device_it_was_opened_for),
        cmocka_unit_test(what_a_device_cannot_do_fails_by_name_and_goes_to_the_cpu_by_auto),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
