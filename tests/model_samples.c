#include "tests/model_samples.h"
#include "model/tokenizer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A summariser's vocabulary has a multiple of 16 tokens: these are 257 + 15. */
static const char vocabulary[] = "a\nb\n good\n\xc3\xa9\n";
static const char summary_vocabulary[] = "a\nb\n good\n\xc3\xa9\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\nm\n";

struct lstm_model *model_sample(int32_t embedding, int32_t hidden, int32_t layers, int32_t classes)
{
    static const char card[] = "{\"data\": [\"none\"], \"seed\": 1}";
    struct lstm_model *m = calloc(1, sizeof *m);
    assert_non_null(m);
    const char *entries = classes ? vocabulary : summary_vocabulary;
    assert_int_equal(lstm_tokenizer_open(entries, strlen(entries), &m->tokenizer, NULL), LSTM_OK);
    m->sizes = (struct lstm_sizes){
        .vocab = lstm_tokenizer_vocab(m->tokenizer),
        .embedding = embedding,
        .hidden = hidden,
        .layers = layers,
        .classes = classes,
        .window = 100,
        .overlap = 50,
        .decoder =
            classes
                ? 0
                : hidden + 16, /* different sizes, so that no two can be mistaken for one another */
        .alignment = classes ? 0 : hidden + 32,
    };
    size_t count = lstm_params_count(&m->sizes);
    m->params = malloc(count * sizeof *m->params);
    m->card = malloc(sizeof card);
    assert_true(m->params && m->card);
    memcpy(m->card, card, sizeof card);
    for (size_t i = 0; i < count; i++)
        m->params[i] = (float)((int)(i * 31 % 129) - 64) / 128;
    snprintf(m->task, sizeof m->task, "%s",
             !classes       ? "summarize"
             : classes == 2 ? "sentiment"
                            : "classify");
    for (int32_t i = 0; i < classes; i++)
        snprintf(m->labels[i], LSTM_LABEL_SIZE, "label \"%d\" \xc3\xa9", (int)i);
    m->temperature = classes ? 1.0F / 3 : 1;
    return m;
}

unsigned char *model_file_bytes(const char *path, size_t *size)
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

size_t model_header_size(const void *blob)
{
    const unsigned char *size = blob;
    return (size_t)size[0] | (size_t)size[1] << 8 | (size_t)size[2] << 16;
}

unsigned char *model_replaced(const unsigned char *blob, size_t size, const char *from,
                              const char *to, size_t *new_size)
{
    size_t from_size = strlen(from), to_size = strlen(to), at = 8, header = model_header_size(blob);
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

size_t model_tensor_at(const void *blob, const char *name)
{
    size_t header = model_header_size(blob), begin = 0;
    char *text = malloc(header + 1), quoted[LSTM_NAME_SIZE + 3];
    assert_non_null(text);
    memcpy(text, (const char *)blob + 8, header);
    text[header] = '\0';
    snprintf(quoted, sizeof quoted, "\"%s\"", name);
    const char *tensor = strstr(text, quoted);
    if (!tensor)
        fail_msg("the header has no tensor %s", name);
    assert_int_equal(sscanf(strstr(tensor, "data_offsets"), "data_offsets\":[%zu", &begin), 1);
    free(text);
    return 8 + header + begin;
}
