/* How kernels are launched: one function that owns the configuration. */
#ifndef LSTM_GPU_LAUNCH_H
#define LSTM_GPU_LAUNCH_H

#include <cuda_runtime.h>

struct Launch {
    cudaStream_t stream;
    dim3 blocks;
    unsigned threads;
    size_t shared; /* bytes, from arena_bytes; up to 48 KiB need no asking */
    bool is_cooperative;
};

template <typename... Expected, typename... Actual>
cudaError_t launch(const Launch &with, void (*kernel)(Expected...), Actual... arguments)
{
    cudaLaunchAttribute cooperative = {};
    cooperative.id = cudaLaunchAttributeCooperative;
    cooperative.val.cooperative = 1;
    cudaLaunchConfig_t config = {};
    config.gridDim = with.blocks;
    config.blockDim = dim3(with.threads);
    config.dynamicSmemBytes = with.shared;
    config.stream = with.stream;
    config.attrs = &cooperative;
    config.numAttrs = with.is_cooperative ? 1 : 0;
    return cudaLaunchKernelEx(&config, kernel, arguments...);
}

#endif
