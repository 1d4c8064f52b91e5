/* Quantised models: the rule by which weights become int8 (model/quantise.c), and their files.
 * Oracles: the rule in double precision, and a file that a Python script quantised and wrote. */
#include "model/quantise.h"
#include "model/safetensors.h"
#include "tests/model_samples.h"
#include "tests/networks.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A sample whose parameters are random, each tensor's in a range of its own. */
static struct lstm_model *random_sample(int32_t layers, int32_t classes, uint64_t seed)
{
    struct lstm_model *model = model_sample(32, 48, layers, classes);
    struct lstm_tensor tensors[LSTM_TENSORS_MAX];
    const int count = lstm_layout(&model->sizes, tensors);
    for (int i = 0; i < count; i++)
        network_fill(&seed, ldexpf(1, i % 7 - 4), (size_t)tensors[i].rows * (size_t)tensors[i].cols,
                     model->params + tensors[i].at);
    return model;
}

static float *copy_of(const struct lstm_model *model)
{
    const size_t size = lstm_params_count(&model->sizes) * sizeof(float);
    return memcpy(network_memory(size), model->params, size);
}

static void quantise(struct lstm_model *model)
{
    struct lstm_error err = { 0 };
    if (lstm_model_quantise(model, &err))
        fail_msg("%s", err.text);
}

/* The largest magnitude among the rows of a tensor and, of a decoder, of the matrix beside it. */
static float largest_of_row(const struct lstm_tensor *tensors, int count, int of, int32_t row,
                            const float *params)
{
    float largest = 0;
    for (int i = 0; i < count; i++)
        for (int32_t c = 0; tensors[i].is_quantised &&
                            tensors[i].scales_at == tensors[of].scales_at && c < tensors[i].cols;
             c++)
            largest =
                fmaxf(largest, fabsf(params[tensors[i].at + (size_t)(row * tensors[i].cols + c)]));
    return largest;
}

static void check_rule(struct lstm_model *model)
{
    struct lstm_tensor tensors[LSTM_TENSORS_MAX];
    const int count = lstm_layout(&model->sizes, tensors);
    float *before = copy_of(model);
    quantise(model);
    for (int i = 0; i < count; i++) {
        const struct lstm_tensor *t = &tensors[i];
        for (int32_t r = 0; r < t->rows; r++) {
            const float scale = t->is_quantised ? model->int8.scales[t->scales_at + (size_t)r] : 0;
            if (t->is_quantised)
                assert_true(scale == largest_of_row(tensors, count, i, r, before) / 127);
            for (int32_t c = 0; c < t->cols; c++) {
                const size_t at = t->at + (size_t)(r * t->cols + c);
                if (!t->is_quantised) {
                    assert_true(model->params[at] == before[at]);
                    continue;
                }
                /* Two roundings, of which the first has bits to spare, are a float's division. */
                const double expected = rint((double)(float)((double)before[at] / (double)scale));
                if ((double)model->int8.weights[at] != expected ||
                    model->params[at] != scale * (float)expected)
                    fail_msg("%s[%d, %d]: %a is %d times %a", t->name, (int)r, (int)c,
                             (double)before[at], model->int8.weights[at], (double)scale);
            }
        }
    }
    free(before);
    lstm_model_free(model);
}

static void a_row_is_rounded_to_127_steps_of_its_largest(void **state)
{
    (void)state;
    check_rule(random_sample(1, 2, 1));
    check_rule(random_sample(3, 5, 2));
    check_rule(random_sample(1, 0, 3));
    check_rule(random_sample(2, 0, 4));
}

static void ties_go_to_even_and_nothing_goes_beyond_127(void **state)
{
    static const struct {
        float value;
        int expected;
    } cases[] = { { 127, 127 },   { 0.5F, 0 },     { 1.5F, 2 },       { 2.5F, 2 },
                  { -0.5F, 0 },   { -1.5F, -2 },   { -126.5F, -126 }, { 126.5F, 126 },
                  { -127, -127 }, { 0.50001F, 1 }, { -0.0F, 0 },      { 126.50001F, 127 } };
    struct lstm_model *model = model_sample(16, 16, 1, 2);
    (void)state;
    for (int scale = -100; scale <= 100; scale += 50) { /* by a power of two: nothing is rounded */
        memset(model->params, 0, 16 * sizeof *model->params);
        for (size_t i = 0; i < COUNT(cases); i++)
            model->params[i] = ldexpf(cases[i].value, scale);
        quantise(model);
        assert_true(model->int8.scales[0] == ldexpf(1, scale));
        for (size_t i = 0; i < COUNT(cases); i++) {
            if (model->int8.weights[i] != cases[i].expected)
                fail_msg("%g became %d", (double)cases[i].value, model->int8.weights[i]);
            assert_true(model->params[i] == ldexpf((float)cases[i].expected, scale));
            assert_false(signbit(model->params[i]) && cases[i].expected == 0);
        }
        free(model->int8.weights);
        model->int8.weights = NULL;
    }
    lstm_model_free(model);
}

static void a_row_of_next_to_nothing_becomes_zeros_of_scale_one(void **state)
{
    static const struct {
        float value, scale;
        int weight;
    } cases[] = { { 0, 1, 0 },
                  { 0x1p-149F, 1, 0 },
                  { 126 * LSTM_SCALE_MIN, 1, 0 },
                  { 127 * LSTM_SCALE_MIN, LSTM_SCALE_MIN, 127 },
                  { -127 * LSTM_SCALE_MAX, LSTM_SCALE_MAX, -127 } };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct lstm_model *model = model_sample(16, 16, 1, 2), *back;
        struct lstm_error err = { 0 };
        void *blob;
        size_t size;
        memset(model->params, 0, 16 * sizeof *model->params);
        model->params[3] = cases[i].value;
        quantise(model);
        assert_true(model->int8.scales[0] == cases[i].scale);
        assert_int_equal(model->int8.weights[3], cases[i].weight);
        assert_true(model->params[3] == cases[i].scale * (float)cases[i].weight);
        assert_int_equal(lstm_model_write(model, LSTM_I8, &blob, &size, &err), LSTM_OK);
        if (lstm_model_read(blob, size, &back, &err))
            fail_msg("%s", err.text);
        lstm_model_free(back);
        free(blob);
        lstm_model_free(model);
    }
}

static void quantising_again_changes_nothing(void **state)
{
    (void)state;
    for (int32_t classes = 0; classes <= 2; classes += 2) {
        struct lstm_model *model = random_sample(2, classes, 11);
        struct lstm_tensor tensors[LSTM_TENSORS_MAX];
        const int count = lstm_layout(&model->sizes, tensors);
        quantise(model);
        const struct lstm_int8 first = model->int8;
        float *params = copy_of(model);
        quantise(model); /* what is quantised is left alone ... */
        assert_ptr_equal(model->int8.weights, first.weights);
        assert_memory_equal(model->params, params,
                            lstm_params_count(&model->sizes) * sizeof *params);
        model->int8.weights = NULL;
        quantise(model); /* ... and its parameters alone give the same weights */
        for (int i = 0; i < count; i++)
            if (tensors[i].is_quantised)
                assert_memory_equal(model->int8.weights + tensors[i].at,
                                    first.weights + tensors[i].at,
                                    (size_t)tensors[i].rows * (size_t)tensors[i].cols);
        free(params);
        free(first.weights);
        lstm_model_free(model);
    }
}

static void refuses_what_has_no_scale_and_leaves_the_model_alone(void **state)
{
    static const struct {
        float value;
        const char *reason;
    } cases[] = {
        { NAN, "tensor embedding.weight, element 37: nan cannot be quantised, it is beyond 1.6" },
        { INFINITY, "tensor embedding.weight, element 37: inf cannot be quantised" },
        { -128 * LSTM_SCALE_MAX, "tensor embedding.weight, element 37: -1.70141e+38 cannot be" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct lstm_model *model = model_sample(32, 16, 1, 2);
        struct lstm_error err = { 0 };
        model->params[37] = cases[i].value;
        float *before = copy_of(model);
        assert_int_equal(lstm_model_quantise(model, &err), LSTM_RANGE);
        if (!strstr(err.text, cases[i].reason))
            fail_msg("\"%s\" instead of \"%s\"", err.text, cases[i].reason);
        assert_null(model->int8.weights);
        assert_memory_equal(model->params, before,
                            lstm_params_count(&model->sizes) * sizeof *before);
        free(before);
        lstm_model_free(model);
    }
}

/* Whether the whole of two quantised models is the same, their parameters too. */
static void assert_same_weights(struct lstm_model *a, struct lstm_model *b)
{
    lstm_model_dequantise(a);
    lstm_model_dequantise(b);
    struct lstm_tensor tensors[LSTM_TENSORS_MAX];
    const int count = lstm_layout(&a->sizes, tensors);
    assert_memory_equal(&a->sizes, &b->sizes, sizeof a->sizes);
    assert_memory_equal(a->params, b->params, lstm_params_count(&a->sizes) * sizeof(float));
    assert_memory_equal(a->int8.scales, b->int8.scales,
                        lstm_scales_count(&a->sizes) * sizeof(float));
    for (int i = 0; i < count; i++)
        if (tensors[i].is_quantised)
            assert_memory_equal(a->int8.weights + tensors[i].at, b->int8.weights + tensors[i].at,
                                (size_t)tensors[i].rows * (size_t)tensors[i].cols);
}

static void a_file_gives_weights_and_scales_back(void **state)
{
    static const struct {
        int32_t layers, classes;
    } sizes[] = { { 1, 2 }, { 4, 256 }, { 1, 0 }, { 2, 0 } };
    (void)state;
    for (size_t s = 0; s < COUNT(sizes); s++) {
        struct lstm_model *model = random_sample(sizes[s].layers, sizes[s].classes, s), *back;
        struct lstm_error err = { 0 };
        void *blob, *again;
        size_t size, again_size;
        quantise(model);
        assert_int_equal(lstm_model_write(model, LSTM_I8, &blob, &size, &err), LSTM_OK);
        if (lstm_model_read(blob, size, &back, &err))
            fail_msg("%s", err.text);
        assert_same_weights(model, back);
        assert_int_equal(lstm_model_write(back, LSTM_I8, &again, &again_size, &err), LSTM_OK);
        assert_int_equal(again_size, size);
        assert_memory_equal(again, blob, size);
        lstm_model_free(back);
        free(again);
        free(blob);
        lstm_model_free(model);
    }
}

static void a_quantised_model_is_written_as_floats_too(void **state)
{
    struct lstm_model *model = random_sample(1, 2, 5), *back;
    void *blob;
    size_t size;
    (void)state;
    quantise(model);
    assert_int_equal(lstm_model_write(model, LSTM_F32, &blob, &size, NULL), LSTM_OK);
    assert_int_equal(lstm_model_read(blob, size, &back, NULL), LSTM_OK);
    assert_null(back->int8.weights);
    assert_memory_equal(back->params, model->params,
                        lstm_params_count(&model->sizes) * sizeof(float));
    free(blob);
    lstm_model_free(back);
    lstm_model_free(model);
}

static void a_model_that_is_read_has_its_matrices_as_floats_when_asked(void **state)
{
    static const enum lstm_storage floats[] = { LSTM_F32, LSTM_F16, LSTM_BF16 };
    struct lstm_model *model = random_sample(2, 0, 9), *back;
    struct lstm_error err = { 0 };
    void *blob;
    size_t size;
    (void)state;
    lstm_model_dequantise(model); /* one of floats stays as it is */
    assert_false(model->int8.in_params);
    quantise(model);
    assert_true(model->int8.in_params);
    assert_int_equal(lstm_model_write(model, LSTM_I8, &blob, &size, NULL), LSTM_OK);
    assert_int_equal(lstm_model_read(blob, size, &back, NULL), LSTM_OK);
    free(blob);
    assert_false(back->int8.in_params);
    for (size_t i = 0; i < COUNT(floats); i++) {
        assert_int_equal(lstm_model_write(back, floats[i], &blob, &size, &err), LSTM_MISMATCH);
        assert_null(blob);
        assert_string_equal(err.text, "the model has its matrices as int8 alone: dequantise it "
                                      "before it is stored as floats");
    }
    lstm_model_dequantise(back);
    assert_true(back->int8.in_params);
    assert_same_weights(model, back);
    back->params[5] = 7; /* the owner's from now on */
    lstm_model_dequantise(back);
    assert_true(back->params[5] == 7);
    assert_int_equal(lstm_model_write(back, LSTM_F32, &blob, &size, NULL), LSTM_OK);
    free(blob);
    lstm_model_free(back);
    lstm_model_free(model);
}

static void the_file_says_where_weights_and_scales_lie(void **state)
{
    static const struct {
        const char *name;
        enum safetensors_dtype dtype;
        int64_t shape[2];
    } tensors[] = {
        { "embedding.weight", SAFETENSORS_I8, { 272, 32 } },
        { "embedding.weight_scale", SAFETENSORS_F32, { 272 } },
        { "lstm.weight_ih_l0", SAFETENSORS_I8, { 192, 32 } },
        { "lstm.weight_ih_l0_scale", SAFETENSORS_F32, { 192 } },
        { "lstm.weight_hh_l0_reverse", SAFETENSORS_I8, { 192, 48 } },
        { "lstm.weight_hh_l0_reverse_scale", SAFETENSORS_F32, { 192 } },
        { "lstm.bias_ih_l0", SAFETENSORS_F32, { 192 } },
        { "bridge.weight", SAFETENSORS_I8, { 128, 96 } },
        { "bridge.weight_scale", SAFETENSORS_F32, { 128 } },
        { "decoder.weight_ih", SAFETENSORS_I8, { 256, 128 } },
        { "decoder.weight_hh", SAFETENSORS_I8, { 256, 64 } },
        { "decoder.weight_scale", SAFETENSORS_F32, { 256 } },
        { "align_state.weight_scale", SAFETENSORS_F32, { 80 } },
        { "align_query.weight_scale", SAFETENSORS_F32, { 80 } },
        { "align_score.weight", SAFETENSORS_F32, { 1, 80 } },
        { "copy.weight", SAFETENSORS_F32, { 1, 192 } },
        { "output.weight", SAFETENSORS_I8, { 32, 160 } },
        { "output.weight_scale", SAFETENSORS_F32, { 32 } },
    };
    struct lstm_model *model = random_sample(1, 0, 6);
    const struct lstm_decoder_at at = lstm_decoder_at(&model->sizes);
    const struct lstm_decoder_scales_at scales_at = lstm_decoder_scales_at(&model->sizes);
    struct safetensors *file;
    void *written;
    size_t size;
    float scale;
    (void)state;
    quantise(model);
    assert_int_equal(lstm_model_write(model, LSTM_I8, &written, &size, NULL), LSTM_OK);
    const unsigned char *blob = written;
    assert_int_equal(safetensors_read(blob, size, &file, NULL), LSTM_OK);
    for (size_t i = 0; i < COUNT(tensors); i++) {
        const struct safetensors_tensor *t = safetensors_find(file, tensors[i].name);
        if (!t)
            fail_msg("no %s", tensors[i].name);
        assert_int_equal(t->dtype, tensors[i].dtype);
        assert_int_equal(t->rank, tensors[i].shape[1] ? 2 : 1);
        for (int d = 0; d < t->rank; d++)
            assert_int_equal(t->shape[d], tensors[i].shape[d]);
    }
    assert_null(safetensors_find(file, "decoder.weight_ih_scale"));
    assert_null(safetensors_find(file, "decoder.weight_hh_scale"));
    assert_memory_equal(blob + safetensors_find(file, "decoder.weight_hh")->at,
                        model->int8.weights + at.hh, 256 * 64);
    memcpy(&scale, blob + safetensors_find(file, "decoder.weight_scale")->at + 4 * 200, 4);
    assert_true(scale == model->int8.scales[scales_at.gates + 200]);
    safetensors_free(file);
    free(written);
    lstm_model_free(model);
}

/* value() of tests/data/make_golden_model.py. */
static float golden_value(size_t tensor, size_t i)
{
    return (float)((int)((i * 7 + tensor * 13) % 65) - 32) / 64;
}

static void a_foreign_program_quantises_to_the_same_bits(void **state)
{
    struct lstm_tensor tensors[LSTM_TENSORS_MAX];
    struct lstm_model *golden, *model = NULL;
    struct lstm_error err = { 0 };
    size_t size;
    unsigned char *blob = model_file_bytes("tests/data/golden_int8.safetensors", &size);
    (void)state;
    if (lstm_model_read(blob, size, &golden, &err) || lstm_model_read(blob, size, &model, &err))
        fail_msg("%s", err.text);
    const struct lstm_sizes expected = { 272, 16, 16, 1, 0, 64, 16, 32, 48, 0 };
    assert_memory_equal(&golden->sizes, &expected, sizeof expected);
    const int count = lstm_layout(&golden->sizes, tensors);
    free(model->int8.weights);
    model->int8 = (struct lstm_int8){ 0 };
    for (int t = 0; t < count; t++)
        for (size_t i = 0; i < (size_t)tensors[t].rows * (size_t)tensors[t].cols; i++)
            model->params[tensors[t].at + i] = golden_value((size_t)t, i);
    quantise(model);
    assert_same_weights(golden, model);
    assert_string_equal(golden->card, "{\"seed\": 8}");
    lstm_model_free(model);
    lstm_model_free(golden);
    free(blob);
}

static void writes_no_int8_that_could_not_be_read(void **state)
{
    static const struct {
        const char *reason;
        enum lstm_status status;
    } cases[] = {
        { "the model has no int8 weights: quantise it before it is stored as I8", LSTM_MISMATCH },
        { "tensor embedding.weight, element 200: -128 cannot be stored", LSTM_RANGE },
        { "tensor lstm.weight_ih_l0, element 63: -128 cannot be stored", LSTM_RANGE },
        { "tensor embedding.weight_scale, element 7: 0 cannot be stored", LSTM_RANGE },
        { "tensor lstm.weight_hh_l0_reverse_scale, element 63: nan cannot be", LSTM_RANGE },
        { "tensor attention.weight, element 0: inf cannot be stored as F32", LSTM_RANGE },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct lstm_model *model = model_sample(16, 16, 1, 2);
        struct lstm_error err = { 0 };
        void *blob;
        size_t size;
        if (i > 0)
            quantise(model);
        switch (i) {
        case 0: break;
        case 1: model->int8.weights[200] = -128; break;
        case 2: model->int8.weights[lstm_direction_at(&model->sizes, 0, 0) + 63] = -128; break;
        case 3: model->int8.scales[7] = 0; break;
        case 4: model->int8.scales[lstm_scales_count(&model->sizes) - 1] = NAN; break;
        default: model->params[lstm_attention_at(&model->sizes)] = INFINITY; break;
        }
        assert_int_equal(lstm_model_write(model, LSTM_I8, &blob, &size, &err), cases[i].status);
        assert_null(blob);
        if (!strstr(err.text, cases[i].reason))
            fail_msg("\"%s\" instead of \"%s\"", err.text, cases[i].reason);
        lstm_model_free(model);
    }
}

static void weights_can_be_given_back_before_the_rest(void **state)
{
    struct lstm_model *model = model_sample(16, 16, 1, 2);
    (void)state;
    quantise(model);
    lstm_model_forget_weights(model);
    assert_true(!model->params && !model->int8.weights && !model->int8.scales);
    lstm_model_forget_weights(model);
    assert_non_null(model->tokenizer);
    assert_string_equal(model->labels[0], "label \"0\" \xc3\xa9");
    lstm_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_is_rounded_to_127_steps_of_its_largest),
        cmocka_unit_test(ties_go_to_even_and_nothing_goes_beyond_127),
        cmocka_unit_test(a_row_of_next_to_nothing_becomes_zeros_of_scale_one),
        cmocka_unit_test(quantising_again_changes_nothing),
        cmocka_unit_test(refuses_what_has_no_scale_and_leaves_the_model_alone),
        cmocka_unit_test(a_file_gives_weights_and_scales_back),
        cmocka_unit_test(a_quantised_model_is_written_as_floats_too),
        cmocka_unit_test(a_model_that_is_read_has_its_matrices_as_floats_when_asked),
        cmocka_unit_test(the_file_says_where_weights_and_scales_lie),
        cmocka_unit_test(a_foreign_program_quantises_to_the_same_bits),
        cmocka_unit_test(writes_no_int8_that_could_not_be_read),
        cmocka_unit_test(weights_can_be_given_back_before_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
