/* The programs that SQLite makes of statements, as EXPLAIN shows them. */
#ifndef EXT_EXPLAIN_H
#define EXT_EXPLAIN_H

#include "sqlite.h"

enum { FUNCTION_NAME_SIZE = 64 };

struct explained {
    int address;
    const char *opcode;
    int p2;
    const char *p4; /* "" where there is none */
};

/* Gives every instruction of the statement to visit. Returns a result code of SQLite; the statement
 * is prepared, never run. */
int explain(sqlite3 *db, const char *sql, void (*visit)(void *arg, const struct explained *op),
            void *arg);

/* The name in "name(2)", the p4 of an instruction that calls a function. 0: it calls none. -1: it
 * may, and the name is not known. */
int explained_call(const struct explained *op, char name[FUNCTION_NAME_SIZE]);

/* Whether it is one of the functions of this extension that a look-ahead may call: those that give
 * way to it, and those that do nothing but read. */
int explained_is_ours(const char *name);

#endif
