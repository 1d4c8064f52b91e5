/* Oracle of the 16-bit formats: their definition in double precision, (-1)^s x 2^e x fraction, by
 * ldexp. */
#include "model/floats.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct format {
    const char *name;
    int fraction_bits, bias;
    float (*read)(uint16_t);
    uint16_t (*write)(float);
};

static const struct format formats[] = {
    { "f16", 10, 15, float_from_f16, float_to_f16 },
    { "bf16", 7, 127, float_from_bf16, float_to_bf16 },
};

/* What 16 bits mean. */
static double meaning(const struct format *f, uint32_t bits)
{
    int exponent_max = (1 << (15 - f->fraction_bits)) - 1;
    int exponent = (int)(bits >> f->fraction_bits) & exponent_max;
    double fraction = ldexp((double)(bits & ((1U << f->fraction_bits) - 1)), -f->fraction_bits);
    double value = exponent == exponent_max ? (fraction > 0 ? (double)NAN : (double)INFINITY)
                   : exponent > 0           ? ldexp(1 + fraction, exponent - f->bias)
                                            : ldexp(fraction, 1 - f->bias);
    return bits & 0x8000 ? -value : value;
}

static void every_one_of_65536_patterns_reads_exactly_and_comes_back(void **state)
{
    (void)state;
    for (const struct format *f = formats; f < formats + 2; f++)
        for (uint32_t bits = 0; bits < 65536; bits++) {
            float value = f->read((uint16_t)bits);
            double expected = meaning(f, bits);
            if (isnan(expected)) {
                assert_true(isnan(value));
                assert_true(isnan(f->read(f->write(value))));
                continue;
            }
            if ((double)value != expected || !signbit(value) != !signbit(expected) ||
                f->write(value) != bits)
                fail_msg("%s %04x: %a, %a expected; written back as %04x", f->name, bits,
                         (double)value, expected, f->write(value));
        }
}

static void rounding_goes_to_the_nearest_and_ties_to_even(void **state)
{
    (void)state;
    for (const struct format *f = formats; f < formats + 2; f++) {
        uint32_t infinity = (0x7FFFU >> f->fraction_bits) << f->fraction_bits;
        for (uint32_t bits = 0; bits + 1 < infinity; bits++) {
            double low = meaning(f, bits), high = meaning(f, bits + 1);
            float middle = (float)((low + high) / 2);
            uint32_t even = bits & 1 ? bits + 1 : bits;
            assert_true((double)middle == (low + high) / 2);
            if (f->write(middle) != even || f->write(-middle) != (0x8000 | even) ||
                f->write(nextafterf(middle, 0)) != bits ||
                f->write(nextafterf(middle, INFINITY)) != bits + 1)
                fail_msg("%s: around %a", f->name, (double)middle);
        }
        float largest = f->read((uint16_t)(infinity - 1)),
              half_step = (largest - f->read((uint16_t)(infinity - 2))) / 2;
        assert_int_equal(f->write(nextafterf(largest + half_step, 0)), infinity - 1);
        assert_int_equal(f->write(largest + half_step), infinity);
        assert_int_equal(f->write(INFINITY), infinity);
        assert_int_equal(f->write(-INFINITY), 0x8000 | infinity);
    }
}

static void blocks_say_which_number_is_not_finite(void **state)
{
    static const enum safetensors_dtype dtypes[] = { SAFETENSORS_F32, SAFETENSORS_F16,
                                                     SAFETENSORS_BF16 };
    const float bad[] = { NAN, INFINITY, -INFINITY, 65520.0F };
    unsigned char bytes[1 + 5 * 4];
    (void)state;
    for (size_t d = 0; d < 3; d++)
        for (size_t b = 0; b < 4; b++) {
            float values[5] = { 1, -0.5F, bad[b], 2, bad[b] }, back[5];
            int fits = b == 3 && dtypes[d] != SAFETENSORS_F16;
            size_t expected = fits ? 5 : 2;
            assert_int_equal(floats_write(dtypes[d], values, 5, bytes + 1), expected);
            assert_int_equal(floats_read(dtypes[d], bytes + 1, 5, back), expected);
            assert_true(back[0] == 1 && back[1] == -0.5F && back[3] == 2);
        }
    assert_int_equal(floats_write(SAFETENSORS_F32, bad, 0, bytes), 0);
}

static void files_are_little_endian(void **state)
{
    const float values[] = { 1.0F, -1.5F };
    unsigned char bytes[8];
    (void)state;
    floats_write(SAFETENSORS_F32, values, 2, bytes);
    assert_memory_equal(bytes, "\x00\x00\x80\x3f\x00\x00\xc0\xbf", 8);
    floats_write(SAFETENSORS_F16, values, 2, bytes);
    assert_memory_equal(bytes, "\x00\x3c\x00\xbe", 4);
    floats_write(SAFETENSORS_BF16, values, 2, bytes);
    assert_memory_equal(bytes, "\x80\x3f\xc0\xbf", 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_one_of_65536_patterns_reads_exactly_and_comes_back),
        cmocka_unit_test(rounding_goes_to_the_nearest_and_ties_to_even),
        cmocka_unit_test(blocks_say_which_number_is_not_finite),
        cmocka_unit_test(files_are_little_endian),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
