/* Summaries on the CPU: the texts of a batch are read and written group by group. */
#ifndef LSTM_CPU_SUMMARIES_H
#define LSTM_CPU_SUMMARIES_H

#include "batch.h"
#include "cpu_reader.h"
#include "writing.h"

struct cpu_summaries; /* working memory for one caller at a time */

/* reader: not ours; the network is the reader's. */
enum lstm_status cpu_summaries_open(const struct cpu_network *network, struct cpu_reader *reader,
                                    struct cpu_summaries **summaries, struct lstm_error *err);
void cpu_summaries_close(struct cpu_summaries *summaries); /* NULL is fine */

/* As write of struct lstm_backend. Texts are written together while their
 * states take at most a quarter of memory_mb (limits.h); between calls three eighths are kept. */
enum lstm_status cpu_summaries_write(struct cpu_summaries *summaries,
                                     const struct lstm_batch *batch,
                                     const struct lstm_summary_settings *settings,
                                     struct lstm_written *written, struct lstm_error *err);

#endif
