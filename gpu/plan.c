#include "gpu/plan.h"

/* What the buffers of a round are to take, in bytes: enough windows to fill a large device, a
 * fraction of the memory of a small one. */
enum { ROUND_SIZE = 384 << 20, STATES_MAX = 1 << 18 };

/* What the logits of the decoder's rows are to take, in bytes: what a large device's L2 holds. */
enum { LOGITS_SIZE = 32 << 20, WRITTEN_MAX = 1024 };

static int32_t least(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

/* Groups of a direction that a device keeps resident, one block a multiprocessor. */
static int32_t resident_groups(const struct gpu_traits *traits)
{
    return traits->is_cooperative ? traits->multiprocessors / (2 * GPU_GROUP_SLICES) : 0;
}

static void choose_recurrence(struct gpu_plan *p, const struct gpu_traits *traits)
{
    const int32_t h = p->hidden;
    p->recurrence = GPU_STEPS;
    if (p->precision == LSTM_PRECISION_FP32)
        return;
    if (h <= GPU_ALONE_MAX) {
        p->recurrence = GPU_ALONE;
        p->sizes.hidden = h <= 32 ? 32 : h <= 64 ? 64 : GPU_ALONE_MAX;
    } else if (h <= GPU_GROUP_HIDDEN && resident_groups(traits) > 0) {
        p->recurrence = GPU_GROUPS;
        p->sizes.hidden = GPU_GROUP_HIDDEN;
        p->groups = resident_groups(traits);
    }
}

struct gpu_plan gpu_plan_make(const struct lstm_sizes *sizes, enum lstm_precision precision,
                              const struct gpu_traits *traits)
{
    struct gpu_plan p = { .sizes = *sizes,
                          .hidden = sizes->hidden,
                          .precision = precision,
                          .element = precision == LSTM_PRECISION_FP16 ? 2 : 4,
                          .multiprocessors = traits->multiprocessors };
    choose_recurrence(&p, traits);
    const size_t h = (size_t)p.sizes.hidden;
    const size_t state = (sizes->layers > 1 ? 10 : 2) * h * p.element + sizeof(int32_t);
    const size_t row = gpu_plan_pool(&p) * sizeof(float) +
                       (p.recurrence == GPU_STEPS ? 2 * h * (5 * sizeof(float) + p.element) : 0);
    p.states_max = least(STATES_MAX, (int32_t)(ROUND_SIZE / state));
    p.states_max = p.states_max < sizes->window ? sizes->window : p.states_max;
    p.rows_max = GPU_ROWS_MAX;
    while (p.rows_max > GPU_TILE_ROWS && (size_t)p.rows_max * row > ROUND_SIZE / 4)
        p.rows_max /= 2;
    p.written_max = WRITTEN_MAX;
    while (p.written_max > LSTM_SUMMARY_BEAM_MAX &&
           (size_t)p.written_max * (size_t)sizes->vocab * sizeof(float) > LOGITS_SIZE)
        p.written_max /= 2;
    return p;
}

int32_t gpu_plan_parts(int32_t rows, int32_t tiles)
{
    return (rows + tiles * GPU_TILE_ROWS - 1) / (tiles * GPU_TILE_ROWS);
}

int32_t gpu_plan_tiles(const struct gpu_plan *plan, int32_t rows)
{
    const int32_t tiles = gpu_plan_parts(rows, 1);
    if (plan->recurrence == GPU_ALONE) /* a narrow block leaves room for others beside it */
        return 2 * tiles * plan->sizes.hidden <= plan->multiprocessors * GPU_ALONE_MAX ? 1 : 2;
    return least((tiles + plan->groups - 1) / plan->groups, GPU_GROUP_TILES_MAX);
}

int gpu_plan_graph(int32_t rows)
{
    int graph = 0;
    while (GPU_TILE_ROWS << graph < rows)
        graph++;
    return graph;
}

static size_t advance(size_t *at, size_t bytes)
{
    const size_t here = *at;
    *at += (bytes + 63) / 64 * 64;
    return here;
}

struct gpu_vectors_at gpu_plan_vectors(const struct gpu_plan *plan)
{
    const size_t e = (size_t)plan->sizes.embedding, s = 2 * (size_t)plan->sizes.hidden;
    const size_t d = (size_t)plan->sizes.decoder, a = (size_t)plan->sizes.alignment;
    struct gpu_vectors_at at = { .bridge_bias = 0 };
    at.align_bias = at.bridge_bias + 2 * d;
    at.align_coverage = at.align_bias + a;
    at.align_score = at.align_coverage + a;
    at.copy = at.align_score + a;
    at.copy_token = at.copy + s + d;
    at.output_bias = at.copy_token + (size_t)plan->sizes.vocab;
    at.vocabulary_bias = at.output_bias + e;
    at.end = at.vocabulary_bias + (size_t)plan->sizes.vocab;
    return at;
}

static void add_decoder(const struct gpu_plan *plan, struct gpu_weights_at *at)
{
    const size_t e = (size_t)plan->sizes.embedding, s = 2 * (size_t)plan->sizes.hidden;
    const size_t d = (size_t)plan->sizes.decoder, a = (size_t)plan->sizes.alignment;
    const size_t vocab = (size_t)plan->sizes.vocab, element = plan->element;
    at->decoder.table = advance(&at->end, vocab * 4 * d * element);
    at->decoder.gates = advance(&at->end, 4 * d * (s + d) * element);
    at->decoder.bridge = advance(&at->end, 2 * d * s * element);
    at->decoder.align_state = advance(&at->end, a * s * element);
    at->decoder.align_query = advance(&at->end, a * d * element);
    at->decoder.output = advance(&at->end, e * (s + d) * element);
    at->decoder.vocabulary = advance(&at->end, vocab * e * element);
    at->decoder.vectors = advance(&at->end, gpu_plan_vectors(plan).end * sizeof(float));
}

struct gpu_weights_at gpu_plan_weights(const struct gpu_plan *plan)
{
    const size_t h = (size_t)plan->sizes.hidden, gates = 8 * h;
    struct gpu_weights_at at = { .table = 0 };
    at.table = advance(&at.end, (size_t)plan->sizes.vocab * gates * plan->element);
    for (int layer = 0; layer < plan->sizes.layers; layer++) {
        at.recurrent[layer] = advance(&at.end, gates * h * plan->element);
        if (layer) {
            at.above[layer] = advance(&at.end, gates * 2 * h * plan->element);
            at.above_bias[layer] = advance(&at.end, gates * sizeof(float));
        }
    }
    if (plan->sizes.decoder)
        add_decoder(plan, &at);
    else
        at.head =
            advance(&at.end, (2 * h + (size_t)plan->sizes.classes * (6 * h + 1)) * sizeof(float));
    return at;
}
