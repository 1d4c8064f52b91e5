/* Rows of the decoder in flight: each is one summary that is being written, beside others of the
 * same text and of other texts. What a row is after a step depends on its own text and tokens
 * alone. */
#ifndef LSTM_CPU_ROWS_H
#define LSTM_CPU_ROWS_H

#include "carve.h"
#include "cpu_writer.h"

/* How a row goes on: as a copy of that row of the step before, which writes this token. Rows of one
 * text stand beside one another, texts in rising order. */
struct cpu_row_next {
    int32_t parent, token;
};

struct cpu_rows {
    const struct cpu_network *network;     /* not ours */
    const struct cpu_source *sources;      /* not ours; texts of them */
    int32_t texts, beam;                   /* at most beam rows a text */
    int32_t *text, *slot;                  /* rows: whose row this is, and which of the text's */
    struct cpu_writer_step step;           /* what it computed is valid until cpu_rows_advance */
    int32_t *tokens;                       /* rows; these are what the step reads */
    const struct cpu_source **row_sources; /* rows */
    void **before, **after, **output;      /* rows */
    float *cell, *cell_before;             /* rows x decoder; they change places */
    float **attention, **coverage;         /* rows */
    float **kept;                          /* texts: 3 beam x the source's width: see cpu_rows.c */
    int32_t *parent_text, *parent_slot;    /* rows */
    float *scratch;                        /* of cpu_writer_begin */
    int32_t parity;
};

/* Lays the arrays out in a block of memory, or counts how large it must be. sources: texts of them,
 * their counts set.
 */
void cpu_rows_carve(struct cpu_rows *rows, const struct cpu_network *network,
                    const struct cpu_source *sources, int32_t texts, int32_t beam,
                    struct carver *carver);

/* One row a text, before its first step. */
void cpu_rows_begin(struct cpu_rows *rows);

/* Computes the step of all rows: rows->step.attention, .output, .generate. */
void cpu_rows_step(struct cpu_rows *rows);

/* Makes the rows of the next step from those of this one. */
void cpu_rows_advance(struct cpu_rows *rows, const struct cpu_row_next *next, int32_t count);

#endif
