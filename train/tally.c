#include "tally.h"

#include "model/text.h"

#include <stdlib.h>
#include <string.h>

static int rehash(struct tally *t)
{
    size_t size = t->slots ? 2 * (t->slot_mask + 1) : 4096;
    int32_t *slots = calloc(size, sizeof *slots);
    if (!slots)
        return 0;
    for (size_t item = 0; item < t->count; item++) {
        size_t at = (size_t)lstm_piece_hash(t->items[item].bytes, t->items[item].size, 0);
        while (slots[at & (size - 1)])
            at++;
        slots[at & (size - 1)] = (int32_t)item + 1;
    }
    free(t->slots);
    t->slots = slots;
    t->slot_mask = size - 1;
    return 1;
}

int32_t tally_number(struct tally *t, const char *bytes, size_t size)
{
    if (2 * t->count >= t->slot_mask && !rehash(t))
        return -1;
    size_t at = (size_t)lstm_piece_hash(bytes, size, 0);
    for (; t->slots[at & t->slot_mask]; at++) {
        int32_t item = t->slots[at & t->slot_mask] - 1;
        if (t->items[item].size == size && !memcmp(t->items[item].bytes, bytes, size))
            return item;
    }
    if (t->count == t->capacity) {
        size_t capacity = t->capacity ? 2 * t->capacity : 1024;
        struct tally_item *items =
            capacity <= INT32_MAX ? realloc(t->items, capacity * sizeof *items) : NULL;
        if (!items)
            return -1;
        t->items = items;
        t->capacity = capacity;
    }
    t->items[t->count] = (struct tally_item){ bytes, 0, (uint32_t)size };
    t->slots[at & t->slot_mask] = (int32_t)++t->count;
    return (int32_t)t->count - 1;
}

void tally_free(struct tally *t)
{
    free(t->items);
    free(t->slots);
}
