/* What a model file holds, for its reader and its writer (FORMAT.md). */
#ifndef LSTM_MODEL_FILE_H
#define LSTM_MODEL_FILE_H

#include "model.h"

enum {
    MODEL_PARTS_MAX = LSTM_TENSORS_MAX + 2 * LSTM_LAYERS_MAX + 1
}; /* two biases where memory has one */

/* A tensor of the file and where it goes in the parameter block. */
struct model_part {
    char name[LSTM_NAME_SIZE];
    int rank;
    int32_t rows, cols; /* rows = 1 where rank = 1 */
    size_t at;
    enum {
        PART_ALONE,
        PART_BIAS_IH,
        PART_BIAS_HH
    } kind; /* memory has the sum of the two biases, at one place */
};

/* Fills parts (at least MODEL_PARTS_MAX) in file order and returns how many. The sizes must have
 * been checked. */
int model_parts(const struct lstm_sizes *sizes, struct model_part *parts);

enum lstm_status model_check_task(const char *task, enum lstm_status bad, struct lstm_error *err);

/* Checks everything but the parameters; bad (LSTM_CORRUPT or LSTM_RANGE) is what a failed check
 * returns. */
enum lstm_status model_check(const struct lstm_model *model, enum lstm_status bad,
                             struct lstm_error *err);

#endif
