/* A model's weights on a device: uploaded once, shared by all sessions, never written again. */
#ifndef LSTM_GPU_NETWORK_H
#define LSTM_GPU_NETWORK_H

#include "gpu/device.h"

struct lstm_loaded {
    const struct gpu_device *device; /* not ours */
    struct gpu_plan plan;
    struct gpu_weights_at at;
    char *memory; /* of the device */
};

/* The model is not needed after the call. Errors: LSTM_MISMATCH for weights beyond fp16,
 * LSTM_NOMEM, LSTM_UNAVAILABLE. On error *loaded is NULL. */
enum lstm_status gpu_network_load(int32_t ordinal, enum lstm_precision precision,
                                  const struct lstm_model *model, struct lstm_loaded **loaded,
                                  struct lstm_error *err);
void gpu_network_unload(struct lstm_loaded *loaded); /* NULL is fine */

#endif
