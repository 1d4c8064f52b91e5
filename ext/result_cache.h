/* Results of the process, shared by its connections: what a model said of a text is found again by
 * a fingerprint of both, so that a text is scored once however often it comes. Bounded in bytes;
 * the oldest result goes first, but one that was asked for since it came counts as new once more.
 * Thread-safe.
 *
 * A result is bytes that its kind understands (kinds.h); none at all stands for SQL's NULL. */
#ifndef EXT_RESULT_CACHE_H
#define EXT_RESULT_CACHE_H

#include "siphash.h"

enum { CACHE_MB_DEFAULT = 64, CACHE_MB_MIN = 1, CACHE_MB_MAX = 1 << 20 };

/* A copy of one result, in memory that is used again. Zero-initialise it; free bytes. */
struct result {
    unsigned char *bytes; /* aligned as malloc aligns */
    size_t size, room;
};

/* Makes room for size bytes, and never leaves bytes NULL; 0: out of memory. */
int result_reserve(struct result *result, size_t size);

/* The key of all fingerprints: random, made when it is first asked for. */
struct siphash_key result_cache_key(void);

/* Copies the result; 0: it is not there, or there is no memory for the copy. */
int result_cache_find(const struct fingerprint *key, struct result *result);

/* Keeps copies of so many results, of those it can and does not have. */
struct keepsake {
    const struct fingerprint *key;
    const void *bytes;
    size_t size;
};
void result_cache_keep(const struct keepsake *results, int32_t count);

/* Bytes that somebody else holds on the cache's account, which makes way for them. 0: more than so
 * many eighths of the limit would be held in all; nothing is taken. */
enum { EIGHTHS_FOR_WINDOWS = 4, EIGHTHS_FOR_SEEN = 5 };
int result_cache_hold(size_t bytes, size_t eighths);
void result_cache_let_go(size_t bytes);

struct result_cache_state {
    size_t results, bytes; /* what the cache itself keeps */
    size_t held;           /* see result_cache_hold */
    size_t limit;          /* bytes */
};
struct result_cache_state result_cache_state(void);
void result_cache_limit(size_t bytes);

#endif
