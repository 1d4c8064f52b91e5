#include "train/tone.h"

#include "train/random.h"

#include <math.h>
#include <stdlib.h>

struct learner {
    const struct dataset *dataset;
    int32_t vocab;
    double *weights, *squares; /* vocab + 1: squares of their gradients, summed */
    int32_t *stamps;           /* vocab: the last look that met the token */
    int32_t looks;
    int32_t *found, found_count; /* the distinct tokens of a text */
    double worth[2];             /* of a text of each class */
};

static enum lstm_status open_learner(const struct dataset *d, int32_t vocab, struct learner *l,
                                     struct lstm_error *err)
{
    const size_t n = (size_t)vocab + 1;
    *l = (struct learner){ .dataset = d, .vocab = vocab };
    if (!(l->weights = calloc(n, 2 * sizeof *l->weights + 2 * sizeof *l->stamps)))
        return lstm_fail(err, LSTM_NOMEM, "out of memory for the tone of %d tokens", vocab);
    l->squares = l->weights + n;
    l->stamps = (int32_t *)(l->squares + n);
    l->found = l->stamps + n;
    for (int32_t i = 0; i < d->texts; i++)
        l->worth[d->classes[i]]++;
    for (int k = 0; k < 2; k++)
        l->worth[k] = l->worth[k] > 0 ? sqrt(d->texts / (2 * l->worth[k])) : 0;
    return LSTM_OK;
}

static void find_distinct(struct learner *l, int32_t text)
{
    const struct dataset *d = l->dataset;
    l->found_count = 0;
    l->looks++;
    for (int32_t i = d->starts[text]; i < d->starts[text + 1]; i++) {
        const int32_t token = d->tokens.ids[i];
        if (l->stamps[token] == l->looks)
            continue;
        l->stamps[token] = l->looks;
        l->found[l->found_count++] = token;
    }
}

static double answer(const struct learner *l)
{
    double sum = 0;
    for (int32_t i = 0; i < l->found_count; i++)
        sum += l->weights[l->found[i]];
    return sum / sqrt((double)l->found_count) + l->weights[l->vocab];
}

static void adjust(struct learner *l, int32_t weight, double gradient, double rate)
{
    l->squares[weight] += gradient * gradient;
    l->weights[weight] -= rate * gradient / (sqrt(l->squares[weight]) + 1e-4);
}

static void step(struct learner *l, const struct tone_options *o, int32_t text)
{
    find_distinct(l, text);
    const int32_t class = l->dataset->classes[text];
    const double error = l->worth[class] * (1 / (1 + exp(-answer(l))) - class);
    const double part = 1 / sqrt((double)l->found_count);
    for (int32_t i = 0; i < l->found_count; i++)
        adjust(l, l->found[i], error * part + o->decay * l->weights[l->found[i]], o->rate);
    adjust(l, l->vocab, error, o->rate * 0.1);
}

enum lstm_status tone_learn(const struct dataset *d, int32_t vocab, const struct tone_options *o,
                            float *weights, struct lstm_error *err)
{
    struct learner l;
    uint64_t random = random_stream(o->seed, 0x70e);
    enum lstm_status rc = open_learner(d, vocab, &l, err);
    for (int64_t i = 0; i < (int64_t)o->epochs * d->texts && !rc; i++)
        step(&l, o, (int32_t)random_below(&random, (uint32_t)d->texts));
    for (int32_t i = 0; i <= vocab && !rc; i++)
        weights[i] = (float)l.weights[i];
    free(l.weights);
    return rc;
}

enum lstm_status tone_accuracy(const struct dataset *d, int32_t vocab, const float *weights,
                               double *accuracy, struct lstm_error *err)
{
    struct learner l;
    int32_t right = 0;
    enum lstm_status rc = open_learner(d, vocab, &l, err);
    for (int32_t i = 0; i <= vocab && !rc; i++)
        l.weights[i] = (double)weights[i];
    for (int32_t i = 0; i < d->texts && !rc; i++) {
        find_distinct(&l, i);
        right += (answer(&l) > 0) == d->classes[i];
    }
    *accuracy = d->texts > 0 ? (double)right / d->texts : 0;
    free(l.weights);
    return rc;
}
