#include "lookup.h"

#include <stdio.h>
#include <string.h>

int model_name_valid(const char *name, size_t size)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    if (size < 1 || size >= MODEL_NAME_SIZE || !memchr(letters, name[0], sizeof letters - 1))
        return 0;
    for (size_t i = 1; i < size; i++)
        if (!memchr(letters, name[i], sizeof letters - 1) && !memchr("._-", name[i], 3))
            return 0;
    return 1;
}

int connection_writes(sqlite3 *db)
{
    for (sqlite3_stmt *s = sqlite3_next_stmt(db, NULL); s; s = sqlite3_next_stmt(db, s))
        if (sqlite3_stmt_busy(s) && !sqlite3_stmt_readonly(s))
            return 1;
    return 0;
}

static int prepare_step(sqlite3 *db, const char *sql, sqlite3_stmt **step)
{
    return sql ? sqlite3_prepare_v2(db, sql, -1, step, NULL) : SQLITE_OK;
}

static int take_step(sqlite3_stmt *step)
{
    if (step)
        sqlite3_step(step);
    return sqlite3_reset(step);
}

/* While an interrupt, or a progress handler, stops every statement of the connection, what would
 * end our transaction can neither be prepared nor run. But a statement that counts as one that
 * writes has SQLite roll the transaction back when it is stopped. VACUUM is one, and in case it is
 * not stopped it is refused within a transaction. */
int nested_begin(sqlite3 *db, const struct nested_sql *sql, struct nested *nested, const char *what,
                 struct failure *failure)
{
    sqlite3_stmt *begin = NULL;
    *nested = (struct nested){ .begun = 0 };
    int rc = prepare_step(db, sql->keep, &nested->keep);
    if (!rc)
        rc = prepare_step(db, sql->undo[0], &nested->undo[0]);
    if (!rc)
        rc = prepare_step(db, sql->undo[1], &nested->undo[1]);
    if (!rc)
        rc = prepare_step(db, "VACUUM", &nested->abandon);
    if (!rc)
        rc = prepare_step(db, sql->begin, &begin);
    if (!rc) {
        nested->begun =
            1; /* perhaps even if it fails: it may be stopped when it has done its work */
        rc = take_step(begin);
    }
    if (rc)
        rc = failure_of_sqlite(failure, db, what);
    sqlite3_finalize(begin);
    return rc;
}

int nested_end(sqlite3 *db, struct nested *nested, int rc, const char *what,
               struct failure *failure)
{
    if (!rc && take_step(nested->keep))
        rc = failure_of_sqlite(failure, db, what);
    if (rc) {
        int failed = take_step(nested->undo[0]);
        failed |= take_step(nested->undo[1]);
        if (failed && nested->begun && !sqlite3_get_autocommit(db))
            take_step(nested->abandon);
    }
    sqlite3_finalize(nested->keep);
    sqlite3_finalize(nested->undo[0]);
    sqlite3_finalize(nested->undo[1]);
    sqlite3_finalize(nested->abandon);
    *nested = (struct nested){ .begun = 0 };
    return rc;
}

/* A statement over one database, whose name stands quoted where sql has "%w". NULL: see the
 * connection's error. */
static sqlite3_stmt *prepare(sqlite3 *db, const char *sql, const char *database)
{
    sqlite3_stmt *statement = NULL;
    char *text = sqlite3_mprintf(sql, database);
    if (text)
        sqlite3_prepare_v2(db, text, -1, &statement, NULL);
    sqlite3_free(text);
    return statement;
}

/* Whether the database has the table. It reads the schema from the file: what this connection
 * remembers of it may be older than a table that another connection made. */
static int has_table(sqlite3 *db, const char *database, int *has)
{
    sqlite3_stmt *s = prepare(
        db, "SELECT 1 FROM \"%w\".sqlite_master WHERE type = 'table' AND name = 'lstm_models'",
        database);
    int rc = s ? sqlite3_step(s) : SQLITE_ERROR;
    *has = rc == SQLITE_ROW;
    return sqlite3_finalize(s) || (rc != SQLITE_ROW && rc != SQLITE_DONE);
}

/* Moves to the row of a name in one database, if it is there: then found->row is set. */
static int look_in(sqlite3 *db, const char *database, struct found *found, struct failure *failure)
{
    char what[300];
    int has = 0;
    snprintf(what, sizeof what, "cannot read the models of database '%.200s'", database);
    if (has_table(db, database, &has))
        return failure_of_sqlite(failure, db, what);
    if (!has)
        return SQLITE_OK;
    found->row = prepare(db,
                         "SELECT version, sha256, blob FROM \"%w\".lstm_models WHERE name = ?1 "
                         "ORDER BY version DESC LIMIT 1",
                         database);
    if (!found->row || sqlite3_bind_text(found->row, 1, found->name, -1,
                                         SQLITE_TRANSIENT)) /* found may be a copy */
        return failure_of_sqlite(failure, db, what);
    int rc = sqlite3_step(found->row);
    if (rc == SQLITE_ROW) {
        const unsigned char *sha256 = sqlite3_column_text(found->row, 1);
        snprintf(found->database, sizeof found->database, "%s", database);
        snprintf(found->what, sizeof found->what, "model '%s' (version %lld, database '%s')",
                 found->name, (long long)sqlite3_column_int64(found->row, 0), found->database);
        if (!sha256 || strlen((const char *)sha256) != SHA256_HEX_SIZE - 1)
            return failure_set(failure, FAILURE_MODEL, "%s: its sha256 is not one", found->what);
        memcpy(found->sha256, sha256, SHA256_HEX_SIZE);
        return SQLITE_OK;
    }
    rc = sqlite3_finalize(found->row);
    found->row = NULL;
    return rc ? failure_of_sqlite(failure, db, what) : SQLITE_OK;
}

static int look_in_databases(sqlite3 *db, struct found *found, struct failure *failure)
{
    sqlite3_stmt *databases = NULL;
    int rc = SQLITE_OK;
    if (sqlite3_prepare_v2(db, "PRAGMA database_list", -1, &databases, NULL))
        return failure_of_sqlite(failure, db, "cannot list the databases");
    while (!rc && sqlite3_step(databases) ==
                      SQLITE_ROW) { /* main, temp, then the others as they were attached */
        struct found next = { .nested = found->nested };
        memcpy(next.name, found->name, sizeof next.name);
        rc = look_in(db, (const char *)sqlite3_column_text(databases, 1), &next, failure);
        if (!rc && next.row && !found->row) {
            *found = next;
            continue;
        }
        if (!rc && next.row && strcmp(next.sha256, found->sha256))
            rc = failure_set(failure, FAILURE_MODEL,
                             "the name '%s' stands for different models in the databases '%s' and "
                             "'%s': detach one, or "
                             "import the model you mean under another name",
                             found->name, found->database, next.database);
        sqlite3_finalize(next.row);
    }
    if (sqlite3_finalize(databases) && !rc)
        rc = failure_of_sqlite(failure, db, "cannot list the databases");
    return rc;
}

int lookup_open(sqlite3 *db, const char *name, struct found *found, struct failure *failure)
{
    static const struct nested_sql savepoint = {
        "SAVEPOINT lstm_lookup", "RELEASE lstm_lookup", { "RELEASE lstm_lookup" }
    }; /* to roll back moves cursors too */
    int rc = SQLITE_OK;
    *found = (struct found){ .embedded = embedded_find(name) };
    snprintf(found->name, sizeof found->name, "%s", name);
    if (found->embedded) {
        memcpy(found->sha256, found->embedded->sha256, sizeof found->sha256);
        snprintf(found->what, sizeof found->what, "model '%s' (inside the extension)", name);
        return SQLITE_OK;
    }
    /* A nested statement that fails, if only because it finds the schema changed and has to be
     * prepared again, would roll back in autocommit mode, and that moves the cursors of the
     * statement that is calling us. With a savepoint open it does not. Where a statement writes
     * there is a transaction anyway, and SQLite allows no savepoint. */
    if (sqlite3_get_autocommit(db) && !connection_writes(db))
        rc = nested_begin(db, &savepoint, &found->nested, "cannot look for the model", failure);
    if (!rc)
        rc = look_in_databases(db, found, failure);
    if (!rc && !found->row)
        rc = failure_set(failure, FAILURE_MODEL,
                         "no model named '%s' in the table lstm_models of any database of this "
                         "connection, nor inside "
                         "the extension, which has '" EMBEDDED_SENTIMENT "' and '" EMBEDDED_SUMMARY
                         "'; store one with lstm_model_import or "
                         "lstm-train",
                         found->name);
    return rc;
}

int lookup_blob(const struct found *found, const void **blob, size_t *size, struct failure *failure)
{
    if (found->embedded) {
        *blob = found->embedded->blob;
        *size = found->embedded->size;
        return SQLITE_OK;
    }
    if (sqlite3_column_type(found->row, 2) != SQLITE_BLOB)
        return failure_set(failure, FAILURE_MODEL, "%s: its blob is not a BLOB", found->what);
    *blob = sqlite3_column_blob(found->row, 2);
    *size = (size_t)sqlite3_column_bytes(found->row, 2);
    if (*blob)
        return SQLITE_OK;
    return *size > 0 ? failure_of_sqlite(failure, sqlite3_db_handle(found->row), found->what)
                     : failure_set(failure, FAILURE_MODEL, "%s: its blob is empty", found->what);
}

int lookup_close(sqlite3 *db, struct found *found, int rc, struct failure *failure)
{
    sqlite3_finalize(found->row);
    found->row = NULL;
    return nested_end(db, &found->nested, rc, "cannot end the look-up of a model", failure);
}
