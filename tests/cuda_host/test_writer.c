/* Summaries by the CUDA backend, beside those of the CPU's fp32 pass over the same weights: random
 * networks on every path of the encoder, whatever the search is asked for. */
#include "gpu/session.h"
#include "model/beam_rules.h"
#include "model/cpu_kernels.h"
#include "model/quantise.h"
#include "tests/cuda_host/control.h"
#include "tests/cuda_host/machine.h"
#include "tests/forced.h"
#include "tests/networks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

extern const struct lstm_plugin lstm_plugin;

enum { VOCAB = 320, TEXTS = 7, MOST = 9 };

static const struct lstm_summary_settings usual = {
    .max_tokens = MOST, .min_tokens = 2, .beam = 4, .length_penalty = 0.8f, .attention = 1
};

/* ---- networks and texts ---- */

static struct lstm_model model_of(int32_t hidden, int layers, uint64_t seed)
{
    struct lstm_model model = { .sizes = { .vocab = VOCAB,
                                           .embedding = 48,
                                           .hidden = hidden,
                                           .layers = layers,
                                           .window = 24,
                                           .overlap = 8,
                                           .decoder = 80,
                                           .alignment = 32 } };
    model.params = network_params(&model.sizes, seed, hidden > 64 ? 0.2f : 0.4f);
    return model;
}

/* Words and characters of one to four bytes, some of them cut off or broken. */
static struct lstm_batch texts_of(const int32_t *lengths, int32_t texts, uint64_t seed)
{
    static const int32_t characters[][4] = { { 0x41 },
                                             { 0xC3, 0xA9 },
                                             { 0xC3, 0xB6 },
                                             { 0xE6, 0x97, 0xA5 },
                                             { 0xF0, 0x9F, 0x98, 0x80 },
                                             { 0xE6, 0x97 },
                                             { 0x80 } };
    struct lstm_batch batch = network_texts(VOCAB - LSTM_TOKEN_FIRST, lengths, texts, seed);
    int32_t *tokens = (int32_t *)(uintptr_t)batch.tokens;
    for (int32_t i = 0; i < batch.starts[texts]; i++) {
        const int32_t *bytes = characters[network_below(&seed, (int32_t)COUNT(characters))];
        tokens[i] += LSTM_TOKEN_FIRST;
        if (network_below(&seed, 3))
            continue;
        for (int j = 0; j < 4 && bytes[j] && i < batch.starts[texts]; j++)
            tokens[i++] = LSTM_TOKEN_BYTES + bytes[j];
        i--;
    }
    return batch;
}

/* The summaries of a batch, with their memory. */
struct summaries {
    struct lstm_written written[TEXTS];
    int32_t tokens[TEXTS][MOST], origins[TEXTS][MOST];
    float generate[TEXTS][MOST];
    float *weights[TEXTS];
};

static void make_room(const struct lstm_batch *batch, struct summaries *s)
{
    memset(s, 0, sizeof *s);
    for (int32_t i = 0; i < batch->texts; i++) {
        const size_t n = (size_t)(batch->starts[i + 1] - batch->starts[i]);
        s->weights[i] = network_memory(MOST * n * sizeof(float));
        s->written[i] = (struct lstm_written){ .tokens = s->tokens[i],
                                               .origins = s->origins[i],
                                               .weights = s->weights[i],
                                               .generate = s->generate[i] };
    }
}

static void free_room(struct summaries *s)
{
    for (int i = 0; i < TEXTS; i++)
        free(s->weights[i]);
}

/* A model on a backend. */
struct opened {
    const struct lstm_backend *backend;
    struct lstm_loaded *loaded;
    struct lstm_session *session;
};

static struct opened open_model(const struct lstm_backend *backend, const struct lstm_model *model)
{
    struct opened o = { .backend = backend };
    struct lstm_error err = { .text = "" };
    if (backend->load(model, &o.loaded, &err) || backend->open(o.loaded, &o.session, &err))
        fail_msg("%s: %s", backend->name, err.text);
    return o;
}

static void close_model(struct opened *o)
{
    o->backend->close(o->session);
    o->backend->unload(o->loaded);
}

static void write_texts(struct opened *o, const struct lstm_batch *batch,
                        const struct lstm_summary_settings *settings, struct summaries *s)
{
    struct lstm_error err = { .text = "" };
    if (o->backend->write(o->session, batch, settings, s->written, &err))
        fail_msg("%s: %s", o->backend->name, err.text);
}

/* ---- agreement ---- */

/* What the search maximises. */
static double rank_of(const struct lstm_written *w, const struct lstm_summary_settings *settings)
{
    return w->log_share /
           beam_penalty(settings->length_penalty, w->count + 1, cpu_kernels_pick(NULL)->exp);
}

static int is_same(const struct lstm_written *a, const struct lstm_written *b)
{
    const size_t size = (size_t)a->count * sizeof *a->tokens;
    return a->count == b->count && !memcmp(a->tokens, b->tokens, size);
}

/* Each summary is that of the CPU, or as good within the tolerance; what was attended to while the
 * same tokens were written is the same too. Returns how many are other summaries. */
static int compare(const char *what, const struct lstm_batch *batch,
                   const struct lstm_summary_settings *settings, const struct summaries *found,
                   const struct summaries *expected, double tolerance)
{
    int others = 0;
    for (int32_t i = 0; i < batch->texts; i++) {
        const struct lstm_written *f = &found->written[i], *e = &expected->written[i];
        const size_t n = (size_t)(batch->starts[i + 1] - batch->starts[i]);
        const double off = fabs(rank_of(f, settings) - rank_of(e, settings));
        if (!(off <= tolerance * fabs(rank_of(e, settings))))
            fail_msg("%s, text %d: rank %.9g instead of %.9g", what, i, rank_of(f, settings),
                     rank_of(e, settings));
        if (!is_same(f, e)) {
            others++;
            continue;
        }
        if (settings->attention && f->count > 0 &&
            (machine_error(f->weights, e->weights, (size_t)f->count * n) > tolerance ||
             machine_error(f->generate, e->generate, (size_t)f->count) > tolerance))
            fail_msg("%s, text %d: other attention", what, i);
        for (int32_t t = 0; t < f->count; t++)
            if (f->origins[t] != e->origins[t] && (f->origins[t] >= 0) == (e->origins[t] >= 0) &&
                tolerance < 1e-4)
                fail_msg("%s, text %d, token %d: from %d instead of %d", what, i, t, f->origins[t],
                         e->origins[t]);
    }
    return others;
}

static void check_path(const struct machine_path *path, int layers, int is_quantised, uint64_t seed)
{
    static const int32_t lengths[TEXTS] = { 1, 2, 7, 40, 24, 25, 60 };
    struct lstm_model model = model_of(path->hidden, layers, seed);
    struct lstm_error err = { .text = "" };
    struct summaries found, expected;
    if (is_quantised && lstm_model_quantise(&model, &err))
        fail_msg("%s", err.text);
    const struct lstm_model floats = { .sizes = model.sizes, .params = model.params };
    struct lstm_batch batch = texts_of(lengths, TEXTS, seed);
    struct opened cpu = open_model(lstm_backend_cpu("generic"), &floats);
    struct opened gpu = open_model(machine_backend(path->device, path->precision), &model);
    make_room(&batch, &expected);
    make_room(&batch, &found);
    write_texts(&cpu, &batch, &usual, &expected);
    write_texts(&gpu, &batch, &usual, &found);
    const int others = compare(path->name, &batch, &usual, &found, &expected,
                               (double)machine_tolerance(path->precision));
    if (path->precision == LSTM_PRECISION_FP32 && others)
        fail_msg("%s: %d of %d summaries are others", path->name, others, TEXTS);
    free_room(&expected);
    free_room(&found);
    close_model(&cpu);
    close_model(&gpu);
    network_texts_free(&batch);
    free(model.params);
    free(model.int8.weights);
}

static void summaries_are_those_of_the_cpu(void **state)
{
    const struct machine_path *path = *state;
    for (int seed = 1; seed <= machine_seeds(); seed++) {
        cuda_host_seed((uint64_t)seed);
        check_path(path, 1 + seed % 2, seed % 3 == 0, (uint64_t)seed);
    }
}

/* Of all that may be asked for, in both precisions. */
static void any_settings_give_what_the_cpu_gives(void **state)
{
    static const struct lstm_summary_settings settings[] = {
        { .max_tokens = 1, .beam = 1 },
        { .max_tokens = 3, .min_tokens = 3, .beam = 16, .length_penalty = 2.0f },
        { .max_tokens = MOST, .min_tokens = MOST, .beam = 2 },
        { .max_tokens = 5, .beam = 6, .length_penalty = 0.5f },
    };
    static const int32_t lengths[TEXTS] = { 26, 1, 12, 4, 15, 9, 3 };
    (void)state;
    for (int seed = 1; seed <= machine_seeds(); seed++) {
        struct lstm_model model = model_of(16, 1, (uint64_t)seed);
        model.params[lstm_decoder_at(&model.sizes).copy_bias] = -2.0f; /* bytes are copied alone */
        struct lstm_batch batch = texts_of(lengths, TEXTS, 100 + (uint64_t)seed);
        struct opened cpu = open_model(lstm_backend_cpu("generic"), &model);
        struct summaries found, expected;
        make_room(&batch, &expected);
        make_room(&batch, &found);
        cuda_host_seed((uint64_t)seed);
        for (int p = 0; p < 2; p++) {
            const enum lstm_precision precision = (enum lstm_precision)p;
            struct opened gpu = open_model(machine_backend(MACHINE_SMALL, precision), &model);
            for (size_t i = 0; i < COUNT(settings); i++) {
                write_texts(&cpu, &batch, &settings[i], &expected);
                write_texts(&gpu, &batch, &settings[i], &found);
                const int others = compare(gpu.backend->name, &batch, &settings[i], &found,
                                           &expected, (double)machine_tolerance(precision));
                if (precision == LSTM_PRECISION_FP32 && others)
                    fail_msg("settings %zu, seed %d: %d summaries are others", i, seed, others);
            }
            close_model(&gpu);
        }
        close_model(&cpu);
        free_room(&expected);
        free_room(&found);
        network_texts_free(&batch);
        free(model.params);
    }
}

/* ---- step by step ---- */

/* What follows each token of the texts' summaries, beside the CPU: all of the distribution, and the
 * token that was written. */
static void check_steps(struct opened *gpu, const struct lstm_batch *batch,
                        const struct summaries *summaries, const struct forced *cpu,
                        double tolerance)
{
    struct gpu_writer *w = &gpu->session->writer;
    struct lstm_error err = { .text = "" };
    static float found[TEXTS * VOCAB];
    int before;
    double worst = 0.0, worst_log = 0.0;
    assert_int_equal(gpu_device_enter(gpu->loaded->device, &before, &err), LSTM_OK);
    w->group.beam = 1;
    assert_int_equal(gpu_writer_begin(w, &err), LSTM_OK);
    for (int32_t step = 0; step < MOST; step++) {
        assert_int_equal(gpu_writer_step(w, w->texts, &err), LSTM_OK);
        assert_int_equal(cudaStreamSynchronize(w->stream), cudaSuccess);
        assert_int_equal(cudaMemcpy(found, w->group.shares,
                                    (size_t)batch->texts * VOCAB * sizeof *found,
                                    cudaMemcpyDeviceToHost),
                         cudaSuccess);
        for (int32_t i = 0; i < batch->texts; i++) {
            const float *expected = forced_shares(cpu, i, step);
            const int32_t token = summaries->tokens[i][step];
            if (step >= summaries->written[i].count)
                continue;
            worst = fmax(worst, machine_error(found + i * VOCAB, expected, VOCAB));
            worst_log = fmax(
                worst_log,
                fabs(log((double)found[i * VOCAB + token]) / log((double)expected[token]) - 1.0));
        }
        assert_int_equal(gpu_force(w->stream, &w->group, step), cudaSuccess);
        assert_int_equal(gpu_advance_rows(w->stream, gpu->loaded->plan.precision, &w->group),
                         cudaSuccess);
    }
    assert_int_equal(cudaStreamSynchronize(w->stream), cudaSuccess);
    gpu_device_leave(before);
    print_message("%s: distributions within %.2g, log shares within %.2g\n", gpu->backend->name,
                  worst, worst_log);
    if (!(worst <= tolerance && worst_log <= tolerance))
        fail_msg("%s: normalised errors %g, %g", gpu->backend->name, worst, worst_log);
}

static void each_step_has_the_distribution_of_the_cpu(void **state)
{
    static const int32_t lengths[TEXTS] = { 1, 2, 7, 40, 24, 25, 60 };
    (void)state;
    for (int seed = 1; seed <= machine_seeds(); seed++) {
        struct lstm_model model = model_of(32, 1, (uint64_t)seed);
        struct lstm_batch batch = texts_of(lengths, TEXTS, (uint64_t)seed);
        for (int p = 0; p < 2; p++) {
            const enum lstm_precision precision = (enum lstm_precision)p;
            struct opened gpu = open_model(machine_backend(MACHINE_LARGE, precision), &model);
            struct summaries summaries;
            make_room(&batch, &summaries);
            cuda_host_seed((uint64_t)seed);
            /* leaves the sources and, since attention is asked for, the tokens on the device */
            write_texts(&gpu, &batch, &usual, &summaries);
            struct forced *cpu = forced_open(&model, &batch, summaries.written, MOST);
            check_steps(&gpu, &batch, &summaries, cpu, (double)machine_tolerance(precision));
            forced_close(cpu);
            free_room(&summaries);
            close_model(&gpu);
        }
        network_texts_free(&batch);
        free(model.params);
    }
}

/* ---- how a batch goes through ---- */

enum { MANY = 66 }; /* with 16 beams more than one group */

/* Many short summaries: written, without attention. */
struct many {
    struct lstm_written written[MANY];
    int32_t tokens[MANY][MOST], origins[MANY][MOST];
};

static void write_many(struct opened *o, const struct lstm_batch *batch,
                       const struct lstm_summary_settings *settings, struct many *many)
{
    struct lstm_error err = { .text = "" };
    memset(many, 0, sizeof *many);
    for (int i = 0; i < batch->texts; i++)
        many->written[i] =
            (struct lstm_written){ .tokens = many->tokens[i], .origins = many->origins[i] };
    if (o->backend->write(o->session, batch, settings, many->written, &err))
        fail_msg("%s: %s", o->backend->name, err.text);
}

static void expect_same(const struct many *found, const struct many *expected, int count)
{
    for (int i = 0; i < count; i++)
        if (!is_same(&found->written[i], &expected->written[i]) ||
            fabs(found->written[i].log_share / expected->written[i].log_share - 1.0) > 1e-5)
            fail_msg("text %d: %d tokens and %.9g instead of %d and %.9g", i,
                     found->written[i].count, found->written[i].log_share,
                     expected->written[i].count, expected->written[i].log_share);
}

static void fill_lengths(int32_t *lengths, uint64_t seed)
{
    for (int i = 0; i < MANY; i++)
        lengths[i] = i == 20 ? 600 : 1 + network_below(&seed, 9);
}

/* More rows than are written at once, and memory for a few windows at once. */
static void groups_and_rounds_follow_one_another(void **state)
{
    static const struct lstm_summary_settings settings = { .max_tokens = 1, .beam = 16 };
    static struct many found, expected;
    int32_t lengths[MANY];
    (void)state;
    struct lstm_model model = model_of(16, 2, 1);
    fill_lengths(lengths, 1);
    struct lstm_batch batch = texts_of(lengths, MANY, 1);
    struct opened cpu = open_model(lstm_backend_cpu("generic"), &model);
    write_many(&cpu, &batch, &settings, &expected);
    for (int seed = 1; seed <= machine_seeds(); seed++)
        for (int is_small = 0; is_small < 2; is_small++) {
            struct opened gpu =
                open_model(machine_backend(MACHINE_SMALL, LSTM_PRECISION_FP32), &model);
            cuda_host_seed((uint64_t)seed);
            if (is_small) /* of it the products' workspaces are 40 MB */
                lstm_plugin.limit((uint64_t)45 << 20);
            write_many(&gpu, &batch, &settings, &found);
            lstm_plugin.limit((uint64_t)1 << 30);
            close_model(&gpu);
            expect_same(&found, &expected, MANY);
        }
    close_model(&cpu);
    network_texts_free(&batch);
    free(model.params);
}

static int stop_at_zero(void *left)
{
    return --*(int *)left < 0;
}

static void a_stop_function_ends_the_call_and_the_session_goes_on(void **state)
{
    static const int32_t lengths[2] = { 30, 7 };
    (void)state;
    struct lstm_model model = model_of(16, 1, 2);
    struct lstm_batch batch = texts_of(lengths, 2, 2);
    struct opened gpu = open_model(machine_backend(MACHINE_SMALL, LSTM_PRECISION_FP32), &model);
    struct summaries first, again;
    make_room(&batch, &first);
    make_room(&batch, &again);
    write_texts(&gpu, &batch, &usual, &first);
    batch.stop = stop_at_zero;
    for (int after = 0; after < 4; after++) {
        struct lstm_error err = { .text = "" };
        int left = after;
        batch.stop_arg = &left;
        assert_int_equal(gpu.backend->write(gpu.session, &batch, &usual, again.written, &err),
                         LSTM_INTERRUPTED);
        assert_ptr_equal(strstr(err.text, "interrupted after "), err.text);
    }
    batch.stop = NULL;
    write_texts(&gpu, &batch, &usual, &again);
    assert_int_equal(compare("again", &batch, &usual, &again, &first, 0.0), 0);
    free_room(&first);
    free_room(&again);
    close_model(&gpu);
    network_texts_free(&batch);
    free(model.params);
}

static void a_batch_that_is_wrong_is_refused(void **state)
{
    static const int32_t lengths[2] = { 3, 2 };
    (void)state;
    struct lstm_model model = model_of(16, 1, 2);
    struct lstm_batch batch = texts_of(lengths, 2, 2);
    struct opened gpu = open_model(machine_backend(MACHINE_SMALL, LSTM_PRECISION_FP16), &model);
    struct summaries s;
    struct lstm_error err;
    make_room(&batch, &s);
    ((int32_t *)(uintptr_t)batch.tokens)[1] = VOCAB;
    assert_int_equal(gpu.backend->write(gpu.session, &batch, &usual, s.written, &err), LSTM_RANGE);
    assert_non_null(strstr(err.text, "320"));
    batch.texts = 0;
    assert_int_equal(gpu.backend->write(gpu.session, &batch, &usual, s.written, &err), LSTM_OK);
    batch.texts = 2;
    free_room(&s);
    close_model(&gpu);
    network_texts_free(&batch);
    free(model.params);
}

static void a_weight_beyond_fp16_is_refused_wherever_it_is(void **state)
{
    (void)state;
    struct lstm_model model = model_of(16, 1, 2);
    const struct lstm_decoder_at at = lstm_decoder_at(&model.sizes);
    const size_t places[] = { at.bridge, at.ih, at.hh, at.align_state, at.align_query, at.output };
    for (size_t i = 0; i < COUNT(places); i++) {
        const float before = model.params[places[i]];
        struct lstm_loaded *loaded;
        struct lstm_error err;
        model.params[places[i]] = 70000.0f;
        assert_int_equal(
            machine_backend(MACHINE_SMALL, LSTM_PRECISION_FP16)->load(&model, &loaded, &err),
            LSTM_MISMATCH);
        assert_string_equal(err.text,
                            "a weight of 70000, fp16 holds 65504 at most; use the device in fp32");
        model.params[places[i]] = before;
    }
    free(model.params);
}

static void nothing_is_left_on_the_device(void **state)
{
    (void)state;
    assert_int_equal(cuda_host_objects(), 0);
}

int main(void)
{
    struct CMUnitTest tests[COUNT(machine_paths) + 7];
    size_t count = 0;
    machine_set_up();
    for (size_t i = 0; i < COUNT(machine_paths); i++)
        if (machine_paths[i].is_quick || !machine_is_short())
            tests[count++] = (struct CMUnitTest){ .name = machine_paths[i].name,
                                                  .test_func = summaries_are_those_of_the_cpu,
                                                  .initial_state = (void *)&machine_paths[i] };
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(any_settings_give_what_the_cpu_gives);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(each_step_has_the_distribution_of_the_cpu);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(groups_and_rounds_follow_one_another);
    tests[count++] =
        (struct CMUnitTest)cmocka_unit_test(a_stop_function_ends_the_call_and_the_session_goes_on);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(a_batch_that_is_wrong_is_refused);
    tests[count++] =
        (struct CMUnitTest)cmocka_unit_test(a_weight_beyond_fp16_is_refused_wherever_it_is);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(nothing_is_left_on_the_device);
    return _cmocka_run_group_tests("writer", tests, count, NULL, NULL);
}
