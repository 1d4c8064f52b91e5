/* The host twin of gpu/arena.h: each piece lies alone between guarded bytes, and what the threads
 * ask for must be the same and within what the launch asked for. */
#ifndef LSTM_GPU_ARENA_H
#define LSTM_GPU_ARENA_H

#include <cstddef>

enum { ARENA_ALIGN = 16 };

template <typename T> constexpr size_t arena_bytes(size_t n)
{
    return (n * sizeof(T) + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
}

class Arena
{
  public:
    Arena()
    {
        simt_arena();
    }

    template <typename T> T *take(size_t n)
    {
        return static_cast<T *>(simt_piece(n * sizeof(T), arena_bytes<T>(n)));
    }
};

#endif
