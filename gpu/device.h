/* The devices of this process: each once, shared by everybody; how much of their memory is taken;
 * CUDA's errors as ours. */
#ifndef LSTM_GPU_DEVICE_H
#define LSTM_GPU_DEVICE_H

#include "gpu/plan.h"

#include <cuda_runtime_api.h>

enum { GPU_DEVICES_MAX = 8 };

struct gpu_device {
    int ordinal;
    struct gpu_traits traits;
    char about[LSTM_ABOUT_SIZE];
};

/* Starts CUDA on the device, if that has not been done. The device lasts as long as the process.
 * Errors: LSTM_UNAVAILABLE, LSTM_NOMEM. */
enum lstm_status gpu_device_find(int32_t ordinal, const struct gpu_device **device,
                                 struct lstm_error *err);

/* Whether this process has forked since CUDA was started: then every use fails, and nothing can be
 * given back, since a child has the driver's handles without its threads. */
int gpu_is_forked(void);

/* Around every use of a device: makes it the thread's, and gives the thread back the one it had,
 * since the thread is not ours. Errors: LSTM_UNAVAILABLE. Who gives something back goes on after an
 * error. */
enum lstm_status gpu_device_enter(const struct gpu_device *device, int *before,
                                  struct lstm_error *err);
void gpu_device_leave(int before);

/* Within enter and leave. Errors: LSTM_NOMEM with what is taken and what is allowed. */
enum lstm_status gpu_device_allocate(const struct gpu_device *device, size_t size, void **memory,
                                     struct lstm_error *err);
void gpu_device_free(const struct gpu_device *device, void *memory, size_t size); /* NULL is fine */

void gpu_device_limit(uint64_t bytes);

/* The status of a call, with the name of the function and CUDA's own words. */
enum lstm_status gpu_status(cudaError_t error, const char *call, struct lstm_error *err);

#define GPU_TRY(call)                              \
    do {                                           \
        if ((rc = gpu_status((call), #call, err))) \
            goto done;                             \
    } while (0)

#endif
