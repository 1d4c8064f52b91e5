/* Random networks and random texts for tests: the same from the same seed on every machine. */
#ifndef LSTM_TESTS_NETWORKS_H
#define LSTM_TESTS_NETWORKS_H

#include "model/batch.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* The instruction sets that a test goes through; lstm_backend_cpu says which of them this machine
 * has. */
extern const char *const network_isas[5];

uint32_t network_random(uint64_t *seed);                      /* 32 even bits (SplitMix64) */
float network_between(uint64_t *seed, float low, float high); /* even */
int32_t network_below(uint64_t *seed, int32_t limit);         /* 0 .. limit - 1 */
void network_fill(uint64_t *seed, float scale, size_t count, float *values); /* -scale .. scale */

/* malloc that ends the test program when there is nothing left. */
void *network_memory(size_t size);

/* A parameter block, each element in -scale .. scale. The caller frees it. */
float *network_params(const struct lstm_sizes *sizes, uint64_t seed, float scale);

/* A batch of texts of these lengths with random tokens, and giving it back. */
struct lstm_batch network_texts(int32_t vocab, const int32_t *lengths, int32_t texts,
                                uint64_t seed);
void network_texts_free(struct lstm_batch *batch);

#endif
