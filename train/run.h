/* A whole training run: epochs, validation, early stopping, checkpoints, Ctrl-C. */
#ifndef TRAIN_RUN_H
#define TRAIN_RUN_H

#include "train/checkpoint.h"

/* What epochs are compared by. */
struct run_score {
    double value;  /* the largest is the best; among equals the one with the smallest loss */
    char text[64]; /* the score in words, for the epoch's line */
};

struct run_options {
    int32_t epochs;
    int32_t patience;        /* epochs without a better validation before the run stops */
    const char *checkpoint;  /* path, or NULL for none */
    double checkpoint_every; /* seconds */
    int resume;              /* start from the checkpoint */
    double until;            /* progress_now() at which the run ends as by a signal; 0: never */
    const char *fingerprint;
    /* Scores the trainer's network at each validation, by its parameters alone; NULL: by the share
     * of the validation texts that are right. */
    enum lstm_status (*measure)(void *arg, struct run_score *score, struct lstm_error *err);
    void *measure_arg;
};

struct run_result {
    struct run_state state;
    double seconds; /* of training, validation left out, since this process began */
    double tokens_per_second;
    int interrupted; /* by the user */
};

/* Trains until the epochs are done, patience ends or the user interrupts (SIGINT, SIGTERM); then
 * params are those of the best validated epoch. Errors: LSTM_INTERRUPTED where none was validated
 * yet; *result is set all the same. */
enum lstm_status run_training(struct trainer *trainer, const struct dataset *train,
                              const struct dataset *valid, const struct run_options *options,
                              struct run_result *result, struct lstm_error *err);

#endif
