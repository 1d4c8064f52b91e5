/* The file of learned word vectors: a safetensors file that carries its tokenizer. */
#include "train/vectors.h"

#include "model/floats.h"
#include "model/model.h"
#include "model/safetensors.h"
#include "train/files.h"

#include <stdlib.h>
#include <string.h>

static const char tensor_name[] = "embedding.weight";

static int is_dimension(int64_t dimension)
{
    return dimension >= LSTM_UNITS && dimension <= LSTM_EMBEDDING_MAX &&
           dimension % LSTM_UNITS == 0;
}

enum lstm_status vectors_write(const char *path, const struct lstm_tokenizer *tokenizer,
                               const float *vectors, int32_t dimension, struct lstm_error *err)
{
    size_t vocabulary_size, size, count, bad;
    unsigned char *bytes;
    const char *vocabulary = lstm_tokenizer_vocabulary(tokenizer, &vocabulary_size);
    const struct safetensors_entry entries[] = {
        { "format", "lstm-vectors", strlen("lstm-vectors") },
        { "version", "1", 1 },
        { "tokenizer", "bpe", strlen("bpe") },
        { "vocabulary", vocabulary, vocabulary_size },
    };
    struct safetensors_tensor tensor = { .name = tensor_name,
                                         .dtype = SAFETENSORS_F32,
                                         .rank = 2,
                                         .shape = { lstm_tokenizer_vocab(tokenizer), dimension } };
    enum lstm_status rc;
    if (!is_dimension(dimension))
        return lstm_fail(err, LSTM_RANGE, "vectors of %d numbers, expected %d to %d in steps of %d",
                         (int)dimension, LSTM_UNITS, LSTM_EMBEDDING_MAX, LSTM_UNITS);
    rc = safetensors_layout(entries, (int)(sizeof entries / sizeof *entries), &tensor, 1, &bytes,
                            &size, err);
    if (rc)
        return rc;
    count = (size_t)tensor.shape[0] * (size_t)dimension;
    bad = floats_write(SAFETENSORS_F32, vectors, count, bytes + tensor.at);
    if (bad < count)
        rc = lstm_fail(err, LSTM_RANGE, "the vector of token %zu is not finite",
                       bad / (size_t)dimension);
    else
        rc = file_write(path, bytes, size, err);
    free(bytes);
    return rc;
}

/* What a vectors file has beside the numbers: exactly one tensor of the right kind, and the
 * tokenizer. */
static enum lstm_status check_file(const struct safetensors *file,
                                   struct lstm_tokenizer **tokenizer, struct lstm_error *err)
{
    const struct safetensors_tensor *t = safetensors_find(file, tensor_name);
    const struct safetensors_entry *entry;
    enum lstm_status rc;
    if ((rc = safetensors_require(file, "format", "lstm-vectors", &entry, err)) ||
        (rc = safetensors_require(file, "version", "1", &entry, err)) ||
        (rc = safetensors_require(file, "tokenizer", "bpe", &entry, err)) ||
        (rc = safetensors_require(file, "vocabulary", NULL, &entry, err)))
        return rc;
    if (!t || file->tensors_count != 1)
        return lstm_fail(err, LSTM_CORRUPT, "%d tensors, expected %s alone", file->tensors_count,
                         tensor_name);
    if (t->dtype != SAFETENSORS_F32 || t->rank != 2 || !is_dimension(t->shape[1]))
        return lstm_fail(err, LSTM_CORRUPT, "%s is not F32 with %d to %d columns in steps of %d",
                         tensor_name, LSTM_UNITS, LSTM_EMBEDDING_MAX, LSTM_UNITS);
    if ((rc = lstm_tokenizer_open(entry->value, entry->value_size, tokenizer, err)))
        return rc;
    if (t->shape[0] != lstm_tokenizer_vocab(*tokenizer))
        return lstm_fail(err, LSTM_CORRUPT, "%s has %lld rows, the vocabulary %d tokens",
                         tensor_name, (long long)t->shape[0],
                         (int)lstm_tokenizer_vocab(*tokenizer));
    return LSTM_OK;
}

enum lstm_status vectors_read(const char *path, struct lstm_tokenizer **tokenizer, float **vectors,
                              int32_t *dimension, struct lstm_error *err)
{
    struct safetensors *file = NULL;
    const struct safetensors_tensor *t;
    unsigned char *bytes;
    size_t size, count;
    *tokenizer = NULL;
    *vectors = NULL;
    enum lstm_status rc = file_read(path, &bytes, &size, err);
    if (rc || (rc = safetensors_read(bytes, size, &file, err)) ||
        (rc = check_file(file, tokenizer, err)))
        goto done;
    t = safetensors_find(file, tensor_name);
    count = t->size / sizeof(float);
    if (!(*vectors = malloc(t->size))) {
        rc = lstm_fail(err, LSTM_NOMEM, "vectors of %zu bytes", t->size);
        goto done;
    }
    *dimension = (int32_t)t->shape[1];
    if (floats_read(SAFETENSORS_F32, bytes + t->at, count, *vectors) < count)
        rc = lstm_fail(err, LSTM_CORRUPT, "%s has a number that is not finite", tensor_name);
done:
    safetensors_free(file);
    free(bytes);
    if (rc) {
        if (*tokenizer)
            lstm_tokenizer_close(*tokenizer);
        free(*vectors);
        *tokenizer = NULL;
        *vectors = NULL;
    }
    return rc;
}
