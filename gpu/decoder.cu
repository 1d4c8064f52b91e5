/* The decoder's arithmetic between the products: from states to sources, the first row of a text,
 * the cell, attention with coverage and the wish to copy, the output before the vocabulary. */
#include "gpu/arena.h"
#include "gpu/cell.h"
#include "gpu/decoder_rows.h"
#include "gpu/launch.h"
#include "gpu/reduce.h"

enum { THREADS = 256, WARPS = THREADS / 32 };

/* ---- sources ---- */

/* A block copies the states of one window, 16 bytes a thread: they lie together in both places. */
__global__ void keep(const gpu_row *rows, const int pieces, const uint4 *states, const int first,
                     uint4 *source_states)
{
    const gpu_row row = rows[blockIdx.x];
    const uint4 *from = states + row_at(row.state + row.own, pieces);
    uint4 *to = source_states + row_at(first + row.token + row.own, pieces);
    const size_t count = row_at(row.own_length, pieces);
    for (size_t i = threadIdx.x; i < count; i += THREADS)
        to[i] = from[i];
}

extern "C" cudaError_t gpu_keep(cudaStream_t stream, const struct gpu_plan *plan,
                                const struct gpu_row *rows, int32_t count, const void *states,
                                int32_t first, void *source_states)
{
    const size_t bytes = 2 * static_cast<size_t>(plan->sizes.hidden) * plan->element;
    const Launch with = { stream, dim3(static_cast<unsigned>(count)), THREADS, 0, false };
    return launch(with, keep, rows, static_cast<int>(bytes / sizeof(uint4)),
                  static_cast<const uint4 *>(states), first, static_cast<uint4 *>(source_states));
}

/* to (width) = sum of weight(i) * states i, by a block of which each part of width / 2 threads sums
 * every so many-th state. partial: 2 THREADS floats. */
template <typename Element, typename Weight, typename Take>
__device__ void weigh(int count, int width, const Element *states, float *partial, Weight weight,
                      Take take)
{
    const int pairs = width / 2, parts = max(THREADS / pairs, 1);
    for (int base = 0; base < pairs; base += THREADS) {
        const int pair = parts > 1 ? thread_index() % pairs : base + thread_index();
        const int part = parts > 1 ? thread_index() / pairs : 0;
        float2 sum = { 0.0f, 0.0f };
        for (int i = part; i < count && part < parts && pair < pairs; i += parts) {
            const float2 h = pair_at(states + row_at(i, width) + 2 * pair);
            const float w = weight(i);
            sum = { fmaf(w, h.x, sum.x), fmaf(w, h.y, sum.y) };
        }
        partial[2 * thread_index()] = sum.x;
        partial[2 * thread_index() + 1] = sum.y;
        __syncthreads();
        for (int other = 1; other < parts && part == 0; other++) {
            sum.x += partial[2 * (thread_index() + other * pairs)];
            sum.y += partial[2 * (thread_index() + other * pairs) + 1];
        }
        if (part == 0 && pair < pairs)
            take(2 * pair, sum);
        __syncthreads();
    }
}

template <typename Element> __global__ void __launch_bounds__(THREADS) mean(const gpu_group g)
{
    const gpu_source source = g.sources[blockIdx.x];
    Arena arena;
    float *partial = arena.take<float>(2 * THREADS);
    Element *to = static_cast<Element *>(g.after) + row_at(static_cast<int>(blockIdx.x), g.states);
    weigh(
        source.count, g.states,
        static_cast<const Element *>(g.source_states) + row_at(source.first, g.states), partial,
        [](int) { return 1.0f; },
        [=](int j, float2 sum) {
            to[j] = element_from<Element>(sum.x / static_cast<float>(source.count));
            to[j + 1] = element_from<Element>(sum.y / static_cast<float>(source.count));
        });
}

extern "C" cudaError_t gpu_mean(cudaStream_t stream, enum lstm_precision precision,
                                const struct gpu_group *group)
{
    const Launch with = { stream, dim3(static_cast<unsigned>(group->texts)), THREADS,
                          arena_bytes<float>(2 * THREADS), false };
    return precision == LSTM_PRECISION_FP16 ? launch(with, mean<__half>, *group)
                                            : launch(with, mean<float>, *group);
}

/* ---- the first row of a text ---- */

/* A block makes the row of the text of its number. */
template <typename Element> __global__ void begin(const gpu_group g)
{
    using act = Activation<Element>;
    const int text = static_cast<int>(blockIdx.x), joined = g.states + g.units;
    const gpu_source source = g.sources[text];
    const float *bridged = g.products + row_at(text, 2 * g.units);
    Element *before = static_cast<Element *>(g.before) + row_at(text, joined);
    float *coverage = g.coverage_before + row_positions(g, text, 0);
    for (int j = thread_index(); j < g.states; j += THREADS)
        before[j] = element_from<Element>(0.0f);
    for (int u = thread_index(); u < g.units; u += THREADS) {
        before[g.states + u] =
            element_from<Element>(act::tanh(bridged[u] + g.decoder.bridge_bias[u]));
        g.cell_before[row_at(text, g.units) + static_cast<size_t>(u)] =
            act::tanh(bridged[g.units + u] + g.decoder.bridge_bias[g.units + u]);
    }
    for (int i = thread_index(); i < source.count; i += THREADS)
        coverage[i] = 0.0f;
    if (threadIdx.x == 0) {
        g.live[text] = gpu_hypothesis{ 0.0, text, 0, LSTM_TOKEN_MASK, 0, 0, 0, 0, 0 };
        g.runs[text] = gpu_run{ text, 1 };
        g.ended[text] = gpu_ended{ 0.0, 0.0, 0, 0, 0 };
    }
    if (threadIdx.x == 0 && text == 0)
        *g.rows = g.texts;
}

extern "C" cudaError_t gpu_begin(cudaStream_t stream, enum lstm_precision precision,
                                 const struct gpu_group *group)
{
    const Launch with = { stream, dim3(static_cast<unsigned>(group->texts)), THREADS, 0, false };
    return precision == LSTM_PRECISION_FP16 ? launch(with, begin<__half>, *group)
                                            : launch(with, begin<float>, *group);
}

/* ---- a step ---- */

/* A thread computes one unit of the row blockIdx.y. */
template <typename Element> __global__ void decoder_cell(const gpu_group g)
{
    const int row = static_cast<int>(blockIdx.y);
    const int unit = static_cast<int>(blockIdx.x) * THREADS + thread_index();
    if (row >= *g.rows || unit >= g.units)
        return; /* no barrier follows */
    const size_t at = row_at(row, g.units) + static_cast<size_t>(unit);
    const auto x = static_cast<const Gates<Element> *>(
        g.decoder.table)[row_at(g.live[row].token, g.units) + static_cast<size_t>(unit)];
    const auto h = reinterpret_cast<const Gates<float> *>(g.products)[at];
    float cell = g.cell_before[at];
    const float state =
        cell_step<Element>(element_float(x.in) + h.in, element_float(x.forget) + h.forget,
                           element_float(x.update) + h.update, element_float(x.out) + h.out, &cell);
    g.cell_after[at] = cell;
    static_cast<Element *>(
        g.after)[row_at(row, g.states + g.units) + static_cast<size_t>(g.states + unit)] =
        element_from<Element>(state);
}

extern "C" cudaError_t gpu_decoder_cell(cudaStream_t stream, enum lstm_precision precision,
                                        const struct gpu_group *group, int32_t rows)
{
    const Launch with = { stream,
                          dim3(static_cast<unsigned>(group->units + THREADS - 1) / THREADS,
                               static_cast<unsigned>(rows)),
                          THREADS, 0, false };
    return precision == LSTM_PRECISION_FP16 ? launch(with, decoder_cell<__half>, *group)
                                            : launch(with, decoder_cell<float>, *group);
}

/* scores[i] = score . tanh(key i + query + coverage[i] * fertility), a warp a position (Bahdanau et
 * al. 2015; See et al. 2017). */
template <typename Element>
__device__ void align(int count, int width, const Element *keys, const float *coverage,
                      const float *query, const float *fertility, const float *score, float *scores)
{
    using act = Activation<Element>;
    const int lane = thread_index() % 32;
    for (int i = thread_index() / 32; i < count; i += WARPS) {
        const Element *key = keys + row_at(i, width);
        const float covered = coverage[i];
        float sum = 0.0f;
        for (int j = 2 * lane; j < width; j += 64) {
            const float2 k = pair_at(key + j), q = pair_at(query + j), f = pair_at(fertility + j),
                         s = pair_at(score + j);
            sum = fmaf(s.x, act::tanh(fmaf(covered, f.x, k.x + q.x)), sum);
            sum = fmaf(s.y, act::tanh(fmaf(covered, f.y, k.y + q.y)), sum);
        }
        sum = warp_sum(sum);
        if (lane == 0)
            scores[i] = sum;
    }
}

/* Scores become their softmax, and what it adds to the coverage. */
__device__ static void cover(int count, float *attention, const float *before, float *after,
                             float *shared)
{
    float top = attention[0], total = 0.0f;
    for (int i = thread_index(); i < count; i += THREADS)
        top = fmaxf(top, attention[i]);
    top = block_max<WARPS>(top, shared);
    for (int i = thread_index(); i < count; i += THREADS) {
        const float e = expf(attention[i] - top);
        attention[i] = e;
        total += e;
    }
    total = block_sum<WARPS>(total, shared);
    for (int i = thread_index(); i < count; i += THREADS) {
        const float share = attention[i] / total;
        attention[i] = share;
        after[i] = before[i] + share;
    }
}

/* A block is the row of its number: what it attends to, the context, and how much of what it writes
 * it will take from the vocabulary. */
template <typename Element> __global__ void __launch_bounds__(THREADS) attend(const gpu_group g)
{
    const int row = static_cast<int>(blockIdx.x), thread = thread_index();
    if (row >= *g.rows)
        return; /* with its whole block */
    const gpu_hypothesis &h = g.live[row];
    const gpu_source source = g.sources[h.source];
    const size_t at = row_positions(g, h.source, h.slot);
    float *attention = g.attention + at;
    Element *after = static_cast<Element *>(g.after) + row_at(row, g.states + g.units);
    Arena arena;
    float *query = arena.take<float>(static_cast<size_t>(g.alignment));
    float *partial = arena.take<float>(2 * THREADS);
    float *shared = arena.take<float>(WARPS);
    for (int j = thread; j < g.alignment; j += THREADS)
        query[j] =
            g.query[row_at(row, g.alignment) + static_cast<size_t>(j)] + g.decoder.align_bias[j];
    __syncthreads();
    align(source.count, g.alignment,
          static_cast<const Element *>(g.keys) + row_at(source.first, g.alignment),
          g.coverage_before + at, query, g.decoder.align_coverage, g.decoder.align_score,
          attention);
    __syncthreads();
    cover(source.count, attention, g.coverage_before + at, g.coverage_after + at, shared);
    __syncthreads();
    float wish = 0.0f;
    weigh(
        source.count, g.states,
        static_cast<const Element *>(g.source_states) + row_at(source.first, g.states), partial,
        [=](int i) { return attention[i]; },
        [&](int j, float2 sum) {
            after[j] = element_from<Element>(sum.x);
            after[j + 1] = element_from<Element>(sum.y);
            const float2 context = pair_at(after + j); /* as the next step will read it */
            wish = fmaf(g.decoder.copy[j], context.x, wish);
            wish = fmaf(g.decoder.copy[j + 1], context.y, wish);
        });
    for (int u = thread; u < g.units; u += THREADS)
        wish = fmaf(g.decoder.copy[g.states + u], element_float(after[g.states + u]), wish);
    wish = block_sum<WARPS>(wish, shared);
    if (thread == 0)
        g.generate[row] = Activation<float>::sigmoid(wish + g.decoder.copy_token[h.token]);
}

extern "C" cudaError_t gpu_attend(cudaStream_t stream, enum lstm_precision precision,
                                  const struct gpu_group *group, int32_t rows)
{
    const Launch with = { stream, dim3(static_cast<unsigned>(rows)), THREADS,
                          arena_bytes<float>(static_cast<size_t>(group->alignment)) +
                              arena_bytes<float>(2 * THREADS) + arena_bytes<float>(WARPS),
                          false };
    return precision == LSTM_PRECISION_FP16 ? launch(with, attend<__half>, *group)
                                            : launch(with, attend<float>, *group);
}

/* A thread is one column of the row blockIdx.y. */
template <typename Element> __global__ void output(const gpu_group g)
{
    const int row = static_cast<int>(blockIdx.y);
    const int column = static_cast<int>(blockIdx.x) * THREADS + thread_index();
    if (row >= *g.rows || column >= g.embedding)
        return; /* no barrier follows */
    const size_t at = row_at(row, g.embedding) + static_cast<size_t>(column);
    static_cast<Element *>(g.output)[at] = element_from<Element>(
        Activation<Element>::tanh(g.sums[at] + g.decoder.output_bias[column]));
}

extern "C" cudaError_t gpu_output(cudaStream_t stream, enum lstm_precision precision,
                                  const struct gpu_group *group, int32_t rows)
{
    const Launch with = { stream,
                          dim3(static_cast<unsigned>(group->embedding + THREADS - 1) / THREADS,
                               static_cast<unsigned>(rows)),
                          THREADS, 0, false };
    return precision == LSTM_PRECISION_FP16 ? launch(with, output<__half>, *group)
                                            : launch(with, output<float>, *group);
}
