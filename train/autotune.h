/* Searches the settings of a classifier's training within a budget, on the rows held out. */
#ifndef TRAIN_AUTOTUNE_H
#define TRAIN_AUTOTUNE_H

#include "train/classifier.h"
#include "train/halving.h"

struct autotune {
    struct settings settings; /* base: the model to go on from, or NULL */
    struct candidate_fixed fixed;
    double minutes; /* of the whole command; 0: steps count */
    int32_t steps;  /* batches through the first candidate's network; with these a search is
                       repeatable */
};

/* Prints a line a trial on stdout and stores the best model as classifier_finish does. When the
 * time is over, or the user interrupts, the best so far is it. Errors: those of the classifier's
 * functions; LSTM_RANGE for a budget that does not pay for the recipe alone. */
enum lstm_status autotune(const struct autotune *options, struct lstm_error *err);

#endif
