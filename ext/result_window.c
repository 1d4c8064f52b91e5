#include "result_window.h"

#include <stdlib.h>
#include <string.h>

static int is_same(const struct fingerprint *a, const struct fingerprint *b)
{
    return a->low == b->low && a->high == b->high;
}

/* Where a key is, or would be. */
static uint32_t *place(const struct result_window *window, const struct fingerprint *key)
{
    const size_t last = 2 * window->slot_count - 1;
    size_t i = (size_t)key->high & last;
    while (window->places[i] && !is_same(&window->slots[window->places[i] - 1].key, key))
        i = (i + 1) & last;
    return &window->places[i];
}

struct result_slot *result_window_find(struct result_window *window, const struct fingerprint *key)
{
    if (!window->filled)
        return NULL;
    if (window->next >= window->filled || !is_same(&window->slots[window->next].key, key)) {
        const uint32_t found = *place(window, key);
        if (!found)
            return NULL;
        window->next = found - 1;
    }
    return &window->slots[window->next++];
}

static int hold(struct result_window *window, size_t bytes)
{
    if (!result_cache_hold(bytes, EIGHTHS_FOR_WINDOWS))
        return 0;
    window->held += bytes;
    return 1;
}

static void let_go(struct result_window *window, size_t bytes)
{
    result_cache_let_go(bytes);
    window->held -= bytes;
}

/* Makes the places anew. */
static void place_all(struct result_window *window)
{
    memset(window->places, 0, 2 * window->slot_count * sizeof *window->places);
    for (size_t i = 0; i < window->filled; i++)
        *place(window, &window->slots[i].key) = (uint32_t)i + 1;
}

static int grow_slots(struct result_window *window)
{
    const size_t each = sizeof(struct result_slot) + 2 * sizeof(uint32_t);
    const size_t count = window->slot_count ? 2 * window->slot_count : 64;
    if (window->filled < window->slot_count)
        return 1;
    if (count > UINT32_MAX / 2 || !hold(window, count * each))
        return 0;
    struct result_slot *slots = malloc(count * each);
    if (!slots) {
        let_go(window, count * each);
        return 0;
    }
    if (window->filled > 0)
        memcpy(slots, window->slots, window->filled * sizeof *slots);
    free(window->slots);
    let_go(window, window->slot_count * each);
    window->slots = slots;
    window->places = (uint32_t *)(slots + count);
    window->slot_count = count;
    place_all(window);
    return 1;
}

static int grow_bytes(struct result_window *window, size_t size)
{
    size_t room = window->room ? window->room + window->room / 2 : 1024;
    if (window->bytes && size <= window->room - window->size)
        return 1;
    while (room - window->size < size)
        room *= 2;
    room = (room + 7) / 8 * 8;
    if (room / 8 > UINT32_MAX || !hold(window, room))
        return 0;
    unsigned char *bytes = realloc(window->bytes, room);
    let_go(window, bytes ? window->room : room);
    if (!bytes)
        return 0;
    window->bytes = bytes;
    window->room = room;
    return 1;
}

int result_window_add(struct result_window *window, const struct fingerprint *key)
{
    if (!grow_slots(window)) {
        window->is_full = 1;
        return 0;
    }
    window->slots[window->filled++] = (struct result_slot){ .key = *key, .state = SLOT_WAITING };
    *place(window, key) = (uint32_t)window->filled;
    return 1;
}

int result_window_set(struct result_window *window, size_t at, const void *bytes, size_t size)
{
    struct result_slot *slot = &window->slots[at];
    size_t aligned = (size + 7) / 8 * 8;
    if (size > UINT32_MAX - 7 || !grow_bytes(window, aligned)) {
        window->is_full = 1;
        return 0;
    }
    slot->at = (uint32_t)(window->size / 8);
    slot->size = (uint32_t)size;
    slot->state = SLOT_READY;
    if (size > 0)
        memcpy(window->bytes + window->size, bytes, size);
    window->size += aligned;
    window->ready++;
    return 1;
}

/* The results of the slots that are left, as they follow one another. 0: no memory for them. */
static int pack_bytes(struct result_window *window)
{
    struct result_window old = *window;
    window->bytes = NULL;
    window->size = window->room = 0;
    int fits = 1;
    for (size_t i = 0; fits && i < window->filled; i++) {
        struct result_slot *slot = &window->slots[i];
        const unsigned char *bytes = result_window_bytes(&old, slot);
        window->ready--;
        fits = result_window_set(window, i, bytes, slot->size);
    }
    free(old.bytes);
    let_go(window, old.room);
    return fits;
}

void result_window_renew(struct result_window *window, struct seen *seen)
{
    size_t kept = 0;
    const int is_small = !window->is_full && window->held < result_cache_state().limit / 8;
    if (is_small || 2 * window->ready > window->filled)
        return;
    for (size_t i = 0; i < window->filled; i++) {
        const struct result_slot *slot = &window->slots[i];
        if (slot->state == SLOT_USED)
            seen_add(seen, &slot->key);
        if (slot->state == SLOT_READY)
            window->slots[kept++] = *slot;
    }
    window->filled = kept;
    window->next = 0;
    window->is_full = 0;
    if (kept == 0)
        window->size = 0;
    else if (!pack_bytes(window))
        result_window_clear(window);
    if (window->slots)
        place_all(window);
}

void result_window_clear(struct result_window *window)
{
    free(window->slots);
    free(window->bytes);
    result_cache_let_go(window->held);
    *window = (struct result_window){ .slots = NULL };
}
