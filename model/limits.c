#define _GNU_SOURCE /* sched_getaffinity */
#include "limits.h"

#include <sched.h>
#include <stdatomic.h>

enum { MEMORY_MB = 128 };

static _Atomic int32_t threads, memory_mb; /* 0: as it comes */

static int32_t processors(void)
{
    cpu_set_t mine;
    int count = sched_getaffinity(0, sizeof mine, &mine) ? 1 : CPU_COUNT(&mine);
    return count < 1 ? 1 : count > LSTM_THREADS_MAX ? LSTM_THREADS_MAX : count;
}

struct lstm_limits lstm_limits_get(void)
{
    int32_t set_threads = atomic_load(&threads), set_memory = atomic_load(&memory_mb);
    return (struct lstm_limits){ .threads = set_threads ? set_threads : processors(),
                                 .memory_mb = set_memory ? set_memory : MEMORY_MB };
}

int lstm_limits_set(struct lstm_limits limits)
{
    if (limits.threads < 1 || limits.threads > LSTM_THREADS_MAX ||
        limits.memory_mb < LSTM_MEMORY_MB_MIN || limits.memory_mb > LSTM_MEMORY_MB_MAX)
        return -1;
    atomic_store(&threads, limits.threads);
    atomic_store(&memory_mb, limits.memory_mb);
    return 0;
}

size_t lstm_limits_quarter(void)
{
    return (size_t)lstm_limits_get().memory_mb * (1 << 20) / 4;
}

/* A list that doubles may have twice as many. */
int32_t lstm_limits_tokens(int32_t bytes_a_token)
{
    const size_t tokens = lstm_limits_quarter() / (size_t)bytes_a_token;
    return tokens < INT32_MAX / 4 ? (int32_t)tokens : INT32_MAX / 4;
}
