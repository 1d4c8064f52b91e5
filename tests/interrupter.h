/* A thread that presses Ctrl-C while a training run is under way. */
#ifndef LSTM_TESTS_INTERRUPTER_H
#define LSTM_TESTS_INTERRUPTER_H

#include <pthread.h>
#include <stdatomic.h>

struct interrupter {
    pthread_t thread;
    int milliseconds;
    atomic_int is_over;
};

/* From here on SIGINT is ignored, but for what a run installs; the signal comes so long after that.
 */
void interrupter_start(struct interrupter *interrupter, int milliseconds);

/* The run is over; whether it was or not, no signal comes any more. */
void interrupter_stop(struct interrupter *interrupter);

#endif
