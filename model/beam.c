#include "beam.h"
#include "beam_rules.h"
#include "cpu_rows.h"
#include "guide.h"
#include "words.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    CHUNK = 12
}; /* rows whose shares of the vocabulary are held at once: they fit the L2 cache */

/* A summary on its way. */
struct hypothesis {
    double score;     /* sum of the logarithms of what its tokens are worth (guide.h) */
    double log_share; /* and of their shares */
    int32_t count;
    int32_t begun,
        pending; /* bytes written of an unfinished character, bytes that are still to come */
    int32_t *tokens, *origins;
};

/* A token that may follow a row. */
struct candidate {
    double score; /* of the hypothesis with the token */
    float share, worth;
    int32_t row, token;
    int is_cut; /* an end within a character or a word */
};

/* The best ended summary of a text. */
struct ended {
    int32_t count; /* how many have ended so far */
    double rank;   /* the best one's normalised score */
    int is_cut;    /* even the best one ends within a character or a word */
    struct hypothesis best;
};

struct cpu_beam {
    const struct cpu_network *network;            /* not ours */
    const struct lstm_summary_settings *settings; /* not ours; of this search */
    struct cpu_rows rows;
    struct cpu_guide guide;
    struct lstm_words words;
    float *shares; /* CHUNK x vocab */
    float *share_rows[CHUNK];
    struct hypothesis *live, *after; /* rows: of this step and the next */
    struct candidate *candidates;    /* rows x width */
    int32_t *candidate_counts;       /* rows */
    struct cpu_row_next *next;       /* rows */
    struct ended *ended;             /* texts */
    double *penalties;               /* max_tokens + 2, by length */
    int32_t width;                   /* candidates of a row at most */
    void *memory;                    /* all of the above: grows, until it is released */
    size_t size;
};

/* ---- memory ---- */

enum lstm_status cpu_beam_open(const struct cpu_network *network, struct cpu_beam **beam,
                               struct lstm_error *err)
{
    *beam = calloc(1, sizeof **beam);
    if (!*beam)
        return lstm_fail(err, LSTM_NOMEM, "out of memory for a beam");
    (*beam)->network = network;
    return LSTM_OK;
}

void cpu_beam_close(struct cpu_beam *beam)
{
    if (beam)
        free(beam->memory);
    free(beam);
}

size_t cpu_beam_kept(const struct cpu_beam *beam)
{
    return beam->size;
}

void cpu_beam_release(struct cpu_beam *beam)
{
    free(beam->memory);
    beam->memory = NULL;
    beam->size = 0;
}

static void carve_hypotheses(struct hypothesis *h, size_t count, size_t tokens,
                             struct carver *carver)
{
    int32_t *block = carve(carver, count * 2 * tokens, sizeof *block);
    for (size_t i = 0; block && i < count; i++, block += 2 * tokens)
        h[i] = (struct hypothesis){ .tokens = block, .origins = block + tokens };
}

static void lay_out(struct cpu_beam *b, const struct cpu_source *sources, int32_t texts,
                    struct carver *carver)
{
    const struct lstm_summary_settings *s = b->settings;
    const size_t rows = (size_t)texts * (size_t)s->beam, tokens = (size_t)s->max_tokens;
    b->width = (s->beam < b->network->sizes.vocab ? s->beam : b->network->sizes.vocab) + 1;
    cpu_rows_carve(&b->rows, b->network, sources, texts, s->beam, carver);
    cpu_guide_carve(&b->guide, b->network, sources, texts, s, CHUNK, carver);
    b->words.kinds = s->whole_words ? b->network->kinds : NULL;
    if (b->words.kinds)
        b->words.stamps = carve(carver, (size_t)b->network->sizes.vocab, sizeof *b->words.stamps);
    b->shares = carve(carver, CHUNK * (size_t)b->network->sizes.vocab, sizeof *b->shares);
    for (size_t i = 0; b->shares && i < CHUNK; i++)
        b->share_rows[i] = b->shares + i * (size_t)b->network->sizes.vocab;
    b->live = carve(carver, rows, sizeof *b->live);
    carve_hypotheses(b->live, rows, tokens, carver);
    b->after = carve(carver, rows, sizeof *b->after);
    carve_hypotheses(b->after, rows, tokens, carver);
    b->candidates = carve(carver, rows * (size_t)b->width, sizeof *b->candidates);
    b->candidate_counts = carve(carver, rows, sizeof *b->candidate_counts);
    b->next = carve(carver, rows, sizeof *b->next);
    b->ended = carve(carver, (size_t)texts, sizeof *b->ended);
    b->penalties = carve(carver, tokens + 2, sizeof *b->penalties);
    for (int32_t i = 0; i < texts; i++) {
        struct hypothesis best = { 0 };
        carve_hypotheses(&best, 1, tokens, carver);
        if (carver->memory)
            b->ended[i] = (struct ended){ .best = best };
    }
}

static enum lstm_status reserve(struct cpu_beam *b, const struct cpu_source *sources, int32_t texts,
                                struct lstm_error *err)
{
    struct carver count = { 0 };
    lay_out(b, sources, texts, &count);
    if (!carve_reserve(&b->memory, &b->size, count.used))
        return lstm_fail(err, LSTM_NOMEM, "out of memory for the beams of %d texts, %zu bytes",
                         texts, count.used);
    struct carver carver = { .memory = b->memory };
    lay_out(b, sources, texts, &carver);
    if (b->words.kinds)
        memset(b->words.stamps, 0, (size_t)b->network->sizes.vocab * sizeof *b->words.stamps);
    b->words.now = 0;
    return LSTM_OK;
}

/* ---- numbers ---- */

static void fill_penalties(struct cpu_beam *b)
{
    for (int32_t n = 0; n < b->settings->max_tokens + 2; n++)
        b->penalties[n] = beam_penalty(b->settings->length_penalty, n, b->network->kernels->exp);
}

/* ---- what may follow ---- */

static int repeats_trigram(const struct hypothesis *h, int32_t token)
{
    for (int32_t i = 0; i + 2 < h->count; i++)
        if (h->tokens[i + 2] == token && beam_repeats_at(h->tokens, h->count, i))
            return 1;
    return 0;
}

/* Does the source somewhere spell the character that the row has begun with this byte? */
static int source_spells(const struct cpu_source *source, const struct hypothesis *h, int32_t token)
{
    const int32_t *begun = h->tokens + h->count - h->begun;
    for (int32_t i = h->begun; i < source->count; i++)
        if (source->tokens[i] == token && beam_spells_at(source->tokens, i, begun, h->begun))
            return 1;
    return 0;
}

static int may_follow(const struct cpu_beam *b, const struct cpu_source *source,
                      const struct hypothesis *h, int32_t token)
{
    if (h->pending)
        return token < LSTM_TOKEN_FIRST && source_spells(source, h, token);
    if (token < LSTM_TOKEN_FIRST && !beam_begins(token, h->count, b->settings->max_tokens))
        return 0;
    if (b->words.kinds && b->words.kinds[token].part == LSTM_WORD_GOES_ON)
        return lstm_words_allow(&b->words, token); /* a word once begun can be ended */
    return lstm_words_allow(&b->words, token) && !repeats_trigram(h, token);
}

/* Fills a row's candidates: those of most worth that may follow, the larger before the smaller, the
 * lower token before the higher, and the end. One pass over the vocabulary, in which few tokens get
 * past the first comparison. */
static void collect(struct cpu_beam *b, int32_t row, const float *shares, const float *worth)
{
    const struct cpu_kernels *k = b->network->kernels;
    const struct hypothesis *h = &b->live[row];
    const int32_t most = b->width - 1,
                  limit = beam_limit(h->count, h->pending, b->settings->max_tokens,
                                     b->network->sizes.vocab);
    struct candidate *list = b->candidates + (size_t)row * (size_t)b->width;
    int32_t count = 0;
    float bound = 0.0f; /* what a token has to be worth more than */
    lstm_words_look(&b->words, b->rows.row_sources[row], h->tokens, h->count);
    const int is_cut = h->pending || !lstm_words_allow(&b->words, LSTM_TOKEN_MASK);
    for (int32_t v = LSTM_TOKEN_BYTES; (v = k->above(v, limit, worth, bound)) < limit; v++) {
        if (!may_follow(b, b->rows.row_sources[row], h, v))
            continue;
        int32_t at = count < most ? count++ : count - 1;
        for (; at > 0 && worth[v] > list[at - 1].worth; at--)
            list[at] = list[at - 1];
        list[at] =
            (struct candidate){ .share = shares[v], .worth = worth[v], .row = row, .token = v };
        bound = count < most ? 0.0f : list[count - 1].worth;
    }
    if (beam_may_end(count, h->count, is_cut, b->settings->min_tokens))
        list[count++] = (struct candidate){ .share = shares[LSTM_TOKEN_MASK],
                                            .worth = worth[LSTM_TOKEN_MASK],
                                            .row = row,
                                            .token = LSTM_TOKEN_MASK,
                                            .is_cut = is_cut };
    for (int32_t i = 0; i < count; i++)
        list[i].score = h->score + beam_log((double)list[i].worth);
    b->candidate_counts[row] = count;
}

static void collect_all(struct cpu_beam *b)
{
    const size_t vocab = (size_t)b->network->sizes.vocab;
    for (int32_t first = 0; first < b->rows.step.rows; first += CHUNK) {
        int32_t rows = b->rows.step.rows - first < CHUNK ? b->rows.step.rows - first : CHUNK;
        cpu_writer_vocabulary(b->network, rows, (const void *const *)b->rows.output + first,
                              b->share_rows);
        cpu_guide_chunk(&b->guide, first, rows);
        for (int32_t r = 0; r < rows; r++) {
            float *shares = b->shares + (size_t)r * vocab;
            cpu_writer_mix(b->network, b->rows.row_sources[first + r], b->rows.attention[first + r],
                           b->rows.step.generate[first + r], shares);
            collect(b, first + r, shares,
                    cpu_guide_weigh(&b->guide, r, b->rows.text[first + r], shares));
        }
    }
}

/* ---- the competition ---- */

static int by_score(const void *left, const void *right)
{
    const struct candidate *a = left, *b = right;
    if (beam_precedes(a->score, a->row, a->token, b->score, b->row, b->token))
        return -1;
    return beam_precedes(b->score, b->row, b->token, a->score, a->row, a->token);
}

/* Where the token was mainly copied from: the most attended of the positions that hold it; -1 where
 * it was rather generated. */
static int32_t origin(const struct cpu_rows *rows, const struct candidate *c)
{
    const struct cpu_source *source = rows->row_sources[c->row];
    const float *attention = rows->attention[c->row];
    float copied = 0.0f;
    int32_t most = -1;
    for (int32_t i = 0; i < source->count; i++)
        if (source->tokens[i] == c->token) {
            copied += (1.0f - rows->step.generate[c->row]) * attention[i];
            most = most < 0 || attention[i] > attention[most] ? i : most;
        }
    return copied > c->share - copied ? most : -1;
}

static void copy_hypothesis(const struct hypothesis *from, struct hypothesis *to)
{
    memcpy(to->tokens, from->tokens, (size_t)from->count * sizeof *to->tokens);
    memcpy(to->origins, from->origins, (size_t)from->count * sizeof *to->origins);
    to->count = from->count;
    to->score = from->score;
    to->log_share = from->log_share;
    to->begun = from->begun;
    to->pending = from->pending;
}

static void extend(const struct cpu_beam *b, const struct candidate *c, struct hypothesis *to)
{
    copy_hypothesis(&b->live[c->row], to);
    to->score = c->score;
    to->log_share += beam_log((double)c->share);
    to->tokens[to->count] = c->token;
    to->origins[to->count] = origin(&b->rows, c);
    to->count++;
    to->pending = beam_pending_after(to->pending, c->token);
    to->begun = to->pending ? to->begun + 1 : 0;
}

static void end(struct cpu_beam *b, const struct candidate *c, struct ended *ended)
{
    const struct hypothesis *h = &b->live[c->row];
    double rank = c->score / b->penalties[h->count + 1];
    if (!beam_wins(rank, c->is_cut, ended->count++, ended->rank, ended->is_cut))
        return;
    ended->rank = rank;
    ended->is_cut = c->is_cut;
    copy_hypothesis(h, &ended->best);
    ended->best.log_share += beam_log((double)c->share);
}

/* Gives the places of a text, whose rows are first .. first + rows - 1, to its best candidates:
 * they become rows count.. of the next step. Returns the number of rows that the next step has
 * then. */
static int32_t choose(struct cpu_beam *b, int32_t text, int32_t first, int32_t rows, int32_t count)
{
    struct ended *ended = &b->ended[text];
    struct candidate *all = b->candidates + (size_t)first * (size_t)b->width;
    const int32_t before = count, length_max = b->settings->max_tokens + 1;
    int32_t places = b->settings->beam - ended->count, candidates = 0;
    for (int32_t r = 0; r < rows; r++) {
        const struct candidate *list = all + (size_t)r * (size_t)b->width;
        int32_t more = b->candidate_counts[first + r];
        memmove(all + candidates, list, (size_t)more * sizeof *list);
        candidates += more;
    }
    qsort(all, (size_t)candidates, sizeof *all, by_score);
    for (int32_t i = 0; i < candidates && places > 0; i++, places--) {
        if (all[i].token == LSTM_TOKEN_MASK) {
            end(b, &all[i], ended);
            continue;
        }
        extend(b, &all[i], &b->after[count]);
        b->next[count++] = (struct cpu_row_next){ .parent = all[i].row, .token = all[i].token };
    }
    /* Scores fall, but for what a tone may lift, and the longest summary is divided by most. */
    if (count > before && ended->count > 0 && !ended->is_cut &&
        b->after[before].score / b->penalties[length_max] <= ended->rank)
        return before;
    return count;
}

static int32_t choose_all(struct cpu_beam *b)
{
    const struct cpu_rows *rows = &b->rows;
    int32_t count = 0;
    for (int32_t first = 0, end_row; first < rows->step.rows; first = end_row) {
        for (end_row = first;
             end_row < rows->step.rows && rows->text[end_row] == rows->text[first];)
            end_row++;
        count = choose(b, rows->text[first], first, end_row - first, count);
    }
    struct hypothesis *after = b->after;
    b->after = b->live;
    b->live = after;
    return count;
}

static enum lstm_status interrupted(int32_t step, const struct lstm_summary_settings *s,
                                    struct lstm_error *err)
{
    return lstm_fail(err, LSTM_INTERRUPTED, "interrupted after %d of at most %d tokens", step,
                     s->max_tokens);
}

enum lstm_status cpu_beam_search(struct cpu_beam *b, const struct cpu_source *sources,
                                 int32_t texts, const struct lstm_summary_settings *settings,
                                 int (*stop)(void *), void *stop_arg, struct lstm_written *written,
                                 struct lstm_error *err)
{
    b->settings = settings;
    enum lstm_status rc = reserve(b, sources, texts, err);
    if (rc)
        goto done;
    fill_penalties(b);
    cpu_rows_begin(&b->rows);
    cpu_guide_begin(&b->guide);
    for (int32_t step = 0; b->rows.step.rows > 0; step++) {
        if (stop && stop(stop_arg)) {
            rc = interrupted(step, settings, err);
            goto done;
        }
        cpu_rows_step(&b->rows);
        cpu_guide_step(&b->guide);
        collect_all(b);
        int32_t count = choose_all(b);
        cpu_rows_advance(&b->rows, b->next, count);
        cpu_guide_advance(&b->guide, b->next, count);
    }
    for (int32_t i = 0; i < texts; i++) {
        const struct hypothesis *best = &b->ended[i].best;
        assert(b->ended[i].count > 0); /* a row ends at max_tokens at the latest */
        memcpy(written[i].tokens, best->tokens, (size_t)best->count * sizeof *best->tokens);
        memcpy(written[i].origins, best->origins, (size_t)best->count * sizeof *best->origins);
        written[i].count = best->count;
        written[i].log_share = best->log_share;
    }
done:
    b->settings = NULL;
    return rc;
}

enum lstm_status cpu_beam_replay(struct cpu_beam *b, const struct cpu_source *source,
                                 const int32_t *tokens, int32_t count, int (*stop)(void *),
                                 void *stop_arg, float *weights, float *generate,
                                 struct lstm_error *err)
{
    const struct lstm_summary_settings settings = { .max_tokens = count, .beam = 1 };
    b->settings = &settings;
    enum lstm_status rc = reserve(b, source, 1, err);
    if (!rc)
        cpu_rows_begin(&b->rows);
    for (int32_t i = 0; i < count && !rc; i++) {
        if (stop && stop(stop_arg)) {
            rc = interrupted(i, &settings, err);
            break;
        }
        cpu_rows_step(&b->rows);
        memcpy(weights + (size_t)i * (size_t)source->count, b->rows.attention[0],
               (size_t)source->count * sizeof *weights);
        generate[i] = b->rows.step.generate[0];
        cpu_rows_advance(&b->rows, &(struct cpu_row_next){ .parent = 0, .token = tokens[i] }, 1);
    }
    b->settings = NULL;
    return rc;
}
