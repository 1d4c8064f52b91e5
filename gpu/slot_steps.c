/* The recurrence by steps: a graph of GPU_GRAPH_STEPS steps of both directions, made once for each
 * layer and each power of two of rows, and launched again as long as a row has that many left. A
 * graph's arguments never change; where it stands is in the device's memory. */
#include "gpu/slot.h"

/* One step of one direction on its stream. */
static enum lstm_status add_step(struct gpu_slot *slot, const struct gpu_blas *blas,
                                 int layer_number, const struct gpu_layer *layer, int32_t rows,
                                 int32_t offset, int reverse, struct lstm_error *err)
{
    const struct lstm_loaded *n = slot->network;
    const int32_t h = n->plan.sizes.hidden;
    const cudaStream_t stream = reverse ? slot->side : slot->stream;
    const size_t matrix = 4 * (size_t)h * (size_t)h * n->plan.element;
    const struct gpu_product product = { .precision = n->plan.precision,
                                         .rows = rows,
                                         .cols = 4 * h,
                                         .depth = h,
                                         .a = slot->steps.states[reverse],
                                         .b = n->memory + n->at.recurrent[layer_number] +
                                              (reverse ? matrix : 0),
                                         .c = slot->steps.products[reverse],
                                         .is_float = 1 };
    const struct gpu_step step = { .first = slot->steps.first,
                                   .offset = offset,
                                   .reverse = reverse,
                                   .products = slot->steps.products[reverse],
                                   .cells = slot->steps.cells[reverse],
                                   .states = slot->steps.states[reverse] };
    enum lstm_status rc = gpu_blas_multiply(blas, stream, slot->branch + reverse, &product, err);
    if (!rc)
        GPU_TRY(gpu_gates(stream, n->plan.precision, layer, rows, &step));
done:
    return rc;
}

static enum lstm_status add_steps(struct gpu_slot *slot, const struct gpu_blas *blas,
                                  int layer_number, const struct gpu_layer *layer, int32_t rows,
                                  struct lstm_error *err)
{
    enum lstm_status rc = LSTM_OK;
    GPU_TRY(cudaEventRecord(slot->fork, slot->stream));
    GPU_TRY(cudaStreamWaitEvent(slot->side, slot->fork, 0));
    for (int32_t i = 0; i < GPU_GRAPH_STEPS; i++)
        for (int reverse = 0; reverse < 2; reverse++)
            if ((rc = add_step(slot, blas, layer_number, layer, rows, i, reverse, err)))
                goto done;
    GPU_TRY(cudaEventRecord(slot->join, slot->side));
    GPU_TRY(cudaStreamWaitEvent(slot->stream, slot->join, 0));
    GPU_TRY(gpu_advance(slot->stream, slot->steps.first, GPU_GRAPH_STEPS));
done:
    return rc;
}

static enum lstm_status make_graph(struct gpu_slot *slot, const struct gpu_blas *blas,
                                   int layer_number, const struct gpu_layer *layer, int32_t rows,
                                   cudaGraphExec_t *made, struct lstm_error *err)
{
    enum lstm_status rc = LSTM_OK;
    cudaGraph_t graph = NULL;
    GPU_TRY(cudaStreamBeginCapture(slot->stream, cudaStreamCaptureModeThreadLocal));
    rc = add_steps(slot, blas, layer_number, layer, rows, err);
    /* capturing must end either way; of two errors the first is the one to tell */
    const cudaError_t ended = cudaStreamEndCapture(slot->stream, &graph);
    if (rc)
        (void)cudaGetLastError();
    else
        rc = gpu_status(ended, "cudaStreamEndCapture", err);
    if (!rc)
        GPU_TRY(cudaGraphInstantiate(made, graph, 0));
done:
    if (graph)
        (void)cudaGraphDestroy(graph);
    return rc;
}

/* Sets what the first step finds: nothing. */
static enum lstm_status clear(struct gpu_slot *slot, int32_t rows, struct lstm_error *err)
{
    enum lstm_status rc = LSTM_OK;
    const struct gpu_plan *plan = &slot->network->plan;
    const size_t units = (size_t)rows * (size_t)plan->sizes.hidden;
    GPU_TRY(cudaMemsetAsync(slot->steps.first, 0, sizeof *slot->steps.first, slot->stream));
    for (int reverse = 0; reverse < 2; reverse++) {
        GPU_TRY(
            cudaMemsetAsync(slot->steps.cells[reverse], 0, units * sizeof(float), slot->stream));
        GPU_TRY(
            cudaMemsetAsync(slot->steps.states[reverse], 0, units * plan->element, slot->stream));
    }
done:
    return rc;
}

enum lstm_status gpu_slot_steps(struct gpu_slot *slot, const struct gpu_blas *blas,
                                int layer_number, const struct gpu_layer *layer,
                                struct lstm_error *err)
{
    const int32_t longest = slot->round.rows[0].length;
    enum lstm_status rc = clear(slot, GPU_TILE_ROWS << gpu_plan_graph(layer->count), err);
    for (int32_t step = 0; !rc && step < longest; step += GPU_GRAPH_STEPS) {
        const int i = gpu_plan_graph(gpu_round_active(&slot->round, step));
        const int32_t rows = GPU_TILE_ROWS << i;
        cudaGraphExec_t *graph = &slot->steps.graphs[layer_number][i];
        struct gpu_layer all = *layer;
        all.count = rows; /* those that are not there have no length */
        if (!*graph)
            rc = make_graph(slot, blas, layer_number, &all, rows, graph, err);
        if (!rc)
            GPU_TRY(cudaGraphLaunch(*graph, slot->stream));
    }
done:
    return rc;
}
