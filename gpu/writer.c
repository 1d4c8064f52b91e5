#include "gpu/writer.h"
#include "model/beam_rules.h"
#include "model/carve.h"
#include "model/cpu_kernels.h"

#include <string.h>

enum lstm_status gpu_writer_open(struct gpu_writer *w, const struct lstm_loaded *network,
                                 const struct gpu_blas *blas, int branch, struct lstm_error *err)
{
    enum lstm_status rc = LSTM_OK;
    *w = (struct gpu_writer){ .network = network, .blas = blas, .branch = branch };
    GPU_TRY(cudaStreamCreateWithFlags(&w->stream, cudaStreamNonBlocking));
    for (int i = 0; i < GPU_WRITER_LOOKS; i++)
        GPU_TRY(cudaEventCreateWithFlags(&w->looked[i], cudaEventDisableTiming));
done:
    return rc;
}

static void release(struct gpu_writer *w)
{
    if (w->pinned)
        (void)cudaFreeHost(w->pinned);
    w->pinned = NULL;
    gpu_device_free(w->network->device, w->memory, w->memory_size);
    w->memory = NULL;
    w->pinned_size = w->memory_size = 0;
}

void gpu_writer_close(struct gpu_writer *w)
{
    if (!w->network)
        return;
    release(w);
    for (int i = 0; i < GPU_WRITER_LOOKS; i++)
        if (w->looked[i])
            (void)cudaEventDestroy(w->looked[i]);
    if (w->stream)
        (void)cudaStreamDestroy(w->stream);
    memset(w, 0, sizeof *w);
}

/* ---- memory ---- */

static void lay_out_inputs(const struct gpu_writer *w, struct gpu_inputs *in, struct carver *carver)
{
    const size_t texts = (size_t)w->texts, tokens = (size_t)w->tokens;
    const size_t most = (size_t)w->settings.max_tokens;
    in->sources = carve(carver, texts, sizeof *in->sources);
    in->penalties = carve(carver, most + 2, sizeof *in->penalties);
    in->tokens = carve(carver, tokens, sizeof *in->tokens);
    in->next = carve(carver, tokens, sizeof *in->next);
    in->heads = carve(carver, tokens, sizeof *in->heads);
}

static void lay_out_forced(const struct gpu_writer *w, struct gpu_inputs *in, struct carver *carver)
{
    const size_t count = (size_t)w->texts * (size_t)w->settings.max_tokens;
    in->forced = carve(carver, w->settings.attention ? count : 0, sizeof *in->forced);
}

static void lay_out_pinned(struct gpu_writer *w, struct carver *carver)
{
    const size_t texts = (size_t)w->texts, most = (size_t)w->settings.max_tokens;
    struct gpu_outputs *out = &w->outputs;
    lay_out_inputs(w, &w->inputs, carver);
    w->inputs_size = carver->used;
    lay_out_forced(w, &w->inputs, carver);
    out->progress = carve(carver, GPU_WRITER_LOOKS, sizeof *out->progress);
    out->ended = carve(carver, texts, sizeof *out->ended);
    out->best = carve(carver, texts * most, sizeof *out->best);
    out->best_origins = carve(carver, texts * most, sizeof *out->best_origins);
    out->attention =
        carve(carver, w->settings.attention ? (size_t)w->tokens : 0, sizeof *out->attention);
    out->generate = carve(carver, texts, sizeof *out->generate);
}

static void lay_out_rows(struct gpu_group *g, size_t element, struct carver *carver)
{
    const size_t rows = (size_t)g->texts * (size_t)g->beam, most = (size_t)g->max_tokens;
    const size_t units = (size_t)g->units, joined = (size_t)g->states + units;
    g->live = carve(carver, rows, sizeof *g->live);
    g->before = carve(carver, rows * joined, element);
    g->after = carve(carver, rows * joined, element);
    g->output = carve(carver, rows * (size_t)g->embedding, element);
    g->cell_before = carve(carver, rows * units, sizeof(float));
    g->cell_after = carve(carver, rows * units, sizeof(float));
    g->products = carve(carver, rows * 4 * units, sizeof(float));
    g->query = carve(carver, rows * (size_t)g->alignment, sizeof(float));
    g->generate = carve(carver, rows, sizeof(float));
    g->sums = carve(carver, rows * (size_t)g->embedding, sizeof(float));
    g->shares = carve(carver, rows * (size_t)g->vocab, sizeof(float));
    g->candidates = carve(carver, rows * (size_t)g->width, sizeof *g->candidates);
    g->candidate_counts = carve(carver, rows, sizeof(int32_t));
    g->following = carve(carver, rows, sizeof *g->following);
    g->written = carve(carver, rows * most, sizeof(int32_t));
    g->origins = carve(carver, rows * most, sizeof(int32_t));
    g->following_written = carve(carver, rows * most, sizeof(int32_t));
    g->following_origins = carve(carver, rows * most, sizeof(int32_t));
}

static void lay_out_texts(struct gpu_group *g, struct carver *carver)
{
    const size_t texts = (size_t)g->texts, most = (size_t)g->max_tokens;
    g->rows = carve(carver, 1, sizeof *g->rows);
    g->progress = carve(carver, 1, sizeof *g->progress);
    g->runs = carve(carver, texts, sizeof *g->runs);
    g->following_counts = carve(carver, texts, sizeof(int32_t));
    g->places = carve(carver, texts, sizeof(int32_t));
    g->ended = carve(carver, texts, sizeof *g->ended);
    g->best = carve(carver, texts * most, sizeof(int32_t));
    g->best_origins = carve(carver, texts * most, sizeof(int32_t));
}

static void lay_out_device(struct gpu_writer *w, struct carver *carver)
{
    struct gpu_inputs in = { .tokens = NULL };
    struct gpu_group *g = &w->group;
    const size_t tokens = (size_t)w->tokens, positions = tokens * (size_t)g->beam;
    const size_t element = w->network->plan.element;
    lay_out_inputs(w, &in, carver); /* first, as in pinned memory */
    lay_out_forced(w, &in, carver);
    g->sources = in.sources;
    g->penalties = in.penalties;
    g->tokens = in.tokens;
    g->next = in.next;
    g->heads = in.heads;
    g->forced = in.forced;
    g->source_states = carve(carver, tokens * (size_t)g->states, element);
    g->keys = carve(carver, tokens * (size_t)g->alignment, element);
    g->coverage_before = carve(carver, positions, sizeof(float));
    g->attention = carve(carver, positions, sizeof(float));
    g->coverage_after = carve(carver, positions, sizeof(float));
    lay_out_texts(g, carver);
    lay_out_rows(g, element, carver);
}

static struct gpu_decoder decoder_of(const struct lstm_loaded *n)
{
    const struct gpu_decoder_at *at = &n->at.decoder;
    const struct gpu_vectors_at in = gpu_plan_vectors(&n->plan);
    const float *vectors = (const float *)(const void *)(n->memory + at->vectors);
    return (struct gpu_decoder){ .table = n->memory + at->table,
                                 .gates = n->memory + at->gates,
                                 .bridge = n->memory + at->bridge,
                                 .align_state = n->memory + at->align_state,
                                 .align_query = n->memory + at->align_query,
                                 .output = n->memory + at->output,
                                 .vocabulary = n->memory + at->vocabulary,
                                 .bridge_bias = vectors + in.bridge_bias,
                                 .align_bias = vectors + in.align_bias,
                                 .align_coverage = vectors + in.align_coverage,
                                 .align_score = vectors + in.align_score,
                                 .copy = vectors + in.copy,
                                 .copy_token = vectors + in.copy_token,
                                 .output_bias = vectors + in.output_bias,
                                 .vocabulary_bias = vectors + in.vocabulary_bias };
}

/* Products read all rows that there may be, and those that there are not must be numbers. */
static enum lstm_status clear(struct gpu_writer *w, struct lstm_error *err)
{
    enum lstm_status rc = LSTM_OK;
    const struct gpu_group *g = &w->group;
    const size_t rows = (size_t)g->texts * (size_t)g->beam, element = w->network->plan.element;
    const size_t joined = (size_t)(g->states + g->units);
    GPU_TRY(cudaMemsetAsync(g->before, 0, rows * joined * element, w->stream));
    GPU_TRY(cudaMemsetAsync(g->after, 0, rows * joined * element, w->stream));
    GPU_TRY(cudaMemsetAsync(g->output, 0, rows * (size_t)g->embedding * element, w->stream));
done:
    return rc;
}

enum lstm_status gpu_writer_reserve(struct gpu_writer *w, int32_t texts, int32_t tokens,
                                    const struct lstm_summary_settings *settings,
                                    struct lstm_error *err)
{
    enum lstm_status rc = LSTM_OK;
    const struct lstm_sizes *sizes = &w->network->plan.sizes;
    struct carver pinned = { .used = 0 }, device = { .used = 0 };
    w->settings = *settings;
    w->texts = texts;
    w->tokens = tokens;
    w->group = (struct gpu_group){ .decoder = decoder_of(w->network),
                                   .states = 2 * sizes->hidden,
                                   .units = sizes->decoder,
                                   .embedding = sizes->embedding,
                                   .alignment = sizes->alignment,
                                   .vocab = sizes->vocab,
                                   .texts = texts,
                                   .beam = settings->beam,
                                   .width = settings->beam + 1,
                                   .max_tokens = settings->max_tokens,
                                   .min_tokens = settings->min_tokens };
    lay_out_pinned(w, &pinned);
    lay_out_device(w, &device);
    if (pinned.used > w->pinned_size || device.used > w->memory_size) {
        release(w);
        GPU_TRY(cudaMallocHost(&w->pinned, pinned.used));
        w->pinned_size = pinned.used;
        if ((rc = gpu_device_allocate(w->network->device, device.used, &w->memory, err)))
            goto done;
        w->memory_size = device.used;
    }
    pinned = (struct carver){ .memory = w->pinned };
    device = (struct carver){ .memory = w->memory };
    lay_out_pinned(w, &pinned);
    lay_out_device(w, &device);
    rc = clear(w, err);
done:
    if (rc)
        release(w);
    return rc;
}

/* ---- sources ---- */

/* Where a text has its tokens first and where next. last: vocab, all -1, before and after. */
static void link_tokens(const struct gpu_writer *w, struct gpu_source *source, int32_t *last)
{
    const int32_t *tokens = w->inputs.tokens + source->first;
    int32_t *next = w->inputs.next + source->first, *heads = w->inputs.heads + source->head;
    for (int32_t i = 0; i < source->count; i++) {
        const int32_t before = last[tokens[i]];
        if (before < 0)
            heads[source->heads++] = i;
        else
            next[before] = i;
        next[i] = -1;
        last[tokens[i]] = i;
    }
    for (int32_t i = 0; i < source->heads; i++)
        last[tokens[heads[i]]] = -1;
}

enum lstm_status gpu_writer_upload(struct gpu_writer *w, const struct lstm_batch *batch,
                                   struct lstm_error *err)
{
    enum lstm_status rc = LSTM_OK;
    float (*const exponential)(float) = cpu_kernels_pick(NULL)->exp;
    const struct gpu_inputs *in = &w->inputs;
    const size_t vocab = (size_t)w->network->plan.sizes.vocab;
    int32_t *last = malloc(vocab * sizeof *last);
    if (!last)
        return lstm_fail(err, LSTM_NOMEM, "out of memory for %d texts", w->texts);
    for (size_t v = 0; v < vocab; v++)
        last[v] = -1;
    memset(w->pinned, 0, w->inputs_size); /* what lies between the arrays is copied too */
    memcpy(in->tokens, batch->tokens, (size_t)w->tokens * sizeof *in->tokens);
    for (int32_t i = 0, head = 0; i < w->texts; i++) {
        in->sources[i] = (struct gpu_source){ .first = batch->starts[i],
                                              .count = batch->starts[i + 1] - batch->starts[i],
                                              .head = head };
        link_tokens(w, &in->sources[i], last);
        head += in->sources[i].heads;
    }
    for (int32_t n = 0; n < w->settings.max_tokens + 2; n++)
        in->penalties[n] = beam_penalty(w->settings.length_penalty, n, exponential);
    GPU_TRY(
        cudaMemcpyAsync(w->memory, w->pinned, w->inputs_size, cudaMemcpyHostToDevice, w->stream));
done:
    free(last);
    return rc;
}
