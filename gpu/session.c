#include "gpu/session.h"
#include "gpu/slot.h"

#include <stdlib.h>
#include <string.h>

enum {
    SLOTS = 2,
    STATES_MIN = 1 << 14 /* room for so many is made at first: growing later costs more */
};

struct lstm_session {
    const struct lstm_loaded *network; /* not ours */
    struct gpu_windows *windows;
    struct gpu_blas blas; /* of plans that multiply */
    struct gpu_slot slots[SLOTS];
    float *carried; /* of the device: two pools, of a text that goes from round to round */
};

static size_t carried_size(const struct lstm_session *s)
{
    return 2 * gpu_plan_pool(&s->network->plan) * sizeof(float);
}

static void close_entered(struct lstm_session *s)
{
    for (int i = 0; i < SLOTS; i++)
        gpu_slot_close(&s->slots[i]);
    gpu_blas_close(&s->blas);
    gpu_device_free(s->network->device, s->carried, carried_size(s));
}

void gpu_session_close(struct lstm_session *s)
{
    int before;
    if (!s)
        return;
    if (!gpu_is_forked()) {
        (void)gpu_device_enter(s->network->device, &before, NULL);
        close_entered(s);
        gpu_device_leave(before);
    }
    gpu_windows_close(s->windows);
    free(s);
}

static enum lstm_status open_entered(struct lstm_session *s, struct lstm_error *err)
{
    const struct gpu_plan *plan = &s->network->plan;
    enum lstm_status rc = LSTM_OK;
    if (plan->recurrence == GPU_STEPS || plan->sizes.layers > 1)
        rc = gpu_blas_open(s->network->device, SLOTS * GPU_SLOT_BRANCHES, &s->blas, err);
    for (int i = 0; !rc && i < SLOTS; i++)
        rc = gpu_slot_open(&s->slots[i], s->network, i * GPU_SLOT_BRANCHES, err);
    if (!rc)
        rc = gpu_device_allocate(s->network->device, carried_size(s), (void **)&s->carried, err);
    return rc;
}

enum lstm_status gpu_session_open(const struct lstm_loaded *loaded, struct lstm_session **session,
                                  struct lstm_error *err)
{
    int before;
    enum lstm_status rc;
    struct lstm_session *s = *session = calloc(1, sizeof *s);
    if (s)
        s->network = loaded;
    if (!s || !(s->windows = gpu_windows_open(loaded->plan.rows_max)))
        rc = lstm_fail(err, LSTM_NOMEM, "out of memory for a session on cuda:%d",
                       loaded->device->ordinal);
    else if (!(rc = gpu_device_enter(loaded->device, &before, err))) {
        rc = open_entered(s, err);
        gpu_device_leave(before);
    }
    if (rc) {
        gpu_session_close(s);
        *session = NULL;
    }
    return rc;
}

/* ---- a round ---- */

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

/* The whole round, without a wait. A text that goes on from the round before waits on the device
 * until that is done. */
static enum lstm_status enqueue(struct lstm_session *s, struct gpu_slot *slot, int32_t number,
                                const struct gpu_slot *earlier, struct lstm_error *err)
{
    enum lstm_status rc = LSTM_OK;
    const struct lstm_loaded *n = s->network;
    const struct gpu_round *r = &slot->round;
    const float *head = (const float *)(const void *)(n->memory + n->at.head);
    const size_t pool = gpu_plan_pool(&n->plan), classes = (size_t)n->plan.sizes.classes;
    float *carry[2] = { s->carried, s->carried + pool };
    slot->is_busy = 1; /* from the first of what follows on */
    if ((rc = upload(slot, err)))
        goto done;
    for (int layer = 0; layer < n->plan.sizes.layers; layer++)
        if ((layer && (rc = multiply(s, slot, layer, err))) || (rc = recur(s, slot, layer, err)))
            goto done;
    GPU_TRY(gpu_pool(slot->stream, &n->plan, slot->rows, r->rows_count, slot->states, head,
                     slot->pools));
    if (earlier && earlier != slot)
        GPU_TRY(cudaStreamWaitEvent(slot->stream, earlier->done, 0));
    GPU_TRY(gpu_finish(slot->stream, &n->plan, slot->texts, r->texts_count, slot->pools, head,
                       carry[(number + 1) % 2], carry[number % 2], slot->text_logits));
    GPU_TRY(cudaMemcpyAsync(slot->logits, slot->text_logits,
                            (size_t)r->texts_count * classes * sizeof *slot->logits,
                            cudaMemcpyDeviceToHost, slot->stream));
    GPU_TRY(cudaEventRecord(slot->done, slot->stream));
done:
    return rc;
}

/* Waits for the round that is under way in a slot, if there is one, and takes its logits. Of a text
 * that goes on in the next round, those of that one come later and over these. */
static enum lstm_status collect(struct gpu_slot *slot, float *logits, struct lstm_error *err)
{
    enum lstm_status rc = LSTM_OK;
    const size_t classes = (size_t)slot->network->plan.sizes.classes;
    if (!slot->is_busy)
        return LSTM_OK;
    GPU_TRY(cudaEventSynchronize(slot->done));
    slot->is_busy = 0;
    memcpy(logits + (size_t)slot->round.first_text * classes, slot->logits,
           (size_t)slot->round.texts_count * classes * sizeof *logits);
done:
    return rc;
}

/* ---- a batch ---- */

/* Room for the batch in one slot, or for a part of it in each of two; less where the device's
 * memory is short, as long as it holds a window. */
static enum lstm_status reserve(struct lstm_session *s, const struct lstm_batch *batch, int *slots,
                                struct lstm_error *err)
{
    const struct gpu_plan *plan = &s->network->plan;
    const int32_t window = plan->sizes.window;
    int32_t rows, states, states_max = window > STATES_MIN ? window : STATES_MIN;
    enum lstm_status rc;
    gpu_round_measure(&plan->sizes, batch, plan->rows_max, plan->states_max, &rows, &states);
    *slots = rows == plan->rows_max || states > plan->states_max - window ? SLOTS : 1;
    while (states_max < states + window && states_max < plan->states_max)
        states_max *= 2;
    states_max = states_max < plan->states_max ? states_max : plan->states_max;
    int32_t rows_max = GPU_TILE_ROWS << gpu_plan_graph(rows);
    for (;;) {
        rc = LSTM_OK;
        for (int i = 0; !rc && i < *slots; i++)
            rc = gpu_slot_reserve(&s->slots[i], rows_max, states_max, err);
        if (rc != LSTM_NOMEM)
            return rc;
        if (states_max <= window && rows_max <= GPU_TILE_ROWS)
            break;
        *slots = SLOTS;
        states_max = states_max / 2 > window ? states_max / 2 : window;
        rows_max = rows_max / 2 > GPU_TILE_ROWS ? rows_max / 2 : GPU_TILE_ROWS;
    }
    *slots = 1; /* then the host packs while the device waits */
    return s->slots[0].rows_max ? LSTM_OK : rc;
}

static enum lstm_status run(struct lstm_session *s, const struct lstm_batch *batch, int slots,
                            float *logits, struct lstm_error *err)
{
    struct lstm_walk walk = { 0 };
    struct gpu_slot *earlier = NULL;
    for (int32_t number = 0;; number++) {
        struct gpu_slot *slot = &s->slots[number % slots];
        enum lstm_status rc = collect(slot, logits, err);
        if (rc || (rc = gpu_round_next(s->windows, &s->network->plan.sizes, batch, &walk,
                                       slot->rows_max, slot->states_max, &slot->round, err)))
            return rc;
        if (slot->round.rows_count == 0)
            break;
        if ((rc = enqueue(s, slot, number, earlier, err)))
            return rc;
        earlier = slot;
    }
    for (int i = 0; i < slots; i++) {
        enum lstm_status rc = collect(&s->slots[i], logits, err);
        if (rc)
            return rc;
    }
    return LSTM_OK;
}

/* After an error: the device may still read and write what the next call will use. */
static void drain(struct lstm_session *s)
{
    for (int i = 0; i < SLOTS; i++) {
        (void)cudaStreamSynchronize(s->slots[i].stream);
        (void)cudaStreamSynchronize(s->slots[i].side);
        s->slots[i].is_busy = 0;
    }
}

enum lstm_status gpu_session_classify(struct lstm_session *s, const struct lstm_batch *batch,
                                      float *logits, struct lstm_error *err)
{
    int before, slots;
    enum lstm_status rc = lstm_batch_check(&s->network->plan.sizes, batch, err);
    if (rc || batch->texts == 0)
        return rc;
    if ((rc = gpu_device_enter(s->network->device, &before, err)))
        return rc;
    if (!(rc = reserve(s, batch, &slots, err)) && (rc = run(s, batch, slots, logits, err)))
        drain(s);
    gpu_device_leave(before);
    return rc;
}
