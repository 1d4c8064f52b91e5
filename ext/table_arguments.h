/* The hidden columns text and options, in this order, by which a table-valued function is given its
 * arguments. */
#ifndef EXT_TABLE_ARGUMENTS_H
#define EXT_TABLE_ARGUMENTS_H

#include "failure.h"

#define TABLE_ARGUMENTS_SQL "text HIDDEN, options HIDDEN"

struct table_arguments {
    sqlite3_value *text, *options; /* as given; NULL: not given */
};

/* Equality with a hidden column is an argument; text_column is the number of the first. idxNum says
 * which are given. */
int table_arguments_plan(sqlite3_index_info *info, int text_column);

/* In xFilter: copies what was planned, after clearing. May return SQLITE_NOMEM. */
int table_arguments_take(struct table_arguments *arguments, int planned, sqlite3_value **argv);
void table_arguments_clear(struct table_arguments *arguments);

/* In xColumn, for the columns text_column (0) and text_column + 1 (1). */
void table_arguments_result(const struct table_arguments *arguments, int column,
                            sqlite3_context *context);

#endif
