/* What one process gives to scoring, shared by all its connections. A change counts from the next
 * call on. Thread-safe. */
#ifndef LSTM_LIMITS_H
#define LSTM_LIMITS_H

#include <stdint.h>

enum { LSTM_THREADS_MAX = 64, LSTM_MEMORY_MB_MIN = 16, LSTM_MEMORY_MB_MAX = 1 << 20 };

struct lstm_limits {
    int32_t threads; /* that one batch may use: 1..64; the processors of this process unless set */
    int32_t memory_mb; /* tables of input products and the working memory of batches: 16.. */
};

struct lstm_limits lstm_limits_get(void);
/* Returns 0, or -1 and changes nothing when a value is out of bounds. */
int lstm_limits_set(struct lstm_limits limits);

#endif
