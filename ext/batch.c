#include "batch.h"

#include "interrupt.h"

#include <stdlib.h>
#include <string.h>

int batch_add(struct batch *batch, struct request *request, const struct lstm_text *text,
              const struct fingerprint *key, size_t slot)
{
    if (batch->count == batch->room) {
        int32_t room = batch->room ? 2 * batch->room : 16;
        struct waiting *texts = realloc(batch->texts, (size_t)room * sizeof *texts);
        if (!texts)
            return 0;
        batch->texts = texts;
        batch->room = room;
    }
    if (text->size > batch->bytes_room - batch->bytes_size) {
        size_t room = 2 * batch->bytes_room + text->size;
        char *bytes = realloc(batch->bytes, room);
        if (!bytes)
            return 0;
        batch->bytes = bytes;
        batch->bytes_room = room;
    }
    memcpy(batch->bytes + batch->bytes_size, text->bytes, text->size);
    batch->texts[batch->count++] =
        (struct waiting){ request, *key, slot, batch->bytes_size, text->size };
    batch->bytes_size += text->size;
    request_hold(request);
    return 1;
}

int batch_is_full(const struct batch *batch)
{
    return batch->count >= batch->registry->settings.batch || batch->bytes_size >= BATCH_BYTES_MAX;
}

/* Texts of one request, and where their results go. */
struct group {
    struct registry *registry;
    const struct request *request;
    const struct lstm_text *texts;
    const struct waiting *waiting; /* the same texts */
    struct result_window *window;  /* NULL: one text, into registry->result */
};

/* What the window has no memory for, the cache may have. */
static void put(void *arg, int32_t text, const void *bytes, size_t size)
{
    const struct group *group = arg;
    const struct waiting *waiting = &group->waiting[text];
    const struct keepsake result = { &waiting->key, size > 0 ? bytes : "", size };
    struct result *alone = &group->registry->result;
    if (group->window && result_window_set(group->window, waiting->slot, result.bytes, size))
        return; /* see keep */
    result_cache_keep(&result, 1);
    if (!group->window && result_reserve(alone, size)) {
        memcpy(alone->bytes, result.bytes, size);
        alone->size = size;
    }
}

/* Puts the results of a group into the cache. */
static void keep(struct group group, int32_t count, struct keepsake *results)
{
    int32_t kept = 0;
    for (int32_t i = 0; i < count; i++) {
        const struct result_slot *slot = &group.window->slots[group.waiting[i].slot];
        if (slot->state == SLOT_READY)
            results[kept++] =
                (struct keepsake){ &slot->key, result_window_bytes(group.window, slot),
                                   slot->size };
    }
    result_cache_keep(results, kept);
}

static enum lstm_status infer(struct group group, int32_t count, struct lstm_worker *worker,
                              struct lstm_error *err)
{
    struct stats *stats = &group.registry->stats;
    struct interrupt interrupt = interrupt_watch(group.registry->db);
    const struct inference inference = { .bound = group.request->bound,
                                         .worker = worker,
                                         .summary = &group.request->summary,
                                         .texts = group.texts,
                                         .count = count,
                                         .stop = interrupt_asked,
                                         .stop_arg = &interrupt,
                                         .put = put,
                                         .put_arg = &group };
    double began = stats_clock();
    enum lstm_status rc = group.request->kind->infer(&inference, err);
    stats->inference_s += stats_clock() - began;
    if (!rc) {
        stats->texts += count;
        stats->batches++;
        stats->batch_room += group.window ? group.registry->settings.batch : 1;
    }
    return rc;
}

/* One text that cannot be scored, or too many for the memory there is, fail the batch; by halves
 * they are found and left out. */
static enum lstm_status infer_or_halve(struct group group, int32_t count,
                                       struct lstm_worker *worker, struct lstm_error *err)
{
    enum lstm_status rc = infer(group, count, worker, err);
    if (!rc || rc == LSTM_INTERRUPTED)
        return rc;
    if (count == 1)
        return rc == LSTM_NOMEM ? rc : LSTM_OK;
    struct group second = group;
    second.texts += count / 2;
    second.waiting += count / 2;
    rc = infer_or_halve(group, count / 2, worker, err);
    return rc ? rc : infer_or_halve(second, count - count / 2, worker, err);
}

/* Moves the texts of the first one's request to the front of the batch; returns how many. */
static int32_t gather(struct waiting *texts, int32_t count)
{
    int32_t same = 1;
    for (int32_t i = 1; i < count; i++)
        if (request_is_same(texts[i].request, texts[0].request)) {
            struct waiting moved = texts[i];
            texts[i] = texts[same];
            texts[same++] = moved;
        }
    return same;
}

static int infer_group(struct batch *batch, struct waiting *waiting, int32_t count,
                       struct result_window *window, struct failure *failure)
{
    struct lstm_worker *worker = NULL;
    struct lstm_error err;
    int rc = bound_worker(waiting[0].request->bound, &worker, failure);
    if (rc)
        return rc;
    struct keepsake *results = malloc((size_t)count * (sizeof *results + sizeof(struct lstm_text)));
    if (!results)
        return failure_set(failure, FAILURE_NOMEM, "a batch");
    struct lstm_text *texts = (struct lstm_text *)(results + count);
    for (int32_t i = 0; i < count; i++)
        texts[i] = (struct lstm_text){ batch->bytes + waiting[i].at, waiting[i].size };
    const struct group group = { batch->registry, waiting[0].request, texts, waiting, window };
    if (infer_or_halve(group, count, worker, &err))
        rc = failure_of_model(failure, &err, "a batch of texts");
    keep(group, count, results);
    free(results);
    return rc;
}

void batch_empty(struct batch *batch)
{
    for (int32_t i = 0; i < batch->count; i++)
        request_release(batch->texts[i].request);
    batch->count = 0;
    batch->bytes_size = 0;
}

int batch_infer(struct batch *batch, struct result_window *window, struct failure *failure)
{
    int rc = SQLITE_OK;
    for (int32_t i = 0, same; !rc && i < batch->count; i += same) {
        same = gather(batch->texts + i, batch->count - i);
        rc = infer_group(batch, batch->texts + i, same, window, failure);
    }
    batch_empty(batch);
    return rc;
}

void batch_clear(struct batch *batch)
{
    batch_empty(batch);
    free(batch->texts);
    free(batch->bytes);
    *batch = (struct batch){ .registry = batch->registry };
}

int batch_infer_alone(struct registry *registry, struct request *request,
                      const struct lstm_text *text, const struct fingerprint *key,
                      struct failure *failure)
{
    struct lstm_worker *worker = NULL;
    struct lstm_error err;
    int rc = bound_worker(request->bound, &worker, failure);
    if (rc)
        return rc;
    const struct waiting waiting = { .request = request, .key = *key };
    const struct group group = { registry, request, text, &waiting, NULL };
    registry->result.size = SIZE_MAX; /* until it is put */
    if (infer(group, 1, worker, &err))
        return failure_of_model(failure, &err, request->kind->failure);
    return registry->result.size == SIZE_MAX ? failure_set(failure, FAILURE_NOMEM, "a result")
                                             : SQLITE_OK;
}
