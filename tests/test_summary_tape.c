/* The forward and backward passes of a summariser that are kept for training, against the reference
 * in double precision, its finite differences and PyTorch. */
#include "model/cpu_decoder.h"
#include "model/summary_tape.h"
#include "tests/golden_file.h"
#include "tests/networks.h"
#include "tests/summary_reference.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TEXTS_MAX = 9, TOKENS_USED = 9, GROUP_MAX = 128 };

/* A network, its texts, their summaries and the options; group: how many parameters a finite
 * difference moves at once.
 */
struct example {
    const char *name;
    struct lstm_sizes sizes;
    int32_t texts, sources[TEXTS_MAX], targets[TEXTS_MAX];
    float coverage, smoothing;
    int masked;
    size_t group;
};

#define SIZES(e, h, l, d, a)                                                                \
    {                                                                                       \
        .vocab = 272, .embedding = e, .hidden = h, .layers = l, .window = 16, .overlap = 6, \
        .decoder = d, .alignment = a                                                        \
    }

static const struct example examples[] = {
    { "the smallest", SIZES(16, 16, 1, 16, 16), 2, { 5, 2 }, { 2, 3 }, 1.0f, 0.1f, 0, 1 },
    { "no smoothing, no coverage",
      SIZES(16, 16, 1, 16, 16),
      3,
      { 7, 1, 17 },
      { 4, 2, 0 },
      0.0f,
      0.0f,
      0,
      16 },
    { "masked", SIZES(16, 16, 1, 16, 16), 3, { 27, 16, 2 }, { 1, 9, 5 }, 1.0f, 0.1f, 1, 32 },
    { "smoothing alone", SIZES(32, 16, 1, 16, 32), 2, { 12, 3 }, { 6, 2 }, 0.0f, 0.1f, 0, 64 },
    { "coverage alone", SIZES(16, 32, 1, 16, 16), 2, { 18, 9 }, { 5, 8 }, 1.0f, 0.0f, 1, 64 },
    { "a wide decoder", SIZES(16, 16, 1, 32, 16), 3, { 4, 40, 1 }, { 7, 3, 9 }, 1.0f, 0.1f, 1, 64 },
    { "a wide alignment", SIZES(16, 16, 1, 16, 32), 1, { 30 }, { 6 }, 0.5f, 0.2f, 0, 64 },
    { "two layers", SIZES(16, 16, 2, 16, 16), 2, { 21, 6 }, { 3, 5 }, 0.0f, 0.0f, 1, 64 },
    { "two layers, all wide",
      SIZES(32, 32, 2, 32, 32),
      2,
      { 11, 26 },
      { 4, 1 },
      1.0f,
      0.1f,
      1,
      128 },
    { "many texts, more steps than the vocabulary takes at once",
      SIZES(16, 16, 1, 16, 16),
      9,
      { 9, 40, 1, 17, 33, 16, 2, 8, 5 },
      { 0, 9, 9, 7, 8, 9, 9, 9, 6 },
      1.0f,
      0.1f,
      1,
      128 },
    { "ends alone", SIZES(16, 16, 1, 16, 16), 3, { 9, 1, 20 }, { 0, 0, 0 }, 0.0f, 0.1f, 0, 64 },
};

/* An example with its memory. */
struct fixture {
    const struct example *example;
    struct lstm_sizes sizes;
    int32_t steps; /* of the longest summary */
    size_t params_count;
    float *params;
    double *exact; /* params in double precision */
    struct lstm_batch batch;
    struct lstm_targets targets;
    int32_t *target_ints;
    float *embedding_masks, *output_masks; /* NULL where there are none */
    struct lstm_summary_options options;
};

/* Inverted dropout of a quarter. */
static float *mask(size_t count, uint64_t *seed)
{
    float *values = network_memory(count * sizeof *values);
    for (size_t i = 0; i < count; i++)
        values[i] = network_random(seed) % 4 ? 4.0f / 3.0f : 0.0f;
    return values;
}

/* Tokens of a text and others take turns at random, and now and then the last one is repeated. */
static void write_targets(struct fixture *f, uint64_t *seed)
{
    const struct example *example = f->example;
    int32_t total = 0, texts = example->texts;
    for (int32_t i = 0; i < texts; i++)
        total += example->targets[i];
    int32_t *starts = f->target_ints = network_memory((size_t)(texts + 1 + total) * sizeof *starts);
    int32_t *tokens = starts + texts + 1, at = 0;
    for (int32_t i = 0; i < texts; i++) {
        starts[i] = at;
        f->steps = example->targets[i] + 1 > f->steps ? example->targets[i] + 1 : f->steps;
        for (int32_t t = 0; t < example->targets[i]; t++, at++) {
            int32_t from = f->batch.starts[i] + network_below(seed, example->sources[i]),
                    kind = network_below(seed, 5);
            tokens[at] = kind < 2 ? f->batch.tokens[from] : network_below(seed, f->sizes.vocab);
            if (t && kind == 4)
                tokens[at] = tokens[at - 1];
        }
    }
    starts[texts] = at;
    f->targets = (struct lstm_targets){ tokens, starts };
}

static struct fixture set_up(const struct example *example)
{
    struct fixture f = { .example = example, .sizes = example->sizes };
    uint64_t seed = (uint64_t)(example - examples) + 1;
    f.params_count = lstm_params_count(&f.sizes);
    f.params = network_params(&f.sizes, seed, 0.5f);
    f.exact = network_memory(f.params_count * sizeof *f.exact);
    for (size_t i = 0; i < f.params_count; i++)
        f.exact[i] = (double)f.params[i];
    f.batch = network_texts(TOKENS_USED, example->sources, example->texts, seed);
    write_targets(&f, &seed);
    if (example->masked) {
        f.embedding_masks = mask((size_t)example->texts * (size_t)f.sizes.embedding, &seed);
        f.output_masks = mask((size_t)example->texts * (size_t)f.sizes.embedding, &seed);
    }
    f.options = (struct lstm_summary_options){ f.embedding_masks, f.output_masks, example->coverage,
                                               example->smoothing };
    return f;
}

static void tear_down(struct fixture *f)
{
    free(f->params);
    free(f->exact);
    free(f->target_ints);
    free(f->embedding_masks);
    free(f->output_masks);
    network_texts_free(&f->batch);
}

static struct reference_loss exact_loss(const struct fixture *f)
{
    struct reference_loss loss = { 0 };
    for (int32_t i = 0; i < f->batch.texts; i++) {
        int32_t source = f->batch.starts[i], target = f->targets.starts[i];
        size_t masked = (size_t)i * (size_t)f->sizes.embedding;
        struct reference_pair pair = {
            .source = f->batch.tokens + source,
            .target = f->targets.tokens + target,
            .source_count = f->batch.starts[i + 1] - source,
            .target_count = f->targets.starts[i + 1] - target,
            .embedding_mask =
                f->options.embedding_masks ? f->options.embedding_masks + masked : NULL,
            .output_mask = f->options.output_masks ? f->options.output_masks + masked : NULL,
            .coverage = (double)f->options.coverage,
            .smoothing = (double)f->options.smoothing,
        };
        reference_summary_loss(&f->sizes, f->exact, &pair, &loss);
    }
    return loss;
}

/* The machinery of a run, which can do several. */
struct machine {
    struct cpu_weights *weights;
    struct cpu_decoder *decoder;
    struct lstm_summary_tape *tape;
};

static struct machine machine_open(const struct fixture *f, const char *isa)
{
    struct machine m;
    struct lstm_error err;
    const struct cpu_kernels *kernels = cpu_kernels_pick(isa);
    assert_int_equal(cpu_weights_open(&f->sizes, kernels, cpu_products_pick("fp32", isa), f->params,
                                      &m.weights, &err),
                     LSTM_OK);
    assert_int_equal(cpu_decoder_open(&f->sizes, kernels, f->params, &m.decoder, &err), LSTM_OK);
    assert_int_equal(lstm_summary_tape_open(m.weights, m.decoder, &m.tape, &err), LSTM_OK);
    return m;
}

static void machine_close(struct machine *m)
{
    lstm_summary_tape_close(m->tape);
    cpu_decoder_close(m->decoder);
    cpu_weights_close(m->weights);
}

static void machine_run(const struct machine *m, const struct fixture *f,
                        struct lstm_summary_loss *loss, float *gradient)
{
    struct lstm_error err = { .text = "" };
    enum lstm_status rc =
        lstm_summary_tape_run(m->tape, &f->batch, &f->targets, &f->options, loss, gradient, &err);
    if (rc)
        fail_msg("%s: %s", f->example->name, err.text);
}

/* The loss and, where gradient is not NULL, its gradient added there. */
static struct lstm_summary_loss run(const struct fixture *f, const char *isa, float *gradient)
{
    struct lstm_summary_loss loss = { 0 };
    struct machine m = machine_open(f, isa);
    machine_run(&m, f, &loss, gradient);
    machine_close(&m);
    return loss;
}

static float *zeros(size_t count)
{
    float *values = network_memory(count * sizeof *values);
    for (size_t i = 0; i < count; i++)
        values[i] = 0.0f;
    return values;
}

/* ---- against the reference ---- */

static void check_loss(const char *name, const char *what, double found, double expected)
{
    if (!(fabs(found - expected) <= 1e-5 * fabs(expected)))
        fail_msg("%s: %s is %.9g, expected %.9g", name, what, found, expected);
}

static void losses_are_within_1e_5_of_the_reference(void **state)
{
    (void)state;
    for (size_t e = 0; e < COUNT(examples); e++) {
        struct fixture f = set_up(&examples[e]);
        struct lstm_summary_loss found = run(&f, NULL, NULL);
        struct reference_loss exact = exact_loss(&f);
        check_loss(f.example->name, "likelihood", found.likelihood, exact.likelihood);
        check_loss(f.example->name, "coverage", found.coverage, exact.coverage);
        check_loss(f.example->name, "loss", found.loss, exact.loss);
        assert_int_equal(found.tokens, f.targets.starts[f.batch.texts] + f.batch.texts);
        tear_down(&f);
    }
}

/* Moves count parameters from `at` by +-step each and compares the slope of the loss with the
 * gradient's. */
static void check_group(struct fixture *f, const char *tensor, size_t at, size_t count,
                        const float *gradient, double scale, uint64_t *seed)
{
    const double step = 1e-5;
    double signs[GROUP_MAX], claimed = 0.0, loss[2];
    for (size_t i = 0; i < count; i++) {
        signs[i] = network_random(seed) % 2 ? 1.0 : -1.0;
        claimed += signs[i] * (double)gradient[at + i];
    }
    for (int way = 0; way < 2; way++) {
        for (size_t i = 0; i < count; i++)
            f->exact[at + i] = (double)f->params[at + i] + (way ? step : -step) * signs[i];
        loss[way] = exact_loss(f).loss;
    }
    for (size_t i = 0; i < count; i++)
        f->exact[at + i] = (double)f->params[at + i];
    double slope = (loss[1] - loss[0]) / (2.0 * step);
    if (!(fabs(slope - claimed) <= 1e-4 * scale))
        fail_msg("%s: %s[%zu..%zu]: the slope is %.9g, the gradient says %.9g, the largest is %.3g",
                 f->example->name, tensor, at, at + count - 1, slope, claimed, scale);
}

static void check_tensor(struct fixture *f, const struct lstm_tensor *tensor, const float *gradient)
{
    size_t count = (size_t)tensor->rows * (size_t)tensor->cols, group = f->example->group;
    uint64_t seed = tensor->at + 1;
    double scale = 0.0;
    for (size_t i = 0; i < count; i++)
        scale = fmax(scale, fabs((double)gradient[tensor->at + i]));
    assert_true(scale > 0.0 || (f->steps == 1 && !strcmp(tensor->name, "align_coverage.weight")));
    for (size_t i = 0; i < count; i += group)
        check_group(f, tensor->name, tensor->at + i, count - i < group ? count - i : group,
                    gradient, scale, &seed);
}

static void every_gradient_is_the_slope_of_the_loss(void **state)
{
    (void)state;
    for (size_t e = 0; e < COUNT(examples); e++) {
        struct fixture f = set_up(&examples[e]);
        float *gradient = zeros(f.params_count);
        struct lstm_tensor tensors[LSTM_TENSORS_MAX];
        int count = lstm_layout(&f.sizes, tensors);
        run(&f, NULL, gradient);
        for (int i = 0; i < count; i++)
            check_tensor(&f, &tensors[i], gradient);
        free(gradient);
        tear_down(&f);
    }
}

/* ---- against PyTorch ---- */

/* The network, batch and options of the file that tests/data/make_golden_summary.py made. */
static struct fixture read_golden(const struct golden_file *file)
{
    static const struct example example = { .name = "golden", .sizes = SIZES(16, 16, 1, 16, 32) };
    struct fixture f = { .example = &example, .sizes = example.sizes };
    size_t texts = golden_file_count(file, "starts") - 1,
           tokens = golden_file_count(file, "tokens");
    size_t written = golden_file_count(file, "target_tokens"),
           masks = texts * (size_t)f.sizes.embedding;
    int32_t *starts = network_memory((texts + 1) * sizeof *starts),
            *read = network_memory(tokens * sizeof *read);
    float options[2];
    f.target_ints = network_memory((texts + 1 + written) * sizeof *f.target_ints);
    golden_file_ints(file, "starts", texts + 1, starts);
    golden_file_ints(file, "tokens", tokens, read);
    golden_file_ints(file, "target_starts", texts + 1, f.target_ints);
    golden_file_ints(file, "target_tokens", written, f.target_ints + texts + 1);
    f.embedding_masks = network_memory(masks * sizeof *f.embedding_masks);
    f.output_masks = network_memory(masks * sizeof *f.output_masks);
    golden_file_floats(file, "embedding_masks", masks, f.embedding_masks);
    golden_file_floats(file, "output_masks", masks, f.output_masks);
    golden_file_floats(file, "options", 2, options);
    f.batch = (struct lstm_batch){ .texts = (int32_t)texts, .tokens = read, .starts = starts };
    f.targets = (struct lstm_targets){ f.target_ints + texts + 1, f.target_ints };
    f.options =
        (struct lstm_summary_options){ f.embedding_masks, f.output_masks, options[0], options[1] };
    f.params_count = lstm_params_count(&f.sizes);
    f.params = network_memory(f.params_count * sizeof *f.params);
    return f;
}

/* Reads a tensor's numbers by its name and those of its gradient, and compares these within 1e-5 of
 * the largest. */
static void check_golden(const struct golden_file *file, const struct lstm_tensor *tensor,
                         const float *gradient)
{
    size_t count = (size_t)tensor->rows * (size_t)tensor->cols;
    float *expected = network_memory(count * sizeof *expected), largest = 0.0f;
    char name[LSTM_NAME_SIZE + 16];
    snprintf(name, sizeof name, "gradient.%.*s", LSTM_NAME_SIZE, tensor->name);
    golden_file_floats(file, name, count, expected);
    for (size_t i = 0; i < count; i++)
        largest = fmaxf(largest, fabsf(expected[i]));
    assert_true(largest > 0.0f);
    for (size_t i = 0; i < count; i++)
        if (!(fabsf(gradient[tensor->at + i] - expected[i]) <= 1e-5f * largest))
            fail_msg("golden, %s[%zu]: %.9g, PyTorch has %.9g, the largest is %.3g", tensor->name,
                     i, (double)gradient[tensor->at + i], (double)expected[i], (double)largest);
    free(expected);
}

static void loss_and_gradient_are_those_of_pytorch(void **state)
{
    (void)state;
    struct golden_file file = golden_file_open("golden_summary");
    golden_file_parse(&file);
    struct fixture f = read_golden(&file);
    struct lstm_tensor tensors[LSTM_TENSORS_MAX];
    float losses[3], *gradient = zeros(f.params_count);
    int count = lstm_layout(&f.sizes, tensors);
    for (int i = 0; i < count; i++)
        golden_file_floats(&file, tensors[i].name,
                           (size_t)tensors[i].rows * (size_t)tensors[i].cols,
                           f.params + tensors[i].at);
    golden_file_floats(&file, "losses", 3, losses);
    struct lstm_summary_loss found = run(&f, NULL, gradient);
    check_loss("golden", "likelihood", found.likelihood, (double)losses[0]);
    check_loss("golden", "coverage", found.coverage, (double)losses[1]);
    check_loss("golden", "loss", found.loss, (double)losses[2]);
    for (int i = 0; i < count; i++)
        check_golden(&file, &tensors[i], gradient);
    free(gradient);
    tear_down(&f);
    golden_file_close(&file);
}

/* ---- the same bits ---- */

static void every_instruction_set_gives_the_same_bits(void **state)
{
    (void)state;
    for (size_t e = 0; e < COUNT(examples); e++) {
        struct fixture f = set_up(&examples[e]);
        float *gradient[2] = { zeros(f.params_count), zeros(f.params_count) };
        size_t size = f.params_count * sizeof(float);
        struct lstm_summary_loss generic = run(&f, "generic", gradient[0]);
        for (size_t isa = 1; isa < COUNT(network_isas); isa++) {
            if (!cpu_kernels_pick(network_isas[isa]))
                continue;
            memset(gradient[1], 0, size);
            struct lstm_summary_loss loss = run(&f, network_isas[isa], gradient[1]);
            assert_memory_equal(&generic, &loss, sizeof loss);
            assert_memory_equal(gradient[0], gradient[1], size);
        }
        free(gradient[0]);
        free(gradient[1]);
        tear_down(&f);
    }
}

static void the_loss_is_the_same_bits_without_a_gradient(void **state)
{
    (void)state;
    for (size_t e = 0; e < COUNT(examples); e++) {
        struct fixture f = set_up(&examples[e]);
        float *gradient = zeros(f.params_count);
        struct lstm_summary_loss with = run(&f, NULL, gradient), without = run(&f, NULL, NULL);
        assert_memory_equal(&with, &without, sizeof with);
        free(gradient);
        tear_down(&f);
    }
}

/* What a step of the decoder reads, and all that it computes, for so many rows; one block of
 * floats. */
enum { ROWS = 7, SOURCE_MAX = 48, E = 32, H2 = 32, D = 16, A = 48, VOCAB = 272 };
struct step_results {
    float input[ROWS][E + H2], gates[ROWS][4 * D], cell[ROWS][D], state[ROWS][D], query[ROWS][A];
    float attention[ROWS][SOURCE_MAX], joined[ROWS][D + H2], output[ROWS][E], generate[ROWS],
        shares[ROWS][VOCAB];
};
struct step_inputs {
    int32_t tokens[ROWS];
    struct cpu_source sources[ROWS];
    float context[ROWS][H2], cell[ROWS][D], state[ROWS][D], coverage[ROWS][SOURCE_MAX];
    float states[ROWS][SOURCE_MAX * H2], keys[ROWS][SOURCE_MAX * A];
};

static void fill_inputs(struct step_inputs *in, const struct cpu_decoder *decoder)
{
    static const int32_t counts[ROWS] = { 5, 1, 40, 16, 17, 48, 3 };
    uint64_t seed = 9;
    network_fill(&seed, 1.0f, ROWS * H2, in->context[0]);
    network_fill(&seed, 2.0f, ROWS * D, in->cell[0]);
    network_fill(&seed, 1.0f, ROWS * D, in->state[0]);
    network_fill(&seed, 2.0f, ROWS * SOURCE_MAX, in->coverage[0]);
    network_fill(&seed, 1.0f, ROWS * SOURCE_MAX * H2, in->states[0]);
    for (int r = 0; r < ROWS; r++) {
        in->tokens[r] = network_below(&seed, VOCAB);
        in->sources[r] = (struct cpu_source){ counts[r], NULL, in->states[r], in->keys[r] };
        cpu_source_keys(decoder, counts[r], in->states[r], in->keys[r]);
    }
}

/* Steps these rows of the inputs at once. */
static void step_rows(const struct cpu_decoder *decoder, const struct step_inputs *in, int first,
                      int rows, struct step_results *out)
{
    const struct cpu_source *sources[ROWS];
    const float *coverage[ROWS];
    float *attention[ROWS];
    for (int r = 0; r < rows; r++) {
        sources[r] = &in->sources[first + r];
        coverage[r] = in->coverage[first + r];
        attention[r] = out->attention[first + r];
    }
    struct cpu_decoder_step step = {
        .rows = rows,
        .tokens = in->tokens + first,
        .sources = sources,
        .context_before = in->context[first],
        .cell_before = in->cell[first],
        .state_before = in->state[first],
        .coverage = coverage,
        .input = out->input[first],
        .gates = out->gates[first],
        .cell = out->cell[first],
        .state = out->state[first],
        .query = out->query[first],
        .attention = attention,
        .joined = out->joined[first],
        .output = out->output[first],
        .generate = out->generate + first,
    };
    cpu_decoder_step(decoder, &step);
    cpu_decoder_vocabulary(decoder, rows, out->output[first], out->shares[first]);
}

static void a_row_of_a_step_has_the_same_bits_beside_any_others(void **state)
{
    (void)state;
    static const struct lstm_sizes sizes = SIZES(E, H2 / 2, 1, D, A);
    static struct step_inputs in;
    static struct step_results together, apart;
    float *params = network_params(&sizes, 8, 0.5f);
    for (size_t isa = 0; isa < COUNT(network_isas); isa++) {
        struct cpu_decoder *decoder;
        struct lstm_error err;
        if (!cpu_kernels_pick(network_isas[isa]))
            continue;
        assert_int_equal(
            cpu_decoder_open(&sizes, cpu_kernels_pick(network_isas[isa]), params, &decoder, &err),
            LSTM_OK);
        fill_inputs(&in, decoder);
        step_rows(decoder, &in, 0, ROWS, &together);
        for (int rows = 1; rows < ROWS; rows++) {
            memset(&apart, 0, sizeof apart);
            for (int first = 0; first < ROWS; first += rows)
                step_rows(decoder, &in, first, ROWS - first < rows ? ROWS - first : rows, &apart);
            assert_memory_equal(&together, &apart, sizeof apart);
        }
        cpu_decoder_close(decoder);
    }
    free(params);
}

/* ---- batches ---- */

/* One text of a fixture; nothing of it is to be freed. */
static struct fixture alone(const struct fixture *f, int32_t text)
{
    struct fixture one = *f;
    size_t masked = (size_t)text * (size_t)f->sizes.embedding;
    one.batch.texts = 1;
    one.batch.starts += text;
    one.targets.starts += text;
    if (f->example->masked) {
        one.options.embedding_masks += masked;
        one.options.output_masks += masked;
    }
    return one;
}

/* Within 1e-5 of each tensor's largest. */
static void check_same_gradient(const struct fixture *f, const float *found, const float *expected)
{
    struct lstm_tensor tensors[LSTM_TENSORS_MAX];
    int count = lstm_layout(&f->sizes, tensors);
    for (int i = 0; i < count; i++) {
        size_t at = tensors[i].at, end = at + (size_t)tensors[i].rows * (size_t)tensors[i].cols;
        float largest = 0.0f;
        for (size_t j = at; j < end; j++)
            largest = fmaxf(largest, fabsf(expected[j]));
        for (size_t j = at; j < end; j++)
            if (!(fabsf(found[j] - expected[j]) <= 1e-5f * largest))
                fail_msg("%s: %s[%zu]: %.9g, expected %.9g, the largest is %.3g", f->example->name,
                         tensors[i].name, j - at, (double)found[j], (double)expected[j],
                         (double)largest);
    }
}

/* Which also shows that losses and gradients are added to what is there, and that a batch may start
 * anywhere. */
static void a_batch_is_the_sum_of_its_texts(void **state)
{
    (void)state;
    for (size_t e = 0; e < COUNT(examples); e++) {
        struct fixture f = set_up(&examples[e]);
        float *whole = zeros(f.params_count), *parts = zeros(f.params_count);
        struct lstm_summary_loss all = run(&f, NULL, whole), sum = { 0 };
        struct machine m = machine_open(&f, NULL);
        for (int32_t i = 0; i < f.batch.texts; i++) {
            struct fixture one = alone(&f, i);
            machine_run(&m, &one, &sum, parts);
        }
        machine_close(&m);
        check_loss(f.example->name, "likelihood", all.likelihood, sum.likelihood);
        check_loss(f.example->name, "coverage", all.coverage, sum.coverage);
        check_loss(f.example->name, "loss", all.loss, sum.loss);
        assert_int_equal(all.tokens, sum.tokens);
        check_same_gradient(&f, whole, parts);
        free(whole);
        free(parts);
        tear_down(&f);
    }
}

static void a_tape_can_be_used_again_with_any_batch(void **state)
{
    (void)state;
    struct fixture f = set_up(&examples[2]);
    float *first = zeros(f.params_count), *again = zeros(f.params_count);
    struct lstm_summary_loss expected = run(&f, NULL, first);
    struct machine m = machine_open(&f, NULL);
    static const size_t others[] = { 9, 1, 10,
                                     9 }; /* examples of the same sizes: larger and smaller ones */
    for (size_t i = 0; i < COUNT(others); i++) {
        struct fixture other = set_up(&examples[others[i]]);
        struct lstm_summary_loss loss = { 0 };
        machine_run(&m, &other, &loss, again);
        memset(again, 0, f.params_count * sizeof *again);
        loss = (struct lstm_summary_loss){ 0 };
        machine_run(&m, &f, &loss, again);
        assert_memory_equal(&loss, &expected, sizeof loss);
        assert_memory_equal(again, first, f.params_count * sizeof *again);
        tear_down(&other);
    }
    machine_close(&m);
    free(first);
    free(again);
    tear_down(&f);
}

/* As a trainer's thread may get when there are fewer texts than threads. */
static void a_batch_of_no_texts_has_no_loss(void **state)
{
    (void)state;
    struct fixture f = set_up(&examples[1]);
    float *gradient = zeros(f.params_count);
    f.batch.texts = 0;
    struct lstm_summary_loss loss = run(&f, NULL, gradient), none = { 0 };
    assert_memory_equal(&loss, &none, sizeof loss);
    for (size_t i = 0; i < f.params_count; i++)
        assert_true(gradient[i] == 0.0f);
    free(gradient);
    tear_down(&f);
}

static void bad_batches_are_refused_with_a_reason_and_change_nothing(void **state)
{
    (void)state;
    static const int32_t good[] = { 1, 2, 3 }, high[] = { 1, 272, 3 }, low[] = { 1, -1, 3 };
    static const int32_t starts[] = { 0, 2, 3 }, empty[] = { 0, 0, 3 }, falling[] = { 0, 3, 2 };
    static const struct {
        const int32_t *tokens, *starts, *target_tokens, *target_starts;
        const char *reason;
    } cases[] = {
        { high, starts, good, starts, "token 272 of a vocabulary of 272" },
        { low, starts, good, starts, "token -1 of a vocabulary of 272" },
        { good, starts, high, starts, "token 272 of a vocabulary of 272" },
        { good, starts, low, starts, "token -1 of a vocabulary of 272" },
        { good, empty, good, starts, "text 0 of the batch has no token" },
        { good, falling, good, starts, "text 1 of the batch has no token" },
        { good, starts, good, falling, "the summary of text 1 ends before it starts" },
    };
    struct fixture f = set_up(&examples[0]);
    struct machine m = machine_open(&f, NULL);
    float *gradient = zeros(f.params_count);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct lstm_batch batch = { .texts = 2,
                                    .tokens = cases[i].tokens,
                                    .starts = cases[i].starts };
        struct lstm_targets targets = { cases[i].target_tokens, cases[i].target_starts };
        struct lstm_summary_loss loss = { 0 }, none = { 0 };
        struct lstm_error err = { .text = "" };
        assert_int_equal(
            lstm_summary_tape_run(m.tape, &batch, &targets, &f.options, &loss, gradient, &err),
            LSTM_RANGE);
        assert_string_equal(err.text, cases[i].reason);
        assert_memory_equal(&loss, &none, sizeof loss);
    }
    for (size_t i = 0; i < f.params_count; i++)
        assert_true(gradient[i] == 0.0f);
    machine_close(&m);
    free(gradient);
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(losses_are_within_1e_5_of_the_reference),
        cmocka_unit_test(every_gradient_is_the_slope_of_the_loss),
        cmocka_unit_test(loss_and_gradient_are_those_of_pytorch),
        cmocka_unit_test(every_instruction_set_gives_the_same_bits),
        cmocka_unit_test(the_loss_is_the_same_bits_without_a_gradient),
        cmocka_unit_test(a_row_of_a_step_has_the_same_bits_beside_any_others),
        cmocka_unit_test(a_batch_is_the_sum_of_its_texts),
        cmocka_unit_test(a_tape_can_be_used_again_with_any_batch),
        cmocka_unit_test(a_batch_of_no_texts_has_no_loss),
        cmocka_unit_test(bad_batches_are_refused_with_a_reason_and_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
