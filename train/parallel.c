#define _GNU_SOURCE /* sched_getaffinity */
#include "train/parallel.h"

#include <pthread.h>
#include <sched.h>

enum { THREADS_MAX = 64 };

struct share {
    int first, stride, parts;
    void (*run)(void *arg, int part);
    void *arg;
};

static void *run_share(void *p)
{
    const struct share *share = p;
    for (int part = share->first; part < share->parts; part += share->stride)
        share->run(share->arg, part);
    return NULL;
}

void parallel(int threads, int parts, void (*run)(void *arg, int part), void *arg)
{
    struct share shares[THREADS_MAX];
    pthread_t ids[THREADS_MAX];
    int started[THREADS_MAX] = { 0 };
    threads = threads < parts ? threads : parts;
    threads = threads < 1 ? 1 : threads > THREADS_MAX ? THREADS_MAX : threads;
    for (int i = 0; i < threads; i++)
        shares[i] = (struct share){ i, threads, parts, run, arg };
    for (int i = 1; i < threads; i++)
        started[i] = !pthread_create(&ids[i], NULL, run_share, &shares[i]);
    run_share(&shares[0]);
    for (int i = 1; i < threads; i++)
        if (started[i])
            pthread_join(ids[i], NULL);
        else
            run_share(&shares[i]); /* no thread to be had: slower, not different */
}

int parallel_processors(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) ? 1 : CPU_COUNT(&set);
}
