/* The recurrence of up to GPU_ALONE_MAX hidden units: a block holds all weights of a direction,
 * keeps the states of its windows in shared memory, and never waits for another. */
#include "gpu/launch.h"
#include "gpu/recurrence.h"

template <int HIDDEN> using Alone = Shape<HIDDEN, 2, HIDDEN / 8>;

/* The states of a step, from shared memory to where they belong. */
template <typename S>
__device__ void store(const gpu_layer &layer, const gpu_row *rows, int count, int step, int reverse,
                      const uint32_t *states)
{
    for (int i = static_cast<int>(threadIdx.x); i < count * S::pieces; i += S::threads) {
        const int row = i / S::pieces, piece = i % S::pieces;
        if (step < rows[row].length) {
            uint32_t *to = static_cast<uint32_t *>(layer.states) +
                           recurrence_state<S>(rows[row], step, reverse);
            reinterpret_cast<uint4 *>(to)[piece] =
                reinterpret_cast<const uint4 *>(states + row * S::stride)[piece];
        }
    }
}

/* Blocks 2 i and 2 i + 1 run both directions of the i-th part of the rows. Of states there are
 * those that a step reads and those that it writes; the barrier at its end makes them change
 * places. */
template <int HIDDEN>
__global__ void __launch_bounds__(4 * HIDDEN, GPU_ALONE_MAX / HIDDEN)
    recur_alone(const gpu_layer layer, const int tiles)
{
    using S = Alone<HIDDEN>;
    const int count = tiles * GPU_TILE_ROWS, reverse = static_cast<int>(blockIdx.x) % 2;
    const int thread = static_cast<int>(threadIdx.x);
    const Lane lane;
    Arena arena;
    gpu_row *rows = arena.take<gpu_row>(static_cast<size_t>(count));
    float *cells = arena.take<float>(static_cast<size_t>(tiles) * S::cells);
    uint32_t *before = arena.take<uint32_t>(static_cast<size_t>(count) * S::stride);
    uint32_t *after = arena.take<uint32_t>(static_cast<size_t>(count) * S::stride);
    recurrence_rows(layer, static_cast<int>(blockIdx.x) / 2 * count, count, rows);
    for (int i = thread; i < tiles * S::cells; i += S::threads)
        cells[i] = 0.0f;
    for (int i = thread; i < count * S::stride; i += S::threads)
        before[i] = 0;
    const Weights<S> weights(layer, reverse, lane.warp);
    const int unit = (lane.warp * 4 + lane.quad) * S::pairs;
    __syncthreads();
    Feed<S> feed(layer, rows, tiles, reverse, unit);
    const int steps = rows[0].length;
    for (int step = 0; step < steps; step++) {
        for (int tile = 0; tile < tiles; tile++) {
            float sums[S::eights][4];
            __half state[2][S::pairs];
            feed.take(sums);
            weights.multiply(before + tile * GPU_TILE_ROWS * S::stride, lane, sums);
            recurrence_cells<S>(sums, cells + tile * S::cells, state);
            uint32_t *to = after + (tile * GPU_TILE_ROWS + lane.group) * S::stride + unit / 2;
            to[0] = recurrence_word(state[0][0], state[0][1]);
            to[8 * S::stride] = recurrence_word(state[1][0], state[1][1]);
        }
        __syncthreads();
        store<S>(layer, rows, count, step, reverse, after);
        uint32_t *const read = before;
        before = after;
        after = read;
    }
}

template <int HIDDEN>
static cudaError_t recur(cudaStream_t stream, const gpu_layer &layer, int32_t tiles)
{
    using S = Alone<HIDDEN>;
    const size_t rows = static_cast<size_t>(tiles) * GPU_TILE_ROWS;
    const unsigned parts = static_cast<unsigned>(gpu_plan_parts(layer.count, tiles));
    const Launch with = { stream, dim3(2 * parts), S::threads,
                          arena_bytes<gpu_row>(rows) +
                              arena_bytes<float>(static_cast<size_t>(tiles) * S::cells) +
                              2 * arena_bytes<uint32_t>(rows * S::stride),
                          false };
    return launch(with, recur_alone<HIDDEN>, layer, tiles);
}

extern "C" cudaError_t gpu_recur_alone(cudaStream_t stream, const struct gpu_layer *layer,
                                       int32_t tiles)
{
    switch (layer->hidden) {
    case 32: return recur<32>(stream, *layer, tiles);
    case 64: return recur<64>(stream, *layer, tiles);
    case GPU_ALONE_MAX: return recur<GPU_ALONE_MAX>(stream, *layer, tiles);
    default: return cudaErrorInvalidValue;
    }
}
