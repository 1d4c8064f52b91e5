/* Whole training runs on a small language whose labels are known: they learn, they repeat, they
 * resume. */
#include "train/progress.h"
#include "train/run.h"

#include "tests/interrupter.h"
#include "train/bpe.h"
#include "train/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { TEXTS = 1200, TEXT_SIZE = 400 };

static const char fingerprint[] = "a test";
static char checkpoint[] = "/tmp/lstm-test-run-XXXXXX";
static struct lstm_tokenizer *tokenizer;
static struct dataset train, valid;

/* Filler words around one or two telling ones; "not" in front turns the label round. */
static void write_text(uint64_t *random, char text[TEXT_SIZE], int *label)
{
    static const char *const telling[2][4] = { { "awful", "boring", "broken", "cheap" },
                                               { "lovely", "gripping", "sturdy", "bright" } };
    static const char *const filler[] = { "the", "film", "blender", "was", "and",
                                          "a",   "bit",  "story",   "it",  "of" };
    uint32_t words = 3 + random_below(random, 40), at = random_below(random, words);
    int is_positive = (int)random_below(random, 2), turned = random_below(random, 4) == 0;
    size_t size = 0;
    for (uint32_t w = 0; w < words; w++) {
        const char *word = w == at ? telling[is_positive][random_below(random, 4)]
                                   : filler[random_below(random, 10)];
        size += (size_t)snprintf(text + size, TEXT_SIZE - size, "%s%s ",
                                 w == at && turned ? "not " : "", word);
    }
    *label = is_positive ^ turned;
}

static int make_data(void **state)
{
    static char texts[TEXTS][TEXT_SIZE];
    static struct row items[TEXTS];
    static struct labels labels;
    struct rows rows = { .count = TEXTS, .rows = items };
    struct bpe_options bpe = { .vocab = 400, .character_min = 1, .pair_min = 2 };
    struct lstm_error err;
    char *vocabulary;
    size_t size;
    uint64_t random = 11;
    (void)state;
    for (int i = 0; i < TEXTS; i++) {
        int label;
        write_text(&random, texts[i], &label);
        items[i] = (struct row){ texts[i], strlen(texts[i]), label ? "positive" : "negative" };
    }
    int fd = mkstemp(checkpoint);
    return fd < 0 || close(fd) || bpe_learn(&rows, &bpe, &vocabulary, &size, &err) ||
           lstm_tokenizer_open(vocabulary, size, &tokenizer, &err) ||
           labels_collect(&rows, 1, &labels, &err) ||
           dataset_open(tokenizer, &rows, &labels, &train, &err) ||
           dataset_split(&train, 0.2, 1, &valid, &err) || (free(vocabulary), 0);
}

static int free_data(void **state)
{
    (void)state;
    dataset_close(&train);
    dataset_close(&valid);
    lstm_tokenizer_close(tokenizer);
    return unlink(checkpoint);
}

/* Scores that a measure gives the epochs in turn, and the parameters it saw. */
struct script {
    double scores[8];
    int patience, calls;
    struct trainer *trainer;
    float *seen[8];
};

static enum lstm_status read_script(void *arg, struct run_score *score, struct lstm_error *err)
{
    struct script *script = arg;
    const struct trainer *t = script->trainer;
    if (script->scores[script->calls] < 0)
        return lstm_fail(err, LSTM_CORRUPT, "nothing to measure");
    score->value = script->scores[script->calls];
    float *seen = script->seen[script->calls++] = malloc(t->count * sizeof *seen);
    assert_non_null(seen);
    memcpy(seen, t->params, t->count * sizeof *seen);
    return LSTM_OK;
}

struct attempt {
    uint64_t seed;
    int threads, shards, epochs, resume;
    double rate;           /* 0: 0.01; below 0 the loss rises */
    struct script *script; /* or NULL: epochs are compared by accuracy */
    const char *error;     /* what must fail the run, or NULL */
    double seconds;        /* after which the run is over; 0: never */
};

/* Trains a small network and gives the parameters it kept; the caller frees them. */
static float *attempt(const struct attempt *a, struct run_result *result, size_t *count)
{
    const struct lstm_sizes sizes = {
        lstm_tokenizer_vocab(tokenizer), 16, 32, 1, 2, 32, 8, 0, 0, 0
    };
    const struct trainer_options options = { .epochs = a->epochs,
                                             .batch_tokens = 300,
                                             .rate = a->rate < 0 ? a->rate : 1e-2,
                                             .warmup = 10,
                                             .clip = 1,
                                             .decay = 0.01,
                                             .drop_word = 0.05,
                                             .drop_embedding = 0.1,
                                             .drop_features = 0.2,
                                             .shards = a->shards,
                                             .threads = a->threads,
                                             .seed = a->seed };
    const struct run_options run = { .epochs = a->epochs,
                                     .patience = a->script ? a->script->patience : 100,
                                     .checkpoint = checkpoint,
                                     .checkpoint_every = 1e9,
                                     .resume = a->resume,
                                     .until = a->seconds > 0 ? progress_now() + a->seconds : 0,
                                     .fingerprint = fingerprint,
                                     .measure = a->script ? read_script : NULL,
                                     .measure_arg = a->script };
    struct trainer trainer;
    struct lstm_error err = { 0 };
    assert_int_equal(trainer_open(&sizes, &options, &trainer, &err), LSTM_OK);
    trainer_start(&trainer, NULL);
    if (a->script)
        a->script->trainer = &trainer;
    enum lstm_status rc = run_training(&trainer, &train, &valid, &run, result, &err);
    if (a->error)
        assert_string_equal(err.text, a->error);
    else if (rc && rc != LSTM_INTERRUPTED)
        fail_msg("%s", err.text);
    *count = trainer.count;
    float *params = malloc(trainer.count * sizeof *params);
    assert_non_null(params);
    memcpy(params, trainer.params, trainer.count * sizeof *params);
    trainer_close(&trainer);
    return params;
}

static void a_network_learns_words_and_their_negation(void **state)
{
    struct run_result result;
    size_t count;
    (void)state;
    free(attempt(&(struct attempt){ .seed = 1, .threads = 2, .shards = 2, .epochs = 8 }, &result,
                 &count));
    assert_true(result.state.best_score > 0.97);
    assert_false(result.interrupted);
}

static void a_measure_decides_which_epoch_is_the_best(void **state)
{
    static const struct {
        struct script script;
        int calls, best;
        double rate;
    } cases[] = {
        /* The loss falls: by it the last epoch would be the best. */
        { { .scores = { 0.2, 0.9, 0.5 }, .patience = 100 }, 3, 1, 0 },
        { { .scores = { 0.9, 0.5, 0.2 }, .patience = 100 }, 3, 0, 0 },
        { { .scores = { 0.9, 0.5, 0.2 }, .patience = 1 }, 2, 0, 0 },   /* and so the run ends */
        { { .scores = { 0.5, 0.5, 0.2 }, .patience = 100 }, 3, 1, 0 }, /* equal: the smaller loss */
        /* The loss rises: by it the first one would. */
        { { .scores = { 0.2, 0.9, 0.5 }, .patience = 100 }, 3, 1, -1e-3 },
        { { .scores = { 0.5, 0.5, 0.2 }, .patience = 100 }, 3, 0, -1e-3 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct script script = cases[i].script;
        struct run_result result;
        size_t count;
        float *params = attempt(&(struct attempt){ .seed = 1,
                                                   .threads = 2,
                                                   .shards = 2,
                                                   .epochs = 3,
                                                   .rate = cases[i].rate,
                                                   .script = &script },
                                &result, &count);
        assert_int_equal(script.calls, cases[i].calls);
        assert_int_equal(result.state.best_epoch, cases[i].best);
        assert_true(result.state.best_score >= script.scores[cases[i].best]);
        assert_memory_equal(params, script.seen[cases[i].best], count * sizeof *params);
        for (int e = 0; e < script.calls; e++)
            free(script.seen[e]);
        free(params);
    }
}

static void a_measure_that_fails_ends_the_run(void **state)
{
    struct script script = { .scores = { -1 }, .patience = 100 };
    struct run_result result;
    size_t count;
    (void)state;
    free(attempt(&(struct attempt){ .seed = 1,
                                    .threads = 2,
                                    .shards = 2,
                                    .epochs = 1,
                                    .script = &script,
                                    .error = "nothing to measure" },
                 &result, &count));
    assert_int_equal(result.state.best_epoch, -1);
}

static void a_seed_repeats_a_run_on_any_number_of_threads(void **state)
{
    static const struct {
        struct attempt attempt;
        int same;
    } cases[] = {
        { { .seed = 1, .threads = 2, .shards = 2, .epochs = 2 }, 1 },
        { { .seed = 1, .threads = 1, .shards = 2, .epochs = 2 }, 1 },
        { { .seed = 1, .threads = 5, .shards = 2, .epochs = 2 }, 1 },
        { { .seed = 2, .threads = 2, .shards = 2, .epochs = 2 }, 0 },
        { { .seed = 1, .threads = 2, .shards = 3, .epochs = 2 }, 0 },
    };
    struct run_result result;
    size_t count;
    (void)state;
    float *first = attempt(&cases[0].attempt, &result, &count);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        float *again = attempt(&cases[i].attempt, &result, &count);
        assert_int_equal(!memcmp(first, again, count * sizeof *first), cases[i].same);
        free(again);
    }
    free(first);
}

/* Whether a run has saved itself since the file was emptied. */
static int is_saved(void)
{
    struct stat info;
    return stat(checkpoint, &info) == 0 && info.st_size > 0;
}

static void an_interrupted_run_goes_on_to_the_same_bits(void **state)
{
    struct attempt whole = { .seed = 3, .threads = 2, .shards = 2, .epochs = 12 }, rest = whole;
    struct run_result result;
    struct interrupter interrupter;
    size_t count;
    int resumed = 0, milliseconds = 5;
    (void)state;
    float *expected = attempt(&whole, &result, &count), *params = NULL;
    double best = result.state.best_score;
    assert_int_equal(truncate(checkpoint, 0), 0);
    do { /* each time a little later, so that it comes to an end */
        free(params);
        rest.resume = is_saved();
        resumed += rest.resume;
        interrupter_start(&interrupter, milliseconds);
        params = attempt(&rest, &result, &count);
        interrupter_stop(&interrupter);
        milliseconds += 10;
        if (!result.interrupted && !resumed) /* the signal came too late: once more */
            assert_int_equal(truncate(checkpoint, 0), 0);
    } while (result.interrupted || (!resumed && milliseconds < 1000));
    assert_true(resumed > 0);
    assert_memory_equal(&result.state.best_score, &best, sizeof best);
    assert_memory_equal(params, expected, count * sizeof *params);
    free(params);
    free(expected);
}

/* It is nobody's interruption, and what the last whole epoch learned is kept. */
static void a_run_ends_when_its_time_is_over(void **state)
{
    struct run_result result;
    size_t count;
    (void)state;
    free(attempt(
        &(struct attempt){ .seed = 1, .threads = 1, .shards = 1, .epochs = 100000, .seconds = 0.4 },
        &result, &count));
    assert_false(result.interrupted);
    assert_in_range(result.state.epoch, 0, 99999);
    assert_int_equal(truncate(checkpoint, 0), 0);
}

static void a_checkpoint_of_another_run_is_refused(void **state)
{
    const struct lstm_sizes sizes = {
        lstm_tokenizer_vocab(tokenizer), 16, 16, 1, 2, 32, 8, 0, 0, 0
    };
    const struct trainer_options options = { .batch_tokens = 300, .shards = 1, .threads = 1 };
    struct trainer trainer;
    struct run_state before = { .epoch = 4, .batch = 7, .best_epoch = 3, .best_score = 0.1 }, after;
    struct lstm_error err = { 0 };
    (void)state;
    assert_int_equal(trainer_open(&sizes, &options, &trainer, &err), LSTM_OK);
    assert_int_equal(checkpoint_write(checkpoint, "seed 1", &trainer, &before, &err), LSTM_OK);
    assert_int_equal(checkpoint_read(checkpoint, "seed 2", &trainer, &after, &err), LSTM_MISMATCH);
    assert_non_null(strstr(err.text, "is of another run (seed 1); this one is seed 2"));
    assert_int_equal(checkpoint_read(checkpoint, "seed 1", &trainer, &after, &err), LSTM_OK);
    assert_int_equal(after.batch, 7);
    assert_memory_equal(&after.best_score, &before.best_score, sizeof(double));
    assert_int_equal(truncate(checkpoint, 1000), 0);
    assert_int_equal(checkpoint_read(checkpoint, "seed 1", &trainer, &after, &err), LSTM_CORRUPT);
    trainer_close(&trainer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_network_learns_words_and_their_negation),
        cmocka_unit_test(a_measure_decides_which_epoch_is_the_best),
        cmocka_unit_test(a_measure_that_fails_ends_the_run),
        cmocka_unit_test(a_seed_repeats_a_run_on_any_number_of_threads),
        cmocka_unit_test(an_interrupted_run_goes_on_to_the_same_bits),
        cmocka_unit_test(a_run_ends_when_its_time_is_over),
        cmocka_unit_test(a_checkpoint_of_another_run_is_refused),
    };
    return cmocka_run_group_tests(tests, make_data, free_data);
}
