/* From states to logits: each window's own states are pooled by a block (attention, maximum, mean),
 * each text's pools and its logits by another. What a pool is: see cpu_kernels.h. */
#include "gpu/arena.h"
#include "gpu/cell.h"
#include "gpu/launch.h"
#include "gpu/reduce.h"

extern "C" {
#include "gpu/kernels.h"
}

enum { THREADS = 256, WARPS = THREADS / 32 };

/* scores[i] = attention . state i, a warp a state */
template <typename Element>
__device__ void score(int count, int width, const Element *states, const float *attention,
                      float *scores)
{
    const int lane = static_cast<int>(threadIdx.x) % 32;
    for (int i = static_cast<int>(threadIdx.x) / 32; i < count; i += WARPS) {
        const Element *state = states + static_cast<size_t>(i) * static_cast<size_t>(width);
        float sum = 0.0f;
        for (int j = 2 * lane; j < width; j += 64) {
            const float2 h = pair_at(state + j), a = pair_at(attention + j);
            sum = fmaf(h.x, a.x, fmaf(h.y, a.y, sum));
        }
        sum = warp_sum(sum);
        if (lane == 0)
            scores[i] = sum;
    }
}

/* A block pools the window of the row of its number. Each warp finds the top for itself: that costs
 * less than to pass it on. */
template <typename Element>
__global__ void __launch_bounds__(THREADS)
    pool_window(const gpu_row *rows, const int width, const int window, const Element *states,
                const float *attention, float *pools, const int pool_floats)
{
    const gpu_row row = rows[blockIdx.x];
    const int thread = static_cast<int>(threadIdx.x), count = row.own_length;
    Arena arena;
    float *scores = arena.take<float>(static_cast<size_t>(window));
    float *weights = arena.take<float>(static_cast<size_t>(window));
    float *pool = pools + static_cast<size_t>(row.pool) * static_cast<size_t>(pool_floats);
    states += static_cast<size_t>(row.state + row.own) * static_cast<size_t>(width);
    score(count, width, states, attention, scores);
    __syncthreads();
    float top = scores[0];
    for (int i = thread % 32; i < count; i += 32)
        top = fmaxf(top, scores[i]);
    top = warp_max(top);
    for (int i = thread; i < count; i += THREADS)
        weights[i] = expf(scores[i] - top);
    __syncthreads();
    for (int j = 2 * thread; j < width; j += 2 * THREADS) {
        float2 weighted = { 0.0f, 0.0f }, sum = weighted, most = pair_at(states + j);
        for (int i = 0; i < count; i++) {
            const float2 h =
                pair_at(states + static_cast<size_t>(i) * static_cast<size_t>(width) + j);
            weighted = { fmaf(weights[i], h.x, weighted.x), fmaf(weights[i], h.y, weighted.y) };
            most = { fmaxf(most.x, h.x), fmaxf(most.y, h.y) };
            sum = { sum.x + h.x, sum.y + h.y };
        }
        *reinterpret_cast<float2 *>(pool + j) = weighted;
        *reinterpret_cast<float2 *>(pool + width + j) = most;
        *reinterpret_cast<float2 *>(pool + 2 * width + j) = sum;
    }
    if (thread < 32) {
        float total = 0.0f;
        for (int i = thread; i < count; i += 32)
            total += weights[i];
        total = warp_sum(total);
        if (thread == 0) {
            pool[3 * width] = top;
            pool[3 * width + 1] = total;
        }
    }
}

template <typename Element>
static cudaError_t pool(cudaStream_t stream, const gpu_plan &plan, const gpu_row *rows,
                        int32_t count, const void *states, const float *attention, float *pools)
{
    const size_t window = static_cast<size_t>(plan.sizes.window);
    const Launch with = { stream, dim3(static_cast<unsigned>(count)), THREADS,
                          2 * arena_bytes<float>(window), false };
    return launch(with, pool_window<Element>, rows, 2 * plan.sizes.hidden, plan.sizes.window,
                  static_cast<const Element *>(states), attention, pools,
                  static_cast<int>(gpu_plan_pool(&plan)));
}

extern "C" cudaError_t gpu_pool(cudaStream_t stream, const struct gpu_plan *plan,
                                const struct gpu_row *rows, int32_t count, const void *states,
                                const float *attention, float *pools)
{
    return plan->precision == LSTM_PRECISION_FP16
               ? pool<__half>(stream, *plan, rows, count, states, attention, pools)
               : pool<float>(stream, *plan, rows, count, states, attention, pools);
}

/* What a text's windows add up to, as far as one thread sees it: top and total are the same in all.
 */
struct Merged {
    float top, total;
};

/* Adds a pool to text's 3 width sums in shared memory; a thread keeps to its own columns. */
__device__ static void merge(int width, const float *pool, bool is_first, float *text, Merged *sums)
{
    const float top = is_first ? pool[3 * width] : fmaxf(sums->top, pool[3 * width]);
    const float keep = is_first ? 0.0f : expf(sums->top - top), add = expf(pool[3 * width] - top);
    for (int j = static_cast<int>(threadIdx.x); j < width; j += THREADS) {
        const float most = pool[width + j], sum = pool[2 * width + j];
        text[j] = is_first ? pool[j] : fmaf(keep, text[j], add * pool[j]);
        text[width + j] = is_first ? most : fmaxf(text[width + j], most);
        text[2 * width + j] = is_first ? sum : text[2 * width + j] + sum;
    }
    sums->total =
        is_first ? pool[3 * width + 1] : fmaf(keep, sums->total, add * pool[3 * width + 1]);
    sums->top = top;
}

/* logits[k] = bias[k] + weight[k] . features, a warp a class */
__device__ static void classify(int classes, int columns, const float *weight,
                                const float *features, float *logits)
{
    const float *bias = weight + static_cast<size_t>(classes) * static_cast<size_t>(columns);
    const int lane = static_cast<int>(threadIdx.x) % 32;
    for (int k = static_cast<int>(threadIdx.x) / 32; k < classes; k += WARPS) {
        const float *row = weight + static_cast<size_t>(k) * static_cast<size_t>(columns);
        float sum = 0.0f;
        for (int j = lane; j < columns; j += 32)
            sum = fmaf(row[j], features[j], sum);
        sum = warp_sum(sum);
        if (lane == 0)
            logits[k] = bias[k] + sum;
    }
}

/* A block finishes the text of its number. */
__global__ void __launch_bounds__(THREADS)
    finish_text(const gpu_text *texts, const int width, const int classes, const float *pools,
                const int pool_floats, const float *head, const float *carried, float *carry,
                float *logits)
{
    const gpu_text text = texts[blockIdx.x];
    const int columns = 3 * width;
    Arena arena;
    float *sums = arena.take<float>(static_cast<size_t>(columns));
    Merged merged = { 0.0f, 0.0f };
    if (!text.begins)
        merge(width, carried, true, sums, &merged);
    for (int i = 0; i < text.pools; i++)
        merge(width, pools + static_cast<size_t>(text.pool + i) * static_cast<size_t>(pool_floats),
              text.begins && i == 0, sums, &merged);
    for (int j = static_cast<int>(threadIdx.x); j < width && !text.ends; j += THREADS)
        for (int part = 0; part < 3; part++)
            carry[part * width + j] = sums[part * width + j];
    if (threadIdx.x == 0 && !text.ends) {
        carry[columns] = merged.top;
        carry[columns + 1] = merged.total;
    }
    for (int j = static_cast<int>(threadIdx.x); j < width; j += THREADS) {
        sums[j] /= merged.total;
        sums[2 * width + j] /= static_cast<float>(text.states);
    }
    __syncthreads();
    classify(classes, columns, head + width, sums,
             logits + static_cast<size_t>(blockIdx.x) * static_cast<size_t>(classes));
}

extern "C" cudaError_t gpu_finish(cudaStream_t stream, const struct gpu_plan *plan,
                                  const struct gpu_text *texts, int32_t count, const float *pools,
                                  const float *head, const float *carried, float *carry,
                                  float *logits)
{
    const int width = 2 * plan->sizes.hidden;
    const Launch with = { stream, dim3(static_cast<unsigned>(count)), THREADS,
                          arena_bytes<float>(3 * static_cast<size_t>(width)), false };
    return launch(with, finish_text, texts, width, plan->sizes.classes, pools,
                  static_cast<int>(gpu_plan_pool(plan)), head, carried, carry, logits);
}
