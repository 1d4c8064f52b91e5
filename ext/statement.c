#include "statement.h"

#include "explain.h"
#include "run.h"

static void look_for_ours(void *arg, const struct explained *op)
{
    char name[FUNCTION_NAME_SIZE];
    if (explained_call(op, name) > 0 && explained_is_ours(name))
        *(int *)arg = 1;
}

static int is_of_another_run(const struct registry *registry, const sqlite3_stmt *statement)
{
    for (const struct run *run = registry->runs; run; run = run->next)
        if (run->statement == statement)
            return 1;
    return 0;
}

enum refusal statement_calling(const struct registry *registry, sqlite3_stmt **statement)
{
    sqlite3 *db = registry->db;
    sqlite3_stmt *found = NULL;
    int busy = 0, writers = 0, callers = 0;
    *statement = NULL;
    for (sqlite3_stmt *s = sqlite3_next_stmt(db, NULL); s; s = sqlite3_next_stmt(db, s))
        if (sqlite3_stmt_busy(s)) {
            found = s;
            busy++;
            writers += !sqlite3_stmt_readonly(s);
        }
    if (busy > 1 && writers > 0)
        return REFUSED_WRITER;
    for (sqlite3_stmt *s = busy > 1 ? sqlite3_next_stmt(db, NULL) : NULL; s;
         s = sqlite3_next_stmt(db, s)) {
        int calls = 0;
        if (!sqlite3_stmt_busy(s) || is_of_another_run(registry, s))
            continue;
        if (explain(db, sqlite3_sql(s), look_for_ours, &calls) || !calls)
            continue;
        found = s;
        callers++;
    }
    if (busy == 0 || (busy > 1 && callers != 1) || is_of_another_run(registry, found))
        return REFUSED_STATEMENT;
    *statement = found;
    return REFUSED_NOT;
}
