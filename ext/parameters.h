/* The values of a statement's parameters, for another statement with the same parameters. SQLite
 * does not tell them but in the text that sqlite3_expanded_sql makes, where they stand as literals;
 * from there they are bound again, so that they are in no SQL text of ours. Reals come rounded to
 * 15 digits, and texts cut at a NUL: near enough to look ahead by. */
#ifndef EXT_PARAMETERS_H
#define EXT_PARAMETERS_H

#include "sqlite.h"

enum { PARAMETERS_SIZE_MAX = 1 << 16 }; /* bytes of an expanded statement */

/* 0: it cannot be done. sql is the text of from, expanded the same with its values. */
int parameters_bind(sqlite3_stmt *to, sqlite3_stmt *from, const char *sql, const char *expanded);

#endif
