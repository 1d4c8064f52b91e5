#include "tests/golden_encoder.h"
#include "model/floats.h"
#include "model/safetensors.h"
#include "tests/networks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const golden_encoder_names[2] = { "1", "2" };

static void must(int good, const char *path, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "%s: %s\n", path, what);
    abort();
}

static unsigned char *read_file(const char *path, size_t *size)
{
    enum { SIZE_LIMIT = 1 << 20 };
    unsigned char *bytes = network_memory(SIZE_LIMIT);
    FILE *file = fopen(path, "rb");
    must(file != NULL, path, "cannot be read");
    *size = fread(bytes, 1, SIZE_LIMIT, file);
    fclose(file);
    return bytes;
}

/* A tensor's numbers, which have to be exactly count, 4 bytes each. */
static void numbers(const char *path, const struct safetensors *file, const unsigned char *blob, const char *name,
                    enum safetensors_dtype dtype, size_t count, void *to)
{
    const struct safetensors_tensor *tensor = safetensors_find(file, name);
    must(tensor && tensor->dtype == dtype && tensor->size == 4 * count, path, name);
    if (dtype == SAFETENSORS_F32) {
        floats_read(dtype, blob + tensor->at, count, to);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const unsigned char *bytes = blob + tensor->at + 4 * i;
        int32_t number =
            (int32_t)(bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24);
        memcpy((int32_t *)to + i, &number, sizeof number);
    }
}

static size_t count_of(const char *path, const struct safetensors *file, const char *name)
{
    const struct safetensors_tensor *tensor = safetensors_find(file, name);
    must(tensor != NULL, path, name);
    return tensor->size / 4;
}

static void read_expected(struct golden_encoder *g, const char *path, const struct safetensors *file,
                          const unsigned char *blob)
{
    size_t texts = count_of(path, file, "targets"), tokens = count_of(path, file, "tokens");
    size_t logits = texts * (size_t)g->model->sizes.classes, params = lstm_params_count(&g->model->sizes);
    int32_t *ints = g->blob =
        network_memory((2 * texts + 1 + tokens) * sizeof *ints + (logits + params) * sizeof *g->logits);
    g->targets = ints + texts + 1;
    g->batch = (struct lstm_batch){ .texts = (int32_t)texts, .starts = ints, .tokens = g->targets + texts };
    g->logits = (float *)(g->targets + texts + tokens);
    g->gradient = g->logits + logits;
    numbers(path, file, blob, "starts", SAFETENSORS_I32, texts + 1, ints);
    numbers(path, file, blob, "targets", SAFETENSORS_I32, texts, g->targets);
    numbers(path, file, blob, "tokens", SAFETENSORS_I32, tokens, g->targets + texts);
    numbers(path, file, blob, "logits", SAFETENSORS_F32, logits, g->logits);
    struct lstm_tensor tensors[LSTM_TENSORS_MAX];
    int count = lstm_layout(&g->model->sizes, tensors);
    for (int i = 0; i < count; i++) {
        char name[LSTM_NAME_SIZE + 16];
        snprintf(name, sizeof name, "gradient.%.*s", LSTM_NAME_SIZE, tensors[i].name);
        numbers(path, file, blob, name, SAFETENSORS_F32, (size_t)tensors[i].rows * (size_t)tensors[i].cols,
                g->gradient + tensors[i].at);
    }
}

struct golden_encoder golden_encoder_open(const char *name)
{
    struct golden_encoder g = { 0 };
    struct lstm_error err = { .text = "" };
    struct safetensors *file;
    char path[100];
    size_t size;
    snprintf(path, sizeof path, "tests/data/golden_encoder_%s.safetensors", name);
    unsigned char *blob = read_file(path, &size);
    must(!lstm_model_read(blob, size, &g.model, &err), path, err.text);
    free(blob);
    snprintf(path, sizeof path, "tests/data/golden_encoder_%s_expected.safetensors", name);
    blob = read_file(path, &size);
    must(!safetensors_read(blob, size, &file, &err), path, err.text);
    read_expected(&g, path, file, blob);
    safetensors_free(file);
    free(blob);
    return g;
}

void golden_encoder_close(struct golden_encoder *golden)
{
    lstm_model_free(golden->model);
    free(golden->blob);
}
