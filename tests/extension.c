#include "tests/extension.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

int sqlite3_lstmext_init(sqlite3 *db, char **message, const void *api);

static char folder[200];

const char *extension_folder(void)
{
    const char *base = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/lstm-test-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(folder))
        fail_msg("no folder %s", folder);
    return folder;
}

void extension_folder_remove(void)
{
    static const char *const names[] = { "a.db", "b.db" };
    static const char *const ends[] = { "", "-wal", "-shm", "-journal" };
    for (size_t i = 0; i < COUNT(names) * COUNT(ends); i++) {
        char path[300];
        snprintf(path, sizeof path, "%s/%s%s", folder, names[i % COUNT(names)],
                 ends[i / COUNT(names)]);
        unlink(path);
    }
    rmdir(folder);
}

sqlite3 *extension_open(const char *path, int extra)
{
    sqlite3 *db = NULL;
    char file[300];
    snprintf(file, sizeof file, "%s/%s", folder, path);
    int flags = extra ? extra : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    if (sqlite3_open_v2(strcmp(path, ":memory:") ? file : path, &db, flags, NULL) != SQLITE_OK ||
        sqlite3_lstmext_init(db, NULL, NULL) != SQLITE_OK)
        fail_msg("cannot open %s: %s", path, sqlite3_errmsg(db));
    return db;
}

void extension_close(sqlite3 *db)
{
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

sqlite3_int64 extension_import(sqlite3 *db, const char *name, const struct tiny_model *tiny)
{
    sqlite3_stmt *s = NULL;
    size_t size = 0;
    void *blob = tiny_model_write(tiny, &size);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT lstm_model_import(?1, ?2)", -1, &s, NULL),
                     SQLITE_OK);
    sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
    sqlite3_bind_blob64(s, 2, blob, size, SQLITE_STATIC);
    if (sqlite3_step(s) != SQLITE_ROW)
        fail_msg("import of %s: %s", name, sqlite3_errmsg(db));
    sqlite3_int64 version = sqlite3_column_int64(s, 0);
    assert_int_equal(sqlite3_finalize(s), SQLITE_OK);
    free(blob);
    return version;
}

void run(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
}

static sqlite3_stmt *first_row(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK || sqlite3_step(s) != SQLITE_ROW)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    return s;
}

const char *text_of(sqlite3 *db, const char *sql)
{
    static char text[4000];
    sqlite3_stmt *s = first_row(db, sql);
    const unsigned char *value = sqlite3_column_text(s, 0);
    snprintf(text, sizeof text, "%s", value ? (const char *)value : "NULL");
    sqlite3_finalize(s);
    return text;
}

double real_of(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *s = first_row(db, sql);
    assert_int_equal(sqlite3_column_type(s, 0), SQLITE_FLOAT);
    double value = sqlite3_column_double(s, 0);
    sqlite3_finalize(s);
    return value;
}

int fails_with(sqlite3 *db, const char *sql, const char *words)
{
    sqlite3_stmt *s = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &s, NULL);
    while (!rc && (rc = sqlite3_step(s)) == SQLITE_ROW)
        rc = SQLITE_OK;
    if (rc == SQLITE_DONE || !strstr(sqlite3_errmsg(db), words))
        fail_msg("%s: expected \"%s\", got \"%s\" (%d)", sql, words, sqlite3_errmsg(db), rc);
    sqlite3_finalize(s);
    return rc;
}

void expect(sqlite3 *db, const char *sql, const char *expected)
{
    const char *got = text_of(db, sql);
    if (strcmp(got, expected))
        fail_msg("%s: expected %s, got %s", sql, expected, got);
}

void bind_model(sqlite3_stmt *s, int parameter, const struct tiny_model *tiny)
{
    size_t size = 0;
    void *blob = tiny_model_write(tiny, &size);
    assert_int_equal(sqlite3_bind_blob64(s, parameter, blob, size, free), SQLITE_OK);
}

void expect_true(sqlite3 *db, const char *const *facts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char sql[1000];
        snprintf(sql, sizeof sql, "SELECT %s", facts[i]);
        if (strcmp(text_of(db, sql), "1"))
            fail_msg("%s is %s", facts[i], text_of(db, sql));
    }
}
