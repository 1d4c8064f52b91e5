/* What a worker keeps from call to call: enough that a call like the one before finds its memory
 * where it was, and no more than memory_mb allows. */
#include "model/limits.h"
#include "model/scorer.h"
#include "tests/networks.h"
#include "tests/tiny_model.h"

#include <limits.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

enum { TEXTS_MAX = 32, MB = 1 << 20 };

static struct lstm_limits unlimited;
static int freed_memory_is_given_back;

/* Bytes of this process in memory; 0 where the system does not say. */
static size_t resident(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file && fscanf(file, "%*u %lu", &pages) != 1)
        pages = 0;
    if (file)
        fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* Larger blocks go back to the system when they are freed, but for sanitizers, which keep them. */
static int set_up(void **state)
{
    const size_t size = 64 * MB, before = resident();
    (void)state;
    unlimited = lstm_limits_get();
    mallopt(M_MMAP_THRESHOLD, 1 << 18);
    char *block = network_memory(size);
    memset(block, 1, size);
    const int is_seen = resident() > before + size / 2;
    free(block);
    freed_memory_is_given_back = is_seen && resident() < before + size / 2;
    if (!freed_memory_is_given_back)
        print_message("SKIPPED: what is freed here stays, or cannot be seen\n");
    return 0;
}

static void limit(int32_t memory_mb)
{
    assert_int_equal(lstm_limits_set((struct lstm_limits){ 1, memory_mb }), 0);
}

/* ---- one worker ---- */

struct job {
    struct lstm_scorer *scorer;
    struct lstm_worker *worker;
    struct lstm_summary_settings settings;
    struct lstm_summary summaries[TEXTS_MAX];
    int questions_left; /* it is stopped when there is none */
};

static struct job job_open(const char *task, struct lstm_summary_settings settings)
{
    struct tiny_model model = { .task = task, .seed = 2, .units = 64 };
    struct job job = { .settings = settings, .questions_left = INT_MAX };
    struct lstm_error err;
    size_t size;
    model.labels = strcmp(task, "summarize") ? "no yes" : NULL;
    void *blob = tiny_model_write(&model, &size);
    assert_int_equal(lstm_scorer_open(blob, size, "cpu", &job.scorer, &err), LSTM_OK);
    assert_int_equal(lstm_worker_open(job.scorer, &job.worker, &err), LSTM_OK);
    free(blob);
    return job;
}

static void job_close(struct job *job)
{
    lstm_worker_close(job->worker);
    lstm_scorer_close(job->scorer);
}

static int stop_at_zero(void *left)
{
    return --*(int *)left < 0;
}

static enum lstm_status run(struct job *job, const struct lstm_text *texts, int32_t count)
{
    float probabilities[2 * TEXTS_MAX];
    int32_t tokens[TEXTS_MAX];
    struct lstm_error err;
    return lstm_scorer_model(job->scorer)->sizes.decoder
               ? lstm_worker_summarize(job->worker, texts, count, &job->settings, stop_at_zero,
                                       &job->questions_left, job->summaries, &err)
               : lstm_worker_classify(job->worker, texts, count, stop_at_zero, &job->questions_left,
                                      probabilities, tokens, &err);
}

static void forget(struct job *job)
{
    for (int i = 0; i < TEXTS_MAX; i++)
        lstm_summary_free(&job->summaries[i]);
}

static void fill(struct lstm_text *texts, int32_t count, size_t words)
{
    for (int32_t i = 0; i < count; i++)
        texts[i] = tiny_text(i % 2 ? "good film " : "very bad ", words + 7 * (size_t)i);
}

static void empty(struct lstm_text *texts, int32_t count)
{
    for (int32_t i = 0; i < count; i++)
        free((void *)(uintptr_t)texts[i].bytes);
}

/* ---- tests ---- */

static long pages_touched(void)
{
    struct rusage usage;
    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    return usage.ru_minflt;
}

static void a_call_like_the_one_before_finds_its_memory_where_it_was(void **state)
{
    enum {
        FEW = 150,
        MANY = 2000 /* pages that are touched for the first time in a second call */
    };
    static const struct {
        const char *task;
        int32_t texts;
        size_t words;
        int32_t memory_mb;
        int is_kept;
    } cases[] = {
        { "sentiment", 32, 2000, 16, 1 },
        { "summarize", 8, 1000, 64, 1 },   /* 12 MB of states, 3 of a beam's */
        { "summarize", 32, 500, 16, 1 },   /* groups of 4 MB, since 8 may be kept */
        { "summarize", 1, 50000, 256, 1 }, /* 96 MB for one text ... */
        { "summarize", 1, 50000, 16, 0 },  /* ... and no room for them */
    };
    (void)state;
    if (!freed_memory_is_given_back)
        skip();
    for (size_t c = 0; c < COUNT(cases); c++) {
        struct lstm_text texts[TEXTS_MAX];
        struct job job =
            job_open(cases[c].task, (struct lstm_summary_settings){ .max_tokens = 2, .beam = 16 });
        long touched = 0;
        limit(cases[c].memory_mb);
        fill(texts, cases[c].texts, cases[c].words);
        for (int call = 0; call < 2; call++) {
            touched = pages_touched();
            assert_int_equal(run(&job, texts, cases[c].texts), LSTM_OK);
            touched = pages_touched() - touched;
            forget(&job);
        }
        if (cases[c].is_kept ? touched > FEW : touched < MANY)
            fail_msg("case %zu: a second call touches %ld pages for the first time", c, touched);
        empty(texts, cases[c].texts);
        job_close(&job);
    }
    assert_int_equal(lstm_limits_set(unlimited), 0);
}

static void little_memory_changes_no_summary(void **state)
{
    const struct lstm_summary_settings settings = { .max_tokens = 6, .beam = 2 };
    struct lstm_text texts[TEXTS_MAX];
    struct job much = job_open("summarize", settings), little = job_open("summarize", settings);
    (void)state;
    fill(texts, TEXTS_MAX, 900);
    limit(256);
    assert_int_equal(run(&much, texts, TEXTS_MAX), LSTM_OK);
    limit(LSTM_MEMORY_MB_MIN);
    assert_int_equal(run(&little, texts, TEXTS_MAX), LSTM_OK);
    for (int i = 0; i < TEXTS_MAX; i++) {
        assert_string_equal(much.summaries[i].text, little.summaries[i].text);
        assert_true(much.summaries[i].log_share == little.summaries[i].log_share);
    }
    forget(&much);
    forget(&little);
    empty(texts, TEXTS_MAX);
    job_close(&much);
    job_close(&little);
    assert_int_equal(lstm_limits_set(unlimited), 0);
}

static void the_memory_of_a_huge_text_is_not_kept(void **state)
{
    static const struct {
        size_t words;
        enum lstm_status status;
    } cases[] = { { 4000000, LSTM_RANGE }, { 130000, LSTM_OK }, { 130000, LSTM_INTERRUPTED } };
    struct job job =
        job_open("summarize", (struct lstm_summary_settings){ .max_tokens = 2, .beam = 16 });
    int asked = 0;
    (void)state;
    if (!freed_memory_is_given_back)
        skip();
    limit(LSTM_MEMORY_MB_MIN);
    for (size_t c = 0; c < COUNT(cases); c++) {
        struct lstm_text text = tiny_text("good ", cases[c].words);
        const size_t before = resident();
        /* the last question of the call before */
        job.questions_left = cases[c].status == LSTM_INTERRUPTED ? asked - 1 : INT_MAX;
        assert_int_equal(run(&job, &text, 1), cases[c].status);
        asked = INT_MAX - job.questions_left;
        const size_t after = resident();
        if (after > before + 10 * MB)
            fail_msg("case %zu: %zu bytes are kept", c, after - before);
        forget(&job);
        empty(&text, 1);
    }
    job_close(&job);
    assert_int_equal(lstm_limits_set(unlimited), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_like_the_one_before_finds_its_memory_where_it_was),
        cmocka_unit_test(little_memory_changes_no_summary),
        cmocka_unit_test(the_memory_of_a_huge_text_is_not_kept),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
