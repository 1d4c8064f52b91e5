/* The cache of results and the windows that hold memory on its account. */
#include "ext/result_cache.h"
#include "ext/result_window.h"
#include "ext/seen.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct fingerprint key_of(uint64_t number)
{
    struct siphash hash = siphash_begin((struct siphash_key){ 1, 2 });
    siphash_add(&hash, &number, sizeof number);
    return siphash_end(hash);
}

static void keep(uint64_t number)
{
    struct fingerprint key = key_of(number);
    result_cache_keep(&(struct keepsake){ &key, &number, sizeof number }, 1);
}

/* -1: not there; 0: another result. */
static int has(uint64_t number)
{
    struct fingerprint key = key_of(number);
    struct result result = { .bytes = NULL };
    int is_there = result_cache_find(&key, &result) ? 1 : -1;
    if (is_there > 0)
        is_there =
            result.size == sizeof number && memcmp(result.bytes, &number, sizeof number) == 0;
    free(result.bytes);
    return is_there;
}

static int empty(void **state)
{
    (void)state;
    result_cache_limit(0);
    result_cache_limit(1 << 20);
    return 0;
}

static void the_oldest_goes_first(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 100000; i++) {
        keep(i);
        assert_int_equal(has(7), i < 7 ? -1 : 1); /* asked for again and again */
        assert_true(result_cache_state().bytes <= 1 << 20);
    }
    const uint64_t kept = result_cache_state().results;
    assert_in_range(kept, 5000, 20000);
    assert_int_equal(has(100000 - kept + 10), 1);
    assert_int_equal(has(100000 - kept - 10), -1);
    result_cache_limit(0);
    assert_int_equal(result_cache_state().results, 0);
    assert_int_equal(result_cache_state().bytes, 0);
}

static void results_of_no_bytes_and_of_many_are_kept(void **state)
{
    static unsigned char large[300000];
    const struct fingerprint none = key_of(1), much = key_of(2), too_much = key_of(3);
    const struct keepsake some[] = { { &none, "", 0 }, { &much, large, sizeof large } };
    struct result result = { .bytes = NULL };
    (void)state;
    result_cache_keep(some, 2);
    assert_int_equal(result_cache_find(&much, &result), 1);
    assert_int_equal(result.size, sizeof large);
    result_cache_limit(200000);
    result_cache_keep(&(struct keepsake){ &too_much, large, sizeof large }, 1);
    assert_int_equal(result_cache_find(&much, &result), 0);
    assert_int_equal(result_cache_find(&too_much, &result), 0);
    result_cache_keep(some, 1);
    result_cache_keep(some, 1);
    assert_int_equal(result_cache_state().results, 1);
    result.size = 9;
    assert_int_equal(result_cache_find(&none, &result), 1);
    assert_int_equal(result.size, 0);
    free(result.bytes);
}

static void windows_take_their_memory_from_the_cache(void **state)
{
    struct result_window window = { .slots = NULL };
    struct seen seen = { .marks = NULL };
    uint64_t count = 0;
    (void)state;
    for (uint64_t i = 0; i < 20000; i++)
        keep(i);
    for (; count < 1000000; count++) {
        struct fingerprint key = key_of(count);
        assert_null(result_window_find(&window, &key));
        if (!result_window_add(&window, &key) ||
            !result_window_set(&window, count, &count, sizeof count))
            break;
    }
    assert_in_range(count, 2000, 12000); /* of half a megabyte */
    assert_true(result_cache_state().bytes + result_cache_state().held <= 1 << 20);
    for (uint64_t i = 0; i < count; i++) {
        struct fingerprint key = key_of(i);
        struct result_slot *slot = result_window_find(&window, &key);
        assert_non_null(slot);
        assert_memory_equal(result_window_bytes(&window, slot), &i, sizeof i);
        if (i % 100 > 0) {
            slot->state = SLOT_USED;
            window.ready--;
        }
    }
    result_window_renew(&window, &seen); /* one in a hundred is left */
    for (uint64_t i = 0; i < count; i++) {
        struct fingerprint key = key_of(i);
        struct result_slot *slot = result_window_find(&window, &key);
        assert_int_equal(slot != NULL, i % 100 == 0);
        assert_int_equal(seen_has(&seen, &key), i % 100 > 0);
        if (slot)
            assert_memory_equal(result_window_bytes(&window, slot), &i, sizeof i);
    }
    result_window_clear(&window);
    seen_clear(&seen);
    assert_int_equal(result_cache_state().held, 0);
}

static void texts_that_were_seen_are_known_or_counted(void **state)
{
    struct seen seen = { .marks = NULL };
    int strangers = 0;
    (void)state;
    for (uint64_t i = 0; i < 200000; i++) {
        struct fingerprint key = key_of(i);
        seen_add(&seen, &key);
    }
    assert_in_range(seen.filled, 10000, 100000); /* of an eighth of a megabyte */
    assert_in_range(seen.filled + seen.forgotten, 199900, 200000);
    for (uint64_t i = 0; i < seen.filled; i++) {
        struct fingerprint key = key_of(i), stranger = key_of(i + 1000000);
        assert_int_equal(seen_has(&seen, &key), 1);
        strangers += seen_has(&seen, &stranger);
    }
    assert_in_range(strangers, 0, 20);
    seen_clear(&seen);
    assert_int_equal(result_cache_state().held, 0);
}

static void *use(void *first)
{
    for (uint64_t i = 0; i < 20000; i++) {
        uint64_t number = *(uint64_t *)first + i % 700;
        if (has(number) < 0)
            keep(number);
        if (i % 1000 == 0)
            result_cache_limit((size_t)(1 + i % 3) << 18);
        if (i % 3 == 0 && result_cache_hold(1000, EIGHTHS_FOR_SEEN))
            result_cache_let_go(1000);
        assert_int_not_equal(has(number), 0);
    }
    return NULL;
}

static void threads_share_it(void **state)
{
    pthread_t threads[4];
    uint64_t firsts[4] = { 0, 300, 600, 0 };
    (void)state;
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use, &firsts[i]), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(result_cache_state().held, 0);
}

static atomic_int done;

static void *keep_many(void *arg)
{
    (void)arg;
    for (uint64_t i = 0; !done; i++)
        keep(i % 5000);
    return NULL;
}

/* The child has a thread less, which may have been in the middle of it. */
static void a_child_of_a_busy_process_has_a_whole_cache(void **state)
{
    pthread_t thread;
    (void)state;
    result_cache_key();
    assert_int_equal(pthread_create(&thread, NULL, keep_many, NULL), 0);
    for (int i = 0; i < 200; i++) {
        int status = -1;
        const pid_t child = fork();
        if (child == 0) {
            alarm(20);
            keep(7);
            _exit(has(7) == 1 && has(1000000) == -1 ? 0 : 1);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
    done = 1;
    pthread_join(thread, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_oldest_goes_first, empty),
        cmocka_unit_test_setup(results_of_no_bytes_and_of_many_are_kept, empty),
        cmocka_unit_test_setup(windows_take_their_memory_from_the_cache, empty),
        cmocka_unit_test_setup(texts_that_were_seen_are_known_or_counted, empty),
        cmocka_unit_test_setup(threads_share_it, empty),
        cmocka_unit_test_setup(a_child_of_a_busy_process_has_a_whole_cache, empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
