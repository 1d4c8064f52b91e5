/* The kernels that this machine can run, for tests that go through all of them. */
#ifndef LSTM_TESTS_KERNEL_TABLES_H
#define LSTM_TESTS_KERNEL_TABLES_H

#include "model/cpu_kernels.h"
#include "tests/networks.h"

extern const struct cpu_kernels *tables[COUNT(network_isas)]; /* generic first, the best last */
extern size_t tables_count;
int find_tables(void **state); /* fills them: a group's setup. The others are skipped aloud */

float *random_floats(uint64_t *seed, float scale, size_t count); /* the caller frees them */
int same_bits(const float *a, const float *b, size_t count);

/* Fails unless found is within bound of expected, relative where that is above 1. */
void check_close(const char *what, const struct cpu_kernels *k, double found, double expected,
                 double bound);

#endif
