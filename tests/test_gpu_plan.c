/* Which way a model takes on which device. */
#include "gpu/plan.h"
#include "tests/networks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct gpu_traits large = { .multiprocessors = 132, .is_cooperative = 1 };

static struct lstm_sizes sizes_of(int32_t hidden, int32_t layers)
{
    return (struct lstm_sizes){ .vocab = 1000,
                                .embedding = 64,
                                .hidden = hidden,
                                .layers = layers,
                                .classes = 3,
                                .window = 256,
                                .overlap = 32 };
}

static void the_recurrence_is_chosen_by_size_precision_and_device(void **state)
{
    (void)state;
    static const struct {
        int32_t hidden;
        enum lstm_precision precision;
        struct gpu_traits traits;
        enum gpu_recurrence recurrence;
        int32_t padded, groups;
    } cases[] = {
        { 16, LSTM_PRECISION_FP16, { 1, 0 }, GPU_ALONE, 32, 0 },
        { 32, LSTM_PRECISION_FP16, { 132, 1 }, GPU_ALONE, 32, 0 },
        { 48, LSTM_PRECISION_FP16, { 132, 1 }, GPU_ALONE, 64, 0 },
        { 80, LSTM_PRECISION_FP16, { 132, 1 }, GPU_ALONE, 128, 0 },
        { 128, LSTM_PRECISION_FP16, { 40, 1 }, GPU_ALONE, 128, 0 },
        { 144, LSTM_PRECISION_FP16, { 40, 1 }, GPU_GROUPS, 256, 5 },
        { 256, LSTM_PRECISION_FP16, { 132, 1 }, GPU_GROUPS, 256, 16 },
        { 256, LSTM_PRECISION_FP16, { 8, 1 }, GPU_GROUPS, 256, 1 },
        { 256, LSTM_PRECISION_FP16, { 7, 1 }, GPU_STEPS, 256, 0 },
        { 256, LSTM_PRECISION_FP16, { 132, 0 }, GPU_STEPS, 256, 0 },
        { 144, LSTM_PRECISION_FP16, { 132, 0 }, GPU_STEPS, 144, 0 },
        { 272, LSTM_PRECISION_FP16, { 132, 1 }, GPU_STEPS, 272, 0 },
        { 1024, LSTM_PRECISION_FP16, { 132, 1 }, GPU_STEPS, 1024, 0 },
        { 16, LSTM_PRECISION_FP32, { 132, 1 }, GPU_STEPS, 16, 0 },
        { 256, LSTM_PRECISION_FP32, { 132, 1 }, GPU_STEPS, 256, 0 },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct lstm_sizes sizes = sizes_of(cases[i].hidden, 1);
        const struct gpu_plan plan = gpu_plan_make(&sizes, cases[i].precision, &cases[i].traits);
        assert_int_equal(plan.recurrence, cases[i].recurrence);
        assert_int_equal(plan.sizes.hidden, cases[i].padded);
        assert_int_equal(plan.hidden, cases[i].hidden);
        assert_int_equal(plan.groups, cases[i].groups);
        assert_int_equal(plan.element, cases[i].precision == LSTM_PRECISION_FP16 ? 2 : 4);
    }
}

static void a_round_holds_a_window_and_stays_within_its_memory(void **state)
{
    (void)state;
    static const int32_t hidden[] = { 16, 128, 256, 512, 1024 };
    for (size_t i = 0; i < COUNT(hidden); i++)
        for (int32_t layers = 1; layers <= LSTM_LAYERS_MAX; layers += 3)
            for (int precision = 0; precision < 2; precision++) {
                struct lstm_sizes sizes = sizes_of(hidden[i], layers);
                sizes.window = LSTM_WINDOW_MAX;
                const struct gpu_plan plan =
                    gpu_plan_make(&sizes, (enum lstm_precision)precision, &large);
                const double state_size =
                    (layers > 1 ? 10.0 : 2.0) * plan.sizes.hidden * (double)plan.element;
                assert_true(plan.states_max >= LSTM_WINDOW_MAX);
                assert_true(plan.states_max * state_size < 420e6);
                assert_true(plan.rows_max >= GPU_TILE_ROWS && plan.rows_max <= GPU_ROWS_MAX);
                assert_int_equal(plan.rows_max, GPU_TILE_ROWS << gpu_plan_graph(plan.rows_max));
                assert_true(plan.rows_max * (double)gpu_plan_pool(&plan) * 4 < 110e6);
            }
}

static void tiles_are_interleaved_only_where_they_would_queue(void **state)
{
    (void)state;
    static const struct {
        int32_t hidden, rows, tiles, parts;
    } cases[] = {
        { 128, 1, 1, 1 },      { 128, 16, 1, 1 },    { 128, 17, 1, 2 },
        { 128, 1056, 1, 66 },  { 128, 1057, 2, 34 }, /* 66 blocks a direction are all there are */
        { 128, 4096, 2, 128 }, { 64, 2112, 1, 132 }, { 64, 2113, 2, 67 },
        { 256, 1, 1, 1 },      { 256, 256, 1, 16 }, /* 16 groups a direction */
        { 256, 257, 2, 9 },    { 256, 1024, 4, 16 }, { 256, 4096, 4, 64 },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct lstm_sizes sizes = sizes_of(cases[i].hidden, 1);
        const struct gpu_plan plan = gpu_plan_make(&sizes, LSTM_PRECISION_FP16, &large);
        const int32_t tiles = gpu_plan_tiles(&plan, cases[i].rows);
        assert_int_equal(tiles, cases[i].tiles);
        assert_int_equal(gpu_plan_parts(cases[i].rows, tiles), cases[i].parts);
    }
}

static void a_graph_is_the_smallest_that_holds_the_rows(void **state)
{
    (void)state;
    for (int32_t rows = 1; rows <= GPU_ROWS_MAX; rows++) {
        const int graph = gpu_plan_graph(rows);
        assert_true(graph >= 0 && graph < GPU_GRAPHS);
        assert_true(GPU_TILE_ROWS << graph >= rows);
        assert_true(graph == 0 || GPU_TILE_ROWS << (graph - 1) < rows);
    }
}

static void groups_find_room_to_meet(void **state)
{
    (void)state;
    const struct lstm_sizes sizes = sizes_of(256, 1);
    for (int32_t multiprocessors = 8; multiprocessors <= 160; multiprocessors += 8)
        for (int32_t rows = 1; rows <= 2000; rows++) {
            const struct gpu_traits traits = { multiprocessors, 1 };
            const struct gpu_plan plan = gpu_plan_make(&sizes, LSTM_PRECISION_FP16, &traits);
            const size_t needed = gpu_plan_meetings(rows, gpu_plan_tiles(&plan, rows));
            if (needed > gpu_plan_meetings_max(rows))
                fail_msg("%d rows on %d multiprocessors: %zu counters, room for %zu", rows,
                         multiprocessors, needed, gpu_plan_meetings_max(rows));
        }
}

static void weights_lie_side_by_side(void **state)
{
    (void)state;
    const struct lstm_sizes sizes = sizes_of(120 - 8, 2);
    const struct gpu_plan plan = gpu_plan_make(&sizes, LSTM_PRECISION_FP16, &large);
    const struct gpu_weights_at at = gpu_plan_weights(&plan);
    assert_int_equal(at.table, 0);
    assert_int_equal(at.recurrent[0], 1000 * 8 * 128 * 2);
    assert_int_equal(at.recurrent[1], at.recurrent[0] + 8 * 128 * 128 * 2);
    assert_int_equal(at.above[1], at.recurrent[1] + 8 * 128 * 128 * 2);
    assert_int_equal(at.above_bias[1], at.above[1] + 8 * 128 * 2 * 128 * 2);
    assert_int_equal(at.head, at.above_bias[1] + 8 * 128 * 4);
    assert_int_equal(at.end, (at.head + (2 * 128 + 3 * (6 * 128 + 1)) * 4 + 63) / 64 * 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_recurrence_is_chosen_by_size_precision_and_device),
        cmocka_unit_test(a_round_holds_a_window_and_stays_within_its_memory),
        cmocka_unit_test(tiles_are_interleaved_only_where_they_would_queue),
        cmocka_unit_test(a_graph_is_the_smallest_that_holds_the_rows),
        cmocka_unit_test(groups_find_room_to_meet),
        cmocka_unit_test(weights_lie_side_by_side),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
