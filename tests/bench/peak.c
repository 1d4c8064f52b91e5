#include "tests/bench/peak.h"
#include "tests/bench/gates.h"
#include "tests/bench/race.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)

/* Twelve accumulators hide the latency of every processor we know. Operands are neither 0 nor
 * denormal: a multiplication by nothing could cost less power, and so more clock. */
#define TWELVE(step)                                                                          \
    step("0") step("1") step("2") step("3") step("4") step("5") step("6") step("7") step("8") \
        step("9") step("10") step("11")
#define REPEAT(name, features, reg, operand, step)                                                \
    __attribute__((target(features))) static void name(long times)                                \
    {                                                                                             \
        static const union {                                                                      \
            float number;                                                                         \
            uint32_t bits;                                                                        \
        } left = { operand };                                                                     \
        __asm__ volatile("vbroadcastss %1, %%" reg "12\n\t"                                       \
                         "vbroadcastss %1, %%" reg "13\n\t" TWELVE(CLEAR) "1:\n\t" TWELVE(        \
                             step) "dec %0\n\tjnz 1b\n\tvzeroupper"                               \
                         : "+r"(times)                                                            \
                         : "m"(left)                                                              \
                         : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",  \
                           "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"); \
    }
#define CLEAR(i) "vpxor %%xmm" i ", %%xmm" i ", %%xmm" i "\n\t"
#define FMA512(i) "vfmadd213ps %%zmm12, %%zmm13, %%zmm" i "\n\t"
#define FMA256(i) "vfmadd213ps %%ymm12, %%ymm13, %%ymm" i "\n\t"
#define VNNI512(i) "vpdpbusd %%zmm12, %%zmm13, %%zmm" i "\n\t"
#define BF16512(i) "vdpbf16ps %%zmm12, %%zmm13, %%zmm" i "\n\t"
#define MADD(r, i)                                   \
    "vpmaddubsw %%" r "12, %%" r "13, %%" r "14\n\t" \
    "vpmaddwd %%" r "13, %%" r "14, %%" r "14\n\t"   \
    "vpaddd %%" r "14, %%" r i ", %%" r i "\n\t"
#define MADD512(i) MADD("zmm", i)
#define MADD256(i) MADD("ymm", i)

enum { BYTES = 0x03030303, HALVES = 0x3eff3eff /* twice 0.498 */ };
REPEAT(fma512, "avx512f", "zmm", .number = 0.499F, FMA512)
REPEAT(fma256, "avx2,fma", "ymm", .number = 0.499F, FMA256)
REPEAT(bf16512, "avx512f,avx512bf16", "zmm", .bits = HALVES, BF16512)
REPEAT(vnni512, "avx512f,avx512vnni", "zmm", .bits = BYTES, VNNI512)
REPEAT(madd512, "avx512f,avx512bw", "zmm", .bits = BYTES, MADD512)
REPEAT(madd256, "avx2", "ymm", .bits = BYTES, MADD256)

#define HAS(name, feature)                      \
    static int name(void)                       \
    {                                           \
        return __builtin_cpu_supports(feature); \
    }
HAS(has_avx2, "avx2")
HAS(has_fma, "fma")
HAS(has_avx512f, "avx512f")
HAS(has_avx512bw, "avx512bw")
HAS(has_vnni, "avx512vnni")
HAS(has_bf16, "avx512bf16")

static const struct peak int8_peaks[] = {
    { "vpdpbusd zmm", 128, has_vnni, vnni512 },
    { "vpmaddubsw zmm", 128, has_avx512bw, madd512 },
    { "vpmaddubsw ymm", 64, has_avx2, madd256 },
};
static const struct peak bf16_peak = { "vdpbf16ps zmm", 64, has_bf16, bf16512 };
static const struct peak fp32_peaks[] = {
    { "vfmadd zmm", 32, has_avx512f, fma512 },
    { "vfmadd ymm", 16, has_fma, fma256 },
};

static const struct peak *best(const struct peak *peaks, size_t count, const char *isa)
{
    size_t first = isa && !strcmp(isa, "avx2") ? count - 1 : 0; /* the last is AVX2's */
    for (size_t i = isa && !strcmp(isa, "generic") ? count : first; i < count; i++)
        if (peaks[i].is_here())
            return &peaks[i];
    return NULL;
}

const struct peak *peak_int8(const char *isa)
{
    return best(int8_peaks, sizeof int8_peaks / sizeof *int8_peaks, isa);
}

const struct peak *peak_fp32(const char *isa)
{
    return best(fp32_peaks, sizeof fp32_peaks / sizeof *fp32_peaks, isa);
}

const struct peak *peak_bf16(void)
{
    return bf16_peak.is_here() ? &bf16_peak : NULL;
}

#else

const struct peak *peak_bf16(void)
{
    return NULL;
}

const struct peak *peak_int8(const char *isa)
{
    (void)isa;
    return NULL;
}

const struct peak *peak_fp32(const char *isa)
{
    (void)isa;
    return NULL;
}

#endif

static const double slice_seconds = 0.03;

static double repeat(void *arg)
{
    const struct peak *peak = arg;
    enum { TIMES = 20000 };
    peak->repeat(TIMES);
    return 12.0 * TIMES * peak->operations;
}

static double seconds_of(const struct peak *peak, double operations)
{
    if (operations <= 0)
        return 0;
    if (!peak)
        return NAN;
    return operations /
           race_slice(CLOCK_PROCESS_CPUTIME_ID, slice_seconds, repeat, (void *)(uintptr_t)peak);
}

static double seconds_at(double (*work)(void *arg), const char *isa, double units)
{
    void *arg = (void *)(uintptr_t)isa;
    return units > 0 ? units / race_slice(CLOCK_PROCESS_CPUTIME_ID, slice_seconds, work, arg) : 0;
}

double work_rate(void *arg)
{
    const struct work *work = arg;
    return 1 / (seconds_of(work->int8, work->int8_operations) +
                seconds_of(work->fp32, work->fp32_operations) +
                seconds_at(gates_cells, work->isa, work->cells) +
                seconds_at(gates_tanhs, work->isa, work->tanhs) +
                seconds_at(gates_exps, work->isa, work->exps));
}

struct work work_encoder(const struct lstm_sizes *sizes, int is_int8, const char *isa)
{
    const double h = sizes->hidden, above = sizes->layers - 1;
    const double operations = 8 * h * (h + above * (2 * h + h));
    return (struct work){ .isa = isa,
                          .int8 = peak_int8(isa),
                          .fp32 = peak_fp32(isa),
                          .int8_operations = is_int8 ? operations : 0,
                          .fp32_operations = is_int8 ? 0 : operations,
                          .cells = h * sizes->layers };
}

struct work work_training(const struct lstm_sizes *sizes, int is_bf16)
{
    const double h = sizes->hidden, e = sizes->embedding;
    return (struct work){ .fp32 = is_bf16 ? peak_bf16() : peak_fp32(NULL),
                          .fp32_operations = 2 * 3 * 8 * h * (e + h),
                          .cells = 2 * h };
}

struct work work_decoder(const struct lstm_sizes *sizes, int32_t source, int is_int8)
{
    const double e = sizes->embedding, h2 = 2 * sizes->hidden, d = sizes->decoder,
                 a = sizes->alignment, v = sizes->vocab, s = source;
    /* gates (the token's part comes from a table), query, output, vocabulary; scores, coverage and
     * context are in floats always */
    const double matrices = 2 * (4 * d * (h2 + d) + a * d + e * (d + h2) + v * e);
    const double attention = 2 * s * (a + a + h2);
    return (struct work){ .int8 = peak_int8(NULL),
                          .fp32 = peak_fp32(NULL),
                          .int8_operations = is_int8 ? matrices : 0,
                          .fp32_operations = attention + (is_int8 ? 0 : matrices),
                          .cells = d,
                          .tanhs = s * a,
                          .exps = v + s };
}
