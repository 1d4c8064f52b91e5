#include "parallel.h"
#include "limits.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>

struct crew {
    atomic_int next;
    int32_t parts;
    void (*run)(void *arg, int32_t part, int32_t worker);
    void *arg;
};

struct member {
    struct crew *crew;
    int32_t worker;
};

static void *work(void *p)
{
    const struct member *m = p;
    int32_t part;
    while ((part = atomic_fetch_add(&m->crew->next, 1)) < m->crew->parts)
        m->crew->run(m->crew->arg, part, m->worker);
    return NULL;
}

void lstm_parallel(int32_t threads, int32_t parts,
                   void (*run)(void *arg, int32_t part, int32_t worker), void *arg)
{
    struct crew crew = { .parts = parts, .run = run, .arg = arg };
    struct member members[LSTM_THREADS_MAX];
    pthread_t ids[LSTM_THREADS_MAX];
    sigset_t all, before;
    int32_t count = 1;
    threads = threads < parts ? threads : parts;
    threads = threads > LSTM_THREADS_MAX ? LSTM_THREADS_MAX : threads;
    members[0] = (struct member){ &crew, 0 };
    if (threads > 1) {
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before); /* a new thread starts with its maker's mask */
        for (; count < threads; count++) {
            members[count] = (struct member){ &crew, count };
            if (pthread_create(&ids[count], NULL, work, &members[count]))
                break; /* no thread to be had: the others do its parts */
        }
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    work(&members[0]);
    for (int32_t i = 1; i < count; i++)
        pthread_join(ids[i], NULL);
}
