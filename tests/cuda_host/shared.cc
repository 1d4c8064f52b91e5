#include "tests/cuda_host/shared.h"
#include "tests/cuda_host/device.h"
#include "tests/cuda_host/guard.h"
#include "tests/cuda_host/sanitizers.h"

#include <sys/mman.h>

namespace cuda_host
{

enum { SHARED_SIZE = 1 << 20, SHARED_ALIGN = 128, SHARED_GUARD = 128 };

void shared_memory::begin(size_t bytes)
{
    if (!memory) { /* no malloc: ThreadSanitizer would take it for a write of this thread */
        void *mapped = mmap(nullptr, SHARED_SIZE, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (mapped == MAP_FAILED)
            problem("no memory for a block's shared memory");
        memory = static_cast<char *>(mapped);
    }
    launched = bytes;
    counted_so_far = used = 0;
    parts.clear();
    guard_open(memory, SHARED_SIZE);
}

void *shared_memory::piece(size_t index, size_t bytes, size_t counted)
{
    if (index < parts.size()) {
        if (parts[index].bytes != bytes)
            problem("its piece %zu of shared memory is of %zu bytes, and another thread's of %zu",
                    index, bytes, parts[index].bytes);
        return parts[index].at;
    }
    counted_so_far += counted;
    if (counted_so_far > launched)
        problem("its pieces of shared memory come to %zu bytes, and the launch asked for %zu",
                counted_so_far, launched);
    char *at = memory + used + SHARED_GUARD;
    size_t end = used + SHARED_GUARD + bytes;
    size_t next = (end + SHARED_GUARD + SHARED_ALIGN - 1) / SHARED_ALIGN * SHARED_ALIGN;
    if (next + SHARED_GUARD > SHARED_SIZE)
        problem("%zu pieces of shared memory are more than the emulation has room for", index);
    guard_close(memory + used, SHARED_GUARD);
    guard_close(memory + end, next + SHARED_GUARD - end);
    guard_new(at, bytes);
    used = next;
    parts.push_back({ at, bytes });
    return at;
}

void shared_memory::check() const
{
    for (const part &p : parts)
        if (!guard_is_whole(p.at - SHARED_GUARD, SHARED_GUARD) ||
            !guard_is_whole(p.at + p.bytes, SHARED_GUARD))
            problem("a kernel wrote outside a piece of %zu bytes of shared memory", p.bytes);
}

} // namespace cuda_host
