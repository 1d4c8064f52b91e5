/* Successive halving (Jamieson and Talwalkar 2016, "Non-stochastic Best Arm Identification and
 * Hyperparameter Optimization"): many candidates learn from few rows, the better half of them from
 * twice as many, and so on until the last two learn from all. */
#ifndef TRAIN_HALVING_H
#define TRAIN_HALVING_H

#include <stdint.h>

enum { HALVING_MAX = 32 }; /* candidates: a power of two up to this, or 1 */

/* The settings of a classifier's training that are searched. */
struct candidate {
    int from_model; /* go on from the model that there is, or learn from scratch */
    int32_t hidden; /* of one from scratch */
    int32_t epochs;
    double rate, drop_word, drop_embedding, drop_features;
};

/* What the user has settled and is not varied. */
struct candidate_fixed {
    int from, hidden, epochs, rate, drop_word, drop_embedding, drop_features;
};

/* Candidate number index of a seed; number 0 is the recipe itself. of_model, scratch: the recipe of
 * each start; the better known comes first. Values have few digits, so that they can be given again
 * as options. */
struct candidate candidate_draw(const struct candidate *of_model, const struct candidate *scratch,
                                const struct candidate_fixed *fixed, uint64_t seed, int32_t index);

/* Rounds of so many candidates; how many run in a round, and on which share of the rows. */
int32_t halving_rounds(int32_t count);
int32_t halving_survivors(int32_t count, int32_t round);
double halving_share(int32_t count, int32_t round);

/* What the whole search costs at most, whoever survives; costs: of each candidate on all rows. */
double halving_cost(const double *costs, int32_t count);

/* The most candidates that a budget pays for; 0: not even one. costs: HALVING_MAX. */
int32_t halving_affordable(const double *costs, double budget);

#endif
