/* The shared memory of a block, handed out piece by piece. Every thread of the block takes the same
 * pieces in the same order and gets the same addresses; a launch asks for the sum of their sizes
 * (arena_bytes) as its dynamicSmemBytes. Kernels have no other shared memory: the host emulation
 * replaces this header by one of the same names that guards each piece. */
#ifndef LSTM_GPU_ARENA_H
#define LSTM_GPU_ARENA_H

#include <cstddef>

enum { ARENA_ALIGN = 16 }; /* bytes: pieces start at multiples of it, for vector loads */

/* What n elements of T take of a launch's shared memory, in bytes. */
template <typename T> __host__ __device__ constexpr size_t arena_bytes(size_t n)
{
    return (n * sizeof(T) + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
}

class Arena
{
  public:
    /* Room for n elements of T, uninitialised. */
    template <typename T> __device__ T *take(size_t n)
    {
        extern __shared__ __align__(ARENA_ALIGN) unsigned char arena_memory[];
        T *piece = reinterpret_cast<T *>(arena_memory + used);
        used += arena_bytes<T>(n);
        return piece;
    }

  private:
    size_t used = 0;
};

#endif
