/* 16-bit and 32-bit floats as files hold them (little-endian) and as the network uses them (float).
 */
#ifndef LSTM_FLOATS_H
#define LSTM_FLOATS_H

#include "safetensors.h"

/* IEEE 754 binary16 and bfloat16. Reading is exact, subnormals included. Writing rounds to nearest,
 * ties to even; what is too large becomes infinite; a NaN stays one. */
float float_from_f16(uint16_t bits);
uint16_t float_to_f16(float value);
float float_from_bf16(uint16_t bits);
uint16_t float_to_bf16(float value);

/* count numbers of a dtype (F32, F16 or BF16) from or to bytes, which need no alignment. Both
 * return the index of the first number that is not finite in its new form, or count when all are;
 * they go through all of them either way. */
size_t floats_read(enum safetensors_dtype dtype, const unsigned char *bytes, size_t count,
                   float *values);
size_t floats_write(enum safetensors_dtype dtype, const float *values, size_t count,
                    unsigned char *bytes);

#endif
