/* Forward and backward passes over a batch whose activations are kept: for training and for
 * explanations. */
#ifndef LSTM_TAPE_H
#define LSTM_TAPE_H

#include "batch.h"

struct cpu_weights;
struct lstm_tape;

/* Inverted dropout masks, or NULL for none: what is kept is already scaled by 1 / (1 - p).
 * Locked (Gal and Ghahramani 2016): one mask for all tokens of a text. */
struct lstm_masks {
    const float *embedding; /* texts x embedding */
    const float *features;  /* texts x 6 hidden */
};

/* The weights must have been opened with room for the backward pass and outlive the tape. */
enum lstm_status lstm_tape_open(const struct cpu_weights *weights, struct lstm_tape **tape,
                                struct lstm_error *err);
void lstm_tape_close(struct lstm_tape *tape);

/* Keeps the activations of a batch and gives its logits (texts x classes): without masks the same
 * bits as the backend's. The batch and the masks must stay until the backward pass. Memory grows
 * with the batch: about 12 hidden + embedding floats a token for each layer. Errors: LSTM_RANGE,
 * LSTM_NOMEM. */
enum lstm_status lstm_tape_forward(struct lstm_tape *tape, const struct lstm_batch *batch,
                                   const struct lstm_masks *masks, float *logits,
                                   struct lstm_error *err);

/* Adds to gradient (laid out as the parameters) what d_logits (texts x classes) says. Once after
 * each forward pass. */
void lstm_tape_backward(struct lstm_tape *tape, const float *d_logits, float *gradient);

#endif
