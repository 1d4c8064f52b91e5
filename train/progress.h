/* What long work shows: a bar with rate, loss and time left when stderr is a terminal, a line an
 * epoch when not. */
#ifndef TRAIN_PROGRESS_H
#define TRAIN_PROGRESS_H

#include <stdint.h>

struct progress {
    const char *what;    /* "epoch 2/5" */
    int64_t done, total; /* units of work, in tokens */
    double loss;         /* NaN: not shown */
    double began;        /* progress_now() at the start */
    double shown;        /* when the bar was last drawn */
    int terminal;        /* stderr is a terminal */
};

double progress_now(void); /* monotonic seconds */
void progress_begin(struct progress *progress, const char *what, int64_t total);
/* done: units so far. Redraws at most ten times a second. */
void progress_step(struct progress *progress, int64_t done, double loss);
/* Clears the bar and writes one line: what, result, tokens/s, time. */
void progress_end(struct progress *progress, const char *result);

#endif
