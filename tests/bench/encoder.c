/* The encoder on one core: batches, single texts, review lengths, and AVX2, beside oneDNN, PyTorch
 * and the limit of the arithmetic. */
#include "model/limits.h"
#include "tests/bench/engine.h"
#include "tests/bench/parts.h"
#include "tests/bench/peak.h"
#include "tests/bench/peer.h"
#include "tests/bench/race.h"

#include <stdio.h>

enum { TEXTS = 128, TOKENS = 200 };

static int32_t even[TEXTS], reviews[TEXTS];

/* The bars of one precision. */
struct bars {
    const char *precision;
    double onednn, limit, latency; /* 0: none */
};

static struct contestant limit_of(struct work *work, const char *isa, int is_int8, double bar,
                                  char name[64])
{
    *work = work_encoder(&engine_sizes, is_int8, isa);
    const struct peak *peak = is_int8 ? work->int8 : work->fp32;
    snprintf(name, 64, "limit (%s)", peak ? peak->instruction : "no peak known");
    return (struct contestant){ name, work_rate, work, bar };
}

static void batches(const struct lstm_model *model, const struct bars *bars, int32_t batch)
{
    struct engine engine;
    struct work work;
    struct question onednn = question_lstm(&peer_onednn, bars->precision, 256, 256, even, batch);
    char name[64], limit[64];
    snprintf(name, sizeof name, "%s batch %d tokens/s", bars->precision, batch);
    engine_open(&engine, model, NULL, even, batch, TEXTS / batch);
    race_run(&(struct race){
        name,
        { "ours", engine_tokens, &engine, 0 },
        { { "oneDNN", question_ask, &onednn, bars->onednn },
          limit_of(&work, NULL, model->int8.weights != NULL, bars->limit, limit) } });
    engine_close(&engine);
}

static void review_lengths(const struct lstm_model *model, const struct bars *bars)
{
    struct engine engine;
    enum { BATCH = 32 };
    engine_review_lengths(reviews, BATCH);
    struct question pytorch =
        question_lstm(&peer_pytorch, bars->precision, 256, 256, reviews, BATCH);
    char name[64];
    snprintf(name, sizeof name, "%s batch 32 of review lengths tokens/s", bars->precision);
    engine_open(&engine, model, NULL, reviews, BATCH, TEXTS / BATCH);
    race_run(&(struct race){ name,
                             { "ours", engine_tokens, &engine, 0 },
                             { { "PyTorch packed", question_ask, &pytorch, 1 } } });
    engine_close(&engine);
}

static void single_texts(const struct lstm_model *model, const struct bars *bars)
{
    static double tenth_of_ms = 1e4; /* texts a second */
    static const int32_t lengths[] = { TOKENS, 20 };
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct engine engine;
        struct question onednn =
            question_lstm(&peer_onednn, bars->precision, 256, 256, &lengths[i], 1);
        char name[64];
        onednn.scale = 1.0 / lengths[i]; /* texts */
        snprintf(name, sizeof name, "%s one text of %d tokens ms", bars->precision, lengths[i]);
        engine_open(&engine, model, NULL, &lengths[i], 1, TEXTS);
        struct race race = { name,
                             { "ours", engine_texts, &engine, 0 },
                             { { "oneDNN", question_ask, &onednn, i ? 0 : bars->latency } } };
        if (i && bars->latency > 0)
            race.peers[1] = (struct contestant){ "at most", race_bound, &tenth_of_ms, 1 };
        race_run(&race);
        engine_close(&engine);
    }
}

/* What processors without AVX-512 get. */
static void by_avx2(const struct lstm_model *model, const struct bars *bars)
{
    struct engine engine;
    struct work work;
    char name[64], limit[64];
    snprintf(name, sizeof name, "%s batch 32 by AVX2 tokens/s", bars->precision);
    if (engine_open(&engine, model, "avx2", even, 32, TEXTS / 32))
        race_run(
            &(struct race){ name,
                            { "ours", engine_tokens, &engine, 0 },
                            { limit_of(&work, "avx2", model->int8.weights != NULL, 0, limit) } });
    engine_close(&engine);
}

static void encoder(const struct bars *bars)
{
    lstm_limits_set((struct lstm_limits){ .threads = 1, .memory_mb = 1024 });
    struct lstm_model *model = engine_model(&engine_sizes, bars->precision[0] == 'i');
    for (int32_t i = 0; i < TEXTS; i++)
        even[i] = TOKENS;
    batches(model, bars, 32);
    batches(model, bars, TEXTS);
    single_texts(model, bars);
    review_lengths(model, bars);
    by_avx2(model, bars);
    engine_model_free(model);
}

void bench_int8(const char *texts)
{
    (void)texts;
    encoder(&(struct bars){ "int8", .onednn = 1.7, .limit = 0.75, .latency = 2 });
}

void bench_fp32(const char *texts)
{
    (void)texts;
    encoder(&(struct bars){ "fp32", .onednn = 1.5, .limit = 0.85 });
}
