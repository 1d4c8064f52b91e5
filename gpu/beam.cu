/* The beam search's competition, a warp a text, and the rows of the next step, which are copies of
 * those of this one. The rules are those of model/beam.h. */
#include "gpu/arena.h"
#include "gpu/decoder_rows.h"
#include "gpu/launch.h"

enum { WARP = 32, THREADS = 256 };

/* ---- choosing ---- */

/* A candidate with the row it follows, counted in its text; token -1: none. */
struct Contender {
    double score;
    int32_t row, token;
    float share;
};

__device__ static bool precedes(const Contender &a, const Contender &b)
{
    return beam_precedes(a.score, a.row, a.token, b.score, b.row, b.token);
}

/* The best of a warp's contenders; every lane gets it. */
__device__ static Contender warp_best(Contender best)
{
    for (int lanes = 16; lanes > 0; lanes /= 2) {
        const Contender other = { __shfl_xor_sync(0xffffffffu, best.score, lanes),
                                  __shfl_xor_sync(0xffffffffu, best.row, lanes),
                                  __shfl_xor_sync(0xffffffffu, best.token, lanes),
                                  __shfl_xor_sync(0xffffffffu, best.share, lanes) };
        best = precedes(other, best) ? other : best;
    }
    return best;
}

/* The best candidate of a text's rows after one that was taken. */
__device__ static Contender best_after(const gpu_group &g, const gpu_run &run,
                                       const Contender &taken)
{
    Contender best = { -INFINITY, g.beam, -1, 0.0f };
    for (int i = thread_index(); i < run.count * g.width; i += WARP) {
        const int row = i / g.width, place = i % g.width;
        if (place >= g.candidate_counts[run.first + row])
            continue;
        const gpu_candidate c =
            g.candidates[row_at(run.first + row, g.width) + static_cast<size_t>(place)];
        const Contender here = { c.score, row, c.token, c.share };
        if (precedes(taken, here) && precedes(here, best))
            best = here;
    }
    return warp_best(best);
}

/* Where the token was mainly copied from: the most attended of the positions that hold it; -1 where
 * it was rather generated. */
__device__ static int32_t origin(const gpu_group &g, int row, const Contender &c)
{
    const gpu_hypothesis &h = g.live[row];
    const gpu_source source = g.sources[h.source];
    const int32_t *tokens = g.tokens + source.first;
    const float *attention = g.attention + row_positions(g, h.source, h.slot);
    int head = -1, most = -1;
    for (int j = thread_index(); j < source.heads; j += WARP)
        if (tokens[g.heads[source.head + j]] == c.token)
            head = g.heads[source.head + j];
    for (int lanes = 16; lanes > 0; lanes /= 2)
        head = max(head, __shfl_xor_sync(0xffffffffu, head, lanes));
    float copied = 0.0f;
    for (int i = head; i >= 0; i = g.next[source.first + i]) {
        copied += (1.0f - g.generate[row]) * attention[i];
        most = most < 0 || attention[i] > attention[most] ? i : most;
    }
    return copied > c.share - copied ? most : -1;
}

/* The first count of a row's numbers. */
__device__ static void copy_tokens(const int32_t *from, int count, int32_t *to)
{
    for (int i = thread_index(); i < count; i += WARP)
        to[i] = from[i];
}

/* Row to of following: that of the contender with its token. */
__device__ static void extend(const gpu_group &g, int row, const Contender &c, int to)
{
    const gpu_hypothesis h = g.live[row];
    const int32_t from = origin(g, row, c);
    int32_t *written = row_tokens(g, g.following_written, to);
    int32_t *origins = row_tokens(g, g.following_origins, to);
    copy_tokens(row_tokens(g, g.written, row), h.count, written);
    copy_tokens(row_tokens(g, g.origins, row), h.count, origins);
    if (thread_index() != 0)
        return;
    const int32_t pending = beam_pending_after(h.pending, c.token);
    written[h.count] = c.token;
    origins[h.count] = from;
    g.following[to] =
        gpu_hypothesis{ c.score, h.source, 0,     c.token, h.count + 1, pending ? h.begun + 1 : 0,
                        pending, row,      h.slot };
}

/* The row ends; it becomes its text's best where it wins. */
__device__ static void end(const gpu_group &g, int text, int row, const Contender &c,
                           gpu_ended *ended)
{
    const gpu_hypothesis &h = g.live[row];
    const double rank = c.score / g.penalties[h.count + 1];
    const bool wins = beam_wins(rank, h.pending, ended->ended, ended->rank, ended->pending);
    ended->ended++;
    if (!wins)
        return;
    copy_tokens(row_tokens(g, g.written, row), h.count, row_tokens(g, g.best, text));
    copy_tokens(row_tokens(g, g.origins, row), h.count, row_tokens(g, g.best_origins, text));
    *ended = gpu_ended{ rank, c.score, ended->ended, h.count, h.pending };
}

/* A block is a warp, and its lanes all know what it knows. */
__global__ void __launch_bounds__(WARP) choose(const gpu_group g)
{
    const int text = static_cast<int>(blockIdx.x);
    const gpu_run run = g.runs[text];
    gpu_ended ended = g.ended[text];
    int places = run.count > 0 ? g.beam - ended.ended : 0, count = 0;
    double best = 0.0; /* of the rows of the next step */
    Contender taken = { INFINITY, -1, -1, 0.0f };
    for (; places > 0; places--) {
        taken = best_after(g, run, taken);
        if (taken.token < 0)
            break;
        if (taken.token == LSTM_TOKEN_MASK) {
            end(g, text, run.first + taken.row, taken, &ended);
            continue;
        }
        extend(g, run.first + taken.row, taken, text * g.beam + count);
        best = count == 0 ? taken.score : best;
        count++;
    }
    /* Scores only fall, and the longest summary is divided by most. */
    if (count > 0 && ended.ended > 0 && ended.pending == 0 &&
        best / g.penalties[g.max_tokens + 1] <= ended.rank)
        count = 0;
    __syncwarp(); /* the lanes have read what the first now writes */
    if (thread_index() == 0) {
        g.ended[text] = ended;
        g.following_counts[text] = count;
        g.places[text] = count > 0 ? g.beam - ended.ended : 0;
    }
}

extern "C" cudaError_t gpu_choose(cudaStream_t stream, const struct gpu_group *group)
{
    const Launch with = { stream, dim3(static_cast<unsigned>(group->texts)), WARP, 0, false };
    return launch(with, choose, *group);
}

__global__ void force(const gpu_group g, const int step)
{
    const int text = static_cast<int>(blockIdx.x) * THREADS + thread_index();
    if (text >= g.texts)
        return; /* no barrier follows */
    g.following[text] =
        gpu_hypothesis{ 0.0, text, 0, row_tokens(g, g.forced, text)[step], 0, 0, 0, text, 0 };
    g.following_counts[text] = g.places[text] = 1;
}

extern "C" cudaError_t gpu_force(cudaStream_t stream, const struct gpu_group *group, int32_t step)
{
    const Launch with = { stream, dim3(static_cast<unsigned>(group->texts + THREADS - 1) / THREADS),
                          THREADS, 0, false };
    return launch(with, force, *group, step);
}

/* ---- the rows of the next step ---- */

/* counts[0] + .. + counts[text - 1], by the whole block. shared: THREADS ints. */
__device__ static int sum_before(const int32_t *counts, int text, int *shared)
{
    int sum = 0;
    for (int i = thread_index(); i < text; i += THREADS)
        sum += counts[i];
    shared[thread_index()] = sum;
    __syncthreads();
    for (int half = THREADS / 2; half > 0; half /= 2) {
        if (thread_index() < half)
            shared[thread_index()] += shared[thread_index() + half];
        __syncthreads();
    }
    sum = shared[0];
    __syncthreads();
    return sum;
}

__device__ static void report(const gpu_group &g, int *shared)
{
    const int rows = sum_before(g.following_counts, g.texts, shared);
    const int rows_max = sum_before(g.places, g.texts, shared);
    if (thread_index() == 0) {
        *g.rows = rows;
        *g.progress = gpu_progress{ rows, rows_max };
    }
}

template <typename T>
__device__ void copy_row(const T *from, int from_row, int columns, T *to, int to_row)
{
    from += row_at(from_row, columns);
    to += row_at(to_row, columns);
    for (int i = thread_index(); i < columns; i += THREADS)
        to[i] = from[i];
}

/* A block is a row of following. words: of a row of before, in 16 bytes. (Unless told that four
 * blocks are enough, ptxas spills to make room for eight.) */
__global__ void __launch_bounds__(THREADS, 4) advance_rows(const gpu_group g, const int words)
{
    const int number = static_cast<int>(blockIdx.x), text = number / g.beam, slot = number % g.beam;
    Arena arena;
    int *shared = arena.take<int>(THREADS);
    const int first = sum_before(g.following_counts, text, shared);
    const int count = g.following_counts[text], row = first + slot;
    if (number == 0)
        report(g, shared);
    if (slot == 0 && thread_index() == 0)
        g.runs[text] = gpu_run{ first, count };
    if (slot >= count)
        return; /* with its whole block */
    gpu_hypothesis h = g.following[number];
    h.slot = slot;
    const float *covered = g.coverage_after + row_positions(g, text, h.from);
    float *coverage = g.coverage_before + row_positions(g, text, slot);
    for (int i = thread_index(); i < g.sources[text].count; i += THREADS)
        coverage[i] = covered[i];
    copy_row(static_cast<const uint4 *>(g.after), h.parent, words, static_cast<uint4 *>(g.before),
             row);
    copy_row(g.cell_after, h.parent, g.units, g.cell_before, row);
    for (int i = thread_index(); i < h.count; i += THREADS) {
        row_tokens(g, g.written, row)[i] = row_tokens(g, g.following_written, number)[i];
        row_tokens(g, g.origins, row)[i] = row_tokens(g, g.following_origins, number)[i];
    }
    if (thread_index() == 0)
        g.live[row] = h;
}

extern "C" cudaError_t gpu_advance_rows(cudaStream_t stream, enum lstm_precision precision,
                                        const struct gpu_group *group)
{
    const size_t bytes = static_cast<size_t>(group->states + group->units) *
                         (precision == LSTM_PRECISION_FP16 ? 2 : 4);
    const Launch with = { stream, dim3(static_cast<unsigned>(group->texts * group->beam)), THREADS,
                          arena_bytes<int>(THREADS), false };
    return launch(with, advance_rows, *group, static_cast<int>(bytes / sizeof(uint4)));
}
