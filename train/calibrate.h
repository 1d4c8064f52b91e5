/* Temperature scaling (Guo et al. 2017): one number that makes confidence mean what it says, fitted
 * on held-out rows.
 */
#ifndef TRAIN_CALIBRATE_H
#define TRAIN_CALIBRATE_H

#include <stdint.h>

/* What is known of the texts: the class of each, or, of two classes, the probability of the second,
 * where shares is not NULL. */
struct calibration_truth {
    const int32_t *classes;
    const float *shares;
};

/* The temperature in 0.05..20 that gives the truth the highest likelihood, and one more text the
 * least surprise whatever its class is: n texts that are all right are sure by 1 - 1 / (2n + 2).
 * logits: texts x classes. */
double calibrate(const float *logits, const struct calibration_truth *truth, int32_t texts,
                 int32_t classes);

/* Mean negative log-likelihood of the truth at a temperature. */
double calibration_loss(const float *logits, const struct calibration_truth *truth, int32_t texts,
                        int32_t classes, double temperature);

/* Expected calibration error over equal-width bins of confidence (Naeini et al. 2015). */
double calibration_error(const float *logits, const struct calibration_truth *truth, int32_t texts,
                         int32_t classes, double temperature, int bins);

#endif
