/* Oracle: tests/data/golden_vectors.safetensors, written by the Python script beside it (run from
 * the repository's root). */
#include "model/safetensors.h"
#include "train/vectors.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define GOLDEN "tests/data/golden_vectors.safetensors"

static char folder[] = "/tmp/test_vectors_file_XXXXXX", path[64];

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/vectors", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    remove(path);
    return rmdir(folder); /* fails when something else was left in it */
}

static void write_bytes(const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void reads_the_golden_file_to_the_bit(void **state)
{
    struct lstm_tokenizer *tokenizer;
    struct lstm_error err = { 0 };
    float *vectors;
    int32_t dimension;
    (void)state;
    if (vectors_read(GOLDEN, &tokenizer, &vectors, &dimension, &err))
        fail_msg("%s", err.text);
    assert_int_equal(dimension, 16);
    assert_int_equal(lstm_tokenizer_vocab(tokenizer), 263);
    for (int i = 0; i < 263 * 16; i++)
        assert_true(vectors[i] == (float)((i * 7 + 13) % 65 - 32) / 64);
    lstm_tokenizer_close(tokenizer);
    free(vectors);
}

static void what_is_written_is_read_back(void **state)
{
    static const char vocabulary[] = "x\n\xc3\xa9\n\"\\\n";
    struct lstm_tokenizer *tokenizer, *back;
    struct lstm_error err = { 0 };
    float vectors[260 * 32], *vectors_back;
    int32_t dimension;
    size_t size;
    (void)state;
    for (size_t i = 0; i < COUNT(vectors); i++)
        vectors[i] = sinf((float)i);
    assert_int_equal(lstm_tokenizer_open(vocabulary, sizeof vocabulary - 1, &tokenizer, &err),
                     LSTM_OK);
    for (int round = 0; round < 2; round++) { /* the second time over the first file */
        assert_int_equal(vectors_write(path, tokenizer, vectors, 32, &err), LSTM_OK);
        assert_int_equal(vectors_read(path, &back, &vectors_back, &dimension, &err), LSTM_OK);
        assert_int_equal(dimension, 32);
        assert_memory_equal(vectors_back, vectors, sizeof vectors);
        const char *vocabulary_back = lstm_tokenizer_vocabulary(back, &size);
        assert_int_equal(size, sizeof vocabulary - 1);
        assert_memory_equal(vocabulary_back, vocabulary, size);
        lstm_tokenizer_close(back);
        free(vectors_back);
    }
    vectors[33] = INFINITY;
    assert_int_equal(vectors_write(path, tokenizer, vectors, 32, &err), LSTM_RANGE);
    assert_string_equal(err.text, "the vector of token 1 is not finite");
    assert_int_equal(vectors_write(path, tokenizer, vectors, 24, &err), LSTM_RANGE);
    assert_string_equal(err.text, "vectors of 24 numbers, expected 16 to 1024 in steps of 16");
    vectors[33] = 0;
    assert_int_equal(vectors_write("/nowhere/vectors", tokenizer, vectors, 16, &err),
                     LSTM_UNAVAILABLE);
    assert_string_equal(err.text, "cannot write /nowhere/vectors.part: No such file or directory");
    lstm_tokenizer_close(tokenizer);
}

static void refuses_other_files_and_says_why(void **state)
{
    static const struct {
        const char *format, *version, *name;
        enum safetensors_dtype dtype;
        int64_t rows, cols;
        const char *reason;
    } cases[] = {
        { "lstm-model", "1", "embedding.weight", SAFETENSORS_F32, 257, 16,
          "\"format\" is \"lstm-model\"" },
        { "lstm-vectors", "9", "embedding.weight", SAFETENSORS_F32, 257, 16,
          "\"version\" is \"9\", expected \"1\"" },
        { "lstm-vectors", "1", "embedding.weights", SAFETENSORS_F32, 257, 16,
          "1 tensors, expected embedding.weight alone" },
        { "lstm-vectors", "1", "embedding.weight", SAFETENSORS_I32, 257, 16,
          "embedding.weight is not F32 with 16 to 1024 columns" },
        { "lstm-vectors", "1", "embedding.weight", SAFETENSORS_F32, 257, 17,
          "embedding.weight is not F32 with 16 to 1024 columns" },
        { "lstm-vectors", "1", "embedding.weight", SAFETENSORS_F32, 258, 16,
          "embedding.weight has 258 rows, the vocabulary 257 tokens" },
        { "lstm-vectors", "1", "embedding.weight", SAFETENSORS_F32, 257, 16,
          "embedding.weight has a number that is not finite" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct safetensors_entry entries[] = {
            { "format", cases[i].format, strlen(cases[i].format) },
            { "version", cases[i].version, 1 },
            { "tokenizer", "bpe", 3 },
            { "vocabulary", "", 0 },
        };
        struct safetensors_tensor tensor = { .name = cases[i].name,
                                             .dtype = cases[i].dtype,
                                             .rank = 2,
                                             .shape = { cases[i].rows, cases[i].cols } };
        struct lstm_tokenizer *tokenizer;
        struct lstm_error err = { 0 };
        float *vectors;
        int32_t dimension;
        unsigned char *blob;
        size_t size;
        assert_int_equal(safetensors_layout(entries, 4, &tensor, 1, &blob, &size, &err), LSTM_OK);
        memset(blob + tensor.at, 0xff, tensor.size);
        write_bytes(blob, size);
        free(blob);
        assert_int_equal(vectors_read(path, &tokenizer, &vectors, &dimension, &err), LSTM_CORRUPT);
        assert_null(tokenizer);
        assert_null(vectors);
        if (!strstr(err.text, cases[i].reason))
            fail_msg("\"%s\" instead of \"%s\"", err.text, cases[i].reason);
    }
}

static void refuses_what_is_no_file_and_what_is_cut(void **state)
{
    struct lstm_tokenizer *tokenizer;
    struct lstm_error err = { 0 };
    float *vectors;
    int32_t dimension;
    static unsigned char bytes[17067];
    (void)state;
    assert_int_equal(vectors_read("/nowhere", &tokenizer, &vectors, &dimension, &err),
                     LSTM_UNAVAILABLE);
    assert_string_equal(err.text, "cannot read /nowhere: No such file or directory");
    assert_int_equal(vectors_read(folder, &tokenizer, &vectors, &dimension, &err),
                     LSTM_UNAVAILABLE);
    assert_non_null(strstr(err.text, "not a regular file"));
    FILE *file = fopen(GOLDEN, "rb");
    assert_non_null(file);
    assert_int_equal(fread(bytes, 1, sizeof bytes, file), sizeof bytes);
    fclose(file);
    for (size_t cut = 0; cut < sizeof bytes; cut += 97) {
        write_bytes(bytes, cut);
        assert_int_equal(vectors_read(path, &tokenizer, &vectors, &dimension, &err), LSTM_CORRUPT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_golden_file_to_the_bit),
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(refuses_other_files_and_says_why),
        cmocka_unit_test(refuses_what_is_no_file_and_what_is_cut),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
