#include "gpu/session.h"

#include <stdlib.h>
#include <string.h>

enum { STATES_MIN = 1 << 14 }; /* room for so many is made at first: growing later costs more */

static size_t carried_size(const struct lstm_session *s)
{
    return 2 * gpu_plan_pool(&s->network->plan) * sizeof(float);
}

static void close_entered(struct lstm_session *s)
{
    gpu_writer_close(&s->writer);
    for (int i = 0; i < GPU_SLOTS; i++)
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
    const int is_writer = plan->sizes.decoder != 0;
    enum lstm_status rc = LSTM_OK;
    if (plan->recurrence == GPU_STEPS || plan->sizes.layers > 1 || is_writer)
        rc = gpu_blas_open(s->network->device, GPU_SLOTS * GPU_SLOT_BRANCHES + is_writer, &s->blas,
                           err);
    for (int i = 0; !rc && i < GPU_SLOTS; i++)
        rc = gpu_slot_open(&s->slots[i], s->network, i * GPU_SLOT_BRANCHES, err);
    if (!rc)
        rc = gpu_device_allocate(s->network->device, carried_size(s), (void **)&s->carried, err);
    if (!rc && is_writer)
        rc = gpu_writer_open(&s->writer, s->network, &s->blas, GPU_SLOTS * GPU_SLOT_BRANCHES, err);
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
    if ((rc = gpu_session_read(s, slot, err)))
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

enum lstm_status gpu_session_reserve(struct lstm_session *s, const struct lstm_batch *batch,
                                     int *slots, struct lstm_error *err)
{
    const struct gpu_plan *plan = &s->network->plan;
    const int32_t window = plan->sizes.window;
    int32_t rows, states, states_max = window > STATES_MIN ? window : STATES_MIN;
    enum lstm_status rc;
    gpu_round_measure(&plan->sizes, batch, plan->rows_max, plan->states_max, &rows, &states);
    *slots = rows == plan->rows_max || states > plan->states_max - window ? GPU_SLOTS : 1;
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
        *slots = GPU_SLOTS;
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

void gpu_session_drain(struct lstm_session *s)
{
    for (int i = 0; i < GPU_SLOTS; i++) {
        (void)cudaStreamSynchronize(s->slots[i].stream);
        (void)cudaStreamSynchronize(s->slots[i].side);
        s->slots[i].is_busy = 0;
    }
    if (s->writer.stream)
        (void)cudaStreamSynchronize(s->writer.stream);
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
    if (!(rc = gpu_session_reserve(s, batch, &slots, err)) &&
        (rc = run(s, batch, slots, logits, err)))
        gpu_session_drain(s);
    gpu_device_leave(before);
    return rc;
}
