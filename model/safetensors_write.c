/* Writing headers. */
#include "json.h"
#include "safetensors.h"

#include <stdlib.h>
#include <string.h>

static void put_metadata(struct json_text *out, const struct safetensors_entry *entries, int count)
{
    json_put(out, "\"__metadata__\":{");
    for (int i = 0; i < count; i++) {
        json_put(out, i ? "," : "");
        json_put_string(out, entries[i].key, strlen(entries[i].key));
        json_put(out, ":");
        json_put_string(out, entries[i].value, entries[i].value_size);
    }
    json_put(out, "}");
}

static void put_tensor(struct json_text *out, const struct safetensors_tensor *t)
{
    json_put_string(out, t->name, strlen(t->name));
    json_put(out, ":{\"dtype\":\"");
    json_put(out, safetensors_dtype_name(t->dtype));
    json_put(out, "\",\"shape\":[");
    for (int i = 0; i < t->rank; i++) {
        json_put(out, i ? "," : "");
        json_put_int64(out, t->shape[i]);
    }
    json_put(out, "],\"data_offsets\":[");
    json_put_int64(out, (int64_t)t->at);
    json_put(out, ",");
    json_put_int64(out, (int64_t)(t->at + t->size));
    json_put(out, "]}");
}

/* Gives every tensor its place from the start of the data on. */
static enum lstm_status place(struct safetensors_tensor *tensors, int count, size_t *data_size,
                              struct lstm_error *err)
{
    *data_size = 0;
    for (int i = 0; i < count; i++) {
        if (!safetensors_size(&tensors[i], &tensors[i].size) ||
            tensors[i].size > INT64_MAX - *data_size)
            return lstm_fail(err, LSTM_RANGE, "tensor %s is too large", tensors[i].name);
        tensors[i].at = *data_size;
        *data_size += tensors[i].size;
    }
    return LSTM_OK;
}

static enum lstm_status check_header(const struct json_text *header, struct lstm_error *err)
{
    if (header->status == LSTM_NOMEM)
        return lstm_fail(err, LSTM_NOMEM, "a header of more than %zu bytes", header->capacity);
    if (header->status)
        return lstm_fail(err, LSTM_RANGE, "a name, a key or a value of the metadata is not UTF-8");
    if (header->size > SAFETENSORS_HEADER_MAX - SAFETENSORS_ALIGNMENT)
        return lstm_fail(err, LSTM_RANGE, "the header would have %zu bytes, at most %d",
                         header->size, (int)SAFETENSORS_HEADER_MAX);
    return LSTM_OK;
}

enum lstm_status safetensors_layout(const struct safetensors_entry *entries, int entries_count,
                                    struct safetensors_tensor *tensors, int tensors_count,
                                    unsigned char **blob, size_t *size, struct lstm_error *err)
{
    struct json_text header = { 0 };
    size_t data_size;
    enum lstm_status rc;
    *blob = NULL;
    if ((rc = place(tensors, tensors_count, &data_size, err)))
        return rc;
    json_put(&header, "{");
    if (entries_count)
        put_metadata(&header, entries, entries_count);
    for (int i = 0; i < tensors_count; i++) {
        json_put(&header, i || entries_count ? "," : "");
        put_tensor(&header, &tensors[i]);
    }
    json_put(&header, "}");
    if ((rc = check_header(&header, err)))
        goto done;

    size_t data_at = (8 + header.size + SAFETENSORS_ALIGNMENT - 1) / SAFETENSORS_ALIGNMENT *
                     SAFETENSORS_ALIGNMENT;
    if (data_size > SIZE_MAX - data_at || !(*blob = malloc(data_at + data_size))) {
        rc = lstm_fail(err, LSTM_NOMEM, "a file of %zu bytes of data", data_size);
        goto done;
    }
    for (int i = 0; i < 8; i++)
        (*blob)[i] = (unsigned char)((uint64_t)(data_at - 8) >> (8 * i));
    memcpy(*blob + 8, header.bytes, header.size);
    memset(*blob + 8 + header.size, ' ', data_at - 8 - header.size);
    for (int i = 0; i < tensors_count; i++)
        tensors[i].at += data_at;
    *size = data_at + data_size;
done:
    free(header.bytes);
    return rc;
}
