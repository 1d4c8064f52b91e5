#include "train/calibrate.h"

#include <math.h>

enum { BINS_MAX = 100, HALVINGS = 60 };

/* The probability of class k. */
static double probability(const float *logits, int32_t classes, int32_t k, double temperature)
{
    double sum = 0;
    for (int32_t j = 0; j < classes; j++)
        sum += exp(((double)logits[j] - (double)logits[k]) / temperature);
    return 1 / sum;
}

/* How much of text i is of class k. */
static double share_of(const struct calibration_truth *truth, int32_t i, int32_t k)
{
    if (!truth->shares)
        return k == truth->classes[i];
    return k ? (double)truth->shares[i] : 1 - (double)truth->shares[i];
}

double calibration_loss(const float *logits, const struct calibration_truth *truth, int32_t texts,
                        int32_t classes, double temperature)
{
    double loss = 0;
    for (int32_t i = 0; i < texts; i++)
        for (int32_t k = 0; k < classes; k++) {
            double share = share_of(truth, i, k);
            if (share > 0)
                loss -=
                    share *
                    log(probability(logits + (long)i * classes, classes, k, temperature) + 1e-300);
        }
    return loss / (texts > 0 ? texts : 1);
}

/* The likelihood is concave in 1 / temperature, so golden sections on its logarithm find the one
 * maximum. */
double calibrate(const float *logits, const struct calibration_truth *truth, int32_t texts,
                 int32_t classes)
{
    const double golden = 0.6180339887498949;
    double low = log(0.05), high = log(20.0);
    for (int i = 0; i < HALVINGS; i++) {
        double a = high - golden * (high - low), b = low + golden * (high - low);
        if (calibration_loss(logits, truth, texts, classes, exp(a)) <
            calibration_loss(logits, truth, texts, classes, exp(b)))
            high = b;
        else
            low = a;
    }
    return exp((low + high) / 2);
}

double calibration_error(const float *logits, const struct calibration_truth *truth, int32_t texts,
                         int32_t classes, double temperature, int bins)
{
    double confidence[BINS_MAX] = { 0 }, right[BINS_MAX] = { 0 }, error = 0;
    for (int32_t i = 0; i < texts; i++) {
        const float *row = logits + (long)i * classes;
        int32_t top = 0;
        for (int32_t k = 1; k < classes; k++)
            top = row[k] > row[top] ? k : top;
        double p = probability(row, classes, top, temperature);
        int bin = p >= 1 ? bins - 1 : (int)(p * bins);
        confidence[bin] += p;
        right[bin] += share_of(truth, i, top);
    }
    for (int b = 0; b < bins; b++)
        error += fabs(confidence[b] - right[b]);
    return error / (texts > 0 ? texts : 1);
}
