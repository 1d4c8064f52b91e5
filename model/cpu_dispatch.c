/* Which instruction sets this machine can run. */
#include "cpu_arithmetic.h"
#include "cpu_products.h"

#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>

enum { F16C_IN_ECX = 1 << 29, AVXVNNI_IN_EAX = 1 << 4 }; /* of CPUID's leaf 1, and of leaf 7.1 */

static int has_f16c(void)
{
    unsigned int eax, ebx, ecx, edx;
    return __get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx & F16C_IN_ECX);
}

static int has_avxvnni(void)
{
    unsigned int eax, ebx, ecx, edx;
    return __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) && (eax & AVXVNNI_IN_EAX);
}

/* The compiler's functions ask the operating system too whether it saves the wide registers. */
static int has_avx2(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c();
}

static int has_avx512(void)
{
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
}

static int runs_avxvnni(void)
{
    return has_avx2() && has_avxvnni();
}

static int runs_avx512vnni(void)
{
    return has_avx512() && __builtin_cpu_supports("avx512vnni");
}

static int runs_avx512bf16(void)
{
    return has_avx512() && __builtin_cpu_supports("avx512bf16");
}
#endif

static int runs_generic(void)
{
    return 1;
}

const struct cpu_isa *cpu_isa_pick(const char *name)
{
    static const struct {
        int (*runs)(void);
        struct cpu_isa isa;
    } all[] = {
#if defined(__x86_64__)
        { runs_avx512vnni,
          { "avx512vnni", &cpu_kernels_avx512, &cpu_fp32_avx512, &cpu_int8_avx512vnni } },
        { has_avx512, { "avx512", &cpu_kernels_avx512, &cpu_fp32_avx512, &cpu_int8_avx512 } },
        { runs_avxvnni, { "avxvnni", &cpu_kernels_avx2, &cpu_fp32_avx2, &cpu_int8_avxvnni } },
        { has_avx2, { "avx2", &cpu_kernels_avx2, &cpu_fp32_avx2, &cpu_int8_avx2 } },
#endif
        { runs_generic, { "generic", &cpu_kernels_generic, &cpu_fp32_generic, &cpu_int8_generic } },
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if ((!name || !strcmp(name, all[i].isa.name)) && all[i].runs())
            return &all[i].isa;
    return NULL;
}

const struct cpu_kernels *cpu_kernels_pick(const char *name)
{
    const struct cpu_isa *isa = cpu_isa_pick(name);
    return isa ? isa->kernels : NULL;
}

const struct cpu_products *cpu_products_pick(const char *precision, const char *isa)
{
    static const struct {
        int (*runs)(void);
        const char *isa;
        const struct cpu_products *products;
    } all[] = {
#if defined(__x86_64__)
        { runs_avx512bf16, "avx512bf16", &cpu_bf16_products_avx512bf16 },
        { runs_avx512vnni, "avx512vnni", &cpu_bf16_products_avx512 },
        { runs_avx512vnni, "avx512vnni", &cpu_fp32_products_avx512 },
        { has_avx512, "avx512", &cpu_bf16_products_avx512 },
        { has_avx512, "avx512", &cpu_fp32_products_avx512 },
        { runs_avxvnni, "avxvnni", &cpu_bf16_products_avx2 },
        { runs_avxvnni, "avxvnni", &cpu_fp32_products_avx2 },
        { has_avx2, "avx2", &cpu_bf16_products_avx2 },
        { has_avx2, "avx2", &cpu_fp32_products_avx2 },
#endif
        { runs_generic, "generic", &cpu_bf16_products_generic },
        { runs_generic, "generic", &cpu_fp32_products_generic },
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (!strcmp(all[i].products->precision, precision) && (!isa || !strcmp(isa, all[i].isa)) &&
            all[i].runs())
            return all[i].products;
    return NULL;
}
