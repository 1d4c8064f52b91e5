/* splitmix64 (Steele, Lea and Flood 2014): every draw is a hash of a counter, so a stream can start
 * anywhere. */
#ifndef TRAIN_RANDOM_H
#define TRAIN_RANDOM_H

#include <stdint.h>

static inline uint64_t random_mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static inline uint64_t random_next(uint64_t *state)
{
    return random_mix(*state += 0x9e3779b97f4a7c15u);
}

/* A stream of its own for each pair: random_stream(seed, step), random_stream(that, text), ... */
static inline uint64_t random_stream(uint64_t seed, uint64_t which)
{
    return random_mix(seed + 0x9e3779b97f4a7c15u * (which + 1));
}

/* Uniform in [0, 1) with 24 bits. */
static inline float random_float(uint64_t *state)
{
    return (float)(random_next(state) >> 40) * 0x1p-24f;
}

/* Uniform in 0 .. bound - 1 (Lemire 2019, without the rejection: biased by less than bound / 2^32).
 */
static inline uint32_t random_below(uint64_t *state, uint32_t bound)
{
    return (uint32_t)(((random_next(state) >> 32) * (uint64_t)bound) >> 32);
}

#endif
