/* The first layer's input products by token: what each token adds to the gates of both directions.
 * A row is filled when its token is first met, by whoever meets it, and read by all threads from
 * then on. The rows of all tables of the process together grow to at most a quarter of the memory
 * that model/limits.h allows; a token that finds no room is computed each time. */
#ifndef LSTM_CPU_TABLE_H
#define LSTM_CPU_TABLE_H

#include "error.h"

#include <stddef.h>
#include <stdint.h>

struct cpu_table;

enum lstm_status cpu_table_open(int32_t vocab, size_t row_size, struct cpu_table **table,
                                struct lstm_error *err);
void cpu_table_close(struct cpu_table *table); /* NULL is fine */

/* The row of a token, or NULL: it has not been met. */
const void *cpu_table_find(const struct cpu_table *table, int32_t token);

/* Room for a row, aligned to 64 bytes, or NULL: there is no more, or another thread is asking. It
 * belongs to the caller until it is given back by cpu_table_keep. */
void *cpu_table_room(struct cpu_table *table);

/* Makes a filled row that of its token, unless another thread was faster. Returns the row to read.
 */
const void *cpu_table_keep(struct cpu_table *table, int32_t token, void *row);

size_t cpu_table_bytes(void); /* of all tables of the process */

#endif
