/* A round through the encoder: up to the states of its windows. */
#include "gpu/session.h"

#include <string.h>

static enum lstm_status upload(struct gpu_slot *slot, struct lstm_error *err)
{
    enum lstm_status rc = LSTM_OK;
    struct gpu_round *r = &slot->round;
    const cudaStream_t stream = slot->stream;
    const int32_t rows = GPU_TILE_ROWS << gpu_plan_graph(r->rows_count);
    memset(r->rows + r->rows_count, 0, (size_t)(rows - r->rows_count) * sizeof *r->rows);
    GPU_TRY(cudaMemcpyAsync(slot->rows, r->rows, (size_t)rows * sizeof *r->rows,
                            cudaMemcpyHostToDevice, stream));
    GPU_TRY(cudaMemcpyAsync(slot->texts, r->texts, (size_t)r->texts_count * sizeof *r->texts,
                            cudaMemcpyHostToDevice, stream));
    GPU_TRY(cudaMemcpyAsync(slot->tokens, r->tokens, (size_t)r->tokens_count * sizeof *r->tokens,
                            cudaMemcpyHostToDevice, stream));
done:
    return rc;
}

/* The input products of a layer above the first, of all states at once. */
static enum lstm_status multiply(struct lstm_session *s, struct gpu_slot *slot, int layer,
                                 struct lstm_error *err)
{
    enum lstm_status rc = LSTM_OK;
    const struct lstm_loaded *n = s->network;
    const int32_t h = n->plan.sizes.hidden;
    const struct gpu_product product = { .precision = n->plan.precision,
                                         .rows = slot->round.states_count,
                                         .cols = 8 * h,
                                         .depth = 2 * h,
                                         .a = slot->states,
                                         .b = n->memory + n->at.above[layer],
                                         .c = slot->products,
                                         .is_added = 1 };
    const void *bias = n->memory + n->at.above_bias[layer];
    GPU_TRY(gpu_fill(slot->stream, n->plan.precision, product.rows, product.cols, bias,
                     slot->products));
    rc = gpu_blas_multiply(&s->blas, slot->stream, slot->branch, &product, err);
done:
    return rc;
}

static enum lstm_status recur(struct lstm_session *s, struct gpu_slot *slot, int number,
                              struct lstm_error *err)
{
    enum lstm_status rc = LSTM_OK;
    const struct lstm_loaded *n = s->network;
    const int32_t rows = slot->round.rows_count;
    const struct gpu_layer layer = { .rows = slot->rows,
                                     .count = rows,
                                     .hidden = n->plan.sizes.hidden,
                                     .tokens = number ? NULL : slot->tokens,
                                     .inputs = number ? slot->products : n->memory + n->at.table,
                                     .recurrent = n->memory + n->at.recurrent[number],
                                     .states = slot->states };
    if (n->plan.recurrence == GPU_STEPS)
        return gpu_slot_steps(slot, &s->blas, number, &layer, err);
    const int32_t tiles = gpu_plan_tiles(&n->plan, rows);
    if (n->plan.recurrence == GPU_ALONE) {
        GPU_TRY(gpu_recur_alone(slot->stream, &layer, tiles));
        return rc;
    }
    GPU_TRY(cudaMemsetAsync(slot->meetings, 0,
                            gpu_plan_meetings(rows, tiles) * sizeof *slot->meetings, slot->stream));
    GPU_TRY(gpu_recur_groups(slot->stream, &n->plan, &layer, tiles, slot->meetings));
done:
    return rc;
}

enum lstm_status gpu_session_read(struct lstm_session *s, struct gpu_slot *slot,
                                  struct lstm_error *err)
{
    slot->is_busy = 1; /* from the first of what follows on */
    enum lstm_status rc = upload(slot, err);
    for (int layer = 0; layer < s->network->plan.sizes.layers && !rc; layer++) {
        if (layer)
            rc = multiply(s, slot, layer, err);
        if (!rc)
            rc = recur(s, slot, layer, err);
    }
    return rc;
}
