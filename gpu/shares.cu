/* From logits to candidates: softmax over the vocabulary, the mixture with what is copied, what may
 * not follow, the best of the rest. */
#include "gpu/arena.h"
#include "gpu/decoder_rows.h"
#include "gpu/launch.h"
#include "gpu/reduce.h"

enum { THREADS = 512, WARPS = THREADS / 32, BYTES = LSTM_TOKEN_FIRST - LSTM_TOKEN_BYTES };

/* ---- the mixture ---- */

/* Logits become shares of the vocabulary's part. A thread's sum is in proportion to the largest
 * logit it has met, so that one pass finds both. */
__device__ static void generate(int vocab, const float *bias, float generate, float *x,
                                float *shared)
{
    float top = -INFINITY, sum = 0.0f;
    for (int v = thread_index(); v < vocab; v += THREADS) {
        const float logit = x[v] + bias[v];
        if (logit > top) {
            sum = fmaf(sum, expf(top - logit), 1.0f);
            top = logit;
        } else {
            sum += expf(logit - top);
        }
    }
    const float most = block_max<WARPS>(top, shared);
    sum = block_sum<WARPS>(sum > 0.0f ? sum * expf(top - most) : 0.0f, shared);
    for (int v = thread_index(); v < vocab; v += THREADS) {
        const bool is_byte = v >= LSTM_TOKEN_BYTES && v < LSTM_TOKEN_FIRST;
        x[v] = is_byte ? 0.0f : expf(x[v] + bias[v] - most) / sum * generate;
    }
}

/* Adds the copied part: a thread takes a token of the source wherever it stands, in order. */
__device__ static void copy(const gpu_group &g, const gpu_source &source, float copied,
                            const float *attention, float *x)
{
    const int32_t *tokens = g.tokens + source.first, *next = g.next + source.first;
    for (int j = thread_index(); j < source.heads; j += THREADS) {
        const int head = g.heads[source.head + j];
        float share = x[tokens[head]];
        for (int i = head; i >= 0; i = next[i])
            share = fmaf(copied, attention[i], share);
        x[tokens[head]] = share;
    }
}

/* ---- what may not follow ---- */

/* Of an unfinished character only the bytes that the source has after those begun. spelled: BYTES.
 */
__device__ static void forbid_unspelled(const gpu_group &g, const gpu_source &source,
                                        const gpu_hypothesis &h, const int32_t *written, float *x,
                                        unsigned *spelled)
{
    const int32_t *tokens = g.tokens + source.first;
    for (int b = thread_index(); b < BYTES; b += THREADS)
        spelled[b] = 0;
    __syncthreads();
    for (int i = thread_index(); i < source.count; i += THREADS)
        if (tokens[i] >= LSTM_TOKEN_BYTES && tokens[i] < LSTM_TOKEN_FIRST &&
            beam_spells_at(tokens, i, written + h.count - h.begun, h.begun))
            atomicOr(&spelled[tokens[i] - LSTM_TOKEN_BYTES], 1u);
    __syncthreads();
    for (int b = thread_index(); b < BYTES; b += THREADS)
        if (!spelled[b])
            x[LSTM_TOKEN_BYTES + b] = 0.0f;
}

__device__ static void forbid(const gpu_group &g, const gpu_source &source, const gpu_hypothesis &h,
                              const int32_t *written, float *x, unsigned *spelled)
{
    if (h.pending) {
        forbid_unspelled(g, source, h, written, x, spelled);
        return;
    }
    for (int b = thread_index(); b < BYTES; b += THREADS)
        if (!beam_begins(LSTM_TOKEN_BYTES + b, h.count, g.max_tokens))
            x[LSTM_TOKEN_BYTES + b] = 0.0f;
    __syncthreads();
    for (int i = thread_index(); i < h.count; i += THREADS)
        if (beam_repeats_at(written, h.count, i))
            atomicExch(&x[written[i + 2]], 0.0f); /* another thread may find the same token */
}

/* ---- the best ---- */

struct Best {
    float share;
    int32_t token;
};

/* The larger share, of equal ones the lower token. */
__device__ static bool precedes(const Best &a, const Best &b)
{
    return a.share > b.share || (a.share == b.share && a.token < b.token);
}

/* The best of a thread's tokens after one that was taken. */
__device__ static Best best_after(const Best &taken, int limit, const float *x)
{
    Best best = { 0.0f, limit };
    for (int v = LSTM_TOKEN_BYTES + thread_index(); v < limit; v += THREADS) {
        const Best here = { x[v], v };
        if (precedes(taken, here) && precedes(here, best))
            best = here;
    }
    return best;
}

__device__ static Best warp_best(Best best)
{
    for (int lanes = 16; lanes > 0; lanes /= 2) {
        const Best other = { __shfl_xor_sync(0xffffffffu, best.share, lanes),
                             __shfl_xor_sync(0xffffffffu, best.token, lanes) };
        best = precedes(other, best) ? other : best;
    }
    return best;
}

__device__ static Best block_best(Best best, Best *shared)
{
    best = warp_best(best);
    if (thread_index() % 32 == 0)
        shared[thread_index() / 32] = best;
    __syncthreads();
    best = shared[0];
    for (int i = 1; i < WARPS; i++)
        best = precedes(shared[i], best) ? shared[i] : best;
    __syncthreads();
    return best;
}

/* The best shares one after another: a thread looks at its tokens again only when one was taken. */
__device__ static int take(const gpu_group &g, const gpu_hypothesis &h, const float *x,
                           gpu_candidate *list, Best *shared)
{
    const int limit = beam_limit(h.count, h.pending, g.max_tokens, g.vocab);
    Best mine = best_after(Best{ INFINITY, -1 }, limit, x);
    int count = 0;
    for (; count < g.width - 1; count++) {
        const Best top = block_best(mine, shared);
        if (!(top.share > 0.0f))
            break;
        if (thread_index() == 0)
            list[count] = gpu_candidate{ 0.0, top.share, top.token };
        if (top.token == mine.token)
            mine = best_after(top, limit, x);
    }
    return count;
}

/* A block is the row of its number. */
__global__ void __launch_bounds__(THREADS) shares(const gpu_group g)
{
    const int row = static_cast<int>(blockIdx.x);
    if (row >= *g.rows)
        return; /* with its whole block */
    const gpu_hypothesis h = g.live[row];
    const gpu_source source = g.sources[h.source];
    float *x = g.shares + row_at(row, g.vocab);
    gpu_candidate *list = g.candidates + row_at(row, g.width);
    Arena arena;
    float *shared = arena.take<float>(WARPS);
    Best *best = arena.take<Best>(WARPS);
    unsigned *spelled = arena.take<unsigned>(BYTES);
    generate(g.vocab, g.decoder.vocabulary_bias, g.generate[row], x, shared);
    __syncthreads();
    copy(g, source, 1.0f - g.generate[row], g.attention + row_positions(g, h.source, h.slot), x);
    __syncthreads();
    forbid(g, source, h, row_tokens(g, g.written, row), x, spelled);
    __syncthreads();
    int count = take(g, h, x, list, best);
    if (beam_may_end(count, h.count, h.pending, g.min_tokens)) {
        if (thread_index() == 0)
            list[count] = gpu_candidate{ 0.0, x[LSTM_TOKEN_MASK], LSTM_TOKEN_MASK };
        count++;
    }
    __syncthreads();
    if (thread_index() < count)
        list[thread_index()].score =
            h.score + beam_log(static_cast<double>(list[thread_index()].share));
    if (thread_index() == 0)
        g.candidate_counts[row] = count;
}

extern "C" cudaError_t gpu_shares(cudaStream_t stream, const struct gpu_group *group, int32_t rows)
{
    const Launch with = { stream, dim3(static_cast<unsigned>(rows)), THREADS,
                          arena_bytes<float>(WARPS) + arena_bytes<Best>(WARPS) +
                              arena_bytes<unsigned>(BYTES),
                          false };
    return launch(with, shares, *group);
}
