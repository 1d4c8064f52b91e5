/* The seed, the device, the errors that a test orders. */
#include "tests/cuda_host/device.h"
#include "tests/cuda_host/grid.h"
#include "tests/cuda_host/sanitizers.h"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace cuda_host
{

namespace
{

uint64_t random_state;

struct fault {
    const char *name; /* NULL: any */
    long nth;
    cudaError_t error;
    bool is_sticky;
} fault;

cudaError_t stuck; /* after a sticky error */
long calls;
thread_local cudaError_t last;

std::recursive_mutex &device_lock()
{
    static std::recursive_mutex lock;
    return lock;
}

long from_environment(const char *name, long otherwise)
{
    const char *value = getenv(name);
    return value ? strtol(value, nullptr, 10) : otherwise;
}

struct machine {
    cuda_host_device devices[CUDA_HOST_DEVICES_MAX];
    int count;
};

machine machine_at_start()
{
    cuda_host_device d = cuda_host_default_device;
    long cc = from_environment("CUDA_HOST_CC", 10 * d.major + d.minor);
    d.major = static_cast<int>(cc / 10);
    d.minor = static_cast<int>(cc % 10);
    d.multiprocessors = static_cast<int>(from_environment("CUDA_HOST_PROCESSORS", 4));
    random_state = static_cast<uint64_t>(from_environment("CUDA_HOST_SEED", 1));
    return { { d }, 1 };
}

machine here = machine_at_start();

cudaError_t error_of_call(const char *name)
{
    calls++;
    if (fault.nth && (!fault.name || !strcmp(fault.name, name)) && --fault.nth == 0) {
        if (fault.is_sticky)
            stuck = fault.error;
        return fault.error;
    }
    if (here.count <= 0)
        return here.count ? cudaErrorInsufficientDriver : cudaErrorNoDevice;
    return stuck;
}

} // namespace

thread_local int this_device;

const cuda_host_device &device_at(int ordinal)
{
    return here.devices[ordinal];
}

int device_count()
{
    return here.count;
}

void problem(const char *format, ...)
{
    char where[256], text[512];
    grid_where(where, sizeof where);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fprintf(stderr, "cuda_host: %s%s\n", where, text);
    abort();
}

/* SplitMix64 (Steele, Lea and Flood 2014) */
uint32_t choose(uint32_t below)
{
    uint64_t z = (random_state += 0x9e3779b97f4a7c15u);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return static_cast<uint32_t>(((z ^ z >> 31) >> 32) * below >> 32);
}

/* As of the real devices of this capability (CUDA C++ Programming Guide, "Technical
 * Specifications per Compute Capability"). */
size_t shared_bytes_max()
{
    const cuda_host_device &d = device();
    size_t kib = d.major >= 12  ? 99
                 : d.major >= 9 ? 227
                 : d.major < 8  ? 64
                 : d.minor == 0 ? 163
                                : 99;
    return kib * 1024;
}

entry::entry(const char *name) : lock(device_lock())
{
    error = error_of_call(name);
    if (AnnotateIgnoreReadsBegin) {
        AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
        AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
    }
}

entry::~entry()
{
    if (AnnotateIgnoreReadsEnd) {
        AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
        AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
    }
}

cudaError_t failed(cudaError_t error)
{
    if (error)
        last = error;
    return error;
}

cudaError_t last_error(bool forget)
{
    cudaError_t error = stuck ? stuck : last;
    if (forget)
        last = cudaSuccess;
    return error;
}

void forget_sticky_error()
{
    stuck = cudaSuccess;
}

std::shared_ptr<moment> moment_now()
{
    auto now = std::make_shared<moment>();
    if (__tsan_release)
        __tsan_release(now.get());
    return now;
}

void moments_acquire(const moments &before)
{
    if (__tsan_acquire)
        for (const std::shared_ptr<moment> &c : before)
            __tsan_acquire(c.get());
}

} // namespace cuda_host

using namespace cuda_host;

const cuda_host_device cuda_host_default_device = { 9, 0, 4, size_t(1) << 30 };

void cuda_host_seed(uint64_t seed)
{
    random_state = seed;
}

void cuda_host_set_devices(const cuda_host_device *devices, int count)
{
    here.count = count;
    for (int i = 0; i < count; i++)
        here.devices[i] = devices[i];
}

void cuda_host_fail(const char *name, long nth, int error, int is_sticky)
{
    fault = { name, nth, static_cast<cudaError_t>(error), is_sticky != 0 };
    stuck = cudaSuccess;
}

long cuda_host_calls(void)
{
    return calls;
}

long cuda_host_objects(void)
{
    return memory_count() + stream_objects() + cublas_objects();
}
