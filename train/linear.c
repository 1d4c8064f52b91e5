#include "train/linear.h"

#include "train/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct linear {
    struct linear_options options;
    float *ratios;   /* features: log of the odds that a text with it is of the second class */
    float *weights;  /* features: what is learned, 1 at first: then it is naive Bayes */
    float *squares;  /* features: of their gradients, summed */
    uint32_t *stamp; /* features: the last text that had it */
    uint32_t texts;  /* stamped so far */
    double bias, bias_squares;
    uint32_t *found; /* the distinct features of a text */
    size_t found_count, found_capacity;
    void *memory; /* of the arrays by feature */
};

static const double smoothing = 1.0; /* of the counts */

void linear_free(struct linear *l)
{
    if (l)
        free(l->memory), free(l->found);
    free(l);
}

static enum lstm_status open_linear(const struct linear_options *options, struct linear **linear,
                                    struct lstm_error *err)
{
    const size_t features = (size_t)1 << options->bits;
    struct linear *l = *linear = calloc(1, sizeof *l);
    float *floats = l ? l->memory = calloc(4 * features, sizeof(float)) : NULL;
    if (!floats) {
        linear_free(l);
        *linear = NULL;
        return lstm_fail(err, LSTM_NOMEM, "out of memory for %zu features", features);
    }
    l->options = *options;
    l->ratios = floats;
    l->weights = floats + features;
    l->squares = floats + 2 * features;
    l->stamp = (uint32_t *)(floats + 3 * features);
    return LSTM_OK;
}

/* Lists the distinct features of a text. */
static enum lstm_status find_features(struct linear *l, const int32_t *tokens, int32_t count,
                                      struct lstm_error *err)
{
    const size_t most = (size_t)count * (size_t)l->options.order;
    if (most > l->found_capacity) {
        uint32_t *found = realloc(l->found, most * sizeof *found);
        if (!found)
            return lstm_fail(err, LSTM_NOMEM, "out of memory for a text of %d tokens", count);
        l->found = found;
        l->found_capacity = most;
    }
    l->found_count = 0;
    l->texts++;
    for (int32_t i = 0; i < count; i++) {
        uint64_t hash = 0;
        for (int32_t n = 0; n < l->options.order && i + n < count; n++) {
            hash = random_mix(hash + 0x9e3779b97f4a7c15u * ((uint64_t)tokens[i + n] + 1));
            uint32_t feature = (uint32_t)(hash >> (64 - l->options.bits));
            if (l->stamp[feature] != l->texts) {
                l->stamp[feature] = l->texts;
                l->found[l->found_count++] = feature;
            }
        }
    }
    return LSTM_OK;
}

static enum lstm_status features_of(struct linear *l, const struct dataset *d, int32_t text,
                                    struct lstm_error *err)
{
    return find_features(l, d->tokens.ids + d->starts[text], d->starts[text + 1] - d->starts[text],
                         err);
}

static double share_of(const struct dataset *d, int32_t text)
{
    return d->shares ? (double)d->shares[text] : (double)d->classes[text];
}

/* Naive Bayes: weights and squares serve as the counts. */
static enum lstm_status count_features(struct linear *l, const struct dataset *d,
                                       struct lstm_error *err)
{
    const size_t features = (size_t)1 << l->options.bits;
    double sums[2] = { 0 };
    float *const counts[2] = { l->weights, l->squares };
    for (int32_t text = 0; text < d->texts; text++) {
        enum lstm_status rc = features_of(l, d, text, err);
        if (rc)
            return rc;
        const double share = share_of(d, text);
        for (size_t i = 0; i < l->found_count; i++) {
            counts[0][l->found[i]] += (float)(1 - share);
            counts[1][l->found[i]] += (float)share;
        }
        sums[0] += (1 - share) * (double)l->found_count;
        sums[1] += share * (double)l->found_count;
    }
    for (size_t f = 0; f < features; f++) {
        double odds = ((double)counts[1][f] + smoothing) / ((double)counts[0][f] + smoothing);
        int is_met = counts[0][f] + counts[1][f] > 0;
        l->ratios[f] = is_met ? (float)log(odds * (sums[0] + 1) / (sums[1] + 1)) : 0.0f;
        l->weights[f] = 1.0f;
        l->squares[f] = 0.0f;
    }
    return LSTM_OK;
}

/* 1 / the length of the text's vector of ratios. */
static double inverse_length(const struct linear *l)
{
    double sum = 0;
    for (size_t i = 0; i < l->found_count; i++)
        sum += (double)l->ratios[l->found[i]] * (double)l->ratios[l->found[i]];
    return sum > 0 ? 1 / sqrt(sum) : 0;
}

static double answer(const struct linear *l, double inverse)
{
    double sum = 0;
    for (size_t i = 0; i < l->found_count; i++)
        sum += (double)l->weights[l->found[i]] * (double)l->ratios[l->found[i]];
    return inverse * sum + l->bias;
}

/* One step of Adagrad on the likelihood of a text. */
static void step(struct linear *l, double share)
{
    const double inverse = inverse_length(l);
    const double error = 1 / (1 + exp(-answer(l, inverse))) - share, rate = l->options.rate;
    for (size_t i = 0; i < l->found_count; i++) {
        const uint32_t f = l->found[i];
        double gradient =
            error * inverse * (double)l->ratios[f] + l->options.decay * ((double)l->weights[f] - 1);
        l->squares[f] += (float)(gradient * gradient);
        l->weights[f] -= (float)(rate * gradient / (sqrt((double)l->squares[f]) + 1e-8));
    }
    l->bias_squares += error * error;
    l->bias -= rate * 0.1 * error / (sqrt(l->bias_squares) + 1e-8);
}

enum lstm_status linear_learn(const struct dataset *d, const struct linear_options *options,
                              struct linear **linear, struct lstm_error *err)
{
    enum lstm_status rc = open_linear(options, linear, err);
    if (rc)
        return rc;
    struct linear *l = *linear;
    int32_t *order = malloc(((size_t)d->texts + 1) * sizeof *order);
    uint64_t random = random_stream(options->seed, 0x11ea);
    if (!order)
        rc = lstm_fail(err, LSTM_NOMEM, "out of memory for %d texts", d->texts);
    if (rc || (rc = count_features(l, d, err)))
        goto done;
    for (int32_t i = 0; i < d->texts; i++)
        order[i] = i;
    for (int32_t epoch = 0; epoch < options->epochs; epoch++) {
        for (int32_t i = d->texts - 1; i > 0; i--) {
            int32_t j = (int32_t)random_below(&random, (uint32_t)i + 1), text = order[i];
            order[i] = order[j];
            order[j] = text;
        }
        for (int32_t i = 0; i < d->texts; i++) {
            if ((rc = features_of(l, d, order[i], err)))
                goto done;
            step(l, share_of(d, order[i]));
        }
    }
done:
    free(order);
    if (rc) {
        linear_free(l);
        *linear = NULL;
    }
    return rc;
}

enum lstm_status linear_score(struct linear *l, const int32_t *tokens, int32_t count,
                              double *log_odds, struct lstm_error *err)
{
    enum lstm_status rc = find_features(l, tokens, count, err);
    if (!rc)
        *log_odds = answer(l, inverse_length(l));
    return rc;
}
