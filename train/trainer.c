#include "train/trainer.h"

#include "model/cpu_encoder.h"
#include "model/tape.h"
#include "train/parallel.h"
#include "train/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What one part of a batch works with. */
struct trainer_shard {
    struct lstm_tape *tape;
    struct lstm_batch batch;
    struct lstm_masks masks;
    int32_t *tokens, *starts, *classes, *where; /* where: the place of each text in the caller's list */
    float *embedding_mask, *feature_mask, *logits;
    int32_t texts_capacity, tokens_capacity;
    struct trainer_loss loss;
    enum lstm_status rc;
    struct lstm_error err;
};

/* ---- opening and closing ---- */

enum lstm_status trainer_open(const struct lstm_sizes *sizes, const struct trainer_options *options, struct trainer *t,
                              struct lstm_error *err)
{
    memset(t, 0, sizeof *t);
    enum lstm_status rc = lstm_sizes_check(sizes, err);
    if (rc)
        return rc;
    t->sizes = *sizes;
    t->options = *options;
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
    if ((rc = cpu_weights_open(sizes, cpu_kernels_pick(NULL), t->params, 1, &t->weights, err)))
        goto done;
    for (int i = 0; i < options->shards && !rc; i++)
        rc = lstm_tape_open(t->weights, &t->shards[i].tape, err);
done:
    if (rc)
        trainer_close(t);
    return rc;
}

void trainer_close(struct trainer *t)
{
    for (int i = 0; t->shards && i < t->options.shards; i++) {
        struct trainer_shard *s = &t->shards[i];
        lstm_tape_close(s->tape);
        free(s->tokens), free(s->starts), free(s->classes), free(s->where);
        free(s->embedding_mask), free(s->feature_mask), free(s->logits);
    }
    free(t->shards);
    cpu_weights_close(t->weights);
    free(t->memory);
    memset(t, 0, sizeof *t);
}

static void draw(float *to, size_t count, float bound, uint64_t *random)
{
    for (size_t i = 0; i < count; i++)
        to[i] = (2.0f * random_float(random) - 1.0f) * bound;
}

void trainer_start(struct trainer *t, const float *vectors)
{
    const struct lstm_sizes *s = &t->sizes;
    size_t h = (size_t)s->hidden, embedding = (size_t)s->vocab * (size_t)s->embedding;
    uint64_t random = random_stream(t->options.seed, 0x1417);
    if (vectors)
        memcpy(t->params, vectors, embedding * sizeof *vectors);
    else
        draw(t->params, embedding, sqrtf(3.0f), &random);           /* unit variance, as vectors have */
    memset(t->params, 0, (size_t)s->embedding * sizeof *t->params); /* the mask says nothing */
    for (int layer = 0; layer < s->layers; layer++)
        for (int reverse = 0; reverse < 2; reverse++) {
            size_t in = layer ? 2 * h : (size_t)s->embedding;
            float *ih = t->params + lstm_direction_at(s, layer, reverse), *bias = ih + 4 * h * (in + h);
            draw(ih, 4 * h * (in + h), 1.0f / sqrtf((float)h), &random);
            for (size_t j = 0; j < 4 * h; j++)
                bias[j] = j >= h && j < 2 * h ? 1.0f : 0.0f;
        }
    draw(t->params + lstm_attention_at(s), 2 * h, 0.1f / sqrtf((float)h), &random);
    draw(t->params + lstm_classifier_at(s), (size_t)s->classes * 6 * h, 1.0f / sqrtf(6.0f * (float)h), &random);
    memcpy(t->best, t->params, t->padded * sizeof *t->best);
    cpu_weights_pack(t->weights);
}

/* ---- dealing a batch to shards ---- */

static enum lstm_status shard_reserve(const struct trainer *t, struct trainer_shard *s, int32_t texts, int32_t tokens,
                                      struct lstm_error *err)
{
    size_t n = (size_t)texts, h = (size_t)t->sizes.hidden;
    if (texts > s->texts_capacity) {
        free(s->starts), free(s->classes), free(s->where);
        free(s->embedding_mask), free(s->feature_mask), free(s->logits);
        s->starts = malloc((n + 1) * sizeof *s->starts);
        s->classes = malloc(n * sizeof *s->classes);
        s->where = malloc(n * sizeof *s->where);
        s->embedding_mask = malloc(n * (size_t)t->sizes.embedding * sizeof(float));
        s->feature_mask = malloc(n * 6 * h * sizeof(float));
        s->logits = malloc(n * (size_t)t->sizes.classes * sizeof(float));
        s->texts_capacity = texts;
    }
    if (tokens > s->tokens_capacity) {
        free(s->tokens);
        s->tokens = malloc((size_t)tokens * sizeof *s->tokens);
        s->tokens_capacity = tokens;
    }
    if (s->starts && s->classes && s->where && s->embedding_mask && s->feature_mask && s->logits && s->tokens)
        return LSTM_OK;
    s->texts_capacity = s->tokens_capacity = 0;
    return lstm_fail(err, LSTM_NOMEM, "out of memory for a batch of %d tokens", tokens);
}

/* Each text goes to the shard with the fewest tokens so far. */
static enum lstm_status deal(struct trainer *t, const struct dataset *d, const int32_t *texts, int32_t count,
                             struct lstm_error *err)
{
    int64_t total = 0;
    for (int32_t i = 0; i < count; i++)
        total += d->starts[texts[i] + 1] - d->starts[texts[i]];
    if (total > INT32_MAX)
        return lstm_fail(err, LSTM_RANGE, "a batch of %lld tokens, at most %d fit", (long long)total, INT32_MAX);
    for (int i = 0; i < t->options.shards; i++) {
        struct trainer_shard *s = &t->shards[i];
        enum lstm_status rc = shard_reserve(t, s, count, (int32_t)total, err);
        if (rc)
            return rc;
        s->batch = (struct lstm_batch){ .tokens = s->tokens, .starts = s->starts };
        s->starts[0] = 0;
    }
    for (int32_t i = 0; i < count; i++) {
        struct trainer_shard *s = &t->shards[0];
        for (int j = 1; j < t->options.shards; j++)
            if (t->shards[j].starts[t->shards[j].batch.texts] < s->starts[s->batch.texts])
                s = &t->shards[j];
        int32_t from = d->starts[texts[i]], tokens = d->starts[texts[i] + 1] - from, at = s->starts[s->batch.texts];
        memcpy(s->tokens + at, d->tokens.ids + from, (size_t)tokens * sizeof *s->tokens);
        s->classes[s->batch.texts] = d->classes[texts[i]];
        s->where[s->batch.texts++] = i;
        s->starts[s->batch.texts] = at + tokens;
    }
    return LSTM_OK;
}

/* ---- one shard of a step ---- */

static void draw_mask(float *mask, size_t count, double drop, uint64_t random)
{
    float kept = (float)(1.0 / (1.0 - drop));
    for (size_t j = 0; j < count; j++)
        mask[j] = random_float(&random) < (float)drop ? 0.0f : kept;
}

/* A text's noise depends on the seed, the step and its place in the batch, not on its shard. */
static void draw_noise(const struct trainer *t, struct trainer_shard *s)
{
    const struct trainer_options *o = &t->options;
    size_t e = (size_t)t->sizes.embedding, f = 6 * (size_t)t->sizes.hidden;
    uint64_t step = random_stream(o->seed, (uint64_t)t->step);
    for (int32_t i = 0; i < s->batch.texts; i++) {
        uint64_t text = random_stream(step, (uint64_t)s->where[i]), words = random_stream(text, 2);
        draw_mask(s->embedding_mask + (size_t)i * e, e, o->drop_embedding, random_stream(text, 0));
        draw_mask(s->feature_mask + (size_t)i * f, f, o->drop_features, random_stream(text, 1));
        for (int32_t p = s->starts[i]; p < s->starts[i + 1]; p++)
            if (random_float(&words) < (float)o->drop_word)
                s->tokens[p] = LSTM_TOKEN_MASK;
    }
    s->masks.embedding = o->drop_embedding > 0 ? s->embedding_mask : NULL;
    s->masks.features = o->drop_features > 0 ? s->feature_mask : NULL;
}

/* Cross-entropy; the logits become its gradient: softmax minus the truth. */
static void cross_entropy(const struct trainer *t, struct trainer_shard *s)
{
    int32_t classes = t->sizes.classes;
    s->loss = (struct trainer_loss){ .texts = s->batch.texts, .tokens = s->starts[s->batch.texts] };
    for (int32_t i = 0; i < s->batch.texts; i++) {
        float *p = s->logits + (size_t)i * (size_t)classes;
        int32_t truth = s->classes[i], top = 0;
        t->weights->kernels->softmax(classes, p, 1.0f, p);
        for (int32_t k = 1; k < classes; k++)
            top = p[k] > p[top] ? k : top;
        s->loss.right += top == truth;
        s->loss.loss -= log((double)p[truth] + 1e-30);
        p[truth] -= 1.0f;
    }
}

struct step {
    struct trainer *trainer;
    float *logits; /* evaluation: of the caller's list; NULL: a training step */
    struct cpu_adam adam;
};

static void run_shard(void *arg, int part)
{
    struct step *step = arg;
    struct trainer *t = step->trainer;
    struct trainer_shard *s = &t->shards[part];
    size_t classes = (size_t)t->sizes.classes;
    s->loss = (struct trainer_loss){ 0 };
    s->rc = LSTM_OK;
    if (s->batch.texts == 0)
        return;
    if (!step->logits)
        draw_noise(t, s);
    s->rc = lstm_tape_forward(s->tape, &s->batch, step->logits ? NULL : &s->masks, s->logits, &s->err);
    if (s->rc)
        return;
    for (int32_t i = 0; step->logits && i < s->batch.texts; i++)
        memcpy(step->logits + (size_t)s->where[i] * classes, s->logits + (size_t)i * classes,
               classes * sizeof *s->logits);
    cross_entropy(t, s);
    if (!step->logits)
        lstm_tape_backward(s->tape, s->logits, t->gradients + (size_t)part * t->padded);
}

static enum lstm_status run_shards(struct step *step, struct trainer_loss *loss, struct lstm_error *err)
{
    struct trainer *t = step->trainer;
    parallel(t->options.threads, t->options.shards, run_shard, step);
    for (int i = 0; i < t->options.shards; i++) {
        const struct trainer_shard *s = &t->shards[i];
        if (s->rc)
            return *err = s->err, s->rc;
        loss->loss += s->loss.loss;
        loss->texts += s->loss.texts;
        loss->right += s->loss.right;
        loss->tokens += s->loss.tokens;
    }
    return LSTM_OK;
}

/* ---- the step ---- */

/* Adds the gradients of the later shards to the first one's and clears them; of the embedding only the rows met. */
static void add_gradients(struct trainer *t)
{
    const struct cpu_kernels *k = t->weights->kernels;
    size_t e = (size_t)t->sizes.embedding, rest = (size_t)t->sizes.vocab * e;
    for (int i = 1; i < t->options.shards; i++) {
        const struct trainer_shard *s = &t->shards[i];
        float *gradient = t->gradients + (size_t)i * t->padded;
        for (int32_t p = 0; p < s->starts[s->batch.texts]; p++) { /* a row met twice is zero the second time */
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

/* Part 0 is the embedding's first half, part 1 its second half, part 2 all the rest, which alone decays. */
static void run_adam(void *arg, int part)
{
    struct step *step = arg;
    struct trainer *t = step->trainer;
    size_t embedding = (size_t)t->sizes.vocab * (size_t)t->sizes.embedding;
    size_t half = embedding / 2 / LSTM_UNITS * LSTM_UNITS, bounds[] = { 0, half, embedding, t->padded };
    size_t from = bounds[part], count = bounds[part + 1] - from;
    struct cpu_adam adam = step->adam;
    adam.decay = part == 2 ? (float)t->options.decay : 0.0f;
    t->weights->kernels->adam(count, &adam, t->gradients + from, t->mean + from, t->variance + from, t->params + from);
    memset(t->gradients + from, 0, count * sizeof *t->gradients);
}

enum lstm_status trainer_step(struct trainer *t, const struct dataset *d, const int32_t *texts, int32_t count,
                              struct trainer_loss *loss, struct lstm_error *err)
{
    const struct trainer_options *o = &t->options;
    struct step step = { .trainer = t };
    enum lstm_status rc = deal(t, d, texts, count, err);
    *loss = (struct trainer_loss){ 0 };
    if (rc || (rc = run_shards(&step, loss, err)))
        return rc;
    add_gradients(t);
    size_t rest = (size_t)t->sizes.vocab * (size_t)t->sizes.embedding;
    double scale = 1.0 / loss->texts;
    double norm = scale * sqrt(t->weights->kernels->square_sum(t->padded - rest, t->gradients + rest));
    if (!isfinite(norm) || !isfinite(loss->loss))
        return lstm_fail(err, LSTM_RANGE, "step %lld diverged (gradient norm %g); use a smaller --rate than %g",
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
    parallel(o->threads, 3, run_adam, &step);
    cpu_weights_pack(t->weights);
    t->step++;
    return LSTM_OK;
}

enum lstm_status trainer_evaluate(struct trainer *t, const struct dataset *d, float *logits, struct trainer_loss *loss,
                                  struct lstm_error *err)
{
    struct epoch_plan plan;
    size_t classes = (size_t)t->sizes.classes;
    enum lstm_status rc = epoch_plan_open(d, t->options.batch_tokens, t->options.seed, 0, &plan, err);
    *loss = (struct trainer_loss){ 0 };
    if (rc)
        return rc;
    float *listed = malloc(((size_t)d->texts + 1) * classes * sizeof *listed);
    if (!listed)
        rc = lstm_fail(err, LSTM_NOMEM, "out of memory for the scores of %d texts", d->texts);
    for (int32_t b = 0; b < plan.count && !rc; b++) {
        const int32_t *texts = plan.order + plan.batches[b], count = plan.batches[b + 1] - plan.batches[b];
        struct step step = { .trainer = t, .logits = listed };
        if ((rc = deal(t, d, texts, count, err)) || (rc = run_shards(&step, loss, err)))
            break;
        for (int32_t i = 0; i < count; i++)
            memcpy(logits + (size_t)texts[i] * classes, listed + (size_t)i * classes, classes * sizeof *logits);
    }
    free(listed);
    epoch_plan_close(&plan);
    return rc;
}
