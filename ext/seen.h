/* The texts that a run of a statement has come to, so that a look-ahead goes on behind them also
 * where their results have left the cache. 32 bits of each: behind a million texts one in four
 * thousand new ones is taken for seen, and scored when its turn comes. */
#ifndef EXT_SEEN_H
#define EXT_SEEN_H

#include "result_cache.h"

/* The last few texts: a row may ask for one of them by several functions. Zero-initialise it. */
enum { LATELY = 16 };
struct lately {
    uint32_t marks[LATELY];
};

/* Whether the text is one of them, as far as can be told; from now on it is. */
int lately_had(struct lately *lately, const struct fingerprint *key);

/* Zero-initialise it; end it with seen_clear. */
struct seen {
    uint32_t *marks; /* 0: free; a power of two of them, half full at most */
    size_t mark_count, filled;
    size_t forgotten;     /* texts that were added and that there was no memory for */
    struct lately lately; /* of these */
};

void seen_add(struct seen *seen, const struct fingerprint *key);
int seen_has(const struct seen *seen, const struct fingerprint *key);
void seen_clear(struct seen *seen);

#endif
