/* Batches cut into rounds: every window once, every state owned once, nothing beyond its room. */
#include "gpu/round.h"
#include "tests/networks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS_MAX = 64, STATES_MAX = 700, TEXTS = 300 };

static struct gpu_round open_round(void)
{
    return (struct gpu_round){ .rows = network_memory(ROWS_MAX * sizeof(struct gpu_row)),
                               .texts = network_memory(ROWS_MAX * sizeof(struct gpu_text)),
                               .tokens = network_memory(STATES_MAX * sizeof(int32_t)) };
}

static void close_round(struct gpu_round *round)
{
    free(round->rows);
    free(round->texts);
    free(round->tokens);
}

static const struct lstm_sizes sizes_of[] = {
    { .vocab = 1000, .window = 40, .overlap = 12 },
    { .vocab = 1000, .window = 40, .overlap = 0 },
    { .vocab = 1000, .window = STATES_MAX, .overlap = STATES_MAX / 2 },
};

static struct lstm_batch batch_of(uint64_t seed)
{
    int32_t lengths[TEXTS];
    for (int32_t i = 0; i < TEXTS; i++)
        lengths[i] = 1 + network_below(&seed, i % 20 == 3 ? 2000 : 60);
    return network_texts(1000, lengths, TEXTS, seed);
}

/* Rows in order, each with its states, its tokens and its place among the texts. */
static void check_rows(const struct gpu_round *round)
{
    int32_t state = 0;
    char is_pooled[ROWS_MAX] = { 0 };
    assert_true(round->rows_count <= ROWS_MAX && round->tokens_count <= STATES_MAX);
    for (int32_t i = 0; i < round->rows_count; i++) {
        const struct gpu_row *row = &round->rows[i];
        assert_true(i == 0 || row->length <= round->rows[i - 1].length);
        assert_int_equal(row->state, state);
        state += row->length;
        assert_true(row->token >= 0 && row->token + row->length <= round->tokens_count);
        assert_true(row->own >= 0 && row->own_length > 0);
        assert_true(row->own + row->own_length <= row->length);
        assert_true(row->pool >= 0 && row->pool < round->rows_count && !is_pooled[row->pool]);
        is_pooled[row->pool] = 1;
    }
    assert_int_equal(state, round->states_count);
    assert_true(state <= STATES_MAX);
}

/* Adds what each text's windows own, and checks that they are its tokens in order. */
static void check_texts(const struct gpu_round *round, const struct lstm_batch *batch,
                        int32_t *owned)
{
    const struct gpu_row *by_pool[ROWS_MAX];
    int32_t pool = 0;
    for (int32_t i = 0; i < round->rows_count; i++)
        by_pool[round->rows[i].pool] = &round->rows[i];
    for (int32_t i = 0; i < round->texts_count; i++) {
        const struct gpu_text *text = &round->texts[i];
        const int32_t number = round->first_text + i;
        const int32_t *tokens = batch->tokens + batch->starts[number];
        const int32_t length = batch->starts[number + 1] - batch->starts[number];
        assert_int_equal(text->pool, pool);
        assert_int_equal(text->begins, owned[number] == 0);
        assert_int_equal(text->states, length);
        for (; pool < text->pool + text->pools; pool++) {
            const struct gpu_row *row = by_pool[pool];
            if (memcmp(round->tokens + row->token + row->own, tokens + owned[number],
                       (size_t)row->own_length * sizeof *tokens))
                fail_msg("text %d: a window owns other tokens than those from %d on", number,
                         owned[number]);
            owned[number] += row->own_length;
        }
        assert_int_equal(text->ends, owned[number] == length);
    }
    assert_int_equal(pool, round->rows_count);
}

static void every_token_is_owned_once_and_in_order(void **state)
{
    (void)state;
    for (size_t c = 0; c < COUNT(sizes_of); c++) {
        struct lstm_batch batch = batch_of(c);
        struct gpu_windows *windows = gpu_windows_open(ROWS_MAX);
        struct gpu_round round = open_round();
        struct lstm_walk walk = { 0 };
        struct lstm_error err = { .text = "" };
        int32_t owned[TEXTS] = { 0 }, rounds = 0;
        for (;; rounds++) {
            assert_int_equal(gpu_round_next(windows, &sizes_of[c], &batch, &walk, ROWS_MAX,
                                            STATES_MAX, &round, &err),
                             LSTM_OK);
            if (round.rows_count == 0)
                break;
            check_rows(&round);
            check_texts(&round, &batch, owned);
        }
        for (int32_t i = 0; i < TEXTS; i++)
            assert_int_equal(owned[i], batch.starts[i + 1] - batch.starts[i]);
        assert_true(rounds > 10);
        close_round(&round);
        gpu_windows_close(windows);
        network_texts_free(&batch);
    }
}

static void short_windows_fill_a_round(void **state)
{
    (void)state;
    struct lstm_batch batch = batch_of(1);
    struct gpu_windows *windows = gpu_windows_open(ROWS_MAX);
    struct gpu_round round = open_round();
    struct lstm_walk walk = { 0 };
    assert_int_equal(
        gpu_round_next(windows, &sizes_of[0], &batch, &walk, ROWS_MAX, STATES_MAX, &round, NULL),
        LSTM_OK);
    assert_true(round.states_count > STATES_MAX - sizes_of[0].window); /* no other surely fits */
    close_round(&round);
    gpu_windows_close(windows);
    network_texts_free(&batch);
}

static void active_rows_are_those_that_are_longer(void **state)
{
    (void)state;
    struct gpu_row rows[] = { { .length = 9 }, { .length = 5 }, { .length = 5 }, { .length = 1 } };
    const struct gpu_round round = { .rows = rows, .rows_count = (int32_t)COUNT(rows) };
    static const int32_t expected[] = { 4, 3, 3, 3, 3, 1, 1, 1, 1, 0, 0 };
    for (int32_t step = 0; step < (int32_t)COUNT(expected); step++)
        assert_int_equal(gpu_round_active(&round, step), expected[step]);
}

static int stop(void *arg)
{
    return ++*(int *)arg == 3;
}

static void a_stop_function_ends_the_packing(void **state)
{
    (void)state;
    struct lstm_batch batch = batch_of(2);
    struct gpu_windows *windows = gpu_windows_open(ROWS_MAX);
    struct gpu_round round = open_round();
    struct lstm_walk walk = { 0 };
    struct lstm_error err;
    int asked = 0;
    enum lstm_status rc;
    batch.stop = stop;
    batch.stop_arg = &asked;
    do {
        rc = gpu_round_next(windows, &sizes_of[0], &batch, &walk, ROWS_MAX, STATES_MAX, &round,
                            &err);
    } while (!rc);
    assert_int_equal(rc, LSTM_INTERRUPTED);
    assert_ptr_equal(strstr(err.text, "interrupted after "), err.text);
    assert_int_equal(asked, 3);
    close_round(&round);
    gpu_windows_close(windows);
    network_texts_free(&batch);
}

static void a_batch_is_measured_up_to_the_limits(void **state)
{
    (void)state;
    for (size_t c = 0; c < COUNT(sizes_of); c++) {
        struct lstm_batch batch = batch_of(c);
        int32_t rows, states, windows = 0, all = 0;
        for (int32_t i = 0; i < TEXTS; i++) {
            const int32_t length = batch.starts[i + 1] - batch.starts[i];
            for (int32_t w = 0; w < lstm_window_count(&sizes_of[c], length); w++, windows++)
                all += lstm_window_at(&sizes_of[c], i, 0, length, w).length;
        }
        gpu_round_measure(&sizes_of[c], &batch, INT32_MAX, INT32_MAX, &rows, &states);
        assert_int_equal(rows, windows);
        assert_int_equal(states, all);
        gpu_round_measure(&sizes_of[c], &batch, 10, 100, &rows, &states);
        assert_int_equal(rows, 10);
        assert_int_equal(states, 100);
        network_texts_free(&batch);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_token_is_owned_once_and_in_order),
        cmocka_unit_test(short_windows_fill_a_round),
        cmocka_unit_test(active_rows_are_those_that_are_longer),
        cmocka_unit_test(a_stop_function_ends_the_packing),
        cmocka_unit_test(a_batch_is_measured_up_to_the_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
