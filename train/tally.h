/* Distinct strings and how often they were met. */
#ifndef TRAIN_TALLY_H
#define TRAIN_TALLY_H

#include <stddef.h>
#include <stdint.h>

struct tally_item {
    const char *bytes; /* not ours */
    int64_t count;     /* the caller's to add to */
    uint32_t size;
};

/* Zero-initialise it. Items are numbered 0, 1, 2 ... in the order in which they were first met. */
struct tally {
    struct tally_item *items;
    int32_t *slots; /* a hash table of item + 1; 0: empty */
    size_t count, capacity, slot_mask;
};

/* The number of a string, which is added with count 0 where it is new; then its bytes must stay as
 * long as the tally. -1: out of memory. */
int32_t tally_number(struct tally *tally, const char *bytes, size_t size);
void tally_free(struct tally *tally);

#endif
