/* The rest of the runtime's API: devices, errors, memory, copies. */
#include "tests/cuda_host/device.h"
#include "tests/cuda_host/guard.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

using namespace cuda_host;

namespace
{

/* NVIDIA's own words. */
const struct {
    cudaError_t error;
    const char *name, *text;
} errors[] = {
#define ERROR(name, text) \
    {                     \
        name, #name, text \
    }
    ERROR(cudaSuccess, "no error"),
    ERROR(cudaErrorInvalidValue, "invalid argument"),
    ERROR(cudaErrorMemoryAllocation, "out of memory"),
    ERROR(cudaErrorInitializationError, "initialization error"),
    ERROR(cudaErrorInvalidConfiguration, "invalid configuration argument"),
    ERROR(cudaErrorInsufficientDriver,
          "CUDA driver version is insufficient for CUDA runtime version"),
    ERROR(cudaErrorInvalidMemcpyDirection, "invalid copy direction for memcpy"),
    ERROR(cudaErrorNoDevice, "no CUDA-capable device is detected"),
    ERROR(cudaErrorInvalidDevice, "invalid device ordinal"),
    ERROR(cudaErrorNoKernelImageForDevice,
          "no kernel image is available for execution on the device"),
    ERROR(cudaErrorInvalidResourceHandle, "invalid resource handle"),
    ERROR(cudaErrorIllegalState, "the operation cannot be performed in the present state"),
    ERROR(cudaErrorNotReady, "device not ready"),
    ERROR(cudaErrorIllegalAddress, "an illegal memory access was encountered"),
    ERROR(cudaErrorLaunchOutOfResources, "too many resources requested for launch"),
    ERROR(cudaErrorLaunchFailure, "unspecified launch failure"),
    ERROR(cudaErrorCooperativeLaunchTooLarge, "too many blocks in cooperative launch"),
    ERROR(cudaErrorNotSupported, "operation not supported"),
    ERROR(cudaErrorStreamCaptureUnsupported, "operation not permitted when stream is capturing"),
    ERROR(cudaErrorStreamCaptureInvalidated,
          "operation failed due to a previous error during capture"),
    ERROR(cudaErrorStreamCaptureMerge,
          "operation would result in a merge of separate capture sequences"),
    ERROR(cudaErrorStreamCaptureUnmatched, "capture was not ended in the same stream as it began"),
    ERROR(cudaErrorStreamCaptureUnjoined, "capturing stream has unjoined work"),
    ERROR(cudaErrorStreamCaptureIsolation,
          "dependency created on uncaptured work in another stream"),
    ERROR(cudaErrorStreamCaptureImplicit,
          "operation would make the legacy stream depend on a capturing blocking stream"),
    ERROR(cudaErrorCapturedEvent,
          "operation not permitted on an event last recorded in a capturing stream"),
#undef ERROR
};

} // namespace

const char *cudaGetErrorName(cudaError_t error)
{
    for (const auto &e : errors)
        if (e.error == error)
            return e.name;
    return "unrecognized error code";
}

const char *cudaGetErrorString(cudaError_t error)
{
    for (const auto &e : errors)
        if (e.error == error)
            return e.text;
    return "unrecognized error code";
}

cudaError_t cudaGetLastError(void)
{
    return last_error(true);
}

cudaError_t cudaPeekAtLastError(void)
{
    return last_error(false);
}

/* Devices */

cudaError_t cudaGetDeviceCount(int *count)
{
    ENTER;
    *count = device_count();
    return cudaSuccess;
}

cudaError_t cudaSetDevice(int ordinal)
{
    ENTER;
    NEED(ordinal >= 0 && ordinal < device_count(), cudaErrorInvalidDevice);
    this_device = ordinal;
    return cudaSuccess;
}

cudaError_t cudaGetDevice(int *ordinal)
{
    ENTER;
    *ordinal = this_device;
    return cudaSuccess;
}

cudaError_t cudaDeviceReset(void)
{
    entry call(__func__);
    forget_sticky_error();
    return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp *properties, int ordinal)
{
    ENTER;
    NEED(ordinal >= 0 && ordinal < device_count(), cudaErrorInvalidDevice);
    const cuda_host_device &d = device_at(ordinal);
    *properties = {};
    snprintf(properties->name, sizeof properties->name, "host emulation of a %d.%d", d.major,
             d.minor);
    properties->major = d.major;
    properties->minor = d.minor;
    properties->multiProcessorCount = d.multiprocessors;
    properties->totalGlobalMem = d.memory;
    properties->sharedMemPerBlock = 48 * 1024;
    properties->sharedMemPerBlockOptin = shared_bytes_max();
    properties->sharedMemPerMultiprocessor = shared_bytes_max() + 1024;
    properties->reservedSharedMemPerBlock = 1024;
    properties->regsPerBlock = properties->regsPerMultiprocessor = 65536;
    properties->warpSize = 32;
    properties->maxThreadsPerBlock = 1024;
    properties->maxThreadsPerMultiProcessor = 2048;
    properties->l2CacheSize = 4 << 20;
    properties->asyncEngineCount = 2;
    properties->concurrentKernels = 1;
    properties->cooperativeLaunch = 1;
    properties->unifiedAddressing = 1;
    return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int *value, cudaDeviceAttr attribute, int ordinal)
{
    cudaDeviceProp p;
    cudaError_t error = cudaGetDeviceProperties(&p, ordinal);
    if (error)
        return error;
    const struct {
        cudaDeviceAttr attribute;
        size_t value;
    } known[] = {
        { cudaDevAttrComputeCapabilityMajor, static_cast<size_t>(p.major) },
        { cudaDevAttrComputeCapabilityMinor, static_cast<size_t>(p.minor) },
        { cudaDevAttrMultiProcessorCount, static_cast<size_t>(p.multiProcessorCount) },
        { cudaDevAttrMaxSharedMemoryPerBlock, p.sharedMemPerBlock },
        { cudaDevAttrMaxSharedMemoryPerBlockOptin, p.sharedMemPerBlockOptin },
        { cudaDevAttrMaxSharedMemoryPerMultiprocessor, p.sharedMemPerMultiprocessor },
        { cudaDevAttrReservedSharedMemoryPerBlock, p.reservedSharedMemPerBlock },
        { cudaDevAttrMaxThreadsPerBlock, static_cast<size_t>(p.maxThreadsPerBlock) },
        { cudaDevAttrWarpSize, 32 },
        { cudaDevAttrL2CacheSize, static_cast<size_t>(p.l2CacheSize) },
        { cudaDevAttrCooperativeLaunch, 1 },
    };
    for (const auto &k : known)
        if (k.attribute == attribute) {
            *value = static_cast<int>(k.value);
            return cudaSuccess;
        }
    return failed(cudaErrorNotSupported);
}

cudaError_t cudaDeviceGetStreamPriorityRange(int *least, int *greatest)
{
    ENTER;
    *least = 0;
    *greatest = -5;
    return cudaSuccess;
}

/* These two work without a driver: it is how one learns that there is none. */
cudaError_t cudaRuntimeGetVersion(int *version)
{
    *version = CUDART_VERSION;
    return cudaSuccess;
}

cudaError_t cudaDriverGetVersion(int *version)
{
    *version = device_count() == CUDA_HOST_NO_DRIVER    ? 0
               : device_count() == CUDA_HOST_OLD_DRIVER ? 12020
                                                        : CUDART_VERSION;
    return cudaSuccess;
}

/* Memory */

cudaError_t cudaMalloc(void **at, size_t size)
{
    ENTER;
    NEED(!capture_refuses(), cudaErrorStreamCaptureUnsupported);
    *at = nullptr;
    if (!size)
        return cudaSuccess;
    *at = memory_allocate(size);
    NEED(*at, cudaErrorMemoryAllocation);
    return cudaSuccess;
}

cudaError_t cudaFree(void *at)
{
    ENTER;
    if (!at)
        return cudaSuccess;
    NEED(!capture_refuses(), cudaErrorStreamCaptureUnsupported);
    streams_finish();
    NEED(memory_free(at), cudaErrorInvalidValue);
    return cudaSuccess;
}

cudaError_t cudaHostAlloc(void **at, size_t size, unsigned)
{
    ENTER;
    NEED(!capture_refuses(), cudaErrorStreamCaptureUnsupported);
    *at = pinned_allocate(size);
    NEED(*at, cudaErrorMemoryAllocation);
    return cudaSuccess;
}

cudaError_t cudaMallocHost(void **at, size_t size)
{
    return cudaHostAlloc(at, size, cudaHostAllocDefault);
}

cudaError_t cudaFreeHost(void *at)
{
    ENTER;
    if (!at)
        return cudaSuccess;
    NEED(!capture_refuses(), cudaErrorStreamCaptureUnsupported);
    streams_finish();
    NEED(pinned_free(at), cudaErrorInvalidValue);
    return cudaSuccess;
}

cudaError_t cudaMemGetInfo(size_t *available, size_t *total)
{
    ENTER;
    *total = device().memory;
    *available = device().memory - memory_used();
    return cudaSuccess;
}

/* Copies */

namespace
{

bool reads_host(cudaMemcpyKind kind)
{
    return kind == cudaMemcpyHostToDevice;
}
bool writes_host(cudaMemcpyKind kind)
{
    return kind == cudaMemcpyDeviceToHost;
}

cudaError_t check_copy(const void *to, const void *from, size_t size, cudaMemcpyKind kind)
{
    if (kind != cudaMemcpyHostToDevice && kind != cudaMemcpyDeviceToHost &&
        kind != cudaMemcpyDeviceToDevice)
        return cudaErrorInvalidMemcpyDirection;
    if (memory_is_device(to) == writes_host(kind) || memory_is_device(from) == reads_host(kind))
        return cudaErrorInvalidValue;
    if ((!writes_host(kind) && memory_room(to) < size) ||
        (!reads_host(kind) && memory_room(from) < size))
        return cudaErrorInvalidValue;
    return cudaSuccess;
}

struct byte {
    char value;
};

/* What a copy to the device will read, as it was at the launch. */
struct snapshot {
    const char *from;
    std::vector<byte> bytes;
};
auto &waiting = *new std::vector<const snapshot *>; /* of copies that have not run */

bool is_waiting(const char *at, size_t size)
{
    return std::any_of(waiting.begin(), waiting.end(), [=](const snapshot *s) {
        return at < s->from + s->bytes.size() && s->from < at + size;
    });
}

std::shared_ptr<snapshot> snapshot_of(const void *from, size_t size)
{
    const byte *begin = static_cast<const byte *>(from);
    return std::make_shared<snapshot>(
        snapshot{ static_cast<const char *>(from), { begin, begin + size } });
}

/* The source must still be what it was at the launch. */
run_function prepare_upload(void *to, const void *from, size_t size)
{
    std::shared_ptr<snapshot> then = snapshot_of(from, size);
    waiting.push_back(then.get());
    return [=](const moments &before, moment *after) {
        if (memcmp(then->bytes.data(), from, size))
            problem("host memory at %p was changed before the copy of it to the device ran", from);
        waiting.erase(std::find(waiting.begin(), waiting.end(), then.get()));
        run_alone(
            "a copy", [=](alone) { memcpy(to, from, size); }, before, after);
    };
}

/* Until it has run, its target in host memory is garbage. */
run_function prepare_download(void *to, const void *from, size_t size, cudaMemcpyKind kind)
{
    if (writes_host(kind) && !is_waiting(static_cast<char *>(to), size))
        guard_new(static_cast<char *>(to), size);
    return [=](const moments &before, moment *after) {
        run_alone(
            "a copy", [=](alone) { memcpy(to, from, size); }, before, after);
    };
}

prepare_function copy_work(void *to, const void *from, size_t size, cudaMemcpyKind kind)
{
    return [=] {
        return reads_host(kind) ? prepare_upload(to, from, size)
                                : prepare_download(to, from, size, kind);
    };
}

} // namespace

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t size, cudaMemcpyKind kind,
                            cudaStream_t stream)
{
    ENTER;
    if (!size)
        return cudaSuccess;
    cudaError_t error = check_copy(to, from, size, kind);
    NEED(!error, error);
    const void *host = reads_host(kind) ? from : writes_host(kind) ? to : nullptr;
    if (host && pinned_room(host) < size)
        problem("an asynchronous copy of %zu bytes with host memory at %p that is not pinned", size,
                host);
    return failed(stream_add(stream, copy_work(to, from, size, kind)));
}

/* To the device it returns when the source is in a buffer of the driver: other streams that do not
 * wait for the default one may run before the data arrive. */
cudaError_t cudaMemcpy(void *to, const void *from, size_t size, cudaMemcpyKind kind)
{
    ENTER;
    NEED(!capture_refuses(), cudaErrorStreamCaptureUnsupported);
    if (!size)
        return cudaSuccess;
    cudaError_t error = check_copy(to, from, size, kind);
    NEED(!error, error);
    if (!reads_host(kind)) {
        error = stream_add(nullptr, copy_work(to, from, size, kind));
        return failed(error || !writes_host(kind) ? error : stream_finish(nullptr));
    }
    error = stream_finish(nullptr);
    NEED(!error, error);
    std::shared_ptr<snapshot> buffer = snapshot_of(from, size);
    auto run = [=](const moments &before, moment *after) {
        run_alone(
            "a copy", [=](alone) { memcpy(to, buffer->bytes.data(), size); }, before, after);
    };
    return failed(stream_add(nullptr, [run] { return run; }));
}

cudaError_t cudaMemsetAsync(void *at, int value, size_t size, cudaStream_t stream)
{
    ENTER;
    if (!size)
        return cudaSuccess;
    NEED(memory_room(at) >= size, cudaErrorInvalidValue);
    auto run = [=](const moments &before, moment *after) {
        run_alone(
            "a memset", [=](alone) { memset(at, value, size); }, before, after);
    };
    return failed(stream_add(stream, [run] { return run; }));
}

cudaError_t cudaMemset(void *at, int value, size_t size)
{
    return cudaMemsetAsync(at, value, size, nullptr);
}
