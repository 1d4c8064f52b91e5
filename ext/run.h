/* One run of a statement that calls us, from its first miss to its reset: what it was found to be,
 * how far it has come, what was read ahead for it. */
#ifndef EXT_RUN_H
#define EXT_RUN_H

#include "batch.h"
#include "seen.h"
#include "vet.h"

struct run {
    struct registry *registry; /* not ours */
    struct run *next, **link;  /* in registry->runs */

    int is_vetted;           /* the following are known */
    enum refusal refusal;    /* for good, unless REFUSED_NOT */
    sqlite3_stmt *statement; /* not ours */
    int writes;              /* so that the SELECT may come to its rows in another order */
    char *select;            /* the SELECT that is run ahead */
    char *expanded; /* the statement with the values of its parameters; NULL: it has none */
    struct vetted vetted;

    struct batch batch; /* of the look-ahead that is under way */
    struct result_window window;
    struct seen seen;
    size_t misses, consumed; /* consumed: texts that the statement came to */
    size_t wanted;           /* texts of the next look-ahead */
    size_t taken, used;      /* texts of the last one, and how many the statement has come to */
    size_t scored;           /* texts that were scored ahead and that it has not come to */
    size_t late;             /* misses since then */
    int met;                 /* the last one met texts that the statement had come to before */
    int was_cut;             /* it came to its end for want of time */
    int lookaheads, unused;  /* unused: how many of the last ones were in vain */
    int was_deferred;        /* it has been said that a look-ahead costs too much */

    double began;
    double alone_s, ahead_s, collect_s; /* collect_s: without inference */
    double last_collect_s;
    size_t alone_texts, ahead_texts, gained_texts;
};

/* The run that is calling; NULL where SQLite has none or there is no memory for its state. make: it
 * may be its first call. */
struct run *run_of(struct registry *registry, sqlite3_context *context, int make);

/* The statement came to a text. slot: of the window, if that has it. */
void run_consume(struct run *run, const struct fingerprint *key, struct result_slot *slot);

/* Whether a look-ahead is due, and of how many texts (run->wanted). */
int run_wants_lookahead(struct run *run);

/* Refuses, for good or (REFUSED_BUDGET) for now, and counts why. */
void run_refuse(struct run *run, enum refusal refusal);

/* The seconds that one text is scored faster in a batch than alone, as far as is known. */
double run_gain(const struct run *run);

/* The seconds that look-aheads may have taken in all. */
double run_allowance(const struct run *run);

#endif
