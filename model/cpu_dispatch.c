/* Which kernels this machine can run. */
#include "cpu_kernels.h"

#include <string.h>

static int can_run(const struct cpu_kernels *kernels)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (kernels == &cpu_kernels_avx512)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("fma");
    if (kernels == &cpu_kernels_avx2)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
    return kernels == &cpu_kernels_generic;
}

const struct cpu_kernels *cpu_kernels_pick(const char *isa)
{
    static const struct cpu_kernels *const tables[] = {
#if defined(__x86_64__)
        &cpu_kernels_avx512,
        &cpu_kernels_avx2,
#endif
        &cpu_kernels_generic,
    };
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if (can_run(tables[i]) && (!isa || !strcmp(isa, tables[i]->isa)))
            return tables[i];
    return NULL;
}
