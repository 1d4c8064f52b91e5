/* Reads a batch through the encoder: its windows, sorted by length in rounds, run in lockstep as
 * the rows of tiles; a row leaves its tile when its window ends, and each tile is one thread's. */
#ifndef LSTM_CPU_READER_H
#define LSTM_CPU_READER_H

#include "batch.h"
#include "cpu_network.h"

enum { CPU_ROUND_WINDOWS = 2048 }; /* that are sorted and handed out together */

struct cpu_reader; /* working memory for one caller at a time; kept from call to call */

enum lstm_status cpu_reader_open(const struct cpu_network *network, struct cpu_reader **reader,
                                 struct lstm_error *err);
void cpu_reader_close(struct cpu_reader *reader); /* NULL is fine */

/* What has been read of a tile: the last layer's states of window r, 2 hidden a token, stored as
 * the network's arithmetic does, lie from token offset[r] on. */
struct cpu_tile_states {
    const struct lstm_window *windows; /* the longest first */
    int32_t rows;
    const int32_t *offset; /* rows, in tokens */
    const void *states;
};

/* Who takes what is read. */
struct cpu_taker {
    /* Once a tile, in any of the threads at the same time; scratch: window + 16 floats. */
    void (*tile)(void *arg, const struct cpu_tile_states *tile, float *scratch);
    /* After each round in the caller's thread, or NULL: windows in the order of the texts; in a
     * tile window i was the one of index i. */
    void (*round)(void *arg, const struct lstm_window *windows, int32_t count);
    void *arg;
};

/* Every token is owned by one window. Errors: LSTM_RANGE for a token outside the vocabulary or an
 * empty text, LSTM_NOMEM, LSTM_INTERRUPTED between tiles. */
enum lstm_status cpu_reader_run(struct cpu_reader *reader, const struct lstm_batch *batch,
                                const struct cpu_taker *taker, struct lstm_error *err);

#endif
