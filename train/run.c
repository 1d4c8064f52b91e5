#include "train/run.h"

#include "train/progress.h"

#include <math.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static atomic_int interrupted; /* by a signal: the step under way is finished first */

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

struct run {
    struct trainer *trainer;
    const struct dataset *train, *valid;
    const struct run_options *options;
    struct run_state state;
    float *logits;  /* of the validation texts; of summaries NULL */
    double seconds; /* spent in steps */
    int64_t tokens; /* in those steps */
    double saved;   /* when the last checkpoint was written */
};

static enum lstm_status save(struct run *run, struct lstm_error *err)
{
    run->saved = progress_now();
    return run->options->checkpoint
               ? checkpoint_write(run->options->checkpoint, run->options->fingerprint, run->trainer,
                                  &run->state, err)
               : LSTM_OK;
}

/* How an epoch went, for its line. */
static void describe(const struct run *run, const struct trainer_loss *valid,
                     const struct run_score *score, int better, char *text, size_t size)
{
    const struct trainer_loss *train = &run->state.epoch_loss;
    const double terms = (double)(train->terms ? train->terms : 1),
                 valid_terms = (double)valid->terms;
    const char *praise = better ? ", the best so far" : "";
    if (run->trainer->decoder)
        snprintf(text, size,
                 "loss %.4f, likelihood %.4f, coverage %.4f; validation likelihood %.4f, coverage "
                 "%.4f%s%s%s",
                 train->loss / terms, train->likelihood / terms, train->coverage / terms,
                 valid->likelihood / valid_terms, valid->coverage / valid_terms,
                 *score->text ? ", " : "", score->text, praise);
    else
        snprintf(text, size, "loss %.4f, right %.2f%%; validation loss %.4f, right %.2f%%%s",
                 train->loss / terms, 100.0 * train->right / terms, valid->loss / valid_terms,
                 100.0 * valid->right / valid_terms, praise);
}

/* Keeps the parameters when they do better than the best so far: a higher score, or the same with a
 * smaller loss. */
static enum lstm_status validate(struct run *run, int32_t epoch, char *result, size_t size,
                                 struct lstm_error *err)
{
    struct trainer *t = run->trainer;
    struct run_state *state = &run->state;
    struct trainer_loss loss;
    enum lstm_status rc = trainer_evaluate(t, run->valid, run->logits, &loss, err);
    if (rc)
        return rc;
    struct run_score score = { .value = (double)loss.right / loss.texts };
    if (run->options->measure &&
        (rc = run->options->measure(run->options->measure_arg, &score, err)))
        return rc;
    double mean_loss = loss.loss / (double)loss.terms;
    int better = state->best_epoch < 0 || score.value > state->best_score ||
                 (!(score.value < state->best_score) && mean_loss < state->best_loss);
    if (better) {
        memcpy(t->best, t->params, t->padded * sizeof *t->best);
        state->best_epoch = epoch;
        state->best_score = score.value;
        state->best_loss = mean_loss;
    }
    describe(run, &loss, &score, better, result, size);
    return LSTM_OK;
}

static int is_over(const struct run_options *options)
{
    return interrupted || (options->until > 0 && progress_now() > options->until);
}

/* The rest of the current epoch. Stops between steps when interrupted. */
static enum lstm_status run_epoch(struct run *run, struct lstm_error *err)
{
    struct run_state *state = &run->state;
    struct trainer *t = run->trainer;
    struct epoch_plan plan;
    struct progress progress;
    char what[64], result[300];
    enum lstm_status rc = epoch_plan_open(run->train, t->options.batch_tokens, t->options.seed,
                                          state->epoch, &plan, err);
    if (rc)
        return rc;
    if (t->steps == 0)
        t->steps = (int64_t)plan.count * run->options->epochs;
    snprintf(what, sizeof what, "epoch %d/%d", state->epoch + 1, run->options->epochs);
    progress_begin(&progress, what, run->train->tokens.count - state->epoch_loss.tokens);
    int64_t before = state->epoch_loss.tokens;
    while (state->batch < plan.count && !is_over(run->options)) {
        struct trainer_loss loss, *sum = &state->epoch_loss;
        const int32_t *batch = plan.batches + state->batch;
        if ((rc = trainer_step(t, run->train, plan.order + batch[0], batch[1] - batch[0], &loss,
                               err)))
            goto done;
        trainer_loss_add(&loss, sum);
        state->batch++;
        progress_step(&progress, sum->tokens - before, sum->loss / (double)sum->terms);
        if (progress_now() - run->saved > run->options->checkpoint_every && (rc = save(run, err)))
            goto done;
    }
    run->seconds += progress_now() - progress.began;
    run->tokens += state->epoch_loss.tokens - before;
    if (state->batch < plan.count) {
        snprintf(result, sizeof result, "interrupted at batch %d of %d", state->batch, plan.count);
    } else {
        if ((rc = validate(run, state->epoch, result, sizeof result, err)))
            goto done;
        state->epoch++;
        state->batch = 0;
        state->epoch_loss = (struct trainer_loss){ 0 };
    }
    progress_end(&progress, result);
    rc = save(run, err);
done:
    epoch_plan_close(&plan);
    return rc;
}

enum lstm_status run_training(struct trainer *t, const struct dataset *train,
                              const struct dataset *valid, const struct run_options *options,
                              struct run_result *result, struct lstm_error *err)
{
    struct run run = {
        .trainer = t, .train = train, .valid = valid, .options = options, .saved = progress_now()
    };
    struct sigaction action = { .sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND },
                     before[2];
    enum lstm_status rc = LSTM_OK;
    interrupted = 0;
    run.state.best_epoch = -1;
    if (!t->decoder)
        run.logits =
            malloc(((size_t)valid->texts + 1) * (size_t)t->sizes.classes * sizeof *run.logits);
    if (!t->decoder && !run.logits)
        return lstm_fail(err, LSTM_NOMEM, "out of memory for the scores of %d texts", valid->texts);
    sigaction(SIGINT, &action, &before[0]);
    sigaction(SIGTERM, &action, &before[1]);
    if (options->resume)
        rc = checkpoint_read(options->checkpoint, options->fingerprint, t, &run.state, err);
    while (
        !rc && !is_over(options) && run.state.epoch < options->epochs &&
        (run.state.best_epoch < 0 || run.state.epoch - run.state.best_epoch <= options->patience))
        rc = run_epoch(&run, err);
    sigaction(SIGINT, &before[0], NULL);
    sigaction(SIGTERM, &before[1], NULL);
    if (!rc && is_over(options) && run.state.best_epoch < 0)
        rc = lstm_fail(err, LSTM_INTERRUPTED,
                       "interrupted before the first epoch was validated, so there is no model%s",
                       options->checkpoint ? "; --resume goes on" : "");
    if (!rc && run.state.best_epoch >= 0) {
        memcpy(t->params, t->best, t->padded * sizeof *t->params);
        trainer_pack(t);
    }
    *result = (struct run_result){
        .state = run.state,
        .seconds = run.seconds,
        .tokens_per_second = run.seconds > 0 ? (double)run.tokens / run.seconds : 0,
        .interrupted = interrupted,
    };
    free(run.logits);
    return rc;
}
