/* The forward and backward passes that are kept for training, against the backend, the reference in
 * double precision and its finite differences. */
#include "model/backend.h"
#include "model/cpu_encoder.h"
#include "model/tape.h"
#include "tests/golden_encoder.h"
#include "tests/networks.h"
#include "tests/reference.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TEXTS_MAX = 12, TOKENS_USED = 9 };

/* A network, its texts and the masks; group: how many parameters a finite difference moves at once.
 */
struct example {
    const char *name;
    struct lstm_sizes sizes;
    int32_t texts, lengths[TEXTS_MAX];
    int masked;
    size_t group;
};

#define SIZES(e, h, l, k)                                                                  \
    {                                                                                      \
        .vocab = 12, .embedding = e, .hidden = h, .layers = l, .classes = k, .window = 16, \
        .overlap = 6                                                                       \
    }

static const struct example examples[] = {
    { "one layer", SIZES(16, 16, 1, 2), 3, { 3, 1, 21 }, 0, 1 },
    { "one layer, masked", SIZES(16, 16, 1, 3), 3, { 27, 2, 16 }, 1, 4 },
    { "one layer, wide input", SIZES(32, 16, 1, 2), 4, { 17, 16, 15, 1 }, 1, 16 },
    { "one layer, wide state", SIZES(16, 32, 1, 3), 3, { 26, 27, 5 }, 0, 32 },
    { "two layers", SIZES(16, 16, 2, 3), 3, { 5, 18, 1 }, 0, 8 },
    { "two layers, masked", SIZES(32, 16, 2, 2), 3, { 26, 7, 27 }, 1, 32 },
    { "three layers", SIZES(16, 16, 3, 2), 2, { 2, 20 }, 1, 64 },
    { "a long text", SIZES(16, 16, 1, 2), 2, { 50, 4 }, 0, 32 },
    { "many texts", SIZES(16, 16, 1, 2), 12, { 9, 8, 7, 6, 5, 4, 3, 2, 1, 17, 1, 9 }, 0, 32 },
};

/* An example with its memory. */
struct fixture {
    const struct example *example;
    struct lstm_sizes sizes;
    size_t params_count;
    float *params;
    double *exact; /* params in double precision */
    struct lstm_batch batch;
    float *embedding_mask, *features_mask;
    struct lstm_masks masks;
    const int32_t *targets; /* not ours; NULL: each class in turn */
    const char *precision;  /* of the products; NULL: fp32 */
};

/* Inverted dropout of a quarter. */
static float *mask(size_t count, uint64_t *seed)
{
    float *values = network_memory(count * sizeof *values);
    for (size_t i = 0; i < count; i++)
        values[i] = network_random(seed) % 4 ? 4.0f / 3.0f : 0.0f;
    return values;
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
    f.batch = network_texts(TOKENS_USED, example->lengths, example->texts, seed);
    if (example->masked) {
        f.embedding_mask = mask((size_t)example->texts * (size_t)f.sizes.embedding, &seed);
        f.features_mask = mask((size_t)example->texts * 6 * (size_t)f.sizes.hidden, &seed);
        f.masks = (struct lstm_masks){ f.embedding_mask, f.features_mask };
    }
    return f;
}

static void tear_down(struct fixture *f)
{
    free(f->params);
    free(f->exact);
    free(f->embedding_mask);
    free(f->features_mask);
    network_texts_free(&f->batch);
}

static struct reference_masks masks_of(const struct fixture *f, int32_t text)
{
    struct reference_masks masks = { 0 };
    if (f->example->masked) {
        masks.embedding = f->embedding_mask + (size_t)text * (size_t)f->sizes.embedding;
        masks.features = f->features_mask + (size_t)text * 6 * (size_t)f->sizes.hidden;
    }
    return masks;
}

static int32_t target_of(const struct fixture *f, int32_t text)
{
    return f->targets ? f->targets[text] : text % f->sizes.classes;
}

static void exact_logits(const struct fixture *f, int32_t text, double *logits)
{
    struct reference_masks masks = masks_of(f, text);
    int32_t start = f->batch.starts[text];
    reference_logits(&f->sizes, f->exact, f->batch.tokens + start,
                     f->batch.starts[text + 1] - start, &masks, logits);
}

static double exact_loss(const struct fixture *f)
{
    double loss = 0.0, logits[LSTM_CLASSES_MAX];
    for (int32_t i = 0; i < f->batch.texts; i++) {
        exact_logits(f, i, logits);
        loss += reference_cross_entropy(f->sizes.classes, logits, target_of(f, i));
    }
    return loss;
}

/* The gradient of the summed cross-entropy by the logits: softmax minus one-hot, computed from
 * exact logits. */
static void loss_backward(const struct fixture *f, float *d_logits)
{
    double logits[LSTM_CLASSES_MAX];
    size_t classes = (size_t)f->sizes.classes;
    for (int32_t i = 0; i < f->batch.texts; i++) {
        exact_logits(f, i, logits);
        for (int32_t k = 0; k < f->sizes.classes; k++) {
            double probability = exp(-reference_cross_entropy(f->sizes.classes, logits, k));
            d_logits[(size_t)i * classes + (size_t)k] =
                (float)(probability - (k == target_of(f, i)));
        }
    }
}

/* A forward pass and, where gradient is not NULL, a backward pass that adds to it. */
static void run(const struct fixture *f, const char *isa, float *logits, float *gradient)
{
    struct cpu_weights *weights;
    struct lstm_tape *tape;
    struct lstm_error err;
    float d_logits[TEXTS_MAX * 4];
    const struct cpu_products *products =
        cpu_products_pick(f->precision ? f->precision : "fp32", isa);
    const struct cpu_kernels *kernels = cpu_kernels_pick(cpu_kernels_pick(isa) ? isa : NULL);
    assert_int_equal(cpu_weights_open(&f->sizes, kernels, products, f->params, &weights, &err),
                     LSTM_OK);
    assert_int_equal(lstm_tape_open(weights, &tape, &err), LSTM_OK);
    const struct lstm_masks *masks = f->example->masked ? &f->masks : NULL;
    assert_int_equal(lstm_tape_forward(tape, &f->batch, masks, logits, &err), LSTM_OK);
    if (gradient) {
        loss_backward(f, d_logits);
        lstm_tape_backward(tape, d_logits, gradient);
    }
    lstm_tape_close(tape);
    cpu_weights_close(weights);
}

static float *zeros(size_t count)
{
    float *values = network_memory(count * sizeof *values);
    for (size_t i = 0; i < count; i++)
        values[i] = 0.0f;
    return values;
}

static void logits_are_within_1e_5_of_the_reference(void **state)
{
    (void)state;
    for (size_t e = 0; e < COUNT(examples); e++) {
        struct fixture f = set_up(&examples[e]);
        float logits[TEXTS_MAX * 4];
        double exact[LSTM_CLASSES_MAX];
        run(&f, NULL, logits, NULL);
        for (int32_t i = 0; i < f.batch.texts; i++) {
            exact_logits(&f, i, exact);
            for (int32_t k = 0; k < f.sizes.classes; k++) {
                double error = fabs((double)logits[i * f.sizes.classes + k] - exact[k]);
                if (error >= 1e-5)
                    fail_msg("%s: logit %d of text %d is off by %g", examples[e].name, k, i, error);
            }
        }
        tear_down(&f);
    }
}

/* The backend brings the fractions of the cell to one denominator, so the last bits differ. */
static void logits_are_those_of_the_backend(void **state)
{
    (void)state;
    for (size_t e = 0; e < COUNT(examples); e++)
        for (size_t isa = 0; isa < COUNT(network_isas); isa++) {
            const struct lstm_backend *backend = lstm_backend_cpu(network_isas[isa]);
            if (examples[e].masked || !backend)
                continue;
            struct fixture f = set_up(&examples[e]);
            struct lstm_model model = { .sizes = f.sizes, .params = f.params };
            struct lstm_loaded *loaded;
            struct lstm_session *session;
            struct lstm_error err;
            float ours[TEXTS_MAX * 4], theirs[TEXTS_MAX * 4];
            run(&f, network_isas[isa], ours, NULL);
            assert_int_equal(backend->load(&model, &loaded, &err), LSTM_OK);
            assert_int_equal(backend->open(loaded, &session, &err), LSTM_OK);
            assert_int_equal(backend->classify(session, &f.batch, theirs, &err), LSTM_OK);
            for (int32_t i = 0; i < f.batch.texts * f.sizes.classes; i++)
                if (!(fabsf(ours[i] - theirs[i]) <= 1e-5f))
                    fail_msg("%s: logit %d is %.9g, the backend's %.9g", backend->name, i,
                             (double)ours[i], (double)theirs[i]);
            backend->close(session);
            backend->unload(loaded);
            tear_down(&f);
        }
}

/* Moves count parameters from `at` by +-step each and compares the slope of the loss with the
 * gradient's. */
static void check_group(struct fixture *f, const char *tensor, size_t at, size_t count,
                        const float *gradient, double scale, uint64_t *seed)
{
    const double step = 1e-5;
    double signs[64], claimed = 0.0, loss[2];
    for (size_t i = 0; i < count; i++) {
        signs[i] = network_random(seed) % 2 ? 1.0 : -1.0;
        claimed += signs[i] * (double)gradient[at + i];
    }
    for (int way = 0; way < 2; way++) {
        for (size_t i = 0; i < count; i++)
            f->exact[at + i] = (double)f->params[at + i] + (way ? step : -step) * signs[i];
        loss[way] = exact_loss(f);
    }
    for (size_t i = 0; i < count; i++)
        f->exact[at + i] = (double)f->params[at + i];
    double slope = (loss[1] - loss[0]) / (2.0 * step);
    if (!(fabs(slope - claimed) <= 1e-4 * scale))
        fail_msg("%s: %s[%zu..%zu]: the slope is %.9g, the gradient says %.9g, the largest is %.3g",
                 f->example->name, tensor, at, at + count - 1, slope, claimed, scale);
}

static int is_used(const struct fixture *f, size_t token)
{
    for (int32_t i = 0; i < f->batch.starts[f->batch.texts]; i++)
        if ((size_t)f->batch.tokens[i] == token)
            return 1;
    return 0;
}

static void check_tensor(struct fixture *f, const struct lstm_tensor *tensor, const float *gradient)
{
    size_t count = (size_t)tensor->rows * (size_t)tensor->cols, group = f->example->group;
    uint64_t seed = tensor->at + 1;
    double scale = 0.0;
    for (size_t i = 0; i < count; i++)
        scale = fmax(scale, fabs((double)gradient[tensor->at + i]));
    assert_true(scale > 0.0);
    if (tensor->at == 0) { /* the embedding: tokens that the texts lack have no gradient at all, and
                              need no slope */
        size_t cols = (size_t)tensor->cols;
        for (size_t token = 0; token < (size_t)tensor->rows; token++)
            for (size_t j = 0; j < cols; j += group < cols ? group : cols)
                if (is_used(f, token))
                    check_group(f, tensor->name, token * cols + j, group < cols ? group : cols,
                                gradient, scale, &seed);
                else
                    for (size_t i = 0; i < cols; i++)
                        assert_true(gradient[token * cols + i] == 0.0f);
        return;
    }
    for (size_t i = 0; i < count; i += group)
        check_group(f, tensor->name, tensor->at + i, count - i < group ? count - i : group,
                    gradient, scale, &seed);
}

static void every_gradient_is_the_slope_of_the_loss(void **state)
{
    (void)state;
    for (size_t e = 0; e < COUNT(examples); e++) {
        struct fixture f = set_up(&examples[e]);
        float logits[TEXTS_MAX * 4], *gradient = zeros(f.params_count);
        struct lstm_tensor tensors[LSTM_TENSORS_MAX];
        int count = lstm_layout(&f.sizes, tensors);
        run(&f, NULL, logits, gradient);
        for (int i = 0; i < count; i++)
            check_tensor(&f, &tensors[i], gradient);
        free(gradient);
        tear_down(&f);
    }
}

/* Within 1e-5 of each tensor's largest. */
static void check_golden(const char *name, const struct lstm_sizes *sizes, const float *found,
                         const float *expected)
{
    struct lstm_tensor tensors[LSTM_TENSORS_MAX];
    int count = lstm_layout(sizes, tensors);
    for (int i = 0; i < count; i++) {
        size_t at = tensors[i].at, end = at + (size_t)tensors[i].rows * (size_t)tensors[i].cols;
        float largest = 0.0f;
        for (size_t j = at; j < end; j++)
            largest = fmaxf(largest, fabsf(expected[j]));
        assert_true(largest > 0.0f);
        for (size_t j = at; j < end; j++)
            if (!(fabsf(found[j] - expected[j]) <= 1e-5f * largest))
                fail_msg("golden %s, %s[%zu]: %.9g, PyTorch has %.9g", name, tensors[i].name,
                         j - at, (double)found[j], (double)expected[j]);
    }
}

static void logits_and_gradients_are_those_of_pytorch(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(golden_encoder_names); i++) {
        struct golden_encoder golden = golden_encoder_open(golden_encoder_names[i]);
        const struct lstm_sizes *sizes = &golden.model->sizes;
        size_t count = lstm_params_count(sizes);
        struct fixture f = {
            .example = &examples[0], .sizes = *sizes, .params_count = count, .batch = golden.batch
        };
        float logits[TEXTS_MAX * 4], *gradient = zeros(count);
        f.params = golden.model->params;
        f.exact = network_memory(count * sizeof *f.exact);
        f.targets = golden.targets;
        for (size_t j = 0; j < count; j++)
            f.exact[j] = (double)f.params[j];
        run(&f, NULL, logits, gradient);
        for (int32_t k = 0; k < golden.batch.texts * sizes->classes; k++)
            if (!(fabsf(logits[k] - golden.logits[k]) <= 1e-5f))
                fail_msg("golden %s, logit %d: %.9g, PyTorch has %.9g", golden_encoder_names[i], k,
                         (double)logits[k], (double)golden.logits[k]);
        check_golden(golden_encoder_names[i], sizes, gradient, golden.gradient);
        free(gradient);
        free(f.exact);
        golden_encoder_close(&golden);
    }
}

static void every_instruction_set_gives_the_same_bits(void **state)
{
    (void)state;
    static const char *const precisions[] = { "fp32", "bf16" };
    const char *isas[COUNT(network_isas) + 1] = { "avx512bf16" };
    memcpy(isas + 1, network_isas, sizeof network_isas);
    for (size_t e = 0; e < COUNT(examples) * COUNT(precisions); e++) {
        struct fixture f = set_up(&examples[e / COUNT(precisions)]);
        float logits[2][TEXTS_MAX * 4],
            *gradient[2] = { zeros(f.params_count), zeros(f.params_count) };
        size_t size = f.params_count * sizeof(float);
        f.precision = precisions[e % COUNT(precisions)];
        run(&f, "generic", logits[0], gradient[0]);
        for (size_t isa = 0; isa < COUNT(isas); isa++) {
            if (!cpu_products_pick(f.precision, isas[isa]))
                continue;
            memset(gradient[1], 0, size);
            run(&f, isas[isa], logits[1], gradient[1]);
            assert_memory_equal(logits[0], logits[1],
                                (size_t)(f.batch.texts * f.sizes.classes) * sizeof(float));
            assert_memory_equal(gradient[0], gradient[1], size);
        }
        free(gradient[0]);
        free(gradient[1]);
        tear_down(&f);
    }
}

/* Operands have 8 bits: each is off by 1/512 of itself at most, and a sum of many by less. What
 * training follows is the direction of the whole gradient. */
static void a_gradient_in_bf16_points_where_that_in_fp32_does(void **state)
{
    (void)state;
    for (size_t e = 0; e < COUNT(examples); e++) {
        struct fixture f = set_up(&examples[e]);
        float logits[2][TEXTS_MAX * 4],
            *gradient[2] = { zeros(f.params_count), zeros(f.params_count) };
        double dot = 0, squares[2] = { 0 };
        int32_t count = f.batch.texts * f.sizes.classes;
        run(&f, NULL, logits[0], gradient[0]);
        f.precision = "bf16";
        run(&f, NULL, logits[1], gradient[1]);
        assert_memory_not_equal(logits[0], logits[1], (size_t)count * sizeof(float));
        for (int32_t i = 0; i < count; i++)
            if (!(fabsf(logits[0][i] - logits[1][i]) < 0.02f))
                fail_msg("%s: logit %d is %.9g in bf16, %.9g in fp32", examples[e].name, i,
                         (double)logits[1][i], (double)logits[0][i]);
        for (size_t i = 0; i < f.params_count; i++) {
            dot += (double)gradient[0][i] * (double)gradient[1][i];
            for (int j = 0; j < 2; j++)
                squares[j] += (double)gradient[j][i] * (double)gradient[j][i];
        }
        double cosine = dot / sqrt(squares[0] * squares[1]);
        if (!(cosine > 0.999 && fabs(sqrt(squares[1] / squares[0]) - 1) < 0.01))
            fail_msg("%s: the cosine of the gradients is %.9g, their lengths %.9g and %.9g",
                     examples[e].name, cosine, sqrt(squares[1]), sqrt(squares[0]));
        free(gradient[0]);
        free(gradient[1]);
        tear_down(&f);
    }
}

/* With the forget gate shut and no recurrent weights every state of a text of one repeated token is
 * the same, so every maximum is reached by all of them. Mean and attention weigh the states and sum
 * to one, and the maximum must take its gradient once: everything but the recurrent weights then
 * has the gradient of a text of that single token. */
static void a_maximum_reached_many_times_gives_its_gradient_once(void **state)
{
    (void)state;
    static const struct example cases[] = { { "one token", SIZES(16, 16, 1, 2), 1, { 1 }, 0, 1 },
                                            { "repeated", SIZES(16, 16, 1, 2), 1, { 40 }, 0, 1 } };
    float *gradient[2], logits[2];
    struct fixture f[2];
    size_t hh[2]; /* where the recurrent weights lie */
    for (int i = 0; i < 2; i++) {
        f[i] = set_up(&examples[0]); /* its parameters; the texts are ours */
        network_texts_free(&f[i].batch);
        f[i].example = &cases[i];
        f[i].batch = network_texts(1, cases[i].lengths, 1, 1);
        for (int reverse = 0; reverse < 2; reverse++) {
            hh[reverse] = lstm_direction_at(&f[i].sizes, 0, reverse) + 64 * 16;
            memset(f[i].params + hh[reverse], 0, 64 * 16 * sizeof(float));
            for (size_t j = 16; j < 32; j++) /* the bias of the forget gates */
                f[i].params[hh[reverse] + 64 * 16 + j] = -200.0f;
        }
        for (size_t j = 0; j < f[i].params_count; j++)
            f[i].exact[j] = (double)f[i].params[j];
        gradient[i] = zeros(f[i].params_count);
        run(&f[i], NULL, logits, gradient[i]);
    }
    for (size_t j = 0; j < f[0].params_count; j++)
        if (j - hh[0] >= 64 * 16 && j - hh[1] >= 64 * 16 &&
            fabsf(gradient[0][j] - gradient[1][j]) > 1e-5f)
            fail_msg("parameter %zu: %g for one token, %g for 40", j, (double)gradient[0][j],
                     (double)gradient[1][j]);
    for (int i = 0; i < 2; i++) {
        free(gradient[i]);
        tear_down(&f[i]);
    }
}

static void a_backward_pass_adds_to_the_gradient(void **state)
{
    (void)state;
    struct fixture f = set_up(&examples[4]);
    float logits[TEXTS_MAX * 4], *once = zeros(f.params_count), *more = zeros(f.params_count);
    for (size_t i = 0; i < f.params_count; i++)
        more[i] = 1.0f;
    run(&f, NULL, logits, once);
    run(&f, NULL, logits, more);
    for (size_t i = 0; i < f.params_count; i++)
        if (fabsf(more[i] - once[i] - 1.0f) > 1e-5f)
            fail_msg("parameter %zu: %g was added to 1 instead of %g", i, (double)more[i] - 1.0,
                     (double)once[i]);
    free(once);
    free(more);
    tear_down(&f);
}

/* A tape that has been through larger and smaller batches, and through a refused one, gives what a
 * new one gives. */
static void a_tape_can_be_used_again(void **state)
{
    (void)state;
    static const int32_t longer[] = { 60, 3, 70, 1 }, shorter[] = { 2 };
    static const int32_t bad_tokens[] = { 1, 12 }, bad_starts[] = { 0, 2 };
    struct fixture f = set_up(&examples[4]);
    struct cpu_weights *weights;
    struct lstm_tape *tape;
    struct lstm_error err;
    struct lstm_batch others[] = { network_texts(12, longer, 4, 5),
                                   network_texts(12, shorter, 1, 6) };
    struct lstm_batch bad = { .texts = 1, .tokens = bad_tokens, .starts = bad_starts };
    float logits[2][TEXTS_MAX * 4], d_logits[TEXTS_MAX * 4];
    float *gradient[3] = { zeros(f.params_count), zeros(f.params_count), zeros(f.params_count) };
    assert_int_equal(cpu_weights_open(&f.sizes, cpu_kernels_pick(NULL),
                                      cpu_products_pick("fp32", NULL), f.params, &weights, &err),
                     LSTM_OK);
    assert_int_equal(lstm_tape_open(weights, &tape, &err), LSTM_OK);
    run(&f, NULL, logits[0], gradient[0]);
    loss_backward(&f, d_logits);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(lstm_tape_forward(tape, &others[i], NULL, logits[1], &err), LSTM_OK);
        lstm_tape_backward(tape, d_logits, gradient[2]);
        assert_int_equal(lstm_tape_forward(tape, &bad, NULL, logits[1], &err), LSTM_RANGE);
        assert_string_equal(err.text, "token 12 of a vocabulary of 12");
        memset(gradient[1], 0, f.params_count * sizeof *gradient[1]);
        assert_int_equal(lstm_tape_forward(tape, &f.batch, NULL, logits[1], &err), LSTM_OK);
        lstm_tape_backward(tape, d_logits, gradient[1]);
        assert_memory_equal(logits[0], logits[1],
                            (size_t)(f.batch.texts * f.sizes.classes) * sizeof(float));
        assert_memory_equal(gradient[0], gradient[1], f.params_count * sizeof *gradient[1]);
        network_texts_free(&others[i]);
    }
    lstm_tape_close(tape);
    cpu_weights_close(weights);
    for (int i = 0; i < 3; i++)
        free(gradient[i]);
    tear_down(&f);
}

/* As a trainer's thread may get when there are fewer texts than threads. */
static void a_batch_of_no_texts_has_no_gradient(void **state)
{
    (void)state;
    struct fixture f = set_up(&examples[4]);
    struct lstm_batch all = f.batch;
    float logits[1] = { 5.0f }, *gradient = zeros(f.params_count);
    f.batch.texts = 0;
    run(&f, NULL, logits, gradient);
    assert_true(logits[0] == 5.0f);
    for (size_t i = 0; i < f.params_count; i++)
        assert_true(gradient[i] == 0.0f);
    f.batch = all;
    free(gradient);
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logits_are_within_1e_5_of_the_reference),
        cmocka_unit_test(logits_are_those_of_the_backend),
        cmocka_unit_test(every_gradient_is_the_slope_of_the_loss),
        cmocka_unit_test(logits_and_gradients_are_those_of_pytorch),
        cmocka_unit_test(every_instruction_set_gives_the_same_bits),
        cmocka_unit_test(a_gradient_in_bf16_points_where_that_in_fp32_does),
        cmocka_unit_test(a_maximum_reached_many_times_gives_its_gradient_once),
        cmocka_unit_test(a_backward_pass_adds_to_the_gradient),
        cmocka_unit_test(a_tape_can_be_used_again),
        cmocka_unit_test(a_batch_of_no_texts_has_no_gradient),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
