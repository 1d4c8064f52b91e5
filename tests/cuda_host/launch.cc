/* Launches: what a device refuses, and kernels as work of a stream. */
#include "tests/cuda_host/grid.h"
#include "tests/cuda_host/simt.h"

#include <dlfcn.h>
#include <vector>

using namespace cuda_host;

namespace
{

enum { SHARED_DEFAULT = 48 * 1024, SHARED_RESERVED = 1024, THREADS_MAX = 1024 };

struct function {
    const void *kernel;
    int shared_bytes; /* cudaFuncAttributeMaxDynamicSharedMemorySize */
};
std::vector<function> &functions = *new std::vector<function>;

function &function_of(const void *kernel)
{
    for (function &f : functions)
        if (f.kernel == kernel)
            return f;
    functions.push_back({ kernel, SHARED_DEFAULT });
    return functions.back();
}

const char *name_of(const void *kernel)
{
    Dl_info info;
    return dladdr(kernel, &info) && info.dli_sname ? info.dli_sname : "a kernel";
}

int threads_of_processor()
{
    return device().major == 7 || (device().major == 8 && device().minor) ? 1024 : 2048;
}

/* Registers, which bound it further on a device, are not known here. */
int blocks_of_processor(unsigned threads, size_t shared_bytes)
{
    int by_threads = threads_of_processor() / static_cast<int>((threads + 31) / 32 * 32);
    int by_memory =
        static_cast<int>((shared_bytes_max() + SHARED_RESERVED) / (shared_bytes + SHARED_RESERVED));
    return by_threads < by_memory ? by_threads : by_memory;
}

cudaError_t check_launch(const cudaLaunchConfig_t &config, const void *kernel, bool is_cooperative)
{
    const dim3 &grid = config.gridDim, &block = config.blockDim;
    uint64_t threads = static_cast<uint64_t>(block.x) * block.y * block.z;
    uint64_t blocks = static_cast<uint64_t>(grid.x) * grid.y * grid.z;
    if (!threads || threads > THREADS_MAX || block.z > 64 || !blocks || grid.x > INT32_MAX ||
        grid.y > 65535 || grid.z > 65535)
        return cudaErrorInvalidConfiguration;
    if (config.dynamicSmemBytes > static_cast<size_t>(function_of(kernel).shared_bytes))
        return cudaErrorInvalidValue;
    uint64_t room = static_cast<uint64_t>(device().multiprocessors) *
                    static_cast<uint64_t>(blocks_of_processor(static_cast<unsigned>(threads),
                                                              config.dynamicSmemBytes));
    if (is_cooperative && blocks > room)
        return cudaErrorCooperativeLaunchTooLarge;
    return cudaSuccess;
}

} // namespace

void simt_check_pointer(const void *pointer, int position)
{
    if (!pointer)
        return;
    const void *inside = memory_room(pointer) ? pointer : static_cast<const char *>(pointer) - 1;
    if (memory_room(inside)) { /* or past its end */
        if (memory_owner(inside) != this_device)
            problem("argument %d of a kernel, %p, is memory of device %d", position, pointer,
                    memory_owner(inside));
        return;
    }
    if (memory_is_device(pointer))
        problem("argument %d of a kernel, %p, is no memory that is allocated", position, pointer);
    problem("argument %d of a kernel, %p, is memory of the host", position, pointer);
}

/* What looks like a pointer is one: an address that is mapped, and no pair of small numbers, one of
 * which may be padding. The heaps of the sanitizers begin at such pairs. */
static bool looks_like_pointer(const void *word)
{
    constexpr uint32_t million = 1 << 20;
    const uintptr_t bits = reinterpret_cast<uintptr_t>(word);
    const uint32_t low = static_cast<uint32_t>(bits), high = static_cast<uint32_t>(bits >> 32);
    const bool is_address = (low >= million && low < -million) || (high >= 0x6000 && high < 0x7c00);
    return memory_is_device(word) || (is_address && memory_is_mapped(word));
}

void simt_check_words(const void *bytes, size_t size, int position)
{
    for (size_t at = 0; at + sizeof(void *) <= size; at += sizeof(void *)) {
        const void *word;
        memcpy(&word, static_cast<const char *>(bytes) + at, sizeof word);
        if (looks_like_pointer(word))
            simt_check_pointer(word, position);
    }
}

cudaError_t simt_launch(const cudaLaunchConfig_t *config, const simt_call &call)
{
    entry api("cudaLaunchKernelEx");
    if (api.error)
        return failed(api.error);
    bool is_cooperative = false;
    for (unsigned i = 0; i < config->numAttrs; i++) {
        if (config->attrs[i].id != cudaLaunchAttributeCooperative)
            return failed(cudaErrorNotSupported);
        is_cooperative = config->attrs[i].val.cooperative != 0;
    }
    cudaError_t error = check_launch(*config, call.kernel, is_cooperative);
    if (error)
        return failed(error);
    call.check(call.arguments.get());
    grid g = { name_of(call.kernel), config->gridDim, config->blockDim,    config->dynamicSmemBytes,
               is_cooperative,       call.invoke,     call.arguments.get() };
    auto run = [g, call](const moments &before, moment *after) {
        call.check(call.arguments.get());
        grid_run(g, before, after);
    };
    return failed(stream_add(config->stream, [run] { return run; }));
}

namespace cuda_host
{

void run_alone(const char *what, const alone_function &work, const moments &before, moment *after)
{
    auto invoke = [](void *p) { (*static_cast<const alone_function *>(p))({}); };
    grid g = {
        what, { 1, 1, 1 }, { 1, 1, 1 }, 0, false, invoke, const_cast<alone_function *>(&work)
    };
    grid_run(g, before, after);
}

} // namespace cuda_host

cudaError_t cudaFuncSetAttribute(const void *kernel, cudaFuncAttribute attribute, int value)
{
    ENTER;
    NEED(attribute == cudaFuncAttributeMaxDynamicSharedMemorySize, cudaErrorNotSupported);
    NEED(value >= 0 && static_cast<size_t>(value) <= shared_bytes_max(), cudaErrorInvalidValue);
    function_of(kernel).shared_bytes = value;
    return cudaSuccess;
}

cudaError_t cudaFuncGetAttributes(cudaFuncAttributes *attributes, const void *kernel)
{
    ENTER;
    *attributes = {};
    attributes->maxThreadsPerBlock = THREADS_MAX;
    attributes->maxDynamicSharedSizeBytes = function_of(kernel).shared_bytes;
    attributes->binaryVersion = 10 * device().major + device().minor;
    return cudaSuccess;
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, const void *kernel,
                                                          int threads, size_t shared_bytes)
{
    ENTER;
    NEED(threads > 0, cudaErrorInvalidValue);
    bool fits = threads <= THREADS_MAX &&
                shared_bytes <= static_cast<size_t>(function_of(kernel).shared_bytes);
    *blocks = fits ? blocks_of_processor(static_cast<unsigned>(threads), shared_bytes) : 0;
    return cudaSuccess;
}
