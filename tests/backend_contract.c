#include "tests/backend_contract.h"
#include "model/limits.h"
#include "model/quantise.h"
#include "tests/networks.h"
#include "tests/reference.h"

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

static struct backend_contract contract; /* the one that runs */

/* A model loaded on a backend, with one session. */
struct subject {
    const struct lstm_backend *backend;
    struct lstm_model model;
    struct lstm_loaded *loaded;
    struct lstm_session *session;
};

/* A test's choice of sizes, as far as the contract leaves it. */
static struct lstm_sizes chosen(struct lstm_sizes sizes)
{
    if (contract.hidden)
        sizes.hidden = contract.hidden;
    return sizes;
}

static int32_t chosen_texts(int32_t texts)
{
    return contract.texts && texts > contract.texts ? contract.texts : texts;
}

static struct subject load(const struct lstm_backend *backend, const struct lstm_sizes *sizes)
{
    struct subject s = { .backend = backend, .model = { .sizes = *sizes } };
    struct lstm_error err = { .text = "" };
    /* With more, wide models are chaotic: a rounding error grows from step to step. */
    float scale = contract.hidden ? 2.0f / sqrtf((float)contract.hidden) : 0.5f;
    s.model.params = network_params(sizes, (uint64_t)sizes->hidden, scale);
    if ((contract.is_int8 && lstm_model_quantise(&s.model, &err)) ||
        backend->load(&s.model, &s.loaded, &err) || backend->open(s.loaded, &s.session, &err))
        fail_msg("%s: %s", backend->name, err.text);
    return s;
}

static void unload(struct subject *s)
{
    s->backend->close(s->session);
    s->backend->unload(s->loaded);
    free(s->model.params);
    free(s->model.int8.weights);
}

static void classify(const struct subject *s, const struct lstm_batch *batch, float *logits)
{
    struct lstm_error err = { .text = "" };
    if (s->backend->classify(s->session, batch, logits, &err))
        fail_msg("%s: %s", s->backend->name, err.text);
}

static float *room_for_logits(const struct subject *s, int32_t texts)
{
    return network_memory((size_t)texts * (size_t)s->model.sizes.classes * sizeof(float));
}

/* The logits of every text by the CPU's generic kernels, each in a batch of its own. */
static float *expected_logits(const struct lstm_sizes *sizes, const struct lstm_batch *batch)
{
    struct subject generic = load(lstm_backend_cpu("generic"), sizes);
    float *logits = room_for_logits(&generic, batch->texts);
    for (int32_t i = 0; i < batch->texts; i++) {
        struct lstm_batch one = { .texts = 1,
                                  .tokens = batch->tokens,
                                  .starts = batch->starts + i };
        classify(&generic, &one, logits + (size_t)i * (size_t)sizes->classes);
    }
    unload(&generic);
    return logits;
}

/* What the contract's tolerance comes to for these logits. */
static float tolerance_of(const float *expected, int32_t classes)
{
    float largest = 1.0f;
    for (int32_t k = 0; k < classes; k++)
        largest = fmaxf(largest, fabsf(expected[k]));
    return contract.tolerance * largest;
}

static int agrees(const float *found, const float *expected, int32_t classes)
{
    if (contract.tolerance == 0.0f)
        return !memcmp(found, expected, (size_t)classes * sizeof *found);
    float tolerance = tolerance_of(expected, classes);
    for (int32_t k = 0; k < classes; k++)
        if (!(fabsf(found[k] - expected[k]) <= tolerance))
            return 0;
    return 1;
}

/* Scores batch in parts of size texts and compares each text's logits with those of `which`, or of
 * itself. */
static void check_parts(const struct subject *s, const struct lstm_batch *batch, int32_t size,
                        const int32_t *which, const float *expected)
{
    int32_t classes = s->model.sizes.classes;
    float *logits = room_for_logits(s, size);
    for (int32_t first = 0; first < batch->texts; first += size) {
        int32_t texts = batch->texts - first < size ? batch->texts - first : size;
        struct lstm_batch part = { .texts = texts,
                                   .tokens = batch->tokens,
                                   .starts = batch->starts + first };
        classify(s, &part, logits);
        for (int32_t i = 0; i < texts; i++) {
            int32_t text = which ? which[first + i] : first + i;
            const float *found = logits + (size_t)i * (size_t)classes;
            if (!agrees(found, expected + (size_t)text * (size_t)classes, classes))
                fail_msg("text %d in a batch of %d: logit %.9g instead of %.9g", text, size,
                         (double)found[0], (double)expected[(size_t)text * (size_t)classes]);
        }
    }
    free(logits);
}

/* The texts of a batch in another order. */
static struct lstm_batch reordered(const struct lstm_batch *batch, const int32_t *order)
{
    int32_t *starts = network_memory(((size_t)batch->texts + 1) * sizeof *starts);
    int32_t *tokens = network_memory((size_t)batch->starts[batch->texts] * sizeof *tokens);
    starts[0] = 0;
    for (int32_t i = 0; i < batch->texts; i++) {
        int32_t from = batch->starts[order[i]], count = batch->starts[order[i] + 1] - from;
        memcpy(tokens + starts[i], batch->tokens + from, (size_t)count * sizeof *tokens);
        starts[i + 1] = starts[i] + count;
    }
    return (struct lstm_batch){ .texts = batch->texts, .tokens = tokens, .starts = starts };
}

static void shuffle(int32_t *order, int32_t count, uint64_t seed)
{
    for (int32_t i = 0; i < count; i++)
        order[i] = i;
    for (int32_t i = count - 1; i > 0; i--) {
        int32_t j = network_below(&seed, i + 1), swapped = order[i];
        order[i] = order[j];
        order[j] = swapped;
    }
}

enum { TEXTS = 1000 };

/* Mostly short texts, some of several windows, two of that many. */
static struct lstm_batch mixed_texts(const struct lstm_sizes *sizes, int32_t texts, int32_t windows)
{
    uint64_t seed = 7;
    int32_t lengths[TEXTS];
    for (int32_t i = 0; i < texts; i++)
        lengths[i] = 1 + network_below(&seed, i % 25 == 3 ? 10 * sizes->window
                                              : i % 3     ? 9
                                                          : sizes->window + 2);
    lengths[texts / 2] = lengths[texts - 1] = windows * (sizes->window - sizes->overlap);
    return network_texts(sizes->vocab, lengths, texts, seed);
}

static void a_text_has_the_same_logits_in_any_batch(void **state)
{
    (void)state;
    static const struct {
        struct lstm_sizes sizes;
        int32_t texts,
            windows; /* of the longest text: in two cases more than a tile of the CPU has rows */
    } cases[] = {
        { { .vocab = 300,
            .embedding = 16,
            .hidden = 16,
            .layers = 1,
            .classes = 2,
            .window = 16,
            .overlap = 6 },
          TEXTS,
          100 },
        { { .vocab = 40,
            .embedding = 48,
            .hidden = 16,
            .layers = 2,
            .classes = 5,
            .window = 17,
            .overlap = 8 },
          100,
          41 },
        { { .vocab = 40,
            .embedding = 32,
            .hidden = 48,
            .layers = 3,
            .classes = 3,
            .window = 20,
            .overlap = 0 },
          20,
          4 },
    };
    static const int32_t parts[] = { 1, 2, 7, 64, 1000 };
    for (size_t c = 0; c < COUNT(cases); c++) {
        struct lstm_sizes sizes = chosen(cases[c].sizes);
        struct lstm_batch batch =
            mixed_texts(&sizes, chosen_texts(cases[c].texts), chosen_texts(cases[c].windows));
        float *expected = expected_logits(&sizes, &batch);
        struct subject s = load(contract.backend, &sizes);
        int32_t order[TEXTS];
        shuffle(order, batch.texts, c);
        struct lstm_batch shuffled = reordered(&batch, order);
        for (size_t p = 0; p < COUNT(parts); p++) {
            check_parts(&s, &batch, parts[p], NULL, expected);
            check_parts(&s, &shuffled, parts[p], order, expected);
        }
        unload(&s);
        network_texts_free(&shuffled);
        network_texts_free(&batch);
        free(expected);
    }
}

static void logits_are_those_of_the_reference(void **state)
{
    (void)state;
    uint64_t seed = 11;
    for (int round = 0; round < (contract.texts ? 3 : 12); round++) {
        struct lstm_sizes sizes = {
            .vocab = 20 + network_below(&seed, 300),
            .embedding = 16 * (1 + network_below(&seed, 4)),
            .hidden = 16 * (1 + network_below(&seed, 4)),
            .layers = 1 + network_below(&seed, 4),
            .classes = 2 + network_below(&seed, 8),
            .window = 16 + network_below(&seed, 50),
        };
        sizes.overlap = network_below(&seed, sizes.window / 2 + 1);
        sizes = chosen(sizes);
        int32_t lengths[] = {
            1, 2, 1 + network_below(&seed, 150), sizes.window, sizes.window + 1, 3 * sizes.window
        };
        struct lstm_batch batch =
            network_texts(sizes.vocab, lengths, (int32_t)COUNT(lengths), seed);
        struct subject s = load(contract.backend, &sizes);
        size_t count = lstm_params_count(&sizes);
        double *exact = network_memory(count * sizeof *exact), expected[16];
        for (size_t i = 0; i < count; i++)
            exact[i] = (double)s.model.params[i];
        float *logits = room_for_logits(&s, batch.texts);
        classify(&s, &batch, logits);
        for (int32_t i = 0; i < batch.texts; i++) {
            reference_logits(&sizes, exact, batch.tokens + batch.starts[i], lengths[i], NULL,
                             expected);
            const float *found = logits + (size_t)i * (size_t)sizes.classes;
            /* int8 states are off by up to 1 / 254 each, and layers pass it on */
            double bound =
                (contract.is_int8 ? 0.1 : 1e-5) + (double)tolerance_of(found, sizes.classes);
            for (int32_t k = 0; k < sizes.classes; k++) {
                double error = fabs((double)found[k] - expected[k]);
                if (!(error <= bound))
                    fail_msg("round %d, text %d of %d tokens: logit %d is off by %g", round, i,
                             lengths[i], k, error);
            }
        }
        free(logits);
        free(exact);
        unload(&s);
        network_texts_free(&batch);
    }
}

static void logits_are_the_same_on_any_number_of_threads(void **state)
{
    (void)state;
    const struct lstm_sizes sizes = chosen((struct lstm_sizes){ .vocab = 300,
                                                                .embedding = 32,
                                                                .hidden = 128,
                                                                .layers = 1,
                                                                .classes = 3,
                                                                .window = 40,
                                                                .overlap = 10 });
    static const int32_t threads[] = { 1, 2, 5 };
    const struct lstm_limits before = lstm_limits_get();
    struct lstm_batch batch =
        mixed_texts(&sizes, chosen_texts(300), chosen_texts(90)); /* worth several threads */
    float *expected = NULL;
    for (size_t i = 0; i < COUNT(threads); i++) {
        const struct lstm_limits limits = { threads[i], before.memory_mb };
        assert_int_equal(lstm_limits_set(limits), 0);
        struct subject s = load(contract.backend, &sizes);
        float *logits = room_for_logits(&s, batch.texts);
        classify(&s, &batch, logits);
        if (expected && memcmp(logits, expected, (size_t)batch.texts * 3 * sizeof *logits))
            fail_msg("%d threads give other bits than 1", threads[i]);
        free(expected);
        expected = logits;
        unload(&s);
    }
    assert_int_equal(lstm_limits_set(before), 0);
    free(expected);
    network_texts_free(&batch);
}

static struct lstm_sizes small; /* of the tests that are not about sizes */

static struct lstm_sizes small_sizes(void)
{
    return chosen((struct lstm_sizes){ .vocab = 40,
                                       .embedding = 16,
                                       .hidden = 16,
                                       .layers = 1,
                                       .classes = 2,
                                       .window = 16,
                                       .overlap = 4 });
}

/* Scores a good batch in a session that has just refused something. */
static void check_usable(const struct subject *s)
{
    static const int32_t lengths[] = { 5, 1, 70, 16 };
    struct lstm_batch batch = network_texts(small.vocab, lengths, 4, 3);
    float *expected = expected_logits(&small, &batch);
    check_parts(s, &batch, 4, NULL, expected);
    free(expected);
    network_texts_free(&batch);
}

static void bad_batches_are_refused_with_a_reason(void **state)
{
    (void)state;
    static const struct {
        int32_t texts, starts[4], tokens[4];
        const char *reason;
    } cases[] = {
        { 1, { 0, 2 }, { 3, 40 }, "token 40 of a vocabulary of 40" },
        { 2, { 0, 1, 2 }, { 3, -1 }, "token -1 of a vocabulary of 40" },
        { 1, { 0, 1 }, { INT32_MAX }, "token 2147483647 of a vocabulary of 40" },
        { 1, { 0, 1 }, { INT32_MIN }, "token -2147483648 of a vocabulary of 40" },
        { 1, { 0, 0 }, { 1 }, "text 0 of the batch has no token" },
        { 3, { 0, 2, 2, 3 }, { 1, 2, 3 }, "text 1 of the batch has no token" },
        { 2, { 0, 3, 2 }, { 1, 2, 3 }, "text 1 of the batch has no token" },
    };
    struct subject s = load(contract.backend, &small);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct lstm_batch batch = { .texts = cases[i].texts,
                                    .tokens = cases[i].tokens,
                                    .starts = cases[i].starts };
        struct lstm_error err = { .text = "" };
        float logits[8];
        assert_int_equal(s.backend->classify(s.session, &batch, logits, &err), LSTM_RANGE);
        assert_int_equal(err.status, LSTM_RANGE);
        assert_string_equal(err.text, cases[i].reason);
        assert_int_equal(s.backend->classify(s.session, &batch, logits, NULL), LSTM_RANGE);
        check_usable(&s);
    }
    unload(&s);
}

static void a_batch_of_no_texts_is_nothing_to_do(void **state)
{
    (void)state;
    static const int32_t starts[] = { 0 };
    struct subject s = load(contract.backend, &small);
    struct lstm_batch batch = { .texts = 0, .starts = starts };
    float untouched = 5.0f;
    classify(&s, &batch, &untouched);
    assert_true(untouched == 5.0f);
    check_usable(&s);
    unload(&s);
}

/* A stop function that says so the n-th time it is asked. */
struct patience {
    int left, asked;
};

static int stop(void *arg)
{
    struct patience *patience = arg;
    patience->asked++;
    return patience->left-- == 0;
}

static void a_stop_function_ends_the_call_and_the_session_goes_on(void **state)
{
    (void)state;
    const int32_t length = contract.longest < 20000 ? contract.longest : 20000;
    const int32_t lengths[] = { length, 3, length };
    struct subject s = load(contract.backend, &small);
    struct lstm_batch batch = network_texts(small.vocab, lengths, 3, 1);
    float *expected = expected_logits(&small, &batch), logits[6];
    struct patience patient = { .left = -1 };
    batch.stop = stop;
    batch.stop_arg = &patient;
    classify(&s, &batch, logits);
    assert_true(patient.asked > (length < 20000 ? 0 : 4));
    assert_true(agrees(logits, expected, 2) && agrees(logits + 2, expected + 2, 2) &&
                agrees(logits + 4, expected + 4, 2));
    for (int left = 0; left < patient.asked && left < 4; left++) {
        struct patience patience = { .left = left };
        struct lstm_error err = { .text = "" };
        batch.stop_arg = &patience;
        assert_int_equal(s.backend->classify(s.session, &batch, logits, &err), LSTM_INTERRUPTED);
        assert_int_equal(err.status, LSTM_INTERRUPTED);
        assert_ptr_equal(strstr(err.text, "interrupted"), err.text);
        assert_int_equal(patience.asked, left + 1);
        check_usable(&s);
    }
    free(expected);
    network_texts_free(&batch);
    unload(&s);
}

/* One thread's work: rounds of batches in a session of its own. CMocka's checks belong to the main
 * thread. */
struct labour {
    const struct subject *subject;
    const struct lstm_batch *batch;
    const float *expected;
    int32_t size;
    int differences, failures;
};

static void *labour_run(void *arg)
{
    struct labour *l = arg;
    const struct lstm_backend *backend = l->subject->backend;
    struct lstm_session *session;
    int32_t classes = l->subject->model.sizes.classes;
    if (backend->open(l->subject->loaded, &session, NULL)) {
        l->failures++;
        return NULL;
    }
    float *logits = room_for_logits(l->subject, l->size);
    for (int round = 0; round < 3; round++)
        for (int32_t first = 0; first + l->size <= l->batch->texts; first += l->size) {
            struct lstm_batch part = { .texts = l->size,
                                       .tokens = l->batch->tokens,
                                       .starts = l->batch->starts + first };
            l->failures += backend->classify(session, &part, logits, NULL) != LSTM_OK;
            for (int32_t i = 0; i < l->size; i++)
                l->differences += !agrees(logits + (size_t)(i * classes),
                                          l->expected + (size_t)((first + i) * classes), classes);
        }
    free(logits);
    backend->close(session);
    return NULL;
}

static void two_threads_share_a_model_with_a_session_each(void **state)
{
    (void)state;
    struct subject s = load(contract.backend, &small);
    struct lstm_batch batch = mixed_texts(&small, chosen_texts(100), chosen_texts(50));
    float *expected = expected_logits(&small, &batch);
    struct labour labours[2] = { { &s, &batch, expected, 5, 0, 0 },
                                 { &s, &batch, expected, batch.texts / 2, 0, 0 } };
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, labour_run, &labours[i]), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(labours[i].failures, 0);
        assert_int_equal(labours[i].differences, 0);
    }
    free(expected);
    network_texts_free(&batch);
    unload(&s);
}

/* Resident bytes for each byte that the code touches: ThreadSanitizer keeps four of shadow beside
 * it. */
#if defined(__SANITIZE_THREAD__)
#define RESIDENT_PER_BYTE 5
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define RESIDENT_PER_BYTE 5
#endif
#endif
#ifndef RESIDENT_PER_BYTE
#define RESIDENT_PER_BYTE 1
#endif

static long peak_kib(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

/* Without overlap, a text that repeats the tokens of one window has the pooled states of that
 * window. */
static void a_very_long_text_is_read_whole_in_bounded_memory(void **state)
{
    (void)state;
    struct lstm_sizes sizes = small;
    sizes.window = 125;
    sizes.overlap = 0;
    int32_t length = contract.longest / sizes.window * sizes.window;
    struct lstm_batch batch = network_texts(sizes.vocab, &length, 1, 9);
    int32_t *tokens = network_memory((size_t)length * sizeof *tokens);
    for (int32_t i = 0; i < length; i++)
        tokens[i] = batch.tokens[i % sizes.window];
    struct subject s = load(contract.backend, &sizes);
    struct lstm_batch repeated = { .texts = 1, .tokens = tokens, .starts = batch.starts };
    const int32_t window_starts[] = { 0, sizes.window };
    struct lstm_batch window = { .texts = 1, .tokens = tokens, .starts = window_starts };
    float *expected = expected_logits(&sizes, &window), logits[2];
    long before = peak_kib();
    classify(&s, &repeated, logits);
    long grown = peak_kib() - before;
    for (int k = 0; k < 2; k++)
        if (!(fabsf(logits[k] - expected[k]) <=
              1e-4f + contract.tolerance)) /* thousands of windows are added up */
            fail_msg("logit %d of %d tokens is %.9g, of one window %.9g", k, length,
                     (double)logits[k], (double)expected[k]);
    /* All its states at once would be 128 MB for a million tokens, 32 as int8. */
    if (grown > 16 * 1024 * RESIDENT_PER_BYTE)
        fail_msg("%d tokens took %ld KiB", length, grown);
    free(expected);
    free(tokens);
    unload(&s);
    network_texts_free(&batch);
}

int backend_contract_run(const struct backend_contract *to_run)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_very_long_text_is_read_whole_in_bounded_memory), /* first: before others
                                                                               raise the peak */
        cmocka_unit_test(a_text_has_the_same_logits_in_any_batch),
        cmocka_unit_test(logits_are_those_of_the_reference),
        cmocka_unit_test(logits_are_the_same_on_any_number_of_threads),
        cmocka_unit_test(bad_batches_are_refused_with_a_reason),
        cmocka_unit_test(a_batch_of_no_texts_is_nothing_to_do),
        cmocka_unit_test(a_stop_function_ends_the_call_and_the_session_goes_on),
        cmocka_unit_test(two_threads_share_a_model_with_a_session_each),
    };
    contract = *to_run;
    small = small_sizes();
    char name[64], units[16] = "";
    if (contract.hidden)
        snprintf(units, sizeof units, " H=%d", contract.hidden);
    snprintf(name, sizeof name, "%s %s%s", contract.backend->name,
             contract.is_int8 ? "int8" : "fp32", units);
    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}
