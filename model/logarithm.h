/* The natural logarithm, the same on every machine. */
#ifndef LSTM_LOGARITHM_H
#define LSTM_LOGARITHM_H

#include <float.h>
#include <math.h>

/* Of the smallest normal float where x is below it. By basic operations alone, so that it does not
 * depend on a library: log x = e log 2 + 2 artanh((m - 1) / (m + 1)) for x = m 2^e, m in 0.7
 * .. 1.4.
 */
static inline double lstm_log(double x)
{
    int exponent;
    double m = frexp(x > (double)FLT_MIN ? x : (double)FLT_MIN, &exponent);
    if (m < 0.70710678118654752)
        m *= 2.0, exponent--;
    double s = (m - 1.0) / (m + 1.0), square = s * s, sum = 0.0;
    for (int power = 21; power >= 1; power -= 2)
        sum = sum * square + 1.0 / power;
    return exponent * 0.69314718055994531 + 2.0 * s * sum;
}

#endif
