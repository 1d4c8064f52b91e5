#include "tests/cuda_host/machine.h"
#include "tests/cuda_host/control.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

extern const struct lstm_plugin lstm_plugin;

const struct machine_path machine_paths[6] = {
    { "alone, of 32 units", MACHINE_SMALL, 16, LSTM_PRECISION_FP16, 1 },
    { "alone, of 64 units", MACHINE_LARGE, 64, LSTM_PRECISION_FP16, 0 },
    { "alone, of 128 units", MACHINE_SMALL, 112, LSTM_PRECISION_FP16, 0 },
    { "groups", MACHINE_LARGE, 160, LSTM_PRECISION_FP16, 0 },
    { "steps in fp16", MACHINE_SMALL, 160, LSTM_PRECISION_FP16, 0 },
    { "steps in fp32", MACHINE_LARGE, 48, LSTM_PRECISION_FP32, 1 },
};

/* Multiprocessors: two groups of each direction have 8192 threads, more than ThreadSanitizer takes.
 */
#ifdef __SANITIZE_THREAD__
enum { LARGE = 8, HAS_THREAD_SANITIZER = 1 };
#else
enum { LARGE = 16, HAS_THREAD_SANITIZER = 0 };
#endif

void machine_set_up(void)
{
    static const struct cuda_host_device devices[] = {
        [MACHINE_SMALL] = { 7, 5, 4, (size_t)1 << 30 },
        [MACHINE_LARGE] = { 9, 0, LARGE, (size_t)1 << 30 },
    };
    cuda_host_set_devices(devices, 2);
}

int machine_seeds(void)
{
    const char *seeds = getenv("CUDA_HOST_SEEDS");
    return seeds ? atoi(seeds) : 1;
}

int machine_is_short(void)
{
    return !getenv("CUDA_HOST_SEEDS");
}

int machine_is_slow(void)
{
    return HAS_THREAD_SANITIZER && machine_is_short();
}

const struct lstm_backend *machine_backend(int32_t device, enum lstm_precision precision)
{
    const struct lstm_backend *backend;
    struct lstm_error err = { .text = "" };
    char about[LSTM_ABOUT_SIZE];
    if (lstm_plugin.open(device, precision, &backend, about, &err))
        fail_msg("device %d: %s", device, err.text);
    return backend;
}

void machine_classify(const struct lstm_backend *backend, const struct lstm_model *model,
                      const struct lstm_batch *batch, float *logits)
{
    struct lstm_loaded *loaded = NULL;
    struct lstm_session *session = NULL;
    struct lstm_error err = { .text = "" };
    if (backend->load(model, &loaded, &err) || backend->open(loaded, &session, &err) ||
        backend->classify(session, batch, logits, &err))
        fail_msg("%s: %s", backend->name, err.text);
    backend->close(session);
    backend->unload(loaded);
}

double machine_error(const float *found, const float *expected, size_t count)
{
    double off = 0.0, all = 0.0;
    for (size_t i = 0; i < count; i++) {
        off += pow((double)found[i] - (double)expected[i], 2.0);
        all += pow((double)expected[i], 2.0);
    }
    return sqrt(off / all);
}

float machine_tolerance(enum lstm_precision precision)
{
    return precision == LSTM_PRECISION_FP16 ? 1e-2f : 1e-5f;
}
