#include "cpu_summaries.h"
#include "beam.h"
#include "carve.h"
#include "limits.h"

#include <stdlib.h>

enum {
    GROUP_TEXTS = 32,    /* texts that are decoded together, unless ... */
    GROUP_TOKENS = 16384 /* ... they have more tokens; a longer text is a group of its own */
};

struct cpu_summaries {
    const struct cpu_network *network; /* not ours */
    struct cpu_reader *reader;         /* not ours */
    struct cpu_beam *beam;
    float *states, *keys; /* of a group's tokens: x 2 hidden, x alignment; one block */
    size_t states_size;
    struct cpu_source sources[GROUP_TEXTS];
};

enum lstm_status cpu_summaries_open(const struct cpu_network *network, struct cpu_reader *reader,
                                    struct cpu_summaries **summaries, struct lstm_error *err)
{
    struct cpu_summaries *s = *summaries = calloc(1, sizeof *s);
    if (!s)
        return lstm_fail(err, LSTM_NOMEM, "out of memory for summaries on the CPU");
    s->network = network;
    s->reader = reader;
    enum lstm_status rc = cpu_beam_open(network, &s->beam, err);
    if (rc) {
        cpu_summaries_close(s);
        *summaries = NULL;
    }
    return rc;
}

void cpu_summaries_close(struct cpu_summaries *s)
{
    if (!s)
        return;
    cpu_beam_close(s->beam);
    free(s->states);
    free(s);
}

/* ---- memory ---- */

/* Bytes of a token's states and keys. */
static size_t token_size(const struct cpu_summaries *s)
{
    const struct lstm_sizes *sizes = &s->network->sizes;
    return (2 * (size_t)sizes->hidden + (size_t)sizes->alignment) * sizeof *s->states;
}

static enum lstm_status reserve(struct cpu_summaries *s, int32_t tokens, struct lstm_error *err)
{
    const size_t need = (size_t)tokens * token_size(s);
    void *memory = s->states;
    const int is_there = carve_reserve(&memory, &s->states_size, need);
    s->states = memory;
    if (!is_there)
        return lstm_fail(err, LSTM_NOMEM, "out of memory for the states of %d tokens, %zu bytes",
                         tokens, need);
    s->keys = s->states + (size_t)tokens * 2 * (size_t)s->network->sizes.hidden;
    return LSTM_OK;
}

/* After a call: what a huge text needed is not kept. */
static void release(struct cpu_summaries *s)
{
    const size_t quarter = lstm_limits_quarter();
    if (s->states_size + cpu_beam_kept(s->beam) <= quarter + quarter / 2)
        return;
    free(s->states);
    s->states = NULL;
    s->states_size = 0;
    cpu_beam_release(s->beam);
}

/* ---- a group ---- */

/* The states that a tile's windows own, to the places of their tokens, and their keys. */
static void take_tile(void *arg, const struct cpu_tile_states *tile, float *scratch)
{
    struct cpu_summaries *s = arg;
    const struct cpu_network *n = s->network;
    const size_t h2 = 2 * (size_t)n->sizes.hidden, a = (size_t)n->sizes.alignment;
    (void)scratch;
    for (int32_t r = 0; r < tile->rows; r++) {
        const struct lstm_window *window = &tile->windows[r];
        const size_t from = (size_t)(tile->offset[r] + window->own_start - window->start);
        const size_t to = (size_t)window->own_start;
        cpu_source_fill(n, window->own_length,
                        (const char *)tile->states + from * h2 * n->arithmetic->state_size,
                        s->states + to * h2, s->keys + to * a);
    }
}

static enum lstm_status read_group(struct cpu_summaries *s, const struct lstm_batch *group,
                                   struct lstm_error *err)
{
    const struct lstm_sizes *sizes = &s->network->sizes;
    const struct cpu_taker taker = { .tile = take_tile, .arg = s };
    enum lstm_status rc = reserve(s, group->starts[group->texts], err);
    if (rc || (rc = cpu_reader_run(s->reader, group, &taker, err)))
        return rc;
    for (int32_t i = 0; i < group->texts; i++) {
        const size_t at = (size_t)group->starts[i];
        s->sources[i] =
            (struct cpu_source){ group->starts[i + 1] - group->starts[i], group->tokens + at,
                                 s->states + at * 2 * (size_t)sizes->hidden,
                                 s->keys + at * (size_t)sizes->alignment };
    }
    return LSTM_OK;
}

static enum lstm_status write_group(struct cpu_summaries *s, const struct lstm_batch *group,
                                    const struct lstm_summary_settings *settings,
                                    struct lstm_written *written, struct lstm_error *err)
{
    enum lstm_status rc = read_group(s, group, err);
    if (!rc)
        rc = cpu_beam_search(s->beam, s->sources, group->texts, settings, group->stop,
                             group->stop_arg, written, err);
    for (int32_t i = 0; i < group->texts && !rc && settings->attention; i++)
        rc = cpu_beam_replay(s->beam, &s->sources[i], written[i].tokens, written[i].count,
                             group->stop, group->stop_arg, written[i].weights, written[i].generate,
                             err);
    return rc;
}

enum lstm_status cpu_summaries_write(struct cpu_summaries *s, const struct lstm_batch *batch,
                                     const struct lstm_summary_settings *settings,
                                     struct lstm_written *written, struct lstm_error *err)
{
    const size_t room = lstm_limits_quarter() / token_size(s);
    const int32_t most = room < GROUP_TOKENS ? (int32_t)room : GROUP_TOKENS;
    int32_t starts[GROUP_TEXTS + 1]; /* from the group's first token */
    struct lstm_batch group = *batch;
    enum lstm_status rc = lstm_batch_check(&s->network->sizes, batch, err);
    group.starts = starts;
    for (int32_t first = 0; first < batch->texts && !rc; first += group.texts) {
        const int32_t *from = batch->starts + first;
        group.tokens = batch->tokens + from[0];
        group.texts = starts[0] = 0;
        while (group.texts < GROUP_TEXTS && first + group.texts < batch->texts) {
            const int32_t end = from[group.texts + 1] - from[0];
            if (group.texts > 0 && end > most)
                break;
            starts[++group.texts] = end;
        }
        rc = write_group(s, &group, settings, written + first, err);
    }
    release(s);
    return rc;
}
