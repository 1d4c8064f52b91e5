/* Whether two classifiers differ on the same rows by more than chance. */
#ifndef TRAIN_MCNEMAR_H
#define TRAIN_MCNEMAR_H

#include <stdint.h>

/* The two-sided p-value of McNemar's exact test: of the n = first + second rows that only one of
 * two models gets right, first are the one's and second the other's; were they equally good, first
 * would be binomial(n, 1/2). p = min(1, 2 P(X <= min(first, second))). McNemar 1947 ("Note on the
 * sampling error of the difference between correlated proportions or percentages"); the exact form:
 * Agresti, Categorical Data Analysis, on matched pairs. 1 where n = 0. Counts are at least 0. */
double mcnemar_exact(int64_t first, int64_t second);

#endif
