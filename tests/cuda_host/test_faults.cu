/* Each class of fault, planted, is seen: in any build by the emulation itself, in those of the
 * sanitizers by them. A fault runs in a process of its own, which says so and ends. */
#include "tests/cuda_host/samples.h"

#include <csetjmp>
#include <cstdarg>
#include <cstring>
#include <cublas_v2.h>
#include <sys/wait.h>
#include <unistd.h>

extern "C" {
#include <cmocka.h>
}

namespace cg = cooperative_groups;

constexpr int THREADS = 64, SEEDS = 8;
constexpr shape ONE_BLOCK = { { 1, 1, 1 }, { THREADS, 1, 1 }, arena_bytes<float>(THREADS), false };
constexpr shape FOUR_BLOCKS = { { 4, 1, 1 }, { THREADS, 1, 1 }, 0, false };
constexpr shape TOGETHER = { { 4, 1, 1 }, { THREADS, 1, 1 }, 0, true };

/* Kernels. Each fault is the line that a comment names, or one that is missing. */

__global__ void writes_past_shared(float *out)
{
    Arena arena;
    float *shared = arena.take<float>(THREADS);
    shared[threadIdx.x + 1] = 1.0f;
    __syncthreads();
    out[threadIdx.x] = shared[threadIdx.x];
}

__global__ void reads_past_shared(float *out)
{
    Arena arena;
    float *shared = arena.take<float>(THREADS);
    shared[threadIdx.x] = 1.0f;
    __syncthreads();
    out[threadIdx.x] = shared[threadIdx.x + 1];
}

__global__ void writes_past_global(float *out)
{
    out[threadIdx.x + 1] = 1.0f;
}

__global__ void reads_past_global(float *out)
{
    float next = out[threadIdx.x + 1];
    __syncthreads();
    out[threadIdx.x] = next;
}

__global__ void reverses_without_barrier(float *out)
{
    Arena arena;
    float *shared = arena.take<float>(THREADS);
    shared[threadIdx.x] = static_cast<float>(threadIdx.x);
    out[threadIdx.x] = shared[THREADS - 1 - threadIdx.x];
}

__global__ void reverses_warps_without_barrier(float *out)
{
    Arena arena;
    float *shared = arena.take<float>(THREADS);
    shared[threadIdx.x] = static_cast<float>(threadIdx.x);
    out[threadIdx.x] = shared[threadIdx.x ^ 31];
}

__global__ void orders_memory_by_a_shuffle(float *out)
{
    Arena arena;
    float *shared = arena.take<float>(THREADS);
    shared[threadIdx.x] = static_cast<float>(threadIdx.x);
    __shfl_sync(0xffffffffu, 0, 0);
    out[threadIdx.x] = shared[threadIdx.x ^ 31];
}

__global__ void turns_without_grid_barrier(float *now, float *next)
{
    unsigned i = blockIdx.x * THREADS + threadIdx.x, n = gridDim.x * THREADS;
    for (int t = 0; t < 4; t++) {
        next[i] = now[(i + THREADS) % n] + 1.0f;
        float *other = now;
        now = next;
        next = other;
        __syncthreads();
    }
}

__global__ void all_blocks_write(float *out)
{
    out[threadIdx.x] += 1.0f;
}

__global__ void waits_at_two_barriers(float *out)
{
    if (threadIdx.x < 32)
        __syncthreads();
    else
        __syncthreads();
    out[threadIdx.x] = 1.0f;
}

__global__ void leaves_before_a_barrier(float *out)
{
    if (threadIdx.x == 5)
        return;
    __syncthreads();
    out[threadIdx.x] = 1.0f;
}

__global__ void leaves_before_the_grid_meets(float *out)
{
    if (blockIdx.x == 1)
        return;
    cg::this_grid().sync();
    out[threadIdx.x] = 1.0f;
}

__global__ void meets_without_cooperation(float *out)
{
    cg::this_grid().sync();
    out[threadIdx.x] = 1.0f;
}

__global__ void names_a_lane_that_left(float *out)
{
    if (threadIdx.x % 32 == 3)
        return;
    out[threadIdx.x] = __shfl_sync(0xffffffffu, 1.0f, 0);
}

__global__ void is_not_in_its_own_mask(float *out)
{
    out[threadIdx.x] = __shfl_sync(0x0000ffffu, 1.0f, 0);
}

__global__ void has_two_masks(float *out)
{
    out[threadIdx.x] = __shfl_sync(threadIdx.x % 2 ? 0xffffffffu : 0x55555555u, 1.0f, 0);
}

__global__ void shuffles_in_half_a_warp(float *out)
{
    out[threadIdx.x] = __shfl_sync(0xffffffffu, 1.0f, 0);
}

__global__ void waits_for_ever(float *out)
{
    while (!(atomicAdd(out, 0.0f) >= 1.0f)) {
    }
}

__global__ void takes_other_pieces(float *out)
{
    Arena arena;
    float *shared = arena.take<float>(threadIdx.x < 32 ? 8 : 9);
    out[threadIdx.x] = shared == nullptr;
}

__global__ void takes_too_much(float *out)
{
    Arena arena;
    float *shared = arena.take<float>(THREADS + 4);
    out[threadIdx.x] = shared == nullptr;
}

__global__ void has_two_arenas(float *out)
{
    Arena arena, another;
    out[threadIdx.x] = arena.take<float>(1) == another.take<float>(1);
}

__global__ void adds_one(float *out, const float *in)
{
    unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    out[i] = in[i] + 1.0f;
}

__global__ void chooses_by_memory(float *out, const float *in)
{
    out[threadIdx.x] = in[threadIdx.x] > 1.0f ? 1.0f : 2.0f;
}

struct both {
    int count;
    float *out;
};
__global__ void writes_to_a_structure(const both b)
{
    b.out[threadIdx.x] = 1.0f;
}

__global__ void overflows_its_stack(float *out)
{
    volatile float much[1 << 17];
    for (int i = 1 << 17; i-- > 0;)
        much[i] = 1.0f;
    out[threadIdx.x] = much[threadIdx.x];
}

/* Faults: true when a result is wrong, if the fault has come so far. */

template <void (*kernel)(float *)> static bool alone()
{
    device_array<float> out(THREADS);
    need(launch(nullptr, ONE_BLOCK, kernel, out.at));
    out.values();
    return false;
}

template <void (*kernel)(float *)> static bool of_four_blocks()
{
    device_array<float> out(THREADS);
    need(launch(nullptr, FOUR_BLOCKS, kernel, out.at));
    out.values();
    return false;
}

template <void (*kernel)(float *)> static bool together()
{
    device_array<float> out(THREADS);
    need(launch(nullptr, TOGETHER, kernel, out.at));
    out.values();
    return false;
}

template <void (*kernel)(float *), int flip> static bool flips()
{
    device_array<float> out(THREADS);
    need(launch(nullptr, ONE_BLOCK, kernel, out.at));
    std::vector<float> values = out.values();
    bool is_wrong = false;
    for (unsigned i = 0; i < THREADS; i++)
        is_wrong |= values[i] != static_cast<float>(i ^ flip);
    return is_wrong;
}

static bool no_grid_barrier()
{
    device_array<float> now(counting(4 * THREADS)), next(4 * THREADS);
    need(launch(nullptr, TOGETHER, turns_without_grid_barrier, now.at, next.at));
    bool is_wrong = false;
    std::vector<float> values = now.values();
    for (unsigned i = 0; i < values.size(); i++)
        is_wrong |= values[i] != static_cast<float>(i) + 4.0f;
    return is_wrong;
}

static bool half_a_warp()
{
    device_array<float> out(THREADS);
    need(launch(nullptr, { 1, 16, 0, false }, shuffles_in_half_a_warp, out.at));
    out.values();
    return false;
}

static bool no_event()
{
    device_array<float> first(counting(THREADS)), second(counting(THREADS)), third(THREADS);
    stream one, two;
    need(launch(one.handle, ONE_BLOCK, adds_one, second.at, static_cast<const float *>(first.at)));
    need(launch(two.handle, ONE_BLOCK, adds_one, third.at, static_cast<const float *>(second.at)));
    return third.values()[7] != 9.0f;
}

static bool no_wait_for_an_upload()
{
    device_array<float> in(THREADS), out(THREADS);
    std::vector<float> values = counting(THREADS);
    stream s;
    need(cudaMemcpy(in.at, values.data(), THREADS * sizeof(float), cudaMemcpyHostToDevice));
    need(launch(s.handle, ONE_BLOCK, adds_one, out.at, static_cast<const float *>(in.at)));
    return out.values()[7] != 8.0f;
}

static bool reads_before_it_is_written()
{
    device_array<float> in(THREADS), out(THREADS);
    need(launch(nullptr, ONE_BLOCK, adds_one, out.at, static_cast<const float *>(in.at)));
    return out.values()[3] != out.values()[3];
}

static bool decides_by_what_nobody_wrote()
{
    device_array<float> in(THREADS), out(THREADS);
    need(launch(nullptr, ONE_BLOCK, chooses_by_memory, out.at, static_cast<const float *>(in.at)));
    return out.values()[0] == 2.0f;
}

static bool pinned_changed()
{
    device_array<float> out(THREADS);
    pinned_array<float> in(THREADS);
    stream s;
    memset(in.at, 0, THREADS * sizeof(float));
    need(cudaMemcpyAsync(out.at, in.at, THREADS * sizeof(float), cudaMemcpyHostToDevice, s.handle));
    in.at[5] = 1.0f;
    need(cudaStreamSynchronize(s.handle));
    return false;
}

static bool pinned_read_early()
{
    device_array<float> in(counting(THREADS));
    pinned_array<float> out(THREADS);
    stream s;
    memset(out.at, 0, THREADS * sizeof(float));
    need(cudaMemcpyAsync(out.at, in.at, THREADS * sizeof(float), cudaMemcpyDeviceToHost, s.handle));
    bool is_wrong = out.at[5] != 5.0f;
    need(cudaStreamSynchronize(s.handle));
    return is_wrong;
}

static bool not_pinned()
{
    device_array<float> out(THREADS);
    std::vector<float> in = counting(THREADS);
    stream s;
    need(cudaMemcpyAsync(out.at, in.data(), THREADS * sizeof(float), cudaMemcpyHostToDevice,
                         s.handle));
    return false;
}

static bool host_memory_for_a_kernel()
{
    std::vector<float> host(THREADS);
    need(launch(nullptr, ONE_BLOCK, all_blocks_write, host.data()));
    return false;
}

static bool host_memory_in_a_structure()
{
    std::vector<float> host(THREADS);
    need(launch(nullptr, ONE_BLOCK, writes_to_a_structure, both{ THREADS, host.data() }));
    return false;
}

static bool host_reads_the_device()
{
    device_array<float> out(counting(THREADS));
    return *static_cast<volatile float *>(out.at) != 0.0f;
}

static bool freed_before_the_launch()
{
    float *gone;
    {
        device_array<float> out(THREADS);
        gone = out.at;
    }
    need(launch(nullptr, ONE_BLOCK, all_blocks_write, gone));
    return false;
}

static bool freed_before_the_graph_ran()
{
    stream s;
    cudaGraph_t graph;
    cudaGraphExec_t executable;
    {
        device_array<float> out(THREADS);
        need(cudaStreamBeginCapture(s.handle, cudaStreamCaptureModeThreadLocal));
        need(launch(s.handle, ONE_BLOCK, all_blocks_write, out.at));
        need(cudaStreamEndCapture(s.handle, &graph));
        need(cudaGraphInstantiate(&executable, graph, 0));
    }
    need(cudaGraphLaunch(executable, s.handle));
    need(cudaStreamSynchronize(s.handle));
    return false;
}

/* A product of 8 x 8 matrices whose C begins so many floats into an array of 192. */
static bool multiply(size_t c_at, bool share_workspace)
{
    device_array<float> all(counting(192));
    device_array<char> workspace(512);
    cublasHandle_t handle;
    stream one, two;
    float scale = 1.0f, none = 0.0f;
    bool failed = cublasCreate(&handle);
    for (int i = 0; i < 2; i++) {
        failed |= cublasSetStream(handle, i ? two.handle : one.handle);
        if (share_workspace)
            failed |= cublasSetWorkspace(handle, workspace.at, 512);
        failed |= cublasGemmEx(handle, CUBLAS_OP_N, CUBLAS_OP_N, 8, 8, 8, &scale, all.at,
                               CUDA_R_32F, 8, all.at, CUDA_R_32F, 8, &none,
                               all.at + c_at + (share_workspace ? 64 * i : 0), CUDA_R_32F, 8,
                               CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT);
        if (!share_workspace)
            break;
    }
    need(cudaDeviceSynchronize());
    cublasDestroy(handle);
    return failed;
}

static bool product_beyond_its_memory()
{
    return multiply(136, false);
}
static bool product_over_itself()
{
    return multiply(32, false);
}
static bool products_share_a_workspace()
{
    return multiply(64, true);
}

#define RACE "ThreadSanitizer: data race"
#define WRONG "a result is wrong"
#define UNWRITTEN "MemorySanitizer: use-of-uninitialized-value"
#define POISON "AddressSanitizer: use-after-poison"
#define UNSEEN "" /* in this build */

/* What is said where; NULL: as in a build without sanitizers. */
static const struct fault {
    const char *name;
    bool (*run)();
    const char *plain, *address, *thread, *memory;
} faults[] = {
#define FAULT(name, run, ...)  \
    {                          \
        name, run, __VA_ARGS__ \
    }
    FAULT("a write past a piece of shared memory", alone<writes_past_shared>,
          "wrote outside a piece of 256 bytes", POISON, NULL, NULL),
    FAULT("a read past a piece of shared memory", alone<reads_past_shared>, UNSEEN, POISON, NULL,
          NULL),
    FAULT("a write past an allocation", alone<writes_past_global>,
          "wrote outside an allocation of 256 bytes", POISON, NULL, NULL),
    FAULT("a read past an allocation", alone<reads_past_global>, UNSEEN, POISON, NULL, NULL),
    FAULT("no barrier of the block", (flips<reverses_without_barrier, 63>), WRONG, NULL, RACE,
          UNWRITTEN),
    FAULT("no barrier of the warp", (flips<reverses_warps_without_barrier, 31>), WRONG, NULL, RACE,
          UNWRITTEN),
    FAULT("a shuffle in place of a barrier", (flips<orders_memory_by_a_shuffle, 31>), UNSEEN, NULL,
          RACE, NULL),
    FAULT("no barrier of the grid", no_grid_barrier, WRONG, NULL, RACE, UNWRITTEN),
    FAULT("two blocks that write one place", of_four_blocks<all_blocks_write>, UNSEEN, NULL, RACE,
          NULL),
    FAULT("threads at different barriers", alone<waits_at_two_barriers>,
          "it waits at __syncthreads (tests/cuda_host/test_faults.cu:", NULL, NULL, NULL),
    FAULT("a thread gone before a barrier", alone<leaves_before_a_barrier>, "returned", NULL, NULL,
          NULL),
    FAULT("a block gone before the grid meets", together<leaves_before_the_grid_meets>, "returned",
          NULL, NULL, NULL),
    FAULT("a grid that cannot meet", of_four_blocks<meets_without_cooperation>,
          "in a launch that is not cooperative", NULL, NULL, NULL),
    FAULT("a lane in the mask that is gone", alone<names_a_lane_that_left>, "lane 3", NULL, NULL,
          NULL),
    FAULT("a lane that is not in its mask", alone<is_not_in_its_own_mask>,
          "its mask 0000ffff at __shfl_sync", NULL, NULL, NULL),
    FAULT("lanes with different masks", alone<has_two_masks>, "with the mask", NULL, NULL, NULL),
    FAULT("a mask of more lanes than the warp has", half_a_warp, "names lane 16 of a warp of 16",
          NULL, NULL, NULL),
    FAULT("a loop that nothing ends", alone<waits_for_ever>, "waited in loops", NULL, UNSEEN, NULL),
    FAULT("pieces that differ", alone<takes_other_pieces>, "another thread's of", NULL, NULL, NULL),
    FAULT("more shared memory than launched", alone<takes_too_much>, "the launch asked for 256",
          NULL, NULL, NULL),
    FAULT("a second arena", alone<has_two_arenas>, "a second Arena", NULL, NULL, NULL),
    FAULT("a stack that overflows", alone<overflows_its_stack>, "stack overflowed", NULL, NULL,
          NULL),
    FAULT("no event between streams", no_event, WRONG, NULL, RACE, UNSEEN),
    FAULT("no wait for an upload", no_wait_for_an_upload, WRONG, NULL, RACE, NULL),
    FAULT("memory read before it is written", reads_before_it_is_written, WRONG, NULL, NULL,
          UNWRITTEN),
    FAULT("a branch on memory that nobody wrote", decides_by_what_nobody_wrote, WRONG, NULL, NULL,
          UNWRITTEN),
    FAULT("pinned memory changed before its copy", pinned_changed, "was changed before the copy",
          NULL, NULL, NULL),
    FAULT("pinned memory read before its copy", pinned_read_early, WRONG, NULL, NULL, UNWRITTEN),
    FAULT("an asynchronous copy of other memory", not_pinned, "that is not pinned", NULL, NULL,
          NULL),
    FAULT("host memory for a kernel", host_memory_for_a_kernel, "is memory of the host", NULL, NULL,
          NULL),
    FAULT("host memory in a structure for a kernel", host_memory_in_a_structure,
          "is memory of the host", NULL, NULL, NULL),
    FAULT("device memory read by the host", host_reads_the_device, "the host touched device memory",
          NULL, NULL, NULL),
    FAULT("memory freed before the launch", freed_before_the_launch,
          "is no memory that is allocated", NULL, NULL, NULL),
    FAULT("memory freed before its graph ran", freed_before_the_graph_ran,
          "is no memory that is allocated", NULL, NULL, NULL),
    FAULT("a matrix beyond its allocation", product_beyond_its_memory, "matrix C of a product",
          NULL, NULL, NULL),
    FAULT("a product over its factor", product_over_itself, "lies over A or B", NULL, NULL, NULL),
    FAULT("products at once in one workspace", products_share_a_workspace,
          "was written by another at the same time", NULL, RACE, NULL),
#undef FAULT
};

#if defined(__SANITIZE_ADDRESS__)
static const char *fault::*const said_here = &fault::address;
#elif defined(__SANITIZE_THREAD__)
static const char *fault::*const said_here = &fault::thread;
#elif defined(__clang__)
#if __has_feature(memory_sanitizer)
static const char *fault::*const said_here = &fault::memory;
#else
static const char *fault::*const said_here = &fault::plain;
#endif
#else
static const char *fault::*const said_here = &fault::plain;
#endif

/* In the child: with every seed, until one shows it. */
static void show(const fault &f)
{
    bool is_wrong = false;
    for (int seed = 1; seed <= SEEDS && !is_wrong; seed++) {
        cuda_host_seed(static_cast<uint64_t>(seed));
        is_wrong = f.run();
    }
    if (is_wrong)
        fprintf(stderr, WRONG "\n");
}

static std::vector<char> said_by_child(const fault &f)
{
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(pipes[1], STDERR_FILENO);
        close(pipes[0]);
        close(pipes[1]);
        show(f);
        _exit(0);
    }
    close(pipes[1]);
    std::vector<char> text;
    char part[4096];
    for (ssize_t size; (size = read(pipes[0], part, sizeof part)) > 0;)
        text.insert(text.end(), part, part + size);
    close(pipes[0]);
    waitpid(child, nullptr, 0);
    text.push_back('\0');
    return text;
}

static void fault_is_seen(void **state)
{
    const fault &f = *static_cast<const fault *>(*state);
    const char *expected = f.*said_here ? f.*said_here : f.plain;
    if (!*expected)
        return; /* this build has no way to see it */
    std::vector<char> said = said_by_child(f);
    if (!strstr(said.data(), expected))
        fail_msg("expected \"%s\", found \"%.2000s\"", expected, said.data());
}

int main()
{
    std::vector<CMUnitTest> tests;
    for (const fault &f : faults)
        tests.push_back({ f.name, fault_is_seen, nullptr, nullptr, const_cast<fault *>(&f) });
    return _cmocka_run_group_tests("faults are seen", tests.data(), tests.size(), nullptr, nullptr);
}
