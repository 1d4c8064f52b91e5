#ifndef LSTM_BENCH_CORES_H
#define LSTM_BENCH_CORES_H

/* Binds this thread, the threads and processes that it starts from now on, and what it gives to
 * scoring, to the n-th processor (0: the first) of those that it may use. */
void cores_bind(int n);

#endif
