/* Between the files of the host emulation. One lock is held in every CUDA call; a call that waits
 * runs the device's work itself. */
#ifndef CUDA_HOST_DEVICE_H
#define CUDA_HOST_DEVICE_H

#include <cuda_runtime_api.h>

#include "tests/cuda_host/control.h"

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace cuda_host
{

/* A fault of the code under test: says it, with the CUDA thread if one runs, and ends the program.
 */
[[noreturn]] void problem(const char *format, ...) __attribute__((format(printf, 1, 2)));

uint32_t choose(uint32_t below); /* drawn from the seed: 0 .. below - 1 */

const cuda_host_device &device_at(int ordinal);
int device_count();                  /* or why there is none, as in control.h */
extern thread_local int this_device; /* that the host thread has chosen */
inline const cuda_host_device &device()
{
    return device_at(this_device);
}
size_t shared_bytes_max(); /* of a block, for a kernel that has asked for more than 48 KiB */

/* Every entry of the API begins with one: takes the lock, counts the call, and is the error that
 * was ordered for it, or left by a sticky one. While it lives, ThreadSanitizer ignores what the
 * host thread does, since that is the driver's doing; what CUDA threads do it sees. */
struct entry {
    explicit entry(const char *name);
    ~entry();
    cudaError_t error;
    std::unique_lock<std::recursive_mutex> lock;
};
cudaError_t failed(cudaError_t error); /* remembers it for cudaGetLastError; returns it */
cudaError_t last_error(bool forget);
void forget_sticky_error(); /* as cudaDeviceReset does */
#define ENTER             \
    entry call(__func__); \
    if (call.error)       \
    return failed(call.error)
#define NEED(condition, error) \
    if (!(condition))          \
    return failed(error)

/* What has happened before what, for ThreadSanitizer: an address that work releases at its end and
 * what comes after acquires. */
struct moment {
    char address;
};
using moments = std::vector<std::shared_ptr<moment>>;
std::shared_ptr<moment> moment_now(); /* of the calling host thread */
void moments_acquire(const moments &before);

/* Memory of the device lies in one range that the host can touch only while the device works. */
void *memory_allocate(size_t size); /* NULL: not enough */
bool memory_free(void *at);         /* false: no allocation starts there */
size_t memory_used();
long memory_count();                   /* of allocations, pinned ones too */
size_t memory_room(const void *at);    /* bytes from here to the end of its allocation, 0: none */
int memory_owner(const void *at);      /* the device it was allocated on; -1: none */
bool memory_is_device(const void *at); /* within the range, allocated or not */
bool memory_is_mapped(const void *at); /* the host could read it */
void memory_check();                   /* that nothing was written around the allocations */

void *pinned_allocate(size_t size);
bool pinned_free(void *at);
size_t pinned_room(const void *at);

/* While it lives, the device works: its memory is open. */
struct device_works {
    device_works();
    ~device_works();
};

/* Work of a stream or a graph. Preparing is what happens when it is launched; it returns what
 * happens when it runs. before, after: what ThreadSanitizer acquires and releases. */
using run_function = std::function<void(const moments &before, moment *after)>;
using prepare_function = std::function<run_function()>;
cudaError_t stream_add(cudaStream_t stream, const prepare_function &prepare);
cudaError_t stream_finish(cudaStream_t stream); /* runs all of it; NULL: the default stream */
void streams_finish();
long stream_objects(); /* streams, events, graphs */
long cublas_objects(); /* handles */

/* What cannot be captured: an error, and the end of the captures that it disturbs. */
cudaError_t capture_refuses();

/* Runs one function as if it were a kernel of one thread: copies, and the products of cuBLAS. A
 * type of its own, so that it shares no template with code that is built with -fsanitize=thread. */
struct alone {
};
using alone_function = std::function<void(alone)>;
void run_alone(const char *what, const alone_function &work, const moments &before, moment *after);

} // namespace cuda_host

#endif
