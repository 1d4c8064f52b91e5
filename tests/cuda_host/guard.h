/* Bytes that nobody may touch, and bytes that nobody has written yet. Filled by an instruction,
 * since ThreadSanitizer would take memset for a write of the thread that runs. */
#ifndef CUDA_HOST_GUARD_H
#define CUDA_HOST_GUARD_H

#include "tests/cuda_host/sanitizers.h"

namespace cuda_host
{

enum { GUARD_BYTE = 0xee, NEW_BYTE = 0xff }; /* 0xff..: NaN in every float format, -1 in integers */

inline void fill(char *at, size_t size, int byte)
{
    asm volatile("rep stosb" : "+D"(at), "+c"(size) : "a"(byte) : "memory");
}

inline void guard_open(char *at, size_t size)
{
    if (__asan_unpoison_memory_region)
        __asan_unpoison_memory_region(at, size);
}

inline void guard_poison(char *at, size_t size)
{
    if (__asan_poison_memory_region)
        __asan_poison_memory_region(at, size);
}

inline void guard_close(char *at, size_t size)
{
    fill(at, size, GUARD_BYTE);
    if (__msan_unpoison)
        __msan_unpoison(at, size);
    guard_poison(at, size);
}

/* Bytes that hold NEW_BYTE already. */
inline void guard_unwritten(char *at, size_t size)
{
    guard_open(at, size);
    if (__msan_poison)
        __msan_poison(at, size);
}

inline void guard_new(char *at, size_t size)
{
    guard_open(at, size);
    fill(at, size, NEW_BYTE);
    guard_unwritten(at, size);
}

/* Under AddressSanitizer a write there has ended the program already. */
inline bool guard_is_whole(const char *at, size_t size)
{
    if (__asan_poison_memory_region)
        return true;
    int differs = 0; /* no early end: the loop is made of vectors */
    for (size_t i = 0; i < size; i++)
        differs |= at[i] ^ static_cast<char>(GUARD_BYTE);
    return !differs;
}

} // namespace cuda_host

#endif
