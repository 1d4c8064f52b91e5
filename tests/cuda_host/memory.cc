/* Device memory and pinned host memory. */
#include "tests/cuda_host/device.h"
#include "tests/cuda_host/fiber.h"
#include "tests/cuda_host/guard.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

namespace cuda_host
{

namespace
{

constexpr size_t RANGE = size_t(4) << 30; /* of addresses; takes memory only where it is used */
constexpr size_t CHUNK = size_t(64) << 20, PAGE = 4096;
constexpr size_t ALIGN = 256; /* of cudaMalloc, and at least so much guard around */

struct allocation {
    char *at;
    size_t size;
    int device;
};

char *range;
size_t cursor; /* where the search for room begins: memory is not soon used again */
size_t high;   /* where the addresses begin that were never used */
std::vector<allocation> &allocations = *new std::vector<allocation>; /* sorted by address */
std::vector<allocation> &pinned = *new std::vector<allocation>;
size_t used[CUDA_HOST_DEVICES_MAX];
int working; /* nested */

struct sigaction before_us;

/* Says what it was, where it was our memory; the rest is for whoever was there before. */
void on_fault(int signal, siginfo_t *info, void *context)
{
    char text[160];
    int length = 0;
    if (memory_is_device(info->si_addr))
        length = snprintf(text, sizeof text,
                          "cuda_host: the host touched device memory at %p, %zu bytes before "
                          "the end of its allocation\n",
                          info->si_addr, memory_room(info->si_addr));
    else if (fiber_guards(info->si_addr))
        length = snprintf(text, sizeof text, "cuda_host: a CUDA thread's stack overflowed\n");
    if (length > 0 && write(STDERR_FILENO, text, static_cast<size_t>(length)) == length)
        abort();
    if (before_us.sa_flags & SA_SIGINFO)
        before_us.sa_sigaction(signal, info, context);
    else
        ::signal(signal, SIG_DFL); /* the access is tried again and ends the program */
}

/* Pages that nobody has written are all one file's, whose every byte is NEW_BYTE. */
int file_of_new_bytes()
{
    int file = memfd_create("new bytes", MFD_CLOEXEC);
    if (file < 0 || ftruncate(file, CHUNK))
        problem("no file for device memory");
    void *mapped = mmap(nullptr, CHUNK, PROT_WRITE, MAP_SHARED, file, 0);
    if (mapped == MAP_FAILED)
        problem("no memory for a file of %zu bytes", CHUNK);
    fill(static_cast<char *>(mapped), CHUNK, NEW_BYTE);
    munmap(mapped, CHUNK);
    return file;
}

void open_range()
{
    int file = file_of_new_bytes();
    void *addresses =
        mmap(nullptr, RANGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (addresses == MAP_FAILED)
        problem("no addresses for device memory");
    range = static_cast<char *>(addresses);
    for (size_t at = 0; at < RANGE; at += CHUNK)
        if (mmap(range + at, CHUNK, PROT_NONE, MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, file, 0) ==
            MAP_FAILED)
            problem("no mapping for device memory");
    close(file);
    struct sigaction action = {};
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigaction(SIGSEGV, &action, &before_us);
}

/* The pages between are new, since those of freed memory are given back. */
void fill_edges(char *at, size_t size)
{
    size_t begin = static_cast<size_t>(at - range), end = begin + size;
    size_t first = (begin + PAGE - 1) / PAGE * PAGE, last = end / PAGE * PAGE;
    if (last <= first) {
        fill(at, size, NEW_BYTE);
        return;
    }
    fill(at, first - begin, NEW_BYTE);
    fill(range + last, end - last, NEW_BYTE);
}

/* Of all addresses that were ever used. */
void protect(int how)
{
    if (high && mprotect(range, (high + CHUNK - 1) / CHUNK * CHUNK, how))
        problem("mprotect of device memory failed");
}

/* The first gap after an offset that has room with guards on both sides; RANGE: none. */
size_t find_gap(size_t from, size_t size)
{
    size_t at = from;
    for (const allocation &a : allocations) {
        size_t begin = static_cast<size_t>(a.at - range), end = begin + a.size;
        if (end + ALIGN <= at)
            continue;
        if (at + size + ALIGN <= begin)
            return at;
        at = std::max(at, (end + 2 * ALIGN - 1) / ALIGN * ALIGN);
    }
    return at + size + ALIGN <= RANGE ? at : RANGE;
}

const allocation *holder(const std::vector<allocation> &list, const void *at)
{
    for (const allocation &a : list)
        if (at >= a.at && at < a.at + a.size)
            return &a;
    return nullptr;
}

} // namespace

void *memory_allocate(size_t size)
{
    if (!range)
        open_range();
    if (size > device().memory || used[this_device] > device().memory - size)
        return nullptr;
    size_t offset = find_gap(cursor ? cursor : ALIGN, size);
    if (offset == RANGE)
        offset = find_gap(ALIGN, size);
    if (offset == RANGE)
        return nullptr;
    high = std::max(high, offset + size + 2 * ALIGN);
    device_works open;
    allocation a = { range + offset, size, this_device };
    auto place = std::find_if(allocations.begin(), allocations.end(),
                              [&a](const allocation &other) { return other.at > a.at; });
    allocations.insert(place, a);
    size_t padded = (size + ALIGN - 1) / ALIGN * ALIGN;
    guard_close(a.at - ALIGN, ALIGN);
    guard_close(a.at + size, padded - size + ALIGN);
    guard_open(a.at, size);
    fill_edges(a.at, size);
    guard_unwritten(a.at, size);
    cursor = offset + padded + ALIGN;
    used[this_device] += size;
    return a.at;
}

bool memory_free(void *at)
{
    auto found = std::find_if(allocations.begin(), allocations.end(),
                              [at](const allocation &a) { return a.at == at; });
    if (found == allocations.end())
        return false;
    device_works open;
    guard_poison(found->at, found->size);
    size_t begin = (static_cast<size_t>(found->at - range) + PAGE - 1) / PAGE * PAGE;
    size_t end = (static_cast<size_t>(found->at - range) + found->size) / PAGE * PAGE;
    if (end > begin) /* the addresses are not soon used again, the memory may be */
        madvise(range + begin, end - begin, MADV_DONTNEED);
    used[found->device] -= found->size;
    allocations.erase(found);
    return true;
}

size_t memory_used()
{
    return used[this_device];
}

long memory_count()
{
    return static_cast<long>(allocations.size() + pinned.size());
}

size_t memory_room(const void *at)
{
    const allocation *a = holder(allocations, at);
    return a ? static_cast<size_t>(a->at + a->size - static_cast<const char *>(at)) : 0;
}

int memory_owner(const void *at)
{
    const allocation *a = holder(allocations, at);
    return a ? a->device : -1;
}

bool memory_is_device(const void *at)
{
    return range && at >= range && at < range + RANGE;
}

bool memory_is_mapped(const void *at)
{
    uintptr_t page = reinterpret_cast<uintptr_t>(at) / 4096 * 4096;
    return page && !msync(reinterpret_cast<void *>(page), 4096, MS_ASYNC);
}

void memory_check()
{
    device_works open;
    for (const allocation &a : allocations)
        if (!guard_is_whole(a.at - ALIGN, ALIGN) || !guard_is_whole(a.at + a.size, ALIGN))
            problem("the device wrote outside an allocation of %zu bytes", a.size);
}

void *pinned_allocate(size_t size)
{
    char *at = static_cast<char *>(malloc(size ? size : 1));
    if (at) {
        memset(at, NEW_BYTE, size);
        if (__msan_poison)
            __msan_poison(at, size);
        pinned.push_back({ at, size, 0 });
    }
    return at;
}

bool pinned_free(void *at)
{
    auto found = std::find_if(pinned.begin(), pinned.end(),
                              [at](const allocation &a) { return a.at == at; });
    if (found == pinned.end())
        return false;
    pinned.erase(found);
    free(at);
    return true;
}

size_t pinned_room(const void *at)
{
    const allocation *a = holder(pinned, at);
    return a ? static_cast<size_t>(a->at + a->size - static_cast<const char *>(at)) : 0;
}

device_works::device_works()
{
    if (working++ == 0)
        protect(PROT_READ | PROT_WRITE);
}

device_works::~device_works()
{
    if (--working == 0)
        protect(PROT_NONE);
}

} // namespace cuda_host
