/* How far the CUDA backend is from the CPU's fp32 pass over the same weights, on every path: random
 * models, plain and quantised, and those that PyTorch computed. */
#include "model/quantise.h"
#include "tests/cuda_host/control.h"
#include "tests/cuda_host/machine.h"
#include "tests/golden_encoder.h"
#include "tests/networks.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

extern const struct lstm_plugin lstm_plugin;

/* A model of the path's size with the weights that PyTorch's nn.LSTM begins with. */
static double error_of_path(const struct machine_path *path, int layers, int is_quantised,
                            uint64_t seed)
{
    static const int32_t lengths[] = { 1, 2, 7, 40, 24, 25, 90, 16 };
    const struct lstm_sizes sizes = { .vocab = 200,
                                      .embedding = 48,
                                      .hidden = path->hidden,
                                      .layers = layers,
                                      .classes = 4,
                                      .window = 24,
                                      .overlap = 8 };
    const int32_t texts = (int32_t)COUNT(lengths);
    struct lstm_model model = { .sizes = sizes };
    struct lstm_error err = { .text = "" };
    float found[4 * COUNT(lengths)], expected[4 * COUNT(lengths)];
    model.params = network_params(&sizes, seed, 1.0f / sqrtf((float)path->hidden));
    if (is_quantised && lstm_model_quantise(&model, &err))
        fail_msg("%s", err.text);
    const struct lstm_model floats = { .sizes = sizes, .params = model.params };
    struct lstm_batch batch = network_texts(sizes.vocab, lengths, texts, seed);
    machine_classify(lstm_backend_cpu("generic"), &floats, &batch, expected);
    machine_classify(machine_backend(path->device, path->precision), &model, &batch, found);
    network_texts_free(&batch);
    free(model.params);
    free(model.int8.weights);
    return machine_error(found, expected, COUNT(found));
}

static void logits_are_those_of_the_cpu(void **state)
{
    const struct machine_path *path = *state;
    double worst = 0.0;
    if (machine_is_slow() && path == &machine_paths[MACHINE_GROUPS]) {
        print_message("SKIPPED: groups under ThreadSanitizer: set CUDA_HOST_SEEDS\n");
        skip();
    }
    for (int seed = 1; seed <= machine_seeds(); seed++)
        for (int layers = 1; layers <= 2; layers++)
            for (int is_quantised = 0; is_quantised < 2; is_quantised++) {
                if (machine_seeds() == 1 && is_quantised != layers % 2)
                    continue; /* each once is enough */
                cuda_host_seed((uint64_t)seed);
                worst = fmax(worst, error_of_path(path, layers, is_quantised, (uint64_t)seed));
            }
    print_message("%s: normalised error %.2g\n", path->name, worst);
    if (!(worst <= (double)machine_tolerance(path->precision)))
        fail_msg("%s: normalised error %g", path->name, worst);
}

/* More windows than a round holds where the device's memory is short, in texts that go from one
 * round to the next: the rounds overlap on the device. A step multiplies all rows, so there the
 * model is small; fp16 has the path of fp32. */
static void rounds_follow_one_another(void **state)
{
    enum { TEXTS = 24, CLASSES = 2, WORKSPACES = 32 << 20 };
    int32_t lengths[TEXTS];
    float found[TEXTS * CLASSES], expected[TEXTS * CLASSES];
    const struct machine_path *path = *state;
    const int has_products = path->precision == LSTM_PRECISION_FP32;
    const int is_wide = path->hidden > 64; /* more memory, slower */
    const int32_t texts = is_wide || has_products ? TEXTS / 3 : TEXTS;
    const struct lstm_sizes sizes = { .vocab = 30,
                                      .embedding = 16,
                                      .hidden = has_products ? 16 : path->hidden,
                                      .layers = 2,
                                      .classes = CLASSES,
                                      .window = 16,
                                      .overlap = 4 };
    for (int32_t i = 0; i < texts; i++)
        lengths[i] = 150 + i % 7; /* 13 windows */
    struct lstm_model model = { .sizes = sizes };
    model.params = network_params(&sizes, 3, 1.0f / sqrtf((float)sizes.hidden));
    struct lstm_batch batch = network_texts(sizes.vocab, lengths, texts, 3);
    machine_classify(lstm_backend_cpu("generic"), &model, &batch, expected);
    lstm_plugin.limit(WORKSPACES + (is_wide ? 8 << 20 : 2 << 20));
    for (int seed = 1; seed <= machine_seeds(); seed++) {
        cuda_host_seed((uint64_t)seed);
        machine_classify(machine_backend(path->device, path->precision), &model, &batch, found);
        for (int32_t i = 0; i < texts; i++) {
            const size_t at = (size_t)i * CLASSES;
            double error = machine_error(found + at, expected + at, CLASSES);
            if (!(error <= (double)machine_tolerance(path->precision)))
                fail_msg("%s, seed %d: text %d of %d tokens: normalised error %g", path->name, seed,
                         i, lengths[i], error);
        }
    }
    lstm_plugin.limit((uint64_t)1 << 30);
    network_texts_free(&batch);
    free(model.params);
}

static void logits_are_those_of_pytorch(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(golden_encoder_names); i++)
        for (int precision = 0; precision < 2; precision++) {
            struct golden_encoder golden = golden_encoder_open(golden_encoder_names[i]);
            const enum lstm_precision p = (enum lstm_precision)precision;
            const size_t count = (size_t)golden.batch.texts * (size_t)golden.model->sizes.classes;
            float *logits = network_memory(count * sizeof *logits);
            machine_classify(machine_backend(MACHINE_SMALL, p), golden.model, &golden.batch,
                             logits);
            double error = machine_error(logits, golden.logits, count);
            if (!(error <= (double)machine_tolerance(p)))
                fail_msg("golden %s: normalised error %g", golden_encoder_names[i], error);
            free(logits);
            golden_encoder_close(&golden);
        }
}

static void nothing_is_left_on_the_device(void **state)
{
    (void)state;
    assert_int_equal(cuda_host_objects(), 0);
}

int main(void)
{
    struct CMUnitTest tests[2 * COUNT(machine_paths) + 2];
    size_t count = 0;
    machine_set_up();
    for (size_t i = 0; i < COUNT(machine_paths); i++)
        tests[count++] = (struct CMUnitTest){ .name = machine_paths[i].name,
                                              .test_func = logits_are_those_of_the_cpu,
                                              .initial_state = (void *)&machine_paths[i] };
    for (size_t i = 0; i < COUNT(machine_paths); i++)
        if (i != MACHINE_STEPS_FP16 && (machine_paths[i].is_quick || !machine_is_short()))
            tests[count++] = (struct CMUnitTest){ .name = "rounds follow one another",
                                                  .test_func = rounds_follow_one_another,
                                                  .initial_state = (void *)&machine_paths[i] };
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(logits_are_those_of_pytorch);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(nothing_is_left_on_the_device);
    return _cmocka_run_group_tests("agreement", tests, count, NULL, NULL);
}
