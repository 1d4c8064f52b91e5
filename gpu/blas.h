/* Matrix products by cuBLAS: the only place that knows its order of rows and columns. */
#ifndef LSTM_GPU_BLAS_H
#define LSTM_GPU_BLAS_H

#include "gpu/device.h"

#include <cublas_v2.h>

/* For one caller at a time. What it enqueues may run at the same time on several streams, each of
 * them a branch with a workspace of its own: cuBLAS's products write there, so that two at once in
 * one workspace spoil each other. cuBLAS's own workspaces could not be captured. */
struct gpu_blas {
    cublasHandle_t handle;
    const struct gpu_device *device; /* not ours */
    int branches;
    char *workspaces;
};

/* Within gpu_device_enter and leave. Errors: LSTM_UNAVAILABLE, LSTM_NOMEM. */
enum lstm_status gpu_blas_open(const struct gpu_device *device, int branches, struct gpu_blas *blas,
                               struct lstm_error *err);
void gpu_blas_close(struct gpu_blas *blas); /* a zeroed one is fine */

/* Of streams that nothing orders each needs a branch, from 0 on, of its own.
 * c (rows x cols) = a (rows x depth) times the transpose of b (cols x depth), all row-major; a and
 * b are elements of precision, so is c unless it is said to be floats. */
struct gpu_product {
    enum lstm_precision precision;
    int32_t rows, cols, depth;
    const void *a, *b;
    void *c;
    int32_t a_row; /* elements from a row of a to the next; 0: depth */
    int is_added;  /* c += */
    int is_float;  /* c */
};
enum lstm_status gpu_blas_multiply(const struct gpu_blas *blas, cudaStream_t stream, int branch,
                                   const struct gpu_product *product, struct lstm_error *err);

#endif
