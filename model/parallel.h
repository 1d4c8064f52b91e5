/* Runs a function for parts 0 .. parts - 1 on at most so many threads and waits for all. The parts
 * are handed out in order, each to whoever is free; worker (0 .. threads - 1, 0 is the caller) says
 * whose working memory to use. What a part computes must not depend on the worker: then the number
 * of threads changes the time and nothing else. The threads live as long as the call, so there is
 * nothing to stop, to fork or to clean up; they take no signals. */
#ifndef LSTM_PARALLEL_H
#define LSTM_PARALLEL_H

#include <stdint.h>

void lstm_parallel(int32_t threads, int32_t parts,
                   void (*run)(void *arg, int32_t part, int32_t worker), void *arg);

#endif
