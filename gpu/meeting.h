/* Where the blocks of a group meet: each arrives once a round at a counter that starts at 0 and
 * only grows. Called by one thread of a block, between barriers of the block: what the block's
 * threads wrote before arriving is seen by the threads of every block that has waited for it. All
 * blocks of a group must be resident (a cooperative launch). */
#ifndef LSTM_GPU_MEETING_H
#define LSTM_GPU_MEETING_H

#include <cstdint>
#include <cuda/atomic>

__device__ inline void meeting_arrive(uint32_t *counter)
{
    cuda::atomic_ref<uint32_t, cuda::thread_scope_device> arrived(*counter);
    arrived.fetch_add(1, cuda::memory_order_release);
}

/* Waits until so many have arrived. Sleeping leaves the issue slots to the warps that compute. */
__device__ inline void meeting_await(uint32_t *counter, uint32_t count)
{
    cuda::atomic_ref<uint32_t, cuda::thread_scope_device> arrived(*counter);
    while (arrived.load(cuda::memory_order_acquire) < count)
        __nanosleep(20);
}

#endif
