#include "train/mcnemar.h"

#include <math.h>

double mcnemar_exact(int64_t first, int64_t second)
{
    const int64_t fewer = first < second ? first : second;
    const double n = (double)(first + second), half = log(0.5);
    double tail = 0;
    for (int64_t k = 0; k <= fewer; k++) /* binomial(n, k) / 2^n, by logarithms: n may be large */
        tail += exp(lgamma(n + 1) - lgamma((double)k + 1) - lgamma(n - (double)k + 1) + n * half);
    return fmin(1, 2 * tail);
}
