/* A weight as an element of a plan's precision. Plain C without CUDA. */
#ifndef LSTM_GPU_ELEMENT_H
#define LSTM_GPU_ELEMENT_H

#include "gpu/plan.h"
#include "model/floats.h"

#include <math.h>

#define GPU_HALF_MAX 65504.0f

static inline void gpu_element_put(const struct gpu_plan *plan, void *to, size_t at, float value)
{
    if (plan->element == sizeof(float))
        ((float *)to)[at] = value;
    else
        ((uint16_t *)to)[at] = float_to_f16(value);
}

/* Refuses what fp16 cannot hold. Errors: LSTM_MISMATCH with the value. */
static inline enum lstm_status gpu_element_check(const struct gpu_plan *plan, const float *params,
                                                 size_t count, struct lstm_error *err)
{
    for (size_t i = 0; plan->precision == LSTM_PRECISION_FP16 && i < count; i++)
        if (!(fabsf(params[i]) <= GPU_HALF_MAX))
            return lstm_fail(err, LSTM_MISMATCH,
                             "a weight of %g, fp16 holds %g at most; use the device in fp32",
                             (double)params[i], (double)GPU_HALF_MAX);
    return LSTM_OK;
}

#endif
