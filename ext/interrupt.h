/* Whether the user wants the running statement to end (Ctrl-C in the shell, sqlite3_interrupt, a
 * progress handler). */
#ifndef EXT_INTERRUPT_H
#define EXT_INTERRUPT_H

#include "sqlite.h"

#include <pthread.h>

struct interrupt {
    sqlite3 *db;
    pthread_t caller; /* the thread that is in the call */
    double ask_at;    /* when the question may be put again, by stats_clock */
};

struct interrupt interrupt_watch(sqlite3 *db);

/* A stop function as model/batch.h wants it; arg is a struct interrupt. Before SQLite 3.41 other
 * threads than the caller are always told 0. */
int interrupt_asked(void *arg);

#endif
