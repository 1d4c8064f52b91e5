/* What one process gives to scoring, shared by all its connections. A change counts from the next
 * call on. Thread-safe. */
#ifndef LSTM_LIMITS_H
#define LSTM_LIMITS_H

#include <stddef.h>
#include <stdint.h>

enum { LSTM_THREADS_MAX = 64, LSTM_MEMORY_MB_MIN = 16, LSTM_MEMORY_MB_MAX = 1 << 20 };

struct lstm_limits {
    int32_t threads;   /* that one batch may use: 1..64; unless set the processors that this process
                          may run on */
    int32_t memory_mb; /* 16..: a quarter for the tables of input products, a quarter for the states
                          of tiles, half for the tokens of a call and what is made of them */
};

struct lstm_limits lstm_limits_get(void);

size_t lstm_limits_quarter(void); /* of the memory, in bytes */

/* Tokens of a list that may double once more: half of the memory, at so many bytes each. */
int32_t lstm_limits_tokens(int32_t bytes_a_token);

/* Returns 0, or -1 and changes nothing when a value is out of bounds. */
int lstm_limits_set(struct lstm_limits limits);

#endif
