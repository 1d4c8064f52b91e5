/* The texts that a run of a statement has come to, so that a look-ahead goes on behind them also
 * where their results have left the cache. 32 bits of each: behind a million texts one in four
 * thousand new ones is taken for seen, and scored when its turn comes. */
#ifndef EXT_SEEN_H
#define EXT_SEEN_H

#include "result_cache.h"

/* Zero-initialise it; end it with seen_clear. */
struct seen {
    uint32_t *marks; /* 0: free; a power of two of them, half full at most */
    size_t mark_count, filled;
    size_t forgotten; /* how often a text was added that there was no memory for */
};

void seen_add(struct seen *seen, const struct fingerprint *key);
int seen_has(const struct seen *seen, const struct fingerprint *key);
void seen_clear(struct seen *seen);

#endif
