/* What the emulation does right, and refuses as CUDA does. Faults of the code under test are in
 * test_faults.cu. */
#include "gpu/meeting.h"
#include "gpu/tensor.h"
#include "tests/cuda_host/samples.h"

#include <algorithm>
#include <atomic>
#include <csetjmp>
#include <cstdarg>
#include <cstring>
#include <cublas_v2.h>
#include <cuda_bf16.h>
#include <cuda_fp16.h>

extern "C" {
#include <cmocka.h>
}

#define COUNT(array) (sizeof(array) / sizeof *(array))

constexpr int SEEDS = 6;
constexpr shape FOUR_BLOCKS = { { 4, 1, 1 }, { 64, 1, 1 }, arena_bytes<float>(64), false };

/* Kernels */

__global__ void reverse_blocks(float *out, const float *in)
{
    Arena arena;
    float *shared = arena.take<float>(64);
    unsigned first = blockIdx.x * 64;
    shared[threadIdx.x] = in[first + threadIdx.x];
    __syncthreads();
    out[first + threadIdx.x] = shared[63 - threadIdx.x];
}

struct shuffled {
    int from_3, up, down, other, of_8;
    unsigned odd;
    int any, all;
};

__global__ void shuffle_all(shuffled *out)
{
    int lane = static_cast<int>(threadIdx.x);
    shuffled s;
    s.from_3 = __shfl_sync(0xffffffffu, lane, 3);
    s.up = __shfl_up_sync(0xffffffffu, lane, 2);
    s.down = __shfl_down_sync(0xffffffffu, lane, 2);
    s.other = __shfl_xor_sync(0xffffffffu, lane, 5);
    s.of_8 = __shfl_sync(0xffffffffu, lane, 1, 8);
    s.odd = __ballot_sync(0xffffffffu, lane % 2);
    s.any = __any_sync(0xffffffffu, lane == 9);
    s.all = __all_sync(0xffffffffu, lane < 31);
    out[lane] = s;
}

/* Halves of a warp meet by themselves, in branches of their own. */
__global__ void sum_halves(int *out)
{
    int lane = static_cast<int>(threadIdx.x), sum = lane;
    if (lane < 16)
        for (int d = 8; d; d /= 2)
            sum += __shfl_xor_sync(0x0000ffffu, sum, d);
    else
        for (int d = 8; d; d /= 2)
            sum += __shfl_xor_sync(0xffff0000u, sum, d);
    out[lane] = sum;
}

__global__ void turn(float *now, float *next, int times)
{
    unsigned i = blockIdx.x * blockDim.x + threadIdx.x, n = gridDim.x * blockDim.x;
    for (int t = 0; t < times; t++) {
        next[i] = now[(i + blockDim.x) % n] + 1.0f;
        cooperative_groups::this_grid().sync();
        std::swap(now, next);
    }
}

/* Block b waits for b - 1, adds one to its sum and passes it on. */
__global__ void relay(uint32_t *counters, float *sums)
{
    unsigned b = blockIdx.x;
    if (b > 0 && threadIdx.x == 0)
        meeting_await(&counters[b - 1], 1);
    __syncthreads();
    if (threadIdx.x == 7)
        sums[b] = (b ? sums[b - 1] : 0.0f) + 1.0f;
    __syncthreads();
    if (threadIdx.x == 0)
        meeting_arrive(&counters[b]);
}

__global__ void count_atomically(int *count, int *order)
{
    int before = atomicAdd(count, 1);
    if (threadIdx.x == 0)
        order[blockIdx.x] = before;
}

__global__ void add_one(float *out, const float *in)
{
    unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    out[i] = in[i] + 1.0f;
}

__global__ void multiply_tile(float *d, const uint32_t *a, const uint32_t *b)
{
    unsigned lane = threadIdx.x;
    uint2 words = make_uint2(b[2 * lane], b[2 * lane + 1]);
    tensor_multiply_add(d + 4 * lane, a + 4 * lane, words);
}

/* Tests */

static void a_grid_gives_the_same_whatever_the_order(void **)
{
    for (int seed = 1; seed <= SEEDS; seed++) {
        cuda_host_seed(static_cast<uint64_t>(seed));
        device_array<float> in(counting(256)), out(256);
        need(
            launch(nullptr, FOUR_BLOCKS, reverse_blocks, out.at, const_cast<const float *>(in.at)));
        std::vector<float> values = out.values();
        for (size_t i = 0; i < 256; i++)
            assert_true(values[i] == static_cast<float>(i / 64 * 64 + 63 - i % 64));
    }
}

static void the_seed_chooses_the_order_and_the_same_seed_the_same(void **)
{
    std::vector<int> first;
    bool differs = false;
    for (int seed : { 1, 2, 3, 1 }) {
        cuda_host_seed(static_cast<uint64_t>(seed));
        device_array<int> count(1), order(4);
        need(cudaMemset(count.at, 0, sizeof(int)));
        need(launch(nullptr, FOUR_BLOCKS, count_atomically, count.at, order.at));
        std::vector<int> values = order.values();
        assert_int_equal(count.values()[0], 256);
        if (first.empty())
            first = values;
        differs |= values != first;
        if (seed == 1)
            assert_true(values == first);
    }
    assert_true(differs);
}

static void lanes_shuffle_and_vote(void **)
{
    device_array<shuffled> out(32);
    need(launch(nullptr, { 1, 32, 0, false }, shuffle_all, out.at));
    std::vector<shuffled> values = out.values();
    for (int i = 0; i < 32; i++) {
        const shuffled &s = values[static_cast<size_t>(i)];
        assert_int_equal(s.from_3, 3);
        assert_int_equal(s.up, i < 2 ? i : i - 2);
        assert_int_equal(s.down, i > 29 ? i : i + 2);
        assert_int_equal(s.other, i ^ 5);
        assert_int_equal(s.of_8, i / 8 * 8 + 1);
        assert_int_equal(s.odd, 0xaaaaaaaau);
        assert_true(s.any && !s.all);
    }
    device_array<int> sums(32);
    need(launch(nullptr, { 1, 32, 0, false }, sum_halves, sums.at));
    for (int i = 0; i < 32; i++)
        assert_int_equal(sums.values()[static_cast<size_t>(i)], i < 16 ? 120 : 376);
}

static void a_cooperative_grid_meets(void **)
{
    for (int seed = 1; seed <= SEEDS; seed++) {
        cuda_host_seed(static_cast<uint64_t>(seed));
        device_array<float> now(counting(256)), next(256);
        need(launch(nullptr, { 4, 64, 0, true }, turn, now.at, next.at, 4));
        std::vector<float> values = now.values();
        for (size_t i = 0; i < 256; i++)
            assert_true(values[i] == static_cast<float>(i) + 4.0f);
    }
}

static void blocks_wait_for_one_another_by_atomics(void **)
{
    for (int seed = 1; seed <= SEEDS; seed++) {
        cuda_host_seed(static_cast<uint64_t>(seed));
        device_array<uint32_t> counters(4);
        device_array<float> sums(4);
        need(cudaMemset(counters.at, 0, 4 * sizeof(uint32_t)));
        need(launch(nullptr, { 4, 32, 0, true }, relay, counters.at, sums.at));
        assert_true(sums.values()[3] == 4.0f);
    }
}

/* b and c come of a on two streams, d of both. */
static void fork_and_join(const stream &one, const stream &two, const event &e,
                          float *const *arrays)
{
    const shape s = { 1, 64, 0, false };
    need(launch(one.handle, s, add_one, arrays[0], const_cast<const float *>(arrays[0])));
    e.between(one, two);
    need(launch(one.handle, s, add_one, arrays[1], const_cast<const float *>(arrays[0])));
    need(launch(two.handle, s, add_one, arrays[2], const_cast<const float *>(arrays[0])));
    e.between(two, one);
    need(launch(one.handle, s, add_one, arrays[3], const_cast<const float *>(arrays[2])));
}

static void events_order_streams_and_the_nodes_of_graphs(void **)
{
    for (int seed = 1; seed <= SEEDS; seed++) {
        cuda_host_seed(static_cast<uint64_t>(seed));
        device_array<float> a(counting(64)), b(64), c(64), d(64);
        float *const arrays[] = { a.at, b.at, c.at, d.at };
        stream one, two;
        event e;
        cudaGraph_t graph;
        cudaGraphExec_t executable;
        need(cudaStreamBeginCapture(one.handle, cudaStreamCaptureModeThreadLocal));
        fork_and_join(one, two, e, arrays);
        need(cudaStreamEndCapture(one.handle, &graph));
        need(cudaGraphInstantiate(&executable, graph, 0));
        need(cudaGraphDestroy(graph));
        fork_and_join(one, two, e, arrays);
        for (int i = 0; i < 2; i++)
            need(cudaGraphLaunch(executable, one.handle));
        need(cudaGraphExecDestroy(executable));
        need(cudaStreamSynchronize(one.handle));
        assert_true(a.values()[5] == 8.0f && b.values()[5] == 9.0f);
        assert_true(c.values()[5] == 9.0f && d.values()[5] == 10.0f);
    }
    assert_int_equal(cuda_host_objects(), 0);
}

static void work_waits_until_somebody_waits_for_it(void **)
{
    std::atomic<int> done{ 0 };
    device_array<float> in(counting(64)), out(64);
    pinned_array<float> host(64);
    stream s;
    event e;
    need(launch(s.handle, { 1, 64, 0, false }, add_one, out.at, const_cast<const float *>(in.at)));
    need(cudaMemcpyAsync(host.at, out.at, 64 * sizeof(float), cudaMemcpyDeviceToHost, s.handle));
    need(cudaLaunchHostFunc(
        s.handle, [](void *flag) { ++*static_cast<std::atomic<int> *>(flag); }, &done));
    need(cudaEventRecord(e.handle, s.handle));
    assert_int_equal(done, 0);
    need(cudaEventSynchronize(e.handle));
    assert_int_equal(done, 1);
    assert_true(host.at[9] == 10.0f);
    assert_int_equal(cudaEventQuery(e.handle), cudaSuccess);
}

static void a_tensor_core_multiplies_a_tile(void **)
{
    float a[16][16], b[16][8];
    std::vector<uint32_t> a_words(128), b_words(64);
    std::vector<float> sums(128, 1.0f);
    auto word = [](float low, float high) {
        __half_raw l = __half_raw(__float2half_rn(low)), h = __half_raw(__float2half_rn(high));
        return static_cast<uint32_t>(l.x | h.x << 16);
    };
    for (int i = 0; i < 16; i++)
        for (int k = 0; k < 16; k++) {
            a[i][k] = static_cast<float>((i * 7 + k * 3) % 11) - 5.0f;
            b[k][i % 8] = static_cast<float>((k * 5 + i % 8 * 2) % 13) * 0x1p-16f; /* subnormals */
        }
    for (int lane = 0; lane < 32; lane++) {
        int g = lane / 4, p = 2 * (lane % 4);
        for (int part = 0; part < 4; part++) {
            const float *row = a[g + 8 * (part % 2)] + p + 8 * (part / 2);
            a_words[static_cast<size_t>(4 * lane + part)] = word(row[0], row[1]);
        }
        for (int part = 0; part < 2; part++)
            b_words[static_cast<size_t>(2 * lane + part)] =
                word(b[p + 8 * part][g], b[p + 8 * part + 1][g]);
    }
    device_array<uint32_t> da(a_words), db(b_words);
    device_array<float> d(sums);
    need(launch(nullptr, { 1, 32, 0, false }, multiply_tile, d.at,
                const_cast<const uint32_t *>(da.at), const_cast<const uint32_t *>(db.at)));
    std::vector<float> found = d.values();
    for (int lane = 0; lane < 32; lane++)
        for (int part = 0; part < 4; part++) {
            float expected = 1.0f;
            for (int k = 0; k < 16; k++)
                expected += a[lane / 4 + 8 * (part / 2)][k] * b[k][2 * (lane % 4) + part % 2];
            assert_true(found[static_cast<size_t>(4 * lane + part)] == expected);
        }
}

/* Launches, and what becomes of them. */

static void launches_that_a_device_refuses(void **)
{
    static const struct {
        shape how;
        cudaError_t error;
    } cases[] = {
        { { 1, 1024, 0, false }, cudaSuccess },
        { { 1, 1025, 0, false }, cudaErrorInvalidConfiguration },
        { { 1, 0, 0, false }, cudaErrorInvalidConfiguration },
        { { 0, 32, 0, false }, cudaErrorInvalidConfiguration },
        { { 1, { 1, 1, 65 }, 0, false }, cudaErrorInvalidConfiguration },
        { { { 1, 65536, 1 }, 32, 0, false }, cudaErrorInvalidConfiguration },
        { { 1, 32, 48 << 10, false }, cudaSuccess },
        { { 1, 32, (48 << 10) + 1, false }, cudaErrorInvalidValue },
        { { 2, 1024, 0, true }, cudaSuccess },
        { { 3, 1024, 0, true }, cudaErrorCooperativeLaunchTooLarge },
        { { 4, 32, 48 << 10, true }, cudaSuccess },
        { { 5, 32, 48 << 10, true }, cudaErrorCooperativeLaunchTooLarge },
    };
    const cuda_host_device one_processor = { 9, 0, 1, 1 << 20 };
    cuda_host_set_devices(&one_processor, 1);
    device_array<int> count(1), order(16);
    need(cudaMemset(count.at, 0, sizeof(int)));
    for (size_t i = 0; i < COUNT(cases); i++) {
        cudaError_t error = launch(nullptr, cases[i].how, count_atomically, count.at, order.at);
        if (error != cases[i].error)
            fail_msg("case %zu: %s", i, cudaGetErrorString(error));
        assert_int_equal(cudaGetLastError(), error);
        need(cudaDeviceSynchronize());
    }
    need(cudaFuncSetAttribute(count_atomically, cudaFuncAttributeMaxDynamicSharedMemorySize,
                              227 << 10));
    assert_int_equal(cudaFuncSetAttribute(count_atomically,
                                          cudaFuncAttributeMaxDynamicSharedMemorySize,
                                          (227 << 10) + 1),
                     cudaErrorInvalidValue);
    need(launch(nullptr, { 1, 32, 227 << 10, false }, count_atomically, count.at, order.at));
    need(cudaDeviceSynchronize());
    cuda_host_set_devices(&cuda_host_default_device, 1);
}

static void captures_that_fail_say_why(void **)
{
    static const struct {
        const char *name;
        void (*spoil)(const stream &one, const stream &two, const event &e);
        cudaError_t error;
    } cases[] = {
        { "nothing", [](const stream &, const stream &, const event &) {}, cudaSuccess },
        { "a branch that never comes back",
          [](const stream &one, const stream &two, const event &e) {
              e.between(one, two);
              cudaGraph_t graph;
              assert_int_equal(cudaStreamEndCapture(two.handle, &graph),
                               cudaErrorStreamCaptureUnmatched);
              need(cudaLaunchHostFunc(
                  two.handle, [](void *) {}, nullptr));
          },
          cudaErrorStreamCaptureUnjoined },
        { "memory",
          [](const stream &, const stream &, const event &) {
              void *at;
              assert_int_equal(cudaMalloc(&at, 4), cudaErrorStreamCaptureUnsupported);
          },
          cudaErrorStreamCaptureInvalidated },
        { "a wait of the host",
          [](const stream &one, const stream &, const event &) {
              assert_int_equal(cudaStreamSynchronize(one.handle),
                               cudaErrorStreamCaptureUnsupported);
          },
          cudaErrorStreamCaptureInvalidated },
        { "work from outside",
          [](const stream &one, const stream &two, const event &) {
              event outside;
              need(cudaEventRecord(outside.handle, two.handle));
              assert_int_equal(cudaStreamWaitEvent(one.handle, outside.handle, 0),
                               cudaErrorStreamCaptureIsolation);
          },
          cudaErrorStreamCaptureInvalidated },
    };
    for (const auto &c : cases) {
        stream one, two;
        event e;
        cudaGraph_t graph;
        need(cudaStreamBeginCapture(one.handle, cudaStreamCaptureModeThreadLocal));
        c.spoil(one, two, e);
        cudaError_t error = cudaStreamEndCapture(one.handle, &graph);
        if (error != c.error)
            fail_msg("%s: %s", c.name, cudaGetErrorString(error));
        if (!error)
            need(cudaGraphDestroy(graph));
        need(cudaStreamSynchronize(two.handle)); /* it is free again */
    }
    cudaGetLastError();
    assert_int_equal(cuda_host_objects(), 0);
}

/* cuBLAS */

struct gemm {
    cublasOperation_t a, b;
    int m, n, k, leading_a, leading_b, leading_c;
    cudaDataType in, out;
    cublasComputeType_t compute;
    cublasStatus_t status;
};

static void products_are_right_or_refused(void **)
{
    constexpr cublasOperation_t N = CUBLAS_OP_N, T = CUBLAS_OP_T;
    constexpr cudaDataType F32 = CUDA_R_32F, F16 = CUDA_R_16F, BF16 = CUDA_R_16BF;
    constexpr cublasComputeType_t FP32 = CUBLAS_COMPUTE_32F, FP16 = CUBLAS_COMPUTE_16F;
    constexpr cublasStatus_t GOOD = CUBLAS_STATUS_SUCCESS, BAD = CUBLAS_STATUS_INVALID_VALUE,
                             NONE = CUBLAS_STATUS_NOT_SUPPORTED;
    static const gemm cases[] = {
        { N, N, 5, 4, 3, 5, 3, 5, F32, F32, FP32, GOOD },
        { T, N, 5, 4, 3, 3, 3, 5, F32, F32, FP32, GOOD },
        { N, T, 5, 4, 3, 6, 7, 8, F32, F32, FP32, GOOD },
        { T, T, 5, 4, 3, 4, 4, 6, F16, F32, FP32, GOOD },
        { T, N, 5, 4, 3, 3, 3, 5, F16, F16, FP32, GOOD },
        { T, N, 5, 4, 3, 3, 3, 5, BF16, F32, FP32, GOOD },
        { N, N, 5, 4, 3, 4, 3, 5, F32, F32, FP32, BAD }, /* leading dimensions too small */
        { T, N, 5, 4, 3, 2, 3, 5, F32, F32, FP32, BAD },
        { N, T, 5, 4, 3, 5, 3, 5, F32, F32, FP32, BAD },
        { N, N, 5, 4, 3, 5, 3, 4, F32, F32, FP32, BAD },
        { N, N, -1, 4, 3, 5, 3, 5, F32, F32, FP32, BAD },
        { N, N, 5, 4, 3, 5, 3, 5, F32, F16, FP32, NONE }, /* types that do not go together */
        { N, N, 5, 4, 3, 5, 3, 5, F32, F32, FP16, NONE },
        { N, N, 5, 4, 3, 5, 3, 5, F16, BF16, FP32, NONE },
    };
    cublasHandle_t handle;
    assert_int_equal(cublasCreate(&handle), GOOD);
    for (size_t i = 0; i < COUNT(cases); i++) {
        const gemm &g = cases[i];
        std::vector<float> values(64);
        std::vector<__half> halves(64);
        std::vector<__nv_bfloat16> brains(64);
        for (size_t v = 0; v < 64; v++) {
            values[v] = static_cast<float>(v * 7 % 13) - 6.0f;
            halves[v] = __float2half_rn(values[v]);
            brains[v] = __float2bfloat16_rn(values[v]);
        }
        device_array<float> floats(values), c(64); /* c is NaN: beta 0 must not read it */
        device_array<__half> half(halves), half_c(64);
        device_array<__nv_bfloat16> brain(brains);
        const void *in = g.in == F32   ? static_cast<const void *>(floats.at)
                         : g.in == F16 ? static_cast<const void *>(half.at)
                                       : brain.at;
        void *out = g.out == F32 ? static_cast<void *>(c.at) : half_c.at;
        float alpha = 2.0f, beta = 0.0f;
        cublasStatus_t status = cublasGemmEx(handle, g.a, g.b, g.m, g.n, g.k, &alpha, in, g.in,
                                             g.leading_a, in, g.in, g.leading_b, &beta, out, g.out,
                                             g.leading_c, g.compute, CUBLAS_GEMM_DEFAULT);
        if (status != g.status)
            fail_msg("case %zu: %s", i, cublasGetStatusString(status));
        if (status)
            continue;
        std::vector<float> found = c.values();
        std::vector<__half> found_halves = half_c.values();
        for (int col = 0; col < g.n; col++)
            for (int row = 0; row < g.m; row++) {
                float expected = 0.0f;
                for (int k = 0; k < g.k; k++)
                    expected += values[static_cast<size_t>(g.a == N ? k * g.leading_a + row
                                                                    : row * g.leading_a + k)] *
                                values[static_cast<size_t>(g.b == N ? col * g.leading_b + k
                                                                    : k * g.leading_b + col)];
                size_t at = static_cast<size_t>(col * g.leading_c + row);
                float value = g.out == F32 ? found[at] : __half2float(found_halves[at]);
                assert_true(value == 2.0f * expected);
            }
    }
    assert_int_equal(cublasDestroy(handle), GOOD);
    assert_int_equal(cublasDestroy(handle), CUBLAS_STATUS_NOT_INITIALIZED);
}

/* Machines */

static void machines_without_a_device_say_so(void **)
{
    static const struct {
        int count;
        cudaError_t error;
        int driver;
    } cases[] = {
        { 0, cudaErrorNoDevice, CUDART_VERSION },
        { CUDA_HOST_NO_DRIVER, cudaErrorInsufficientDriver, 0 },
        { CUDA_HOST_OLD_DRIVER, cudaErrorInsufficientDriver, 12020 },
    };
    for (const auto &c : cases) {
        int count = 77, version = 0;
        cuda_host_set_devices(nullptr, c.count);
        assert_int_equal(cudaGetDeviceCount(&count), c.error);
        assert_int_equal(count, 77);
        assert_int_equal(cudaSetDevice(0), c.error);
        assert_int_equal(cudaDriverGetVersion(&version), cudaSuccess);
        assert_int_equal(version, c.driver);
    }
    cuda_host_set_devices(&cuda_host_default_device, 1);
    cudaGetLastError();
}

static void memory_has_an_end(void **)
{
    const cuda_host_device small = { 9, 0, 4, 1 << 20 };
    void *half, *more;
    size_t available, total;
    cuda_host_set_devices(&small, 1);
    need(cudaMalloc(&half, 1 << 19));
    assert_int_equal(cudaMalloc(&more, (1 << 19) + 1), cudaErrorMemoryAllocation);
    assert_null(more);
    need(cudaMemGetInfo(&available, &total));
    assert_int_equal(available, 1 << 19);
    assert_int_equal(total, 1 << 20);
    need(cudaFree(half));
    assert_int_equal(cudaFree(half), cudaErrorInvalidValue);
    cuda_host_set_devices(&cuda_host_default_device, 1);
    cudaGetLastError();
}

static void calls_fail_when_they_are_told_to(void **)
{
    void *at = nullptr;
    int count;
    cuda_host_fail("cudaMalloc", 2, cudaErrorMemoryAllocation, 0);
    need(cudaMalloc(&at, 4));
    need(cudaFree(at));
    assert_int_equal(cudaMalloc(&at, 4), cudaErrorMemoryAllocation);
    need(cudaMalloc(&at, 4));
    cuda_host_fail(nullptr, 1, cudaErrorLaunchFailure, 1);
    assert_int_equal(cudaGetDeviceCount(&count), cudaErrorLaunchFailure);
    assert_int_equal(cudaFree(at), cudaErrorLaunchFailure);
    cuda_host_fail(nullptr, 0, cudaSuccess, 0);
    need(cudaFree(at));
    cudaGetLastError();
    assert_int_equal(cuda_host_objects(), 0);
}

static void devices_have_their_own_memory(void **)
{
    const cuda_host_device two[] = { { 7, 5, 2, 1 << 20 }, { 9, 0, 8, 1 << 20 } };
    cudaDeviceProp properties;
    stream first;
    void *all;
    cuda_host_set_devices(two, 2);
    need(cudaMalloc(&all, 1 << 20));
    need(cudaSetDevice(1));
    need(cudaGetDeviceProperties(&properties, 1));
    assert_int_equal(properties.multiProcessorCount, 8);
    {
        device_array<float> array(64);
        assert_int_equal(launch(first.handle, { 1, 32, 0, false }, add_one, array.at,
                                const_cast<const float *>(array.at)),
                         cudaErrorInvalidResourceHandle);
    }
    assert_int_equal(cudaSetDevice(2), cudaErrorInvalidDevice);
    need(cudaSetDevice(0));
    need(cudaFree(all));
    cuda_host_set_devices(&cuda_host_default_device, 1);
    cudaGetLastError();
}

int main()
{
    const CMUnitTest tests[] = {
        cmocka_unit_test(a_grid_gives_the_same_whatever_the_order),
        cmocka_unit_test(the_seed_chooses_the_order_and_the_same_seed_the_same),
        cmocka_unit_test(lanes_shuffle_and_vote),
        cmocka_unit_test(a_cooperative_grid_meets),
        cmocka_unit_test(blocks_wait_for_one_another_by_atomics),
        cmocka_unit_test(events_order_streams_and_the_nodes_of_graphs),
        cmocka_unit_test(work_waits_until_somebody_waits_for_it),
        cmocka_unit_test(a_tensor_core_multiplies_a_tile),
        cmocka_unit_test(launches_that_a_device_refuses),
        cmocka_unit_test(captures_that_fail_say_why),
        cmocka_unit_test(products_are_right_or_refused),
        cmocka_unit_test(machines_without_a_device_say_so),
        cmocka_unit_test(memory_has_an_end),
        cmocka_unit_test(calls_fail_when_they_are_told_to),
        cmocka_unit_test(devices_have_their_own_memory),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
