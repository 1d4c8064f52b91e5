/* A plug-in without a device behind it. Number 0 works, and the others fail as real ones do. */
#include "model/backend.h"

#include <stdio.h>

static uint64_t memory_max;

enum { NEEDED_MB = 100 };

static enum lstm_status load(const struct lstm_model *model, struct lstm_loaded **loaded,
                             struct lstm_error *err)
{
    (void)model;
    if (memory_max >> 20 < NEEDED_MB) {
        *err = (struct lstm_error){ LSTM_NOMEM, "100 MB more than there are" };
        return LSTM_NOMEM;
    }
    *loaded = (struct lstm_loaded *)&memory_max;
    return LSTM_OK;
}

static void unload(struct lstm_loaded *loaded)
{
    (void)loaded;
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

/* No write: classifiers only. */
#define BACKEND(abi_number, backend_name)                                        \
    {                                                                            \
        .abi = abi_number, .name = backend_name, .load = load, .unload = unload, \
        .open = open_session, .close = close_session, .classify = classify       \
    }

static const struct lstm_backend backends[] = {
    BACKEND(LSTM_BACKEND_ABI, "fake"),
    BACKEND(LSTM_BACKEND_ABI, "fake-fp32"),
    BACKEND(999, "fake-999"),
};

static enum lstm_status open_backend(int32_t device, enum lstm_precision precision,
                                     const struct lstm_backend **backend, char *about,
                                     struct lstm_error *err)
{
    if (device == 9) {
        *err = (struct lstm_error){ LSTM_UNAVAILABLE, "there is no CUDA device in this machine" };
        return LSTM_UNAVAILABLE;
    }
    *backend = &backends[device == 5 ? 2 : precision == LSTM_PRECISION_FP32];
    snprintf(about, LSTM_ABOUT_SIZE, "device %d of a fake", device);
    return LSTM_OK;
}

static void limit(uint64_t bytes)
{
    memory_max = bytes;
}

extern const struct lstm_plugin lstm_plugin;
__attribute__((visibility("default"))) const struct lstm_plugin lstm_plugin = {
    .abi = LSTM_BACKEND_ABI, .open = open_backend, .limit = limit
};
