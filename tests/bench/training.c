/* A step of training, forward, backward and Adam, beside PyTorch and the limit of the arithmetic.
 */
#include "model/batch.h"
#include "model/cpu_products.h"
#include "tests/bench/engine.h"
#include "tests/bench/parts.h"
#include "tests/bench/peak.h"
#include "tests/bench/peer.h"
#include "tests/bench/race.h"
#include "tests/networks.h"
#include "train/trainer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXTS = 48, TOKENS_MAX = TEXTS * 1000, WINDOWS_MAX = 200 };

/* A trainer and the one batch that it is given again and again. */
struct gym {
    struct trainer trainer;
    struct dataset texts;
    int32_t ids[TOKENS_MAX], starts[TEXTS + 1], classes[TEXTS], order[TEXTS];
    int32_t windows[WINDOWS_MAX], windows_count, read; /* their lengths, and the sum of these */
    clockid_t clock;
};

/* Tokens as frequent as words are (Zipf), in texts of the lengths of film reviews. */
static void fill(struct gym *gym, const struct lstm_sizes *sizes)
{
    int32_t lengths[TEXTS];
    uint64_t seed = 1;
    engine_review_lengths(lengths, TEXTS);
    gym->windows_count = gym->read = 0;
    for (int32_t i = 0; i < TEXTS; i++) {
        gym->order[i] = i;
        gym->classes[i] = i % 2;
        gym->starts[i + 1] = gym->starts[i] + lengths[i];
        for (int32_t w = 0; w < lstm_window_count(sizes, lengths[i]); w++) {
            int32_t length = lstm_window_at(sizes, i, 0, lengths[i], w).length;
            race_check(gym->windows_count == WINDOWS_MAX, "too many windows");
            gym->windows[gym->windows_count++] = length;
            gym->read += length;
        }
    }
    for (int32_t p = 0; p < gym->starts[TEXTS]; p++)
        gym->ids[p] = (int32_t)pow(sizes->vocab - 1, network_between(&seed, 0.0f, 0.9999f));
    gym->texts = (struct dataset){ .texts = TEXTS,
                                   .tokens = { .ids = gym->ids, .count = gym->starts[TEXTS] },
                                   .starts = gym->starts,
                                   .classes = gym->classes };
}

static void gym_open(struct gym *gym, int32_t units, const char *precision, int32_t threads)
{
    const struct lstm_sizes sizes = { .vocab = 32768,
                                      .embedding = units,
                                      .hidden = units,
                                      .layers = 1,
                                      .classes = 2,
                                      .window = 256,
                                      .overlap = 32 };
    const struct trainer_options options = { .batch_tokens = 10000,
                                             .rate = 1e-3,
                                             .clip = 1,
                                             .drop_word = 0.1,
                                             .drop_embedding = 0.3,
                                             .drop_features = 0.5,
                                             .precision = precision,
                                             .shards = 2,
                                             .threads = threads,
                                             .seed = 1 };
    struct lstm_error err;
    memset(gym, 0, sizeof *gym);
    fill(gym, &sizes);
    race_check(trainer_open(&sizes, &options, &gym->trainer, &err), "no trainer");
    trainer_start(&gym->trainer, NULL);
    gym->trainer.steps = INT32_MAX;
    gym->clock = threads > 1 ? CLOCK_MONOTONIC : CLOCK_PROCESS_CPUTIME_ID;
}

static double step(void *arg)
{
    struct gym *gym = arg;
    struct trainer_loss loss;
    struct lstm_error err;
    race_check(trainer_step(&gym->trainer, &gym->texts, gym->order, TEXTS, &loss, &err),
               "a step failed");
    return (double)loss.tokens;
}

static double tokens_of(void *arg)
{
    struct gym *gym = arg;
    return race_slice(gym->clock, 2 * RACE_SECONDS, step, gym);
}

/* The same windows for PyTorch, whose tokens in two windows count once, as ours do. */
static struct question question_training(const struct gym *gym, const char *kind)
{
    const struct lstm_sizes *s = &gym->trainer.sizes;
    struct question question = { .peer = &peer_pytorch,
                                 .scale = (double)gym->starts[TEXTS] / gym->read };
    size_t at = (size_t)snprintf(question.request, REQUEST_SIZE, "train %s %d %d", kind,
                                 s->embedding, s->hidden);
    for (int32_t i = 0; i < gym->windows_count && at < REQUEST_SIZE; i++)
        at += (size_t)snprintf(question.request + at, REQUEST_SIZE - at, " %d", gym->windows[i]);
    race_check(at >= REQUEST_SIZE, "a request of too many texts");
    return question;
}

static void race_units(int32_t units, const char *precision, double bar)
{
    static struct gym gym;
    char name[64], limit[64];
    gym_open(&gym, units, precision, 1);
    struct work work = work_training(&gym.trainer.sizes, !strcmp(precision, "bf16"));
    struct question fused = question_training(&gym, "fused");
    snprintf(name, sizeof name, "%s training E = H = %d tokens/s", precision, units);
    snprintf(limit, sizeof limit, "limit (%s)",
             work.fp32 ? work.fp32->instruction : "no peak known");
    race_run(&(struct race){
        name,
        { "ours", tokens_of, &gym, 0 },
        { { limit, work_rate, &work, bar }, { "PyTorch fused", question_ask, &fused, 1 } } });
    trainer_close(&gym.trainer);
}

/* One round: a step of nn.LSTM takes seconds, since its backward pass is quadratic in the length.
 */
static void race_packed(int32_t units)
{
    static struct gym gym;
    char name[64];
    double rates[2];
    gym_open(&gym, units, "fp32", 1);
    struct question packed = question_training(&gym, "packed");
    const struct contestant both[] = { { "ours", tokens_of, &gym, 0 },
                                       { "PyTorch packed", question_ask, &packed, 1 } };
    snprintf(name, sizeof name, "fp32 training E = H = %d, once, tokens/s", units);
    race_medians(both, 2, 1, rates);
    race_print(name, both[1].name, rates[0], rates[1], both[1].bar, 0);
    trainer_close(&gym.trainer);
}

static void race_threads(const char *precision)
{
    static struct gym one, two;
    char name[64];
    gym_open(&one, 128, precision, 1);
    gym_open(&two, 128, precision, 2);
    one.clock = CLOCK_MONOTONIC;
    snprintf(name, sizeof name, "%s training E = H = 128 two threads tokens/s", precision);
    race_run(&(struct race){
        name, { "ours", tokens_of, &two, 0 }, { { "one thread", tokens_of, &one, 1.9 } } });
    trainer_close(&one.trainer);
    trainer_close(&two.trainer);
}

void bench_training(const char *texts)
{
    static const char *const precisions[] = { "fp32", "bf16" };
    (void)texts;
    for (size_t i = 0; i < COUNT(precisions); i++) {
        const int is_native = i == 0 || !strcmp(cpu_products_pick("bf16", NULL)->isa, "avx512bf16");
        if (!is_native) {
            printf("SKIPPED: training in bf16: this processor has no vdpbf16ps\n");
            continue;
        }
        race_units(128, precisions[i], 0.6);
        race_units(256, precisions[i], 0.75);
        race_threads(precisions[i]);
    }
    race_packed(128);
}
