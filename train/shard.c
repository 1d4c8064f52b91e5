#include "train/shard.h"

#include "model/cpu_decoder.h"
#include "train/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum lstm_status shard_open(const struct trainer *t, struct trainer_shard *s,
                            struct lstm_error *err)
{
    return t->decoder ? lstm_summary_tape_open(t->weights, t->decoder, &s->summariser, err)
                      : lstm_tape_open(t->weights, &s->classifier, err);
}

static void free_texts(struct trainer_shard *s)
{
    free(s->starts), free(s->classes), free(s->shares), free(s->target_starts), free(s->where);
    free(s->embedding_masks), free(s->masks), free(s->logits);
}

void shard_close(struct trainer_shard *s)
{
    lstm_tape_close(s->classifier);
    lstm_summary_tape_close(s->summariser);
    free_texts(s);
    free(s->tokens), free(s->targets);
}

/* Numbers of noise a text has beside its embedding's. */
static size_t mask_count(const struct lstm_sizes *sizes)
{
    return sizes->decoder ? (size_t)sizes->embedding : 6 * (size_t)sizes->hidden;
}

enum lstm_status shard_reserve(const struct trainer *t, struct trainer_shard *s, int32_t texts,
                               int32_t tokens, struct lstm_error *err)
{
    const size_t n = (size_t)texts;
    if (texts > s->texts_capacity) {
        free_texts(s);
        s->starts = malloc((n + 1) * sizeof *s->starts);
        s->target_starts = malloc((n + 1) * sizeof *s->target_starts);
        s->classes = malloc(n * sizeof *s->classes);
        s->shares = malloc(n * sizeof *s->shares);
        s->where = malloc(n * sizeof *s->where);
        s->embedding_masks = malloc(n * (size_t)t->sizes.embedding * sizeof(float));
        s->masks = malloc(n * mask_count(&t->sizes) * sizeof(float));
        s->logits = malloc((n * (size_t)t->sizes.classes + 1) * sizeof(float));
        s->texts_capacity = texts;
    }
    if (tokens > s->tokens_capacity) {
        free(s->tokens), free(s->targets);
        s->tokens = malloc((size_t)tokens * sizeof *s->tokens);
        s->targets = malloc((size_t)tokens * sizeof *s->targets);
        s->tokens_capacity = tokens;
    }
    if (!s->starts || !s->target_starts || !s->classes || !s->shares || !s->where ||
        !s->embedding_masks || !s->masks || !s->logits || !s->tokens || !s->targets) {
        s->texts_capacity = s->tokens_capacity = 0;
        return lstm_fail(err, LSTM_NOMEM, "out of memory for a batch of %d tokens", tokens);
    }
    s->batch = (struct lstm_batch){ .tokens = s->tokens, .starts = s->starts };
    s->starts[0] = s->target_starts[0] = 0;
    return LSTM_OK;
}

int32_t shard_tokens(const struct trainer_shard *s)
{
    return s->starts[s->batch.texts] + s->target_starts[s->batch.texts];
}

void shard_take(struct trainer_shard *s, const struct dataset *d, int32_t text, int32_t place)
{
    const int32_t i = s->batch.texts++, end = d->starts[text + 1],
                  middle = d->middles ? d->middles[text] : end;
    const int32_t count = middle - d->starts[text], target = end - middle;
    memcpy(s->tokens + s->starts[i], d->tokens.ids + d->starts[text],
           (size_t)count * sizeof *s->tokens);
    memcpy(s->targets + s->target_starts[i], d->tokens.ids + middle,
           (size_t)target * sizeof *s->targets);
    s->starts[i + 1] = s->starts[i] + count;
    s->target_starts[i + 1] = s->target_starts[i] + target;
    s->classes[i] = d->classes ? d->classes[text] : 0;
    s->shares[i] = d->shares ? d->shares[text] : -1.0f;
    s->where[i] = place;
}

/* ---- noise ---- */

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
    size_t e = (size_t)t->sizes.embedding, m = mask_count(&t->sizes);
    uint64_t step = random_stream(o->seed, (uint64_t)t->step);
    for (int32_t i = 0; i < s->batch.texts; i++) {
        uint64_t text = random_stream(step, (uint64_t)s->where[i]), words = random_stream(text, 2);
        draw_mask(s->embedding_masks + (size_t)i * e, e, o->drop_embedding, random_stream(text, 0));
        draw_mask(s->masks + (size_t)i * m, m, o->drop_features, random_stream(text, 1));
        for (int32_t p = s->starts[i]; p < s->starts[i + 1]; p++)
            if (random_float(&words) < (float)o->drop_word)
                s->tokens[p] = LSTM_TOKEN_MASK;
    }
}

/* ---- the loss ---- */

/* How much of text i is of class k. */
static float truth_of(const struct trainer_shard *s, int32_t i, int32_t k)
{
    if (s->shares[i] < 0)
        return k == s->classes[i] ? 1.0f : 0.0f;
    return k ? s->shares[i] : 1.0f - s->shares[i];
}

/* Cross-entropy; the logits become its gradient: softmax minus the truth. */
static void cross_entropy(const struct trainer *t, struct trainer_shard *s)
{
    int32_t classes = t->sizes.classes;
    s->loss.terms = s->batch.texts;
    for (int32_t i = 0; i < s->batch.texts; i++) {
        float *p = s->logits + (size_t)i * (size_t)classes;
        int32_t top = 0;
        t->weights->kernels->softmax(classes, p, 1.0f, p);
        for (int32_t k = 1; k < classes; k++)
            top = p[k] > p[top] ? k : top;
        s->loss.right += top == s->classes[i];
        for (int32_t k = 0; k < classes; k++) {
            float truth = truth_of(s, i, k);
            if (truth > 0)
                s->loss.loss -= (double)truth * log((double)p[k] + 1e-30);
            p[k] -= truth;
        }
    }
}

static void classify(const struct trainer *t, struct trainer_shard *s, int is_training,
                     float *gradient)
{
    const struct trainer_options *o = &t->options;
    const struct lstm_masks masks = { .embedding =
                                          o->drop_embedding > 0 ? s->embedding_masks : NULL,
                                      .features = o->drop_features > 0 ? s->masks : NULL };
    const size_t classes = (size_t)t->sizes.classes;
    s->rc = lstm_tape_forward(s->classifier, &s->batch, is_training ? &masks : NULL, s->logits,
                              &s->err);
    if (s->rc)
        return;
    for (int32_t i = 0; t->listed && i < s->batch.texts; i++)
        memcpy(t->listed + (size_t)s->where[i] * classes, s->logits + (size_t)i * classes,
               classes * sizeof *s->logits);
    cross_entropy(t, s);
    if (is_training)
        lstm_tape_backward(s->classifier, s->logits, gradient);
}

/* The coverage loss joins late (See et al. 2017); validation always counts it, so that the epochs
 * compare. */
static void summarise(const struct trainer *t, struct trainer_shard *s, int is_training,
                      float *gradient)
{
    const struct trainer_options *o = &t->options;
    const int covers = !is_training || (double)t->step >= o->coverage_from * (double)t->steps;
    const struct lstm_targets targets = { s->targets, s->target_starts };
    const struct lstm_summary_options options = {
        .embedding_masks = is_training && o->drop_embedding > 0 ? s->embedding_masks : NULL,
        .output_masks = is_training && o->drop_features > 0 ? s->masks : NULL,
        .coverage = covers ? (float)o->coverage : 0.0f,
        .smoothing = is_training ? (float)o->smoothing : 0.0f,
    };
    struct lstm_summary_loss loss = { 0 };
    s->rc = lstm_summary_tape_run(s->summariser, &s->batch, &targets, &options, &loss,
                                  is_training ? gradient : NULL, &s->err);
    s->loss.loss = loss.loss;
    s->loss.likelihood = loss.likelihood;
    s->loss.coverage = loss.coverage;
    s->loss.terms = loss.tokens;
}

void shard_run(const struct trainer *t, struct trainer_shard *s, int is_training, float *gradient)
{
    s->loss = (struct trainer_loss){ .texts = s->batch.texts, .tokens = shard_tokens(s) };
    s->rc = LSTM_OK;
    if (s->batch.texts == 0)
        return;
    if (is_training)
        draw_noise(t, s);
    (t->decoder ? summarise : classify)(t, s, is_training, gradient);
}
