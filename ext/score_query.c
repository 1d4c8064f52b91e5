#include "score_query.h"

#include "lookup.h"

#include <string.h>

#define WHAT "the query of lstm_score"

static int query_failed(sqlite3 *db, struct failure *failure)
{
    int rc = failure_of_sqlite(failure, db, WHAT);
    failure_set(failure, FAILURE_INPUT, WHAT ": %s", sqlite3_errmsg(db));
    return failure->rc = rc;
}

/* Whether more than spaces, comments and semicolons follow. */
static int has_second_statement(sqlite3 *db, const char *tail)
{
    while (*tail) {
        sqlite3_stmt *second = NULL;
        const char *rest = tail;
        int failed = sqlite3_prepare_v2(db, tail, -1, &second, &rest);
        sqlite3_finalize(second);
        if (failed || second)
            return 1;
        tail = rest;
    }
    return 0;
}

static int check(sqlite3_stmt *statement, struct failure *failure)
{
    int parameters = sqlite3_bind_parameter_count(statement),
        columns = sqlite3_column_count(statement);
    if (!sqlite3_stmt_readonly(statement))
        return failure_set(failure, FAILURE_INPUT,
                           WHAT " would write; it has to be one SELECT of a key and a text");
    if (columns != QUERY_COLUMNS)
        return failure_set(failure, FAILURE_INPUT,
                           WHAT " gives %d columns, it has to give 2: a key and a text", columns);
    if (parameters > 0)
        return failure_set(failure, FAILURE_INPUT,
                           WHAT " has parameters, the last is number %d, and nothing can be bound "
                                "to them; write the values into the query, quoted by printf('%%Q')",
                           parameters);
    return SQLITE_OK;
}

static int prepare(sqlite3 *db, sqlite3_value *value, sqlite3_stmt **statement,
                   struct failure *failure)
{
    if (sqlite3_value_type(value) != SQLITE_TEXT)
        return failure_set(failure, FAILURE_INPUT,
                           WHAT " has to be text: 'SELECT key, text FROM ...'");
    const char *sql = (const char *)sqlite3_value_text(value), *tail = NULL;
    if (!sql)
        return failure_set(failure, FAILURE_NOMEM, WHAT);
    if (strlen(sql) != (size_t)sqlite3_value_bytes(value))
        return failure_set(failure, FAILURE_INPUT, WHAT " has a NUL in it, at byte %zu",
                           strlen(sql));
    if (sqlite3_prepare_v2(db, sql, -1, statement, &tail))
        return query_failed(db, failure);
    if (!*statement)
        return failure_set(failure, FAILURE_INPUT,
                           WHAT " is empty; it has to be one SELECT of a key and a text");
    if (has_second_statement(db, tail))
        return failure_set(failure, FAILURE_INPUT,
                           WHAT " is more than one statement; it has to be one SELECT");
    return check(*statement, failure);
}

int score_query_open(sqlite3 *db, sqlite3_value *sql, struct score_query *query,
                     struct failure *failure)
{
    static const struct nested_sql savepoint = { "SAVEPOINT lstm_score",
                                                 "RELEASE lstm_score",
                                                 { "RELEASE lstm_score" } };
    struct nested nested = { .begun = 0 };
    *query = (struct score_query){ .db = db };
    int rc = prepare(db, sql, &query->statement, failure);
    if (rc)
        return rc;
    /* Its first step may find the schema changed and begin again. In autocommit mode that would
     * roll back, and leave the cursors of the statement that is calling us on pages which are no
     * longer theirs: wrong rows, and no error. See lookup_open. */
    if (sqlite3_get_autocommit(db) && !connection_writes(db))
        rc = nested_begin(db, &savepoint, &nested, "cannot begin to run " WHAT, failure);
    if (!rc)
        rc = score_query_next(query, failure);
    return nested_end(db, &nested, rc, "cannot begin to run " WHAT, failure);
}

int score_query_next(struct score_query *query, struct failure *failure)
{
    int rc = sqlite3_step(query->statement);
    if (rc == SQLITE_ROW)
        return SQLITE_OK;
    rc = rc == SQLITE_DONE ? SQLITE_OK : query_failed(query->db, failure);
    score_query_close(query);
    return rc;
}

void score_query_close(struct score_query *query)
{
    sqlite3_finalize(query->statement);
    query->statement = NULL;
}
