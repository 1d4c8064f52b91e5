/* cuBLAS: what it refuses, and products in plain loops. */
#include "tests/cuda_host/device.h"
#include "tests/cuda_host/guard.h"

#include <cstring>
#include <cublas_v2.h>
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <algorithm>

using namespace cuda_host;

struct cublasContext {
    cudaStream_t stream;
    cublasPointerMode_t pointers;
    cublasMath_t math;
    char *workspace; /* NULL: its own */
    size_t workspace_size;
};

namespace
{

struct handle {
    cublasContext *context;
};
std::vector<handle> &handles = *new std::vector<handle>;

bool is_handle(cublasHandle_t context)
{
    return std::any_of(handles.begin(), handles.end(),
                       [context](const handle &h) { return h.context == context; });
}

/* How its elements are read; none for what cuBLAS has no such product of. */
size_t element_size(cudaDataType type)
{
    return type == CUDA_R_32F ? 4 : type == CUDA_R_16F || type == CUDA_R_16BF ? 2 : 0;
}

float element(const void *at, size_t i, cudaDataType type)
{
    if (type == CUDA_R_16F)
        return __half2float(static_cast<const __half *>(at)[i]);
    if (type == CUDA_R_16BF)
        return __bfloat162float(static_cast<const __nv_bfloat16 *>(at)[i]);
    return static_cast<const float *>(at)[i];
}

void set_element(void *at, size_t i, cudaDataType type, float value)
{
    if (type == CUDA_R_16F)
        static_cast<__half *>(at)[i] = __float2half_rn(value);
    else if (type == CUDA_R_16BF)
        static_cast<__nv_bfloat16 *>(at)[i] = __float2bfloat16_rn(value);
    else
        static_cast<float *>(at)[i] = value;
}

/* The tensor cores read 10 bits of a float's mantissa. */
float as_tf32(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if ((bits & 0x7f800000u) != 0x7f800000u)
        bits = (bits + 0xfffu + (bits >> 13 & 1u)) & ~0x1fffu;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* A matrix as the caller has it: rows x cols before the operation, column-major. */
struct matrix {
    const void *at;
    cudaDataType type;
    int rows, cols, leading;
    bool is_transposed;

    size_t bytes() const
    {
        return rows && cols ? (static_cast<size_t>(leading) * static_cast<size_t>(cols - 1) +
                               static_cast<size_t>(rows)) *
                                  element_size(type)
                            : 0;
    }
    /* After the operation. */
    float value(int row, int col) const
    {
        int r = is_transposed ? col : row, c = is_transposed ? row : col;
        return element(
            at, static_cast<size_t>(c) * static_cast<size_t>(leading) + static_cast<size_t>(r),
            type);
    }
};

struct product {
    matrix a, b, c;
    int m, n, k;
    float alpha, beta;
    bool by_tensor_cores; /* TF32 */
    char *workspace;
    size_t workspace_size;
    std::shared_ptr<uint64_t> mark; /* what it left in the workspace when it began */
};

/* C = alpha A B + beta C; with beta 0, C is not read. Sums are fp32, in the order of k. */
void multiply(const product &p)
{
    struct number {
        float value;
    };
    size_t m = static_cast<size_t>(p.m), k_count = static_cast<size_t>(p.k);
    std::vector<number> a(m * k_count), column(m);
    for (int k = 0; k < p.k; k++)
        for (int i = 0; i < p.m; i++) {
            float x = p.a.value(i, k);
            a[static_cast<size_t>(k) * m + static_cast<size_t>(i)] = { p.by_tensor_cores
                                                                           ? as_tf32(x)
                                                                           : x };
        }
    for (int j = 0; j < p.n; j++) {
        std::fill(column.begin(), column.end(), number{ 0.0f });
        for (int k = 0; k < p.k; k++) {
            float b = p.b.value(k, j);
            b = p.by_tensor_cores ? as_tf32(b) : b;
            const number *from = &a[static_cast<size_t>(k) * m];
            for (size_t i = 0; i < m; i++)
                column[i].value += from[i].value * b;
        }
        for (int i = 0; i < p.m; i++) {
            size_t at =
                static_cast<size_t>(j) * static_cast<size_t>(p.c.leading) + static_cast<size_t>(i);
            float sum = p.alpha * column[static_cast<size_t>(i)].value;
            if (p.beta != 0.0f)
                sum += p.beta * element(p.c.at, at, p.c.type);
            set_element(const_cast<void *>(p.c.at), at, p.c.type, sum);
        }
    }
}

bool is_operation(cublasOperation_t operation)
{
    return operation == CUBLAS_OP_N || operation == CUBLAS_OP_T || operation == CUBLAS_OP_C;
}

/* The rows of cublasGemmEx's table of types (cuBLAS documentation, 2.8.12) that floats have. */
bool are_types(cudaDataType a, cudaDataType b, cudaDataType c, cublasComputeType_t compute)
{
    bool is_fp32 = compute == CUBLAS_COMPUTE_32F || compute == CUBLAS_COMPUTE_32F_PEDANTIC;
    bool is_fast = compute == CUBLAS_COMPUTE_32F_FAST_16F ||
                   compute == CUBLAS_COMPUTE_32F_FAST_16BF ||
                   compute == CUBLAS_COMPUTE_32F_FAST_TF32;
    if (a != b || !element_size(a) || !element_size(c))
        return false;
    return (is_fp32 && (c == a || c == CUDA_R_32F)) ||
           (is_fast && a == CUDA_R_32F && c == CUDA_R_32F);
}

[[noreturn]] void outside(char name, const matrix &x)
{
    problem("matrix %c of a product, %d x %d with leading dimension %d at %p, is not within an "
            "allocation",
            name, x.rows, x.cols, x.leading, x.at);
}

bool overlap(const matrix &x, const matrix &y)
{
    const char *a = static_cast<const char *>(x.at), *b = static_cast<const char *>(y.at);
    return a < b + y.bytes() && b < a + x.bytes();
}

/* What a product's memory must be; read again when it runs, since a graph may outlive memory. */
void check_memory(const product &p)
{
    const matrix *all[] = { &p.a, &p.b, &p.c };
    for (int i = 0; i < 3; i++)
        if (memory_room(all[i]->at) < all[i]->bytes())
            outside("ABC"[i], *all[i]);
    if (overlap(p.a, p.c) || overlap(p.b, p.c))
        problem("matrix C of a product lies over A or B");
}

void check_workspace(const product &p)
{
    if (memory_room(p.workspace) < p.workspace_size)
        problem("the workspace of a product at %p is not within an allocation", p.workspace);
}

/* A product with a workspace is two pieces of its stream, since it writes there and reads again:
 * what comes between them from other streams must leave the workspace alone. */
void begin_product(const product &p, const moments &before, moment *after)
{
    check_workspace(p);
    auto work = [p](alone) {
        static uint64_t begun;
        *p.mark = ++begun;
        if (__tsan_write_range)
            __tsan_write_range(p.workspace, p.workspace_size);
        fill(p.workspace, p.workspace_size, NEW_BYTE);
        memcpy(p.workspace, p.mark.get(), sizeof *p.mark);
    };
    run_alone("the beginning of a product of cuBLAS", work, before, after);
}

void finish_product(const product &p, const moments &before, moment *after)
{
    check_memory(p);
    if (p.workspace_size)
        check_workspace(p);
    auto work = [p](alone) {
        if (__tsan_read_range) {
            __tsan_read_range(const_cast<void *>(p.a.at), p.a.bytes());
            __tsan_read_range(const_cast<void *>(p.b.at), p.b.bytes());
            __tsan_write_range(const_cast<void *>(p.c.at), p.c.bytes());
            __tsan_read_range(p.workspace, p.workspace_size);
        }
        if (p.workspace_size && memcmp(p.workspace, p.mark.get(), sizeof *p.mark))
            problem("the workspace of a product at %p was written by another at the same time",
                    p.workspace);
        multiply(p);
    };
    run_alone("a product of cuBLAS", work, before, after);
}

cublasStatus_t status_of(cudaError_t error)
{
    return error ? CUBLAS_STATUS_EXECUTION_FAILED : CUBLAS_STATUS_SUCCESS;
}

} // namespace

namespace cuda_host
{

long cublas_objects()
{
    return static_cast<long>(handles.size());
}

} // namespace cuda_host

#define ENTER_CUBLAS(handle)                 \
    entry call(__func__);                    \
    if (call.error)                          \
        return CUBLAS_STATUS_INTERNAL_ERROR; \
    if (!is_handle(handle))                  \
    return CUBLAS_STATUS_NOT_INITIALIZED

cublasStatus_t cublasCreate(cublasHandle_t *made)
{
    entry call(__func__);
    if (call.error)
        return call.error == cudaErrorMemoryAllocation ? CUBLAS_STATUS_ALLOC_FAILED
                                                       : CUBLAS_STATUS_NOT_INITIALIZED;
    *made = new cublasContext{ nullptr, CUBLAS_POINTER_MODE_HOST, CUBLAS_DEFAULT_MATH, nullptr, 0 };
    handles.push_back({ *made });
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasDestroy(cublasHandle_t context)
{
    ENTER_CUBLAS(context);
    handles.erase(std::find_if(handles.begin(), handles.end(),
                               [context](const handle &h) { return h.context == context; }));
    delete context;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetStream(cublasHandle_t context, cudaStream_t stream)
{
    ENTER_CUBLAS(context);
    context->stream = stream;
    context->workspace = nullptr; /* the library's own again, as in cuBLAS */
    context->workspace_size = 0;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetPointerMode(cublasHandle_t context, cublasPointerMode_t mode)
{
    ENTER_CUBLAS(context);
    context->pointers = mode;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetMathMode(cublasHandle_t context, cublasMath_t mode)
{
    ENTER_CUBLAS(context);
    context->math = mode;
    return CUBLAS_STATUS_SUCCESS;
}

/* A product uses the first bytes of it, at least those of its mark. */
cublasStatus_t cublasSetWorkspace(cublasHandle_t context, void *at, size_t size)
{
    ENTER_CUBLAS(context);
    if (at && (memory_room(at) < size || reinterpret_cast<uintptr_t>(at) % 256))
        return CUBLAS_STATUS_INVALID_VALUE;
    context->workspace = static_cast<char *>(at);
    context->workspace_size = size < sizeof(uint64_t) ? 0 : std::min(size, size_t(256));
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasGemmEx(cublasHandle_t context, cublasOperation_t operation_a,
                            cublasOperation_t operation_b, int m, int n, int k, const void *alpha,
                            const void *a, cudaDataType type_a, int leading_a, const void *b,
                            cudaDataType type_b, int leading_b, const void *beta, void *c,
                            cudaDataType type_c, int leading_c, cublasComputeType_t compute,
                            cublasGemmAlgo_t)
{
    ENTER_CUBLAS(context);
    if (!is_operation(operation_a) || !is_operation(operation_b) || m < 0 || n < 0 || k < 0 ||
        !alpha || !beta)
        return CUBLAS_STATUS_INVALID_VALUE;
    if (!are_types(type_a, type_b, type_c, compute) ||
        context->pointers != CUBLAS_POINTER_MODE_HOST)
        return CUBLAS_STATUS_NOT_SUPPORTED;
    if (type_a == CUDA_R_16BF && device().major < 8)
        return CUBLAS_STATUS_ARCH_MISMATCH;
    bool turn_a = operation_a != CUBLAS_OP_N, turn_b = operation_b != CUBLAS_OP_N;
    product p = {
        .a = { a, type_a, turn_a ? k : m, turn_a ? m : k, leading_a, turn_a },
        .b = { b, type_b, turn_b ? n : k, turn_b ? k : n, leading_b, turn_b },
        .c = { c, type_c, m, n, leading_c, false },
        .m = m,
        .n = n,
        .k = k,
        .alpha = *static_cast<const float *>(alpha),
        .beta = *static_cast<const float *>(beta),
        .by_tensor_cores =
            compute == CUBLAS_COMPUTE_32F_FAST_TF32 ||
            (compute == CUBLAS_COMPUTE_32F && context->math == CUBLAS_TF32_TENSOR_OP_MATH),
        .workspace = context->workspace,
        .workspace_size = context->workspace_size,
        .mark = std::make_shared<uint64_t>(),
    };
    if (leading_a < std::max(1, p.a.rows) || leading_b < std::max(1, p.b.rows) ||
        leading_c < std::max(1, m))
        return CUBLAS_STATUS_INVALID_VALUE;
    if (!m || !n)
        return CUBLAS_STATUS_SUCCESS;
    check_memory(p);
    auto begin = [p](const moments &before, moment *after) { begin_product(p, before, after); };
    auto finish = [p](const moments &before, moment *after) { finish_product(p, before, after); };
    cudaError_t error = cudaSuccess;
    if (p.workspace_size)
        error = stream_add(context->stream, [begin] { return begin; });
    if (!error)
        error = stream_add(context->stream, [finish] { return finish; });
    return status_of(error);
}

const char *cublasGetStatusString(cublasStatus_t status)
{
    switch (status) {
    case CUBLAS_STATUS_SUCCESS: return "the operation completed successfully";
    case CUBLAS_STATUS_NOT_INITIALIZED: return "the library was not initialized";
    case CUBLAS_STATUS_ALLOC_FAILED: return "the resource allocation failed";
    case CUBLAS_STATUS_INVALID_VALUE: return "an invalid value was passed";
    case CUBLAS_STATUS_ARCH_MISMATCH: return "the device is of another architecture";
    case CUBLAS_STATUS_EXECUTION_FAILED: return "the function failed to launch on the GPU";
    case CUBLAS_STATUS_INTERNAL_ERROR: return "an internal operation failed";
    case CUBLAS_STATUS_NOT_SUPPORTED: return "the functionality is not supported";
    default: return "unknown status";
    }
}
