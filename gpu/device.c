#include "gpu/device.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { CAPABILITY_MIN = 75 }; /* the oldest that the kernels are compiled for */

#define MEGABYTES(bytes) ((unsigned long long)(bytes) >> 20)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of found and started */
static struct gpu_device devices[GPU_DEVICES_MAX];
static int is_found[GPU_DEVICES_MAX];
static _Atomic long started; /* the process that started CUDA; 0: none did */
static _Atomic uint64_t taken[GPU_DEVICES_MAX], limit = (uint64_t)4 << 30;

enum lstm_status gpu_status(cudaError_t error, const char *call, struct lstm_error *err)
{
    if (error == cudaSuccess)
        return LSTM_OK;
    (void)cudaGetLastError(); /* else the next one to ask would take it for his own */
    return lstm_fail(err, error == cudaErrorMemoryAllocation ? LSTM_NOMEM : LSTM_UNAVAILABLE,
                     "%.*s: %s (CUDA error %d)", (int)strcspn(call, "("), call,
                     cudaGetErrorString(error), (int)error);
}

int gpu_is_forked(void)
{
    const long process = atomic_load(&started);
    return process != 0 && process != (long)getpid();
}

static enum lstm_status check_fork(struct lstm_error *err)
{
    if (!gpu_is_forked())
        return LSTM_OK;
    return lstm_fail(err, LSTM_UNAVAILABLE,
                     "CUDA was started by process %ld, which then forked this one, where it cannot "
                     "be used; use the device \"cpu\" here, or fork before the first use",
                     atomic_load(&started));
}

static enum lstm_status count_devices(int *count, struct lstm_error *err)
{
    int driver = 0, runtime = 0;
    const cudaError_t error = cudaGetDeviceCount(count);
    if (error == cudaSuccess)
        return LSTM_OK;
    (void)cudaGetLastError();
    if (error == cudaErrorNoDevice)
        return lstm_fail(err, LSTM_UNAVAILABLE, "there is no CUDA device in this machine");
    if (error != cudaErrorInsufficientDriver)
        return gpu_status(error, "cudaGetDeviceCount", err);
    (void)cudaDriverGetVersion(&driver);
    (void)cudaRuntimeGetVersion(&runtime);
    if (driver == 0)
        return lstm_fail(err, LSTM_UNAVAILABLE, "there is no NVIDIA driver in this machine");
    return lstm_fail(err, LSTM_UNAVAILABLE,
                     "the NVIDIA driver is made for CUDA %d.%d, the plug-in needs CUDA %d.%d; "
                     "install a newer driver",
                     driver / 1000, driver % 1000 / 10, runtime / 1000, runtime % 1000 / 10);
}

static enum lstm_status describe(int32_t ordinal, struct gpu_device *device, struct lstm_error *err)
{
    enum lstm_status rc = LSTM_OK;
    struct cudaDeviceProp found;
    GPU_TRY(cudaGetDeviceProperties(&found, ordinal));
    if (10 * found.major + found.minor < CAPABILITY_MIN)
        return lstm_fail(err, LSTM_UNAVAILABLE,
                         "cuda:%d is a %s of compute capability %d.%d, at least %d.%d is needed",
                         ordinal, found.name, found.major, found.minor, CAPABILITY_MIN / 10,
                         CAPABILITY_MIN % 10);
    *device =
        (struct gpu_device){ .ordinal = ordinal,
                             .traits = { found.multiProcessorCount, found.cooperativeLaunch } };
    snprintf(device->about, sizeof device->about,
             "%.100s, compute capability %d.%d, %d multiprocessors, %llu MB", found.name,
             found.major, found.minor, found.multiProcessorCount, MEGABYTES(found.totalGlobalMem));
done:
    return rc;
}

static enum lstm_status find_locked(int32_t ordinal, struct lstm_error *err)
{
    int count = 0;
    enum lstm_status rc = check_fork(err);
    if (rc || is_found[ordinal])
        return rc;
    if ((rc = count_devices(&count, err)))
        return rc;
    atomic_store(&started, (long)getpid());
    if (ordinal >= count)
        return lstm_fail(err, LSTM_UNAVAILABLE, "there is no cuda:%d, this machine has %d device%s",
                         ordinal, count, count == 1 ? "" : "s");
    if (!(rc = describe(ordinal, &devices[ordinal], err)))
        is_found[ordinal] = 1;
    return rc;
}

enum lstm_status gpu_device_find(int32_t ordinal, const struct gpu_device **device,
                                 struct lstm_error *err)
{
    *device = NULL;
    if (ordinal < 0 || ordinal >= GPU_DEVICES_MAX)
        return lstm_fail(err, LSTM_UNAVAILABLE, "there is no cuda:%d, devices are 0 to %d", ordinal,
                         GPU_DEVICES_MAX - 1);
    pthread_mutex_lock(&lock);
    enum lstm_status rc = find_locked(ordinal, err);
    if (!rc)
        *device = &devices[ordinal];
    pthread_mutex_unlock(&lock);
    return rc;
}

enum lstm_status gpu_device_enter(const struct gpu_device *device, int *before,
                                  struct lstm_error *err)
{
    enum lstm_status rc = check_fork(err);
    *before = -1;
    if (rc)
        return rc;
    GPU_TRY(cudaGetDevice(before));
    GPU_TRY(cudaSetDevice(device->ordinal));
done:
    return rc;
}

void gpu_device_leave(int before)
{
    if (before >= 0)
        (void)cudaSetDevice(before); /* it was set before: there is nothing to say */
}

static enum lstm_status refuse(const struct gpu_device *device, size_t size, uint64_t others,
                               uint64_t allowed, struct lstm_error *err)
{
    return lstm_fail(
        err, LSTM_NOMEM,
        "%llu MB more of the memory of cuda:%d, %llu MB are taken and %llu MB allowed; "
        "raise cuda_memory_mb or use the device \"cpu\"",
        MEGABYTES(size), device->ordinal, MEGABYTES(others), MEGABYTES(allowed));
}

enum lstm_status gpu_device_allocate(const struct gpu_device *device, size_t size, void **memory,
                                     struct lstm_error *err)
{
    enum lstm_status rc = LSTM_OK;
    _Atomic uint64_t *sum = &taken[device->ordinal];
    const uint64_t others = atomic_fetch_add(sum, size), allowed = atomic_load(&limit);
    *memory = NULL;
    if (others + size > allowed)
        rc = refuse(device, size, others, allowed, err);
    else
        GPU_TRY(cudaMalloc(memory, size));
done:
    if (rc) {
        atomic_fetch_sub(sum, size);
        *memory = NULL;
    }
    return rc;
}

void gpu_device_free(const struct gpu_device *device, void *memory, size_t size)
{
    if (!memory)
        return;
    (void)cudaFree(
        memory); /* an error of the device has been or will be told by who waits for it */
    atomic_fetch_sub(&taken[device->ordinal], size);
}

void gpu_device_limit(uint64_t bytes)
{
    atomic_store(&limit, bytes);
}
