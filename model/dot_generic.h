/* Products of int8 numbers in plain C. A dot vocabulary has:
 *   DOT_OFFSET                        what a state is stored above its value
 *   dot_sums                          16 sums of int32
 *   dot_load_sums, dot_store_sums     from and to memory
 *   dot_weights, dot_load_weights     16 columns x 4 depths of weights, a column's four together
 *   dot_states, dot_load_states       4 states as they are stored, seen by every column
 *   dot_add(sums, states, weights)    sums + the 16 products of four, exactly
 */
#ifndef LSTM_DOT_GENERIC_H
#define LSTM_DOT_GENERIC_H

#include <stdint.h>
#include <string.h>

#define DOT_OFFSET 0

typedef struct {
    int32_t lane[16];
} dot_sums;
typedef struct {
    int8_t byte[64];
} dot_weights;
typedef struct {
    int8_t byte[4];
} dot_states;

static inline dot_sums dot_load_sums(const int32_t *p)
{
    dot_sums s;
    memcpy(&s, p, sizeof s);
    return s;
}

static inline void dot_store_sums(int32_t *p, dot_sums s)
{
    memcpy(p, &s, sizeof s);
}

static inline dot_weights dot_load_weights(const int8_t *p)
{
    dot_weights w;
    memcpy(&w, p, sizeof w);
    return w;
}

static inline dot_states dot_load_states(const uint8_t *p)
{
    dot_states s;
    memcpy(&s, p, sizeof s);
    return s;
}

static inline dot_sums dot_add(dot_sums s, dot_states a, dot_weights b)
{
    for (int i = 0; i < 16; i++)
        s.lane[i] += a.byte[0] * b.byte[4 * i] + a.byte[1] * b.byte[4 * i + 1] +
                     a.byte[2] * b.byte[4 * i + 2] + a.byte[3] * b.byte[4 * i + 3];
    return s;
}

#endif
