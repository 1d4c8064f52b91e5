/* The values of a statement's parameters, for another statement with the same parameters. SQLite
 * does not tell them but in the text that sqlite3_expanded_sql makes, where they stand as literals;
 * from there they are bound again, so that they are in no SQL text of ours. Reals come rounded to
 * 15 digits, and texts cut at a NUL: near enough to look ahead by. */
#ifndef EXT_PARAMETERS_H
#define EXT_PARAMETERS_H

#include "sqlite.h"

enum { PARAMETERS_SIZE_MAX = 1 << 16 }; /* bytes of an expanded statement */

/* The text of the statement with the values of its parameters; free it with sqlite3_free. NULL: it
 * would be too long, or no memory. */
char *parameters_expand(sqlite3_stmt *statement);

/* Binds the values of a statement, from its text and that with its values, to another one with the
 * same parameters or the first of them. 0: it cannot be done. */
int parameters_bind(sqlite3_stmt *to, sqlite3_stmt *from, const char *sql, const char *expanded);

#endif
