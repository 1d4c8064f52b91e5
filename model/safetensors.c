/* Reading headers: the JSON is parsed into a bounded table of values, then copied into one block of
 * plain structs. */
#include "safetensors.h"

#include "json.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    size_t size;
} dtypes[] = {
    [SAFETENSORS_BOOL] = { "BOOL", 1 }, [SAFETENSORS_U8] = { "U8", 1 },
    [SAFETENSORS_I8] = { "I8", 1 },     [SAFETENSORS_U16] = { "U16", 2 },
    [SAFETENSORS_I16] = { "I16", 2 },   [SAFETENSORS_F16] = { "F16", 2 },
    [SAFETENSORS_BF16] = { "BF16", 2 }, [SAFETENSORS_U32] = { "U32", 4 },
    [SAFETENSORS_I32] = { "I32", 4 },   [SAFETENSORS_F32] = { "F32", 4 },
    [SAFETENSORS_U64] = { "U64", 8 },   [SAFETENSORS_I64] = { "I64", 8 },
    [SAFETENSORS_F64] = { "F64", 8 },
};
enum { DTYPES = sizeof dtypes / sizeof *dtypes };

struct reader {
    struct json json;
    size_t data_at, data_size; /* the data section in the blob */
    struct safetensors *file;
    char *strings; /* where the next copied string goes */
    struct lstm_error *err;
};

const char *safetensors_dtype_name(enum safetensors_dtype dtype)
{
    return dtypes[dtype].name;
}

const char *safetensors_shown(const char *text, char shown[SAFETENSORS_SHOWN_SIZE])
{
    size_t i = 0;
    for (; text[i] && i < SAFETENSORS_SHOWN_SIZE - 1; i++)
        shown[i] = (char)(text[i] >= ' ' && text[i] <= '~' ? text[i] : '?');
    if (text[i])
        memcpy(shown + i - 3, "...", 3);
    shown[i] = '\0';
    return shown;
}

/* Copies a string of the header and refuses NULs, so that names and keys can be compared as C
 * strings. */
static enum lstm_status copy_name(struct reader *r, uint32_t value, const char **name)
{
    char shown[SAFETENSORS_SHOWN_SIZE];
    size_t size = json_string(&r->json, value, r->strings);
    *name = r->strings;
    r->strings += size + 1;
    if (strlen(*name) != size)
        return lstm_fail(r->err, LSTM_CORRUPT, "the name \"%s\" goes on behind a NUL",
                         safetensors_shown(*name, shown));
    return LSTM_OK;
}

static enum lstm_status tensor_fail(const struct reader *r, const struct safetensors_tensor *t,
                                    const char *problem)
{
    char shown[SAFETENSORS_SHOWN_SIZE];
    return lstm_fail(r->err, LSTM_CORRUPT, "tensor %s: %s", safetensors_shown(t->name, shown),
                     problem);
}

static enum lstm_status read_dtype(struct reader *r, uint32_t value, struct safetensors_tensor *t)
{
    for (int d = 0; d < DTYPES; d++)
        if (json_equals(&r->json, value, dtypes[d].name, strlen(dtypes[d].name))) {
            t->dtype = (enum safetensors_dtype)d;
            return LSTM_OK;
        }
    return tensor_fail(r, t,
                       "its dtype is none of BOOL U8 I8 U16 I16 F16 BF16 U32 I32 F32 U64 I64 F64");
}

static enum lstm_status read_shape(struct reader *r, uint32_t value, struct safetensors_tensor *t)
{
    const struct json_value *v = &r->json.values[value];
    if (v->type != JSON_ARRAY || v->count > SAFETENSORS_RANK_MAX)
        return tensor_fail(r, t, "its shape is not an array of at most 8 sizes");
    for (uint32_t i = value + 1; i < v->next; i = r->json.values[i].next)
        if (!json_int64(&r->json, i, &t->shape[t->rank++]) || t->shape[t->rank - 1] < 0)
            return tensor_fail(r, t, "its shape has something else than sizes in it");
    return LSTM_OK;
}

static enum lstm_status read_offsets(struct reader *r, uint32_t value, struct safetensors_tensor *t)
{
    char shown[SAFETENSORS_SHOWN_SIZE];
    int64_t begin, end;
    const struct json_value *v = &r->json.values[value];
    if (v->type != JSON_ARRAY || v->count != 2 || !json_int64(&r->json, value + 1, &begin) ||
        !json_int64(&r->json, value + 2, &end))
        return tensor_fail(r, t, "its data_offsets are not two whole numbers");
    if (begin < 0 || end < begin || (uint64_t)end > r->data_size)
        return lstm_fail(r->err, LSTM_CORRUPT,
                         "tensor %s: data_offsets %lld to %lld do not lie in %zu bytes of data",
                         safetensors_shown(t->name, shown), (long long)begin, (long long)end,
                         r->data_size);
    t->at = r->data_at + (size_t)begin;
    t->size = (size_t)(end - begin);
    return LSTM_OK;
}

int safetensors_size(const struct safetensors_tensor *t, size_t *size)
{
    *size = dtypes[t->dtype].size;
    for (int i = 0; i < t->rank; i++) {
        if (t->shape[i] && *size > SIZE_MAX / (uint64_t)t->shape[i])
            return 0;
        *size *= (size_t)t->shape[i];
    }
    return 1;
}

static enum lstm_status read_tensor(struct reader *r, uint32_t value, struct safetensors_tensor *t)
{
    static const struct {
        const char *key;
        enum lstm_status (*read)(struct reader *, uint32_t, struct safetensors_tensor *);
    } fields[] = { { "dtype", read_dtype },
                   { "shape", read_shape },
                   { "data_offsets", read_offsets } };
    enum { FIELDS = sizeof fields / sizeof *fields };
    char shown[SAFETENSORS_SHOWN_SIZE];
    enum lstm_status rc;
    size_t need;

    t->rank = 0;
    if (r->json.values[value].type != JSON_OBJECT || r->json.values[value].count != FIELDS)
        return tensor_fail(r, t, "expected an object of exactly dtype, shape and data_offsets");
    for (size_t f = 0; f < FIELDS; f++) {
        uint32_t field = json_find(&r->json, value, fields[f].key);
        if (!field)
            return tensor_fail(r, t, "expected an object of exactly dtype, shape and data_offsets");
        if ((rc = fields[f].read(r, field, t)))
            return rc;
    }
    if (!safetensors_size(t, &need))
        return tensor_fail(r, t, "its shape has more elements than can be counted");
    if (need != t->size)
        return lstm_fail(r->err, LSTM_CORRUPT,
                         "tensor %s: dtype and shape need %zu bytes, data_offsets give %zu",
                         safetensors_shown(t->name, shown), need, t->size);
    return LSTM_OK;
}

static enum lstm_status read_metadata(struct reader *r, uint32_t value)
{
    const struct json_value *values = r->json.values;
    char shown[SAFETENSORS_SHOWN_SIZE];
    enum lstm_status rc;
    if (values[value].type != JSON_OBJECT)
        return lstm_fail(r->err, LSTM_CORRUPT, "__metadata__ is not an object");
    for (uint32_t key = value + 1; key < values[value].next; key = values[key + 1].next) {
        struct safetensors_entry *entry = &r->file->entries[r->file->entries_count++];
        if ((rc = copy_name(r, key, &entry->key)))
            return rc;
        if (values[key + 1].type != JSON_STRING)
            return lstm_fail(r->err, LSTM_CORRUPT, "metadata \"%s\" is not a string",
                             safetensors_shown(entry->key, shown));
        entry->value = r->strings;
        entry->value_size = json_string(&r->json, key + 1, r->strings);
        r->strings += entry->value_size + 1;
    }
    return LSTM_OK;
}

static int by_place(const void *a, const void *b)
{
    const struct safetensors_tensor *const *x = a, *const *y = b;
    if ((*x)->at != (*y)->at)
        return (*x)->at < (*y)->at ? -1 : 1;
    return ((*x)->size > (*y)->size) - ((*x)->size < (*y)->size);
}

/* The tensors, in the order of their bytes, follow one another from the first byte of the data to
 * the last. */
static enum lstm_status check_coverage(const struct reader *r)
{
    struct safetensors_tensor *sorted[JSON_KEYS_MAX];
    int count = r->file->tensors_count;
    size_t at = r->data_at, end = r->data_at + r->data_size;
    for (int i = 0; i < count; i++)
        sorted[i] = &r->file->tensors[i];
    qsort(sorted, (size_t)count, sizeof *sorted, by_place);
    for (int i = 0; i < count; at += sorted[i++]->size)
        if (sorted[i]->at != at)
            return tensor_fail(r, sorted[i],
                               sorted[i]->at > at ? "a gap lies before its data"
                                                  : "its data overlaps another tensor's");
    if (at != end)
        return lstm_fail(r->err, LSTM_CORRUPT, "%zu bytes follow the last tensor", end - at);
    return LSTM_OK;
}

static enum lstm_status read_header(struct reader *r)
{
    const struct json_value *values = r->json.values;
    enum lstm_status rc;
    for (uint32_t key = 1; key < values[0].next; key = values[key + 1].next) {
        if (json_equals(&r->json, key, "__metadata__", strlen("__metadata__"))) {
            if ((rc = read_metadata(r, key + 1)))
                return rc;
            continue;
        }
        struct safetensors_tensor *tensor = &r->file->tensors[r->file->tensors_count++];
        if ((rc = copy_name(r, key, &tensor->name)) || (rc = read_tensor(r, key + 1, tensor)))
            return rc;
    }
    return check_coverage(r);
}

/* One block holds the structs and every string: a decoded string with its NUL is no longer than it
 * was in quotes. */
static struct safetensors *alloc_file(const struct json *json, size_t header_size, char **strings)
{
    uint32_t metadata = json_find(json, 0, "__metadata__");
    size_t tensors = json->values[0].count, entries = metadata ? json->values[metadata].count : 0;
    size_t structs =
        tensors * sizeof(struct safetensors_tensor) + entries * sizeof(struct safetensors_entry);
    struct safetensors *file = malloc(sizeof *file + structs + header_size);
    if (!file)
        return NULL;
    file->tensors = (struct safetensors_tensor *)(file + 1);
    file->entries = (struct safetensors_entry *)(file->tensors + tensors);
    file->tensors_count = file->entries_count = 0;
    *strings = (char *)(file->entries + entries);
    return file;
}

enum lstm_status safetensors_read(const void *blob, size_t size, struct safetensors **file,
                                  struct lstm_error *err)
{
    const unsigned char *bytes = blob;
    uint64_t header_size = 0;
    enum lstm_status rc;
    *file = NULL;
    if (size < 8)
        return lstm_fail(err, LSTM_CORRUPT, "%zu bytes are too few for a safetensors file", size);
    for (int i = 0; i < 8; i++)
        header_size |= (uint64_t)bytes[i] << (8 * i);
    if (header_size < 2 || header_size > SAFETENSORS_HEADER_MAX)
        return lstm_fail(err, LSTM_CORRUPT, "the header has %llu bytes, expected 2 to %d",
                         (unsigned long long)header_size, (int)SAFETENSORS_HEADER_MAX);
    if (header_size > size - 8)
        return lstm_fail(err, LSTM_CORRUPT,
                         "the header has %llu bytes, the file %zu: it is cut off",
                         (unsigned long long)header_size, size);
    if (bytes[8] != '{')
        return lstm_fail(err, LSTM_CORRUPT, "the header does not start with '{'");

    struct reader r = { .data_at = 8 + (size_t)header_size,
                        .data_size = size - 8 - (size_t)header_size,
                        .err = err };
    struct json_value *values = malloc(SAFETENSORS_VALUES_MAX * sizeof *values);
    if (!values)
        return lstm_fail(err, LSTM_NOMEM, "a table of %d header values",
                         (int)SAFETENSORS_VALUES_MAX);
    rc = json_parse("the header", (const char *)bytes + 8, (size_t)header_size, values,
                    SAFETENSORS_VALUES_MAX, &r.json, err);
    if (rc)
        goto done;
    if (!(r.file = alloc_file(&r.json, (size_t)header_size, &r.strings))) {
        rc = lstm_fail(err, LSTM_NOMEM, "a header of %llu bytes", (unsigned long long)header_size);
        goto done;
    }
    if ((rc = read_header(&r))) {
        safetensors_free(r.file);
        goto done;
    }
    *file = r.file;
done:
    free(values);
    return rc;
}

void safetensors_free(struct safetensors *file)
{
    free(file);
}

const struct safetensors_tensor *safetensors_find(const struct safetensors *file, const char *name)
{
    for (int i = 0; i < file->tensors_count; i++)
        if (!strcmp(file->tensors[i].name, name))
            return &file->tensors[i];
    return NULL;
}

const struct safetensors_entry *safetensors_metadata(const struct safetensors *file,
                                                     const char *key)
{
    for (int i = 0; i < file->entries_count; i++)
        if (!strcmp(file->entries[i].key, key))
            return &file->entries[i];
    return NULL;
}

enum lstm_status safetensors_require(const struct safetensors *file, const char *key,
                                     const char *expected, const struct safetensors_entry **entry,
                                     struct lstm_error *err)
{
    char shown[SAFETENSORS_SHOWN_SIZE];
    *entry = safetensors_metadata(file, key);
    if (!*entry)
        return lstm_fail(err, LSTM_CORRUPT, "metadata \"%s\" is missing", key);
    if (expected &&
        ((*entry)->value_size != strlen(expected) || strcmp((*entry)->value, expected) != 0))
        return lstm_fail(err, LSTM_CORRUPT, "metadata \"%s\" is \"%s\", expected \"%s\"", key,
                         safetensors_shown((*entry)->value, shown), expected);
    return LSTM_OK;
}
