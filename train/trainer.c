#include "train/trainer.h"

#include "model/cpu_decoder.h"
#include "model/parallel.h"
#include "train/random.h"
#include "train/shard.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- opening and closing ---- */

enum lstm_status trainer_open(const struct lstm_sizes *sizes, const struct trainer_options *options,
                              struct trainer *t, struct lstm_error *err)
{
    memset(t, 0, sizeof *t);
    enum lstm_status rc = lstm_sizes_check(sizes, err);
    if (rc)
        return rc;
    const char *precision = options->precision ? options->precision : "fp32";
    const struct cpu_products *products = cpu_products_pick(precision, NULL);
    if (!products)
        return lstm_fail(err, LSTM_RANGE, "there is no precision %.20s, use fp32 or bf16",
                         precision);
    t->sizes = *sizes;
    t->options = *options;
    t->options.precision = products->precision;
    t->count = lstm_params_count(sizes);
    t->padded = (t->count + LSTM_UNITS - 1) / LSTM_UNITS * LSTM_UNITS;
    size_t blocks = 4 + (size_t)options->shards;
    float *floats = t->memory = calloc(blocks * t->padded, sizeof(float));
    t->shards = calloc((size_t)options->shards, sizeof *t->shards);
    if (!floats || !t->shards) {
        rc = lstm_fail(err, LSTM_NOMEM, "out of memory for %zu parameters", t->count);
        goto done;
    }
    t->params = floats;
    t->mean = floats + t->padded;
    t->variance = floats + 2 * t->padded;
    t->best = floats + 3 * t->padded;
    t->gradients = floats + 4 * t->padded;
    if ((rc = cpu_weights_open(sizes, cpu_kernels_pick(NULL), products, t->params, &t->weights,
                               err)))
        goto done;
    if (sizes->decoder &&
        (rc = cpu_decoder_open(sizes, t->weights->kernels, t->params, &t->decoder, err)))
        goto done;
    for (int i = 0; i < options->shards && !rc; i++)
        rc = shard_open(t, &t->shards[i], err);
done:
    if (rc)
        trainer_close(t);
    return rc;
}

void trainer_close(struct trainer *t)
{
    for (int i = 0; t->shards && i < t->options.shards; i++)
        shard_close(&t->shards[i]);
    free(t->shards);
    cpu_decoder_close(t->decoder);
    cpu_weights_close(t->weights);
    free(t->memory);
    memset(t, 0, sizeof *t);
}

static void draw(float *to, size_t count, float bound, uint64_t *random)
{
    for (size_t i = 0; i < count; i++)
        to[i] = (2.0f * random_float(random) - 1.0f) * bound;
}

/* An LSTM's matrices +-1 / sqrt(units), its forget biases 1. count: of the matrices, which the
 * biases follow. */
static void draw_lstm(float *matrices, size_t count, size_t units, uint64_t *random)
{
    float *bias = matrices + count;
    draw(matrices, count, 1.0f / sqrtf((float)units), random);
    for (size_t j = 0; j < 4 * units; j++)
        bias[j] = j >= units && j < 2 * units ? 1.0f : 0.0f;
}

/* Biases and coverage start at 0. The output is small, so that the first shares of the vocabulary
 * are the prior. */
static void draw_decoder(struct trainer *t, uint64_t *random)
{
    const struct lstm_sizes *s = &t->sizes;
    const struct lstm_decoder_at at = lstm_decoder_at(s);
    const size_t e = (size_t)s->embedding, h2 = 2 * (size_t)s->hidden, d = (size_t)s->decoder;
    const size_t a = (size_t)s->alignment;
    const struct {
        size_t at, rows, cols;
        float scale;
    } matrices[] = {
        { at.bridge, 2 * d, h2, 1.0f },   { at.align_state, a, h2, 1.0f },
        { at.align_query, a, d, 1.0f },   { at.align_score, 1, a, 1.0f },
        { at.copy, 1, h2 + d + e, 1.0f }, { at.output, e, d + h2, 0.1f },
    };
    memset(t->params + at.bridge, 0, (at.end - at.bridge) * sizeof *t->params);
    draw_lstm(t->params + at.ih, 4 * d * (e + h2 + d), d, random);
    for (size_t i = 0; i < sizeof matrices / sizeof *matrices; i++)
        draw(t->params + matrices[i].at, matrices[i].rows * matrices[i].cols,
             matrices[i].scale / sqrtf((float)matrices[i].cols), random);
}

void trainer_start(struct trainer *t, const float *vectors)
{
    const struct lstm_sizes *s = &t->sizes;
    size_t h = (size_t)s->hidden, embedding = (size_t)s->vocab * (size_t)s->embedding;
    uint64_t random = random_stream(t->options.seed, 0x1417);
    if (vectors)
        memcpy(t->params, vectors, embedding * sizeof *vectors);
    else
        draw(t->params, embedding, sqrtf(3.0f), &random); /* unit variance, as vectors have */
    memset(t->params, 0, (size_t)s->embedding * sizeof *t->params); /* the mask says nothing */
    for (int layer = 0; layer < s->layers; layer++)
        for (int reverse = 0; reverse < 2; reverse++) {
            size_t in = layer ? 2 * h : (size_t)s->embedding;
            draw_lstm(t->params + lstm_direction_at(s, layer, reverse), 4 * h * (in + h), h,
                      &random);
        }
    if (t->decoder) {
        draw_decoder(t, &random);
    } else {
        draw(t->params + lstm_attention_at(s), 2 * h, 0.1f / sqrtf((float)h), &random);
        draw(t->params + lstm_classifier_at(s), (size_t)s->classes * 6 * h,
             1.0f / sqrtf(6.0f * (float)h), &random);
    }
    memcpy(t->best, t->params, t->padded * sizeof *t->best);
    trainer_pack(t);
}

void trainer_prior(struct trainer *t, const float *log_shares)
{
    const size_t at = lstm_decoder_at(&t->sizes).vocabulary_bias;
    memcpy(t->params + at, log_shares, (size_t)t->sizes.vocab * sizeof *log_shares);
    memcpy(t->best, t->params, t->padded * sizeof *t->best);
}

void trainer_pack(struct trainer *t)
{
    cpu_weights_pack(t->weights);
    if (t->decoder)
        cpu_decoder_pack(t->decoder);
}

void trainer_loss_add(const struct trainer_loss *part, struct trainer_loss *sum)
{
    sum->loss += part->loss;
    sum->likelihood += part->likelihood;
    sum->coverage += part->coverage;
    sum->terms += part->terms;
    sum->texts += part->texts;
    sum->right += part->right;
    sum->tokens += part->tokens;
}

/* ---- the shards of a batch ---- */

/* Each text goes to the shard with the fewest tokens so far. */
static enum lstm_status deal(struct trainer *t, const struct dataset *d, const int32_t *texts,
                             int32_t count, struct lstm_error *err)
{
    int64_t total = 0;
    for (int32_t i = 0; i < count; i++)
        total += d->starts[texts[i] + 1] - d->starts[texts[i]];
    if (total > INT32_MAX)
        return lstm_fail(err, LSTM_RANGE, "a batch of %lld tokens, at most %d fit",
                         (long long)total, INT32_MAX);
    for (int i = 0; i < t->options.shards; i++) {
        enum lstm_status rc = shard_reserve(t, &t->shards[i], count, (int32_t)total, err);
        if (rc)
            return rc;
    }
    for (int32_t i = 0; i < count; i++) {
        struct trainer_shard *s = &t->shards[0];
        for (int j = 1; j < t->options.shards; j++)
            if (shard_tokens(&t->shards[j]) < shard_tokens(s))
                s = &t->shards[j];
        shard_take(s, d, texts[i], i);
    }
    return LSTM_OK;
}

struct step {
    struct trainer *trainer;
    int is_training;
    struct cpu_adam adam;
};

static void run_shard(void *arg, int32_t part, int32_t worker)
{
    (void)worker; /* a shard has its own memory */
    const struct step *step = arg;
    struct trainer *t = step->trainer;
    shard_run(t, &t->shards[part], step->is_training, t->gradients + (size_t)part * t->padded);
}

static enum lstm_status run_shards(struct step *step, struct trainer_loss *loss,
                                   struct lstm_error *err)
{
    struct trainer *t = step->trainer;
    lstm_parallel(t->options.threads, t->options.shards, run_shard, step);
    for (int i = 0; i < t->options.shards; i++) {
        const struct trainer_shard *s = &t->shards[i];
        if (s->rc)
            return *err = s->err, s->rc;
        trainer_loss_add(&s->loss, loss);
    }
    return LSTM_OK;
}

/* ---- the step ---- */

/* Adds the gradients of the later shards to the first one's and clears them. A classifier's
 * embedding has a gradient in the rows met alone; a summariser's output layer gives every row one.
 */
static void add_gradients(struct trainer *t)
{
    const struct cpu_kernels *k = t->weights->kernels;
    size_t e = (size_t)t->sizes.embedding, rest = t->decoder ? 0 : (size_t)t->sizes.vocab * e;
    for (int i = 1; i < t->options.shards; i++) {
        const struct trainer_shard *s = &t->shards[i];
        float *gradient = t->gradients + (size_t)i * t->padded;
        for (int32_t p = 0; !t->decoder && p < s->starts[s->batch.texts];
             p++) { /* a row met twice is zero the second time */
            size_t row = (size_t)s->tokens[p] * e;
            k->add(e, gradient + row, t->gradients + row);
            memset(gradient + row, 0, e * sizeof *gradient);
        }
        k->add(t->padded - rest, gradient + rest, t->gradients + rest);
        memset(gradient + rest, 0, (t->padded - rest) * sizeof *gradient);
    }
}

static float rate_at(const struct trainer *t)
{
    const struct trainer_options *o = &t->options;
    double warm = o->warmup > 0 && t->step < o->warmup ? (double)(t->step + 1) / o->warmup : 1.0;
    double left = 1.0 - (double)t->step / (double)(t->steps > 0 ? t->steps : 1);
    return (float)(o->rate * warm * (0.02 + 0.98 * (left > 0 ? left : 0)));
}

/* Part 0 is the embedding's first half, part 1 its second half, part 2 all the rest, which alone
 * decays. */
static void run_adam(void *arg, int32_t part, int32_t worker)
{
    (void)worker;
    struct step *step = arg;
    struct trainer *t = step->trainer;
    size_t embedding = (size_t)t->sizes.vocab * (size_t)t->sizes.embedding;
    size_t half = embedding / 2 / LSTM_UNITS * LSTM_UNITS,
           bounds[] = { 0, half, embedding, t->padded };
    size_t from = bounds[part], count = bounds[part + 1] - from;
    struct cpu_adam adam = step->adam;
    adam.decay = part == 2 ? (float)t->options.decay : 0.0f;
    t->weights->kernels->adam(count, &adam, t->gradients + from, t->mean + from, t->variance + from,
                              t->params + from);
}

enum lstm_status trainer_step(struct trainer *t, const struct dataset *d, const int32_t *texts,
                              int32_t count, struct trainer_loss *loss, struct lstm_error *err)
{
    const struct trainer_options *o = &t->options;
    struct step step = { .trainer = t, .is_training = 1 };
    enum lstm_status rc = deal(t, d, texts, count, err);
    *loss = (struct trainer_loss){ 0 };
    if (rc || (rc = run_shards(&step, loss, err)))
        return rc;
    add_gradients(t);
    size_t rest = (size_t)t->sizes.vocab * (size_t)t->sizes.embedding;
    double scale = 1.0 / (double)loss->terms;
    double norm =
        scale * sqrt(t->weights->kernels->square_sum(t->padded - rest, t->gradients + rest));
    if (!isfinite(norm) || !isfinite(loss->loss))
        return lstm_fail(err, LSTM_RANGE,
                         "step %lld diverged (gradient norm %g); use a smaller --rate than %g",
                         (long long)t->step, norm, o->rate);
    if (o->clip > 0 && norm > o->clip)
        scale *= o->clip / norm;
    const double beta1 = 0.9, beta2 = 0.99, steps = (double)(t->step + 1);
    step.adam = (struct cpu_adam){
        .rate = rate_at(t),
        .beta1 = (float)beta1,
        .beta2 = (float)beta2,
        .epsilon = 1e-8f,
        .correction1 = (float)(1.0 / (1.0 - pow(beta1, steps))),
        .correction2 = (float)(1.0 / (1.0 - pow(beta2, steps))),
        .scale = (float)scale,
    };
    lstm_parallel(o->threads, 3, run_adam, &step);
    trainer_pack(t);
    t->step++;
    return LSTM_OK;
}

enum lstm_status trainer_evaluate(struct trainer *t, const struct dataset *d, float *logits,
                                  struct trainer_loss *loss, struct lstm_error *err)
{
    struct epoch_plan plan;
    size_t classes = (size_t)t->sizes.classes;
    enum lstm_status rc =
        epoch_plan_open(d, t->options.batch_tokens, t->options.seed, 0, &plan, err);
    *loss = (struct trainer_loss){ 0 };
    if (rc)
        return rc;
    t->listed = logits ? malloc(((size_t)d->texts + 1) * classes * sizeof *t->listed) : NULL;
    if (logits && !t->listed)
        rc = lstm_fail(err, LSTM_NOMEM, "out of memory for the scores of %d texts", d->texts);
    for (int32_t b = 0; b < plan.count && !rc; b++) {
        const int32_t *texts = plan.order + plan.batches[b],
                      count = plan.batches[b + 1] - plan.batches[b];
        struct step step = { .trainer = t };
        if ((rc = deal(t, d, texts, count, err)) || (rc = run_shards(&step, loss, err)))
            break;
        for (int32_t i = 0; logits && i < count; i++)
            memcpy(logits + (size_t)texts[i] * classes, t->listed + (size_t)i * classes,
                   classes * sizeof *logits);
    }
    free(t->listed);
    t->listed = NULL;
    epoch_plan_close(&plan);
    return rc;
}
