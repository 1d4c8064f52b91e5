#define _GNU_SOURCE /* sched_setaffinity */
#include "tests/bench/cores.h"
#include "model/limits.h"
#include "tests/bench/race.h"

#include <sched.h>

void cores_bind(int n)
{
    cpu_set_t mine, one;
    size_t cpu = 0;
    race_check(sched_getaffinity(0, sizeof mine, &mine), "no processors");
    race_check(CPU_COUNT(&mine) <= n, "too few processors");
    for (;; cpu++)
        if (CPU_ISSET(cpu, &mine) && n-- == 0)
            break;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    race_check(sched_setaffinity(0, sizeof one, &one), "cannot be bound to one processor");
    struct lstm_limits limits = lstm_limits_get();
    limits.threads = 1;
    lstm_limits_set(limits);
}
