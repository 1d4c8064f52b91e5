#include "result_window.h"

#include <stdlib.h>
#include <string.h>

static struct result_slot *place(struct result_slot *slots, size_t count,
                                 const struct fingerprint *key)
{
    size_t i = (size_t)key->high & (count - 1);
    while (slots[i].state != SLOT_FREE &&
           (slots[i].key.low != key->low || slots[i].key.high != key->high))
        i = (i + 1) & (count - 1);
    return &slots[i];
}

struct result_slot *result_window_find(const struct result_window *window,
                                       const struct fingerprint *key)
{
    if (!window->filled)
        return NULL;
    struct result_slot *slot = place(window->slots, window->slot_count, key);
    return slot->state == SLOT_FREE ? NULL : slot;
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

static int grow_slots(struct result_window *window)
{
    size_t count = window->slot_count ? 2 * window->slot_count : 64;
    size_t bytes = count * sizeof(struct result_slot);
    if (2 * (window->filled + 1) <= window->slot_count)
        return 1;
    if (!hold(window, bytes))
        return 0;
    struct result_slot *slots = calloc(count, sizeof *slots);
    if (!slots) {
        let_go(window, bytes);
        return 0;
    }
    for (size_t i = 0; i < window->slot_count; i++)
        if (window->slots[i].state != SLOT_FREE)
            *place(slots, count, &window->slots[i].key) = window->slots[i];
    free(window->slots);
    let_go(window, window->slot_count * sizeof(struct result_slot));
    window->slots = slots;
    window->slot_count = count;
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

struct result_slot *result_window_add(struct result_window *window, const struct fingerprint *key)
{
    if (!grow_slots(window))
        return NULL;
    struct result_slot *slot = place(window->slots, window->slot_count, key);
    *slot = (struct result_slot){ .key = *key, .state = SLOT_WAITING };
    window->filled++;
    return slot;
}

int result_window_set(struct result_window *window, const struct fingerprint *key,
                      const void *bytes, size_t size)
{
    struct result_slot *slot = result_window_find(window, key);
    size_t aligned = (size + 7) / 8 * 8;
    if (!slot || slot->state != SLOT_WAITING)
        return 0;
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

void result_window_renew(struct result_window *window)
{
    struct result_window old = *window;
    if (2 * old.ready > old.filled)
        return;
    *window = (struct result_window){ .slots = NULL };
    for (size_t i = 0; old.ready > 0 && i < old.slot_count; i++) {
        const struct result_slot *slot = &old.slots[i];
        if (slot->state == SLOT_READY &&
            (!result_window_add(window, &slot->key) ||
             !result_window_set(window, &slot->key, result_window_bytes(&old, slot), slot->size))) {
            result_window_clear(window);
            break;
        }
    }
    result_window_clear(&old);
}

void result_window_clear(struct result_window *window)
{
    free(window->slots);
    free(window->bytes);
    result_cache_let_go(window->held);
    *window = (struct result_window){ .slots = NULL };
}
