/* What the two persistent recurrences share: a warp multiplies a tile of 16 windows by its slice of
 * the recurrent weights, which stays in its registers, and each thread finds all gates of its units
 * in its own accumulators (see packing.h), so that cells never leave the thread. */
#ifndef LSTM_GPU_RECURRENCE_H
#define LSTM_GPU_RECURRENCE_H

#include "gpu/arena.h"
#include "gpu/cell.h"
#include "gpu/tensor.h"

extern "C" {
#include "gpu/kernels.h"
}

/* A block has 4 WARPS PAIRS of the HIDDEN units, each of its threads PAIRS of them in two windows.
 * States lie in shared memory as words of two halves; a row is four words longer than its states,
 * so that the eight rows that a warp reads together lie in different banks. */
template <int HIDDEN, int PAIRS, int WARPS> struct Shape {
    static constexpr int hidden = HIDDEN, pairs = PAIRS;
    static constexpr int threads = 32 * WARPS, units = 4 * WARPS * PAIRS;
    static constexpr int depth = HIDDEN / 16, eights = 2 * PAIRS; /* fragments of 16 x 8 weights */
    static constexpr int words = HIDDEN / 2, stride = words + 4;
    static constexpr int cells = 2 * PAIRS * threads; /* of a tile */
    static constexpr int pieces = HIDDEN / 8;         /* of 16 bytes in a state */
};

/* Where a thread stands in its warp, in a fragment's terms. */
struct Lane {
    int warp, group, quad;
    __device__ Lane()
        : warp(static_cast<int>(threadIdx.x) / 32), group(static_cast<int>(threadIdx.x) % 32 / 4),
          quad(static_cast<int>(threadIdx.x) % 4)
    {
    }
};

/* A tile's turn at a step; tiles take turns. */
struct Turn {
    int step, tile;
    __device__ Turn next(int tiles) const
    {
        return tile + 1 < tiles ? Turn{ step, tile + 1 } : Turn{ step + 1, 0 };
    }
};

/* Which token of its window a row reads at a step; past its end some token it has. */
__device__ inline int recurrence_position(const gpu_row &row, int step, int reverse)
{
    const int last = max(row.length - 1, 0), at = min(step, last);
    return reverse ? last - at : at;
}

/* The state that a row computes at a step, in words of shared or global memory. */
template <typename Shape>
__device__ size_t recurrence_state(const gpu_row &row, int step, int reverse)
{
    const int state = row.state + recurrence_position(row, step, reverse);
    return (static_cast<size_t>(state) * 2 + static_cast<size_t>(reverse)) * Shape::words;
}

/* The block's rows into shared memory; one that is not there has no length. */
__device__ inline void recurrence_rows(const gpu_layer &layer, int first, int count, gpu_row *rows)
{
    for (int i = static_cast<int>(threadIdx.x); i < count; i += static_cast<int>(blockDim.x))
        rows[i] = first + i < layer.count ? layer.rows[first + i] : gpu_row{};
}

/* Two halves as a word, and the lower half of a word. */
__device__ inline uint32_t recurrence_word(__half low, __half high)
{
    return __half_as_ushort(low) | static_cast<uint32_t>(__half_as_ushort(high)) << 16;
}
__device__ inline float recurrence_half(uint32_t word)
{
    return __half2float(__ushort_as_half(static_cast<unsigned short>(word & 0xffff)));
}

/* A thread's fragments of the weights. warp: counted over all slices of the direction. */
template <typename Shape> struct Weights {
    uint2 b[Shape::depth][Shape::eights];

    __device__ Weights(const gpu_layer &layer, int reverse, int warp)
    {
        constexpr int warps = Shape::hidden / (2 * Shape::eights); /* of a direction */
        const uint2 *at = static_cast<const uint2 *>(layer.recurrent) +
                          (reverse * warps + warp) * Shape::depth * Shape::eights * 32 +
                          threadIdx.x % 32;
#pragma unroll
        for (int k = 0; k < Shape::depth; k++)
#pragma unroll
            for (int n = 0; n < Shape::eights; n++, at += 32)
                b[k][n] = *at;
    }

    /* sums += states of the tile (rows of Shape::stride words) times the weights. */
    __device__ void multiply(const uint32_t *states, const Lane &lane,
                             float sums[Shape::eights][4]) const
    {
        const uint32_t *upper = states + lane.group * Shape::stride + lane.quad;
        const uint32_t *lower = upper + 8 * Shape::stride;
#pragma unroll
        for (int k = 0; k < Shape::depth; k++) {
            const uint32_t a[4] = { upper[8 * k], lower[8 * k], upper[8 * k + 4],
                                    lower[8 * k + 4] };
#pragma unroll
            for (int n = 0; n < Shape::eights; n++)
                tensor_multiply_add(sums[n], a, b[k][n]);
        }
    }
};

/* The input products of a thread's units, on their way from global memory: those of this turn have
 * arrived, and so has the index of those of the next. */
template <typename Shape> class Feed
{
  public:
    /* rows: of all tiles, in shared memory. unit: the thread's first. */
    __device__ Feed(const gpu_layer &layer, const gpu_row *rows, int tiles, int reverse, int unit)
        : rows(rows), tokens(layer.tokens), tiles(tiles), reverse(reverse), ahead{ 0, 0 }
    {
        inputs = static_cast<const products *>(layer.inputs) +
                 (reverse * Shape::hidden + unit) / Shape::pairs;
        find();
        fetch();
        find();
    }

    /* Starts sums with this turn's products, and sends for those of the next. */
    __device__ void take(float sums[Shape::eights][4])
    {
#pragma unroll
        for (int n = 0; n < Shape::eights; n++)
#pragma unroll
            for (int half = 0; half < 2; half++) {
                const uint32_t word = now[half].word[n];
                sums[n][2 * half] = recurrence_half(word);
                sums[n][2 * half + 1] = recurrence_half(word >> 16);
            }
        fetch();
        find();
    }

  private:
    /* Of a window, words of two halves: (i, f) and (g, o) of each unit. */
    struct alignas(8 * Shape::pairs) products {
        uint32_t word[Shape::eights];
    };
    const gpu_row *rows;
    const int32_t *tokens;
    const products *inputs;
    int tiles, reverse;
    Turn ahead; /* of what was found last */
    int index[2];
    products now[2]; /* of the lane's two windows */

    __device__ void find()
    {
        const int group = static_cast<int>(threadIdx.x) % 32 / 4;
#pragma unroll
        for (int half = 0; half < 2; half++) {
            const gpu_row row = rows[ahead.tile * GPU_TILE_ROWS + 8 * half + group];
            const int position = recurrence_position(row, ahead.step, reverse);
            index[half] = tokens ? tokens[row.token + position] : row.state + position;
        }
        ahead = ahead.next(tiles);
    }

    __device__ void fetch()
    {
#pragma unroll
        for (int half = 0; half < 2; half++)
            now[half] =
                inputs[static_cast<size_t>(index[half]) * (2 * Shape::hidden / Shape::pairs)];
    }
};

/* The states of a thread's units in both of its windows, from the sums of their gates. cells: of
 * the tile; a thread's lie apart so that a warp's lie together. */
template <typename Shape>
__device__ void recurrence_cells(const float sums[Shape::eights][4], float *cells,
                                 __half states[2][Shape::pairs])
{
#pragma unroll
    for (int half = 0; half < 2; half++)
#pragma unroll
        for (int p = 0; p < Shape::pairs; p++)
            states[half][p] = __float2half_rn(
                cell_step<__half>(sums[2 * p][2 * half], sums[2 * p][2 * half + 1],
                                  sums[2 * p + 1][2 * half], sums[2 * p + 1][2 * half + 1],
                                  &cells[(half * Shape::pairs + p) * Shape::threads +
                                         static_cast<int>(threadIdx.x)]));
}

#endif
