/* Reads a batch through the encoder, a tile of windows at a time, and hands on the states of each
 * tile. */
#ifndef LSTM_CPU_TILES_H
#define LSTM_CPU_TILES_H

#include "cpu_encoder.h"

struct cpu_tiles; /* working memory for one caller at a time */

enum lstm_status cpu_tiles_open(const struct cpu_weights *weights, struct cpu_tiles **tiles,
                                struct lstm_error *err);
void cpu_tiles_close(struct cpu_tiles *tiles); /* NULL is fine */

/* states (tile positions x 2 hidden, row-major order): the last layer's, valid during the call. */
typedef void cpu_tile_taker(void *arg, const struct cpu_tile *tile, const float *states);

/* Windows go through by falling length, a text's in order; every token is owned by one of them.
 * Errors: LSTM_RANGE for a token outside the vocabulary or an empty text, LSTM_NOMEM,
 * LSTM_INTERRUPTED between tiles. */
enum lstm_status cpu_tiles_run(struct cpu_tiles *tiles, const struct lstm_batch *batch,
                               cpu_tile_taker *take, void *arg, struct lstm_error *err);

#endif
