/* What a run of a statement has read ahead and not used yet. It is the run's own, so the cache
 * cannot lose it before it is used; its memory is on the cache's account.
 *
 * Slots lie in the order in which the look-ahead met their texts. The statement mostly comes to
 * them in that order too, and then finds each behind the one before, without a search. */
#ifndef EXT_RESULT_WINDOW_H
#define EXT_RESULT_WINDOW_H

#include "seen.h"

enum slot_state {
    SLOT_WAITING, /* the text is known, its result is not */
    SLOT_READY,
    SLOT_USED /* the statement came to it; kept for those that ask twice, and for look-aheads */
};

struct result_slot {
    struct fingerprint key;
    uint32_t at, size; /* of the result: in units of 8 bytes, in bytes */
    uint32_t state;    /* enum slot_state */
    uint32_t is_copy;  /* of what the cache had: nothing was scored for it */
};

/* Zero-initialise it; end it with result_window_clear. */
struct result_window {
    struct result_slot *slots; /* slot_count of room for them */
    uint32_t *places;     /* 2 * slot_count: 1 + the slot of a key that hashes there; 0: none */
    unsigned char *bytes; /* the results, each aligned to 8 */
    size_t slot_count, filled; /* slot_count: 0 or a power of two */
    size_t next;               /* the slot behind the one that was found last */
    size_t size, room;         /* of bytes */
    size_t held;               /* see result_cache_hold */
    size_t ready;              /* slots that are SLOT_READY */
    int is_full;               /* some slot or result found no memory */
};

/* NULL: the window does not have the key. Slots move when one is added. */
struct result_slot *result_window_find(struct result_window *window, const struct fingerprint *key);

/* Adds a slot, SLOT_WAITING, for a key that the window does not have: the last one. 0: no memory
 * for it. */
int result_window_add(struct result_window *window, const struct fingerprint *key);

/* Gives a slot that waits its result. 0: no memory for it. */
int result_window_set(struct result_window *window, size_t slot, const void *bytes, size_t size);

/* The bytes of a slot that is ready or used; valid until the next result_window_set. */
static inline const unsigned char *result_window_bytes(const struct result_window *window,
                                                       const struct result_slot *slot)
{
    return window->bytes + 8 * (size_t)slot->at;
}

/* Where the window has grown large, or found no memory, and most of it is not SLOT_READY, forgets
 * that; everything where there is no memory to keep the rest. What was used goes into seen. */
void result_window_renew(struct result_window *window, struct seen *seen);
void result_window_clear(struct result_window *window);

#endif
