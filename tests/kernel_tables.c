#include "tests/kernel_tables.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

const struct cpu_kernels *tables[COUNT(network_isas)];
size_t tables_count;

int find_tables(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(network_isas); i++)
        if (!cpu_kernels_pick(network_isas[i]))
            print_message("skipped: %s, which this machine lacks\n", network_isas[i]);
        else if (!tables_count || tables[tables_count - 1] != cpu_kernels_pick(network_isas[i]))
            tables[tables_count++] = cpu_kernels_pick(network_isas[i]); /* some share a table */
    return 0;
}

float *random_floats(uint64_t *seed, float scale, size_t count)
{
    float *values = network_memory(count * sizeof *values);
    network_fill(seed, scale, count, values);
    return values;
}

int same_bits(const float *a, const float *b, size_t count)
{
    return !memcmp(a, b, count * sizeof *a);
}

void check_close(const char *what, const struct cpu_kernels *k, double found, double expected,
                 double bound)
{
    if (!(fabs(found - expected) <= bound * (1.0 + fabs(expected))))
        fail_msg("%s of %s: %.9g, expected %.9g", what, k->isa, found, expected);
}
