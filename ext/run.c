#include "run.h"

#include "kinds.h"

enum { WINDOW_FIRST = 8, WINDOW_DOUBLES_TO = 64, UNUSED_MAX = 4 };

/* Scoring that is not much to have wasted, and SQL that is not. */
static const double WINDOW_SECONDS = 0.01, START_SECONDS = 0.0002;

static void run_end(void *ended)
{
    struct run *run = ended;
    *run->link = run->next;
    if (run->next)
        run->next->link = run->link;
    run->registry->stats.wasted += (int64_t)run->scored;
    sqlite3_free(run->select);
    sqlite3_free(run->expanded);
    batch_clear(&run->batch);
    result_window_clear(&run->window);
    seen_clear(&run->seen);
    sqlite3_free(run);
}

struct run *run_of(struct registry *registry, sqlite3_context *context, int make)
{
    struct run *run = sqlite3_get_auxdata(context, SLOT_OF_RUN);
    if (run || !make || !(run = sqlite3_malloc64(sizeof *run)))
        return run;
    *run = (struct run){ .registry = registry,
                         .next = registry->runs,
                         .link = &registry->runs,
                         .batch.registry = registry,
                         .wanted = WINDOW_FIRST,
                         .began = stats_clock() };
    if (run->next)
        run->next->link = &run->next;
    registry->runs = run;
    sqlite3_set_auxdata(context, SLOT_OF_RUN, run, run_end);
    return sqlite3_get_auxdata(context, SLOT_OF_RUN); /* NULL: it was let go of at once */
}

void run_consume(struct run *run, const struct fingerprint *key, struct result_slot *slot)
{
    if (slot && slot->state == SLOT_USED)
        return;
    run->consumed++;
    if (!slot || slot->state == SLOT_WAITING) {
        seen_add(&run->seen, key);
        return;
    }
    slot->state = SLOT_USED;
    run->window.ready--;
    run->used++;
    if (!slot->is_copy) {
        run->scored--;
        run->gained_texts++;
        run->registry->stats.ahead++;
    }
}

void run_refuse(struct run *run, enum refusal refusal)
{
    int is_for_now = refusal == REFUSED_BUDGET;
    if (!is_for_now)
        run->refusal = refusal;
    if (!is_for_now || !run->was_deferred)
        run->registry->stats.refusals[refusal]++;
    run->was_deferred |= is_for_now;
}

/* Seconds to score a text in a batch, as far as is known. */
static double ahead_seconds(const struct run *run, double unknown)
{
    return run->ahead_texts ? run->ahead_s / (double)run->ahead_texts : unknown;
}

double run_gain(const struct run *run)
{
    double alone = run->alone_texts ? run->alone_s / (double)run->alone_texts : 0;
    double ahead = ahead_seconds(run, alone / 2);
    return alone > ahead ? alone - ahead : 0;
}

double run_allowance(const struct run *run)
{
    return START_SECONDS + run_gain(run) * (double)run->gained_texts / 2 +
           (stats_clock() - run->began) / 4;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* A size from a quotient of times, at most so large. */
static size_t texts_of(double quotient, size_t most)
{
    return quotient < (double)most ? (size_t)quotient : most;
}

/* The next window where all of the last one was used. Every look-ahead comes past all the texts
 * before its own, so windows grow with those: to a quarter of what was consumed, to twice that
 * where it is quickly scored, and so far that to come past the others costs a twentieth of scoring
 * it, if that is no more than was consumed, or an eighth of what is gained. */
static size_t larger_window(const struct run *run, int is_eager)
{
    const double gain = run_gain(run), ahead = ahead_seconds(run, 0);
    size_t wanted = larger(run->wanted, run->consumed / 4);
    if (run->wanted < WINDOW_DOUBLES_TO || run->vetted.aggregates) {
        wanted = 2 * run->wanted;
    } else if (!is_eager && ahead > 0) {
        wanted = larger(wanted, texts_of(WINDOW_SECONDS / ahead, 2 * run->consumed));
        wanted = larger(wanted, texts_of(20 * run->last_collect_s / ahead, run->consumed));
    }
    if (!is_eager && run->lookaheads > 1 && gain > 0)
        wanted = larger(wanted, texts_of(8 * run->last_collect_s / gain, SIZE_MAX / 4));
    return wanted;
}

/* How many texts the next look-ahead may score. The last one was in vain if, but for the row in
 * hand, no more texts came that it had brought than texts that it had not. Where nothing can end
 * the statement early it takes all of them, once the first few have shown that the texts it meets
 * are those that come. */
static void grow(struct run *run, int is_eager)
{
    if (run->taken > 1 && run->used > run->late)
        run->unused = 0;
    else if (!run->was_cut)
        run->unused++;
    if (run->unused > 0 || 2 * run->used < run->taken) {
        run->wanted = larger(run->used, 1);
        if (run->writes && run->vetted.runs_to_end && run->met && run->unused == 1)
            run->wanted = SIZE_MAX; /* the same texts in another order */
    } else if (run->vetted.runs_to_end) {
        run->wanted = SIZE_MAX;
    } else if (run->taken >= run->wanted) { /* else there was no more, or no time */
        run->wanted = larger_window(run, is_eager);
    }
}

int run_wants_lookahead(struct run *run)
{
    const struct registry *registry = run->registry;
    int is_eager = registry->settings.readahead == READAHEAD_EAGER;
    if (run->refusal || run->misses < 2)
        return 0;
    if (sqlite3_hard_heap_limit64(-1) > 0) {
        run_refuse(run, REFUSED_HEAP);
        return 0;
    }
    if (run->lookaheads == 0) /* what it costs to understand the statement has to be little */
        return is_eager || 10 * registry->stats.vetting_s < stats_clock() - run->began;
    if (run->window.ready > 0 && 16 * run->late <= run->used)
        return 0; /* one that was passed by: the others are there */
    if (!is_eager && run->collect_s + run->last_collect_s > run_allowance(run)) {
        run_refuse(run, REFUSED_BUDGET);
        return 0;
    }
    grow(run, is_eager);
    if (run->unused == UNUSED_MAX)
        run_refuse(run, REFUSED_UNUSED);
    return run->refusal == REFUSED_NOT;
}
