/* Oracles: a model made in memory, and tests/data/golden_model.safetensors, which a Python script beside it wrote
 * (run from the root of the repository). */
#include "model/model.h"
#include "model/sha256.h"
#include "model/tokenizer.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define GOLDEN "tests/data/golden_model.safetensors"

/* So that an allocation can be made to fail, and every block counted. A sanitizer brings its own malloc. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OWN_MALLOC 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
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

static const char vocabulary[] = "a\nb\n good\n\xc3\xa9\n";

/* A model whose numbers are multiples of 1/128 up to 1/2 in magnitude: exact in every storage. */
static struct lstm_model *model_of(int32_t embedding, int32_t hidden, int32_t layers, int32_t classes)
{
    static const char card[] = "{\"data\": [\"none\"], \"seed\": 1}";
    struct lstm_model *m = calloc(1, sizeof *m);
    assert_non_null(m);
    assert_int_equal(lstm_tokenizer_open(vocabulary, sizeof vocabulary - 1, &m->tokenizer, NULL), LSTM_OK);
    m->sizes = (struct lstm_sizes){ lstm_tokenizer_vocab(m->tokenizer), embedding, hidden, layers, classes, 100, 50 };
    size_t count = lstm_params_count(&m->sizes);
    m->params = malloc(count * sizeof *m->params);
    m->card = malloc(sizeof card);
    assert_true(m->params && m->card);
    memcpy(m->card, card, sizeof card);
    for (size_t i = 0; i < count; i++)
        m->params[i] = (float)((int)(i * 31 % 129) - 64) / 128;
    snprintf(m->task, sizeof m->task, "%s", classes == 2 ? "sentiment" : "classify");
    for (int32_t i = 0; i < classes; i++)
        snprintf(m->labels[i], LSTM_LABEL_SIZE, "label \"%d\" \xc3\xa9", (int)i);
    m->temperature = 1.0F / 3;
    return m;
}

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

static unsigned char *file_bytes(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("%s is not here; tests run from the root of the repository", path);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *size = (size_t)ftell(file);
    rewind(file);
    unsigned char *bytes = malloc(*size);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

static size_t header_size(const unsigned char *blob)
{
    return (size_t)blob[0] | (size_t)blob[1] << 8 | (size_t)blob[2] << 16;
}

/* The blob with the first occurrence of a text in its header replaced, in a block of exactly its size. */
static unsigned char *replaced(const unsigned char *blob, size_t size, const char *from, const char *to,
                               size_t *new_size)
{
    size_t from_size = strlen(from), to_size = strlen(to), at = 8, header = header_size(blob);
    while (at + from_size <= 8 + header && memcmp(blob + at, from, from_size) != 0)
        at++;
    if (at + from_size > 8 + header)
        fail_msg("the header has no %s", from);
    *new_size = size - from_size + to_size;
    unsigned char *result = malloc(*new_size);
    assert_non_null(result);
    memcpy(result, blob, at);
    memcpy(result + at, to, to_size);
    memcpy(result + at + to_size, blob + at + from_size, size - at - from_size);
    header = header - from_size + to_size;
    for (int i = 0; i < 3; i++)
        result[i] = (unsigned char)(header >> (8 * i));
    return result;
}

static void every_storage_gives_the_model_back(void **state)
{
    static const struct {
        int32_t embedding, hidden, layers, classes;
    } sizes[] = { { 16, 16, 1, 2 }, { 32, 16, 2, 3 }, { 16, 32, 4, 256 }, { 48, 80, 3, 2 } };
    (void)state;
    for (size_t s = 0; s < COUNT(sizes); s++)
        for (int storage = LSTM_F32; storage <= LSTM_BF16; storage++) {
            struct lstm_model *model = model_of(sizes[s].embedding, sizes[s].hidden, sizes[s].layers, sizes[s].classes);
            struct lstm_model *back;
            struct lstm_error err = { 0 };
            void *blob, *again;
            size_t size, again_size;
            assert_int_equal(lstm_model_write(model, (enum lstm_storage)storage, &blob, &size, &err), LSTM_OK);
            assert_int_equal(header_size(blob) % 64, 56);
            if (lstm_model_read(blob, size, &back, &err))
                fail_msg("%s", err.text);
            assert_same_model(model, back);
            assert_int_equal(lstm_model_write(back, (enum lstm_storage)storage, &again, &again_size, &err), LSTM_OK);
            assert_int_equal(again_size, size);
            assert_memory_equal(again, blob, size);
            lstm_model_free(model);
            lstm_model_free(back);
            free(blob);
            free(again);
        }
}

static void sixteen_bits_round_matrices_and_leave_vectors(void **state)
{
    struct lstm_model *model = model_of(16, 16, 1, 2), *back;
    size_t attention = lstm_attention_at(&model->sizes), classifier = lstm_classifier_at(&model->sizes);
    size_t bias = lstm_direction_at(&model->sizes, 0, 0) + 64 * 16 * 2, size;
    struct lstm_error err;
    void *blob;
    (void)state;
    model->params[0] = model->params[attention] = model->params[classifier] = model->params[bias] = 0.1F;
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
    struct lstm_model *model = model_of(16, 16, 1, 2), *back;
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
    /* The file's tensors in the order of the script's plan; memory has the sum where the plan has two biases. */
    static const size_t plan[] = { 0, 1, 2, 3, 5, 6, 7, 9, 10, 11 };
    struct lstm_tensor tensors[LSTM_TENSORS_MAX];
    struct lstm_model *model;
    struct lstm_error err = { 0 };
    size_t size;
    unsigned char *blob = file_bytes(GOLDEN, &size);
    (void)state;
    if (lstm_model_read(blob, size, &model, &err))
        fail_msg("%s", err.text);
    const struct lstm_sizes expected = { 263, 16, 16, 1, 3, 64, 16, 0, 0 };
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
                fail_msg("%s[%zu] is %a, expected %a", tensors[t].name, i, (double)model->params[tensors[t].at + i],
                         (double)value);
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

static void a_model_cut_anywhere_is_corrupt(void **state)
{
    struct lstm_model *model = model_of(16, 16, 1, 2), *back;
    struct lstm_error err;
    void *blob;
    size_t size;
    (void)state;
    assert_int_equal(lstm_model_write(model, LSTM_F16, &blob, &size, &err), LSTM_OK);
    lstm_model_free(model);
    for (size_t cut = 0; cut < size; cut++) {
        unsigned char *part = malloc(cut + !cut); /* of exactly that size, so that a sanitizer sees the edge */
        assert_non_null(part);
        memcpy(part, blob, cut);
        err.text[0] = '\0';
        assert_int_equal(lstm_model_read(part, cut, &back, &err), LSTM_CORRUPT);
        assert_null(back);
        assert_true(err.text[0] && err.status == LSTM_CORRUPT);
        free(part);
    }
    free(blob);
}

static void a_changed_byte_of_the_header_fails_or_leaves_the_parameters(void **state)
{
    struct lstm_model *model = model_of(16, 16, 1, 2), *back;
    struct lstm_error err;
    void *written;
    size_t size, params_size = lstm_params_count(&model->sizes) * sizeof(float), read = 0, refused = 0;
    (void)state;
    assert_int_equal(lstm_model_write(model, LSTM_F16, &written, &size, &err), LSTM_OK);
    unsigned char *blob = written;
    for (size_t at = 0; at < 8 + header_size(written); at++) {
        unsigned char original = blob[at];
        for (int change = 1; change < 256; change++) {
            blob[at] = (unsigned char)(original ^ change);
            err.text[0] = '\0';
            enum lstm_status rc = lstm_model_read(blob, size, &back, &err);
            if (rc) {
                assert_int_equal(rc, LSTM_CORRUPT);
                assert_true(!back && err.text[0]);
                refused++;
                continue;
            }
            struct lstm_sizes same = model->sizes;
            same.window = back->sizes.window, same.overlap = back->sizes.overlap;
            assert_memory_equal(&back->sizes, &same, sizeof same);
            assert_int_equal(lstm_sizes_check(&back->sizes, &err), LSTM_OK);
            assert_memory_equal(back->params, model->params, params_size);
            lstm_model_free(back);
            read++;
        }
        blob[at] = original;
    }
    assert_true(read > 0 && refused > read);
    lstm_model_free(model);
    free(written);
}

static void refuses_a_hostile_header_and_says_why(void **state)
{
    static const struct {
        const char *from, *to, *reason;
    } cases[] = {
        { "lstm-model", "pt", "metadata \"format\" is \"pt\", expected \"lstm-model\"" },
        { "\"format\": \"lstm-model\", ", "", "metadata \"format\" is missing" },
        { "\"version\": \"1\"", "\"version\": \"2\"", "metadata \"version\" is \"2\", expected \"1\"" },
        { "\"classify\"", "\"summarize\"", "metadata \"task\" is neither \"sentiment\" nor \"classify\"" },
        { "\"classify\"", "\"classify\\u0000\"", "metadata \"task\" has a NUL inside" },
        { "\"classify\"", "\"sentiment\"", "a sentiment model has 3 classes, expected 2" },
        { "\"window\": \"64\"", "\"window\": \"15\"", "window is 15, expected 16 to 4096 in steps of 1" },
        { "\"window\": \"64\"", "\"window\": \"4097\"",
          "metadata \"window\" is 4097, expected a whole number up to 4096" },
        { "\"window\": \"64\"", "\"window\": \"-64\"", "metadata \"window\" is -64, expected a whole number" },
        { "\"window\": \"64\"", "\"window\": \"64.5\"", "metadata \"window\" is 64.5, expected a whole number" },
        { "\"window\": \"64\"", "\"window\": \" 64\"", "metadata \"window\" is \" 64\", expected a number" },
        { "\"window\": \"64\"", "\"window\": \"1e999\"", "metadata \"window\" is \"1e999\", expected a number" },
        { "\"window\": \"64\"", "\"window\": 64", "metadata \"window\" is not a string" },
        { "\"window\": \"64\", ", "", "metadata \"window\" is missing" },
        { "\"overlap\": \"16\"", "\"overlap\": \"33\"", "overlap is 33, expected 0 to 32 in steps of 1" },
        { "\"overlap\"", "\"overlop\"", "metadata \"overlap\" is missing" },
        { "\"labels\": \"[", "\"labels\": \"", "metadata \"labels\", byte 14: something follows the value" },
        { "\\\"neutral\\\", ", "", "metadata \"labels\" is not a JSON array of 3 strings" },
        { "[\\\"n\\\\u00e9gatif\\\", \\\"neutral\\\", \\\"\\\\u6b63\\\"]", "3", "is not a JSON array of 3 strings" },
        { "\\\"neutral\\\"", "7", "label 1 is not a string" },
        { "\\\"neutral\\\"", "\\\"\\\"", "label 1 is not UTF-8 of 1 to 63 bytes" },
        { "\\\"neutral\\\"", "\\\"a\\\\u0000\\\"", "label 1 is not UTF-8 of 1 to 63 bytes" },
        { "neutral", "0123456789012345678901234567890123456789012345678901234567890123", "label 1 is not UTF-8 of 1" },
        { "neutral", "\\\\u6b63", "labels 1 and 2 are the same" },
        { "\"1.25\"", "\"0\"", "metadata \"temperature\" is 0, expected a number above 0" },
        { "\"1.25\"", "\"-1\"", "metadata \"temperature\" is -1, expected a number above 0" },
        { "\"1.25\"", "\"1e39\"", "metadata \"temperature\" is inf, expected a number above 0" },
        { "\"1.25\"", "\"1e-60\"", "metadata \"temperature\" is 0, expected a number above 0" },
        { "\"1.25\"", "\"warm\"", "metadata \"temperature\" is \"warm\", expected a number" },
        { "\"bpe\"", "\"words\"", "metadata \"tokenizer\" is \"words\", expected \"bpe\"" },
        { "\"vocabulary\"", "\"vocabularx\"", "metadata \"vocabulary\" is missing" },
        { "a\\nb\\n", "a\\na\\n", "vocabulary entry 2" },
        { "a\\nb\\n", "a\\n", "embedding.weight has 263 rows, the vocabulary 262 tokens" },
        { "{\\\"seed\\\": 7", "[7", "metadata \"card\", byte 10: expected ',' or ']'" },
        { "{\\\"seed\\\": 7, \\\"data\\\": \\\"none\\\"}", "[]", "metadata \"card\" is not a JSON object" },
        { "\\\"seed\\\": 7", "\\\"data\\\": 7", "metadata \"card\", byte 18: a key that stands twice" },
        { "\"card\"", "\"note\"", "metadata \"note\" is unknown; what else is to be said goes into \"card\"" },
        { "\"card\"", "\"cards\\u0007\"", "metadata \"cards?\" is unknown" },
        { "\"embedding.weight\"", "\"embedding.weights\"", "tensor embedding.weight is missing" },
        { "\"attention.weight\"", "\"attention.bias\"",
          "tensor attention.bias does not belong to a model of 1 layers" },
        { "\"lstm.bias_hh_l0\"", "\"lstm.bias_hh_l1\"",
          "tensor lstm.bias_hh_l1 does not belong to a model of 1 layers" },
        { "\"lstm.weight_ih_l0\"", "\"lstm.weight_ih_l1\"", "layers is 0, expected 1 to 4" },
        { "\"lstm.weight_ih_l0_reverse\"", "\"lstm.weight_ih_l1\"", "tensor lstm.weight_ih_l0_reverse is missing" },
        { "[263, 16]", "[16, 263]", "vocab is 16, expected 257 to 1048576 in steps of 1" },
        { "[263, 16]", "[4208]", "tensor embedding.weight: not a shape of 2 sizes within bounds" },
        { "[263, 16]", "[526, 8]", "embedding is 8, expected 16 to 1024 in steps of 16" },
        { "[263, 16]", "[4208, 1]", "embedding is 1, expected 16 to 1024" },
        { "\"BF16\", \"shape\": [263", "\"I16\", \"shape\": [263",
          "tensor embedding.weight is I16, expected F32, F16 or BF16" },
        { "[1, 32]", "[32]", "tensor attention.weight: expected shape [1, 32]" },
        { "[1, 32]", "[32, 1]", "tensor attention.weight: expected shape [1, 32]" },
        { "[3, 96]", "[96, 3]", "tensor classifier.weight: expected shape [3, 96]" },
        { "\"F16\", \"shape\": [64]", "\"F16\", \"shape\": [1, 64]", "tensor lstm.bias_hh_l0: expected shape [64]" },
        { "\"F16\", \"shape\": [64]", "\"F32\", \"shape\": [32]", "tensor lstm.bias_hh_l0: expected shape [64]" },
        { "\"F16\", \"shape\": [3, 96]", "\"F32\", \"shape\": [3, 48]",
          "tensor classifier.weight: expected shape [3, 96]" },
        { "\"F16\", \"shape\": [64, 16]", "\"F16\", \"shape\": [16, 64]",
          "lstm.weight_ih_l0: expected shape [64, 16]" },
    };
    size_t size;
    unsigned char *blob = file_bytes(GOLDEN, &size);
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct lstm_model *model;
        struct lstm_error err = { 0 };
        size_t changed_size;
        unsigned char *changed = replaced(blob, size, cases[i].from, cases[i].to, &changed_size);
        enum lstm_status rc = lstm_model_read(changed, changed_size, &model, &err);
        if (rc != LSTM_CORRUPT || err.status != rc || model || !strstr(err.text, cases[i].reason))
            fail_msg("%s: status %d, \"%s\" instead of \"%s\"", cases[i].to, (int)rc, err.text, cases[i].reason);
        assert_int_equal(lstm_model_read(changed, changed_size, &model, NULL), LSTM_CORRUPT);
        free(changed);
    }
    free(blob);
}

static void a_file_without_a_card_has_an_empty_one(void **state)
{
    size_t size, changed_size;
    unsigned char *blob = file_bytes(GOLDEN, &size);
    unsigned char *changed =
        replaced(blob, size, ", \"card\": \"{\\\"seed\\\": 7, \\\"data\\\": \\\"none\\\"}\"", "", &changed_size);
    struct lstm_model *model;
    (void)state;
    assert_int_equal(lstm_model_read(changed, changed_size, &model, NULL), LSTM_OK);
    assert_string_equal(model->card, "{}");
    lstm_model_free(model);
    free(changed);
    free(blob);
}

static void refuses_numbers_that_are_not_finite_and_names_them(void **state)
{
    static const struct {
        const char *bytes, *tensor; /* little-endian F32, put at element 5 */
        const char *reason;
    } cases[] = {
        { "\x00\x00\xc0\x7f", "\"lstm.weight_hh_l0_reverse\"",
          "tensor lstm.weight_hh_l0_reverse, element 5: not a finite" },
        { "\x00\x00\x80\x7f", "\"embedding.weight\"", "tensor embedding.weight, element 5: not a finite number" },
        { "\x00\x00\x80\xff", "\"lstm.bias_hh_l0\"", "tensor lstm.bias_hh_l0, element 5: not a finite number" },
        { "\x01\x00\x80\x7f", "\"classifier.weight\"", "tensor classifier.weight, element 5: not a finite number" },
    };
    struct lstm_model *model = model_of(16, 16, 1, 2), *back;
    struct lstm_error err;
    void *written;
    size_t size;
    (void)state;
    assert_int_equal(lstm_model_write(model, LSTM_F32, &written, &size, &err), LSTM_OK);
    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t header = header_size(written), begin = 0;
        char *blob = malloc(size);
        assert_non_null(blob);
        memcpy(blob, written, size);
        blob[8 + header - 1] = '\0'; /* the padding ends in a space; a moment of a C string */
        const char *offsets = strstr(strstr(blob + 8, cases[i].tensor), "data_offsets\":[");
        assert_int_equal(sscanf(offsets, "data_offsets\":[%zu", &begin), 1);
        blob[8 + header - 1] = ' ';
        memcpy(blob + 8 + header + begin + 4 * 5, cases[i].bytes, 4);
        assert_int_equal(lstm_model_read(blob, size, &back, &err), LSTM_CORRUPT);
        assert_null(back);
        if (!strstr(err.text, cases[i].reason))
            fail_msg("\"%s\" instead of \"%s\"", err.text, cases[i].reason);
        free(blob);
    }
    free(written);
    lstm_model_free(model);
}

static void two_finite_biases_with_an_infinite_sum_are_refused(void **state)
{
    struct lstm_model *model = model_of(16, 16, 1, 2), *back;
    struct lstm_error err;
    void *written;
    size_t size, count = lstm_params_count(&model->sizes);
    float *bias = model->params + lstm_direction_at(&model->sizes, 0, 0) + 64 * 16 * 2;
    (void)state;
    bias[9] = 0x1.8p127F;
    assert_int_equal(lstm_model_write(model, LSTM_F32, &written, &size, &err), LSTM_OK);
    /* In the file bias_hh lies behind bias_ih, the embedding and the two matrices; the rest has 64 floats fewer. */
    unsigned char *blob = written;
    size_t data = size - (count + 2 * 64) * sizeof(float);
    size_t bias_ih = data + ((size_t)model->sizes.vocab * 16 + 64 * 16 * 2) * sizeof(float);
    memcpy(blob + bias_ih + (64 + 9) * sizeof(float), blob + bias_ih + 9 * sizeof(float), sizeof(float));
    assert_int_equal(lstm_model_read(blob, size, &back, &err), LSTM_CORRUPT);
    assert_string_equal(err.text, "tensor lstm.bias_hh_l0, element 9: not a finite number");
    free(written);
    lstm_model_free(model);
}

static void writes_nothing_that_could_not_be_read(void **state)
{
    static const char *const reasons[] = {
        "tensor embedding.weight, element 3: 65520 cannot be stored as F16",
        "tensor embedding.weight, element 3: nan cannot be stored as F16",
        "metadata \"task\" is neither \"sentiment\" nor \"classify\"",
        "labels 0 and 1 are the same",
        "label 1 is not UTF-8 of 1 to 63 bytes",
        "label 0 is not UTF-8 of 1 to 63 bytes",
        "metadata \"temperature\" is nan, expected a number above 0",
        "metadata \"card\", byte 0: expected a value",
        "overlap is 51, expected 0 to 50 in steps of 1",
        "embedding.weight has 260 rows, the vocabulary 261 tokens",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(reasons); i++) {
        struct lstm_model *model = model_of(16, 16, 1, 2);
        struct lstm_error err = { 0 };
        void *blob;
        size_t size;
        switch (i) {
        case 0: model->params[3] = 65520; break;
        case 1: model->params[3] = NAN; break;
        case 2: model->task[0] = 'S'; break;
        case 3: memcpy(model->labels[1], model->labels[0], LSTM_LABEL_SIZE); break;
        case 4: memset(model->labels[1], 'x', LSTM_LABEL_SIZE); break;
        case 5: model->labels[0][0] = '\xff'; break;
        case 6: model->temperature = NAN; break;
        case 7: model->card[0] = 'x'; break;
        case 8: model->sizes.overlap = 51; break;
        default: model->sizes.vocab--; break;
        }
        assert_int_equal(lstm_model_write(model, LSTM_F16, &blob, &size, &err), LSTM_RANGE);
        assert_null(blob);
        assert_int_equal(err.status, LSTM_RANGE);
        if (!strstr(err.text, reasons[i]))
            fail_msg("\"%s\" instead of \"%s\"", err.text, reasons[i]);
        lstm_model_free(model);
    }
}

static void the_same_model_has_the_same_digest(void **state)
{
    static const char expected[] = "1ef5bbeaffc5fc5fc0e605b9ab8c0a9fda82d8d6f56d3eff222461428ad4c7de";
    struct lstm_model *model = model_of(16, 16, 1, 2);
    unsigned char digest[SHA256_SIZE];
    char hex[SHA256_HEX_SIZE];
    void *blob;
    size_t size;
    (void)state;
    assert_int_equal(lstm_model_write(model, LSTM_BF16, &blob, &size, NULL), LSTM_OK);
    sha256_of(blob, size, digest);
    sha256_hex(digest, hex);
    assert_string_equal(hex, expected); /* changes only with the format: see FORMAT.md */
    free(blob);
    lstm_model_free(model);
}

static void every_failing_allocation_is_reported_and_leaks_nothing(void **state)
{
    (void)state;
    if (!OWN_MALLOC) {
        print_message("SKIPPED: a sanitizer owns malloc, so allocations cannot be made to fail here\n");
        skip();
    }
    struct lstm_model *model = model_of(16, 16, 1, 2), *back = NULL;
    enum lstm_status rc = LSTM_NOMEM;
    void *blob = NULL;
    size_t size = 0;
    long failures = 0;
    for (; rc; failures++) {
        struct lstm_error err = { 0 };
        long before = blocks;
        allocations_left = failures;
        rc = lstm_model_write(model, LSTM_F32, &blob, &size, &err);
        allocations_left = -1;
        assert_true(!rc || (rc == LSTM_NOMEM && err.status == rc && err.text[0] && !blob && blocks == before));
    }
    assert_true(failures > 3);
    for (rc = LSTM_NOMEM, failures = 0; rc; failures++) {
        struct lstm_error err = { 0 };
        long before = blocks;
        allocations_left = failures;
        rc = lstm_model_read(blob, size, &back, &err);
        allocations_left = -1;
        assert_true(!rc || (rc == LSTM_NOMEM && err.status == rc && err.text[0] && !back && blocks == before));
    }
    assert_true(failures > 6);
    assert_same_model(model, back);
    free(blob);
    lstm_model_free(back);
    lstm_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_storage_gives_the_model_back),
        cmocka_unit_test(sixteen_bits_round_matrices_and_leave_vectors),
        cmocka_unit_test(a_bias_of_minus_zero_is_written_as_it_will_be_read),
        cmocka_unit_test(reads_the_golden_file_to_the_bit),
        cmocka_unit_test(a_model_cut_anywhere_is_corrupt),
        cmocka_unit_test(a_changed_byte_of_the_header_fails_or_leaves_the_parameters),
        cmocka_unit_test(refuses_a_hostile_header_and_says_why),
        cmocka_unit_test(a_file_without_a_card_has_an_empty_one),
        cmocka_unit_test(refuses_numbers_that_are_not_finite_and_names_them),
        cmocka_unit_test(two_finite_biases_with_an_infinite_sum_are_refused),
        cmocka_unit_test(writes_nothing_that_could_not_be_read),
        cmocka_unit_test(the_same_model_has_the_same_digest),
        cmocka_unit_test(every_failing_allocation_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
