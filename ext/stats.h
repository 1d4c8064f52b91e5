/* What a connection has done so far, for lstm_stats(). */
#ifndef EXT_STATS_H
#define EXT_STATS_H

#include "refusal.h"

#include <stdint.h>

struct stats {
    int64_t texts, batches; /* that a model was run on */
    int64_t batch_room;     /* sum over the batches of how many texts one could have held */
    int64_t alone;          /* of the texts: one by one, when their turn came */
    int64_t hits;           /* results that the cache had */
    int64_t ahead;          /* results that a look-ahead had brought */
    int64_t lookaheads;
    int64_t collected;               /* calls of our functions in them */
    int64_t wasted;                  /* texts scored ahead that nobody came to */
    double inference_s, lookahead_s; /* lookahead_s: without the inference within it */
    double vetting_s;                /* of the last statement */
    int64_t refusals[REFUSALS];
};

double stats_clock(void); /* monotonic, in seconds */

#endif
