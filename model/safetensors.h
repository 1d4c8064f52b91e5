/* The container of model files: 8 bytes of header length (little-endian), a JSON header, the
 * tensors' bytes.
 *
 * Reading is strict, because a file may be hostile: the header starts with '{' and is at most
 * SAFETENSORS_HEADER_MAX bytes; it says of every tensor exactly dtype, shape and data_offsets, and
 * these agree; together the tensors cover the data with no gap, no overlap and nothing behind;
 * __metadata__ holds strings. Source: the format's description in the README of
 * github.com/huggingface/safetensors. */
#ifndef LSTM_SAFETENSORS_H
#define LSTM_SAFETENSORS_H

#include "error.h"

#include <stddef.h>
#include <stdint.h>

enum {
    SAFETENSORS_HEADER_MAX = 100000000, /* bytes */
    SAFETENSORS_VALUES_MAX = 4096,      /* JSON values of a header, keys included */
    SAFETENSORS_RANK_MAX = 8,
    SAFETENSORS_ALIGNMENT = 64, /* where the writer starts the data; a reader may not rely on it */
    SAFETENSORS_SHOWN_SIZE = 64
};

enum safetensors_dtype {
    SAFETENSORS_BOOL,
    SAFETENSORS_U8,
    SAFETENSORS_I8,
    SAFETENSORS_U16,
    SAFETENSORS_I16,
    SAFETENSORS_F16,
    SAFETENSORS_BF16,
    SAFETENSORS_U32,
    SAFETENSORS_I32,
    SAFETENSORS_F32,
    SAFETENSORS_U64,
    SAFETENSORS_I64,
    SAFETENSORS_F64
};

struct safetensors_tensor {
    const char *name;
    enum safetensors_dtype dtype;
    int rank;
    int64_t shape[SAFETENSORS_RANK_MAX];
    size_t at, size; /* its bytes: blob + at, of no alignment */
};

struct safetensors_entry {
    const char *key, *value;
    size_t value_size; /* the value may have NULs inside; there is one behind it */
};

/* A header, in one block. It refers to the blob by offsets only. */
struct safetensors {
    int tensors_count, entries_count;
    struct safetensors_tensor *tensors; /* as the header orders them */
    struct safetensors_entry *entries;  /* of __metadata__ */
};

/* Errors: LSTM_CORRUPT with the tensor or key, the value and the bound; LSTM_NOMEM. On error *file
 * is NULL. */
enum lstm_status safetensors_read(const void *blob, size_t size, struct safetensors **file,
                                  struct lstm_error *err);
void safetensors_free(struct safetensors *file); /* NULL is fine */

/* NULL when there is none of that name. */
const struct safetensors_tensor *safetensors_find(const struct safetensors *file, const char *name);
const struct safetensors_entry *safetensors_metadata(const struct safetensors *file,
                                                     const char *key);

/* The same, where a missing entry, or another value than the one expected (may be NULL), is
 * LSTM_CORRUPT. */
enum lstm_status safetensors_require(const struct safetensors *file, const char *key,
                                     const char *expected, const struct safetensors_entry **entry,
                                     struct lstm_error *err);

/* Lays out a file: the header, data aligned by spaces behind the header, tensors in the order
 * given. Fills at and size of each tensor; their bytes in the blob are the caller's to fill. The
 * same arguments give the same bytes. Errors: LSTM_NOMEM; LSTM_RANGE for names and metadata that
 * are not UTF-8 and for sizes beyond the limits. */
enum lstm_status safetensors_layout(const struct safetensors_entry *entries, int entries_count,
                                    struct safetensors_tensor *tensors, int tensors_count,
                                    unsigned char **blob, size_t *size, struct lstm_error *err);

/* The bytes that dtype and shape ask for; returns 0 when they are more than a size_t counts. */
int safetensors_size(const struct safetensors_tensor *tensor, size_t *size);

const char *safetensors_dtype_name(enum safetensors_dtype dtype);

/* Text from a file made fit for an error message: cut to what shown holds, every byte but printable
 * ASCII as '?'. */
const char *safetensors_shown(const char *text, char shown[SAFETENSORS_SHOWN_SIZE]);

#endif
