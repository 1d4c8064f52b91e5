#include "result_cache.h"

#include "sqlite.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    struct fingerprint key;
    struct entry *next;  /* in its list of the table */
    struct entry *newer; /* by when they came, or were spared */
    uint32_t size;
    uint32_t was_asked; /* for, since then */
    unsigned char bytes[];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    struct entry **lists; /* a power of two */
    size_t list_count;
    struct entry *newest, *oldest;
    struct result_cache_state state;
} cache = { .state.limit = (size_t)CACHE_MB_DEFAULT << 20 };

static struct siphash_key key;
static pthread_once_t begun = PTHREAD_ONCE_INIT;

/* SQLite's generator only where the system has none: taking numbers from it would change what a
 * user's seeded random() gives. */
static void make_key(void)
{
    FILE *random = fopen("/dev/urandom", "rb");
    if (!random || fread(&key, sizeof key, 1, random) != 1)
        sqlite3_randomness(sizeof key, &key);
    if (random)
        fclose(random);
}

static void before_fork(void)
{
    pthread_mutex_lock(&lock);
}

static void after_fork(void)
{
    pthread_mutex_unlock(&lock);
}

/* A child of a process whose other threads are at work has a whole cache, and nobody in it. */
static void begin(void)
{
    make_key();
    pthread_atfork(before_fork, after_fork, after_fork);
}

struct siphash_key result_cache_key(void)
{
    pthread_once(&begun, begin);
    return key;
}

int result_reserve(struct result *result, size_t size)
{
    if (result->bytes && size <= result->room)
        return 1;
    unsigned char *bytes = realloc(result->bytes, size ? size : 1);
    if (!bytes)
        return 0;
    result->bytes = bytes;
    result->room = size;
    return 1;
}

static struct entry **list_of(const struct fingerprint *k)
{
    return &cache.lists[k->low & (cache.list_count - 1)];
}

static struct entry *find(const struct fingerprint *k)
{
    struct entry *e = cache.list_count ? *list_of(k) : NULL;
    while (e && (e->key.low != k->low || e->key.high != k->high))
        e = e->next;
    return e;
}

static void link_newest(struct entry *e)
{
    e->newer = NULL;
    e->was_asked = 0;
    *(cache.oldest ? &cache.newest->newer : &cache.oldest) = e;
    cache.newest = e;
}

/* What an entry costs: with its places in the table and malloc's own word. */
static size_t cost(size_t size)
{
    return sizeof(struct entry) + size + 4 * sizeof(void *);
}

/* The oldest one, unless somebody asked for it: that one counts as new again. */
static void drop_oldest(void)
{
    struct entry *e = cache.oldest;
    cache.oldest = e->newer;
    if (e->was_asked) {
        link_newest(e);
        return;
    }
    struct entry **link = list_of(&e->key);
    while (*link != e)
        link = &(*link)->next;
    *link = e->next;
    cache.state.results--;
    cache.state.bytes -= cost(e->size);
    free(e);
}

static void shrink(size_t coming)
{
    while (cache.oldest && cache.state.bytes + cache.state.held + coming > cache.state.limit)
        drop_oldest();
}

/* Doubles the table when it has half as many results as lists. It may stay as it is for want of
 * memory.
 */
static void grow_table(void)
{
    size_t count = cache.list_count ? 2 * cache.list_count : 1024;
    if (2 * cache.state.results < cache.list_count)
        return;
    struct entry **lists = calloc(count, sizeof(struct entry *));
    if (!lists)
        return;
    for (size_t i = 0; i < cache.list_count; i++)
        for (struct entry *e = cache.lists[i], *next; e; e = next) {
            struct entry **list = &lists[e->key.low & (count - 1)];
            next = e->next;
            e->next = *list;
            *list = e;
        }
    free(cache.lists);
    cache.lists = lists;
    cache.list_count = count;
}

int result_cache_find(const struct fingerprint *k, struct result *result)
{
    pthread_mutex_lock(&lock);
    struct entry *e = find(k);
    int is_found = e && result_reserve(result, e->size);
    if (is_found) {
        memcpy(result->bytes, e->bytes, e->size);
        result->size = e->size;
        e->was_asked = 1;
    }
    pthread_mutex_unlock(&lock);
    return is_found;
}

static void keep_locked(const struct keepsake *result)
{
    const size_t bytes = cost(result->size);
    grow_table();
    if (!cache.list_count || result->size > UINT32_MAX || find(result->key) ||
        bytes + cache.state.held > cache.state.limit)
        return;
    struct entry *e = malloc(sizeof *e + result->size);
    if (!e)
        return;
    shrink(bytes);
    struct entry **list = list_of(result->key);
    *e = (struct entry){ .key = *result->key, .next = *list, .size = (uint32_t)result->size };
    memcpy(e->bytes, result->bytes, result->size);
    *list = e;
    link_newest(e);
    cache.state.results++;
    cache.state.bytes += bytes;
}

/* The table is large and its places are random, so it is asked early for those that come. */
void result_cache_keep(const struct keepsake *results, int32_t count)
{
    enum { AHEAD = 8 };
    pthread_mutex_lock(&lock);
    for (int32_t i = 0; i < count; i++) {
        if (i + AHEAD < count && cache.list_count)
            __builtin_prefetch(list_of(results[i + AHEAD].key));
        keep_locked(&results[i]);
    }
    pthread_mutex_unlock(&lock);
}

int result_cache_hold(size_t bytes, size_t eighths)
{
    pthread_mutex_lock(&lock);
    size_t room = cache.state.limit / 8 * eighths;
    int fits = cache.state.held <= room && bytes <= room - cache.state.held;
    if (fits) {
        cache.state.held += bytes;
        shrink(0);
    }
    pthread_mutex_unlock(&lock);
    return fits;
}

void result_cache_let_go(size_t bytes)
{
    pthread_mutex_lock(&lock);
    cache.state.held -= bytes;
    pthread_mutex_unlock(&lock);
}

struct result_cache_state result_cache_state(void)
{
    pthread_mutex_lock(&lock);
    struct result_cache_state state = cache.state;
    pthread_mutex_unlock(&lock);
    return state;
}

void result_cache_limit(size_t bytes)
{
    pthread_mutex_lock(&lock);
    cache.state.limit = bytes;
    shrink(0);
    pthread_mutex_unlock(&lock);
}
