/* The recurrence of up to GPU_GROUP_HIDDEN hidden units: the weights of a direction lie in the
 * registers of GPU_GROUP_SLICES blocks, which exchange the states of their units through global
 * memory, where they are to go anyway. While the states of one tile travel, others are computed. */
#include "gpu/launch.h"
#include "gpu/meeting.h"
#include "gpu/recurrence.h"

using Slice = Shape<GPU_GROUP_HIDDEN, 1, 16>;

static_assert(Slice::units * GPU_GROUP_SLICES == GPU_GROUP_HIDDEN, "slices are the whole");
static_assert(Slice::pieces * GPU_TILE_ROWS == Slice::threads, "a thread loads a piece of a tile");

/* All units' states of the step before, into shared memory. The group has met since they were
 * written. */
__device__ static void load(const gpu_layer &layer, const gpu_row *rows, int step, int reverse,
                            uint32_t *states)
{
    const int row = static_cast<int>(threadIdx.x) / Slice::pieces;
    const int piece = static_cast<int>(threadIdx.x) % Slice::pieces;
    uint4 loaded = make_uint4(0, 0, 0, 0);
    if (step > 0 && step - 1 < rows[row].length) {
        const uint32_t *from = static_cast<const uint32_t *>(layer.states) +
                               recurrence_state<Slice>(rows[row], step - 1, reverse);
        loaded = reinterpret_cast<const uint4 *>(from)[piece];
    }
    reinterpret_cast<uint4 *>(states + row * Slice::stride)[piece] = loaded;
}

/* A thread has one unit in two windows, its neighbour the next unit: they swap, so that each writes
 * a word of both units in one window. */
__device__ static void store(const gpu_layer &layer, const gpu_row *rows, int step, int reverse,
                             int unit, const Lane &lane, const __half state[2][1])
{
    const int is_odd = lane.quad % 2;
    const __half other = __shfl_xor_sync(0xffffffffu, is_odd ? state[0][0] : state[1][0], 1);
    const gpu_row &row = rows[lane.group + 8 * is_odd];
    if (step < row.length) {
        uint32_t *to =
            static_cast<uint32_t *>(layer.states) + recurrence_state<Slice>(row, step, reverse);
        to[unit / 2] =
            is_odd ? recurrence_word(other, state[1][0]) : recurrence_word(state[0][0], other);
    }
}

/* One part of the rows, by all blocks of a group. met: a counter for each tile. */
__device__ static void recur_part(const gpu_layer &layer, const Weights<Slice> &weights,
                                  const gpu_row *rows, int tiles, int reverse, int unit,
                                  float *cells, uint32_t *states, uint32_t *met)
{
    const Lane lane;
    Feed<Slice> feed(layer, rows, tiles, reverse, unit);
    const int steps = rows[0].length;
    for (int step = 0; step < steps; step++)
        for (int tile = 0; tile < tiles; tile++) {
            const gpu_row *tile_rows = rows + tile * GPU_TILE_ROWS;
            float sums[Slice::eights][4];
            __half state[2][Slice::pairs];
            if (threadIdx.x == 0)
                meeting_await(met + tile, static_cast<uint32_t>(step * GPU_GROUP_SLICES));
            __syncthreads();
            load(layer, tile_rows, step, reverse, states);
            feed.take(sums);
            __syncthreads();
            weights.multiply(states, lane, sums);
            recurrence_cells<Slice>(sums, cells + tile * Slice::cells, state);
            store(layer, tile_rows, step, reverse, unit, lane, state);
            __syncthreads();
            if (threadIdx.x == 0)
                meeting_arrive(met + tile);
        }
}

/* Group g runs direction g modulo 2 of the parts g / 2, g / 2 + groups and so on. */
__global__ void __launch_bounds__(Slice::threads, 1)
    recur_groups(const gpu_layer layer, const int tiles, uint32_t *meetings)
{
    const int count = tiles * GPU_TILE_ROWS;
    const int slice = static_cast<int>(blockIdx.x) % GPU_GROUP_SLICES;
    const int group = static_cast<int>(blockIdx.x) / GPU_GROUP_SLICES, reverse = group % 2;
    const int groups = static_cast<int>(gridDim.x) / (2 * GPU_GROUP_SLICES);
    const int parts = (layer.count + count - 1) / count;
    const Lane lane;
    const int warp = slice * Slice::threads / 32 + lane.warp;
    Arena arena;
    gpu_row *rows = arena.take<gpu_row>(static_cast<size_t>(count));
    float *cells = arena.take<float>(static_cast<size_t>(tiles) * Slice::cells);
    uint32_t *states = arena.take<uint32_t>(GPU_TILE_ROWS * Slice::stride);
    const Weights<Slice> weights(layer, reverse, warp);
    for (int part = group / 2; part < parts; part += groups) {
        __syncthreads(); /* the part before is done with what is now written */
        recurrence_rows(layer, part * count, count, rows);
        for (int i = static_cast<int>(threadIdx.x); i < tiles * Slice::cells; i += Slice::threads)
            cells[i] = 0.0f;
        __syncthreads();
        recur_part(layer, weights, rows, tiles, reverse, (warp * 4 + lane.quad) * Slice::pairs,
                   cells, states, meetings + (2 * part + reverse) * tiles);
    }
}

extern "C" cudaError_t gpu_recur_groups(cudaStream_t stream, const struct gpu_plan *plan,
                                        const struct gpu_layer *layer, int32_t tiles,
                                        uint32_t *meetings)
{
    const int32_t parts = gpu_plan_parts(layer->count, tiles);
    const int32_t groups = parts < plan->groups ? parts : plan->groups;
    const size_t count = static_cast<size_t>(tiles) * GPU_TILE_ROWS;
    const Launch with = { stream, dim3(2 * GPU_GROUP_SLICES * static_cast<unsigned>(groups)),
                          Slice::threads,
                          arena_bytes<gpu_row>(count) +
                              arena_bytes<float>(static_cast<size_t>(tiles) * Slice::cells) +
                              arena_bytes<uint32_t>(GPU_TILE_ROWS * Slice::stride),
                          true };
    return launch(with, recur_groups, *layer, tiles, meetings);
}
