/* Conversions by integer arithmetic: no rounding mode and no flush-to-zero setting of the process
 * changes them. */
#include "floats.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

float float_from_f16(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = half >> 10 & 0x1F,
             fraction = half & 0x3FF;
    if (exponent == 0x1F)
        return float_of(sign | 0x7F800000 | fraction << 13);
    if (exponent)
        return float_of(sign | (exponent + 112) << 23 | fraction << 13);
    if (!fraction)
        return float_of(sign);
    /* A subnormal is fraction x 2^-24, and every one is a normal float: shift its leading one to
     * bit 10. */
    for (exponent = 113; !(fraction & 0x400); exponent--)
        fraction <<= 1;
    return float_of(sign | exponent << 23 | (fraction & 0x3FF) << 13);
}

/* value / 2^shift, to nearest, ties to even. */
static uint32_t shift_rounded(uint32_t value, uint32_t shift)
{
    uint32_t kept = value >> shift, rest = value & ((1U << shift) - 1), half = 1U << (shift - 1);
    return kept + (rest > half || (rest == half && (kept & 1)));
}

uint16_t float_to_f16(float value)
{
    uint32_t bits = bits_of(value), magnitude = bits & 0x7FFFFFFF;
    uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
    if (magnitude > 0x7F800000)
        return (uint16_t)(sign | 0x7E00);
    if (magnitude >=
        0x47800000) /* 2^16; from 65520 on the rounding below reaches infinity by itself */
        return (uint16_t)(sign | 0x7C00);
    if (magnitude >=
        0x38800000) /* 2^-14, the smallest normal; a carry moves into the exponent as it should */
        return (uint16_t)(sign | shift_rounded(magnitude - (112U << 23), 13));
    if (magnitude < 0x33000000) /* below 2^-25, half of the smallest subnormal */
        return sign;
    return (uint16_t)(sign |
                      shift_rounded((magnitude & 0x7FFFFF) | 0x800000, 126 - (magnitude >> 23)));
}

float float_from_bf16(uint16_t half)
{
    return float_of((uint32_t)half << 16);
}

uint16_t float_to_bf16(float value)
{
    uint32_t bits = bits_of(value);
    if ((bits & 0x7FFFFFFF) > 0x7F800000)
        return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)shift_rounded(bits, 16);
}

static uint16_t load16(const unsigned char *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static void store16(unsigned char *p, uint16_t bits)
{
    p[0] = (unsigned char)bits;
    p[1] = (unsigned char)(bits >> 8);
}

static uint32_t load32(const unsigned char *p)
{
    return (uint32_t)load16(p) | (uint32_t)load16(p + 2) << 16;
}

size_t floats_read(enum safetensors_dtype dtype, const unsigned char *bytes, size_t count,
                   float *values)
{
    assert(dtype == SAFETENSORS_F32 || dtype == SAFETENSORS_F16 || dtype == SAFETENSORS_BF16);
    if (dtype == SAFETENSORS_F32)
        for (size_t i = 0; i < count; i++)
            values[i] = float_of(load32(bytes + 4 * i));
    else if (dtype == SAFETENSORS_F16)
        for (size_t i = 0; i < count; i++)
            values[i] = float_from_f16(load16(bytes + 2 * i));
    else
        for (size_t i = 0; i < count; i++)
            values[i] = float_from_bf16(load16(bytes + 2 * i));
    for (size_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return i;
    return count;
}

size_t floats_write(enum safetensors_dtype dtype, const float *values, size_t count,
                    unsigned char *bytes)
{
    size_t first = count;
    assert(dtype == SAFETENSORS_F32 || dtype == SAFETENSORS_F16 || dtype == SAFETENSORS_BF16);
    for (size_t i = count; i-- > 0;) {
        uint32_t bits = bits_of(values[i]);
        uint16_t half =
            dtype == SAFETENSORS_F16 ? float_to_f16(values[i]) : float_to_bf16(values[i]);
        if (dtype == SAFETENSORS_F32) {
            store16(bytes + 4 * i, (uint16_t)bits);
            store16(bytes + 4 * i + 2, (uint16_t)(bits >> 16));
            half = (uint16_t)(bits >> 16);
        } else {
            store16(bytes + 2 * i, half);
        }
        uint16_t exponent = dtype == SAFETENSORS_F16 ? 0x7C00 : 0x7F80;
        if ((half & exponent) == exponent)
            first = i;
    }
    return first;
}
