#ifndef LSTM_CPU_SOURCE_H
#define LSTM_CPU_SOURCE_H

#include <stddef.h>
#include <stdint.h>

/* A text as the decoder sees it: the states of its tokens, in order. */
struct cpu_source {
    int32_t count;
    const int32_t *tokens;
    const float *states; /* count x 2 hidden */
    const float *keys;   /* count x alignment */
};

/* Floats of a vector over a source's tokens: kernels work on 16 at a time. */
static inline size_t cpu_source_width(int32_t count)
{
    return ((size_t)count + 15) / 16 * 16;
}

#endif
