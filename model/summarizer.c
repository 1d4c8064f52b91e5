#include "summarizer.h"
#include "beam.h"
#include "cpu_reader.h"
#include "limits.h"
#include "source_text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    GROUP_TEXTS = 32,     /* texts that are decoded together, unless ... */
    GROUP_TOKENS = 16384, /* ... they have more tokens; a longer text is a group of its own */
    KEPT_MAX = 16 << 20   /* bytes of working memory that a session keeps for its next call */
};

const struct lstm_summary_settings lstm_summary_defaults = {
    .max_tokens = 24,
    .min_tokens = 2,
    .beam = 2,
    .length_penalty = 1.8f,
    .contrast = 0.6f,
    .tone = 0.4f,
};

struct lstm_summarizer {
    const struct lstm_model *model; /* not ours; its weights are not read after opening */
    struct cpu_network *network;
    struct lstm_word_kind *kinds; /* vocab */
};

struct lstm_summary_session {
    const struct lstm_summarizer *summarizer; /* not ours */
    struct cpu_reader *reader;
    struct cpu_beam *beam;
    struct lstm_tokens tokens; /* of all texts of a call, with offsets */
    float *states, *keys;      /* of a group's tokens: x 2 hidden, x alignment; one block */
    size_t states_size;
};

/* One call. */
struct request {
    const struct lstm_text *texts;
    const int32_t *starts; /* count + 1: where each text's tokens begin */
    const struct lstm_summary_settings *settings;
    int (*stop)(void *);
    void *stop_arg;
    struct lstm_summary *summaries;
};

/* Texts that are decoded together; those without a token stay out. */
struct group {
    int32_t texts;
    int32_t text[GROUP_TEXTS];       /* of the request */
    int32_t starts[GROUP_TEXTS + 1]; /* from the group's first token */
    int32_t first;                   /* where that is in the session's tokens */
    struct cpu_source sources[GROUP_TEXTS];
    struct cpu_written written[GROUP_TEXTS];
};

enum lstm_status lstm_summary_settings_check(const struct lstm_summary_settings *s,
                                             struct lstm_error *err)
{
    if (s->max_tokens < 1 || s->max_tokens > LSTM_SUMMARY_TOKENS_MAX)
        return lstm_fail(err, LSTM_RANGE, "max_tokens is %d, expected 1 to %d", s->max_tokens,
                         LSTM_SUMMARY_TOKENS_MAX);
    if (s->min_tokens < 0 || s->min_tokens > s->max_tokens)
        return lstm_fail(err, LSTM_RANGE, "min_tokens is %d, expected 0 to max_tokens, which is %d",
                         s->min_tokens, s->max_tokens);
    if (s->beam < 1 || s->beam > LSTM_SUMMARY_BEAM_MAX)
        return lstm_fail(err, LSTM_RANGE, "beam is %d, expected 1 to %d", s->beam,
                         LSTM_SUMMARY_BEAM_MAX);
    if (!(s->length_penalty >= 0.0f && s->length_penalty <= 2.0f))
        return lstm_fail(err, LSTM_RANGE, "length_penalty is %g, expected 0 to 2",
                         (double)s->length_penalty);
    if (!(s->contrast >= 0.0f && s->contrast <= 1.0f))
        return lstm_fail(err, LSTM_RANGE, "contrast is %g, expected 0 to 1", (double)s->contrast);
    if (!(s->tone >= 0.0f && s->tone <= 1.0f))
        return lstm_fail(err, LSTM_RANGE, "tone is %g, expected 0 to 1", (double)s->tone);
    return LSTM_OK;
}

void lstm_summary_free(struct lstm_summary *summary)
{
    free(summary->text);
    free(summary->tokens);
    free(summary->attention);
    *summary = (struct lstm_summary){ 0 };
}

/* ---- opening ---- */

/* Words of a mood are written once too: "best" is no better for being said twice. */
static void fill_kinds(const struct lstm_model *model, struct lstm_word_kind *kinds)
{
    const float telling = 1.0f;
    const float *tone = model->params + lstm_decoder_at(&model->sizes).tone;
    lstm_word_kinds(model->tokenizer, kinds);
    for (int32_t v = 0; model->sizes.tone && v < model->sizes.vocab; v++)
        if (kinds[v].part == LSTM_WORD_START && fabsf(tone[v]) > telling)
            kinds[v].is_once = 1;
}

enum lstm_status lstm_summarizer_open(const struct lstm_model *model, const char *isa,
                                      struct lstm_summarizer **summarizer, struct lstm_error *err)
{
    const struct cpu_isa *found = cpu_isa_pick(isa);
    *summarizer = NULL;
    if (!model->sizes.decoder)
        return lstm_fail(err, LSTM_MISMATCH, "a model of task \"%s\" cannot summarize",
                         model->task);
    if (!found)
        return lstm_fail(err, LSTM_UNAVAILABLE, "this machine has no instruction set \"%s\"", isa);
    struct lstm_summarizer *s = calloc(1, sizeof *s);
    if (!s)
        return lstm_fail(err, LSTM_NOMEM, "out of memory for a summarizer");
    s->model = model;
    enum lstm_status rc = cpu_network_open(model, found, &s->network, err);
    if (!rc && !(s->kinds = malloc((size_t)model->sizes.vocab * sizeof *s->kinds)))
        rc = lstm_fail(err, LSTM_NOMEM, "out of memory for a vocabulary of %d tokens",
                       model->sizes.vocab);
    if (rc)
        lstm_summarizer_close(s), s = NULL;
    else
        fill_kinds(model, s->kinds);
    *summarizer = s;
    return rc;
}

void lstm_summarizer_close(struct lstm_summarizer *summarizer)
{
    if (!summarizer)
        return;
    cpu_network_close(summarizer->network);
    free(summarizer->kinds);
    free(summarizer);
}

enum lstm_status lstm_summary_session_open(const struct lstm_summarizer *summarizer,
                                           struct lstm_summary_session **session,
                                           struct lstm_error *err)
{
    struct lstm_summary_session *s = *session = calloc(1, sizeof *s);
    if (!s)
        return lstm_fail(err, LSTM_NOMEM, "out of memory for a session");
    s->summarizer = summarizer;
    enum lstm_status rc = cpu_reader_open(summarizer->network, &s->reader, err);
    if (!rc)
        rc = cpu_beam_open(summarizer->network, &s->beam, err);
    if (!rc)
        cpu_beam_words(s->beam, summarizer->kinds);
    if (rc) {
        lstm_summary_session_close(s);
        *session = NULL;
    }
    return rc;
}

void lstm_summary_session_close(struct lstm_summary_session *session)
{
    if (!session)
        return;
    cpu_reader_close(session->reader);
    cpu_beam_close(session->beam);
    lstm_tokens_free(&session->tokens);
    free(session->states);
    free(session);
}

/* ---- reading ---- */

static enum lstm_status reserve(struct lstm_summary_session *s, int32_t tokens,
                                struct lstm_error *err)
{
    const struct lstm_sizes *sizes = &s->summarizer->model->sizes;
    const size_t h2 = 2 * (size_t)sizes->hidden, a = (size_t)sizes->alignment, n = (size_t)tokens;
    const size_t need = n * (h2 + a) * sizeof(float);
    if (need > s->states_size) {
        free(s->states);
        s->states = malloc(need);
        s->states_size = s->states ? need : 0;
        if (!s->states)
            return lstm_fail(err, LSTM_NOMEM,
                             "out of memory for the states of %d tokens, %zu bytes", tokens, need);
    }
    s->keys = s->states + n * h2;
    return LSTM_OK;
}

/* After a call: what a huge text needed is not kept. */
static void release(struct lstm_summary_session *s)
{
    const size_t token = sizeof *s->tokens.ids + sizeof *s->tokens.begins + sizeof *s->tokens.ends;
    const size_t tokens = (size_t)s->tokens.capacity * token;
    if (tokens + s->states_size + cpu_beam_kept(s->beam) <= KEPT_MAX)
        return;
    lstm_tokens_free(&s->tokens);
    free(s->states);
    s->states = NULL;
    s->states_size = 0;
    cpu_beam_release(s->beam);
}

/* The states that a tile's windows own, to the places of their tokens, and their keys. */
static void take_tile(void *arg, const struct cpu_tile_states *tile, float *scratch)
{
    struct lstm_summary_session *s = arg;
    const struct cpu_network *n = s->summarizer->network;
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

static enum lstm_status read_group(struct lstm_summary_session *s, const struct request *q,
                                   struct group *g, struct lstm_error *err)
{
    const struct lstm_sizes *sizes = &s->summarizer->model->sizes;
    const int32_t total = g->starts[g->texts], *tokens = s->tokens.ids + g->first;
    const struct lstm_batch batch = { .texts = g->texts,
                                      .tokens = tokens,
                                      .starts = g->starts,
                                      .stop = q->stop,
                                      .stop_arg = q->stop_arg };
    const struct cpu_taker taker = { .tile = take_tile, .arg = s };
    enum lstm_status rc = reserve(s, total, err);
    if (rc || (rc = cpu_reader_run(s->reader, &batch, &taker, err)))
        return rc;
    for (int32_t i = 0; i < g->texts; i++) {
        size_t at = (size_t)g->starts[i];
        g->sources[i] = (struct cpu_source){ g->starts[i + 1] - g->starts[i], tokens + at,
                                             s->states + at * 2 * (size_t)sizes->hidden,
                                             s->keys + at * (size_t)sizes->alignment };
    }
    return LSTM_OK;
}

/* ---- results ---- */

static enum lstm_status attach_attention(struct lstm_summary_session *s, const struct request *q,
                                         const struct cpu_source *source, int32_t first,
                                         struct lstm_summary *summary, struct lstm_error *err)
{
    const size_t count = (size_t)summary->count, n = (size_t)source->count;
    struct lstm_summary_attention *a =
        malloc(sizeof *a + (count * n + count) * sizeof(float) + 3 * n * sizeof(int32_t));
    if (!a)
        return lstm_fail(err, LSTM_NOMEM, "out of memory for the attention of %zu tokens to %zu",
                         count, n);
    summary->attention = a;
    float *weights = (float *)(a + 1), *generate = weights + count * n;
    uint32_t *begins = (uint32_t *)(generate + count), *ends = begins + n;
    int32_t *sources = (int32_t *)(ends + n);
    memcpy(begins, s->tokens.begins + first, n * sizeof *begins);
    memcpy(ends, s->tokens.ends + first, n * sizeof *ends);
    memcpy(sources, source->tokens, n * sizeof *sources);
    *a = (struct lstm_summary_attention){ sources, begins, ends, weights, generate };
    return cpu_beam_replay(s->beam, source, summary->tokens, summary->count, q->stop, q->stop_arg,
                           weights, generate, err);
}

static enum lstm_status finish(struct lstm_summary_session *s, const struct request *q,
                               const struct group *g, int32_t i, struct lstm_error *err)
{
    const struct cpu_source *source = &g->sources[i];
    const int32_t text = g->text[i], first = g->first + g->starts[i];
    const struct lstm_source_text letters = {
        q->texts[text].bytes,     source->count,          source->tokens,
        s->tokens.begins + first, s->tokens.ends + first,
    };
    struct lstm_summary *summary = &q->summaries[text];
    summary->count = g->written[i].count;
    summary->log_share = g->written[i].log_share;
    enum lstm_status rc =
        lstm_source_text_write(s->summarizer->model->tokenizer, &letters, summary->tokens,
                               summary->origins, summary->count, &summary->text, err);
    return rc || !q->settings->attention ? rc : attach_attention(s, q, source, first, summary, err);
}

static enum lstm_status summarize_group(struct lstm_summary_session *s, const struct request *q,
                                        struct group *g, struct lstm_error *err)
{
    enum lstm_status rc = LSTM_OK;
    const size_t most = (size_t)q->settings->max_tokens;
    if (g->texts == 0 || (rc = read_group(s, q, g, err)))
        return rc;
    for (int32_t i = 0; i < g->texts; i++) {
        struct lstm_summary *summary = &q->summaries[g->text[i]];
        if (!(summary->tokens = malloc(2 * most * sizeof *summary->tokens)))
            return lstm_fail(err, LSTM_NOMEM, "out of memory for a summary of %zu tokens", most);
        summary->origins = summary->tokens + most;
        g->written[i] =
            (struct cpu_written){ .tokens = summary->tokens, .origins = summary->origins };
    }
    rc = cpu_beam_search(s->beam, g->sources, g->texts, q->settings, q->stop, q->stop_arg,
                         g->written, err);
    for (int32_t i = 0; i < g->texts && !rc; i++)
        rc = finish(s, q, g, i, err);
    return rc;
}

/* ---- the whole ---- */

static enum lstm_status tokenize_all(struct lstm_summary_session *s, const struct lstm_text *texts,
                                     int32_t count, int32_t *starts, struct lstm_error *err)
{
    s->tokens.count = starts[0] = 0;
    s->tokens.most = lstm_limits_tokens(3 * sizeof(int32_t)); /* with offsets */
    for (int32_t i = 0; i < count; i++) {
        enum lstm_status rc = lstm_tokenize(s->summarizer->model->tokenizer, texts[i].bytes,
                                            texts[i].size, 1, &s->tokens, err);
        if (rc)
            return rc;
        starts[i + 1] = s->tokens.count;
        if (starts[i + 1] - starts[i] > LSTM_SUMMARY_SOURCE_MAX)
            return lstm_fail(
                err, LSTM_RANGE,
                "a text of %d tokens, at most %d can be summarized; summarize its parts",
                starts[i + 1] - starts[i], LSTM_SUMMARY_SOURCE_MAX);
    }
    return LSTM_OK;
}

static enum lstm_status summarize_all(struct lstm_summary_session *s, const struct request *q,
                                      int32_t count, struct lstm_error *err)
{
    struct group g = { 0 };
    enum lstm_status rc = LSTM_OK;
    for (int32_t i = 0; i < count && !rc; i++) {
        int32_t tokens = q->summaries[i].source_tokens = q->starts[i + 1] - q->starts[i];
        if (tokens == 0)
            continue;
        if (g.texts == GROUP_TEXTS || (g.texts > 0 && g.starts[g.texts] + tokens > GROUP_TOKENS)) {
            rc = summarize_group(s, q, &g, err);
            g.texts = 0;
        }
        if (g.texts == 0)
            g.first = q->starts[i];
        g.text[g.texts++] = i;
        g.starts[g.texts] = g.starts[g.texts - 1] + tokens;
    }
    return rc ? rc : summarize_group(s, q, &g, err);
}

enum lstm_status lstm_summary_session_run(struct lstm_summary_session *s,
                                          const struct lstm_text *texts, int32_t count,
                                          const struct lstm_summary_settings *settings,
                                          int (*stop)(void *), void *stop_arg,
                                          struct lstm_summary *summaries, struct lstm_error *err)
{
    for (int32_t i = 0; i < count; i++)
        summaries[i] = (struct lstm_summary){ 0 };
    enum lstm_status rc = lstm_summary_settings_check(settings, err);
    if (rc)
        return rc;
    int32_t *starts = malloc(((size_t)count + 1) * sizeof *starts);
    if (!starts)
        return lstm_fail(err, LSTM_NOMEM, "out of memory for a batch of %d texts", count);
    const struct request request = { texts, starts, settings, stop, stop_arg, summaries };
    if (!(rc = tokenize_all(s, texts, count, starts, err)))
        rc = summarize_all(s, &request, count, err);
    for (int32_t i = 0; i < count && rc; i++)
        lstm_summary_free(&summaries[i]);
    free(starts);
    release(s);
    return rc;
}
