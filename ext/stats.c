/* lstm_stats(): what this connection has had scored, and why not in batches where it was not. */
#include "stats.h"

#include "functions.h"
#include "json_members.h"
#include "registry.h"

#include <time.h>

double stats_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void put_real(struct json_text *out, const char *key, double value)
{
    char number[JSON_REAL_SIZE];
    json_real_write((float)value, number);
    put_key(out, key);
    json_put(out, number);
}

static void put_refusals(struct json_text *out, const struct stats *stats)
{
    static const char *const names[REFUSALS] = {
        [REFUSED_STATEMENT] = "several statements",
        [REFUSED_WRITER] = "another writer",
        [REFUSED_FORM] = "form of the statement",
        [REFUSED_PARAMETERS] = "parameters",
        [REFUSED_PREPARE] = "not prepared",
        [REFUSED_NOT_CALLED] = "called by a trigger or constraint",
        [REFUSED_FUNCTION] = "other functions",
        [REFUSED_VIRTUAL] = "virtual table",
        [REFUSED_RECURSION] = "recursion",
        [REFUSED_SCANS] = "scan within a scan",
        [REFUSED_TEMPORARY] = "sort within a transaction",
        [REFUSED_HEAP] = "heap limit",
        [REFUSED_SAVEPOINT] = "no savepoint",
        [REFUSED_BUDGET] = "too dear for now",
        [REFUSED_UNUSED] = "not used",
        [REFUSED_MEMORY] = "memory",
    };
    put_key(out, "refused");
    json_put(out, "{");
    for (int i = 0; i < REFUSALS; i++)
        if (names[i] && stats->refusals[i] > 0)
            put_number(out, names[i], stats->refusals[i]);
    json_put(out, "}");
}

/* fill is the share of the batches' room that texts have taken. */
void stats_function(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    (void)argc, (void)argv;
    const struct registry *registry = sqlite3_user_data(context);
    const struct stats *stats = &registry->stats;
    const struct result_cache_state cache = result_cache_state();
    struct json_text out = { .size = 0 };
    json_put(&out, "{");
    put_number(&out, "texts", stats->texts);
    put_number(&out, "batches", stats->batches);
    put_real(&out, "fill",
             stats->batch_room ? (double)stats->texts / (double)stats->batch_room : 0);
    put_number(&out, "alone", stats->alone);
    put_number(&out, "read_ahead", stats->ahead);
    put_number(&out, "wasted", stats->wasted);
    put_number(&out, "lookaheads", stats->lookaheads);
    put_number(&out, "collected", stats->collected);
    put_number(&out, "cache_hits", stats->hits);
    put_number(&out, "cache_results", (int64_t)cache.results);
    put_number(&out, "cache_bytes", (int64_t)(cache.bytes + cache.held));
    put_real(&out, "inference_ms", 1e3 * stats->inference_s);
    put_real(&out, "lookahead_ms", 1e3 * stats->lookahead_s);
    put_refusals(&out, stats);
    json_put(&out, "}");
    put_result(&out, context);
}
