/* Contestants run by turns, ours first, and the medians stand beside one another: every line of
 * `make bench`. Runs are short and alternate, so that whatever disturbs the machine disturbs all.
 */
#ifndef LSTM_BENCH_RACE_H
#define LSTM_BENCH_RACE_H

#include <time.h>

struct contestant {
    const char *name;
    double (*rate)(void *arg); /* one run: units of work a second; NaN: it cannot run here */
    void *arg;
    double bar; /* ours is to be this many times as fast; 0: only shown */
};

enum { RACE_PEERS_MAX = 5 };

struct race {
    const char *name; /* with the unit of the rates; one that ends in " ms" is shown as times */
    struct contestant ours;
    struct contestant peers[RACE_PEERS_MAX]; /* the first without a name ends them */
};

/* Prints a line a peer: name ours peer ratio bar ok|short. */
void race_run(const struct race *race);

/* The medians of so many contestants after so many rounds. A contestant that cannot run has NaN. */
void race_medians(const struct contestant *contestants, int count, int rounds, double *medians);

/* Prints such a line for two values that need no race. bar 0: none; peer NaN: nothing to compare
 * with. is_time: less is better. */
void race_print(const char *name, const char *peer_name, double ours, double peer, double bar,
                int is_time);

/* A peer that does not run: its arg points to the rate. For bounds that are numbers. */
double race_bound(void *rate);

/* Does the work again and again for so many seconds of this clock; work returns the units it has
 * done. Returns units a second. */
#define RACE_SECONDS 0.1 /* of a run */
double race_slice(clockid_t clock, double seconds, double (*work)(void *arg), void *arg);

double race_now(clockid_t clock); /* seconds */

/* Sorts the values. */
double race_median(double *values, int count);

/* Ends the program with this text where a benchmark itself fails. */
void race_check(_Bool failed, const char *what);

#endif
