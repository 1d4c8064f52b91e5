#include "results.h"

static int is_on(const struct registry *registry)
{
    return registry->settings.readahead != READAHEAD_OFF && !registry->looking;
}

static int score_alone(struct registry *registry, struct run *run, struct request *request,
                       const struct lstm_text *text, const struct fingerprint *key,
                       struct outcome *outcome, struct failure *failure)
{
    double began = stats_clock();
    int rc = batch_infer_alone(registry, request, text, key, failure);
    if (rc)
        return rc;
    registry->stats.alone++;
    *outcome = (struct outcome){ registry->result.bytes, registry->result.size };
    if (run) {
        run->alone_s += stats_clock() - began;
        run->alone_texts++;
        run_consume(run, key, NULL);
    }
    return SQLITE_OK;
}

/* 1: the window has it. */
static int find_ahead(struct run *run, const struct fingerprint *key, struct outcome *outcome)
{
    struct result_slot *slot = run ? result_window_find(&run->window, key) : NULL;
    if (!slot || slot->state == SLOT_WAITING)
        return 0;
    run_consume(run, key, slot);
    *outcome = (struct outcome){ result_window_bytes(&run->window, slot), slot->size };
    return 1;
}

static int score(struct registry *registry, sqlite3_context *context, struct request *request,
                 const struct lstm_text *text, const struct fingerprint *key,
                 struct outcome *outcome, struct failure *failure)
{
    struct run *run = run_of(registry, context, is_on(registry));
    if (run) {
        run->misses++;
        run->late++;
    }
    if (run && is_on(registry) && text->size <= BATCH_BYTES_MAX && run_wants_lookahead(run)) {
        int rc = lookahead(run, request, text, key, failure);
        if (rc || find_ahead(run, key, outcome))
            return rc;
    }
    return score_alone(registry, run, request, text, key, outcome, failure);
}

int result_for(struct registry *registry, sqlite3_context *context, struct request *request,
               sqlite3_value *value, struct outcome *outcome, struct failure *failure)
{
    struct lstm_text text;
    *outcome = (struct outcome){ .bytes = NULL };
    int rc = text_read(value, &text, failure);
    if (rc || text.size == 0)
        return rc;
    const struct fingerprint key = request_fingerprint(request, &text);
    if (registry->lookahead && !registry->looking)
        return failure->rc = lookahead_collect(registry->lookahead, request, &text, &key, outcome)
                                 ? SQLITE_ABORT
                                 : SQLITE_OK;
    struct run *run = run_of(registry, context, 0);
    if (find_ahead(run, &key, outcome))
        return SQLITE_OK;
    if (result_cache_find(&key, &registry->result)) {
        *outcome = (struct outcome){ registry->result.bytes, registry->result.size };
        registry->stats.hits++;
        if (run)
            run_consume(run, &key, NULL);
        return SQLITE_OK;
    }
    return score(registry, context, request, &text, &key, outcome, failure);
}
