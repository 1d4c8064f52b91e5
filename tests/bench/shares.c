/* Where the time goes, from the bytes of texts to probabilities and to summaries, with the default
 * models: a timer asks some thousand times a second which function is at work. */
#define _GNU_SOURCE /* REG_RIP */
#include "tests/bench/corpus.h"
#include "tests/bench/parts.h"
#include "tests/bench/race.h"
#include "tests/bench/symbols.h"
#include "train/files.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

enum { TEXTS = 512, BATCH = 128, SAMPLES_MAX = 20000, NAMES_MAX = 24 };
static const double seconds = 2;

/* Functions by what their names begin with; the first part that has one that fits. */
static const struct part {
    const char *name;
    const char *functions[NAMES_MAX];
} parts[] = {
    { "tokenise",
      { "lstm_tokenize", "lstm_piece", "lstm_normal", "lstm_utf8", "lstm_class_of", "utf8",
        "put_c",         "seqindex",   "grapheme",    "find_",     "piece",         "normal_",
        "token",         "merge",      "append",      "word",      "next_",         "cluster",
        "vocabulary",    "read_part",  "add_",        "fold" } },
    { "gather",
      { "memcpy", "cpu_inputs", "cpu_table", "meet", "run_direction", "lstm_window", "look_up",
        "run_tile" } },
    { "recurrence",
      { "sum_group", "sum_tile", "z_group", "z_tile", "int8_affine", "int8_input", "fp32_affine",
        "fp32_input" } },
    { "gates", { "int8_step", "fp32_step" } },
    { "attention",
      { "pool", "int8_pool", "align", "weigh", "cpu_source_fill", "int8_load", "fp32_load" } },
    { "head", { "classify", "softmax", "normalise", "finish_", "cpu_writer" } },
    { "search", { "cpu_beam", "cpu_rows", "natural_log", "by_score", "lstm_source_text" } },
};
enum { PARTS = sizeof parts / sizeof *parts };

static uintptr_t samples[SAMPLES_MAX];
static volatile sig_atomic_t samples_count;

static void sample(int number, siginfo_t *info, void *context)
{
    (void)number, (void)info;
#if defined(__x86_64__)
    const ucontext_t *interrupted = context;
    if (samples_count < SAMPLES_MAX)
        samples[samples_count++] = (uintptr_t)interrupted->uc_mcontext.gregs[REG_RIP];
#else
    (void)context;
#endif
}

/* PARTS: none. What is no function of ours is the C library, which copies. */
static size_t part_of(const char *function)
{
    const char *name = function ? function : "memcpy";
    for (size_t i = 0; i < PARTS; i++)
        for (int j = 0; j < NAMES_MAX && parts[i].functions[j]; j++)
            if (!strncmp(name, parts[i].functions[j], strlen(parts[i].functions[j])))
                return i;
    return PARTS;
}

static void print_shares(const char *name, const struct symbols *symbols)
{
    int counts[PARTS + 1] = { 0 }, most = 0;
    const char *rest[SAMPLES_MAX], *largest = NULL;
    for (int i = 0; i < samples_count; i++) {
        const char *function = symbols_find(symbols, samples[i]);
        size_t part = part_of(function);
        if (part == PARTS)
            rest[counts[part]] = function;
        counts[part]++;
    }
    for (int i = 0; i < counts[PARTS]; i++) {
        int same = 0;
        for (int j = 0; j < counts[PARTS]; j++)
            same += rest[i] == rest[j];
        if (same > most)
            most = same, largest = rest[i];
    }
    printf("%-10s", name);
    for (size_t i = 0; i <= PARTS; i++)
        printf("%10.1f%%", 100.0 * counts[i] / (samples_count ? samples_count : 1));
    printf(counts[PARTS] ? " (most of it %s)\n" : "\n", largest);
    fflush(stdout);
}

static void start_timer(timer_t *timer)
{
    struct sigaction action = { .sa_sigaction = sample, .sa_flags = SA_SIGINFO | SA_RESTART };
    struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGPROF };
    const struct timespec every = { .tv_nsec = 400000 };
    samples_count = 0;
    race_check(sigaction(SIGPROF, &action, NULL) || timer_create(CLOCK_MONOTONIC, &event, timer) ||
                   timer_settime(*timer, 0, &(struct itimerspec){ every, every }, NULL),
               "no timer");
}

static void shares(const char *name, const struct lstm_text *texts, int32_t count,
                   const struct symbols *symbols)
{
    char path[100];
    unsigned char *blob;
    size_t size;
    struct lstm_scorer *scorer;
    struct lstm_worker *worker;
    struct lstm_summary summaries[BATCH];
    struct lstm_error err;
    float probabilities[2 * BATCH];
    int32_t tokens[BATCH];
    timer_t timer;
    snprintf(path, sizeof path, "model/default_%s.safetensors", name);
    race_check(file_read(path, &blob, &size, &err) ||
                   lstm_scorer_open(blob, size, "cpu", &scorer, &err) ||
                   lstm_worker_open(scorer, &worker, &err),
               err.text);
    const int is_summariser = lstm_scorer_model(scorer)->sizes.decoder > 0;
    start_timer(&timer);
    double began = race_now(CLOCK_PROCESS_CPUTIME_ID);
    for (int32_t at = 0; race_now(CLOCK_PROCESS_CPUTIME_ID) - began < seconds; at += BATCH) {
        const struct lstm_text *batch = texts + at % (count - count % BATCH);
        enum lstm_status rc =
            is_summariser ? lstm_worker_summarize(worker, batch, BATCH, &lstm_summary_defaults,
                                                  NULL, NULL, summaries, &err)
                          : lstm_worker_classify(worker, batch, BATCH, NULL, NULL, probabilities,
                                                 tokens, &err);
        race_check(rc != LSTM_OK, err.text);
        for (int i = 0; is_summariser && i < BATCH; i++)
            lstm_summary_free(&summaries[i]);
    }
    timer_delete(timer);
    print_shares(name, symbols);
    lstm_worker_close(worker);
    lstm_scorer_close(scorer);
    free(blob);
}

void bench_shares(const char *texts)
{
    static struct lstm_text list[TEXTS];
    struct symbols symbols;
    int32_t count = corpus_read(texts, list, TEXTS);
    race_check(count < BATCH, "too few texts");
#if !defined(__x86_64__)
    printf("SKIPPED: where the time goes: the sampler knows x86-64 only\n");
    return;
#endif
    race_check(!symbols_open(&symbols), "this program has no symbols");
    printf("%-10s", "");
    for (size_t i = 0; i < PARTS; i++)
        printf("%11s", parts[i].name);
    printf("%11s\n", "the rest");
    shares("sentiment", list, count, &symbols);
    shares("summary", list, count, &symbols);
    symbols_close(&symbols);
    corpus_free(list, count);
}
