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

static int32_t top_class(const float *logits, int32_t classes)
{
    int32_t top = 0;
    for (int32_t k = 1; k < classes; k++)
        top = logits[k] > logits[top] ? k : top;
    return top;
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

/* What one more text would lose whose class nobody knows, with logits as those of the others are on
 * average. Without it texts that are all right have no best temperature: the lower, the surer. */
static double unknown_loss(const float *logits, int32_t texts, int32_t classes, double temperature)
{
    double loss = 0;
    for (int32_t i = 0; i < texts; i++) {
        const float *row = logits + (long)i * classes;
        const int32_t top = top_class(row, classes);
        double below = 0; /* the top, of all classes together */
        for (int32_t k = 0; k < classes; k++)
            below += (double)row[top] - (double)row[k];
        loss += below / classes / temperature - log(probability(row, classes, top, temperature));
    }
    return loss / (texts > 0 ? texts : 1);
}

static double objective(const float *logits, const struct calibration_truth *truth, int32_t texts,
                        int32_t classes, double temperature)
{
    return calibration_loss(logits, truth, texts, classes, temperature) +
           unknown_loss(logits, texts, classes, temperature) / (texts > 0 ? texts : 1);
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
        if (objective(logits, truth, texts, classes, exp(a)) <
            objective(logits, truth, texts, classes, exp(b)))
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
        const int32_t top = top_class(row, classes);
        double p = probability(row, classes, top, temperature);
        int bin = p >= 1 ? bins - 1 : (int)(p * bins);
        confidence[bin] += p;
        right[bin] += share_of(truth, i, top);
    }
    for (int b = 0; b < bins; b++)
        error += fabs(confidence[b] - right[b]);
    return error / (texts > 0 ? texts : 1);
}
