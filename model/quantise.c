#include "quantise.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

enum { BLOCK_ALIGNMENT = 64 };

enum lstm_status lstm_int8_open(const struct lstm_sizes *sizes, struct lstm_int8 *int8,
                                struct lstm_error *err)
{
    const size_t weights = lstm_params_count(sizes), scales = lstm_scales_count(sizes);
    const size_t scales_at = (weights + BLOCK_ALIGNMENT - 1) / BLOCK_ALIGNMENT * BLOCK_ALIGNMENT;
    const size_t size = scales_at + scales * sizeof *int8->scales;
    int8->in_params = 0;
    int8->weights = aligned_alloc(BLOCK_ALIGNMENT,
                                  (size + BLOCK_ALIGNMENT - 1) / BLOCK_ALIGNMENT * BLOCK_ALIGNMENT);
    int8->scales = int8->weights ? (float *)(void *)(int8->weights + scales_at) : NULL;
    return int8->weights ? LSTM_OK
                         : lstm_fail(err, LSTM_NOMEM, "a model of %zu int8 weights", weights);
}

static void dequantise_row(const int8_t *weights, size_t count, float scale, float *values)
{
    for (size_t i = 0; i < count; i += LSTM_UNITS)
        for (size_t k = 0; k < LSTM_UNITS; k++) /* a fixed length makes vectors of it */
            values[i + k] = scale * (float)weights[i + k];
}

void lstm_model_dequantise(struct lstm_model *model)
{
    struct lstm_tensor tensors[LSTM_TENSORS_MAX];
    const struct lstm_int8 *int8 = &model->int8;
    const int count = lstm_layout(&model->sizes, tensors);
    if (!int8->weights || int8->in_params)
        return;
    for (const struct lstm_tensor *t = tensors; t < tensors + count; t++) {
        const size_t cols = (size_t)t->cols;
        assert(!t->is_quantised || cols % LSTM_UNITS == 0); /* so are all the sizes */
        for (size_t r = 0; t->is_quantised && r < (size_t)t->rows; r++)
            dequantise_row(int8->weights + t->at + r * cols, cols, int8->scales[t->scales_at + r],
                           model->params + t->at + r * cols);
    }
    model->int8.in_params = 1;
}

/* Raises each row's scale to the largest magnitude of its parameters. */
static enum lstm_status find_largest(const struct lstm_tensor *t, const float *params,
                                     float *scales, struct lstm_error *err)
{
    const size_t cols = (size_t)t->cols;
    for (size_t r = 0; r < (size_t)t->rows; r++)
        for (size_t c = 0; c < cols; c++) {
            const float value = params[t->at + r * cols + c], size = fabsf(value);
            if (!(size <= 127 * LSTM_SCALE_MAX))
                return lstm_fail(err, LSTM_RANGE,
                                 "tensor %s, element %zu: %g cannot be quantised, it is beyond %g",
                                 t->name, r * cols + c, (double)value,
                                 127 * (double)LSTM_SCALE_MAX);
            if (size > scales[t->scales_at + r])
                scales[t->scales_at + r] = size;
        }
    return LSTM_OK;
}

static void quantise(const struct lstm_tensor *t, const float *params, struct lstm_int8 *int8)
{
    const size_t cols = (size_t)t->cols;
    for (size_t r = 0; r < (size_t)t->rows; r++)
        for (size_t c = t->at + r * cols; c < t->at + (r + 1) * cols; c++) {
            const float weight = nearbyintf(params[c] / int8->scales[t->scales_at + r]);
            int8->weights[c] = (int8_t)fmaxf(-127, fminf(127, weight));
        }
}

enum lstm_status lstm_model_quantise(struct lstm_model *model, struct lstm_error *err)
{
    struct lstm_tensor tensors[LSTM_TENSORS_MAX];
    struct lstm_int8 int8;
    const int count = lstm_layout(&model->sizes, tensors);
    const size_t scales_count = lstm_scales_count(&model->sizes);
    if (model->int8.weights)
        return LSTM_OK;
    enum lstm_status rc = lstm_int8_open(&model->sizes, &int8, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < scales_count; i++)
        int8.scales[i] = 0;
    for (int i = 0; i < count && !rc; i++)
        if (tensors[i].is_quantised)
            rc = find_largest(&tensors[i], model->params, int8.scales, err);
    if (rc) {
        free(int8.weights);
        return rc;
    }
    for (size_t i = 0; i < scales_count; i++) {
        const float scale = int8.scales[i] / 127;
        int8.scales[i] = scale >= LSTM_SCALE_MIN ? scale : 1;
    }
    for (int i = 0; i < count; i++)
        if (tensors[i].is_quantised)
            quantise(&tensors[i], model->params, &int8);
    model->int8 = int8;
    lstm_model_dequantise(model);
    return LSTM_OK;
}
