/* The steps of a group: products by cuBLAS, the kernels between them, and how far the host looks.
 *
 * A search has as many steps as its longest summary, and only the device knows how long that is. So
 * the host enqueues bursts of steps, and looks at the progress of a burst when the next one is
 * already under way: the device never waits for it, and does at most two bursts too many, whose
 * rows are none. */
#include "gpu/writer.h"

#include <string.h>

enum { BURST = 4 }; /* steps */

/* ---- a step ---- */

/* c (rows x cols, floats) = a (rows x depth) times the transpose of b; both are elements. */
static enum lstm_status multiply(struct gpu_writer *w, int32_t rows, const void *a, int32_t a_row,
                                 const void *b, int32_t cols, int32_t depth, float *c,
                                 struct lstm_error *err)
{
    const struct gpu_product product = { .precision = w->network->plan.precision,
                                         .rows = rows,
                                         .cols = cols,
                                         .depth = depth,
                                         .a = a,
                                         .a_row = a_row,
                                         .b = b,
                                         .c = c,
                                         .is_float = 1 };
    return gpu_blas_multiply(w->blas, w->stream, w->branch, &product, err);
}

static enum lstm_status make_keys(struct gpu_writer *w, struct lstm_error *err)
{
    const struct gpu_product product = { .precision = w->network->plan.precision,
                                         .rows = w->tokens,
                                         .cols = w->group.alignment,
                                         .depth = w->group.states,
                                         .a = w->group.source_states,
                                         .b = w->group.decoder.align_state,
                                         .c = w->group.keys };
    return gpu_blas_multiply(w->blas, w->stream, w->branch, &product, err);
}

enum lstm_status gpu_writer_begin(struct gpu_writer *w, struct lstm_error *err)
{
    enum lstm_status rc = LSTM_OK;
    const struct gpu_group *g = &w->group;
    const enum lstm_precision precision = w->network->plan.precision;
    GPU_TRY(gpu_mean(w->stream, precision, g));
    if ((rc = multiply(w, g->texts, g->after, g->states, g->decoder.bridge, 2 * g->units, g->states,
                       g->products, err)))
        goto done;
    GPU_TRY(gpu_begin(w->stream, precision, g));
done:
    return rc;
}

/* Up to what the rows attend to. */
static enum lstm_status attend(struct gpu_writer *w, int32_t rows, struct lstm_error *err)
{
    enum lstm_status rc;
    const struct gpu_group *g = &w->group;
    const enum lstm_precision precision = w->network->plan.precision;
    const int32_t joined = g->states + g->units;
    const char *states = (const char *)g->after + (size_t)g->states * w->network->plan.element;
    if ((rc = multiply(w, rows, g->before, joined, g->decoder.gates, 4 * g->units, joined,
                       g->products, err)))
        goto done;
    GPU_TRY(gpu_decoder_cell(w->stream, precision, g, rows));
    if ((rc = multiply(w, rows, states, joined, g->decoder.align_query, g->alignment, g->units,
                       g->query, err)))
        goto done;
    GPU_TRY(gpu_attend(w->stream, precision, g, rows));
done:
    return rc;
}

enum lstm_status gpu_writer_step(struct gpu_writer *w, int32_t rows, struct lstm_error *err)
{
    const struct gpu_group *g = &w->group;
    const int32_t joined = g->states + g->units;
    enum lstm_status rc = attend(w, rows, err);
    if (rc || (rc = multiply(w, rows, g->after, joined, g->decoder.output, g->embedding, joined,
                             g->sums, err)))
        goto done;
    GPU_TRY(gpu_output(w->stream, w->network->plan.precision, g, rows));
    if ((rc = multiply(w, rows, g->output, g->embedding, g->decoder.vocabulary, g->vocab,
                       g->embedding, g->shares, err)))
        goto done;
    GPU_TRY(gpu_shares(w->stream, g, rows));
done:
    return rc;
}

enum lstm_status gpu_writer_choose(struct gpu_writer *w, struct lstm_error *err)
{
    enum lstm_status rc = LSTM_OK;
    GPU_TRY(gpu_choose(w->stream, &w->group));
    GPU_TRY(gpu_advance_rows(w->stream, w->network->plan.precision, &w->group));
done:
    return rc;
}

/* ---- a search ---- */

static enum lstm_status check_stop(const struct lstm_batch *batch, int32_t step,
                                   const struct lstm_summary_settings *settings,
                                   struct lstm_error *err)
{
    if (!batch->stop || !batch->stop(batch->stop_arg))
        return LSTM_OK;
    return lstm_fail(err, LSTM_INTERRUPTED, "interrupted after %d of at most %d tokens", step,
                     settings->max_tokens);
}

/* Steps from first on, of at most so many rows. */
static enum lstm_status burst(struct gpu_writer *w, int32_t first, int32_t rows, int look,
                              struct lstm_error *err)
{
    enum lstm_status rc = LSTM_OK;
    for (int32_t step = first; step < first + BURST && step <= w->settings.max_tokens; step++)
        if ((rc = gpu_writer_step(w, step ? rows : w->texts, err)) ||
            (rc = gpu_writer_choose(w, err)))
            goto done;
    GPU_TRY(cudaMemcpyAsync(&w->outputs.progress[look], w->group.progress,
                            sizeof *w->outputs.progress, cudaMemcpyDeviceToHost, w->stream));
    GPU_TRY(cudaEventRecord(w->looked[look], w->stream));
done:
    return rc;
}

/* The best of each text, when the search is over. */
static enum lstm_status collect(struct gpu_writer *w, struct lstm_written *written,
                                struct lstm_error *err)
{
    enum lstm_status rc = LSTM_OK;
    const struct gpu_group *g = &w->group;
    const struct gpu_outputs *out = &w->outputs;
    const size_t texts = (size_t)w->texts, most = (size_t)g->max_tokens;
    GPU_TRY(cudaMemcpyAsync(out->ended, g->ended, texts * sizeof *out->ended,
                            cudaMemcpyDeviceToHost, w->stream));
    GPU_TRY(cudaMemcpyAsync(out->best, g->best, texts * most * sizeof *out->best,
                            cudaMemcpyDeviceToHost, w->stream));
    GPU_TRY(cudaMemcpyAsync(out->best_origins, g->best_origins,
                            texts * most * sizeof *out->best_origins, cudaMemcpyDeviceToHost,
                            w->stream));
    GPU_TRY(cudaStreamSynchronize(w->stream));
    for (size_t i = 0; i < texts; i++) {
        const size_t size = (size_t)out->ended[i].count * sizeof(int32_t);
        written[i].count = out->ended[i].count;
        written[i].log_share = out->ended[i].score;
        memcpy(written[i].tokens, out->best + i * most, size);
        memcpy(written[i].origins, out->best_origins + i * most, size);
    }
done:
    return rc;
}

enum lstm_status gpu_writer_search(struct gpu_writer *w, const struct lstm_batch *batch,
                                   struct lstm_written *written, struct lstm_error *err)
{
    int32_t rows = w->texts * w->settings.beam;
    enum lstm_status rc = make_keys(w, err);
    if (!rc)
        rc = gpu_writer_begin(w, err);
    for (int32_t step = 0, number = 0; step <= w->settings.max_tokens && !rc;
         step += BURST, number++) {
        const int look = number % GPU_WRITER_LOOKS;
        if ((rc = check_stop(batch, step, &w->settings, err)))
            break;
        if (number >= GPU_WRITER_LOOKS) {
            GPU_TRY(cudaEventSynchronize(w->looked[look]));
            rows = w->outputs.progress[look].rows_max;
            if (w->outputs.progress[look].rows == 0)
                break;
        }
        rc = burst(w, step, rows, look, err);
    }
    if (!rc)
        rc = collect(w, written, err);
done:
    return rc;
}

/* ---- once more, to see what was attended to ---- */

static enum lstm_status take_attention(struct gpu_writer *w, int32_t step,
                                       struct lstm_written *written, struct lstm_error *err)
{
    enum lstm_status rc = LSTM_OK;
    const struct gpu_outputs *out = &w->outputs;
    GPU_TRY(cudaMemcpyAsync(out->attention, w->group.attention, (size_t)w->tokens * sizeof(float),
                            cudaMemcpyDeviceToHost, w->stream));
    GPU_TRY(cudaMemcpyAsync(out->generate, w->group.generate, (size_t)w->texts * sizeof(float),
                            cudaMemcpyDeviceToHost, w->stream));
    GPU_TRY(cudaStreamSynchronize(w->stream));
    for (int32_t i = 0; i < w->texts; i++) {
        const struct gpu_source *source = &w->inputs.sources[i];
        const size_t count = (size_t)source->count;
        if (step >= written[i].count)
            continue;
        memcpy(written[i].weights + (size_t)step * count, out->attention + source->first,
               count * sizeof(float));
        written[i].generate[step] = out->generate[i];
    }
done:
    return rc;
}

/* Texts whose summaries are shorter write on until the longest is done, and nobody looks. */
static void put_forced(struct gpu_writer *w, const struct lstm_written *written, int32_t *longest)
{
    const size_t most = (size_t)w->settings.max_tokens;
    *longest = 0;
    memset(w->inputs.forced, 0, (size_t)w->texts * most * sizeof *w->inputs.forced);
    for (size_t i = 0; i < (size_t)w->texts; i++) {
        memcpy(w->inputs.forced + i * most, written[i].tokens,
               (size_t)written[i].count * sizeof *w->inputs.forced);
        *longest = written[i].count > *longest ? written[i].count : *longest;
    }
}

enum lstm_status gpu_writer_replay(struct gpu_writer *w, const struct lstm_batch *batch,
                                   struct lstm_written *written, struct lstm_error *err)
{
    enum lstm_status rc = LSTM_OK;
    const size_t forced = (size_t)w->texts * (size_t)w->settings.max_tokens;
    int32_t longest;
    put_forced(w, written, &longest);
    w->group.beam = 1;
    GPU_TRY(cudaMemcpyAsync(w->group.forced, w->inputs.forced, forced * sizeof(int32_t),
                            cudaMemcpyHostToDevice, w->stream));
    rc = gpu_writer_begin(w, err);
    for (int32_t step = 0; step < longest && !rc; step++) {
        if ((rc = check_stop(batch, step, &w->settings, err)) || (rc = attend(w, w->texts, err)) ||
            (rc = take_attention(w, step, written, err)))
            break;
        GPU_TRY(gpu_force(w->stream, &w->group, step));
        GPU_TRY(gpu_advance_rows(w->stream, w->network->plan.precision, &w->group));
    }
done:
    w->group.beam = w->settings.beam;
    return rc;
}
