/* bench TEXTS [PART...]: how fast this machine scores and summarises, beside other LSTMs and beside
 * what its processor can do at most. TEXTS is a database that texts.sh made. Run it by `make bench`
 * from the root of the repository. */
#include "model/backend.h"
#include "tests/bench/cores.h"
#include "tests/bench/parts.h"
#include "tests/bench/peer.h"
#include "tests/bench/race.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
    const char *name;
    void (*run)(const char *texts);
    int one_core;
    const char *what;
} parts[] = {
    { "int8", bench_int8, 1, "the encoder in int8" },
    { "fp32", bench_fp32, 1, "the encoder in fp32" },
    { "decoder", bench_decoder, 1,
      "the decoder: 200 states, vocabulary 10,000, 20 tokens, units 256, greedy" },
    { "tokenizer", bench_tokenizer, 1, "the tokenizer" },
    { "threads", bench_threads, 0,
      "threads, 128 texts of review lengths, by the clock on the wall" },
    { "training", bench_training, 0,
      "training in both directions: tokens of texts; its limit: 48 H (E + H) operations and 2 H "
      "cells a token" },
    { "readahead", bench_readahead, 1, "scalar functions that read ahead, beside the bare engine" },
    { "shipped", bench_shipped, 1, "the models inside the extension" },
    { "shares", bench_shares, 1,
      "where the time of the models inside goes; recurrence: all products of matrices" },
    { "chart", bench_chart, 1, NULL }, /* only where it is named: the table of the chart */
};
enum { PARTS = sizeof parts / sizeof *parts };

/* Each part in a process of its own. Returns whether it failed. */
static int run_part(size_t part, const char *texts)
{
    int status = 0;
    if (parts[part].what)
        printf("\n%s\n", parts[part].what);
    fflush(stdout);
    pid_t pid = fork();
    race_check(pid < 0, "no process");
    if (pid == 0) {
        if (parts[part].one_core)
            cores_bind(0);
        parts[part].run(texts);
        peers_end();
        exit(0);
    }
    waitpid(pid, &status, 0);
    return status != 0;
}

static void print_machine(const char *texts)
{
    char line[200], model[200] = "unknown processor\n";
    FILE *info = fopen("/proc/cpuinfo", "r");
    while (info && fgets(line, sizeof line, info))
        if (!strncmp(line, "model name", 10) && strchr(line, ':'))
            snprintf(model, sizeof model, "%s", strchr(line, ':') + 2);
    if (info)
        fclose(info);
    printf("%.*s, %s, texts of %s\n", (int)strcspn(model, "\n"), model,
           lstm_backend_cpu(NULL)->name, texts);
    printf(
        "Medians of 7 runs by turns, each side by its own processor time on one core.\n"
        "The encoder: E = H = 256, one layer, texts of 200 tokens; tokens of one direction. Ours\n"
        "reads both directions, counted as two tokens, and pays for pooling and the head too.\n"
        "The limit: 8 H H operations a token at the peak of this core, and H updates of a cell.\n"
        "memory_mb is 1024 for it, so that the table of input products holds every token.\n");
    printf("\n%-58s %10s %10s %6s %5s\n", "", "ours", "peer", "ratio", "bar");
}

int main(int argc, char **argv)
{
    int failed = 0, is_chart = argc == 3 && !strcmp(argv[2], "chart");
    signal(SIGPIPE, SIG_IGN); /* a peer that has ended is noticed by what it does not answer */
    race_check(argc < 2, "usage: bench TEXTS [PART...]");
    for (int i = 2; i < argc; i++) {
        size_t part = 0;
        while (part < PARTS && strcmp(parts[part].name, argv[i]) != 0)
            part++;
        race_check(part == PARTS,
                   "parts are int8, fp32, decoder, tokenizer, threads, training, readahead, "
                   "shipped, shares, chart");
    }
    if (!is_chart)
        print_machine(argv[1]);
    for (size_t part = 0; part < PARTS; part++) {
        int is_named = 0;
        for (int i = 2; i < argc; i++)
            is_named |= !strcmp(parts[part].name, argv[i]);
        if (is_named || (argc == 2 && parts[part].what))
            failed |= run_part(part, argv[1]);
    }
    return failed;
}
