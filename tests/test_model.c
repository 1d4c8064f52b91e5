/* Oracles: a model made in memory, and tests/data/golden_model.safetensors, which a Python script
 * beside it wrote (run from the root of the repository). */
#include "model/quantise.h"
#include "model/sha256.h"
#include "model/tokenizer.h"
#include "tests/model_samples.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* So that an allocation can be made to fail, and every block counted. A sanitizer brings its own
 * malloc. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OWN_MALLOC 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define OWN_MALLOC 0
#endif
#endif
#ifndef OWN_MALLOC
#define OWN_MALLOC 1
#endif

static long allocations_left = -1; /* before one fails; -1: none does */
static long blocks;

#if OWN_MALLOC
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *block);

static int fails(void)
{
    if (allocations_left == 0)
        return 1;
    if (allocations_left > 0)
        allocations_left--;
    blocks++;
    return 0;
}

void *malloc(size_t size)
{
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *block, size_t size)
{
    blocks -= block != NULL;
    if (!fails())
        return __libc_realloc(block, size);
    blocks += block != NULL;
    return NULL;
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : __libc_memalign(alignment, size);
}

void free(void *block)
{
    blocks -= block != NULL;
    __libc_free(block);
}
#endif

static void assert_same_model(const struct lstm_model *a, const struct lstm_model *b)
{
    size_t a_size, b_size;
    const char *a_vocabulary = lstm_tokenizer_vocabulary(a->tokenizer, &a_size);
    const char *b_vocabulary = lstm_tokenizer_vocabulary(b->tokenizer, &b_size);
    assert_memory_equal(&a->sizes, &b->sizes, sizeof a->sizes);
    assert_memory_equal(a->params, b->params, lstm_params_count(&a->sizes) * sizeof(float));
    assert_int_equal(a_size, b_size);
    assert_memory_equal(a_vocabulary, b_vocabulary, a_size);
    assert_string_equal(a->task, b->task);
    for (int32_t i = 0; i < a->sizes.classes; i++)
        assert_string_equal(a->labels[i], b->labels[i]);
    assert_memory_equal(&a->temperature, &b->temperature, sizeof a->temperature);
    assert_string_equal(a->card, b->card);
}

static void every_storage_gives_the_model_back(void **state)
{
    static const struct {
        int32_t embedding, hidden, layers, classes;
    } sizes[] = { { 16, 16, 1, 2 }, { 32, 16, 2, 3 }, { 16, 32, 4, 256 },
                  { 48, 80, 3, 2 }, { 16, 16, 1, 0 }, { 32, 48, 2, 0 } };
    (void)state;
    for (size_t s = 0; s < COUNT(sizes); s++)
        for (int storage = LSTM_F32; storage <= LSTM_BF16; storage++) {
            struct lstm_model *model = model_sample(sizes[s].embedding, sizes[s].hidden,
                                                    sizes[s].layers, sizes[s].classes);
            struct lstm_model *back;
            struct lstm_error err = { 0 };
            void *blob, *again;
            size_t size, again_size;
            assert_int_equal(
                lstm_model_write(model, (enum lstm_storage)storage, &blob, &size, &err), LSTM_OK);
            assert_int_equal(model_header_size(blob) % 64, 56);
            if (lstm_model_read(blob, size, &back, &err))
                fail_msg("%s", err.text);
            assert_same_model(model, back);
            assert_int_equal(
                lstm_model_write(back, (enum lstm_storage)storage, &again, &again_size, &err),
                LSTM_OK);
            assert_int_equal(again_size, size);
            assert_memory_equal(again, blob, size);
            lstm_model_free(model);
            lstm_model_free(back);
            free(blob);
            free(again);
        }
}

static void a_summariser_lies_in_the_file_as_the_format_says(void **state)
{
    static const struct {
        const char *name, *shape;
    } tensors[] = {
        { "embedding.weight", "[272,32]" },
        { "lstm.weight_ih_l0", "[192,32]" },
        { "bridge.weight", "[128,96]" },
        { "bridge.bias", "[128]" },
        { "decoder.weight_ih", "[256,128]" },
        { "decoder.weight_hh", "[256,64]" },
        { "decoder.bias_ih", "[256]" },
        { "decoder.bias_hh", "[256]" },
        { "align_state.weight", "[80,96]" },
        { "align_query.weight", "[80,64]" },
        { "align_query.bias", "[80]" },
        { "align_coverage.weight", "[1,80]" },
        { "align_score.weight", "[1,80]" },
        { "copy.weight", "[1,192]" },
        { "copy.bias", "[1]" },
        { "output.weight", "[32,160]" },
        { "output.bias", "[32]" },
        { "vocabulary.bias", "[272]" },
    };
    static const char *const absent[] = { "labels", "temperature", "classifier", "attention",
                                          "decoder.bias\"" };
    struct lstm_model *model = model_sample(32, 48, 1, 0);
    struct lstm_decoder_at at = lstm_decoder_at(&model->sizes);
    void *blob;
    size_t size;
    char expected[100];
    float value;
    (void)state;
    model->params[at.copy_bias] = 0.375F, model->params[at.bias + 7] = 0.625F;
    assert_int_equal(lstm_model_write(model, LSTM_F32, &blob, &size, NULL), LSTM_OK);
    char *header = malloc(model_header_size(blob) + 1);
    assert_non_null(header);
    memcpy(header, (char *)blob + 8, model_header_size(blob));
    header[model_header_size(blob)] = '\0';
    for (size_t i = 0; i < COUNT(tensors); i++) {
        snprintf(expected, sizeof expected, "\"%s\":{\"dtype\":\"F32\",\"shape\":%s",
                 tensors[i].name, tensors[i].shape);
        if (!strstr(header, expected))
            fail_msg("no %s in %s", expected, header);
    }
    for (size_t i = 0; i < COUNT(absent); i++)
        assert_null(strstr(header, absent[i]));
    memcpy(&value, (char *)blob + model_tensor_at(blob, "copy.bias"), sizeof value);
    assert_true(value == 0.375F);
    memcpy(&value, (char *)blob + model_tensor_at(blob, "decoder.bias_ih") + 7 * sizeof value,
           sizeof value);
    assert_true(value == 0.625F);
    memcpy(&value, (char *)blob + model_tensor_at(blob, "decoder.bias_hh") + 7 * sizeof value,
           sizeof value);
    assert_true(value == 0);
    free(header);
    free(blob);
    lstm_model_free(model);
}

static void sixteen_bits_round_matrices_and_leave_vectors(void **state)
{
    struct lstm_model *model = model_sample(16, 16, 1, 2), *back;
    size_t attention = lstm_attention_at(&model->sizes),
           classifier = lstm_classifier_at(&model->sizes);
    size_t bias = lstm_direction_at(&model->sizes, 0, 0) + 64 * 16 * 2, size;
    struct lstm_error err;
    void *blob;
    (void)state;
    model->params[0] = model->params[attention] = model->params[classifier] = model->params[bias] =
        0.1F;
    assert_int_equal(lstm_model_write(model, LSTM_F16, &blob, &size, &err), LSTM_OK);
    assert_int_equal(lstm_model_read(blob, size, &back, &err), LSTM_OK);
    assert_true((double)back->params[0] == 0x1.998p-4);
    assert_true((double)back->params[classifier] == 0x1.998p-4);
    assert_true(back->params[attention] == 0.1F);
    assert_true(back->params[bias] == 0.1F);
    free(blob);
    lstm_model_free(back);
    assert_int_equal(lstm_model_write(model, LSTM_BF16, &blob, &size, &err), LSTM_OK);
    assert_int_equal(lstm_model_read(blob, size, &back, &err), LSTM_OK);
    assert_true((double)back->params[0] == 0x1.9ap-4);
    assert_true(back->params[attention] == 0.1F);
    free(blob);
    lstm_model_free(back);
    lstm_model_free(model);
}

static void a_bias_of_minus_zero_is_written_as_it_will_be_read(void **state)
{
    struct lstm_model *model = model_sample(16, 16, 1, 2), *back;
    void *blob, *again;
    size_t size, again_size;
    (void)state;
    model->params[lstm_direction_at(&model->sizes, 0, 1) + 64 * 16 * 2] = -0.0F;
    assert_int_equal(lstm_model_write(model, LSTM_F32, &blob, &size, NULL), LSTM_OK);
    assert_int_equal(lstm_model_read(blob, size, &back, NULL), LSTM_OK);
    assert_int_equal(lstm_model_write(back, LSTM_F32, &again, &again_size, NULL), LSTM_OK);
    assert_int_equal(again_size, size);
    assert_memory_equal(again, blob, size);
    free(blob);
    free(again);
    lstm_model_free(back);
    lstm_model_free(model);
}

/* value() of tests/data/make_golden_model.py. */
static float golden_value(size_t tensor, size_t i)
{
    return (float)((int)((i * 7 + tensor * 13) % 65) - 32) / 64;
}

static void reads_the_golden_file_to_the_bit(void **state)
{
    /* The file's tensors in the order of the script's plan; memory has the sum where the plan has
     * two biases. */
    static const size_t plan[] = { 0, 1, 2, 3, 5, 6, 7, 9, 10, 11 };
    struct lstm_tensor tensors[LSTM_TENSORS_MAX];
    struct lstm_model *model;
    struct lstm_error err = { 0 };
    size_t size;
    unsigned char *blob = model_file_bytes(GOLDEN, &size);
    (void)state;
    if (lstm_model_read(blob, size, &model, &err))
        fail_msg("%s", err.text);
    const struct lstm_sizes expected = { 263, 16, 16, 1, 3, 64, 16, 0, 0, 0 };
    assert_memory_equal(&model->sizes, &expected, sizeof expected);
    assert_int_equal(lstm_layout(&model->sizes, tensors), COUNT(plan));
    for (size_t t = 0; t < COUNT(plan); t++)
        for (size_t i = 0; i < (size_t)tensors[t].rows * (size_t)tensors[t].cols; i++) {
            static const float specials[] = { 0x1p-24F, -1023 * 0x1p-24F, 65504 };
            int is_bias = t == 3 || t == 6;
            float value = golden_value(plan[t], i) + (is_bias ? golden_value(plan[t] + 1, i) : 0);
            if (t == 1 && i < COUNT(specials))
                value = specials[i];
            if (model->params[tensors[t].at + i] != value)
                fail_msg("%s[%zu] is %a, expected %a", tensors[t].name, i,
                         (double)model->params[tensors[t].at + i], (double)value);
        }
    assert_string_equal(model->task, "classify");
    assert_string_equal(model->labels[0], "n\xc3\xa9gatif");
    assert_string_equal(model->labels[1], "neutral");
    assert_string_equal(model->labels[2], "\xe6\xad\xa3");
    assert_true(model->temperature == 1.25F);
    assert_string_equal(model->card, "{\"seed\": 7, \"data\": \"none\"}");
    size_t entry_size;
    const char *entry = lstm_tokenizer_entry(model->tokenizer, 262, &entry_size);
    assert_int_equal(entry_size, 4);
    assert_memory_equal(entry, "\xf0\x9f\x98\x80", 4);
    lstm_model_free(model);
    free(blob);
}

static void a_file_without_a_card_has_an_empty_one(void **state)
{
    size_t size, changed_size;
    unsigned char *blob = model_file_bytes(GOLDEN, &size);
    unsigned char *changed =
        model_replaced(blob, size, ", \"card\": \"{\\\"seed\\\": 7, \\\"data\\\": \\\"none\\\"}\"",
                       "", &changed_size);
    struct lstm_model *model;
    (void)state;
    assert_int_equal(lstm_model_read(changed, changed_size, &model, NULL), LSTM_OK);
    assert_string_equal(model->card, "{}");
    lstm_model_free(model);
    free(changed);
    free(blob);
}

static void the_same_model_has_the_same_digest(void **state)
{
    static const struct {
        int32_t classes;
        const char *digest; /* changes only with the format: see FORMAT.md */
    } cases[] = {
        { 2, "1ef5bbeaffc5fc5fc0e605b9ab8c0a9fda82d8d6f56d3eff222461428ad4c7de" },
        { 0, "003d56c8f4b234169ebbae89e61815e43858a6bb1b47518683d1794f769bcef3" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct lstm_model *model = model_sample(16, 16, 1, cases[i].classes);
        unsigned char digest[SHA256_SIZE];
        char hex[SHA256_HEX_SIZE];
        void *blob;
        size_t size;
        assert_int_equal(lstm_model_write(model, LSTM_BF16, &blob, &size, NULL), LSTM_OK);
        sha256_of(blob, size, digest);
        sha256_hex(digest, hex);
        assert_string_equal(hex, cases[i].digest);
        free(blob);
        lstm_model_free(model);
    }
}

static void fail_every_allocation(struct lstm_model *model, enum lstm_storage storage)
{
    struct lstm_model *back = NULL;
    enum lstm_status rc = LSTM_NOMEM;
    void *blob = NULL;
    size_t size = 0;
    long failures = 0;
    for (; rc; failures++) {
        struct lstm_error err = { 0 };
        long before = blocks;
        allocations_left = failures;
        rc = lstm_model_write(model, storage, &blob, &size, &err);
        allocations_left = -1;
        assert_true(!rc || (rc == LSTM_NOMEM && err.status == rc && err.text[0] && !blob &&
                            blocks == before));
    }
    assert_true(failures > 3);
    for (rc = LSTM_NOMEM, failures = 0; rc; failures++) {
        struct lstm_error err = { 0 };
        long before = blocks;
        allocations_left = failures;
        rc = lstm_model_read(blob, size, &back, &err);
        allocations_left = -1;
        assert_true(!rc || (rc == LSTM_NOMEM && err.status == rc && err.text[0] && !back &&
                            blocks == before));
    }
    assert_true(failures > 6);
    lstm_model_dequantise(back);
    assert_same_model(model, back);
    free(blob);
    lstm_model_free(back);
    lstm_model_free(model);
}

static void every_failing_allocation_is_reported_and_leaks_nothing(void **state)
{
    (void)state;
    if (!OWN_MALLOC) {
        print_message(
            "SKIPPED: a sanitizer owns malloc, so allocations cannot be made to fail here\n");
        skip();
    }
    fail_every_allocation(model_sample(16, 16, 1, 2), LSTM_F32);
    fail_every_allocation(model_sample(16, 16, 1, 0), LSTM_F32);
    struct lstm_model *model = model_sample(16, 16, 1, 2);
    allocations_left = 0;
    assert_int_equal(lstm_model_quantise(model, NULL), LSTM_NOMEM);
    allocations_left = -1;
    assert_true(!model->int8.weights && !lstm_model_quantise(model, NULL));
    fail_every_allocation(model, LSTM_I8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_storage_gives_the_model_back),
        cmocka_unit_test(a_summariser_lies_in_the_file_as_the_format_says),
        cmocka_unit_test(sixteen_bits_round_matrices_and_leave_vectors),
        cmocka_unit_test(a_bias_of_minus_zero_is_written_as_it_will_be_read),
        cmocka_unit_test(reads_the_golden_file_to_the_bit),
        cmocka_unit_test(a_file_without_a_card_has_an_empty_one),
        cmocka_unit_test(the_same_model_has_the_same_digest),
        cmocka_unit_test(every_failing_allocation_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
