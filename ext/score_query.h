/* The query that lstm_score runs: one SELECT that gives a key and a text. */
#ifndef EXT_SCORE_QUERY_H
#define EXT_SCORE_QUERY_H

#include "failure.h"

enum { QUERY_KEY, QUERY_TEXT, QUERY_COLUMNS };

struct score_query {
    sqlite3 *db;             /* not ours */
    sqlite3_stmt *statement; /* at a row; NULL: there is no more */
};

/* Prepares the query and moves to its first row. The caller closes it, whatever this returns; what
 * comes after an error is an error of the caller's statement too. Errors: FAILURE_INPUT for
 * anything but one statement that reads and gives two columns, without parameters; SQLite's own
 * message and result code where preparing or running fails. */
int score_query_open(sqlite3 *db, sqlite3_value *sql, struct score_query *query,
                     struct failure *failure);

/* To the next row. Behind the last one nothing is held open. */
int score_query_next(struct score_query *query, struct failure *failure);
void score_query_close(struct score_query *query);

#endif
