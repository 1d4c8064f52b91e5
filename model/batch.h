/* A ragged batch of token sequences, and the windows it is read in.
 *
 * A text longer than sizes.window tokens is read as overlapping windows that run side by side as
 * rows of a tile. Each token's state is taken from exactly one window, its owner: of the tokens
 * that two windows share, the first half belongs to the earlier one and the second half to the
 * later one, so that every pooled state has context on both sides. The states of all windows are
 * pooled together (attention, max and mean over the whole text). */
#ifndef LSTM_BATCH_H
#define LSTM_BATCH_H

#include "model.h"

struct lstm_batch {
    int32_t texts;
    const int32_t *tokens;  /* of all texts, one after another */
    const int32_t *starts;  /* texts + 1: text i is tokens[starts[i]] .. tokens[starts[i + 1] - 1];
                               at least one each */
    int (*stop)(void *arg); /* asked between tiles; nonzero ends the call with LSTM_INTERRUPTED. May
                               be NULL */
    void *stop_arg;
};

/* One row of a tile. All positions count from the first token of the batch. */
struct lstm_window {
    int32_t text;
    int32_t start, length;
    int32_t own_start, own_length; /* the states that are pooled from this window */
    int32_t index;                 /* where it stood before sorting */
};

/* Errors: LSTM_RANGE for a token outside the vocabulary or a text without tokens. */
enum lstm_status lstm_batch_check(const struct lstm_sizes *sizes, const struct lstm_batch *batch,
                                  struct lstm_error *err);

/* How many windows a text of so many tokens (at least 1) has. */
int32_t lstm_window_count(const struct lstm_sizes *sizes, int32_t tokens);

/* The i-th window of a text of so many tokens that starts at position start. */
struct lstm_window lstm_window_at(const struct lstm_sizes *sizes, int32_t text, int32_t start,
                                  int32_t tokens, int32_t i);

/* Where a walk over the windows of a batch stands; zero-initialised it stands at the first. */
struct lstm_walk {
    int32_t text, window;
};

/* The next windows of a batch, at most so many, text by text; returns how many. */
int32_t lstm_windows_next(const struct lstm_sizes *sizes, const struct lstm_batch *batch,
                          struct lstm_walk *walk, struct lstm_window *windows, int32_t max);

/* Windows into another array, the longest first; equal lengths keep their order. A text's windows
 * stay in order, since only its last can be shorter. */
void lstm_windows_sort(const struct lstm_window *windows, int32_t count,
                       struct lstm_window *sorted);

#endif
