/* The arithmetic of windows, for every length, against its definition. */
#include "tests/networks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TOKENS_MAX = 2000 };

static const struct lstm_sizes shapes[] = {
    { .window = 16, .overlap = 0 },      { .window = 16, .overlap = 1 },
    { .window = 16, .overlap = 7 },      { .window = 16, .overlap = 8 },
    { .window = 17, .overlap = 5 },      { .window = 128, .overlap = 32 },
    { .window = 256, .overlap = 128 },   { .window = 1999, .overlap = 3 },
    { .window = 2000, .overlap = 1000 }, { .window = 4096, .overlap = 64 },
    { .window = 4096, .overlap = 2048 },
};

static void each_token_is_owned_by_exactly_one_window(void **state)
{
    (void)state;
    for (size_t s = 0; s < COUNT(shapes); s++)
        for (int32_t tokens = 1; tokens <= TOKENS_MAX; tokens++) {
            int32_t next = 1000, count = lstm_window_count(
                                     &shapes[s], tokens); /* the text begins at position 1000 */
            for (int32_t i = 0; i < count; i++) {
                struct lstm_window w = lstm_window_at(&shapes[s], 7, 1000, tokens, i);
                if (w.text != 7 || w.own_start != next || w.own_length < 1)
                    fail_msg("window %d of %d tokens (%d, %d) owns %d from %d, expected from %d", i,
                             tokens, shapes[s].window, shapes[s].overlap, w.own_length, w.own_start,
                             next);
                next += w.own_length;
            }
            assert_int_equal(next, 1000 + tokens);
        }
}

static void windows_lie_inside_the_text_and_only_the_last_is_shorter(void **state)
{
    (void)state;
    for (size_t s = 0; s < COUNT(shapes); s++)
        for (int32_t tokens = 1; tokens <= TOKENS_MAX; tokens++) {
            int32_t stride = shapes[s].window - shapes[s].overlap,
                    count = lstm_window_count(&shapes[s], tokens);
            for (int32_t i = 0; i < count; i++) {
                struct lstm_window w = lstm_window_at(&shapes[s], 0, 5, tokens, i);
                assert_int_equal(w.start, 5 + i * stride);
                if (i + 1 < count || tokens >= shapes[s].window + i * stride)
                    assert_int_equal(w.length, shapes[s].window);
                else
                    assert_int_equal(w.start + w.length, 5 + tokens);
                assert_true(w.own_start >= w.start &&
                            w.own_start + w.own_length <= w.start + w.length);
            }
            if (count >
                1) /* no window is superfluous: the one before the last does not reach the end */
                assert_true((count - 2) * stride + shapes[s].window < tokens);
        }
}

/* Owned states have half the overlap as context on each side that is inside the text. */
static void owned_tokens_have_context_on_both_sides(void **state)
{
    (void)state;
    for (size_t s = 0; s < COUNT(shapes); s++)
        for (int32_t tokens = 1; tokens <= TOKENS_MAX; tokens++) {
            int32_t count = lstm_window_count(&shapes[s], tokens), overlap = shapes[s].overlap;
            for (int32_t i = 0; i < count; i++) {
                struct lstm_window w = lstm_window_at(&shapes[s], 0, 0, tokens, i);
                assert_int_equal(w.own_start - w.start, i ? overlap / 2 : 0);
                assert_int_equal(w.start + w.length - w.own_start - w.own_length,
                                 i + 1 < count ? overlap - overlap / 2 : 0);
            }
        }
}

static void the_largest_batch_of_positions_does_not_overflow(void **state)
{
    (void)state;
    static const struct lstm_sizes smallest = { .window = 16, .overlap = 8 },
                                   wide = { .window = 4096, .overlap = 0 };
    const int32_t tokens = INT32_MAX - 16;
    int32_t count = lstm_window_count(&smallest, tokens);
    assert_int_equal(count, 1 + (tokens - 16 + 7) / 8);
    struct lstm_window last = lstm_window_at(&smallest, 0, 0, tokens, count - 1);
    assert_int_equal(last.own_start + last.own_length, tokens);
    assert_int_equal(lstm_window_count(&wide, tokens), tokens / 4096 + 1);
}

/* The sort by definition: the longest first, then text by text, window by window. */
static int before(const struct lstm_window *a, const struct lstm_window *b)
{
    if (a->length != b->length)
        return a->length > b->length;
    return a->text != b->text ? a->text < b->text : a->start < b->start;
}

static void windows_are_sorted_and_each_is_there_once(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (size_t s = 0; s < COUNT(shapes); s++)
        for (int32_t texts = 0; texts <= 40; texts += 5) {
            int32_t lengths[40], windows_count = 0;
            for (int32_t i = 0; i < texts; i++) {
                lengths[i] = 1 + network_below(&seed, i % 4 ? 40 : TOKENS_MAX);
                windows_count += lstm_window_count(&shapes[s], lengths[i]);
            }
            struct lstm_batch batch = network_texts(5, lengths, texts, seed);
            struct lstm_window *windows = network_memory((size_t)windows_count * sizeof *windows);
            int32_t *owned = network_memory(((size_t)texts + 1) * sizeof *owned);
            memset(owned, 0, ((size_t)texts + 1) * sizeof *owned);
            struct lstm_window *unsorted = network_memory((size_t)windows_count * sizeof *windows);
            struct lstm_walk walk = { 0 };
            int32_t walked = 0, most = 1 + network_below(&seed, 9), some;
            while ((some = lstm_windows_next(&shapes[s], &batch, &walk, unsorted + walked, most)))
                walked += some;
            assert_int_equal(walked, windows_count);
            lstm_windows_sort(unsorted, windows_count, windows);
            free(unsorted);
            for (int32_t i = 0; i < windows_count; i++) {
                if (i && !before(&windows[i - 1], &windows[i]))
                    fail_msg("window %d of %d stands out of order", i, windows_count);
                /* the windows of a text come in its order, so each begins where the last one's
                 * states ended */
                assert_int_equal(windows[i].own_start,
                                 batch.starts[windows[i].text] + owned[windows[i].text]);
                owned[windows[i].text] += windows[i].own_length;
            }
            for (int32_t i = 0; i < texts; i++)
                assert_int_equal(owned[i], lengths[i]);
            free(owned);
            free(windows);
            network_texts_free(&batch);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_token_is_owned_by_exactly_one_window),
        cmocka_unit_test(windows_lie_inside_the_text_and_only_the_last_is_shorter),
        cmocka_unit_test(owned_tokens_have_context_on_both_sides),
        cmocka_unit_test(the_largest_batch_of_positions_does_not_overflow),
        cmocka_unit_test(windows_are_sorted_and_each_is_there_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
