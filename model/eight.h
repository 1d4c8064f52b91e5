/* Eight bytes as one number, the first one lowest on every machine. */
#ifndef LSTM_EIGHT_H
#define LSTM_EIGHT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { LSTM_READ_BEHIND = 8 }; /* bytes behind the last that a load may read */
static const uint64_t LSTM_EACH_BYTE = 0x0101010101010101u;
static const uint64_t LSTM_HIGH_BITS = 0x8080808080808080u;

static inline uint64_t lstm_load8(const void *bytes)
{
    uint64_t eight;
    memcpy(&eight, bytes, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    eight = __builtin_bswap64(eight);
#endif
    return eight;
}

static inline void lstm_store8(void *bytes, uint64_t eight)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    eight = __builtin_bswap64(eight);
#endif
    memcpy(bytes, &eight, 8);
}

/* The first bytes, as many as are left (at least one), and zeros. Reads eight whatever is left. */
static inline uint64_t lstm_load_up_to_8(const void *bytes, size_t left)
{
    unsigned missing = left < 8 ? 64 - 8 * (unsigned)left : 0;
    return lstm_load8(bytes) << missing >> missing;
}

/* Which byte is the first whose high bit is set in bits, a part of LSTM_HIGH_BITS that is not 0. */
static inline size_t lstm_first_of_8(uint64_t bits)
{
    return (size_t)__builtin_ctzll(bits) / 8;
}

#endif
