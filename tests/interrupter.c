#include "tests/interrupter.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void wait_ms(int milliseconds)
{
    nanosleep(&(struct timespec){ .tv_sec = milliseconds / 1000,
                                  .tv_nsec = milliseconds % 1000 * 1000000L },
              NULL);
}

static int is_ignored(void)
{
    struct sigaction now;
    return sigaction(SIGINT, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
}

static void *interrupt(void *p)
{
    struct interrupter *interrupter = p;
    while (is_ignored() && !interrupter->is_over)
        wait_ms(1);
    wait_ms(interrupter->milliseconds);
    kill(getpid(), SIGINT);
    return NULL;
}

void interrupter_start(struct interrupter *interrupter, int milliseconds)
{
    signal(SIGINT, SIG_IGN);
    interrupter->milliseconds = milliseconds;
    interrupter->is_over = 0;
    if (pthread_create(&interrupter->thread, NULL, interrupt, interrupter))
        abort();
}

void interrupter_stop(struct interrupter *interrupter)
{
    interrupter->is_over = 1;
    pthread_join(interrupter->thread, NULL); /* a signal that comes now is ignored */
    signal(SIGINT, SIG_DFL);
}
