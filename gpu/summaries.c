/* Summaries of a batch: group by group, its windows are read round by round, all states of its
 * texts are kept, and the decoder writes. */
#include "gpu/session.h"

#include <stdlib.h>

enum { GROUP_TOKENS = 1 << 16 }; /* of a group, unless it is one text */

/* Texts from first on as a batch; starts: room for texts_max + 1. */
static struct lstm_batch next_group(const struct lstm_batch *batch, int32_t first,
                                    int32_t texts_max, int32_t *starts)
{
    const int32_t *from = batch->starts + first;
    struct lstm_batch group = *batch;
    group.tokens = batch->tokens + from[0];
    group.starts = starts;
    group.texts = starts[0] = 0;
    while (group.texts < texts_max && first + group.texts < batch->texts) {
        const int32_t end = from[group.texts + 1] - from[0];
        if (group.texts > 0 && end > GROUP_TOKENS)
            break;
        starts[++group.texts] = end;
    }
    return group;
}

/* Waits until the host may write the slot's round again. */
static enum lstm_status await(struct gpu_slot *slot, struct lstm_error *err)
{
    enum lstm_status rc = LSTM_OK;
    if (slot->is_busy)
        GPU_TRY(cudaEventSynchronize(slot->done));
    slot->is_busy = 0;
done:
    return rc;
}

/* One round: its own states to the places of their tokens. */
static enum lstm_status read_round(struct lstm_session *s, struct gpu_slot *slot,
                                   struct lstm_error *err)
{
    const struct gpu_round *r = &slot->round;
    enum lstm_status rc = gpu_session_read(s, slot, err);
    if (rc)
        return rc;
    GPU_TRY(gpu_keep(slot->stream, &s->network->plan, slot->rows, r->rows_count, slot->states,
                     r->first_token, s->writer.group.source_states));
    GPU_TRY(cudaEventRecord(slot->done, slot->stream));
    GPU_TRY(cudaStreamWaitEvent(s->writer.stream, slot->done, 0));
done:
    return rc;
}

static enum lstm_status read_group(struct lstm_session *s, const struct lstm_batch *group,
                                   struct lstm_error *err)
{
    struct lstm_walk walk = { 0 };
    int slots;
    enum lstm_status rc = gpu_session_reserve(s, group, &slots, err);
    for (int32_t number = 0; !rc && walk.text < group->texts; number++) {
        struct gpu_slot *slot = &s->slots[number % slots];
        if (!(rc = await(slot, err)) &&
            !(rc = gpu_round_next(s->windows, &s->network->plan.sizes, group, &walk, slot->rows_max,
                                  slot->states_max, &slot->round, err)))
            rc = read_round(s, slot, err);
    }
    return rc;
}

static enum lstm_status write_group(struct lstm_session *s, const struct lstm_batch *group,
                                    const struct lstm_summary_settings *settings,
                                    struct lstm_written *written, struct lstm_error *err)
{
    enum lstm_status rc = gpu_writer_upload(&s->writer, group, err);
    if (rc || (rc = read_group(s, group, err)) ||
        (rc = gpu_writer_search(&s->writer, group, written, err)))
        return rc;
    return settings->attention ? gpu_writer_replay(&s->writer, group, written, err) : LSTM_OK;
}

static enum lstm_status write_all(struct lstm_session *s, const struct lstm_batch *batch,
                                  const struct lstm_summary_settings *settings, int32_t *starts,
                                  struct lstm_written *written, struct lstm_error *err)
{
    int32_t texts_max = s->network->plan.written_max / settings->beam, first = 0;
    enum lstm_status rc = LSTM_OK;
    while (first < batch->texts && !rc) {
        const struct lstm_batch group = next_group(batch, first, texts_max, starts);
        rc = gpu_writer_reserve(&s->writer, group.texts, starts[group.texts], settings, err);
        if (rc == LSTM_NOMEM && group.texts > 1) { /* less at once, then */
            texts_max = group.texts / 2;
            rc = LSTM_OK;
            continue;
        }
        if (!rc)
            rc = write_group(s, &group, settings, written + first, err);
        first += group.texts;
    }
    return rc;
}

enum lstm_status gpu_session_write(struct lstm_session *s, const struct lstm_batch *batch,
                                   const struct lstm_summary_settings *settings,
                                   struct lstm_written *written, struct lstm_error *err)
{
    int before;
    enum lstm_status rc = lstm_batch_check(&s->network->plan.sizes, batch, err);
    if (rc || batch->texts == 0)
        return rc;
    if (settings->contrast > 0.0f || settings->tone > 0.0f || settings->whole_words)
        return lstm_fail(err, LSTM_RANGE,
                         "contrast is %g, tone %g and whole_words %d: on this device they are 0",
                         (double)settings->contrast, (double)settings->tone,
                         (int)settings->whole_words);
    int32_t *starts = malloc(((size_t)batch->texts + 1) * sizeof *starts);
    if (!starts)
        return lstm_fail(err, LSTM_NOMEM, "out of memory for a batch of %d texts", batch->texts);
    if ((rc = gpu_device_enter(s->network->device, &before, err)))
        goto done;
    if ((rc = write_all(s, batch, settings, starts, written, err)))
        gpu_session_drain(s);
    gpu_device_leave(before);
done:
    free(starts);
    return rc;
}
