/* The same database twice, one with read-ahead, eager, and one without: whatever is done to both
 * has to show the same.
 */
#ifndef LSTM_TESTS_TWINS_H
#define LSTM_TESTS_TWINS_H

#include "tests/extension.h"
#include "tests/statement_effects.h"

struct twins {
    sqlite3 *on, *off;
};

/* In memory, or (files) a.db and b.db of extension_folder. With the models "mood" (sentiment),
 * "topic" (three classes) and "title" (summaries), and what sql makes. */
struct twins twins_open(int files, const char *sql);
void twins_close(struct twins *twins);

/* Statements on both. */
void twins_run(const struct twins *twins, const char *sql);

/* Runs one statement on both, each time with an empty result cache, and compares all that shows of
 * it and of a query behind it (NULL: none). Fails the test where they differ. */
void twins_compare(const struct twins *twins, const char *sql, const char *behind);

/* A member of lstm_stats() of the one with read-ahead, and how often it was refused for a reason.
 */
int64_t twins_counter(const struct twins *twins, const char *name);
int64_t twins_refused(const struct twins *twins, const char *reason);

#endif
