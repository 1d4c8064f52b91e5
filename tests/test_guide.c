/* What tokens are worth under guidance, against the formulas of guide.h written out. */
#include "model/guide.h"
#include "model/tokenizer.h"
#include "tests/networks.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { VOCAB = 272, TEXTS = 3, LENGTH = 7, HIDDEN = 16, ALIGNMENT = 16 };

/* A network that can tell a tone, texts of random states, and a guide over them. */
struct guided {
    struct lstm_model model;
    struct cpu_network *network;
    int32_t tokens[TEXTS][LENGTH];
    float states[TEXTS][LENGTH][2 * HIDDEN], keys[TEXTS][LENGTH][ALIGNMENT];
    struct cpu_source sources[TEXTS];
    struct cpu_guide guide;
    void *memory;
};

static void guided_open(struct guided *g, int tone, const char *isa,
                        const struct lstm_summary_settings *settings)
{
    struct lstm_error err;
    uint64_t seed = 7;
    struct carver count = { 0 };
    memset(g, 0, sizeof *g);
    g->model.sizes = (struct lstm_sizes){ .vocab = VOCAB,
                                          .embedding = 16,
                                          .hidden = HIDDEN,
                                          .layers = 1,
                                          .window = 16,
                                          .overlap = 4,
                                          .decoder = 32,
                                          .alignment = ALIGNMENT,
                                          .tone = tone };
    g->model.params = network_params(&g->model.sizes, 3, 0.5f);
    assert_int_equal(cpu_network_open(&g->model, cpu_isa_pick(isa), &g->network, &err), LSTM_OK);
    for (int t = 0; t < TEXTS; t++) {
        for (int i = 0; i < LENGTH; i++) {
            g->tokens[t][i] = LSTM_TOKEN_FIRST + network_below(&seed, VOCAB - LSTM_TOKEN_FIRST);
            network_fill(&seed, 1.0f, 2 * HIDDEN, g->states[t][i]);
        }
        g->tokens[t][1] = g->tokens[t][0]; /* counts once */
        g->sources[t] = (struct cpu_source){ LENGTH, g->tokens[t], g->states[t][0], g->keys[t][0] };
    }
    cpu_guide_carve(&g->guide, g->network, g->sources, TEXTS, settings, TEXTS, &count);
    struct carver carver = { .memory = g->memory = network_memory(count.used + 64) };
    cpu_guide_carve(&g->guide, g->network, g->sources, TEXTS, settings, TEXTS, &carver);
    assert_in_range(carver.used, 0, count.used);
    cpu_guide_begin(&g->guide);
    cpu_guide_step(&g->guide);
    cpu_guide_chunk(&g->guide, 0, TEXTS);
}

static void guided_close(struct guided *g)
{
    free(g->memory);
    cpu_network_close(g->network);
    free(g->model.params);
}

static double mood(const struct guided *g, int text)
{
    const float *weights = g->model.params + lstm_decoder_at(&g->model.sizes).tone;
    double sum = 0;
    for (int i = 0; i < LENGTH; i++) {
        int before = 0;
        while (g->tokens[text][before] != g->tokens[text][i])
            before++;
        sum += before == i ? (double)weights[g->tokens[text][i]] : 0;
    }
    int distinct = 0;
    for (int i = 0; i < LENGTH; i++) {
        int before = 0;
        while (g->tokens[text][before] != g->tokens[text][i])
            before++;
        distinct += before == i;
    }
    return tanh(sum / sqrt(distinct) + (double)weights[VOCAB]);
}

static void fill_shares(float *shares)
{
    uint64_t seed = 5;
    for (int v = 0; v < VOCAB; v++)
        shares[v] = network_between(&seed, 1e-5f, 0.1f);
}

static void nothing_guides_without_a_tone_or_a_wish(void **state)
{
    const struct lstm_summary_settings none = { .beam = 1 },
                                       both = { .beam = 1, .contrast = 1, .tone = 1 };
    const struct {
        int tone;
        const struct lstm_summary_settings *settings;
    } cases[] = { { 0, &both }, { 1, &none }, { 0, &none } };
    (void)state;
    for (size_t c = 0; c < COUNT(cases); c++) {
        struct guided g;
        float shares[VOCAB];
        fill_shares(shares);
        guided_open(&g, cases[c].tone, NULL, cases[c].settings);
        assert_ptr_equal(cpu_guide_weigh(&g.guide, 0, 0, shares), shares);
        guided_close(&g);
    }
}

static void tone_lifts_words_of_the_texts_mood_and_lowers_the_others(void **state)
{
    const struct lstm_summary_settings settings = { .beam = 1, .tone = 0.7f };
    struct guided g;
    float shares[VOCAB];
    int lifted = 0, lowered = 0;
    (void)state;
    fill_shares(shares);
    guided_open(&g, 1, NULL, &settings);
    const float *weights = g.model.params + lstm_decoder_at(&g.model.sizes).tone;
    for (int t = 0; t < TEXTS; t++) {
        const float *worth = cpu_guide_weigh(&g.guide, t, t, shares);
        for (int v = 0; v < VOCAB; v++) {
            double lift = v < LSTM_TOKEN_FIRST ? 0 : 0.7 * mood(&g, t) * (double)weights[v];
            assert_true(fabs((double)worth[v] / (double)shares[v] - exp(lift)) < 1e-4);
            lifted += worth[v] > shares[v];
            lowered += worth[v] < shares[v];
        }
    }
    assert_true(lifted > 5 && lowered > 5);
    guided_close(&g);
}

static void
contrast_takes_from_what_the_blurred_view_suggests_as_far_as_there_is_a_mood(void **state)
{
    const struct lstm_summary_settings settings = { .beam = 1, .contrast = 0.8f };
    struct guided g;
    float shares[VOCAB];
    int lowered = 0;
    (void)state;
    fill_shares(shares);
    guided_open(&g, 1, NULL, &settings);
    for (int t = 0; t < TEXTS; t++) {
        const float *worth = cpu_guide_weigh(&g.guide, t, t, shares);
        double sum = 0;
        for (int v = 0; v < VOCAB; v++) {
            const double blurred = (double)g.guide.share_rows[t][v];
            const double expected =
                blurred > 3e-3 ? pow(blurred / 3e-3, -0.8 * (v ? 1 : 0.8) * fabs(mood(&g, t))) : 1;
            assert_true(fabs((double)worth[v] / (double)shares[v] - expected) < 1e-4);
            lowered += worth[v] < shares[v];
            sum += blurred;
        }
        assert_true(fabs(sum - 1) < 1e-4);
    }
    assert_true(lowered > 50);
    guided_close(&g);
}

/* The mean of the states, whatever the order of the tokens; another text has another view. */
static void the_blurred_view_is_one_state_of_the_text(void **state)
{
    const struct lstm_summary_settings settings = { .beam = 1, .contrast = 0.5f };
    struct guided g;
    (void)state;
    guided_open(&g, 1, NULL, &settings);
    for (int t = 0; t < TEXTS; t++) {
        assert_int_equal(g.guide.blurred[t].count, 1);
        for (int j = 0; j < 2 * HIDDEN; j++) {
            double mean = 0;
            for (int i = 0; i < LENGTH; i++)
                mean += (double)g.states[t][i][j] / LENGTH;
            assert_true(fabs((double)g.guide.blurred[t].states[j] - mean) < 1e-6);
        }
    }
    assert_true(memcmp(g.guide.share_rows[0], g.guide.share_rows[1], VOCAB * sizeof(float)) != 0);
    guided_close(&g);
}

static void guidance_has_the_same_bits_on_every_instruction_set(void **state)
{
    const struct lstm_summary_settings settings = { .beam = 1, .contrast = 0.6f, .tone = 0.4f };
    float shares[VOCAB], first[VOCAB];
    int compared = 0;
    (void)state;
    fill_shares(shares);
    for (size_t i = 0; i < COUNT(network_isas); i++) {
        struct guided g;
        if (!cpu_isa_pick(network_isas[i]))
            continue;
        guided_open(&g, 1, network_isas[i], &settings);
        const float *worth = cpu_guide_weigh(&g.guide, 1, 1, shares);
        if (compared++ == 0)
            memcpy(first, worth, sizeof first);
        assert_memory_equal(first, worth, sizeof first);
        guided_close(&g);
    }
    assert_true(compared > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_guides_without_a_tone_or_a_wish),
        cmocka_unit_test(tone_lifts_words_of_the_texts_mood_and_lowers_the_others),
        cmocka_unit_test(
            contrast_takes_from_what_the_blurred_view_suggests_as_far_as_there_is_a_mood),
        cmocka_unit_test(the_blurred_view_is_one_state_of_the_text),
        cmocka_unit_test(guidance_has_the_same_bits_on_every_instruction_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
