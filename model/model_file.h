/* What a model file holds, for its reader and its writer (FORMAT.md). */
#ifndef LSTM_MODEL_FILE_H
#define LSTM_MODEL_FILE_H

#include "model.h"

enum {
    MODEL_PARTS_MAX = 2 * LSTM_TENSORS_MAX /* two biases where memory has one, and the scales */
};

/* A tensor of the file and where it goes in memory. */
struct model_part {
    char name[LSTM_NAME_SIZE];
    int rank;
    int32_t rows, cols; /* rows = 1 where rank = 1 */
    size_t at;          /* in the parameter block; of scales, among the scales */
    enum {
        PART_ALONE,
        PART_BIAS_IH, /* memory has the sum of the two biases, at one place */
        PART_BIAS_HH,
        PART_INT8,
        PART_SCALES
    } kind;
};

/* Fills parts (at least MODEL_PARTS_MAX) in file order and returns how many. The sizes must have
 * been checked. */
int model_parts(const struct lstm_sizes *sizes, int is_quantised, struct model_part *parts);

/* Copies int8 weights in one pass, and looks over scales. Both return the index of the first that
 * is out of bounds, or count when none is. */
size_t model_copy_int8(const void *from, size_t count, int8_t *to);
size_t model_check_scales(const float *scales, size_t count);

enum lstm_status model_check_task(const char *task, enum lstm_status bad, struct lstm_error *err);

/* Checks everything but the parameters; bad (LSTM_CORRUPT or LSTM_RANGE) is what a failed check
 * returns. */
enum lstm_status model_check(const struct lstm_model *model, enum lstm_status bad,
                             struct lstm_error *err);

#endif
