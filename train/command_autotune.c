/* lstm-train autotune: the best model of a search within a budget. */
#include "model/limits.h"
#include "train/autotune.h"
#include "train/commands.h"

#include <stdio.h>
#include <string.h>

enum { OWN = 3 };

static enum lstm_status check(struct autotune *o, const char *task, int argc, char **argv,
                              struct lstm_error *err)
{
    struct candidate_fixed *f = &o->fixed;
    const struct {
        const char *option;
        int *fixed;
    } searched[] = {
        { "--from", &f->from },
        { "--vectors", &f->from },
        { "--hidden", &f->hidden },
        { "--epochs", &f->epochs },
        { "--rate", &f->rate },
        { "--drop-word", &f->drop_word },
        { "--drop-embedding", &f->drop_embedding },
        { "--drop-features", &f->drop_features },
    };
    for (size_t i = 0; i < sizeof searched / sizeof *searched; i++)
        *searched[i].fixed |= options_given(argc, argv, searched[i].option);
    if (strcmp(task, "sentiment") && strcmp(task, "classify"))
        return lstm_fail(err, LSTM_RANGE, "--task is \"%s\", expected sentiment or classify", task);
    o->settings.sentiment = !strcmp(task, "sentiment");
    if ((o->minutes > 0) == (o->steps > 0))
        return lstm_fail(err, LSTM_RANGE, "what is the budget? Give --minutes or --steps");
    if (o->settings.run.checkpoint)
        return lstm_fail(err, LSTM_RANGE, "a search has no --checkpoint: leave it out");
    return classifier_begin_from(&o->settings, argc, argv, err);
}

int command_autotune(int argc, char **argv)
{
    struct autotune o = { .settings = classifier_defaults };
    const char *task = "sentiment";
    o.settings.embedding = embedding_defaults;
    o.settings.trainer.threads = lstm_limits_get().threads;
    const struct option_spec budget[OWN] = {
        { "--minutes", OPTION_REAL, &o.minutes, 0.1, 100000,
          "that the search may take; it tells the --steps that repeat it" },
        { "--steps", OPTION_INT, &o.steps, 1, 100000000,
          "batches that it may take, instead: the same seed gives the same model" },
        { "--task", OPTION_TEXT, &task, 0, 0, "sentiment, or classify for any labels" },
    };
    struct option_spec own[OWN + CLASSIFIER_OPTIONS];
    struct lstm_error err;
    int status;
    memcpy(own, budget, sizeof budget);
    const size_t count = OWN + classifier_options(&o.settings, own + OWN);
    if (!settings_parse(&o.settings, own, count, argc, argv, &status))
        return status;
    enum lstm_status rc = check(&o, task, argc, argv, &err);
    status = rc ? 2 : 1;
    if (rc || autotune(&o, &err)) {
        fprintf(stderr, "lstm-train autotune: %s\n", err.text);
        return status;
    }
    return 0;
}
