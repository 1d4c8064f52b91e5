/* Random statements with read-ahead and without: everything that shows has to be the same, bit for
 * bit. The number of statements is READAHEAD_STATEMENTS, a few thousand unless told. */
#include "tests/readahead_random.h"
#include "tests/twins.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { STATEMENTS = 2000, STATEMENTS_A_GROUP = 60 };

/* A statement that is left open between others. */
struct cursor {
    sqlite3_stmt *on, *off;
};

struct group {
    uint64_t seed;
    struct random_sql random;
    struct twins twins;
    struct effects on, off, history;
    struct cursor cursors[2];
    int64_t lookaheads;
};

/* CMocka cuts its messages at a thousand bytes. */
static void expect_same(struct group *group)
{
    const char *on = group->on.text ? group->on.text : "",
               *off = group->off.text ? group->off.text : "";
    if (strcmp(on, off) != 0) {
        fprintf(stderr, "%s\n--- off\n%s\n--- on\n%s\n", group->history.text, off, on);
        fail_msg("group %d: READAHEAD_GROUP=%d READAHEAD_STATEMENTS=1 runs it alone",
                 (int)group->seed, (int)group->seed);
    }
    group->on.size = group->off.size = 0;
}

static void run_both(struct group *group, const char *sql)
{
    effects_put(&group->history, "%s;\n", sql);
    effects_forget_results();
    effects_run(&group->off, group->twins.off, sql);
    effects_forget_results();
    effects_run(&group->on, group->twins.on, sql);
    expect_same(group);
}

static void close_cursor(struct group *group, struct cursor *cursor)
{
    sqlite3_finalize(cursor->on);
    sqlite3_finalize(cursor->off);
    *cursor = (struct cursor){ NULL, NULL };
    effects_connection(&group->on, group->twins.on);
    effects_connection(&group->off, group->twins.off);
}

/* Opens one, or goes on with it for some rows, or closes it. */
static void use_cursor(struct group *group)
{
    struct cursor *cursor = &group->cursors[random_below(&group->random, COUNT(group->cursors))];
    int rows = 1 + random_below(&group->random, 25), is_over = random_below(&group->random, 5) == 0;
    if (!cursor->on) {
        char *sql = random_select(&group->random);
        effects_put(&group->history, "(open) %s;\n", sql);
        sqlite3_prepare_v2(group->twins.on, sql, -1, &cursor->on, NULL);
        sqlite3_prepare_v2(group->twins.off, sql, -1, &cursor->off, NULL);
        sqlite3_free(sql);
        if (!cursor->on || !cursor->off)
            is_over = 1;
    }
    effects_put(&group->history, "(%d rows)\n", rows);
    effects_forget_results();
    for (int i = 0; !is_over && i < rows; i++)
        is_over = effects_step(&group->off, cursor->off) != SQLITE_ROW;
    effects_forget_results();
    for (int i = 0, on = SQLITE_ROW;
         cursor->on && i < rows && on == SQLITE_ROW && group->off.size > 0; i++)
        on = effects_step(&group->on, cursor->on);
    if (is_over || group->off.size == 0)
        close_cursor(group, cursor);
    expect_same(group);
}

/* Another connection writes, or finds a lock, on both. */
static void write_beside(struct group *group)
{
    sqlite3 *on = extension_open("a.db", 0), *off = extension_open("b.db", 0);
    effects_put(&group->history, "(beside) INSERT INTO log VALUES (1);\n");
    effects_put(&group->on, "%d", sqlite3_exec(on, "INSERT INTO log VALUES (1)", NULL, NULL, NULL));
    effects_put(&group->off, "%d",
                sqlite3_exec(off, "INSERT INTO log VALUES (1)", NULL, NULL, NULL));
    extension_close(on);
    extension_close(off);
    expect_same(group);
}

static void begin(struct group *group, int files)
{
    static const char *const pragmas[] = {
        "PRAGMA cache_size = 10; PRAGMA page_size = 512",
        "PRAGMA cache_size = 10; PRAGMA journal_mode = wal", "PRAGMA cache_size = 100",
        "PRAGMA temp_store = memory; PRAGMA recursive_triggers = on"
    };
    group->random = random_sql_begin(group->seed);
    char *schema = random_schema(&group->random);
    extension_folder();
    group->twins = twins_open(files, pragmas[random_below(&group->random, COUNT(pragmas))]);
    effects_put(&group->history, "%s\n", schema);
    twins_run(&group->twins, schema);
    sqlite3_free(schema);
}

static void end(struct group *group)
{
    static const char *const last[] = { "SELECT * FROM t0",
                                        "SELECT * FROM t1",
                                        "SELECT * FROM t2",
                                        "SELECT * FROM log",
                                        "SELECT name, sql FROM sqlite_master",
                                        "PRAGMA integrity_check" };
    for (size_t i = 0; i < COUNT(group->cursors); i++)
        close_cursor(group, &group->cursors[i]);
    for (size_t i = 0; i < COUNT(last); i++)
        run_both(group, last[i]);
    group->lookaheads = twins_counter(&group->twins, "lookaheads");
    twins_close(&group->twins);
    extension_folder_remove();
    free(group->on.text);
    free(group->off.text);
    free(group->history.text);
}

static int64_t run_group(uint64_t seed)
{
    struct group group = { .seed = seed };
    const int files = seed % 2 == 0;
    begin(&group, files);
    for (int i = 0; i < STATEMENTS_A_GROUP; i++) {
        int what = random_below(&group.random, 10);
        if (what < 2) {
            use_cursor(&group);
        } else if (what == 2 && files) {
            write_beside(&group);
        } else {
            char *sql = random_statement(&group.random);
            run_both(&group, sql);
            sqlite3_free(sql);
        }
    }
    end(&group);
    return group.lookaheads;
}

static void everything_is_as_without_read_ahead(void **state)
{
    const char *wanted = getenv("READAHEAD_STATEMENTS"), *from = getenv("READAHEAD_GROUP");
    const int statements = wanted ? atoi(wanted) : STATEMENTS;
    uint64_t seed = from ? strtoull(from, NULL, 10) : 1;
    int64_t lookaheads = 0;
    (void)state;
    for (int done = 0; done < statements; done += STATEMENTS_A_GROUP)
        lookaheads += run_group(seed++);
    print_message("%d statements, %d look-aheads\n", statements, (int)lookaheads);
    assert_true(10 * lookaheads > statements || from);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(everything_is_as_without_read_ahead) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
