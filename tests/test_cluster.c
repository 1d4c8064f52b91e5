/* What becomes of single code points, learned by one thread or by many at once. */
#include "model/cluster.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <utf8proc.h>

#include <cmocka.h>

enum { THREADS = 4 };

static int is_surrogate(int32_t codepoint)
{
    return codepoint >= 0xD800 && codepoint <= 0xDFFF;
}

/* The entry says what lstm_cluster_normalise does. */
static int is_right(int32_t codepoint)
{
    char expected[LSTM_CLUSTER_BYTES], bytes[LSTM_CLUSTER_BYTES];
    unsigned char expected_word[LSTM_CLUSTER_BYTES], word[LSTM_CLUSTER_BYTES];
    lstm_lone lone = lstm_lone_of(codepoint);
    size_t size = lstm_lone_size(lone);
    if (size != lstm_cluster_normalise(&codepoint, 1, expected, expected_word))
        return 0;
    for (size_t i = 0; i < size; i++) {
        bytes[i] = lone & LSTM_LONE_LONG ? lstm_lone_bytes(lone)[i] : (char)(lone >> 8 * i);
        if (lone & LSTM_LONE_LONG)
            word[i] = lstm_lone_word(lone)[i];
        else
            word[i] = (unsigned char)(lone & LSTM_LONE_WORD ? LSTM_WORD_BYTE : 0);
    }
    return !memcmp(bytes, expected, size) && !memcmp(word, expected_word, size);
}

/* All of Unicode; each thread begins elsewhere and all meet. Gives back how many were wrong. */
static void *learn_all(void *first)
{
    static const int32_t step = 7919; /* a prime, so every code point has its turn */
    int32_t codepoint = *(int32_t *)first, wrong = 0;
    for (int32_t i = 0; i < LSTM_CODEPOINTS; i++) {
        if (!is_surrogate(codepoint))
            wrong += !is_right(codepoint);
        codepoint = (codepoint + step) % LSTM_CODEPOINTS;
    }
    *(int32_t *)first = wrong;
    return NULL;
}

static void threads_learn_the_same_at_once(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    int32_t places[THREADS] = { 0, 0, 1, LSTM_CODEPOINTS / 2 };
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, learn_all, &places[i]), 0);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(places[i], 0);
    }
}

/* Where an entry promises a boundary the library must see one, whatever stands on the other side.
 */
static void boundaries_are_those_of_the_library(void **state)
{
    (void)state;
    static int32_t ends[LSTM_CODEPOINTS], begins[LSTM_CODEPOINTS];
    int ends_count = 0, begins_count = 0;
    for (int32_t codepoint = 0; codepoint < LSTM_CODEPOINTS; codepoint++) {
        if (is_surrogate(codepoint))
            continue;
        lstm_lone lone = lstm_lone_of(codepoint);
        if (lone & LSTM_LONE_ENDS)
            ends[ends_count++] = codepoint;
        if (lone & LSTM_LONE_BEGINS)
            begins[begins_count++] = codepoint;
    }
    assert_true(ends_count > 1000000 && begins_count > ends_count);
    for (int i = 0; i < begins_count; i++) {
        assert_true(utf8proc_grapheme_break(ends[(int64_t)i * 31 % ends_count], begins[i]));
        assert_true(utf8proc_grapheme_break(0x1F468, begins[i]));
        assert_true(utf8proc_grapheme_break(0xAC00, begins[i]));
        assert_true(utf8proc_grapheme_break(0xAC01, begins[i]));
    }
    for (int i = 0; i < ends_count; i++) {
        assert_true(utf8proc_grapheme_break(ends[i], 0xAC00));
        assert_true(utf8proc_grapheme_break(ends[i], 0x1100));
        assert_true(utf8proc_grapheme_break(ends[i], 0x1F1E9));
        assert_true(utf8proc_grapheme_break(ends[i], 0x1F468));
    }
    assert_true(lstm_lone_of('a') & LSTM_LONE_ENDS && lstm_lone_of(0x4E2D) & LSTM_LONE_ENDS);
    assert_true(lstm_lone_of(0xAC00) & LSTM_LONE_ENDS); /* the fast way is taken by most text */
}

static void marks_are_put_in_canonical_order(void **state)
{
    (void)state;
    /* Classes 230, 220, 202, 230, 1: the same but for the order of those of one class. */
    static const int32_t cluster[] = { 'q', 0x30D, 0x323, 0x327, 0x303, 0x334 };
    static const char expected[] = "q\xCC\xB4\xCC\xA7\xCC\xA3\xCC\x8D\xCC\x83";
    char bytes[LSTM_CLUSTER_BYTES];
    unsigned char word[LSTM_CLUSTER_BYTES];
    size_t size = lstm_cluster_normalise(cluster, 6, bytes, word);
    assert_int_equal(size, sizeof expected - 1);
    assert_memory_equal(bytes, expected, size);
    for (size_t i = 0; i < size; i++)
        assert_int_equal(word[i], LSTM_WORD_BYTE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_learn_the_same_at_once),
        cmocka_unit_test(boundaries_are_those_of_the_library),
        cmocka_unit_test(marks_are_put_in_canonical_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
