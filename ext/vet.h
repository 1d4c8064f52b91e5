/* Whether a SELECT may be run ahead: only functions that can be called once more than the user
 * asked for, nothing that writes, no work without a bound. And in which way its rows come. */
#ifndef EXT_VET_H
#define EXT_VET_H

#include "refusal.h"
#include "sqlite.h"

struct vetted {
    int runs_to_end;   /* it calls us for all of its rows before it gives one, and stops at none */
    int aggregates;    /* it calls us for several rows before it gives one */
    int may_end_early; /* LIMIT, EXISTS and the like somewhere in it */
    int has_temporary; /* it sorts, or builds a table in passing */
};

/* *rc is the result code of what was run for it, which is not SQLITE_OK only with
 * REFUSED_PREPARE. */
enum refusal vet(sqlite3 *db, const char *select, struct vetted *vetted, int *rc);

#endif
