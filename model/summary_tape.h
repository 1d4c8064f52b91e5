/* Training of a summariser: teacher forcing over a batch of pairs, the loss, and the backward pass
 * by hand. */
#ifndef LSTM_SUMMARY_TAPE_H
#define LSTM_SUMMARY_TAPE_H

#include "batch.h"

struct cpu_weights;
struct cpu_decoder;
struct lstm_summary_tape;

/* What the summaries of a batch are: text i is written as tokens[starts[i]] .. tokens[starts[i + 1]
 * - 1], then the end (LSTM_TOKEN_MASK). May be empty. */
struct lstm_targets {
    const int32_t *tokens, *starts;
};

struct lstm_summary_options {
    const float *
        embedding_masks; /* texts x embedding, locked dropout of the encoder's embedding, or NULL */
    const float *output_masks; /* texts x embedding, locked dropout of the outputs, or NULL */
    float coverage;  /* weight of the coverage loss, sum over i of min(attention, coverage) (See
                        2017) */
    float smoothing; /* label smoothing of the vocabulary's part (Szegedy et al. 2016): 0..1 */
};

struct lstm_summary_loss {
    double likelihood; /* sum over target tokens, ends included, of -log of the mixture's share of
                          the token */
    double coverage;   /* sum of the coverage loss, unweighted */
    double loss;       /* what is minimised: both with smoothing and weight */
    int64_t tokens;    /* target tokens, ends included */
};

/* encoder: opened with room for the backward pass. Both outlive the tape and look at the same
 * parameters. */
enum lstm_status lstm_summary_tape_open(const struct cpu_weights *encoder,
                                        const struct cpu_decoder *decoder,
                                        struct lstm_summary_tape **tape, struct lstm_error *err);
void lstm_summary_tape_close(struct lstm_summary_tape *tape);

/* Adds a batch's loss to *loss and the gradient of the sum of its losses to gradient (laid out as
 * the parameters); NULL: the loss alone. Errors: LSTM_RANGE for tokens outside the vocabulary,
 * LSTM_NOMEM. */
enum lstm_status lstm_summary_tape_run(struct lstm_summary_tape *tape,
                                       const struct lstm_batch *batch,
                                       const struct lstm_targets *targets,
                                       const struct lstm_summary_options *options,
                                       struct lstm_summary_loss *loss, float *gradient,
                                       struct lstm_error *err);

#endif
