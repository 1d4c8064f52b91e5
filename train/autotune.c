#include "train/autotune.h"

#include "train/progress.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SPEED_SECONDS = 3, SPEED_BATCHES = 3 };

static const double rate_from_scratch = 2e-3;
static const double evaluation_cost = 1.0 / 3; /* of a token that is read and not learned from */
static const double time_share = 0.85;         /* of the time, the rest is for what was misjudged */

struct trial {
    int32_t candidate;
    int failed; /* diverged, or no epoch was validated in time */
    struct run_result result;
};

struct search {
    const struct autotune *options;
    struct settings settings[2]; /* from scratch, from a model */
    struct job jobs[2];          /* the same */
    int is_open[2];
    struct candidate candidates[HALVING_MAX];
    int32_t count;
    double until; /* progress_now() when the time is over; 0: never */
    int is_over;
    /* The best trial of the latest round, or of the one before if the latest was cut short. */
    struct trial best;
    int32_t best_round;
    float *best_params;
};

/* ---- what is searched ---- */

static struct candidate recipe(const struct settings *s, int from_model)
{
    return (struct candidate){ .from_model = from_model,
                               .hidden = s->sizes.hidden,
                               .epochs = s->run.epochs,
                               .rate = s->trainer.rate,
                               .drop_word = s->trainer.drop_word,
                               .drop_embedding = s->trainer.drop_embedding,
                               .drop_features = s->trainer.drop_features };
}

static void draw(struct search *search)
{
    const struct autotune *o = search->options;
    struct candidate_fixed fixed = o->fixed;
    struct candidate of_model = recipe(&o->settings, o->settings.base != NULL), scratch = of_model;
    scratch.from_model = 0;
    if (of_model.from_model && !fixed.rate)
        scratch.rate = rate_from_scratch;
    fixed.from |= !of_model.from_model;
    for (int32_t i = 0; i < HALVING_MAX; i++)
        search->candidates[i] =
            candidate_draw(&of_model, &scratch, &fixed, o->settings.trainer.seed, i);
}

static enum lstm_status open_start(struct search *search, int from_model, struct lstm_error *err)
{
    if (search->is_open[from_model])
        return LSTM_OK;
    search->settings[from_model] = search->options->settings;
    if (!from_model)
        search->settings[from_model].base = NULL;
    search->jobs[from_model].settings = &search->settings[from_model];
    search->is_open[from_model] = 1;
    return classifier_open(&search->jobs[from_model], err);
}

static enum lstm_status start(struct search *search, int32_t candidate, double share,
                              struct lstm_error *err)
{
    const struct candidate *c = &search->candidates[candidate];
    struct job *job = &search->jobs[c->from_model];
    struct trainer_options options = job->settings->trainer;
    options.epochs = c->epochs;
    options.rate = c->rate;
    options.drop_word = c->drop_word;
    options.drop_embedding = c->drop_embedding;
    options.drop_features = c->drop_features;
    return classifier_start(job, &options, c->hidden, share, err);
}

/* ---- the budget ---- */

/* Tokens a second of the first candidate's network, which has been started. */
static enum lstm_status measure_speed(struct job *job, double *speed, struct lstm_error *err)
{
    struct epoch_plan plan;
    struct trainer_loss loss;
    int64_t tokens = 0;
    enum lstm_status rc = epoch_plan_open(&job->train, job->trainer.options.batch_tokens,
                                          job->trainer.options.seed, 0, &plan, err);
    const double began = progress_now();
    job->trainer.steps = INT32_MAX;
    for (int32_t b = 0; !rc && b < plan.count; b++) {
        const int32_t first = plan.batches[b];
        rc = trainer_step(&job->trainer, &job->train, plan.order + first,
                          plan.batches[b + 1] - first, &loss, err);
        tokens += loss.tokens;
        if (b + 1 >= SPEED_BATCHES && progress_now() - began > SPEED_SECONDS)
            break;
    }
    *speed = (double)tokens / (progress_now() - began);
    epoch_plan_close(&plan);
    return rc;
}

/* What a candidate costs on all rows, in tokens through the first candidate's network. */
static double cost_of(const struct search *search, int32_t candidate)
{
    const struct candidate *c = &search->candidates[candidate], *first = &search->candidates[0];
    const struct job *job = &search->jobs[first->from_model];
    const struct lstm_sizes *z = &job->trainer.sizes;
    const int32_t dimension = c->from_model == first->from_model
                                  ? z->embedding
                                  : search->options->settings.embedding.vectors.dimension;
    const int32_t hidden = c->from_model ? z->hidden : c->hidden;
    const double work =
        (double)hidden * (dimension + hidden) / ((double)z->hidden * (z->embedding + z->hidden));
    return work * c->epochs * (job->train.tokens.count + evaluation_cost * job->valid.tokens.count);
}

static enum lstm_status plan(struct search *search, double began, struct lstm_error *err)
{
    const struct autotune *o = search->options;
    const int32_t batch =
        search->jobs[search->candidates[0].from_model].trainer.options.batch_tokens;
    double costs[HALVING_MAX], steps = o->steps;
    for (int32_t i = 0; i < HALVING_MAX; i++)
        costs[i] = cost_of(search, i);
    if (o->minutes > 0) {
        double speed;
        enum lstm_status rc =
            measure_speed(&search->jobs[search->candidates[0].from_model], &speed, err);
        if (rc)
            return rc;
        search->until = began + 60 * o->minutes;
        const double left = search->until - progress_now();
        steps = left > 0 ? floor(time_share * left * speed / batch) : 0;
        fprintf(stderr, "%.0f tokens/s: %g minutes are %.0f steps (--steps repeats the search)\n",
                speed, o->minutes, steps);
    }
    search->count = halving_affordable(costs, steps * batch);
    if (!search->count)
        return lstm_fail(err, LSTM_RANGE,
                         "%.0f steps are too few: the recipe alone takes %.0f, two candidates %.0f",
                         steps, halving_cost(costs, 1) / batch + 1,
                         halving_cost(costs, 2) / batch + 1);
    return LSTM_OK;
}

/* ---- the search ---- */

static const char table_head[] =
    "round   rows  from     hidden  epochs      rate  drop-word  -embedding  -features  accuracy"
    "    loss\n";

static void print_trial(const struct search *search, const struct trial *trial, int32_t round,
                        int32_t rows)
{
    const struct candidate *c = &search->candidates[trial->candidate];
    const struct job *job = &search->jobs[c->from_model];
    printf("%5d  %5d  %-7s  %6d  %6d  %8g  %9g  %10g  %9g  ", round + 1, rows,
           c->from_model ? "model" : "scratch", job->trainer.sizes.hidden, c->epochs, c->rate,
           c->drop_word, c->drop_embedding, c->drop_features);
    if (trial->failed)
        printf("%8s  %6s\n", "failed", "-");
    else
        printf("%8.4f  %6.4f\n", trial->result.state.best_score, trial->result.state.best_loss);
    fflush(stdout);
}

/* As epochs are compared: by accuracy, then by loss; the order of candidates decides the rest. */
static int is_better(const struct trial *a, const struct trial *b)
{
    const struct run_state *x = &a->result.state, *y = &b->result.state;
    if (a->failed != b->failed)
        return b->failed;
    if (x->best_score > y->best_score || x->best_score < y->best_score)
        return x->best_score > y->best_score;
    if (x->best_loss > y->best_loss || x->best_loss < y->best_loss)
        return x->best_loss < y->best_loss;
    return a->candidate < b->candidate;
}

static int compare_trials(const void *a, const void *b)
{
    return is_better(a, b) ? -1 : 1;
}

static enum lstm_status keep_best(struct search *search, const struct trial *trial, int32_t round,
                                  struct lstm_error *err)
{
    const struct trainer *t =
        &search->jobs[search->candidates[trial->candidate].from_model].trainer;
    /* a later round knows more rows; a trial that was cut short has to show that it does */
    const int replaces = !search->best_params || (round > search->best_round && !search->is_over);
    if (trial->failed || (!replaces && !is_better(trial, &search->best)))
        return LSTM_OK;
    free(search->best_params);
    if (!(search->best_params = malloc(t->padded * sizeof *t->params)))
        return lstm_fail(err, LSTM_NOMEM, "out of memory for the best model so far");
    memcpy(search->best_params, t->params, t->padded * sizeof *t->params);
    search->best = *trial;
    search->best_round = round;
    return LSTM_OK;
}

/* A network that diverges, or one that the time was too short for, fails by itself. */
static enum lstm_status run_trial(struct search *search, struct trial *trial, int32_t round,
                                  struct lstm_error *err)
{
    const double share = halving_share(search->count, round);
    const struct candidate *c = &search->candidates[trial->candidate];
    struct job *job = &search->jobs[c->from_model];
    struct run_options options = { .epochs = c->epochs,
                                   .patience = job->settings->run.patience,
                                   .until = search->until };
    struct dataset part;
    enum lstm_status rc = start(search, trial->candidate, share, err);
    if (rc || (rc = dataset_sample(&job->train, share, job->settings->trainer.seed, &part, err)))
        return rc;
    fprintf(stderr, "round %d of %d, candidate %d of %d\n", round + 1,
            halving_rounds(search->count), trial->candidate + 1, search->count);
    rc = part.texts ? run_training(&job->trainer, &part, &job->valid, &options, &trial->result, err)
                    : lstm_fail(err, LSTM_RANGE, "no row among %g of %d", share, job->train.texts);
    trial->failed = rc != LSTM_OK;
    search->is_over =
        trial->result.interrupted || (search->until > 0 && progress_now() > search->until);
    if (rc == LSTM_NOMEM)
        goto done;
    if (rc)
        fprintf(stderr, "failed: %s\n", err->text);
    print_trial(search, trial, round, part.texts);
    rc = keep_best(search, trial, round, err);
done:
    dataset_close(&part);
    return rc;
}

static enum lstm_status run_rounds(struct search *search, struct lstm_error *err)
{
    struct trial trials[HALVING_MAX];
    enum lstm_status rc = LSTM_OK;
    for (int32_t i = 0; i < search->count; i++)
        trials[i] = (struct trial){ .candidate = i };
    printf("%s", table_head);
    for (int32_t round = 0; round < halving_rounds(search->count); round++) {
        const int32_t running = halving_survivors(search->count, round);
        for (int32_t i = 0; i < running && !search->is_over; i++)
            if ((rc = run_trial(search, &trials[i], round, err)))
                return rc;
        if (search->is_over)
            break;
        qsort(trials, (size_t)running, sizeof *trials, compare_trials);
    }
    if (!search->best_params)
        rc = search->is_over
                 ? lstm_fail(err, LSTM_INTERRUPTED,
                             "no candidate was validated before the end: give more --minutes")
                 : lstm_fail(err, LSTM_RANGE, "every candidate failed: see above why");
    return rc;
}

/* The winner's network again, and what it learned. */
static enum lstm_status finish(struct search *search, struct lstm_error *err)
{
    const struct candidate *c = &search->candidates[search->best.candidate];
    const double share = halving_share(search->count, search->best_round);
    struct job *job = &search->jobs[c->from_model];
    enum lstm_status rc = start(search, search->best.candidate, share, err);
    if (rc)
        return rc;
    memcpy(job->trainer.params, search->best_params,
           job->trainer.padded * sizeof *search->best_params);
    trainer_pack(&job->trainer);
    const size_t size = strlen(job->fingerprint);
    snprintf(job->fingerprint + size, sizeof job->fingerprint - size,
             ", on %g of the rows, chosen by autotune among %d on the rows held out", share,
             search->count);
    printf("\nbest: --from %s", c->from_model ? job->settings->base : "scratch");
    if (!c->from_model)
        printf(" --hidden %d", c->hidden);
    printf(" --epochs %d --rate %g --drop-word %g --drop-embedding %g --drop-features %g%s\n",
           c->epochs, c->rate, c->drop_word, c->drop_embedding, c->drop_features,
           share < 1 ? " (the time was over before all rows were learned from)" : "");
    return classifier_finish(job, &search->best.result, err);
}

enum lstm_status autotune(const struct autotune *options, struct lstm_error *err)
{
    const double began = progress_now();
    struct search *search = calloc(1, sizeof *search);
    struct lstm_model model;
    if (!search)
        return lstm_fail(err, LSTM_NOMEM, "out of memory for a search");
    search->options = options;
    draw(search);
    const int first = search->candidates[0].from_model;
    enum lstm_status rc = store_check(&options->settings.store, err);
    if (rc || (rc = open_start(search, first, err)) || (rc = start(search, 0, 1, err)))
        goto done;
    classifier_model(&search->jobs[first], &model);
    if ((rc = job_rehearse(&search->jobs[first], &model, err)) || (rc = plan(search, began, err)))
        goto done;
    for (int32_t i = 0; i < search->count && !rc; i++)
        rc = open_start(search, search->candidates[i].from_model, err);
    if (rc || (rc = run_rounds(search, err)))
        goto done;
    rc = finish(search, err);
done:
    for (int i = 0; i < 2; i++)
        job_close(&search->jobs[i]);
    free(search->best_params);
    free(search);
    return rc;
}
