/* Two threads beside one, by the clock on the wall: on a machine that is otherwise idle, and with a
 * neighbour that keeps the second processor busy. */
#include "model/limits.h"
#include "tests/bench/cores.h"
#include "tests/bench/engine.h"
#include "tests/bench/parts.h"
#include "tests/bench/race.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TEXTS = 128 };

struct team {
    int32_t threads;
    struct engine *engine;
};

static double tokens_of(void *arg)
{
    struct team *team = arg;
    struct lstm_limits limits = lstm_limits_get();
    limits.threads = team->threads;
    lstm_limits_set(limits);
    return engine_tokens(team->engine);
}

static void race_teams(const char *name, struct engine *engine, double bar)
{
    struct team two = { 2, engine }, one = { 1, engine };
    race_run(&(struct race){
        name, { "ours", tokens_of, &two, 0 }, { { "one thread", tokens_of, &one, bar } } });
}

/* A process that computes for ever on the second processor that this one may use. */
static pid_t neighbour(void)
{
    pid_t pid = fork();
    race_check(pid < 0, "no process");
    if (pid)
        return pid;
    cores_bind(1);
    for (volatile unsigned turns = 0;; turns++)
        ;
}

void bench_threads(const char *texts)
{
    int32_t lengths[TEXTS];
    struct engine engine;
    struct lstm_model *model = engine_model(&engine_sizes, 1);
    (void)texts;
    if (lstm_limits_get().threads < 2) {
        printf("SKIPPED: threads: this process may use one processor only\n");
        return;
    }
    engine_review_lengths(lengths, TEXTS);
    engine_open(&engine, model, NULL, lengths, TEXTS, 1);
    engine.clock = CLOCK_MONOTONIC;
    race_teams("int8 two threads tokens/s", &engine, 1.9);
    pid_t pid = neighbour();
    race_teams("int8 two threads, busy neighbour tokens/s", &engine, 1);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    engine_close(&engine);
    engine_model_free(model);
}
