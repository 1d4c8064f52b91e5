/* Hands out pieces of one block of memory, each on a cache line of its own. With a NULL block it
 * only counts. */
#ifndef LSTM_CARVE_H
#define LSTM_CARVE_H

#include <stddef.h>
#include <stdlib.h>

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

/* Makes the block at *memory hold at least need bytes; what was in it is lost where it grows.
 * Returns 0 where there is no memory: then it is NULL and *size 0. */
static inline int carve_reserve(void **memory, size_t *size, size_t need)
{
    if (need <= *size)
        return 1;
    free(*memory);
    *memory = malloc(need);
    *size = *memory ? need : 0;
    return *memory != NULL;
}

#endif
