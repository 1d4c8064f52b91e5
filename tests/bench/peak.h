/* What a core can do at most, measured, and how long a piece of work takes at least by that. */
#ifndef LSTM_BENCH_PEAK_H
#define LSTM_BENCH_PEAK_H

#include "model/model.h"

/* The instruction that multiplies and adds most a second on this machine, among those that an
 * instruction set of ours may use (isa as in lstm_backend_cpu); NULL where none is known. */
struct peak {
    const char *instruction;
    int operations;             /* of one of it; a multiplication and an addition are two */
    int (*is_here)(void);       /* whether this machine has it */
    void (*repeat)(long times); /* runs it twelve times over, each time independent of the others */
};
const struct peak *peak_int8(const char *isa);
const struct peak *peak_fp32(const char *isa);
const struct peak *peak_bf16(void);

/* Work of one unit: operations of products in each precision, and what gates and attention need. */
struct work {
    const char *isa; /* NULL: the best this machine has */
    const struct peak *int8, *fp32;
    double int8_operations, fp32_operations;
    double cells; /* updates of a cell: three sigmoids, two hyperbolic tangents */
    double tanhs, exps;
};

/* The least there is to do for a token in one direction of the first layer where its input product
 * comes from a table, and in the same network's other layers. */
struct work work_encoder(const struct lstm_sizes *sizes, int is_int8, const char *isa);

/* A step of the decoder that attends to so many tokens, its share of the vocabulary included. */
struct work work_decoder(const struct lstm_sizes *sizes, int32_t source, int is_int8);

/* A token of a text in both directions of one layer, forward, backward to the input and to the
 * weights; is_bf16: in place of fp32. */
struct work work_training(const struct lstm_sizes *sizes, int is_bf16);

/* A contestant's rate: units a second at the peaks, measured now. arg is a struct work. NaN where a
 * peak is unknown. */
double work_rate(void *work);

#endif
