/* Reading model files (FORMAT.md). */
#include "model.h"

#include "floats.h"
#include "json.h"
#include "model_file.h"
#include "quantise.h"
#include "safetensors.h"
#include "tokenizer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PARAMS_ALIGNMENT = 64, LABEL_ESCAPED_MAX = 6 * (LSTM_LABEL_SIZE - 1) };

struct reader {
    const unsigned char *blob;
    struct safetensors *file;
    struct lstm_model *model;
    int is_quantised; /* embedding.weight is int8: then every matrix has to be */
    struct lstm_error *err;
};

enum { SHAPE_SHOWN_SIZE = 2 + SAFETENSORS_RANK_MAX * 21 + 1 }; /* "[1, 2]" */

static const char *shape_shown(const struct safetensors_tensor *t, char shown[SHAPE_SHOWN_SIZE])
{
    size_t at = (size_t)snprintf(shown, SHAPE_SHOWN_SIZE, "[");
    for (int i = 0; i < t->rank; i++)
        at += (size_t)snprintf(shown + at, SHAPE_SHOWN_SIZE - at, "%s%lld", i ? ", " : "",
                               (long long)t->shape[i]);
    snprintf(shown + at, SHAPE_SHOWN_SIZE - at, "]");
    return shown;
}

/* One size out of the shape of a tensor. */
static enum lstm_status read_size(struct reader *r, const char *name, int rank, int index,
                                  int32_t *size)
{
    const struct safetensors_tensor *t = safetensors_find(r->file, name);
    char shown[SHAPE_SHOWN_SIZE];
    if (!t)
        return lstm_fail(r->err, LSTM_CORRUPT, "tensor %s is missing", name);
    if (t->rank != rank || t->shape[index] > INT32_MAX)
        return lstm_fail(r->err, LSTM_CORRUPT,
                         "tensor %s: not a shape of %d sizes within bounds, but %s", name, rank,
                         shape_shown(t, shown));
    *size = (int32_t)t->shape[index];
    return LSTM_OK;
}

/* The value of a key as a C string. */
static enum lstm_status read_text(struct reader *r, const char *key, const char **text)
{
    const struct safetensors_entry *entry;
    enum lstm_status rc = safetensors_require(r->file, key, NULL, &entry, r->err);
    if (rc)
        return rc;
    if (strlen(entry->value) != entry->value_size)
        return lstm_fail(r->err, LSTM_CORRUPT, "metadata \"%s\" has a NUL inside", key);
    *text = entry->value;
    return LSTM_OK;
}

static enum lstm_status read_number(struct reader *r, const char *key, double *number)
{
    char shown[SAFETENSORS_SHOWN_SIZE];
    const char *text;
    enum lstm_status rc = read_text(r, key, &text);
    if (!rc && !json_real_read(text, strlen(text), number))
        return lstm_fail(r->err, LSTM_CORRUPT, "metadata \"%s\" is \"%s\", expected a number", key,
                         safetensors_shown(text, shown));
    return rc;
}

static enum lstm_status read_tokens(struct reader *r, const char *key, int32_t *tokens)
{
    double number;
    enum lstm_status rc = read_number(r, key, &number);
    if (rc)
        return rc;
    if (!(number >= 0 && number <= LSTM_WINDOW_MAX) || number != floor(number))
        return lstm_fail(r->err, LSTM_CORRUPT,
                         "metadata \"%s\" is %g, expected a whole number up to %d", key, number,
                         LSTM_WINDOW_MAX);
    *tokens = (int32_t)number;
    return LSTM_OK;
}

static int is_summariser(const struct reader *r)
{
    return strcmp(r->model->task, "summarize") == 0;
}

static enum lstm_status read_task(struct reader *r)
{
    const char *task;
    enum lstm_status rc = read_text(r, "task", &task);
    if (rc || (rc = model_check_task(task, LSTM_CORRUPT, r->err)))
        return rc;
    snprintf(r->model->task, sizeof r->model->task, "%s", task);
    return LSTM_OK;
}

/* The sizes that only one kind of model has. */
static enum lstm_status read_head_sizes(struct reader *r)
{
    struct lstm_sizes *sizes = &r->model->sizes;
    if (!is_summariser(r))
        return read_size(r, "classifier.bias", 1, 0, &sizes->classes);
    enum lstm_status rc = read_size(r, "decoder.weight_hh", 2, 1, &sizes->decoder);
    if (rc || (rc = read_size(r, "align_query.bias", 1, 0, &sizes->alignment)))
        return rc;
    sizes->tone = safetensors_find(r->file, "tone.weight") != NULL;
    if (sizes->decoder < LSTM_UNITS) /* zero would mean that there is no decoder */
        return lstm_fail(r->err, LSTM_CORRUPT, "decoder is %d, expected %d to %d in steps of %d",
                         (int)sizes->decoder, LSTM_UNITS, LSTM_HIDDEN_MAX, LSTM_UNITS);
    return LSTM_OK;
}

static enum lstm_status read_sizes(struct reader *r)
{
    struct lstm_sizes *sizes = &r->model->sizes;
    enum lstm_status rc;
    char name[LSTM_NAME_SIZE];
    if ((rc = read_size(r, "embedding.weight", 2, 0, &sizes->vocab)) ||
        (rc = read_size(r, "embedding.weight", 2, 1, &sizes->embedding)) ||
        (rc = read_size(r, "lstm.weight_hh_l0", 2, 1, &sizes->hidden)) ||
        (rc = read_head_sizes(r)) || (rc = read_tokens(r, "window", &sizes->window)) ||
        (rc = read_tokens(r, "overlap", &sizes->overlap)))
        return rc;
    for (sizes->layers = 0; sizes->layers <= LSTM_LAYERS_MAX; sizes->layers++) {
        snprintf(name, sizeof name, "lstm.weight_ih_l%d", (int)sizes->layers);
        if (!safetensors_find(r->file, name))
            break;
    }
    if (!lstm_sizes_check(sizes, r->err))
        return LSTM_OK;
    if (r->err)
        r->err->status = LSTM_CORRUPT;
    return LSTM_CORRUPT;
}

static enum lstm_status read_labels(struct reader *r)
{
    struct json_value values[LSTM_CLASSES_MAX + 1];
    char label[LABEL_ESCAPED_MAX + 1];
    struct json json;
    const char *text;
    int32_t classes = r->model->sizes.classes, i = 0;
    enum lstm_status rc = read_text(r, "labels", &text);
    if (rc || (rc = json_parse("metadata \"labels\"", text, strlen(text), values,
                               LSTM_CLASSES_MAX + 1, &json, r->err)))
        return rc;
    if (values[0].type != JSON_ARRAY || values[0].count != (uint32_t)classes)
        return lstm_fail(r->err, LSTM_CORRUPT,
                         "metadata \"labels\" is not a JSON array of %d strings", (int)classes);
    for (uint32_t v = 1; v < values[0].next; v = values[v].next, i++) {
        size_t size = 0;
        if (values[v].type != JSON_STRING)
            return lstm_fail(r->err, LSTM_CORRUPT, "label %d is not a string", (int)i);
        if (values[v].size <= LABEL_ESCAPED_MAX)
            size = json_string(&json, v, label);
        if (size < 1 || size >= LSTM_LABEL_SIZE || strlen(label) != size)
            return lstm_fail(r->err, LSTM_CORRUPT, "label %d is not UTF-8 of 1 to %d bytes", (int)i,
                             LSTM_LABEL_SIZE - 1);
        memcpy(r->model->labels[i], label, size + 1);
    }
    return LSTM_OK;
}

static enum lstm_status read_card(struct reader *r)
{
    const char *card = "{}";
    enum lstm_status rc =
        safetensors_metadata(r->file, "card") ? read_text(r, "card", &card) : LSTM_OK;
    if (rc)
        return rc;
    size_t size = strlen(card) + 1;
    if (!(r->model->card = malloc(size)))
        return lstm_fail(r->err, LSTM_NOMEM, "a card of %zu bytes", size);
    memcpy(r->model->card, card, size);
    return LSTM_OK;
}

static enum lstm_status read_temperature(struct reader *r)
{
    double temperature = 1;
    enum lstm_status rc = read_number(r, "temperature", &temperature);
    r->model->temperature = (float)temperature;
    return rc;
}

static enum lstm_status refuse_other_keys(struct reader *r)
{
    static const struct {
        const char *key;
        int of_classifiers; /* a summariser has none */
    } keys[] = {
        { "format", 0 },     { "version", 0 },     { "task", 0 },   { "window", 0 },
        { "overlap", 0 },    { "card", 0 },        { "labels", 1 }, { "tokenizer", 0 },
        { "vocabulary", 0 }, { "temperature", 1 },
    };
    char shown[SAFETENSORS_SHOWN_SIZE];
    for (int i = 0; i < r->file->entries_count; i++) {
        size_t k = 0;
        while (k < sizeof keys / sizeof *keys && strcmp(keys[k].key, r->file->entries[i].key) != 0)
            k++;
        if (k == sizeof keys / sizeof *keys)
            return lstm_fail(
                r->err, LSTM_CORRUPT,
                "metadata \"%s\" is unknown; what else is to be said goes into \"card\"",
                safetensors_shown(r->file->entries[i].key, shown));
        if (keys[k].of_classifiers && is_summariser(r))
            return lstm_fail(r->err, LSTM_CORRUPT,
                             "metadata \"%s\" does not belong to a summariser", keys[k].key);
    }
    return LSTM_OK;
}

static enum lstm_status read_metadata(struct reader *r)
{
    const struct safetensors_entry *entry;
    enum lstm_status rc;
    r->model->temperature = 1;
    if ((rc = safetensors_require(r->file, "format", "lstm-model", &entry, r->err)) ||
        (rc = safetensors_require(r->file, "version", "1", &entry, r->err)) ||
        (rc = safetensors_require(r->file, "tokenizer", "bpe", &entry, r->err)) ||
        (rc = read_task(r)) || (rc = read_sizes(r)) ||
        (!is_summariser(r) && ((rc = read_labels(r)) || (rc = read_temperature(r)))) ||
        (rc = read_card(r)) ||
        (rc = safetensors_require(r->file, "vocabulary", NULL, &entry, r->err)) ||
        (rc = lstm_tokenizer_open(entry->value, entry->value_size, &r->model->tokenizer, r->err)) ||
        (rc = refuse_other_keys(r)))
        return rc;
    return model_check(r->model, LSTM_CORRUPT, r->err);
}

static enum lstm_status check_dtype(struct reader *r, const struct model_part *part,
                                    enum safetensors_dtype dtype)
{
    const char *expected = "F32, F16 or BF16";
    int is_expected =
        dtype == SAFETENSORS_F32 || dtype == SAFETENSORS_F16 || dtype == SAFETENSORS_BF16;
    if (part->kind == PART_INT8) {
        expected = "I8 as embedding.weight is";
        is_expected = dtype == SAFETENSORS_I8;
    } else if (part->kind == PART_SCALES) {
        expected = "F32";
        is_expected = dtype == SAFETENSORS_F32;
    }
    if (is_expected)
        return LSTM_OK;
    return lstm_fail(r->err, LSTM_CORRUPT, "tensor %s is %s, expected %s", part->name,
                     safetensors_dtype_name(dtype), expected);
}

static enum lstm_status find_part(struct reader *r, const struct model_part *part,
                                  const struct safetensors_tensor **tensor)
{
    const struct safetensors_tensor *t = *tensor = safetensors_find(r->file, part->name);
    char shown[SHAPE_SHOWN_SIZE];
    if (!t)
        return lstm_fail(r->err, LSTM_CORRUPT, "tensor %s is missing", part->name);
    enum lstm_status rc = check_dtype(r, part, t->dtype);
    if (rc)
        return rc;
    if (part->rank == 1 && (t->rank != 1 || t->shape[0] != part->cols))
        return lstm_fail(r->err, LSTM_CORRUPT, "tensor %s: expected shape [%d], found %s",
                         part->name, (int)part->cols, shape_shown(t, shown));
    if (part->rank == 2 && (t->rank != 2 || t->shape[0] != part->rows || t->shape[1] != part->cols))
        return lstm_fail(r->err, LSTM_CORRUPT, "tensor %s: expected shape [%d, %d], found %s",
                         part->name, (int)part->rows, (int)part->cols, shape_shown(t, shown));
    return LSTM_OK;
}

static enum lstm_status read_int8(struct reader *r, const struct model_part *part,
                                  const struct safetensors_tensor *t)
{
    const size_t count = (size_t)part->rows * (size_t)part->cols;
    const size_t bad = model_copy_int8(r->blob + t->at, count, r->model->int8.weights + part->at);
    if (bad < count)
        return lstm_fail(r->err, LSTM_CORRUPT,
                         "tensor %s, element %zu: -128 is no weight, expected -127 to 127",
                         part->name, bad);
    return LSTM_OK;
}

static enum lstm_status read_scales(struct reader *r, const struct model_part *part,
                                    const struct safetensors_tensor *t)
{
    const size_t count = (size_t)part->cols;
    float *scales = r->model->int8.scales + part->at;
    floats_read(t->dtype, r->blob + t->at, count, scales);
    const size_t bad = model_check_scales(scales, count);
    if (bad < count)
        return lstm_fail(r->err, LSTM_CORRUPT,
                         "tensor %s, element %zu: %g is no scale, expected %g to %g", part->name,
                         bad, (double)scales[bad], (double)LSTM_SCALE_MIN, (double)LSTM_SCALE_MAX);
    return LSTM_OK;
}

static enum lstm_status read_floats(struct reader *r, const struct model_part *part,
                                    const struct safetensors_tensor *t)
{
    float bias[4 * LSTM_HIDDEN_MAX], *values = r->model->params + part->at;
    size_t count = (size_t)part->rows * (size_t)part->cols, bad;
    bad = floats_read(t->dtype, r->blob + t->at, count, part->kind == PART_BIAS_HH ? bias : values);
    if (part->kind == PART_BIAS_HH)
        for (size_t i = 0; i < count; i++)
            if (!isfinite(values[i] += bias[i]) && i < bad)
                bad = i;
    if (bad < count)
        return lstm_fail(r->err, LSTM_CORRUPT, "tensor %s, element %zu: not a finite number",
                         part->name, bad);
    return LSTM_OK;
}

static enum lstm_status read_part(struct reader *r, const struct model_part *part)
{
    const struct safetensors_tensor *t;
    enum lstm_status rc = find_part(r, part, &t);
    if (rc)
        return rc;
    return part->kind == PART_INT8     ? read_int8(r, part, t)
           : part->kind == PART_SCALES ? read_scales(r, part, t)
                                       : read_floats(r, part, t);
}

static enum lstm_status refuse_others(struct reader *r, const struct model_part *parts, int count)
{
    char shown[SAFETENSORS_SHOWN_SIZE];
    for (int i = 0; i < r->file->tensors_count; i++) {
        int p = 0;
        while (p < count && strcmp(parts[p].name, r->file->tensors[i].name) != 0)
            p++;
        if (p == count)
            return lstm_fail(
                r->err, LSTM_CORRUPT, "tensor %s does not belong to a model of %d layers%s",
                safetensors_shown(r->file->tensors[i].name, shown), (int)r->model->sizes.layers,
                r->is_quantised ? " that is quantised (embedding.weight is I8)" : "");
    }
    return LSTM_OK;
}

static enum lstm_status alloc_params(struct reader *r)
{
    const size_t count = lstm_params_count(&r->model->sizes);
    if (count > (SIZE_MAX - PARAMS_ALIGNMENT) / sizeof(float))
        return lstm_fail(r->err, LSTM_NOMEM, "a model of %zu parameters", count);
    const size_t size =
        (count * sizeof(float) + PARAMS_ALIGNMENT - 1) / PARAMS_ALIGNMENT * PARAMS_ALIGNMENT;
    if (!(r->model->params = aligned_alloc(PARAMS_ALIGNMENT, size)))
        return lstm_fail(r->err, LSTM_NOMEM, "a model of %zu parameters", count);
    return r->is_quantised ? lstm_int8_open(&r->model->sizes, &r->model->int8, r->err) : LSTM_OK;
}

static enum lstm_status read_params(struct reader *r)
{
    struct model_part parts[MODEL_PARTS_MAX];
    const struct safetensors_tensor *t = safetensors_find(r->file, "embedding.weight");
    enum lstm_status rc;
    r->is_quantised = t->dtype == SAFETENSORS_I8;
    int count = model_parts(&r->model->sizes, r->is_quantised, parts);
    if ((rc = refuse_others(r, parts, count)))
        return rc;
    /* All shapes first: then the blocks are at most five times the size of the file. */
    for (int i = 0; i < count; i++)
        if ((rc = find_part(r, &parts[i], &t)))
            return rc;
    if ((rc = alloc_params(r)))
        return rc;
    for (int i = 0; i < count; i++)
        if ((rc = read_part(r, &parts[i])))
            return rc;
    return LSTM_OK;
}

enum lstm_status lstm_model_read(const void *blob, size_t size, struct lstm_model **model,
                                 struct lstm_error *err)
{
    struct reader r = { .blob = blob, .err = err };
    enum lstm_status rc = safetensors_read(blob, size, &r.file, err);
    *model = NULL;
    if (rc)
        return rc;
    r.model = calloc(1, sizeof *r.model);
    if (!r.model)
        rc = lstm_fail(err, LSTM_NOMEM, "a model");
    else if (!(rc = read_metadata(&r)))
        rc = read_params(&r);
    safetensors_free(r.file);
    if (rc)
        lstm_model_free(r.model);
    else
        *model = r.model;
    return rc;
}

void lstm_model_forget_weights(struct lstm_model *model)
{
    free(model->params);
    free(model->int8.weights);
    model->params = NULL;
    model->int8 = (struct lstm_int8){ 0 };
}

void lstm_model_free(struct lstm_model *model)
{
    if (!model)
        return;
    if (model->tokenizer)
        lstm_tokenizer_close(model->tokenizer);
    lstm_model_forget_weights(model);
    free(model->card);
    free(model);
}
