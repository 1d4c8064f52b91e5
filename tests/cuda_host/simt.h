/* Included before every file that is compiled for the host emulation: what nvcc knows without any
 * header. Threads are fibers of one host thread, so a call that waits for other threads comes back
 * when they have arrived. Where a call stands in the source travels with it: threads that wait at
 * different places are an error, as they are on a device. */
#ifndef CUDA_HOST_SIMT_H
#define CUDA_HOST_SIMT_H

#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

/* The header's own template loses the types of the arguments; ours, below, looks at them. */
#define cudaLaunchKernelEx cudaLaunchKernelEx_of_cuda_runtime_h
#include <cuda_runtime.h>
#undef cudaLaunchKernelEx

#define __launch_bounds__(...)

/* Objects, no macros: structures have members of these names. Each thread sees its own. */
extern uint3 threadIdx, blockIdx;
extern dim3 blockDim, gridDim;
constexpr int warpSize = 32;

struct simt_site {
    const char *what, *file;
    int line;
};
#define SIMT_HERE const char *file = __builtin_FILE(), int line = __builtin_LINE()

/* Wait for all threads of the block, of the grid. */
void simt_block(simt_site site);
void simt_grid(simt_site site);

/* Waits for the lanes of mask. The last to come runs combine (may be NULL) on what each lane
 * brought: lanes[i] is that of lane i, NULL outside the mask. orders: memory is synchronised too,
 * which shuffles and votes do not do. */
void simt_warp(unsigned mask, void *mine, void (*combine)(void *const lanes[32]), bool orders,
               simt_site site);
unsigned simt_lane();
uint64_t simt_grid_rank(); /* of this thread, and how many the grid has */
uint64_t simt_grid_size();

/* Lets other threads run: in loops that wait for an atomic. */
void simt_yield();

/* The next piece of the block's shared memory, and the start of an arena. counted: with padding. */
void simt_arena();
void *simt_piece(size_t bytes, size_t counted);

/* Launching: a copy of the arguments, and the function that calls the kernel with them. */
struct simt_call {
    const void *kernel;
    std::shared_ptr<void> arguments;
    void (*check)(const void *arguments); /* at the launch and when it runs */
    void (*invoke)(void *arguments);
};
cudaError_t simt_launch(const cudaLaunchConfig_t *config, const simt_call &call);

/* Ends the program if an argument of a kernel points anywhere but into device memory. */
void simt_check_pointer(const void *pointer, int position);
void simt_check_words(const void *bytes, size_t size, int position); /* of a structure */

template <typename T> void simt_check_argument(const T &argument, int position)
{
    if constexpr (std::is_pointer_v<T>)
        simt_check_pointer(argument, position);
    else if constexpr (std::is_class_v<T>)
        simt_check_words(&argument, sizeof argument, position);
}

template <typename... Expected, typename... Actual>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t *config, void (*kernel)(Expected...),
                               Actual &&...actual)
{
    static_assert((std::is_trivially_copyable_v<Expected> && ...), "arguments are copied as bytes");
    using packed = std::pair<void (*)(Expected...), std::tuple<Expected...>>;
    auto arguments =
        std::make_shared<packed>(kernel, std::tuple<Expected...>(std::forward<Actual>(actual)...));
    auto check = [](const void *p) {
        auto check_all = [](const Expected &...argument) {
            [[maybe_unused]] int position = 0;
            (simt_check_argument(argument, ++position), ...);
        };
        std::apply(check_all, static_cast<const packed *>(p)->second);
    };
    auto invoke = [](void *p) {
        packed *call = static_cast<packed *>(p);
        std::apply(call->first, call->second);
    };
    return simt_launch(config,
                       { reinterpret_cast<const void *>(kernel), arguments, check, invoke });
}

/* cuda_runtime.h has these for nvcc only. */
template <typename T>
cudaError_t cudaFuncSetAttribute(T *kernel, cudaFuncAttribute attribute, int value)
{
    return cudaFuncSetAttribute(reinterpret_cast<const void *>(kernel), attribute, value);
}
template <typename T> cudaError_t cudaFuncGetAttributes(cudaFuncAttributes *attributes, T *kernel)
{
    return cudaFuncGetAttributes(attributes, reinterpret_cast<const void *>(kernel));
}
template <typename T>
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, T *kernel, int threads,
                                                          size_t shared_bytes)
{
    return cudaOccupancyMaxActiveBlocksPerMultiprocessor(
        blocks, reinterpret_cast<const void *>(kernel), threads, shared_bytes);
}

/* Barriers. */

inline void __syncthreads(SIMT_HERE)
{
    simt_block({ "__syncthreads", file, line });
}

inline void __syncwarp(unsigned mask = 0xffffffffu, SIMT_HERE)
{
    simt_warp(mask, nullptr, nullptr, true, { "__syncwarp", file, line });
}

/* One thread at a time runs here: a fence has nothing to order. */
inline void __threadfence()
{
}
inline void __threadfence_block()
{
}
inline void __nanosleep(unsigned)
{
    simt_yield();
}

/* Shuffles and votes. What a lane brings and takes is its own memory: the last lane's reaching into
 * it is the hardware's doing, which ThreadSanitizer must not hold for the kernel's. */

struct simt_shuffle {
    uint64_t bits, result;
    int source; /* a lane, or -1 for its own value */
};

__attribute__((no_sanitize("thread"))) inline void simt_combine_shuffle(void *const lanes[32])
{
    for (int i = 0; i < 32; i++) {
        simt_shuffle *mine = static_cast<simt_shuffle *>(lanes[i]);
        if (!mine || mine->source < 0)
            continue;
        const simt_shuffle *from = static_cast<const simt_shuffle *>(lanes[mine->source]);
        mine->result = from ? from->bits : ~uint64_t(0); /* of no lane: undefined in CUDA */
    }
}

template <typename T> T simt_take(unsigned mask, T value, int source, simt_site site)
{
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 8, "no shuffle of this type");
    simt_shuffle mine = { 0, 0, source };
    memcpy(&mine.bits, &value, sizeof value);
    mine.result = mine.bits;
    simt_warp(mask, &mine, simt_combine_shuffle, false, site);
    memcpy(static_cast<void *>(&value), &mine.result, sizeof value);
    return value;
}

template <typename T> T __shfl_sync(unsigned mask, T value, int source, int width = 32, SIMT_HERE)
{
    int lane = static_cast<int>(simt_lane());
    return simt_take(mask, value, lane / width * width + (source & (width - 1)),
                     { "__shfl_sync", file, line });
}

template <typename T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32, SIMT_HERE)
{
    int lane = static_cast<int>(simt_lane()), source = lane - static_cast<int>(delta);
    return simt_take(mask, value, source < lane / width * width ? -1 : source,
                     { "__shfl_up_sync", file, line });
}

template <typename T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32, SIMT_HERE)
{
    int lane = static_cast<int>(simt_lane()), source = lane + static_cast<int>(delta);
    return simt_take(mask, value, source >= (lane / width + 1) * width ? -1 : source,
                     { "__shfl_down_sync", file, line });
}

template <typename T> T __shfl_xor_sync(unsigned mask, T value, int bits, int width = 32, SIMT_HERE)
{
    int lane = static_cast<int>(simt_lane()), source = lane ^ bits;
    return simt_take(mask, value, source >= (lane / width + 1) * width ? -1 : source,
                     { "__shfl_xor_sync", file, line });
}

struct simt_vote {
    bool is_true;
    unsigned ballot;
};

__attribute__((no_sanitize("thread"))) inline void simt_combine_votes(void *const lanes[32])
{
    unsigned ballot = 0;
    for (int i = 0; i < 32; i++)
        if (lanes[i] && static_cast<simt_vote *>(lanes[i])->is_true)
            ballot |= 1u << i;
    for (int i = 0; i < 32; i++)
        if (lanes[i])
            static_cast<simt_vote *>(lanes[i])->ballot = ballot;
}

inline unsigned simt_ballot(unsigned mask, int predicate, simt_site site)
{
    simt_vote mine = { predicate != 0, 0 };
    simt_warp(mask, &mine, simt_combine_votes, false, site);
    return mine.ballot;
}

inline unsigned __ballot_sync(unsigned mask, int predicate, SIMT_HERE)
{
    return simt_ballot(mask, predicate, { "__ballot_sync", file, line });
}
inline int __any_sync(unsigned mask, int predicate, SIMT_HERE)
{
    return simt_ballot(mask, predicate, { "__any_sync", file, line }) != 0;
}
inline int __all_sync(unsigned mask, int predicate, SIMT_HERE)
{
    return simt_ballot(mask, predicate, { "__all_sync", file, line }) == mask;
}

/* Atomics are relaxed, as they are in CUDA; cuda::atomic_ref of libcu++ orders as it is told. */

template <typename T, typename Change> T simt_atomic(T *place, Change change)
{
    T before, after;
    __atomic_load(place, &before, __ATOMIC_RELAXED);
    do {
        after = change(before);
    } while (!__atomic_compare_exchange(place, &before, &after, true, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED));
    simt_yield();
    return before;
}
/* Of a value's type nothing is deduced, so that atomicAdd(float *, 1) is what it is in CUDA. */
template <typename T> using simt_same = std::enable_if_t<true, std::common_type_t<T>>;

template <typename T> T atomicAdd(T *place, simt_same<T> value)
{
    return simt_atomic(place, [value](T now) { return static_cast<T>(now + value); });
}
template <typename T> T atomicMax(T *place, simt_same<T> value)
{
    return simt_atomic(place, [value](T now) { return now < value ? value : now; });
}
template <typename T> T atomicMin(T *place, simt_same<T> value)
{
    return simt_atomic(place, [value](T now) { return value < now ? value : now; });
}
template <typename T> T atomicOr(T *place, simt_same<T> value)
{
    return simt_atomic(place, [value](T now) { return now | value; });
}
template <typename T> T atomicExch(T *place, simt_same<T> value)
{
    return simt_atomic(place, [value](T) { return value; });
}
template <typename T> T atomicCAS(T *place, simt_same<T> expected, simt_same<T> value)
{
    return simt_atomic(place, [=](T now) { return now == expected ? value : now; });
}

/* Arithmetic. The approximations of the device are exact here, but for the coarsest. */

inline float __expf(float x)
{
    return expf(x);
}
inline float __logf(float x)
{
    return logf(x);
}
inline float __fdividef(float x, float y)
{
    return x / y;
}
inline float __frcp_rn(float x)
{
    return 1.0f / x;
}
inline float __fmaf_rn(float x, float y, float z)
{
    return fmaf(x, y, z);
}
inline float rsqrtf(float x)
{
    return 1.0f / sqrtf(x);
}
inline float __saturatef(float x)
{
    return x > 0.0f ? (x < 1.0f ? x : 1.0f) : 0.0f;
}
inline int __popc(unsigned x)
{
    return __builtin_popcount(x);
}
inline int __ffs(int x)
{
    return __builtin_ffs(x);
}
inline int __clz(int x)
{
    return x ? __builtin_clz(static_cast<unsigned>(x)) : 32;
}
template <typename To, typename From> To simt_bits(From from)
{
    static_assert(sizeof(To) == sizeof(From));
    To to;
    memcpy(&to, &from, sizeof to);
    return to;
}
/* tanh.approx.f32: a relative error of up to 2^-11 */
inline float __tanhf(float x)
{
    float exact = tanhf(x), error = exact * 0x1p-11f;
    return simt_bits<unsigned>(x) & 1 ? exact + error : exact - error;
}
inline int __float_as_int(float x)
{
    return simt_bits<int>(x);
}
inline float __int_as_float(int x)
{
    return simt_bits<float>(x);
}
inline unsigned __float_as_uint(float x)
{
    return simt_bits<unsigned>(x);
}
inline float __uint_as_float(unsigned x)
{
    return simt_bits<float>(x);
}
template <typename T> T __ldg(const T *place)
{
    return *place;
}
template <typename T> T __ldcg(const T *place)
{
    return *place;
}
template <typename T> void __stcg(T *place, simt_same<T> value)
{
    *place = value;
}
template <typename T> constexpr T min(T a, T b)
{
    return b < a ? b : a;
}
template <typename T> constexpr T max(T a, T b)
{
    return a < b ? b : a;
}

/* <cooperative_groups.h> is empty for a compiler that is not nvcc. */
namespace cooperative_groups
{
struct grid_group {
    void sync(SIMT_HERE) const
    {
        simt_grid({ "grid sync", file, line });
    }
    unsigned long long thread_rank() const
    {
        return simt_grid_rank();
    }
    unsigned long long size() const
    {
        return simt_grid_size();
    }
};
struct thread_block {
    void sync(SIMT_HERE) const
    {
        simt_block({ "block sync", file, line });
    }
};
inline grid_group this_grid()
{
    return {};
}
inline thread_block this_thread_block()
{
    return {};
}
} // namespace cooperative_groups

#endif
