/* What the training commands are told: the options that they share, as one table, and where their
 * values go. */
#ifndef TRAIN_SETTINGS_H
#define TRAIN_SETTINGS_H

#include "train/card.h"
#include "train/embedding.h"
#include "train/options.h"
#include "train/pairs.h"
#include "train/run.h"
#include "train/store.h"

struct settings {
    struct rows_source train, valid;
    double valid_share;
    const char *vectors_path;
    struct card_about about;
    struct embedding_options embedding; /* where vectors_path is NULL */
    struct lstm_sizes sizes;
    struct trainer_options trainer;
    struct run_options run;
    struct store_options store;
    int help;
    int sentiment;              /* classifiers: the labels are negative and positive */
    int32_t examples;           /* classifiers: wrong answers that the report shows */
    const char *base;           /* classifiers: a model to start from, or NULL: vectors */
    double keep;                /* classifiers: its share of the parameters in the end */
    const char *encoder_path;   /* summarisers: the same */
    struct pairs_limits limits; /* summarisers */
};

/* Parses the shared options and a command's own. Returns 1 to go on; else the command is over, with
 * the exit status in *status. */
int settings_parse(struct settings *settings, const struct option_spec *own, size_t own_count,
                   int argc, char **argv, int *status);

#endif
