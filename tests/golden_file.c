#include "tests/golden_file.h"
#include "model/floats.h"
#include "tests/networks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void golden_file_must(const struct golden_file *golden, int good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "%s: %s\n", golden->path, what);
    abort();
}

struct golden_file golden_file_open(const char *name)
{
    enum { SIZE_LIMIT = 1 << 20 };
    struct golden_file golden = { .blob = network_memory(SIZE_LIMIT) };
    snprintf(golden.path, sizeof golden.path, "tests/data/%s.safetensors", name);
    FILE *file = fopen(golden.path, "rb");
    golden_file_must(&golden, file != NULL, "cannot be read");
    golden.size = fread(golden.blob, 1, SIZE_LIMIT, file);
    fclose(file);
    return golden;
}

void golden_file_parse(struct golden_file *golden)
{
    struct lstm_error err = { .text = "" };
    golden_file_must(golden, !safetensors_read(golden->blob, golden->size, &golden->file, &err),
                     err.text);
}

void golden_file_close(struct golden_file *golden)
{
    safetensors_free(golden->file);
    free(golden->blob);
}

static const struct safetensors_tensor *find(const struct golden_file *golden, const char *name)
{
    const struct safetensors_tensor *tensor = safetensors_find(golden->file, name);
    golden_file_must(golden, tensor != NULL, name);
    return tensor;
}

size_t golden_file_count(const struct golden_file *golden, const char *name)
{
    const struct safetensors_tensor *tensor = find(golden, name);
    return tensor->size / (tensor->dtype == SAFETENSORS_F16 ? 2 : 4);
}

void golden_file_floats(const struct golden_file *golden, const char *name, size_t count, float *to)
{
    const struct safetensors_tensor *tensor = find(golden, name);
    int is_float = tensor->dtype == SAFETENSORS_F32 || tensor->dtype == SAFETENSORS_F16;
    golden_file_must(golden, is_float && golden_file_count(golden, name) == count, name);
    floats_read(tensor->dtype, golden->blob + tensor->at, count, to);
}

void golden_file_ints(const struct golden_file *golden, const char *name, size_t count, int32_t *to)
{
    const struct safetensors_tensor *tensor = find(golden, name);
    golden_file_must(golden, tensor->dtype == SAFETENSORS_I32 && tensor->size == 4 * count, name);
    for (size_t i = 0; i < count; i++) {
        const unsigned char *bytes = golden->blob + tensor->at + 4 * i;
        uint32_t number = bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
                          (uint32_t)bytes[3] << 24;
        memcpy(to + i, &number, sizeof number);
    }
}
