#include "seen.h"

#include <stdlib.h>

static uint32_t mark_of(const struct fingerprint *key)
{
    uint32_t mark = (uint32_t)key->low;
    return mark ? mark : 1;
}

static uint32_t *place(uint32_t *marks, size_t count, uint32_t mark)
{
    size_t i = mark & (count - 1);
    while (marks[i] && marks[i] != mark)
        i = (i + 1) & (count - 1);
    return &marks[i];
}

static int grow(struct seen *seen)
{
    size_t count = seen->mark_count ? 2 * seen->mark_count : 256, bytes = count * sizeof(uint32_t);
    if (2 * (seen->filled + 1) <= seen->mark_count)
        return 1;
    if (bytes > result_cache_state().limit / 8 || !result_cache_hold(bytes, EIGHTHS_FOR_SEEN))
        return 0; /* windows need theirs */
    uint32_t *marks = calloc(count, sizeof *marks);
    if (!marks) {
        result_cache_let_go(bytes);
        return 0;
    }
    for (size_t i = 0; i < seen->mark_count; i++)
        if (seen->marks[i])
            *place(marks, count, seen->marks[i]) = seen->marks[i];
    free(seen->marks);
    result_cache_let_go(seen->mark_count * sizeof(uint32_t));
    seen->marks = marks;
    seen->mark_count = count;
    return 1;
}

int lately_had(struct lately *lately, const struct fingerprint *key)
{
    const uint32_t mark = mark_of(key);
    uint32_t *place = &lately->marks[mark % LATELY];
    const int had = *place == mark;
    *place = mark;
    return had;
}

void seen_add(struct seen *seen, const struct fingerprint *key)
{
    uint32_t mark = mark_of(key);
    if (seen_has(seen, key))
        return;
    if (!grow(seen)) {
        seen->forgotten += (size_t)!lately_had(&seen->lately, key);
        return;
    }
    *place(seen->marks, seen->mark_count, mark) = mark;
    seen->filled++;
}

int seen_has(const struct seen *seen, const struct fingerprint *key)
{
    return seen->filled > 0 && *place(seen->marks, seen->mark_count, mark_of(key)) != 0;
}

void seen_clear(struct seen *seen)
{
    free(seen->marks);
    result_cache_let_go(seen->mark_count * sizeof(uint32_t));
    *seen = (struct seen){ .marks = NULL };
}
