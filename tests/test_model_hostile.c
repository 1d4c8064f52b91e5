/* What must not be read or written as a model, and the reasons given. */
#include "model/quantise.h"
#include "tests/model_samples.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    int32_t classes;
    enum lstm_storage storage;
} samples[] = { { 2, LSTM_F16 }, { 0, LSTM_F16 }, { 2, LSTM_I8 }, { 0, LSTM_I8 } };

static struct lstm_model *sample_of(size_t i)
{
    struct lstm_model *model = model_sample(16, 16, 1, samples[i].classes);
    if (samples[i].storage == LSTM_I8)
        assert_int_equal(lstm_model_quantise(model, NULL), LSTM_OK);
    return model;
}

static void a_model_cut_anywhere_is_corrupt(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(samples); i++) {
        struct lstm_model *model = sample_of(i), *back;
        struct lstm_error err;
        void *blob;
        size_t size;
        assert_int_equal(lstm_model_write(model, samples[i].storage, &blob, &size, &err), LSTM_OK);
        lstm_model_free(model);
        for (size_t cut = 0; cut < size; cut++) {
            unsigned char *part =
                malloc(cut + !cut); /* of exactly that size, so that a sanitizer sees the edge */
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
}

static void change_every_byte_of_the_header(struct lstm_model *model, enum lstm_storage storage)
{
    struct lstm_model *back;
    struct lstm_error err;
    void *written;
    /* What is new in a quantised one's header are names: fewer changes will do. */
    const int change_step = storage == LSTM_I8 ? 8 : 1;
    size_t size, params_size = lstm_params_count(&model->sizes) * sizeof(float), read = 0,
                 refused = 0;
    assert_int_equal(lstm_model_write(model, storage, &written, &size, &err), LSTM_OK);
    unsigned char *blob = written;
    for (size_t at = 0; at < 8 + model_header_size(written); at++) {
        unsigned char original = blob[at];
        for (int change = 1; change < 256; change += change_step) {
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
            lstm_model_dequantise(back);
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

static void a_changed_byte_of_the_header_fails_or_leaves_the_parameters(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(samples); i++)
        change_every_byte_of_the_header(sample_of(i), samples[i].storage);
}

struct hostile {
    const char *from, *to,
        *reason; /* what stands in the header, what instead, and what is said of it */
};

static void refuse_each(const unsigned char *blob, size_t size, const struct hostile *cases,
                        size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct lstm_model *model;
        struct lstm_error err = { 0 };
        size_t changed_size;
        unsigned char *changed =
            model_replaced(blob, size, cases[i].from, cases[i].to, &changed_size);
        enum lstm_status rc = lstm_model_read(changed, changed_size, &model, &err);
        if (rc != LSTM_CORRUPT || err.status != rc || model || !strstr(err.text, cases[i].reason))
            fail_msg("%s: status %d, \"%s\" instead of \"%s\"", cases[i].to, (int)rc, err.text,
                     cases[i].reason);
        assert_int_equal(lstm_model_read(changed, changed_size, &model, NULL), LSTM_CORRUPT);
        free(changed);
    }
}

static void refuses_a_hostile_header_and_says_why(void **state)
{
    static const struct hostile cases[] = {
        { "lstm-model", "pt", "metadata \"format\" is \"pt\", expected \"lstm-model\"" },
        { "\"format\": \"lstm-model\", ", "", "metadata \"format\" is missing" },
        { "\"version\": \"1\"", "\"version\": \"2\"",
          "metadata \"version\" is \"2\", expected \"1\"" },
        { "\"classify\"", "\"Classify\"",
          "metadata \"task\" is none of \"sentiment\", \"classify\", \"summarize\"" },
        { "\"classify\"", "\"summarize\"", "tensor decoder.weight_hh is missing" },
        { "\"classify\"", "\"classify\\u0000\"", "metadata \"task\" has a NUL inside" },
        { "\"classify\"", "\"sentiment\"", "a sentiment model has 3 classes, expected 2" },
        { "\"window\": \"64\"", "\"window\": \"15\"",
          "window is 15, expected 16 to 4096 in steps of 1" },
        { "\"window\": \"64\"", "\"window\": \"4097\"",
          "metadata \"window\" is 4097, expected a whole number up to 4096" },
        { "\"window\": \"64\"", "\"window\": \"-64\"",
          "metadata \"window\" is -64, expected a whole number" },
        { "\"window\": \"64\"", "\"window\": \"64.5\"",
          "metadata \"window\" is 64.5, expected a whole number" },
        { "\"window\": \"64\"", "\"window\": \" 64\"",
          "metadata \"window\" is \" 64\", expected a number" },
        { "\"window\": \"64\"", "\"window\": \"1e999\"",
          "metadata \"window\" is \"1e999\", expected a number" },
        { "\"window\": \"64\"", "\"window\": 64", "metadata \"window\" is not a string" },
        { "\"window\": \"64\", ", "", "metadata \"window\" is missing" },
        { "\"overlap\": \"16\"", "\"overlap\": \"33\"",
          "overlap is 33, expected 0 to 32 in steps of 1" },
        { "\"overlap\"", "\"overlop\"", "metadata \"overlap\" is missing" },
        { "\"labels\": \"[", "\"labels\": \"",
          "metadata \"labels\", byte 14: something follows the value" },
        { "\\\"neutral\\\", ", "", "metadata \"labels\" is not a JSON array of 3 strings" },
        { "[\\\"n\\\\u00e9gatif\\\", \\\"neutral\\\", \\\"\\\\u6b63\\\"]", "3",
          "is not a JSON array of 3 strings" },
        { "\\\"neutral\\\"", "7", "label 1 is not a string" },
        { "\\\"neutral\\\"", "\\\"\\\"", "label 1 is not UTF-8 of 1 to 63 bytes" },
        { "\\\"neutral\\\"", "\\\"a\\\\u0000\\\"", "label 1 is not UTF-8 of 1 to 63 bytes" },
        { "neutral", "0123456789012345678901234567890123456789012345678901234567890123",
          "label 1 is not UTF-8 of 1" },
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
        { "{\\\"seed\\\": 7, \\\"data\\\": \\\"none\\\"}", "[]",
          "metadata \"card\" is not a JSON object" },
        { "\\\"seed\\\": 7", "\\\"data\\\": 7",
          "metadata \"card\", byte 18: a key that stands twice" },
        { "\"card\"", "\"note\"",
          "metadata \"note\" is unknown; what else is to be said goes into \"card\"" },
        { "\"card\"", "\"cards\\u0007\"", "metadata \"cards?\" is unknown" },
        { "\"embedding.weight\"", "\"embedding.weights\"", "tensor embedding.weight is missing" },
        { "\"attention.weight\"", "\"attention.bias\"",
          "tensor attention.bias does not belong to a model of 1 layers" },
        { "\"lstm.bias_hh_l0\"", "\"lstm.bias_hh_l1\"",
          "tensor lstm.bias_hh_l1 does not belong to a model of 1 layers" },
        { "\"lstm.weight_ih_l0\"", "\"lstm.weight_ih_l1\"", "layers is 0, expected 1 to 4" },
        { "\"lstm.weight_ih_l0_reverse\"", "\"lstm.weight_ih_l1\"",
          "tensor lstm.weight_ih_l0_reverse is missing" },
        { "[263, 16]", "[16, 263]", "vocab is 16, expected 257 to 1048576 in steps of 1" },
        { "[263, 16]", "[4208]", "tensor embedding.weight: not a shape of 2 sizes within bounds" },
        { "[263, 16]", "[526, 8]", "embedding is 8, expected 16 to 1024 in steps of 16" },
        { "[263, 16]", "[4208, 1]", "embedding is 1, expected 16 to 1024" },
        { "\"BF16\", \"shape\": [263", "\"I16\", \"shape\": [263",
          "tensor embedding.weight is I16, expected F32, F16 or BF16" },
        { "[1, 32]", "[32]", "tensor attention.weight: expected shape [1, 32]" },
        { "[1, 32]", "[32, 1]", "tensor attention.weight: expected shape [1, 32]" },
        { "[3, 96]", "[96, 3]", "tensor classifier.weight: expected shape [3, 96]" },
        { "\"F16\", \"shape\": [64]", "\"F16\", \"shape\": [1, 64]",
          "tensor lstm.bias_hh_l0: expected shape [64]" },
        { "\"F16\", \"shape\": [64]", "\"F32\", \"shape\": [32]",
          "tensor lstm.bias_hh_l0: expected shape [64]" },
        { "\"F16\", \"shape\": [3, 96]", "\"F32\", \"shape\": [3, 48]",
          "tensor classifier.weight: expected shape [3, 96]" },
        { "\"F16\", \"shape\": [64, 16]", "\"F16\", \"shape\": [16, 64]",
          "lstm.weight_ih_l0: expected shape [64, 16]" },
    };
    size_t size;
    unsigned char *blob = model_file_bytes(GOLDEN, &size);
    (void)state;
    refuse_each(blob, size, cases, COUNT(cases));
    free(blob);
}

static void refuses_a_hostile_summariser_and_says_why(void **state)
{
    static const struct hostile cases[] = {
        { "\"summarize\"", "\"summarise\"", "metadata \"task\" is none of \"sentiment\"" },
        { "\"summarize\"", "\"classify\"", "tensor classifier.bias is missing" },
        { "\"card\":", "\"labels\":\"[]\",\"card\":",
          "metadata \"labels\" does not belong to a summariser" },
        { "\"card\":", "\"temperature\":\"1\",\"card\":",
          "metadata \"temperature\" does not belong to a summar" },
        { "\"card\":", "\"note\":\"1\",\"card\":", "metadata \"note\" is unknown; what else" },
        { "\"decoder.weight_hh\"", "\"decoder.weight_hx\"", "tensor decoder.weight_hh is missing" },
        { "\"decoder.bias_hh\"", "\"decoder.bias_hx\"",
          "tensor decoder.bias_hx does not belong to a model of" },
        { "\"decoder.bias_hh\"", "\"attention.weight\"",
          "tensor attention.weight does not belong to a model of" },
        { "\"align_query.bias\"", "\"align_query.bies\"", "tensor align_query.bias is missing" },
        { "\"copy.bias\"", "\"copy.bies\"", "tensor copy.bies does not belong to a model of" },
        { "[128,32]", "[512,8]", "decoder is 8, expected 16 to 1024 in steps of 16" },
        { "[128,32]", "[2,2048]", "decoder is 2048, expected 0 to 1024 in steps of 16" },
        { "[128,32]", "[32,128]", "tensor bridge.weight: expected shape [256, 32]" },
        { "\"decoder.weight_hh\"",
          "\"decoder.weight_hh\":{\"dtype\":\"F32\",\"shape\":[64,0],\"data_offsets\":[0,0]},\"x\"",
          "decoder is 0, expected 16 to 1024 in steps of 16" },
        { "\"align_query.bias\":{\"dtype\":\"F32\",\"shape\":[48],",
          "\"align_query.bias\":{\"dtype\":\"F64\",\"shape\":[24],",
          "alignment is 24, expected 16 to 1024 in steps of 16" },
        { "\"bridge.bias\":{\"dtype\":\"F32\"", "\"bridge.bias\":{\"dtype\":\"I32\"",
          "tensor bridge.bias is I32, expected F32, F16 or BF16" },
        { "\"shape\":[48],", "\"shape\":[1,48],",
          "tensor align_query.bias: not a shape of 1 sizes within bounds" },
        { "\"align_query.bias\":{\"dtype\":\"F32\",\"shape\":[48],",
          "\"align_query.bias\":{\"dtype\":\"F16\",\"shape\":[96],",
          "tensor align_state.weight: expected shape [96, 32]" },
        { "[1,48]", "[48,1]", "tensor align_coverage.weight: expected shape [1, 48]" },
        { "[1,80]", "[80]", "tensor copy.weight: expected shape [1, 80]" },
        { "\"shape\":[1],", "\"shape\":[1,1],", "tensor copy.bias: expected shape [1]" },
        { "\"shape\":[1],", "\"shape\":[],", "tensor copy.bias: expected shape [1]" },
        { "[272,16]", "[4352]", "tensor embedding.weight: not a shape of 2 sizes within bounds" },
        { "\\nl\\nm\\n", "\\nl\\nl\\n", "vocabulary entry 15" },
        { "\\nl\\nm\\n", "\\nm\\n", "embedding.weight has 272 rows, the vocabulary 271 tokens" },
    };
    struct lstm_model *model = model_sample(16, 16, 1, 0);
    void *blob;
    size_t size;
    (void)state;
    assert_int_equal(lstm_model_write(model, LSTM_F32, &blob, &size, NULL), LSTM_OK);
    refuse_each(blob, size, cases, COUNT(cases));
    free(blob);
    lstm_model_free(model);
}

static void refuses_a_hostile_quantised_model_and_says_why(void **state)
{
    static const struct hostile cases[] = {
        { "\"embedding.weight_scale\"", "\"embedding.weight_scalx\"",
          "tensor embedding.weight_scalx does not belong to a model of 1 layers that is quantised "
          "(embedding.weight is I8)" },
        { "\"decoder.weight_scale\"", "\"decoder.weight_hh_scale\"",
          "tensor decoder.weight_hh_scale does not belong" },
        { "\"bridge.weight\":{\"dtype\":\"I8\",\"shape\":[64,32]",
          "\"bridge.weight\":{\"dtype\":\"F16\",\"shape\":[64,16]",
          "tensor bridge.weight is F16, expected I8 as embedding.weight is" },
        { "\"embedding.weight\":{\"dtype\":\"I8\",\"shape\":[272,16]",
          "\"embedding.weight\":{\"dtype\":\"F32\",\"shape\":[272,4]",
          "embedding is 4, expected 16" },
        { "\"embedding.weight\":{\"dtype\":\"I8\"", "\"embedding.weight\":{\"dtype\":\"U8\"",
          "tensor embedding.weight_scale does not belong to a model of 1 layers" },
        { "\"output.weight\":{\"dtype\":\"I8\"", "\"output.weight\":{\"dtype\":\"BOOL\"",
          "tensor output.weight is BOOL, expected I8 as embedding.weight is" },
        { "\"bridge.bias\":{\"dtype\":\"F32\",\"shape\":[64]",
          "\"bridge.bias\":{\"dtype\":\"I8\",\"shape\":[256]",
          "tensor bridge.bias is I8, expected F32, F16 or BF16" },
        { "\"output.weight_scale\":{\"dtype\":\"F32\",\"shape\":[16]",
          "\"output.weight_scale\":{\"dtype\":\"F16\",\"shape\":[32]",
          "tensor output.weight_scale is F16, expected F32" },
        { "\"output.weight_scale\":{\"dtype\":\"F32\",\"shape\":[16]",
          "\"output.weight_scale\":{\"dtype\":\"F32\",\"shape\":[16,1]",
          "tensor output.weight_scale: expected shape [16]" },
        { "\"decoder.weight_hh\":{\"dtype\":\"I8\",\"shape\":[128,32]",
          "\"decoder.weight_hh\":{\"dtype\":\"I8\",\"shape\":[256,16]",
          "tensor bridge.weight: expected shape [32, 32]" },
    };
    struct lstm_model *model = model_sample(16, 16, 1, 0);
    void *blob;
    size_t size;
    (void)state;
    assert_int_equal(lstm_model_quantise(model, NULL), LSTM_OK);
    assert_int_equal(lstm_model_write(model, LSTM_I8, &blob, &size, NULL), LSTM_OK);
    refuse_each(blob, size, cases, COUNT(cases));
    free(blob);
    lstm_model_free(model);
}

static void one_matrix_alone_cannot_be_int8(void **state)
{
    static const struct hostile cases[] = {
        { "\"lstm.weight_hh_l0_reverse\": {\"dtype\": \"F32\", \"shape\": [64, 16]",
          "\"lstm.weight_hh_l0_reverse\": {\"dtype\": \"I8\", \"shape\": [256, 16]",
          "tensor lstm.weight_hh_l0_reverse is I8, expected F32, F16 or BF16" },
    };
    size_t size;
    unsigned char *blob = model_file_bytes(GOLDEN, &size);
    (void)state;
    refuse_each(blob, size, cases, COUNT(cases));
    free(blob);
}

static void refuses_weights_and_scales_out_of_bounds_and_names_them(void **state)
{
    static const struct {
        const char *tensor, *bytes, *reason;
        size_t at, count;
    } cases[] = {
        { "embedding.weight", "\x80",
          "tensor embedding.weight, element 0: -128 is no weight, expected -127 to 127", 0, 1 },
        { "embedding.weight", "\x80",
          "tensor embedding.weight, element 4351: -128 is no weight, expected -127 to 127", 4351,
          1 },
        { "decoder.weight_hh", "\x80",
          "tensor decoder.weight_hh, element 77: -128 is no weight, expected -127 to 127", 77, 1 },
        { "decoder.weight_scale", "\x00\x00\x00\x00",
          "tensor decoder.weight_scale, element 3: 0 is no scale, expected 7.52316e-37 to "
          "1.32923e+36",
          12, 4 },
        { "bridge.weight_scale", "\x00\x00\x80\xbf",
          "tensor bridge.weight_scale, element 0: -1 is no scale, expected 7.52316e-37 to "
          "1.32923e+36",
          0, 4 },
        { "output.weight_scale", "\x00\x00\xc0\x7f",
          "tensor output.weight_scale, element 15: nan is no scale, expected 7.52316e-37 to "
          "1.32923e+36",
          60, 4 },
        { "output.weight_scale", "\x00\x00\x80\x7f",
          "tensor output.weight_scale, element 15: inf is no scale, expected 7.52316e-37 to "
          "1.32923e+36",
          60, 4 },
        { "align_state.weight_scale", "\x01\x00\x00\x00",
          "tensor align_state.weight_scale, element 1: 1.4013e-45 is no scale, expected "
          "7.52316e-37 to 1.32923e+36",
          4, 4 },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct lstm_model *model = model_sample(16, 16, 1, 0), *back;
        struct lstm_error err;
        void *blob;
        size_t size;
        assert_int_equal(lstm_model_quantise(model, &err), LSTM_OK);
        assert_int_equal(lstm_model_write(model, LSTM_I8, &blob, &size, &err), LSTM_OK);
        memcpy((char *)blob + model_tensor_at(blob, cases[i].tensor) + cases[i].at, cases[i].bytes,
               cases[i].count);
        assert_int_equal(lstm_model_read(blob, size, &back, &err), LSTM_CORRUPT);
        assert_null(back);
        assert_string_equal(err.text, cases[i].reason);
        free(blob);
        lstm_model_free(model);
    }
}

static void refuses_numbers_that_are_not_finite_and_names_them(void **state)
{
    static const struct {
        int32_t classes;
        const char *bytes, *tensor; /* little-endian F32, put at element 5 */
    } cases[] = {
        { 2, "\x00\x00\xc0\x7f", "lstm.weight_hh_l0_reverse" },
        { 2, "\x00\x00\x80\x7f", "embedding.weight" },
        { 2, "\x00\x00\x80\xff", "lstm.bias_hh_l0" },
        { 2, "\x01\x00\x80\x7f", "classifier.weight" },
        { 0, "\x00\x00\xc0\x7f", "bridge.bias" },
        { 0, "\x00\x00\x80\xff", "decoder.bias_hh" },
        { 0, "\x00\x00\xc0\x7f", "vocabulary.bias" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct lstm_model *model = model_sample(16, 16, 1, cases[i].classes), *back;
        struct lstm_error err;
        void *blob;
        size_t size;
        char reason[100];
        assert_int_equal(lstm_model_write(model, LSTM_F32, &blob, &size, &err), LSTM_OK);
        memcpy((char *)blob + model_tensor_at(blob, cases[i].tensor) + 4 * 5, cases[i].bytes, 4);
        assert_int_equal(lstm_model_read(blob, size, &back, &err), LSTM_CORRUPT);
        assert_null(back);
        snprintf(reason, sizeof reason, "tensor %s, element 5: not a finite number",
                 cases[i].tensor);
        assert_string_equal(err.text, reason);
        free(blob);
        lstm_model_free(model);
    }
}

static void two_finite_biases_with_an_infinite_sum_are_refused(void **state)
{
    struct lstm_model *model = model_sample(16, 16, 1, 2), *back;
    struct lstm_error err;
    void *written;
    size_t size, count = lstm_params_count(&model->sizes);
    float *bias = model->params + lstm_direction_at(&model->sizes, 0, 0) + 64 * 16 * 2;
    (void)state;
    bias[9] = 0x1.8p127F;
    assert_int_equal(lstm_model_write(model, LSTM_F32, &written, &size, &err), LSTM_OK);
    /* In the file bias_hh lies behind bias_ih, the embedding and the two matrices; the rest has 64
     * floats fewer. */
    unsigned char *blob = written;
    size_t data = size - (count + 2 * 64) * sizeof(float);
    size_t bias_ih = data + ((size_t)model->sizes.vocab * 16 + 64 * 16 * 2) * sizeof(float);
    memcpy(blob + bias_ih + (64 + 9) * sizeof(float), blob + bias_ih + 9 * sizeof(float),
           sizeof(float));
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
        "metadata \"task\" is none of \"sentiment\", \"classify\", \"summarize\"",
        "labels 0 and 1 are the same",
        "label 1 is not UTF-8 of 1 to 63 bytes",
        "label 0 is not UTF-8 of 1 to 63 bytes",
        "metadata \"temperature\" is nan, expected a number above 0",
        "metadata \"card\", byte 0: expected a value",
        "overlap is 51, expected 0 to 50 in steps of 1",
        "embedding.weight has 260 rows, the vocabulary 261 tokens",
        "a model of task \"summarize\" has a decoder of 0 units",
        "a model of task \"classify\" has a decoder of 32 units",
        "vocab is 271, a summariser's is a multiple of 16",
        "embedding.weight has 288 rows, the vocabulary 272 tokens",
        "alignment is 8, expected 16 to 1024 in steps of 16",
        "classes is 2, expected 0 to 0 in steps of 1",
    };
    const size_t of_summarisers = 11;
    (void)state;
    for (size_t i = 0; i < COUNT(reasons); i++) {
        struct lstm_model *model = model_sample(16, 16, 1, i < of_summarisers ? 2 : 0);
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
        case 9: model->sizes.vocab--; break;
        case 10: memcpy(model->task, "summarize", sizeof "summarize"); break;
        case 11: memcpy(model->task, "classify", sizeof "classify"); break;
        case 12: model->sizes.vocab--; break;
        case 13: model->sizes.vocab += 16; break;
        case 14: model->sizes.alignment = 8; break;
        default: model->sizes.classes = 2; break;
        }
        assert_int_equal(lstm_model_write(model, LSTM_F16, &blob, &size, &err), LSTM_RANGE);
        assert_null(blob);
        assert_int_equal(err.status, LSTM_RANGE);
        if (!strstr(err.text, reasons[i]))
            fail_msg("\"%s\" instead of \"%s\"", err.text, reasons[i]);
        lstm_model_free(model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_cut_anywhere_is_corrupt),
        cmocka_unit_test(a_changed_byte_of_the_header_fails_or_leaves_the_parameters),
        cmocka_unit_test(refuses_a_hostile_header_and_says_why),
        cmocka_unit_test(refuses_a_hostile_summariser_and_says_why),
        cmocka_unit_test(refuses_a_hostile_quantised_model_and_says_why),
        cmocka_unit_test(one_matrix_alone_cannot_be_int8),
        cmocka_unit_test(refuses_weights_and_scales_out_of_bounds_and_names_them),
        cmocka_unit_test(refuses_numbers_that_are_not_finite_and_names_them),
        cmocka_unit_test(two_finite_biases_with_an_infinite_sum_are_refused),
        cmocka_unit_test(writes_nothing_that_could_not_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
