/* Reading what PyTorch computed: the safetensors files of tests/data. Every function ends the test
 * program when a file is missing or not what it should be. Run from the repository's root. */
#ifndef LSTM_TESTS_GOLDEN_FILE_H
#define LSTM_TESTS_GOLDEN_FILE_H

#include "model/safetensors.h"

struct golden_file {
    char path[100];
    unsigned char *blob;
    size_t size;
    struct safetensors *file; /* NULL until golden_file_parse */
};

struct golden_file golden_file_open(const char *name); /* tests/data/NAME.safetensors */
void golden_file_parse(struct golden_file *golden);
void golden_file_close(struct golden_file *golden);

/* Says what is wrong with a file unless it is good. */
void golden_file_must(const struct golden_file *golden, int good, const char *what);

/* How many numbers a tensor has, and those numbers, which have to be exactly count: floats, or
 * int32_t from I32. */
size_t golden_file_count(const struct golden_file *golden, const char *name);
void golden_file_floats(const struct golden_file *golden, const char *name, size_t count,
                        float *to);
void golden_file_ints(const struct golden_file *golden, const char *name, size_t count,
                      int32_t *to);

#endif
