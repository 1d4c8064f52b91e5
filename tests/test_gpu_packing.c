/* Weights in the order of the kernels: every one where tensor.h and packing.h say, zeros elsewhere.
 */
#include "gpu/packing.h"
#include "model/floats.h"
#include "tests/networks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A plan and parameters that fp16 holds exactly, none of them 0. */
struct subject {
    struct gpu_plan plan;
    struct lstm_sizes sizes; /* the model's own */
    float *params;
};

static struct subject open_subject(int32_t hidden, int32_t layers, enum lstm_precision precision)
{
    static const struct gpu_traits traits = { .multiprocessors = 16, .is_cooperative = 1 };
    struct subject s = { .sizes = { .vocab = 20,
                                    .embedding = 16,
                                    .hidden = hidden,
                                    .layers = layers,
                                    .classes = 3,
                                    .window = 16 } };
    const size_t count = lstm_params_count(&s.sizes);
    uint64_t seed = 1;
    s.plan = gpu_plan_make(&s.sizes, precision, &traits);
    s.params = network_memory(count * sizeof *s.params);
    for (size_t i = 0; i < count; i++)
        s.params[i] = (float)(1 + network_below(&seed, 2047));
    return s;
}

static const struct {
    int32_t hidden;
    enum lstm_precision precision;
} cases[] = {
    { 16, LSTM_PRECISION_FP16 },  { 64, LSTM_PRECISION_FP16 },  { 112, LSTM_PRECISION_FP16 },
    { 128, LSTM_PRECISION_FP16 }, { 144, LSTM_PRECISION_FP16 }, { 256, LSTM_PRECISION_FP16 },
    { 272, LSTM_PRECISION_FP16 }, { 48, LSTM_PRECISION_FP32 },
};

/* Memory for packed elements, and reading one. */
static void *room(const struct gpu_plan *plan, size_t elements)
{
    void *memory = network_memory(elements * plan->element);
    memset(memory, 0x7f, elements * plan->element); /* a NaN in both */
    return memory;
}

static float element(const struct gpu_plan *plan, const void *packed, size_t at)
{
    return plan->element == 2 ? float_from_f16(((const uint16_t *)packed)[at])
                              : ((const float *)packed)[at];
}

/* What the packed element must be: the weight of a gate of a unit, or of a unit that pads. */
static void expect(const struct gpu_plan *plan, const void *packed, size_t at, float expected,
                   const char *what, int32_t unit)
{
    const float found = element(plan, packed, at);
    if (!(found == expected))
        fail_msg("%s of unit %d of %d: element %zu is %g instead of %g", what, unit, plan->hidden,
                 at, (double)found, (double)expected);
}

static float source(const struct subject *s, int layer, int reverse, int is_recurrent, int gate,
                    int32_t unit, int32_t column)
{
    const size_t h = (size_t)s->sizes.hidden;
    const size_t in = layer ? 2 * h : (size_t)s->sizes.embedding;
    const size_t row = (size_t)gate * h + (size_t)unit;
    const float *ih = s->params + lstm_direction_at(&s->sizes, layer, reverse);
    return is_recurrent ? ih[4 * h * in + row * h + (size_t)column] : ih[row * in + (size_t)column];
}

/* Where tensor.h puts B[column][gate of unit]: the lane that holds it and where in its fragment. */
static size_t fragment_at(const struct gpu_plan *plan, int reverse, int gate, int32_t unit,
                          int32_t column)
{
    const int32_t pairs = plan->recurrence == GPU_GROUPS ? 1 : 2;
    const int32_t warps = plan->sizes.hidden / (4 * pairs), depth = plan->sizes.hidden / 16;
    const int32_t warp = unit / pairs / 4, quad = unit / pairs % 4, pair = unit % pairs;
    const int32_t eight = 2 * pair + gate / 2, group = 2 * quad + gate % 2;
    const int32_t k = column % 16, lane = 4 * group + k % 8 / 2, half = k / 8 * 2 + k % 2;
    return (size_t)(((((reverse * warps + warp) * depth + column / 16) * 2 * pairs + eight) * 32 +
                     lane) *
                        4 +
                    half);
}

static void recurrent_weights_lie_where_their_lane_looks(void **state)
{
    (void)state;
    for (size_t c = 0; c < COUNT(cases); c++) {
        struct subject s = open_subject(cases[c].hidden, 2, cases[c].precision);
        const int32_t h = s.plan.sizes.hidden, own = s.plan.hidden;
        void *packed = room(&s.plan, 8 * (size_t)h * (size_t)h);
        for (int layer = 0; layer < 2; layer++) {
            gpu_pack_recurrent(&s.plan, s.params, layer, packed);
            for (int32_t i = 0; i < 8 * h * h; i++) {
                const int32_t column = i % h, gate = i / h % 4, unit = i / h / 4 % h;
                const int reverse = i / h / 4 / h;
                const size_t at = s.plan.recurrence == GPU_STEPS
                                      ? (size_t)i
                                      : fragment_at(&s.plan, reverse, gate, unit, column);
                expect(&s.plan, packed, at,
                       unit < own && column < own
                           ? source(&s, layer, reverse, 1, gate, unit, column)
                           : 0.0f,
                       "a recurrent weight", unit);
            }
        }
        free(packed);
        free(s.params);
    }
}

static void input_weights_and_biases_are_interleaved(void **state)
{
    (void)state;
    for (size_t c = 0; c < COUNT(cases); c++) {
        struct subject s = open_subject(cases[c].hidden, 2, cases[c].precision);
        const int32_t h = s.plan.sizes.hidden, own = s.plan.hidden;
        for (int layer = 0; layer < 2; layer++) {
            const int32_t in = layer ? 2 * h : 16, own_in = layer ? 2 * own : 16;
            void *packed = room(&s.plan, 8 * (size_t)h * (size_t)in);
            float *bias = network_memory(8 * (size_t)h * sizeof *bias);
            gpu_pack_input(&s.plan, s.params, layer, packed);
            gpu_pack_bias(&s.plan, s.params, layer, bias);
            for (int32_t row = 0; row < 8 * h; row++) {
                const int32_t gate = row % 4, unit = row / 4 % h;
                const int reverse = row / 4 / h;
                const float *biases = s.params + lstm_direction_at(&s.sizes, layer, reverse) +
                                      4 * own * (own_in + own);
                if (!(bias[row] == (unit < own ? biases[gate * own + unit] : 0.0f)))
                    fail_msg("bias %d of %d units is %g", row, own, (double)bias[row]);
                for (int32_t j = 0; j < in; j++) {
                    const int32_t half = layer ? h : 16, own_half = layer ? own : 16;
                    const int is_there = unit < own && j % half < own_half;
                    expect(&s.plan, packed, (size_t)row * (size_t)in + (size_t)j,
                           is_there ? source(&s, layer, reverse, 0, gate, unit,
                                             j / half * own_half + j % half)
                                    : 0.0f,
                           "an input weight", unit);
                }
            }
            free(bias);
            free(packed);
        }
        free(s.params);
    }
}

static void embedding_and_head_are_the_models_own_with_room_for_padding(void **state)
{
    (void)state;
    for (size_t c = 0; c < COUNT(cases); c++) {
        struct subject s = open_subject(cases[c].hidden, 1, cases[c].precision);
        const int32_t h = s.plan.sizes.hidden, own = s.plan.hidden;
        const float *attention = s.params + lstm_attention_at(&s.sizes);
        const float *classifier = s.params + lstm_classifier_at(&s.sizes);
        void *embedded = room(&s.plan, 5 * 16);
        float *head = network_memory((size_t)(2 * h + 3 * (6 * h + 1)) * sizeof *head);
        gpu_pack_embedding(&s.plan, s.params, 7, 5, embedded);
        for (size_t i = 0; i < 80; i++)
            expect(&s.plan, embedded, i, s.params[7 * 16 + i], "the embedding", 0);
        gpu_pack_head(&s.plan, s.params, head);
        for (int32_t i = 0; i < 20 * h; i++) {
            const int32_t part = i / h, unit = i % h;
            const float *from = part < 2 ? attention + part * own : classifier + (part - 2) * own;
            if (!(head[i] == (unit < own ? from[unit] : 0.0f)))
                fail_msg("head %d of %d units is %g", i, own, (double)head[i]);
        }
        for (int32_t k = 0; k < 3; k++)
            assert_true(head[20 * h + k] == classifier[3 * 6 * own + k]);
        free(head);
        free(embedded);
        free(s.params);
    }
}

static void weights_beyond_fp16_are_refused_in_fp16(void **state)
{
    (void)state;
    for (int precision = 0; precision < 2; precision++) {
        struct subject s = open_subject(32, 1, (enum lstm_precision)precision);
        struct lstm_error err;
        assert_int_equal(gpu_pack_check(&s.plan, s.params, &err), LSTM_OK);
        s.params[lstm_classifier_at(&s.sizes)] = 1e9f; /* the head is in floats */
        assert_int_equal(gpu_pack_check(&s.plan, s.params, &err), LSTM_OK);
        s.params[lstm_attention_at(&s.sizes) - 1] = -65505.0f;
        if (precision == LSTM_PRECISION_FP32) {
            assert_int_equal(gpu_pack_check(&s.plan, s.params, &err), LSTM_OK);
        } else {
            assert_int_equal(gpu_pack_check(&s.plan, s.params, &err), LSTM_MISMATCH);
            assert_string_equal(err.text,
                                "a weight of -65505, fp16 holds 65504 at most; use the device in "
                                "fp32");
        }
        free(s.params);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recurrent_weights_lie_where_their_lane_looks),
        cmocka_unit_test(input_weights_and_biases_are_interleaved),
        cmocka_unit_test(embedding_and_head_are_the_models_own_with_room_for_padding),
        cmocka_unit_test(weights_beyond_fp16_are_refused_in_fp16),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
