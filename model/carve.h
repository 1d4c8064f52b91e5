/* Hands out pieces of one block of memory, each on a cache line of its own. With a NULL block it
 * only counts. */
#ifndef LSTM_CARVE_H
#define LSTM_CARVE_H

#include <stddef.h>

struct carver {
    char *memory;
    size_t used;
};

static inline void *carve(struct carver *carver, size_t count, size_t size)
{
    void *piece = carver->memory ? carver->memory + carver->used : NULL;
    carver->used += (count * size + 63) / 64 * 64;
    return piece;
}

#endif
