/* All that a statement shows of itself, as text to compare: rows with the bits of their reals,
 * result codes, message, counters of the connection, transaction. */
#ifndef LSTM_TESTS_STATEMENT_EFFECTS_H
#define LSTM_TESTS_STATEMENT_EFFECTS_H

#include <sqlite3.h>
#include <stddef.h>

/* Zero-initialise it; free text. */
struct effects {
    char *text;
    size_t size, room;
};

void effects_put(struct effects *effects, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* One step of a statement: its row or how it ended. Returns the result code. */
int effects_step(struct effects *effects, sqlite3_stmt *statement);

/* Prepares, binds integers from 1 on to the parameters, runs to the end, finalizes; then the
 * connection. */
void effects_run(struct effects *effects, sqlite3 *db, const char *sql);

/* The counters and the transaction of a connection. */
void effects_connection(struct effects *effects, sqlite3 *db);

/* Empties the result cache of the process. */
void effects_forget_results(void);

#endif
