#include "train/halving.h"

#include "train/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- candidates ---- */

/* Two digits are all that the search can tell apart. */
static double two_digits(double value)
{
    const double unit = pow(10, floor(log10(value)) - 1);
    return round(value / unit) * unit;
}

/* Even on a logarithmic scale. */
static double draw_around(double middle, double times, uint64_t *random)
{
    return two_digits(middle * pow(times, 2 * (double)random_float(random) - 1));
}

static double draw_between(double low, double high, uint64_t *random)
{
    return round(100 * (low + (high - low) * (double)random_float(random))) / 100;
}

struct candidate candidate_draw(const struct candidate *of_model, const struct candidate *scratch,
                                const struct candidate_fixed *fixed, uint64_t seed, int32_t index)
{
    static const int32_t epochs[2][4] = { { 4, 6, 8, 12 }, { 2, 3, 5, 8 } };
    static const int32_t hidden[] = { 64, 96, 128, 192 };
    const int from_model = fixed->from ? of_model->from_model : index % 4 != 3;
    const struct candidate *recipe = from_model ? of_model : scratch;
    struct candidate c = *recipe;
    uint64_t random = random_stream(random_stream(seed, 0xa070), (uint64_t)index);
    if (index == 0)
        return c;
    c = (struct candidate){
        .from_model = from_model,
        .epochs = epochs[from_model][random_below(&random, 4)],
        .hidden = hidden[random_below(&random, 4)],
        .rate = draw_around(recipe->rate, 4, &random),
        .drop_word = draw_between(0, 0.2, &random),
        .drop_embedding = draw_between(0, 0.5, &random),
        .drop_features = draw_between(0.1, 0.6, &random),
    };
    c.epochs = fixed->epochs ? recipe->epochs : c.epochs;
    c.hidden = fixed->hidden || from_model ? recipe->hidden : c.hidden;
    c.rate = fixed->rate ? recipe->rate : c.rate;
    c.drop_word = fixed->drop_word ? recipe->drop_word : c.drop_word;
    c.drop_embedding = fixed->drop_embedding ? recipe->drop_embedding : c.drop_embedding;
    c.drop_features = fixed->drop_features ? recipe->drop_features : c.drop_features;
    return c;
}

/* ---- rounds ---- */

int32_t halving_rounds(int32_t count)
{
    int32_t rounds = 1;
    for (; count > 2; count /= 2)
        rounds++;
    return rounds;
}

int32_t halving_survivors(int32_t count, int32_t round)
{
    return count >> round;
}

double halving_share(int32_t count, int32_t round)
{
    return ldexp(1, round + 1 - halving_rounds(count));
}

static int compare_falling(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

double halving_cost(const double *costs, int32_t count)
{
    double sorted[HALVING_MAX], sum = 0;
    memcpy(sorted, costs, (size_t)count * sizeof *sorted);
    qsort(sorted, (size_t)count, sizeof *sorted, compare_falling);
    for (int32_t round = 0; round < halving_rounds(count); round++)
        for (int32_t i = 0; i < halving_survivors(count, round); i++)
            sum += sorted[i] * halving_share(count, round);
    return sum;
}

int32_t halving_affordable(const double *costs, double budget)
{
    int32_t count = HALVING_MAX;
    while (count > 0 && halving_cost(costs, count) > budget)
        count /= 2;
    return count;
}
