#include "tests/statement_effects.h"
#include "ext/result_cache.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void effects_put(struct effects *effects, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    size_t size = (size_t)vsnprintf(NULL, 0, format, arguments);
    if (effects->size + size + 1 > effects->room) {
        effects->room = 2 * (effects->size + size + 1);
        effects->text = realloc(effects->text, effects->room);
        if (!effects->text)
            abort();
    }
    vsnprintf(effects->text + effects->size, size + 1, format, again);
    effects->size += size;
    va_end(arguments);
    va_end(again);
}

static void put_value(struct effects *effects, sqlite3_stmt *statement, int column)
{
    switch (sqlite3_column_type(statement, column)) {
    case SQLITE_FLOAT: {
        double value = sqlite3_column_double(statement, column);
        uint64_t bits;
        memcpy(&bits, &value, sizeof bits);
        effects_put(effects, " r%016" PRIx64, bits);
        break;
    }
    case SQLITE_BLOB: {
        const unsigned char *bytes = sqlite3_column_blob(statement, column);
        effects_put(effects, " x");
        for (int i = 0; i < sqlite3_column_bytes(statement, column); i++)
            effects_put(effects, "%02x", bytes[i]);
        break;
    }
    case SQLITE_NULL: effects_put(effects, " NULL"); break;
    default: effects_put(effects, " '%s'", (const char *)sqlite3_column_text(statement, column));
    }
}

int effects_step(struct effects *effects, sqlite3_stmt *statement)
{
    int rc = sqlite3_step(statement);
    sqlite3 *db = sqlite3_db_handle(statement);
    if (rc != SQLITE_ROW) {
        effects_put(effects, "rc %d, %d: %s\n", rc, sqlite3_extended_errcode(db),
                    sqlite3_errmsg(db));
        return rc;
    }
    /* Beside a row the message may be that of any statement before, but not one of ours. */
    if (strstr(sqlite3_errmsg(db), "read-ahead"))
        effects_put(effects, "%s: ", sqlite3_errmsg(db));
    for (int i = 0; i < sqlite3_column_count(statement); i++)
        put_value(effects, statement, i);
    effects_put(effects, "\n");
    return rc;
}

void effects_connection(struct effects *effects, sqlite3 *db)
{
    effects_put(effects, "changes %d of %d, rowid %lld, autocommit %d, transaction %d\n",
                sqlite3_changes(db), sqlite3_total_changes(db),
                (long long)sqlite3_last_insert_rowid(db), sqlite3_get_autocommit(db),
                sqlite3_txn_state(db, NULL));
}

void effects_run(struct effects *effects, sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    if (rc)
        effects_put(effects, "prepare %d: %s\n", rc, sqlite3_errmsg(db));
    for (int i = 1; i <= sqlite3_bind_parameter_count(statement); i++)
        sqlite3_bind_int(statement, i, i);
    while (statement && effects_step(effects, statement) == SQLITE_ROW)
        ;
    sqlite3_finalize(statement);
    effects_connection(effects, db);
}

void effects_forget_results(void)
{
    size_t limit = result_cache_state().limit;
    result_cache_limit(0);
    result_cache_limit(limit);
}
