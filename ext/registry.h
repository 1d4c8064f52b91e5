/* What a connection has: the models it uses, its settings, its counters, the runs of statements
 * that are under way. One registry a connection: the user data of its functions, freed with the
 * last of them. SQLite lets one thread at a time into a connection, so nothing in here is locked.
 */
#ifndef EXT_REGISTRY_H
#define EXT_REGISTRY_H

#include "options.h"
#include "result_cache.h"
#include "settings.h"
#include "shared.h"
#include "stats.h"

enum {
    REGISTRY_MODELS_MAX = 8
}; /* models that a connection keeps for the next call; the least recently used goes */

/* A model as one connection uses it: the shared weights, and working memory of its own. */
struct bound {
    char name[MODEL_NAME_SIZE]; /* it was last asked for by */
    struct shared *shared;
    struct lstm_worker *worker; /* NULL until something is scored */
    int users;                  /* the registry's list and whoever bound it */
    struct bound *next;
};

struct run;
struct lookahead;

struct registry {
    sqlite3 *db;          /* not ours */
    int functions;        /* that hold it as their user data */
    int looking;          /* a look-up is under way */
    struct bound *models; /* the most recently used first */
    struct settings settings;
    struct stats stats;
    struct run *runs;            /* of statements under way */
    struct lookahead *lookahead; /* the one that is under way, or NULL */
    struct result result;        /* the last one that came out of the cache */
};

struct registry *registry_open(sqlite3 *db); /* NULL: out of memory. Has one holder */
void registry_hold(struct registry *registry);
void registry_release(void *registry);

/* Lets go of the models that are kept for the next call: they were loaded for a device that is no
 * longer the one. */
void registry_forget(struct registry *registry);

/* lookup_open, for the name in options. A table that has our functions in it could call them
 * while it is being read; that is refused. End it with registry_found, which passes rc on, or the
 * failure of ending. */
int registry_find(struct registry *registry, const struct options *options, struct found *found,
                  struct failure *failure);
int registry_found(struct registry *registry, struct found *found, int rc, struct failure *failure);

/* Binds the model that options name. The caller gives it back with bound_release. */
int registry_bind(struct registry *registry, const struct options *options, struct bound **model,
                  struct failure *failure);

void bound_release(void *model);

/* The working memory, made when it is first needed. */
int bound_worker(struct bound *model, struct lstm_worker **worker, struct failure *failure);

#endif
