/* Writing model files (FORMAT.md). */
#include "floats.h"
#include "json.h"
#include "model_file.h"
#include "safetensors.h"
#include "tokenizer.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ENTRIES_MAX = 10 };

/* Int8 weights and their scales, checked as a reader will check them. */
static enum lstm_status write_quantised(const struct lstm_model *model,
                                        const struct model_part *part, unsigned char *bytes,
                                        struct lstm_error *err)
{
    const float *scales = model->int8.scales + part->at;
    const size_t count = (size_t)part->rows * (size_t)part->cols;
    const int is_scales = part->kind == PART_SCALES;
    const size_t bad =
        is_scales ? model_check_scales(scales, count)
                  : model_copy_int8(model->int8.weights + part->at, count, (int8_t *)bytes);
    if (bad < count)
        return lstm_fail(err, LSTM_RANGE, "tensor %s, element %zu: %g cannot be stored", part->name,
                         bad, is_scales ? (double)scales[bad] : (double)INT8_MIN);
    if (is_scales)
        floats_write(SAFETENSORS_F32, scales, count, bytes);
    return LSTM_OK;
}

static enum lstm_status write_part(const struct lstm_model *model, const struct model_part *part,
                                   const struct safetensors_tensor *t, unsigned char *bytes,
                                   struct lstm_error *err)
{
    float bias[4 * LSTM_HIDDEN_MAX];
    if (part->kind == PART_INT8 || part->kind == PART_SCALES)
        return write_quantised(model, part, bytes, err);
    const float *values = model->params + part->at;
    size_t count = (size_t)part->rows * (size_t)part->cols, bad;
    if (part->kind != PART_ALONE) {
        assert(count <= sizeof bias / sizeof *bias);
        /* The sum goes into bias_ih, zeros into bias_hh. Adding the zero gives -0 the bits that it
         * has when read. */
        for (size_t i = 0; i < count; i++)
            bias[i] = part->kind == PART_BIAS_HH ? 0.0F : values[i] + 0.0F;
        values = bias;
    }
    bad = floats_write(t->dtype, values, count, bytes);
    if (bad < count)
        return lstm_fail(err, LSTM_RANGE, "tensor %s, element %zu: %g cannot be stored as %s",
                         part->name, bad, (double)values[bad], safetensors_dtype_name(t->dtype));
    return LSTM_OK;
}

static enum lstm_status write_parts(const struct lstm_model *model, enum lstm_storage storage,
                                    const struct safetensors_entry *entries, int entries_count,
                                    unsigned char **blob, size_t *size, struct lstm_error *err)
{
    static const enum safetensors_dtype dtypes[] = {
        [LSTM_F32] = SAFETENSORS_F32,
        [LSTM_F16] = SAFETENSORS_F16,
        [LSTM_BF16] = SAFETENSORS_BF16,
        [LSTM_I8] = SAFETENSORS_F32, /* what has no int8: the classifier */
    };
    struct model_part parts[MODEL_PARTS_MAX];
    struct safetensors_tensor tensors[MODEL_PARTS_MAX];
    int count = model_parts(&model->sizes, storage == LSTM_I8, parts);
    for (int i = 0; i < count; i++) {
        const struct model_part *p = &parts[i];
        tensors[i] = (struct safetensors_tensor){ .name = p->name, .rank = p->rank };
        tensors[i].dtype = p->kind == PART_INT8 ? SAFETENSORS_I8
                           : p->rows > 1        ? dtypes[storage]
                                                : SAFETENSORS_F32;
        tensors[i].shape[0] = p->rank == 2 ? p->rows : p->cols;
        tensors[i].shape[1] = p->cols;
    }
    enum lstm_status rc =
        safetensors_layout(entries, entries_count, tensors, count, blob, size, err);
    for (int i = 0; i < count && !rc; i++)
        rc = write_part(model, &parts[i], &tensors[i], *blob + tensors[i].at, err);
    if (rc) {
        free(*blob);
        *blob = NULL;
    }
    return rc;
}

/* A summariser has neither labels nor a temperature. */
static int list_entries(const struct lstm_model *model, const char *window, const char *overlap,
                        const struct json_text *labels, const char *temperature,
                        struct safetensors_entry entries[ENTRIES_MAX])
{
    size_t vocabulary_size;
    const char *vocabulary = lstm_tokenizer_vocabulary(model->tokenizer, &vocabulary_size);
    const char *card = model->card ? model->card : "{}";
    const struct safetensors_entry all[ENTRIES_MAX] = {
        { "format", "lstm-model", strlen("lstm-model") },
        { "version", "1", 1 },
        { "task", model->task, strlen(model->task) },
        { "window", window, strlen(window) },
        { "overlap", overlap, strlen(overlap) },
        { "labels", labels->bytes, labels->size },
        { "temperature", temperature, strlen(temperature) },
        { "card", card, strlen(card) },
        { "tokenizer", "bpe", strlen("bpe") },
        { "vocabulary", vocabulary, vocabulary_size },
    };
    int count = 0;
    for (int i = 0; i < ENTRIES_MAX; i++)
        if (!model->sizes.decoder ||
            (strcmp(all[i].key, "labels") != 0 && strcmp(all[i].key, "temperature") != 0))
            entries[count++] = all[i];
    return count;
}

enum lstm_status lstm_model_write(const struct lstm_model *model, enum lstm_storage storage,
                                  void **blob, size_t *size, struct lstm_error *err)
{
    char window[12], overlap[12], temperature[JSON_REAL_SIZE];
    struct json_text labels = { 0 };
    unsigned char *bytes = NULL;
    struct safetensors_entry entries[ENTRIES_MAX];
    enum lstm_status rc = model_check(model, LSTM_RANGE, err);
    *blob = NULL;
    if (rc)
        return rc;
    if (storage == LSTM_I8 && !model->int8.weights)
        return lstm_fail(err, LSTM_MISMATCH,
                         "the model has no int8 weights: quantise it before it is stored as I8");
    if (storage != LSTM_I8 && model->int8.weights && !model->int8.in_params)
        return lstm_fail(err, LSTM_MISMATCH,
                         "the model has its matrices as int8 alone: dequantise it before it is "
                         "stored as floats");
    snprintf(window, sizeof window, "%d", (int)model->sizes.window);
    snprintf(overlap, sizeof overlap, "%d", (int)model->sizes.overlap);
    json_real_write(model->temperature, temperature);
    for (int32_t i = 0; i < model->sizes.classes; i++) {
        json_put(&labels, i ? "," : "[");
        json_put_string(&labels, model->labels[i], strlen(model->labels[i]));
    }
    json_put(&labels, "]");
    if (labels.status)
        rc = lstm_fail(err, LSTM_NOMEM, "the labels of %d classes", (int)model->sizes.classes);
    else
        rc = write_parts(model, storage, entries,
                         list_entries(model, window, overlap, &labels, temperature, entries),
                         &bytes, size, err);
    free(labels.bytes);
    *blob = bytes;
    return rc;
}
