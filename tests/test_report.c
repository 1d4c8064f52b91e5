/* Tables on stdout (train/report.h). */
#include "train/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What the query prints, or the error's text. */
static const char *printed(const char *sql, const char *argument)
{
    static char text[4096];
    struct lstm_error err = { 0 };
    sqlite3 *db;
    FILE *caught = tmpfile();
    assert_non_null(caught);
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    fflush(stdout);
    int real = dup(STDOUT_FILENO);
    dup2(fileno(caught), STDOUT_FILENO);
    enum lstm_status rc = report_query(db, sql, argument, &err);
    fflush(stdout);
    dup2(real, STDOUT_FILENO);
    close(real);
    rewind(caught);
    text[fread(text, 1, sizeof text - 1, caught)] = '\0';
    fclose(caught);
    sqlite3_close(db);
    if (rc)
        strcpy(text, err.text);
    return text;
}

static void words_stand_left_and_numbers_right(void **state)
{
    (void)state;
    assert_string_equal(
        printed("VALUES ('pear', 7, NULL), ('fig', 123456789, 0.25), ('\xc3\xa9t\xc3\xa9', -1, 12)",
                NULL),
        "column1    column2  column3\n"
        "pear             7        -\n"
        "fig      123456789     0.25\n"
        "\xc3\xa9t\xc3\xa9             -1       12\n");
}

static void a_query_without_rows_prints_its_columns(void **state)
{
    (void)state;
    assert_string_equal(printed("SELECT 1 AS one, 'b' AS two WHERE 0", NULL), "one  two\n");
}

static void the_argument_is_bound(void **state)
{
    (void)state;
    assert_string_equal(printed("SELECT ?1 AS given", "it's"), "given\nit's\n");
    assert_string_equal(printed("SELECT coalesce(?1, 'nothing') AS given", NULL),
                        "given\nnothing\n");
}

static void what_would_disturb_a_terminal_is_a_space(void **state)
{
    (void)state;
    assert_string_equal(printed("SELECT 'a' || char(10) || 'b' || char(27) || '[2J' AS text", NULL),
                        "text\na b [2J\n");
    /* U+009B begins a sequence as ESC [ does; letters of the same lead byte stay */
    assert_string_equal(
        printed("SELECT 'a' || char(155) || '2J ' || char(160) || char(191) AS text", NULL),
        "text\na 2J \xc2\xa0\xc2\xbf\n");
}

static void errors_are_those_of_sqlite(void **state)
{
    (void)state;
    assert_string_equal(printed("SELECT absent", NULL), "no such column: absent");
    assert_string_equal(printed("SELECT abs(-9223372036854775807 - 1) AS a", NULL),
                        "integer overflow");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_stand_left_and_numbers_right),
        cmocka_unit_test(a_query_without_rows_prints_its_columns),
        cmocka_unit_test(the_argument_is_bound),
        cmocka_unit_test(what_would_disturb_a_terminal_is_a_space),
        cmocka_unit_test(errors_are_those_of_sqlite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
