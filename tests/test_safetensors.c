#include "model/safetensors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define T(dtype, shape, offsets) \
    "{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

/* A file of that header and so many bytes of data, in a block of exactly its size. */
static unsigned char *file_of(const char *header, size_t data_size, size_t *size)
{
    size_t header_size = strlen(header);
    unsigned char *blob = malloc(8 + header_size + data_size);
    assert_non_null(blob);
    for (int i = 0; i < 8; i++)
        blob[i] = (unsigned char)(header_size >> (8 * i));
    memcpy(blob + 8, header, header_size);
    memset(blob + 8 + header_size, 7, data_size);
    *size = 8 + header_size + data_size;
    return blob;
}

static void refuses_a_bad_header_and_says_why(void **state)
{
    static const struct {
        const char *header;
        size_t data;
        const char *reason;
    } cases[] = {
        { "[]", 0, "the header does not start with '{'" },
        { " {}", 0, "the header does not start with '{'" },
        { "{}x", 0, "the header, byte 2: something follows the value" },
        { "{\"a\":1", 0, "the header, byte 6: expected ',' or '}'" },
        { "{}", 1, "1 bytes follow the last tensor" },
        { "{\"a\":1}", 0, "tensor a: expected an object of exactly dtype, shape and data_offsets" },
        { "{\"a\":{}}", 0, "tensor a: expected an object of exactly" },
        { "{\"a\":{\"dtype\":\"U8\",\"shape\":[],\"data_offset\":[0,1]}}", 1,
          "tensor a: expected an object of exactly" },
        { "{\"a\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1],\"x\":0}}", 1,
          "an object of exactly" },
        { "{\"a\":" T("U9", "[1]", "[0,1]") "}", 1, "tensor a: its dtype is none of BOOL U8" },
        { "{\"a\":" T("f32", "[1]", "[0,4]") "}", 4, "tensor a: its dtype is none of BOOL U8" },
        { "{\"a\":{\"dtype\":1,\"shape\":[],\"data_offsets\":[0,1]}}", 1,
          "tensor a: its dtype is none of" },
        { "{\"a\":" T("U8", "1", "[0,1]") "}", 1,
          "tensor a: its shape is not an array of at most 8 sizes" },
        { "{\"a\":" T("U8", "[1,1,1,1,1,1,1,1,1]", "[0,1]") "}", 1,
          "its shape is not an array of at most 8 sizes" },
        { "{\"a\":" T("U8", "[-1]", "[0,1]") "}", 1,
          "tensor a: its shape has something else than sizes in it" },
        { "{\"a\":" T("U8", "[1.0]", "[0,1]") "}", 1,
          "its shape has something else than sizes in it" },
        { "{\"a\":" T("U8", "[\"1\"]", "[0,1]") "}", 1,
          "its shape has something else than sizes in it" },
        { "{\"a\":" T("U8", "[[1]]", "[0,1]") "}", 1,
          "its shape has something else than sizes in it" },
        { "{\"a\":" T("U8", "[99999999999999999999]", "[0,1]") "}", 1,
          "something else than sizes in it" },
        { "{\"a\":" T("U8", "[4294967296,4294967296]", "[0,0]") "}", 0,
          "more elements than can be counted" },
        { "{\"a\":" T("U8", "[4294967296,4294967296,0]", "[0,0]") "}", 0,
          "more elements than can be counted" },
        { "{\"a\":" T("F64", "[9223372036854775807]", "[0,8]") "}", 8,
          "more elements than can be counted" },
        { "{\"a\":" T("F32", "[2]", "[0,4]") "}", 4,
          "tensor a: dtype and shape need 8 bytes, data_offsets give 4" },
        { "{\"a\":" T("F16", "[2,2]", "[0,4]") "}", 4,
          "tensor a: dtype and shape need 8 bytes, data_offsets give 4" },
        { "{\"a\":" T("F32", "[]", "[0,0]") "}", 0,
          "tensor a: dtype and shape need 4 bytes, data_offsets give 0" },
        { "{\"a\":" T("U8", "[1]", "[0]") "}", 1,
          "tensor a: its data_offsets are not two whole numbers" },
        { "{\"a\":" T("U8", "[1]", "[0,1,2]") "}", 1,
          "its data_offsets are not two whole numbers" },
        { "{\"a\":" T("U8", "[1]", "[0,\"1\"]") "}", 1,
          "its data_offsets are not two whole numbers" },
        { "{\"a\":" T("U8", "[1]", "[[0,1],1]") "}", 1,
          "its data_offsets are not two whole numbers" },
        { "{\"a\":" T("U8", "[1]", "{\"a\":1}") "}", 1,
          "its data_offsets are not two whole numbers" },
        { "{\"a\":" T("U8", "[1]", "[-1,0]") "}", 1,
          "data_offsets -1 to 0 do not lie in 1 bytes of data" },
        { "{\"a\":" T("U8", "[1]", "[1,0]") "}", 1,
          "data_offsets 1 to 0 do not lie in 1 bytes of data" },
        { "{\"a\":" T("U8", "[1]", "[1,2]") "}", 1,
          "data_offsets 1 to 2 do not lie in 1 bytes of data" },
        { "{\"a\":" T("U8", "[1]", "[0,9223372036854775807]") "}", 1,
          "do not lie in 1 bytes of data" },
        { "{\"a\":" T("U8", "[1]", "[1,2]") "}", 2, "tensor a: a gap lies before its data" },
        { "{\"a\":" T("U8", "[1]", "[0,1]") ",\"b\":" T("U8", "[1]", "[2,3]") "}", 3,
          "tensor b: a gap lies before" },
        { "{\"a\":" T("U8", "[2]", "[0,2]") ",\"b\":" T("U8", "[2]", "[1,3]") "}", 3,
          "tensor b: its data overlaps" },
        { "{\"a\":" T("U8", "[2]", "[0,2]") ",\"b\":" T("U8", "[2]", "[0,2]") "}", 2,
          "its data overlaps another" },
        { "{\"a\":" T("U8", "[2]", "[0,2]") ",\"b\":" T("U8", "[0]", "[1,1]") "}", 2,
          "tensor b: its data overlaps" },
        { "{\"a\":" T("U8", "[2]", "[0,2]") "}", 5, "3 bytes follow the last tensor" },
        { "{\"a\":" T("U8", "[2]", "[0,2]") ",\"a\":" T("U8", "[2]", "[2,4]") "}", 4,
          "stands twice in its object" },
        { "{\"a\\u0000b\":" T("U8", "[1]", "[0,1]") "}", 1, "the name \"a\" goes on behind a NUL" },
        { "{\"\\u001b\xc3\xa9\":1}", 0, "tensor ???: expected" },
        { "{\"__metadata__\":[]}", 0, "__metadata__ is not an object" },
        { "{\"__metadata__\":{\"k\":1}}", 0, "metadata \"k\" is not a string" },
        { "{\"__metadata__\":{\"k\":{\"l\":\"m\"}}}", 0, "metadata \"k\" is not a string" },
        { "{\"__metadata__\":{\"k\":\"1\",\"k\":\"1\"}}", 0, "stands twice in its object" },
        { "{\"__metadata__\":{\"k\\u0000\":\"1\"}}", 0, "the name \"k\" goes on behind a NUL" },
        { "{\"123456789012345678901234567890123456789012345678901234567890123456789\":1}", 0,
          "tensor 123456789012345678901234567890123456789012345678901234567890...: expected" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct safetensors *file = (struct safetensors *)&file;
        struct lstm_error err = { 0 };
        size_t size;
        unsigned char *blob = file_of(cases[i].header, cases[i].data, &size);
        assert_int_equal(safetensors_read(blob, size, &file, &err), LSTM_CORRUPT);
        assert_null(file);
        if (!strstr(err.text, cases[i].reason))
            fail_msg("%s: \"%s\" instead of \"%s\"", cases[i].header, err.text, cases[i].reason);
        assert_int_equal(safetensors_read(blob, size, &file, NULL), LSTM_CORRUPT);
        free(blob);
    }
}

static void refuses_a_header_length_beyond_the_file_or_the_limit(void **state)
{
    static const struct {
        unsigned char bytes[10];
        size_t size;
        const char *reason;
    } cases[] = {
        { { 0 }, 0, "0 bytes are too few" },
        { { 2 }, 7, "7 bytes are too few" },
        { { 0 }, 8, "the header has 0 bytes, expected 2 to 100000000" },
        { { 1, 0, 0, 0, 0, 0, 0, 0, '{' }, 9, "the header has 1 bytes, expected 2 to 100000000" },
        { { 2, 0, 0, 0, 0, 0, 0, 0, '{', '}' },
          9,
          "the header has 2 bytes, the file 9: it is cut off" },
        { { 3, 0, 0, 0, 0, 0, 0, 0, '{', '}' },
          10,
          "the header has 3 bytes, the file 10: it is cut off" },
        { { 0, 0xE1, 0xF5, 0x05, 0, 0, 0, 0, '{', '}' },
          10,
          "the header has 100000000 bytes, the file 10" },
        { { 1, 0xE1, 0xF5, 0x05, 0, 0, 0, 0, '{', '}' },
          10,
          "the header has 100000001 bytes, expected 2" },
        { { 255, 255, 255, 255, 255, 255, 255, 255, '{', '}' },
          10,
          "the header has 18446744073709551615 bytes" },
        { { 2, 0, 0, 0, 0, 0, 0, 128, '{', '}' }, 10, "the header has 9223372036854775810 bytes" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct safetensors *file;
        struct lstm_error err = { 0 };
        unsigned char *blob = malloc(cases[i].size + !cases[i].size);
        assert_non_null(blob);
        memcpy(blob, cases[i].bytes, cases[i].size);
        assert_int_equal(safetensors_read(blob, cases[i].size, &file, &err), LSTM_CORRUPT);
        if (!strstr(err.text, cases[i].reason))
            fail_msg("case %zu: \"%s\" instead of \"%s\"", i, err.text, cases[i].reason);
        free(blob);
    }
}

static void reads_tensors_in_any_order_and_of_any_shape(void **state)
{
    static const char header[] = "{\"b\":" T(
        "F32", "[3]", "[4,16]") ",\"__metadata__\":{\"k\\n\":\"v\\u0000w\"},"
                                "\"\xc3\xa9\":" T("BOOL", "[2,2]", "[0,4]") ",\"none\":" T(
                                    "I64", "[0,7]", "[4,4]") ","
                                                             "\"scalar\":" T("BF16", "[]",
                                                                             "[16,18]") "}  \n";
    struct safetensors *file;
    struct lstm_error err = { 0 };
    size_t size, data_at = 8 + sizeof header - 1;
    (void)state;
    unsigned char *blob = file_of(header, 18, &size);
    assert_int_equal(safetensors_read(blob, size, &file, &err), LSTM_OK);
    assert_int_equal(file->tensors_count, 4);
    const struct safetensors_tensor *t = safetensors_find(file, "b");
    assert_non_null(t);
    assert_ptr_equal(t, file->tensors);
    assert_int_equal(t->dtype, SAFETENSORS_F32);
    assert_int_equal(t->rank, 1);
    assert_int_equal(t->shape[0], 3);
    assert_int_equal(t->at, data_at + 4);
    assert_int_equal(t->size, 12);
    t = safetensors_find(file, "\xc3\xa9");
    assert_non_null(t);
    assert_int_equal(t->at, data_at);
    assert_int_equal(t->rank, 2);
    t = safetensors_find(file, "none");
    assert_non_null(t);
    assert_int_equal(t->size, 0);
    t = safetensors_find(file, "scalar");
    assert_non_null(t);
    assert_int_equal(t->rank, 0);
    assert_null(safetensors_find(file, "__metadata__"));
    assert_int_equal(file->entries_count, 1);
    const struct safetensors_entry *entry = safetensors_metadata(file, "k\n");
    assert_non_null(entry);
    assert_int_equal(entry->value_size, 3);
    assert_memory_equal(entry->value, "v\0w", 4);
    assert_null(safetensors_metadata(file, "k"));

    assert_int_equal(safetensors_require(file, "k", NULL, &entry, &err), LSTM_CORRUPT);
    assert_string_equal(err.text, "metadata \"k\" is missing");
    assert_int_equal(safetensors_require(file, "k\n", "v", &entry, &err), LSTM_CORRUPT);
    assert_non_null(strstr(err.text, "is \"v\", expected \"v\""));
    assert_int_equal(safetensors_require(file, "k\n", NULL, &entry, &err), LSTM_OK);
    safetensors_free(file);
    free(blob);
}

static void what_is_laid_out_is_read_back(void **state)
{
    const struct safetensors_entry entries[] = { { "key \"\\", "a\nb\0c\xc3\xa9", 7 },
                                                 { "", "", 0 } };
    struct safetensors_tensor tensors[] = {
        { .name = "z", .dtype = SAFETENSORS_F16, .rank = 2, .shape = { 3, 5 } },
        { .name = "a \"b\"", .dtype = SAFETENSORS_U8, .rank = 0 },
        { .name = "empty", .dtype = SAFETENSORS_F64, .rank = 3, .shape = { 2, 0, 9 } },
        { .name = "last", .dtype = SAFETENSORS_I32, .rank = 1, .shape = { 2 } },
    };
    unsigned char *blob, *again;
    size_t size, again_size;
    struct safetensors *file;
    struct lstm_error err = { 0 };
    (void)state;
    assert_int_equal(safetensors_layout(entries, 2, tensors, 4, &blob, &size, &err), LSTM_OK);
    assert_int_equal(tensors[0].at % SAFETENSORS_ALIGNMENT, 0);
    assert_int_equal(size, tensors[0].at + 30 + 1 + 0 + 8);
    for (size_t i = tensors[0].at; i < size; i++)
        blob[i] = (unsigned char)i;
    assert_int_equal(safetensors_read(blob, size, &file, &err), LSTM_OK);
    assert_int_equal(file->tensors_count, 4);
    for (int i = 0; i < 4; i++) {
        assert_string_equal(file->tensors[i].name, tensors[i].name);
        assert_int_equal(file->tensors[i].dtype, tensors[i].dtype);
        assert_int_equal(file->tensors[i].rank, tensors[i].rank);
        assert_memory_equal(file->tensors[i].shape, tensors[i].shape,
                            (size_t)tensors[i].rank * sizeof(int64_t));
        assert_int_equal(file->tensors[i].at, tensors[i].at);
        assert_int_equal(file->tensors[i].size, tensors[i].size);
    }
    assert_int_equal(file->entries_count, 2);
    for (int i = 0; i < 2; i++) {
        assert_string_equal(file->entries[i].key, entries[i].key);
        assert_int_equal(file->entries[i].value_size, entries[i].value_size);
        assert_memory_equal(file->entries[i].value, entries[i].value, entries[i].value_size);
    }
    assert_int_equal(safetensors_layout(entries, 2, tensors, 4, &again, &again_size, &err),
                     LSTM_OK);
    assert_int_equal(again_size, size);
    assert_memory_equal(again, blob, tensors[0].at);
    safetensors_free(file);
    free(blob);
    free(again);

    assert_int_equal(safetensors_layout(NULL, 0, NULL, 0, &blob, &size, &err), LSTM_OK);
    assert_int_equal(size, 64);
    assert_int_equal(safetensors_read(blob, size, &file, &err), LSTM_OK);
    safetensors_free(file);
    free(blob);
}

static void lays_out_nothing_that_could_not_be_read(void **state)
{
    const struct safetensors_entry broken = { "k", "\xff", 1 };
    struct safetensors_tensor huge[2] = {
        { .name = "a", .dtype = SAFETENSORS_U8, .rank = 1, .shape = { INT64_MAX } },
        { .name = "b", .dtype = SAFETENSORS_U8, .rank = 1, .shape = { 1 } },
    };
    unsigned char *blob;
    size_t size;
    struct lstm_error err = { 0 };
    (void)state;
    assert_int_equal(safetensors_layout(&broken, 1, NULL, 0, &blob, &size, &err), LSTM_RANGE);
    assert_string_equal(err.text, "a name, a key or a value of the metadata is not UTF-8");
    assert_null(blob);
    assert_int_equal(safetensors_layout(NULL, 0, huge, 2, &blob, &size, &err), LSTM_RANGE);
    assert_string_equal(err.text, "tensor b is too large");
    huge[0].rank = 2;
    huge[0].shape[1] = 4;
    assert_int_equal(safetensors_layout(NULL, 0, huge, 2, &blob, &size, &err), LSTM_RANGE);
    assert_string_equal(err.text, "tensor a is too large");

    size_t large = SAFETENSORS_HEADER_MAX;
    char *text = malloc(large);
    assert_non_null(text);
    memset(text, 'x', large);
    const struct safetensors_entry entry = { "k", text, large };
    assert_int_equal(safetensors_layout(&entry, 1, NULL, 0, &blob, &size, &err), LSTM_RANGE);
    assert_non_null(strstr(err.text, "bytes, at most 100000000"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_a_bad_header_and_says_why),
        cmocka_unit_test(refuses_a_header_length_beyond_the_file_or_the_limit),
        cmocka_unit_test(reads_tensors_in_any_order_and_of_any_shape),
        cmocka_unit_test(what_is_laid_out_is_read_back),
        cmocka_unit_test(lays_out_nothing_that_could_not_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
