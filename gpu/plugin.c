/* What lstm_cuda.so exports: a backend for each device and precision. */
#include "gpu/session.h"

#include <stdio.h>

#define EXPORTED __attribute__((visibility("default")))

#define LOADER(precision, device)                                                            \
    static enum lstm_status load_##precision##_##device(                                     \
        const struct lstm_model *model, struct lstm_loaded **loaded, struct lstm_error *err) \
    {                                                                                        \
        return gpu_network_load(device, LSTM_PRECISION_##precision, model, loaded, err);     \
    }

#define DEVICE(device) LOADER(FP16, device) LOADER(FP32, device)

DEVICE(0)
DEVICE(1)
DEVICE(2)
DEVICE(3)
DEVICE(4)
DEVICE(5)
DEVICE(6)
DEVICE(7)

#define BACKEND(precision, device, backend_name)                                            \
    {                                                                                       \
        .abi = LSTM_BACKEND_ABI, .name = backend_name, .load = load_##precision##_##device, \
        .unload = gpu_network_unload, .open = gpu_session_open, .close = gpu_session_close, \
        .classify = gpu_session_classify, .write = gpu_session_write                        \
    }

#define BACKENDS(device)                                                                    \
    {                                                                                       \
        BACKEND(FP16, device, "cuda:" #device), BACKEND(FP32, device, "cuda-fp32:" #device) \
    }

static const struct lstm_backend backends[GPU_DEVICES_MAX][2] = {
    BACKENDS(0), BACKENDS(1), BACKENDS(2), BACKENDS(3),
    BACKENDS(4), BACKENDS(5), BACKENDS(6), BACKENDS(7),
};

static enum lstm_status open_backend(int32_t ordinal, enum lstm_precision precision,
                                     const struct lstm_backend **backend, char *about,
                                     struct lstm_error *err)
{
    const struct gpu_device *device;
    *backend = NULL;
    enum lstm_status rc = gpu_device_find(ordinal, &device, err);
    if (rc)
        return rc;
    snprintf(about, LSTM_ABOUT_SIZE, "%s", device->about);
    *backend = &backends[ordinal][precision == LSTM_PRECISION_FP32];
    return LSTM_OK;
}

EXPORTED extern const struct lstm_plugin lstm_plugin;
const struct lstm_plugin lstm_plugin = { .abi = LSTM_BACKEND_ABI,
                                         .open = open_backend,
                                         .limit = gpu_device_limit };
