#include "tests/bench/engine.h"
#include "tests/bench/race.h"
#include "tests/networks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct lstm_sizes engine_sizes = { .vocab = 30000,
                                         .embedding = 256,
                                         .hidden = 256,
                                         .layers = 1,
                                         .classes = 2,
                                         .window = 256,
                                         .overlap = 32 };

/* ---- models ---- */

/* Round to nearest by rows, the largest of a row being 127. Tensors may share their scales. */
static void quantise(struct lstm_model *model)
{
    struct lstm_tensor tensors[LSTM_TENSORS_MAX];
    struct lstm_int8 *q = &model->int8;
    const int count = lstm_layout(&model->sizes, tensors);
    q->weights = network_memory(lstm_params_count(&model->sizes));
    q->scales = calloc(lstm_scales_count(&model->sizes), sizeof *q->scales);
    race_check(!q->scales, "out of memory");
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < count; i++)
            for (int32_t r = 0; tensors[i].is_quantised && r < tensors[i].rows; r++) {
                const size_t at = tensors[i].at + (size_t)r * (size_t)tensors[i].cols;
                float *scale = q->scales + tensors[i].scales_at + r;
                for (int32_t c = 0; c < tensors[i].cols; c++) {
                    float *weight = model->params + at + (size_t)c;
                    if (pass == 0)
                        *scale = fmaxf(*scale, fabsf(*weight) / 127);
                    else
                        *weight = *scale *
                                  (q->weights[at + (size_t)c] = (int8_t)lrintf(*weight / *scale));
                }
            }
}

struct lstm_model *engine_model(const struct lstm_sizes *sizes, int is_int8)
{
    struct lstm_model *model = calloc(1, sizeof *model);
    struct lstm_error err;
    race_check(!model, "out of memory");
    race_check(lstm_sizes_check(sizes, &err), err.text);
    model->sizes = *sizes;
    model->params = network_params(sizes, 1, 1 / sqrtf((float)sizes->hidden));
    model->temperature = 1;
    strcpy(model->task, sizes->classes ? "classify" : "summarize");
    if (is_int8)
        quantise(model);
    return model;
}

void engine_model_free(struct lstm_model *model)
{
    free(model->params);
    free(model->int8.weights);
    free(model->int8.scales);
    free(model);
}

/* ---- texts ---- */

/* The inverse of the normal distribution function, to 5e-4 (Hastings 1955, as Abramowitz and Stegun
 * 26.2.23). */
static double normal_quantile(double p)
{
    double t = sqrt(-2 * log(p < 0.5 ? p : 1 - p));
    double x = t - (2.515517 + t * (0.802853 + t * 0.010328)) /
                       (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
    return p < 0.5 ? -x : x;
}

void engine_review_lengths(int32_t *lengths, int32_t count)
{
    for (int32_t i = 0; i < count; i++) {
        double length = 174 * exp(0.764 * normal_quantile(1 - (i + 0.5) / count));
        lengths[i] = (int32_t)fmin(fmax(length, 10), 1000);
    }
}

/* The share of the token of rank n is that of 1 / n. */
static struct lstm_batch texts_of(int32_t vocab, const int32_t *lengths, int32_t batch,
                                  int32_t batches)
{
    const int32_t texts = batch * batches;
    int32_t *starts = network_memory(((size_t)texts + 1) * sizeof *starts);
    uint64_t seed = 2;
    starts[0] = 0;
    for (int32_t i = 0; i < texts; i++)
        starts[i + 1] = starts[i] + lengths[i % batch];
    int32_t *tokens = network_memory((size_t)starts[texts] * sizeof *tokens);
    for (int32_t i = 0; i < starts[texts]; i++)
        tokens[i] = (int32_t)expf(network_between(&seed, 0, logf((float)vocab - 1)));
    return (struct lstm_batch){ .texts = texts, .tokens = tokens, .starts = starts };
}

/* ---- running ---- */

int engine_open(struct engine *e, const struct lstm_model *model, const char *isa,
                const int32_t *lengths, int32_t batch, int32_t batches)
{
    struct lstm_error err;
    *e = (struct engine){ .model = model,
                          .backend = lstm_backend_cpu(isa),
                          .batch = batch,
                          .clock = CLOCK_PROCESS_CPUTIME_ID };
    if (!e->backend)
        return 0;
    race_check(e->backend->load(model, &e->loaded, &err) ||
                   e->backend->open(e->loaded, &e->session, &err),
               err.text);
    e->texts = texts_of(model->sizes.vocab, lengths, batch, batches);
    e->logits = network_memory((size_t)batch * (size_t)model->sizes.classes * sizeof *e->logits);
    return 1;
}

void engine_close(struct engine *e)
{
    if (!e->backend)
        return;
    e->backend->close(e->session);
    e->backend->unload(e->loaded);
    network_texts_free(&e->texts);
    free(e->logits);
}

/* Scores a batch; returns its texts. */
static struct lstm_batch next_batch(struct engine *e)
{
    struct lstm_error err;
    struct lstm_batch batch = { .texts = e->batch,
                                .tokens = e->texts.tokens,
                                .starts = e->texts.starts + e->next };
    race_check(e->backend->classify(e->session, &batch, e->logits, &err), err.text);
    e->next = (e->next + e->batch) % e->texts.texts;
    return batch;
}

static double work_tokens(void *arg)
{
    struct lstm_batch batch = next_batch(arg);
    return 2.0 * (batch.starts[batch.texts] - batch.starts[0]);
}

static double work_texts(void *arg)
{
    return 2.0 * next_batch(arg).texts;
}

double engine_tokens(void *arg)
{
    return race_slice(((struct engine *)arg)->clock, RACE_SECONDS, work_tokens, arg);
}

double engine_texts(void *arg)
{
    return race_slice(((struct engine *)arg)->clock, RACE_SECONDS, work_texts, arg);
}
