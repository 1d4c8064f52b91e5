#include "tests/networks.h"

#include <stdio.h>
#include <stdlib.h>

const char *const network_isas[5] = { "generic", "avx2", "avxvnni", "avx512", "avx512vnni" };

uint32_t network_random(uint64_t *seed)
{
    uint64_t z = *seed += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (uint32_t)((z ^ (z >> 31)) >> 32);
}

float network_between(uint64_t *seed, float low, float high)
{
    return low + (high - low) * (float)(network_random(seed) >> 8) / 16777216.0f;
}

int32_t network_below(uint64_t *seed, int32_t limit)
{
    return (int32_t)(network_random(seed) % (uint32_t)limit);
}

void network_fill(uint64_t *seed, float scale, size_t count, float *values)
{
    for (size_t i = 0; i < count; i++)
        values[i] = network_between(seed, -scale, scale);
}

void *network_memory(size_t size)
{
    void *memory = malloc(size ? size : 1);
    if (!memory) {
        fprintf(stderr, "out of memory for %zu bytes of a test\n", size);
        abort();
    }
    return memory;
}

float *network_params(const struct lstm_sizes *sizes, uint64_t seed, float scale)
{
    size_t count = lstm_params_count(sizes);
    float *params = network_memory(count * sizeof *params);
    network_fill(&seed, scale, count, params);
    return params;
}

struct lstm_batch network_texts(int32_t vocab, const int32_t *lengths, int32_t texts, uint64_t seed)
{
    int32_t *starts = network_memory(((size_t)texts + 1) * sizeof *starts);
    starts[0] = 0;
    for (int32_t i = 0; i < texts; i++)
        starts[i + 1] = starts[i] + lengths[i];
    int32_t *tokens = network_memory((size_t)starts[texts] * sizeof *tokens);
    for (int32_t i = 0; i < starts[texts]; i++)
        tokens[i] = network_below(&seed, vocab);
    return (struct lstm_batch){ .texts = texts, .tokens = tokens, .starts = starts };
}

void network_texts_free(struct lstm_batch *batch)
{
    free((void *)(uintptr_t)batch->tokens);
    free((void *)(uintptr_t)batch->starts);
}
