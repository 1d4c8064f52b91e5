/* lstm-train sentiment and classify: labelled rows in, a model out. */
#include "model/limits.h"
#include "train/classifier.h"
#include "train/commands.h"

#include <stdio.h>

static enum lstm_status run(struct settings *s, struct lstm_error *err)
{
    struct job job = { .settings = s };
    struct run_result result;
    struct trainer_options options = s->trainer;
    struct lstm_model model;
    options.epochs = s->run.epochs;
    enum lstm_status rc = store_check(&s->store, err);
    if (rc || (rc = classifier_open(&job, err)) ||
        (rc = classifier_start(&job, &options, s->sizes.hidden, 1, err)))
        goto done;
    classifier_model(&job, &model);
    if ((rc = job_rehearse(&job, &model, err)))
        goto done;
    s->run.fingerprint = job.fingerprint;
    if ((rc = run_training(&job.trainer, &job.train, &job.valid, &s->run, &result, err)))
        goto done;
    fprintf(stderr, "best: epoch %d, %.2f%% of the held-out texts right; %.0f tokens/s, %.0f s%s\n",
            result.state.best_epoch + 1, 100 * result.state.best_score, result.tokens_per_second,
            result.seconds, result.interrupted ? "; interrupted, keeping the best so far" : "");
    rc = classifier_finish(&job, &result, err);
    if (!rc && !result.interrupted && s->run.checkpoint)
        remove(s->run.checkpoint);
done:
    job_close(&job);
    return rc;
}

static int command(int sentiment, int argc, char **argv)
{
    struct settings s = classifier_defaults;
    s.sentiment = sentiment;
    s.embedding = embedding_defaults;
    s.trainer.threads = lstm_limits_get().threads;
    struct option_spec own[CLASSIFIER_OPTIONS];
    const size_t count = classifier_options(&s, own);
    struct lstm_error err;
    int status;
    if (!settings_parse(&s, own, count, argc, argv, &status))
        return status;
    if (classifier_begin_from(&s, argc, argv, &err)) {
        fprintf(stderr, "lstm-train %s: %s\n", argv[0], err.text);
        return 2;
    }
    if (run(&s, &err)) {
        fprintf(stderr, "lstm-train %s: %s\n", argv[0], err.text);
        return 1;
    }
    return 0;
}

int command_sentiment(int argc, char **argv)
{
    return command(1, argc, argv);
}

int command_classify(int argc, char **argv)
{
    return command(0, argc, argv);
}
