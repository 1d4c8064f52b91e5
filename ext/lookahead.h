/* A look-ahead: the SELECT of a run is stepped while our functions only note which texts they are
 * called for, and those are scored together. Nothing that it does can change an answer: results are
 * found by the contents of the text, and the row in hand is scored by its own call where the
 * look-ahead has not brought its result. */
#ifndef EXT_LOOKAHEAD_H
#define EXT_LOOKAHEAD_H

#include "run.h"

struct lookahead {
    struct run *run;
    const struct fingerprint *key; /* of the row in hand */
    double first_call;             /* when the first call came; 0: none has */
    double asked_at;               /* when the clock was read last */
    int unasked;                   /* questions for the time that it is not read at */
    double inferring, allowance;   /* seconds */
    size_t beyond;                 /* texts that were met when it had enough */
    size_t forgotten;              /* texts still to pass by: see struct seen */
    struct lately passed;
    struct failure failure;      /* rc: SQLITE_OK unless something went wrong that the user has to
                                    know */
    struct failure call_failure; /* rc: SQLITE_OK unless a call of ours failed, which he has not
                                    to know as long as the transaction is there */
};

/* The result for a text, as far as a call has one. */
struct outcome {
    const unsigned char *bytes; /* valid until the next call of ours; aligned to 8 */
    size_t size;                /* 0: NULL */
};

/* Looks ahead of the call that asks for this text, of at most BATCH_BYTES_MAX. Its result is then
 * in the run's window, unless the run was refused. Errors are the call's: what a look-ahead has
 * broken must not stay unsaid. */
int lookahead(struct run *run, struct request *request, const struct lstm_text *text,
              const struct fingerprint *key, struct failure *failure);

/* A call within a look-ahead: gives the result if it is known, else NULL. Nonzero: the look-ahead
 * is to end, by an error. */
int lookahead_collect(struct lookahead *look, struct request *request, const struct lstm_text *text,
                      const struct fingerprint *key, struct outcome *outcome);

/* failure_result; but within a look-ahead every failure is the same plain error: SQLite's own out
 * of memory would roll the user's transaction back. */
void lookahead_failure_result(const struct registry *registry, const struct failure *failure,
                              sqlite3_context *context);

#endif
