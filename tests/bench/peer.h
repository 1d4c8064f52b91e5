/* Other people's LSTMs, each in a process of its own that answers a line with a line: the request
 * says what to run, the answer is a rate for one run of about a tenth of a second, or words that
 * say why there is none. A process that has been asked nothing waits and costs nothing. */
#ifndef LSTM_BENCH_PEER_H
#define LSTM_BENCH_PEER_H

#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

struct peer {
    const char *name;
    const char *argv[4]; /* argv[0] without '/' is a program beside our own */
    const char *needs;   /* what to install where it is missing */
    FILE *in, *out;
    pid_t pid;
    int is_absent; /* that has been said */
};

extern struct peer peer_onednn, peer_pytorch;

enum { REQUEST_SIZE = 2048 };

struct question {
    struct peer *peer;
    char request[REQUEST_SIZE];
    double scale; /* the rate is the answer times this */
};

/* "KIND PRECISION EMBEDDING HIDDEN" and the length of every text; the answer is in tokens of one
 * direction a second. */
struct question question_lstm(struct peer *peer, const char *precision, int32_t embedding,
                              int32_t hidden, const int32_t *lengths, int32_t texts);

/* A contestant's rate; arg is a struct question. The first question starts the peer. */
double question_ask(void *question);

/* Ends the peers that were started. */
void peers_end(void);

#endif
