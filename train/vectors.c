/* CBOW with negative sampling (Mikolov et al. 2013, and their word2vec.c for the details:
 * subsampling of frequent tokens, drawn window sizes, mean of the context, counts^0.75). Every sum
 * has one written order, four lanes at a time as the baseline of any 64-bit processor has them, so
 * a seed gives the same bits everywhere. */
#include "train/vectors.h"

#include "train/progress.h"
#include "train/random.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LANES = 4,        /* of one vector register of the baseline */
    STEP = 4 * LANES, /* dimensions are multiples of this: four sums run side by side */
    FREQUENT = 1000,
    WINDOW_MAX = 64,
    NEGATIVES_MAX = 64,
    SIGMOID_RANGE = 8,
    SIGMOID_SIZE = 4096, /* entries over -8..8: steps of 1/256 */
    REPORT_EVERY = 8192  /* tokens between two looks at the clock */
};

typedef float lanes __attribute__((vector_size(LANES * sizeof(float)), may_alias));

/* Alias method (Walker 1977): entry i is itself when the low half of a draw is below threshold,
 * else other. */
struct draw {
    uint32_t threshold;
    int32_t other;
};

struct curve {
    float sigmoid, loss; /* 1 / (1 + exp(-x)) and -log of it */
};

/* All in one block, which begins with the struct. Vectors are aligned to the lanes. */
struct cbow {
    int32_t vocab, dimension, window, negatives;
    float *input, *output; /* vocab x dimension */
    float *context,
        *gradient;   /* dimension: the mean of the context, and what its vectors will be moved by */
    int64_t *counts; /* vocab */
    struct draw *draws;  /* vocab */
    uint32_t *kept;      /* vocab: a token is kept when 32 random bits are at most this */
    struct curve *curve; /* SIGMOID_SIZE + 1 */
    uint64_t random;
    double loss;     /* sum since the epoch began */
    int64_t targets; /* positions trained since then */
};

static inline float dot(const lanes *a, const lanes *b, int32_t blocks)
{
    lanes sum0 = { 0 }, sum1 = { 0 }, sum2 = { 0 }, sum3 = { 0 };
    for (int32_t i = 0; i < blocks; i += STEP / LANES) {
        sum0 += a[i] * b[i];
        sum1 += a[i + 1] * b[i + 1];
        sum2 += a[i + 2] * b[i + 2];
        sum3 += a[i + 3] * b[i + 3];
    }
    lanes sum = (sum0 + sum1) + (sum2 + sum3);
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/* One position: its context predicts targets[0] and must not predict the others. Returns the loss.
 */
static float learn_position(const struct cbow *cbow, const int32_t *neighbours,
                            int32_t neighbours_count, const int32_t *targets, float rate)
{
    const int32_t dimension = cbow->dimension, blocks = dimension / LANES,
                  count = 1 + cbow->negatives;
    lanes *context = (lanes *)cbow->context, *gradient = (lanes *)cbow->gradient;
    float step[1 + NEGATIVES_MAX], loss = 0, share = 1.0f / (float)neighbours_count;

    for (int32_t b = 0; b < blocks; b++) {
        lanes sum = { 0 };
        for (int32_t n = 0; n < neighbours_count; n++)
            sum += *(const lanes *)(cbow->input + (size_t)neighbours[n] * (size_t)dimension +
                                    b * LANES);
        context[b] = sum * share;
        gradient[b] = (lanes){ 0 };
    }
    for (int32_t k = 0; k < count; k++) {
        const lanes *output =
            (const lanes *)(cbow->output + (size_t)targets[k] * (size_t)dimension);
        float score = dot(context, output, blocks);
        score = score > SIGMOID_RANGE    ? SIGMOID_RANGE
                : score < -SIGMOID_RANGE ? -SIGMOID_RANGE
                                         : score;
        int32_t at =
            (int32_t)((score + SIGMOID_RANGE) * (SIGMOID_SIZE / (2 * SIGMOID_RANGE)) + 0.5f);
        loss += k ? cbow->curve[SIGMOID_SIZE - at].loss : cbow->curve[at].loss;
        step[k] = rate * ((k ? 0.0f : 1.0f) - cbow->curve[at].sigmoid);
    }
    for (int32_t k = 0; k < count; k++) {
        lanes *output = (lanes *)(cbow->output + (size_t)targets[k] * (size_t)dimension);
        for (int32_t b = 0; b < blocks; b++) {
            gradient[b] += output[b] * step[k];
            output[b] += context[b] * step[k];
        }
    }
    for (int32_t n = 0; n < neighbours_count; n++) {
        lanes *input = (lanes *)(cbow->input + (size_t)neighbours[n] * (size_t)dimension);
        for (int32_t b = 0; b < blocks; b++)
            input[b] += gradient[b];
    }
    return loss;
}

static void make_curve(struct curve *curve)
{
    for (int i = 0; i <= SIGMOID_SIZE; i++) {
        double x = (double)i * (2.0 * SIGMOID_RANGE / SIGMOID_SIZE) - SIGMOID_RANGE;
        curve[i].sigmoid = (float)(1 / (1 + exp(-x)));
        curve[i].loss = (float)log1p(exp(-x));
    }
}

/* Small corpora are not thinned: what was met fewer than FREQUENT times is not frequent, whatever
 * its share. */
static void make_kept(struct cbow *cbow, int64_t total, double subsample)
{
    double frequent = subsample * (double)total > FREQUENT ? subsample * (double)total : FREQUENT;
    for (int32_t i = 0; i < cbow->vocab; i++) {
        double limit = frequent / (double)(cbow->counts[i] ? cbow->counts[i] : 1);
        double keep = sqrt(limit) + limit;
        cbow->kept[i] = keep >= 1 || subsample <= 0 ? UINT32_MAX : (uint32_t)(keep * UINT32_MAX);
    }
}

/* Splits counts^0.75 into vocab equal parts, each of at most two tokens (Vose 1991). parts and
 * queue: vocab. */
static void make_draws(struct cbow *cbow, double *parts, int32_t *queue)
{
    double sum = 0;
    int32_t small = 0, large = cbow->vocab; /* queue: the small ones from the left, the large ones
                                               from the right */
    for (int32_t i = 0; i < cbow->vocab; i++)
        sum += parts[i] = pow((double)cbow->counts[i], 0.75);
    for (int32_t i = 0; i < cbow->vocab; i++) {
        parts[i] *= cbow->vocab / sum;
        cbow->draws[i] = (struct draw){ .threshold = UINT32_MAX, .other = i };
        if (parts[i] < 1)
            queue[small++] = i;
        else
            queue[--large] = i;
    }
    while (small > 0 && large < cbow->vocab) {
        int32_t poor = queue[--small], rich = queue[large];
        cbow->draws[poor] =
            (struct draw){ .threshold = (uint32_t)(parts[poor] * UINT32_MAX), .other = rich };
        parts[rich] -= 1 - parts[poor];
        if (parts[rich] < 1) {
            large++;
            queue[small++] = rich;
        }
    }
}

static int32_t draw_token(struct cbow *cbow)
{
    uint64_t bits = random_next(&cbow->random);
    int32_t at = (int32_t)(((bits >> 32) * (uint64_t)cbow->vocab) >> 32);
    const struct draw *draw = &cbow->draws[at];
    return (uint32_t)bits < draw->threshold ? at : draw->other;
}

/* Trains on one text whose frequent tokens have been thinned out. */
static void learn_text(struct cbow *cbow, const int32_t *tokens, int32_t count, float rate)
{
    int32_t neighbours[2 * WINDOW_MAX], targets[1 + NEGATIVES_MAX];
    for (int32_t at = 0; at < count; at++) {
        int32_t reach = 1 + (int32_t)random_below(&cbow->random, (uint32_t)cbow->window);
        int32_t from = at > reach ? at - reach : 0,
                to = count - at > reach ? at + reach : count - 1, found = 0;
        for (int32_t i = from; i <= to; i++)
            if (i != at)
                neighbours[found++] = tokens[i];
        if (!found)
            continue;
        targets[0] = tokens[at];
        for (int32_t k = 1; k <= cbow->negatives; k++)
            do
                targets[k] = draw_token(cbow);
            while (targets[k] == targets[0]);
        cbow->loss += (double)learn_position(cbow, neighbours, found, targets, rate);
        cbow->targets++;
    }
}

static void learn_epochs(struct cbow *cbow, const int32_t *tokens, const int64_t *starts,
                         int64_t count, const struct vectors_options *options, int32_t *thinned)
{
    int64_t begin = starts[0], total = starts[count] - begin;
    for (int32_t epoch = 0; epoch < options->epochs; epoch++) {
        struct progress progress;
        char what[40], result[40];
        snprintf(what, sizeof what, "vectors %d/%d", epoch + 1, options->epochs);
        progress_begin(&progress, what, total);
        cbow->loss = 0;
        cbow->targets = 0;
        for (int64_t text = 0, reported = begin; text < count; text++) {
            double done = (double)(starts[text] - begin) / (double)total;
            double left = 1 - ((double)epoch + done) / (double)options->epochs;
            int32_t kept = 0;
            for (int64_t i = starts[text]; i < starts[text + 1]; i++)
                if ((uint32_t)random_next(&cbow->random) <= cbow->kept[tokens[i]])
                    thinned[kept++] = tokens[i];
            learn_text(cbow, thinned, kept, (float)(options->rate * left));
            if (starts[text + 1] - reported >= REPORT_EVERY) {
                reported = starts[text + 1];
                progress_step(&progress, reported - begin,
                              cbow->loss / (double)(cbow->targets ? cbow->targets : 1));
            }
        }
        double loss = cbow->loss / (double)(cbow->targets ? cbow->targets : 1);
        progress_step(&progress, total, loss);
        snprintf(result, sizeof result, "loss %.4f", loss);
        progress_end(&progress, result);
    }
}

/* Centres the vectors of the tokens met and scales all of them by one factor, so that distances
 * keep their ratios. */
static enum lstm_status normalise(const struct cbow *cbow, float *vectors, struct lstm_error *err)
{
    size_t dimension = (size_t)cbow->dimension, met = 0;
    double squares = 0;
    for (int32_t i = 0; i < cbow->vocab; i++)
        met += cbow->counts[i] > 0;
    for (size_t d = 0; d < dimension; d++) {
        double mean = 0;
        for (int32_t i = 0; i < cbow->vocab; i++)
            if (cbow->counts[i])
                mean += (double)cbow->input[(size_t)i * dimension + d];
        mean /= (double)met;
        for (int32_t i = 0; i < cbow->vocab; i++) {
            double value =
                cbow->counts[i] ? (double)cbow->input[(size_t)i * dimension + d] - mean : 0;
            vectors[(size_t)i * dimension + d] = (float)value;
            squares += value * value;
        }
    }
    double deviation = sqrt(squares / (double)(met * dimension));
    if (!isfinite(deviation) || deviation <= 0)
        return lstm_fail(err, LSTM_RANGE,
                         "the vectors did not converge (deviation %g), try a lower rate",
                         deviation);
    for (size_t i = 0; i < (size_t)cbow->vocab * dimension; i++)
        vectors[i] = (float)((double)vectors[i] / deviation);
    return LSTM_OK;
}

static enum lstm_status check(const int32_t *tokens, const int64_t *starts, int64_t count,
                              int32_t vocab, const struct vectors_options *o,
                              struct lstm_error *err)
{
    if (o->dimension < STEP || o->dimension > 1024 || o->dimension % STEP)
        return lstm_fail(err, LSTM_RANGE, "dimension is %d, expected 16 to 1024 in steps of 16",
                         o->dimension);
    if (o->window < 1 || o->window > WINDOW_MAX)
        return lstm_fail(err, LSTM_RANGE, "window is %d, expected 1 to %d", o->window, WINDOW_MAX);
    if (o->negatives < 1 || o->negatives > NEGATIVES_MAX)
        return lstm_fail(err, LSTM_RANGE, "negatives is %d, expected 1 to %d", o->negatives,
                         NEGATIVES_MAX);
    if (o->epochs < 1 || !(o->rate > 0) || !(o->subsample >= 0))
        return lstm_fail(
            err, LSTM_RANGE,
            "epochs %d, rate %g, subsample %g: expected at least 1, above 0, at least 0", o->epochs,
            o->rate, o->subsample);
    int different = 0;
    for (int64_t i = starts[0]; i < starts[count]; i++) {
        if (tokens[i] < 0 || tokens[i] >= vocab)
            return lstm_fail(err, LSTM_RANGE, "token %d of a vocabulary of %d", tokens[i], vocab);
        different |= tokens[i] != tokens[starts[0]];
    }
    if (!different)
        return lstm_fail(err, LSTM_RANGE,
                         "the texts hold fewer than two different tokens, nothing can be learned");
    return LSTM_OK;
}

static enum lstm_status cbow_open(int32_t vocab, const struct vectors_options *options,
                                  struct cbow **opened, struct lstm_error *err)
{
    enum { ALIGNED = 64 };
    size_t rows = (size_t)vocab, matrix = rows * (size_t)options->dimension;
    size_t head = (sizeof(struct cbow) + ALIGNED - 1) / ALIGNED * ALIGNED;
    size_t size = head + (2 * matrix + 2 * (size_t)options->dimension) * sizeof(float) +
                  rows * (sizeof(int64_t) + sizeof(struct draw) + sizeof(uint32_t)) +
                  (SIGMOID_SIZE + 1) * sizeof(struct curve);
    void *block;
    if (posix_memalign(&block, ALIGNED, size))
        return lstm_fail(err, LSTM_NOMEM, "%zu bytes for vectors of %d x %d", size, vocab,
                         options->dimension);
    memset(block, 0, size);
    struct cbow *cbow = *opened = block;
    *cbow =
        (struct cbow){ .vocab = vocab, .dimension = options->dimension, .window = options->window };
    cbow->negatives = options->negatives;
    cbow->random = options->seed;
    cbow->input = (float *)((char *)block + head);
    cbow->output = cbow->input + matrix;
    cbow->context = cbow->output + matrix;
    cbow->gradient = cbow->context + options->dimension;
    cbow->counts = (int64_t *)(cbow->gradient + options->dimension);
    cbow->draws = (struct draw *)(cbow->counts + rows);
    cbow->kept = (uint32_t *)(cbow->draws + rows);
    cbow->curve = (struct curve *)(cbow->kept + rows);
    return LSTM_OK;
}

/* Tables and the first vectors: uniform in -0.5..0.5 / dimension, outputs zero. */
static enum lstm_status prepare(struct cbow *cbow, const int32_t *tokens, int64_t total,
                                double subsample, struct lstm_error *err)
{
    size_t rows = (size_t)cbow->vocab;
    double *parts = malloc(rows * (sizeof *parts + sizeof(int32_t)));
    if (!parts)
        return lstm_fail(err, LSTM_NOMEM, "no memory for a table of %zu tokens", rows);
    for (int64_t i = 0; i < total; i++)
        cbow->counts[tokens[i]]++;
    make_curve(cbow->curve);
    make_kept(cbow, total, subsample);
    make_draws(cbow, parts, (int32_t *)(parts + rows));
    free(parts);
    for (size_t i = 0; i < rows * (size_t)cbow->dimension; i++)
        cbow->input[i] = (random_float(&cbow->random) - 0.5f) / (float)cbow->dimension;
    return LSTM_OK;
}

enum lstm_status vectors_learn(const int32_t *tokens, const int64_t *starts, int64_t count,
                               int32_t vocab, const struct vectors_options *options, float *vectors,
                               struct lstm_error *err)
{
    struct cbow *cbow = NULL;
    int32_t *thinned = NULL;
    int64_t longest = 0;
    enum lstm_status rc = check(tokens, starts, count, vocab, options, err);
    if (rc)
        return rc;
    for (int64_t i = 0; i < count; i++)
        if (starts[i + 1] - starts[i] > longest)
            longest = starts[i + 1] - starts[i];
    if (longest > INT32_MAX)
        return lstm_fail(err, LSTM_RANGE, "a text of %lld tokens, at most %d", (long long)longest,
                         INT32_MAX);
    if (!(thinned = malloc((size_t)longest * sizeof *thinned)))
        return lstm_fail(err, LSTM_NOMEM, "no memory for a text of %lld tokens",
                         (long long)longest);
    if ((rc = cbow_open(vocab, options, &cbow, err)) ||
        (rc =
             prepare(cbow, tokens + starts[0], starts[count] - starts[0], options->subsample, err)))
        goto done;
    learn_epochs(cbow, tokens, starts, count, options, thinned);
    rc = normalise(cbow, vectors, err);
done:
    free(cbow);
    free(thinned);
    return rc;
}
