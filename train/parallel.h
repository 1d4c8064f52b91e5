/* Runs a function for parts 0 .. parts - 1 on at most so many threads and waits. What a part
 * computes must not depend on the thread it runs on; then the number of threads changes the time
 * and nothing else. */
#ifndef TRAIN_PARALLEL_H
#define TRAIN_PARALLEL_H

void parallel(int threads, int parts, void (*run)(void *arg, int part), void *arg);

int parallel_processors(void); /* that this process may use */

#endif
