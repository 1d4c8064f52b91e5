/* Launching for the tests of the emulation: a grid of kernels, memory that gives itself back. */
#ifndef CUDA_HOST_SAMPLES_H
#define CUDA_HOST_SAMPLES_H

#include "gpu/arena.h"
#include "tests/cuda_host/control.h"

#include <cooperative_groups.h>
#include <cstdio>
#include <cstdlib>
#include <cuda_runtime.h>
#include <vector>

/* Ends the program where a call fails that should not. */
inline void need(cudaError_t error, SIMT_HERE)
{
    if (!error)
        return;
    fprintf(stderr, "%s:%d: %s\n", file, line, cudaGetErrorString(error));
    abort();
}

struct shape {
    dim3 blocks, threads;
    size_t shared_bytes;
    bool is_cooperative;
};

template <typename... Expected, typename... Actual>
cudaError_t launch(cudaStream_t stream, const shape &s, void (*kernel)(Expected...),
                   Actual... actual)
{
    cudaLaunchAttribute cooperative = {};
    cooperative.id = cudaLaunchAttributeCooperative;
    cooperative.val.cooperative = 1;
    cudaLaunchConfig_t config = {};
    config.gridDim = s.blocks;
    config.blockDim = s.threads;
    config.dynamicSmemBytes = s.shared_bytes;
    config.stream = stream;
    config.attrs = &cooperative;
    config.numAttrs = s.is_cooperative;
    return cudaLaunchKernelEx(&config, kernel, actual...);
}

/* n elements on the device. */
template <typename T> class device_array
{
  public:
    explicit device_array(size_t n) : count(n)
    {
        need(cudaMalloc(reinterpret_cast<void **>(&at), n * sizeof(T)));
    }
    explicit device_array(const std::vector<T> &values) : device_array(values.size())
    {
        need(cudaMemcpy(at, values.data(), count * sizeof(T), cudaMemcpyHostToDevice));
        need(cudaDeviceSynchronize());
    }
    device_array(const device_array &) = delete;
    ~device_array()
    {
        need(cudaFree(at));
    }
    std::vector<T> values() const /* when all streams are done */
    {
        std::vector<T> host(count);
        need(cudaDeviceSynchronize());
        need(cudaMemcpy(host.data(), at, count * sizeof(T), cudaMemcpyDeviceToHost));
        return host;
    }
    T *at;
    size_t count;
};

template <typename T> class pinned_array
{
  public:
    explicit pinned_array(size_t n)
    {
        need(cudaMallocHost(reinterpret_cast<void **>(&at), n * sizeof(T)));
    }
    pinned_array(const pinned_array &) = delete;
    ~pinned_array()
    {
        need(cudaFreeHost(at));
    }
    T *at;
};

struct stream {
    stream()
    {
        need(cudaStreamCreateWithFlags(&handle, cudaStreamNonBlocking));
    }
    stream(const stream &) = delete;
    ~stream()
    {
        need(cudaStreamDestroy(handle));
    }
    cudaStream_t handle;
};

struct event {
    event()
    {
        need(cudaEventCreateWithFlags(&handle, cudaEventDisableTiming));
    }
    event(const event &) = delete;
    ~event()
    {
        need(cudaEventDestroy(handle));
    }
    void between(const stream &first, const stream &then) const
    {
        need(cudaEventRecord(handle, first.handle));
        need(cudaStreamWaitEvent(then.handle, handle, 0));
    }
    cudaEvent_t handle;
};

inline std::vector<float> counting(size_t n) /* 0, 1, 2 ... */
{
    std::vector<float> values(n);
    for (size_t i = 0; i < n; i++)
        values[i] = static_cast<float>(i);
    return values;
}

#endif
