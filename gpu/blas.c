#include "gpu/blas.h"

#include <string.h>

static const size_t workspace_size = (size_t)8 << 20; /* of a branch */

static enum lstm_status blas_status(cublasStatus_t status, const char *call, struct lstm_error *err)
{
    if (status == CUBLAS_STATUS_SUCCESS)
        return LSTM_OK;
    return lstm_fail(err, status == CUBLAS_STATUS_ALLOC_FAILED ? LSTM_NOMEM : LSTM_UNAVAILABLE,
                     "%.*s: %s", (int)strcspn(call, "("), call, cublasGetStatusString(status));
}

#define BLAS_TRY(call)                              \
    do {                                            \
        if ((rc = blas_status((call), #call, err))) \
            goto done;                              \
    } while (0)

enum lstm_status gpu_blas_open(const struct gpu_device *device, int branches, struct gpu_blas *blas,
                               struct lstm_error *err)
{
    enum lstm_status rc = LSTM_OK;
    *blas = (struct gpu_blas){ .device = device, .branches = branches };
    BLAS_TRY(cublasCreate(&blas->handle));
    rc = gpu_device_allocate(device, (size_t)branches * workspace_size, (void **)&blas->workspaces,
                             err);
done:
    if (rc)
        gpu_blas_close(blas);
    return rc;
}

void gpu_blas_close(struct gpu_blas *blas)
{
    if (blas->handle)
        (void)cublasDestroy(blas->handle);
    gpu_device_free(blas->device, blas->workspaces, (size_t)blas->branches * workspace_size);
    *blas = (struct gpu_blas){ .handle = NULL };
}

/* cuBLAS stores matrices by columns: what it sees in our memory is each one's transpose. So it is
 * asked for the transpose of c, which is b times the transpose of a; b it must transpose back. */
enum lstm_status gpu_blas_multiply(const struct gpu_blas *blas, cudaStream_t stream, int branch,
                                   const struct gpu_product *p, struct lstm_error *err)
{
    enum lstm_status rc = LSTM_OK;
    const cudaDataType_t in = p->precision == LSTM_PRECISION_FP16 ? CUDA_R_16F : CUDA_R_32F;
    const cudaDataType_t out = p->is_float ? CUDA_R_32F : in;
    const float one = 1.0f, beta = p->is_added ? 1.0f : 0.0f;
    BLAS_TRY(cublasSetStream(blas->handle, stream)); /* which forgets the workspace */
    BLAS_TRY(cublasSetWorkspace(blas->handle, blas->workspaces + (size_t)branch * workspace_size,
                                workspace_size));
    BLAS_TRY(cublasGemmEx(blas->handle, CUBLAS_OP_T, CUBLAS_OP_N, p->cols, p->rows, p->depth, &one,
                          p->b, in, p->depth, p->a, in, p->a_row ? p->a_row : p->depth, &beta, p->c,
                          out, p->cols, CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT));
done:
    return rc;
}
