/* What of a batch goes to the device at once, as the kernels read it: windows sorted by length, the
 * tokens they span, the texts that they belong to. Plain C without CUDA. */
#ifndef LSTM_GPU_ROUND_H
#define LSTM_GPU_ROUND_H

#include "model/batch.h"

/* A window as a row of a tile. Positions count from the round's first token or state. */
struct gpu_row {
    int32_t token;           /* where its tokens begin */
    int32_t state;           /* where its states begin; every window has its own */
    int32_t length;          /* tokens = states */
    int32_t own, own_length; /* the states that are pooled, from the window's first */
    int32_t pool;            /* where they are pooled to: windows of a text one after another */
};

/* A text, or the part of it that is in the round. */
struct gpu_text {
    int32_t pool, pools;  /* of its windows */
    int32_t states;       /* of the whole text */
    int32_t begins, ends; /* in this round; else it was or will be carried over */
};

struct gpu_round {
    struct gpu_row *rows;   /* the longest first */
    struct gpu_text *texts; /* in the order of the batch */
    int32_t *tokens;
    int32_t rows_count, texts_count, tokens_count, states_count;
    int32_t first_text, first_token; /* of the batch */
};

/* Working memory of the packing; kept from round to round. */
struct gpu_windows;
struct gpu_windows *gpu_windows_open(int32_t rows_max); /* NULL: out of memory */
void gpu_windows_close(struct gpu_windows *windows);    /* NULL is fine */

/* The next windows of a batch: at most rows_max (that of gpu_windows_open) with at most states_max
 * states (at least the window's). rows and texts of round hold rows_max, tokens states_max.
 * rows_count is 0 when there are no more. Asks batch->stop now and then: LSTM_INTERRUPTED. */
enum lstm_status gpu_round_next(struct gpu_windows *windows, const struct lstm_sizes *sizes,
                                const struct lstm_batch *batch, struct lstm_walk *walk,
                                int32_t rows_max, int32_t states_max, struct gpu_round *round,
                                struct lstm_error *err);

/* How many rows are longer than so many steps. */
int32_t gpu_round_active(const struct gpu_round *round, int32_t step);

/* How many windows and states a batch has in all, each counted up to a limit. */
void gpu_round_measure(const struct lstm_sizes *sizes, const struct lstm_batch *batch,
                       int32_t rows_max, int32_t states_max, int32_t *rows, int32_t *states);

#endif
