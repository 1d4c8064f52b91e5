#include "tests/bench/race.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 7 };

void race_check(_Bool failed, const char *what)
{
    if (!failed)
        return;
    fflush(stdout);
    fprintf(stderr, "bench: %s\n", what);
    exit(1);
}

double race_now(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

double race_slice(clockid_t clock, double seconds, double (*work)(void *arg), void *arg)
{
    double began = race_now(clock), done = 0, passed = 0;
    do {
        done += work(arg);
        passed = race_now(clock) - began;
    } while (passed < seconds);
    return done / passed;
}

double race_bound(void *rate)
{
    return *(const double *)rate;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double race_median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, by_value);
    return 0.5 * (values[(count - 1) / 2] + values[count / 2]);
}

void race_medians(const struct contestant *contestants, int count, int rounds, double *medians)
{
    double rates[RACE_PEERS_MAX + 1][ROUNDS];
    int absent[RACE_PEERS_MAX + 1] = { 0 };
    race_check(count > RACE_PEERS_MAX + 1 || rounds > ROUNDS, "a race of too many");
    for (int round = -1; round < rounds; round++) /* the first warms up */
        for (int i = 0; i < count; i++) {
            double rate = absent[i] ? NAN : contestants[i].rate(contestants[i].arg);
            absent[i] = isnan(rate);
            if (round >= 0)
                rates[i][round] = rate;
        }
    for (int i = 0; i < count; i++)
        medians[i] = absent[i] ? NAN : race_median(rates[i], rounds);
}

/* Four digits or more: all of a number that is large, some behind the point of one that is not. */
static const char *digits(double value, char text[24])
{
    if (isnan(value))
        snprintf(text, 24, "-");
    else
        snprintf(text, 24, "%.*f", value >= 1000 ? 0 : value >= 10 ? 1 : 3, value);
    return text;
}

void race_print(const char *name, const char *peer_name, double ours, double peer, double bar,
                int is_time)
{
    char line[120], a[24], b[24], c[24], d[24];
    double ratio = is_time ? peer / ours : ours / peer;
    snprintf(line, sizeof line, "%s%s%s", name, peer_name ? ": " : "", peer_name ? peer_name : "");
    snprintf(c, sizeof c, isnan(ratio) ? "-" : "%.2f", ratio);
    snprintf(d, sizeof d, bar > 0 ? "%.2f" : "-", bar);
    printf("%-58s %10s %10s %6s %5s %s\n", line, digits(ours, a), digits(peer, b), c, d,
           isnan(ratio) ? (bar > 0 ? "skipped" : "-")
           : bar > 0    ? (ratio >= bar ? "ok" : "short")
                        : "-");
    fflush(stdout);
}

void race_run(const struct race *race)
{
    struct contestant all[RACE_PEERS_MAX + 1] = { race->ours };
    double medians[RACE_PEERS_MAX + 1];
    size_t length = strlen(race->name);
    int count = 1, is_time = length > 3 && !strcmp(race->name + length - 3, " ms");
    while (count <= RACE_PEERS_MAX && race->peers[count - 1].name) {
        all[count] = race->peers[count - 1];
        count++;
    }
    race_medians(all, count, ROUNDS, medians);
    for (int i = 0; i < count; i++)
        medians[i] = is_time ? 1e3 / medians[i] : medians[i];
    for (int i = 1; i < count; i++)
        race_print(race->name, all[i].name, medians[0], medians[i], all[i].bar, is_time);
    if (count == 1)
        race_print(race->name, NULL, medians[0], NAN, 0, is_time);
}
