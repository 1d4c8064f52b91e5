/* Model files for the tests of the format: models with known numbers, and files with a part of them
 * exchanged. Whatever fails here fails the running test. */
#ifndef LSTM_TESTS_MODEL_SAMPLES_H
#define LSTM_TESTS_MODEL_SAMPLES_H

#include "model/model.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define GOLDEN "tests/data/golden_model.safetensors"

/* A model whose numbers are multiples of 1/128 up to 1/2 in magnitude: exact in every storage. No
 * classes: one that writes summaries. The caller frees it with lstm_model_free. */
struct lstm_model *model_sample(int32_t embedding, int32_t hidden, int32_t layers, int32_t classes);

/* The bytes of a file; the caller frees them. */
unsigned char *model_file_bytes(const char *path, size_t *size);

size_t model_header_size(const void *blob); /* without the 8 bytes that say it */
size_t model_tensor_at(const void *blob,
                       const char *name); /* where the tensor's bytes are in the file */

/* The blob with the first occurrence of a text in its header replaced, in a block of exactly its
 * size. */
unsigned char *model_replaced(const unsigned char *blob, size_t size, const char *from,
                              const char *to, size_t *new_size);

#endif
