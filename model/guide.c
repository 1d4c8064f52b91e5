#include "guide.h"
#include "beam_rules.h"
#include "tokenizer.h"

#include <math.h>
#include <string.h>

static const float floor_share = 3e-3f; /* the blurred view's, from which on a token loses worth */
static const float end_share = 0.8f; /* of its loss that the end has: with all, summaries ramble */
static const float least_share = 0x1p-20f; /* of tokens that a tone may lift */

void cpu_guide_carve(struct cpu_guide *g, const struct cpu_network *n,
                     const struct cpu_source *sources, int32_t texts,
                     const struct lstm_summary_settings *settings, int32_t chunk,
                     struct carver *carver)
{
    const size_t t = (size_t)texts, h2 = 2 * (size_t)n->sizes.hidden,
                 vocab = (size_t)n->sizes.vocab, a = (size_t)n->sizes.alignment;
    *g = (struct cpu_guide){ .network = n,
                             .sources = sources,
                             .texts = texts,
                             .contrast = n->tone ? settings->contrast : 0.0f,
                             .tone = n->tone ? settings->tone : 0.0f };
    if (!(g->contrast > 0 || g->tone > 0))
        return;
    g->worth = carve(carver, vocab, sizeof *g->worth);
    g->moods = carve(carver, t, sizeof *g->moods);
    g->seen = carve(carver, vocab / 64 + 1, sizeof *g->seen);
    if (!(g->contrast > 0))
        return;
    g->blurred = carve(carver, t, sizeof *g->blurred);
    g->states = carve(carver, t * h2, sizeof *g->states);
    g->keys = carve(carver, t * a, sizeof *g->keys);
    g->stored = carve(carver, h2, n->arithmetic->state_size);
    g->shares = carve(carver, (size_t)chunk * vocab, sizeof *g->shares);
    g->share_rows = carve(carver, (size_t)chunk, sizeof *g->share_rows);
    for (int32_t i = 0; g->shares && i < chunk; i++)
        g->share_rows[i] = g->shares + (size_t)i * vocab;
    for (int32_t i = 0; g->blurred && i < texts; i++)
        g->blurred[i] = (struct cpu_source){ 1, sources[i].tokens, g->states + (size_t)i * h2,
                                             g->keys + (size_t)i * a };
    /* while counting, there is none yet: the texts themselves need no less room */
    cpu_rows_carve(&g->rows, n, g->blurred ? g->blurred : sources, texts, settings->beam, carver);
}

static void blur(struct cpu_guide *g, int32_t text)
{
    const struct cpu_network *n = g->network;
    const struct cpu_source *source = &g->sources[text];
    const size_t h2 = 2 * (size_t)n->sizes.hidden;
    float *mean = g->states + (size_t)text * h2;
    memset(mean, 0, h2 * sizeof *mean);
    for (int32_t i = 0; i < source->count; i++)
        n->kernels->add(h2, source->states + (size_t)i * h2, mean);
    for (size_t j = 0; j < h2; j++)
        mean[j] /= (float)source->count;
    n->arithmetic->store(h2, mean, g->stored);
    cpu_source_fill(n, 1, g->stored, mean, g->keys + (size_t)text * (size_t)n->sizes.alignment);
}

/* The tone of a text, the hyperbolic tangent of its log odds: of its distinct tokens, as the
 * weights were learned. */
static float mood_of(struct cpu_guide *g, const struct cpu_source *source)
{
    const float *weights = g->network->tone;
    const int32_t vocab = g->network->sizes.vocab;
    int32_t distinct = 0;
    double sum = 0.0;
    memset(g->seen, 0, ((size_t)vocab / 64 + 1) * sizeof *g->seen);
    for (int32_t i = 0; i < source->count; i++) {
        const int32_t token = source->tokens[i];
        const uint64_t bit = (uint64_t)1 << token % 64;
        if (g->seen[token / 64] & bit)
            continue;
        g->seen[token / 64] |= bit;
        sum += (double)weights[token];
        distinct++;
    }
    const double log_odds = sum / sqrt((double)distinct) + (double)weights[vocab];
    return 2.0f / (1.0f + g->network->kernels->exp((float)(-2.0 * log_odds))) - 1.0f;
}

void cpu_guide_begin(struct cpu_guide *g)
{
    for (int32_t i = 0; i < g->texts && g->worth; i++)
        g->moods[i] = mood_of(g, &g->sources[i]);
    if (!(g->contrast > 0))
        return;
    for (int32_t i = 0; i < g->texts; i++)
        blur(g, i);
    cpu_rows_begin(&g->rows);
}

void cpu_guide_step(struct cpu_guide *g)
{
    if (g->contrast > 0)
        cpu_rows_step(&g->rows);
}

void cpu_guide_advance(struct cpu_guide *g, const struct cpu_row_next *next, int32_t count)
{
    if (g->contrast > 0)
        cpu_rows_advance(&g->rows, next, count);
}

void cpu_guide_chunk(struct cpu_guide *g, int32_t first, int32_t count)
{
    if (!(g->contrast > 0))
        return;
    cpu_writer_vocabulary(g->network, count, (const void *const *)g->rows.output + first,
                          g->share_rows);
    for (int32_t r = 0; r < count; r++)
        g->network->kernels->normalise(g->network->sizes.vocab, g->share_rows[r]);
}

const float *cpu_guide_weigh(struct cpu_guide *g, int32_t r, int32_t text, const float *shares)
{
    const struct cpu_kernels *k = g->network->kernels;
    const int32_t vocab = g->network->sizes.vocab;
    if (!g->worth)
        return shares;
    memcpy(g->worth, shares, (size_t)vocab * sizeof *shares);
    const float mood = g->moods[text], loss = g->contrast * fabsf(mood), lift = g->tone * mood;
    const float *blurred = loss > 0 ? g->share_rows[r] : NULL, *weights = g->network->tone;
    int32_t v = 0;
    for (; blurred && (v = k->above(v, vocab, blurred, floor_share)) < vocab; v++)
        g->worth[v] *= k->exp(-(v == LSTM_TOKEN_MASK ? end_share : 1.0f) * loss *
                              (float)beam_log((double)(blurred[v] / floor_share)));
    v = LSTM_TOKEN_FIRST;
    for (; lift != 0.0f && (v = k->above(v, vocab, shares, least_share)) < vocab; v++)
        g->worth[v] *= k->exp(lift * weights[v]);
    return g->worth;
}
