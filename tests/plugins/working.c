/* A plug-in without a device behind it. Most numbers work; the others fail as real devices do. What
 * a device is in words tells how many models are loaded on all of them. */
#include "model/backend.h"

#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

enum { NEEDED_MB = 100, BUSY_MB = 101, OTHER_ABI = 5, LOST = 6, OLD_DRIVER = 8, NO_DEVICE = 9 };

static uint64_t memory_max;
static int busy; /* so many attempts to open a device fail; from BUSY_MB on */
static int models;
static pid_t started; /* the process that opened a device first; 0: none */

static enum lstm_status fail(struct lstm_error *err, enum lstm_status status, const char *text)
{
    if (err) {
        err->status = status;
        snprintf(err->text, sizeof err->text, "%s", text);
    }
    return status;
}

static enum lstm_status load(const struct lstm_model *model, struct lstm_loaded **loaded,
                             struct lstm_error *err)
{
    *loaded = NULL;
    if (model->sizes.hidden > 16)
        return fail(err, LSTM_MISMATCH, "the weight 70000 is beyond fp16; use \"cuda-fp32\"");
    if (memory_max >> 20 < NEEDED_MB)
        return fail(err, LSTM_NOMEM, "100 MB more than there are");
    *loaded = (struct lstm_loaded *)&memory_max;
    models++;
    return LSTM_OK;
}

static void unload(struct lstm_loaded *loaded)
{
    if (loaded)
        models--;
}

static enum lstm_status open_session(const struct lstm_loaded *loaded,
                                     struct lstm_session **session, struct lstm_error *err)
{
    (void)loaded, (void)err;
    *session = (struct lstm_session *)&memory_max;
    return LSTM_OK;
}

static void close_session(struct lstm_session *session)
{
    (void)session;
}

/* Logits that no network gives: those of text i are i and 0. */
static enum lstm_status classify(struct lstm_session *session, const struct lstm_batch *batch,
                                 float *logits, struct lstm_error *err)
{
    (void)session, (void)err;
    for (int32_t i = 0; i < batch->texts; i++) {
        logits[2 * i] = (float)i;
        logits[2 * i + 1] = 0.0f;
    }
    return LSTM_OK;
}

static enum lstm_status classify_lost(struct lstm_session *session, const struct lstm_batch *batch,
                                      float *logits, struct lstm_error *err)
{
    (void)session, (void)batch, (void)logits;
    return fail(err, LSTM_UNAVAILABLE,
                "cudaEventSynchronize: unspecified launch failure (CUDA error 719)");
}

/* No write: classifiers only. */
#define BACKEND(abi, name, classify)                                            \
    {                                                                           \
        abi, name, load, unload, open_session, close_session, classify, NULL, 0 \
    }

static const struct lstm_backend fp16 = BACKEND(LSTM_BACKEND_ABI, "fake", classify),
                                 fp32 = BACKEND(LSTM_BACKEND_ABI, "fake-fp32", classify),
                                 other = BACKEND(999, "fake-999", classify),
                                 lost = BACKEND(LSTM_BACKEND_ABI, "fake-lost", classify_lost);

static enum lstm_status open_backend(int32_t device, enum lstm_precision precision,
                                     const struct lstm_backend **backend, char *about,
                                     struct lstm_error *err)
{
    *backend = NULL;
    if (device == NO_DEVICE)
        return fail(err, LSTM_UNAVAILABLE, "there is no CUDA device in this machine");
    if (busy > 0 && busy--)
        return fail(err, LSTM_UNAVAILABLE, "the device is busy");
    if (device == OLD_DRIVER)
        return fail(err, LSTM_UNAVAILABLE, "the NVIDIA driver is made for CUDA 12.2");
    started = started ? started : getpid();
    if (started != getpid())
        return fail(err, LSTM_UNAVAILABLE, "CUDA was started by a process that then forked");
    *backend = device == OTHER_ABI                ? &other
               : device == LOST                   ? &lost
               : precision == LSTM_PRECISION_FP32 ? &fp32
                                                  : &fp16;
    snprintf(about, LSTM_ABOUT_SIZE, "device %d of a fake, models loaded: %d", device, models);
    return LSTM_OK;
}

static void limit(uint64_t bytes)
{
    memory_max = bytes;
    busy = bytes >> 20 == BUSY_MB ? 2 : 0;
}

extern const struct lstm_plugin lstm_plugin;
__attribute__((visibility("default"))) const struct lstm_plugin lstm_plugin = {
    .abi = LSTM_BACKEND_ABI, .open = open_backend, .limit = limit
};
