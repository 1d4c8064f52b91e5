/* Disks and memory that fail, at every operation in turn: with read-ahead a statement either does
 * what it does without a fault, or says that it failed. It never loses the user's transaction in
 * silence, leaves the database whole, and knows no errors that it would not know without
 * read-ahead. READAHEAD_FAULTS: at so many operations of a statement, else at few. */
#include "tests/extension.h"
#include "tests/faults.h"
#include "tests/statement_effects.h"
#include "train/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define F "lstm_sentiment(body, 'mood')"
#define TABLES                                                                                   \
    "SELECT count(*) || ' ' || sum(k) || ' ' || total(score) || ' ' || (SELECT count(*) || ' ' " \
    "|| total(x) || max(x) FROM keep) || (SELECT count(*) FROM sqlite_master) FROM r"

static const struct tiny_model mood = { .task = "sentiment",
                                        .labels = "negative positive",
                                        .seed = 1 };

static const struct scene {
    const char *journal, *begin; /* begin NULL: in autocommit mode */
} scenes[] = {
    { "delete", NULL },
    { "delete", "BEGIN; INSERT INTO keep VALUES ('precious')" },
    { "wal", NULL },
    { "wal", "BEGIN; INSERT INTO keep VALUES ('precious')" },
    { "wal", "BEGIN; SELECT count(*) FROM keep" },
};

static const char *const statements[] = {
    "SELECT id, " F " FROM r",
    "SELECT id FROM r WHERE " F " > 0 LIMIT 9",
    "SELECT k, avg(" F ") FROM r GROUP BY k",
    "SELECT id, " F " FROM r ORDER BY pad DESC, body",
    "UPDATE r SET score = " F,
    "INSERT INTO keep SELECT " F " FROM r",
    "DELETE FROM r WHERE " F " < 0",
    "CREATE TABLE scored AS SELECT id, " F " AS f FROM r",
};

static char folder[200];
static unsigned char *image; /* of the database, as each run begins with it */
static size_t image_size;
static sqlite3 *keeper; /* has the model in memory, so that nobody reads it again */

static int open_all(void **state)
{
    struct lstm_error err;
    char path[300];
    (void)state;
    snprintf(folder, sizeof folder, "%s", extension_folder());
    keeper = extension_open("b.db", 0);
    run(keeper,
        "PRAGMA page_size = 512; CREATE TABLE r(id INTEGER PRIMARY KEY, body TEXT, k INT, pad "
        "TEXT, score REAL); CREATE TABLE keep(x);"
        "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 120)"
        "INSERT INTO r SELECT i, 'the film ' || i || iif(i % 3, ' bad', ' good'), i % 4, "
        "hex(zeroblob(40)), NULL FROM n");
    extension_import(keeper, "mood", &mood);
    run(keeper, "SELECT lstm_sentiment('film', 'mood')");
    snprintf(path, sizeof path, "%s/b.db", folder);
    assert_int_equal(file_read(path, &image, &image_size, &err), LSTM_OK);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    free(image);
    extension_close(keeper);
    extension_folder_remove();
    return 0;
}

static sqlite3 *open_scene(const struct scene *scene, const char *readahead)
{
    static const char *const ends[] = { "-wal", "-shm", "-journal", "" };
    char path[300], sql[300];
    for (size_t i = 0; i < COUNT(ends); i++) {
        snprintf(path, sizeof path, "%s/a.db%s", folder, ends[i]);
        remove(path);
    }
    FILE *file = fopen(path, "wb");
    assert_int_equal(fwrite(image, 1, image_size, file), image_size);
    fclose(file);
    sqlite3 *db = extension_open("a.db", 0);
    snprintf(sql, sizeof sql,
             "PRAGMA journal_mode = %s; PRAGMA cache_size = 10; PRAGMA temp_store = file;"
             "SELECT lstm_config('readahead', '%s'); %s",
             scene->journal, readahead, scene->begin ? scene->begin : "");
    run(db, sql);
    effects_forget_results();
    return db;
}

/* What a statement did. */
struct attempt {
    int rc, autocommit;
    struct effects rows;
    char message[300], tables[300];
    int64_t operations;
};

/* Numbers only: to read a text takes memory. */
static int step_all(sqlite3_stmt *s, struct effects *rows)
{
    int rc;
    while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(s); i++)
            effects_put(rows, " %a", sqlite3_column_double(s, i));
        effects_put(rows, "\n");
    }
    return rc;
}

static void attempt(struct attempt *a, const struct scene *scene, const char *sql,
                    const char *readahead, enum faults kind, int64_t number, int lasting)
{
    sqlite3_stmt *s = NULL;
    *a = (struct attempt){ .rc = 0 };
    effects_put(&a->rows, "%s", "");
    sqlite3 *db = open_scene(scene, readahead);
    faults_arm(kind, number, lasting);
    a->rc = sqlite3_prepare_v2(db, sql, -1, &s, NULL);
    if (a->rc == SQLITE_OK)
        a->rc = step_all(s, &a->rows);
    a->operations = faults_disarm();
    snprintf(a->message, sizeof a->message, "%s", sqlite3_errmsg(db));
    sqlite3_finalize(s);
    a->autocommit = sqlite3_get_autocommit(db);
    snprintf(a->tables, sizeof a->tables, "%s", text_of(db, TABLES));
    expect(db, "PRAGMA integrity_check", "ok");
    if (!a->autocommit)
        run(db, "COMMIT");
    run(db, "SELECT avg(" F ") FROM r; UPDATE r SET k = k + 1"); /* the connection is of use */
    extension_close(db);
}

/* The errors that statements end with for a kind of fault, with and without read-ahead. */
static int is_of_kind(enum faults kind, int rc)
{
    static const int codes[][3] = { [FAULTS_OF_DISK] = { SQLITE_IOERR, SQLITE_CANTOPEN },
                                    [FAULTS_OF_SPACE] = { SQLITE_IOERR, SQLITE_CANTOPEN,
                                                          SQLITE_FULL },
                                    [FAULTS_OF_MEMORY] = { SQLITE_NOMEM } };
    return rc == codes[kind][0] || rc == codes[kind][1] || rc == codes[kind][2];
}

static void check(const struct attempt *a, const struct attempt *whole, const char *before,
                  const char *pristine, enum faults kind, const struct scene *scene,
                  const char *what)
{
    const int autocommit = scene->begin == NULL;
    if (a->rc == SQLITE_DONE) {
        if (strcmp(a->rows.text, whole->rows.text) || strcmp(a->tables, whole->tables) ||
            a->autocommit != autocommit)
            fail_msg("%s: succeeds, but with other results: %s; autocommit %d", what, a->tables,
                     a->autocommit);
        return;
    }
    if (!is_of_kind(kind, a->rc & 0xff))
        fail_msg("%s: code %d, \"%s\"", what, a->rc, a->message);
    if (!*a->message || strcmp(a->message, "not an error") == 0)
        fail_msg("%s: code %d without a message", what, a->rc);
    if (strcmp(a->tables, a->autocommit == autocommit ? before : pristine))
        fail_msg("%s: code %d, \"%s\", autocommit %d, leaves %s", what, a->rc, a->message,
                 a->autocommit, a->tables);
}

static void every_fault(enum faults kind, const struct scene *scene, const char *sql)
{
    const char *const modes[] = { "off", "eager" };
    struct attempt whole[2], nothing;
    char pristine[300];
    const char *asked = getenv("READAHEAD_FAULTS");
    const int64_t points = asked ? strtoll(asked, NULL, 10) : 5;
    attempt(&nothing, &(struct scene){ "delete", NULL }, "SELECT 1", "off", kind, 0, 0);
    snprintf(pristine, sizeof pristine, "%s", nothing.tables);
    free(nothing.rows.text);
    attempt(&nothing, scene, "SELECT 1", "off", kind, 0, 0);
    for (int mode = 0; mode < 2; mode++) {
        attempt(&whole[mode], scene, sql, modes[mode], kind, 0, 0);
        assert_int_equal(whole[mode].rc, SQLITE_DONE);
        assert_string_equal(whole[mode].rows.text, whole[0].rows.text);
        assert_string_equal(whole[mode].tables, whole[0].tables);
        const int64_t all = whole[mode].operations, step = all > points ? all / points : 1;
        for (int64_t number = 1; number <= all; number += step)
            for (int lasting = 0; lasting < 2; lasting++) {
                char what[300];
                struct attempt a;
                snprintf(what, sizeof what, "%s; %s: %s, read-ahead %s, fault %d of kind %d at %d",
                         scene->journal, scene->begin ? scene->begin : "", sql, modes[mode],
                         lasting, (int)kind, (int)number);
                attempt(&a, scene, sql, modes[mode], kind, number, lasting);
                check(&a, whole, nothing.tables, pristine, kind, scene, what);
                free(a.rows.text);
            }
    }
    free(whole[0].rows.text);
    free(whole[1].rows.text);
    free(nothing.rows.text);
}

static void every_scene(enum faults kind)
{
    for (size_t i = 0; i < COUNT(scenes); i++)
        for (size_t j = 0; j < COUNT(statements); j++)
            every_fault(kind, &scenes[i], statements[j]);
}

static void a_disk_that_fails_is_never_silent(void **state)
{
    (void)state;
    every_scene(FAULTS_OF_DISK);
}

static void a_full_disk_is_never_silent(void **state)
{
    (void)state;
    every_scene(FAULTS_OF_SPACE);
}

static void want_of_memory_is_never_silent(void **state)
{
    (void)state;
    every_scene(FAULTS_OF_MEMORY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_disk_that_fails_is_never_silent),
        cmocka_unit_test(a_full_disk_is_never_silent),
        cmocka_unit_test(want_of_memory_is_never_silent),
    };
    faults_install();
    return cmocka_run_group_tests(tests, open_all, close_all);
}
