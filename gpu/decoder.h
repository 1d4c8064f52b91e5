/* The decoder on the device: what it reads and writes there, and its kernels as functions that
 * enqueue them. Everything is the device's memory. Elements are halves or floats, as in kernels.h.
 *
 * A group's texts are written together. Each has up to beam rows: summaries on their way, those of
 * a text beside one another, texts in their order. A row is computed where it stands ("before"
 * becomes "after"); then gpu_advance_rows makes the rows of the next step from copies. C++ includes
 * this within extern "C". */
#ifndef LSTM_GPU_DECODER_H
#define LSTM_GPU_DECODER_H

#include "gpu/plan.h"
#include "gpu/round.h"

#include <cuda_runtime_api.h>

/* A text. Positions count from the group's first token. */
struct gpu_source {
    int32_t first, count; /* its tokens */
    int32_t head, heads;  /* in struct gpu_group's heads */
};

/* A summary on its way. */
struct gpu_hypothesis {
    double score;           /* sum of log shares */
    int32_t source, slot;   /* whose it is, and which of its rows */
    int32_t token;          /* written last; LSTM_TOKEN_MASK at the beginning */
    int32_t count;          /* tokens written */
    int32_t begun, pending; /* bytes written of an unfinished character; that are to come */
    int32_t parent, from;   /* of those of the next step: the row they go on from, and its slot */
};

/* A token that may follow a row. */
struct gpu_candidate {
    double score; /* of the summary with it */
    float share;
    int32_t token;
};

/* The best summary of a text that has ended. */
struct gpu_ended {
    double rank, score; /* rank: by length */
    int32_t ended;      /* how many have so far */
    int32_t count, pending;
};

/* How far a group is: its live rows, and the most that it can have from now on. */
struct gpu_progress {
    int32_t rows, rows_max;
};

/* The rows of a text. */
struct gpu_run {
    int32_t first, count;
};

/* S = 2 hidden as the plan pads it, D = decoder, E = embedding, A = alignment, V = vocab. */
struct gpu_decoder {
    const void *table;              /* elements: V x D units x 4 gates, bias included */
    const void *gates;              /* D units x 4 gates x (S + D) */
    const void *bridge;             /* 2 D x S */
    const void *align_state;        /* A x S */
    const void *align_query;        /* A x D */
    const void *output;             /* E x (S + D) */
    const void *vocabulary;         /* V x E */
    const float *bridge_bias;       /* 2 D */
    const float *align_bias;        /* A */
    const float *align_coverage;    /* A */
    const float *align_score;       /* A */
    const float *copy, *copy_token; /* S + D; V: the part of a token, bias included */
    const float *output_bias;       /* E */
    const float *vocabulary_bias;   /* V */
};

struct gpu_group {
    struct gpu_decoder decoder;
    int32_t states, units, embedding, alignment, vocab; /* S, D, E, A, V */
    int32_t texts, beam, width;                         /* width: candidates of a row, at most */
    int32_t max_tokens, min_tokens;
    /* sources */
    const struct gpu_source *sources; /* texts */
    const int32_t *tokens;            /* of all texts */
    const int32_t *next;     /* for each: where its text has the same token next; -1: nowhere */
    const int32_t *heads;    /* where a text has each of its tokens first, counted in the text */
    const double *penalties; /* max_tokens + 2: beam_penalty by length */
    int32_t *forced;         /* texts x max_tokens: what is written again */
    void *source_states;     /* tokens x S elements */
    void *keys;              /* tokens x A elements */
    /* rows; at most texts x beam */
    int32_t *rows;        /* 1: how many there are */
    struct gpu_run *runs; /* texts */
    struct gpu_hypothesis *live;
    void *before, *after;            /* x (S + D) elements: context, state */
    float *cell_before, *cell_after; /* x D */
    float *products;                 /* x 4 D; of the bridge 2 D */
    float *query;                    /* x A */
    float *generate;                 /* the share of the vocabulary */
    float *sums;                     /* x E */
    void *output;                    /* x E elements */
    float *shares;                   /* x V: logits, then shares of the mixture */
    int32_t *written, *origins;      /* x max_tokens */
    /* over the positions of a row's source; where: gpu_positions */
    float *coverage_before, *attention, *coverage_after;
    /* the competition */
    struct gpu_candidate *candidates;               /* rows x width */
    int32_t *candidate_counts;                      /* rows */
    struct gpu_hypothesis *following;               /* texts x beam: the next step's */
    int32_t *following_counts;                      /* texts */
    int32_t *following_written, *following_origins; /* texts x beam x max_tokens */
    int32_t *places;                                /* texts: rows that it can still have */
    struct gpu_ended *ended;                        /* texts */
    int32_t *best, *best_origins;                   /* texts x max_tokens */
    struct gpu_progress *progress;                  /* 1 */
};

/* The states of a round's windows that they own, each to the place of its token. first: of the
 * round, in the group. */
cudaError_t gpu_keep(cudaStream_t stream, const struct gpu_plan *plan, const struct gpu_row *rows,
                     int32_t count, const void *states, int32_t first, void *source_states);

/* The mean of each text's states into after (texts x S elements). */
cudaError_t gpu_mean(cudaStream_t stream, enum lstm_precision precision,
                     const struct gpu_group *group);

/* One row a text, from the products of the bridge: what the first step finds. */
cudaError_t gpu_begin(cudaStream_t stream, enum lstm_precision precision,
                      const struct gpu_group *group);

/* The parts of a step between its products, for at most so many rows. */
cudaError_t gpu_decoder_cell(cudaStream_t stream, enum lstm_precision precision,
                             const struct gpu_group *group, int32_t rows);
cudaError_t gpu_attend(cudaStream_t stream, enum lstm_precision precision,
                       const struct gpu_group *group, int32_t rows);
cudaError_t gpu_output(cudaStream_t stream, enum lstm_precision precision,
                       const struct gpu_group *group, int32_t rows);

/* Logits become shares of the mixture, those that may not follow become 0, the best go to the
 * candidates. */
cudaError_t gpu_shares(cudaStream_t stream, const struct gpu_group *group, int32_t rows);

/* The places of each text to its best candidates: following. */
cudaError_t gpu_choose(cudaStream_t stream, const struct gpu_group *group);

/* Instead of these two: each text's row goes on with the token of that step in forced. */
cudaError_t gpu_force(cudaStream_t stream, const struct gpu_group *group, int32_t step);

/* The rows of the next step, and the progress. */
cudaError_t gpu_advance_rows(cudaStream_t stream, enum lstm_precision precision,
                             const struct gpu_group *group);

#endif
