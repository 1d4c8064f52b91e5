/* Rows from databases and CSV files (train/rows.h). */
#include "train/rows.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static char folder[] = "/tmp/test_rows_XXXXXX";

/* A path in the test's folder; holds until the eighth call after it. */
static const char *in_folder(const char *name)
{
    static char paths[8][200];
    static int next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof *paths, "%s/%s", folder, name);
    return path;
}

static const char *written(const char *name, const char *bytes, size_t size)
{
    const char *path = in_folder(name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
    return path;
}

static const char *database(const char *name, const char *sql)
{
    const char *path = in_folder(name);
    sqlite3 *db;
    unlink(path);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    return path;
}

static void assert_fails(const struct rows_source *source, const char *message)
{
    struct rows rows;
    struct lstm_error err = { 0 };
    assert_int_not_equal(rows_read(source, &rows, &err), LSTM_OK);
    if (!strstr(err.text, message))
        fail_msg("\"%s\", expected \"%s\"", err.text, message);
    assert_null(rows.rows);
    assert_null(rows.blocks);
    assert_int_equal(rows.count, 0);
}

static void assert_row(const struct rows *rows, int32_t at, const char *text, const char *label)
{
    assert_true(at < rows->count);
    assert_string_equal(rows->rows[at].text, text);
    assert_int_equal(rows->rows[at].size, strlen(text));
    if (label)
        assert_string_equal(rows->rows[at].label, label);
    else
        assert_null(rows->rows[at].label);
}

static void csv_keeps_quotes_commas_and_line_breaks_of_quoted_fields(void **state)
{
    static const struct {
        const char *csv, *text, *label;
    } cases[] = {
        { "label,text\n1,plain\n", "plain", "1" },
        { "label,text\r\n1,plain\r\n", "plain", "1" },
        { "label,text\n1,no line feed at the end", "no line feed at the end", "1" },
        { "\xef\xbb\xbflabel,text\n1,marked\n", "marked", "1" },
        { "\xef\xbb\xbf\"label\",\"text\"\n1,marked and quoted\n", "marked and quoted", "1" },
        { "label,text\n1,\"a, b\"\n", "a, b", "1" },
        { "label,text\n1,\"say \"\"hi\"\"\"\n", "say \"hi\"", "1" },
        { "label,text\n1,\"two\nlines\"\n", "two\nlines", "1" },
        { "label,text\r\n1,\"two\r\nlines\"\r\n", "two\r\nlines", "1" },
        { "label,text\n1,5\" nails\n", "5\" nails", "1" },
        { "label,text\n1,a\rb\n", "a\rb", "1" },
        { "label,text\n1,ends in \r", "ends in \r", "1" },
        { "text,\"la,bel\",label\n\"\",x,\"\"\n", "", "" },
        { "text,other,label\nt,,very good\n", "t", "very good" },
        { "\n\nlabel,text\n\r\n1,blank lines around\n\n", "blank lines around", "1" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *path = written("case.csv", cases[i].csv, strlen(cases[i].csv));
        struct rows_source source = { .csv = path, .text_column = "text", .label_column = "label" };
        struct rows rows;
        struct lstm_error err = { 0 };
        if (rows_read(&source, &rows, &err))
            fail_msg("case %zu: %s", i, err.text);
        assert_int_equal(rows.count, 1);
        assert_row(&rows, 0, cases[i].text, cases[i].label);
        rows_free(&rows);
    }
}

static void csv_errors_name_the_file_and_the_line(void **state)
{
    static const struct {
        const char *csv, *message;
    } cases[] = {
        { "", "case.csv is empty, expected a line of column names" },
        { "label,words\n1,a\n", "case.csv has no column text, it has: label, words" },
        { "text,words\n1,a\n", "case.csv has no column label, it has: text, words" },
        { "label,text\n1,a\n2\n", "case.csv:3: 1 fields, expected 2 as in the first line" },
        { "label,text\n1,\"a\nb\"\n\n2,a,b\n",
          "case.csv:5: 3 fields, expected 2 as in the first line" },
        { "label,text\n1,\"a\"b\n",
          "case.csv:2: a closing quote is followed by text, expected a comma" },
        { "label,text\n1,a\n1,\"a\nb\n", "case.csv:3: a quoted field has no end" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *path = written("case.csv", cases[i].csv, strlen(cases[i].csv));
        assert_fails(
            &(struct rows_source){ .csv = path, .text_column = "text", .label_column = "label" },
            cases[i].message);
    }
    assert_fails(&(struct rows_source){ .csv = in_folder("absent.csv"), .text_column = "text" },
                 "absent.csv: No such file or directory");
    assert_fails(&(struct rows_source){ .csv = folder, .text_column = "text" }, "Is a directory");
}

static void compress(const char *path)
{
    pid_t child = fork();
    int status = -1;
    if (!child) {
        execlp("xz", "xz", "-f", "--", path, (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* More than a block and more than any buffer, so that every edge is crossed. */
static void long_and_many_rows_come_through_xz_whole(void **state)
{
    enum { LONG = 3 << 20, ROWS = 20000 };
    const char *plain = in_folder("o'ne $(two).csv"), *packed = in_folder("o'ne $(two).csv.xz");
    FILE *file = fopen(plain, "wb");
    (void)state;
    assert_non_null(file);
    fprintf(file, "text,label\n\"");
    for (int i = 0; i < LONG; i++)
        fputc('a' + i % 26, file);
    fprintf(file, "\",0\n");
    for (int i = 0; i < ROWS; i++)
        fprintf(file, "\"row %d, %0100d\n\",%d\n", i, i, i % 7);
    fclose(file);
    compress(plain);

    struct rows_source source = { .csv = packed, .text_column = "text", .label_column = "label" };
    struct rows rows;
    struct lstm_error err = { 0 };
    if (rows_read(&source, &rows, &err))
        fail_msg("%s", err.text);
    assert_int_equal(rows.count, ROWS + 1);
    assert_int_equal(rows.rows[0].size, LONG);
    assert_int_equal(rows.rows[0].text[LONG - 1], 'a' + (LONG - 1) % 26);
    for (int i = 0; i < ROWS; i++) {
        char text[160], label[16];
        snprintf(text, sizeof text, "row %d, %0100d\n", i, i);
        snprintf(label, sizeof label, "%d", i % 7);
        assert_row(&rows, i + 1, text, label);
    }
    rows_free(&rows);
}

static void a_broken_xz_file_is_an_error_not_fewer_rows(void **state)
{
    static char bytes[1 << 16];
    const char *plain = in_folder("cut.csv"), *packed = in_folder("cut.csv.xz");
    FILE *file = fopen(plain, "wb");
    (void)state;
    assert_non_null(file);
    fprintf(file, "text\n");
    for (unsigned i = 0; i < 5000; i++)
        fprintf(file, "%u\n", i * 2654435761u);
    fclose(file);
    compress(plain);
    file = fopen(packed, "rb");
    assert_non_null(file);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    assert_in_range(size, 1000, sizeof bytes - 1);
    written("cut.csv.xz", bytes, size - 500);
    assert_fails(&(struct rows_source){ .csv = packed, .text_column = "text" },
                 "xz could not decompress it");
    assert_fails(&(struct rows_source){ .csv = written("not.csv.xz", "text\na\n", 7),
                                        .text_column = "text" },
                 "xz could not decompress it");
}

static void a_query_gives_texts_of_any_type_and_skips_null(void **state)
{
    const char *path = database(
        "typed.db", "CREATE TABLE t(a, b);"
                    "INSERT INTO t VALUES ('text', 'good'), (NULL, 'lost'), ('lost', NULL),"
                    "(12, 1), (x'ff00', 2.5), ('', '')");
    struct rows_source source = { .database = path,
                                  .query = "SELECT a, b FROM t ORDER BY rowid; -- that is all\n" };
    struct rows rows;
    struct lstm_error err = { 0 };
    (void)state;
    if (rows_read(&source, &rows, &err))
        fail_msg("%s", err.text);
    assert_int_equal(rows.count, 4);
    assert_int_equal(rows.skipped, 2);
    assert_row(&rows, 0, "text", "good");
    assert_row(&rows, 1, "12", "1");
    assert_int_equal(rows.rows[2].size, 2);
    assert_memory_equal(rows.rows[2].text, "\xff\0", 3);
    assert_string_equal(rows.rows[2].label, "2.5");
    assert_row(&rows, 3, "", "");
    assert_null(rows.keys);
    rows_free(&rows);

    source.query = "SELECT a, b, rowid + 70 FROM t ORDER BY rowid";
    assert_int_equal(rows_read(&source, &rows, &err), LSTM_OK);
    assert_row(&rows, 1, "12", "1");
    assert_string_equal(rows.keys[1], "74");
    rows_free(&rows);

    source.query = "SELECT b FROM t";
    assert_int_equal(rows_read(&source, &rows, &err), LSTM_OK);
    assert_int_equal(rows.count, 5);
    assert_int_equal(rows.skipped, 1);
    assert_row(&rows, 0, "good", NULL);
    rows_free(&rows);
}

static void only_one_statement_that_reads_is_run(void **state)
{
    static const struct {
        const char *query, *message;
    } cases[] = {
        { "SELECT a, b, a, b FROM t",
          "the query gives 4 columns, expected 1 to 3: text, label, key" },
        { "DELETE FROM t RETURNING a", "the query would write" },
        { "SELECT a FROM t; DELETE FROM t", "the query is more than one statement" },
        { "SELECT a FROM t; nonsense", "the query is more than one statement" },
        { "BEGIN", "the query gives 0 columns" },
        { "", "the query is empty" },
        { " -- nothing\n", "the query is empty" },
        { "SELECT c FROM t", "reading.db: no such column: c" },
        { "SELECT abs(-9223372036854775807 - 1)", "reading.db: integer overflow" },
    };
    const char *path =
        database("reading.db", "CREATE TABLE t(a, b); INSERT INTO t VALUES ('text', 'good')");
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_fails(&(struct rows_source){ .database = path, .query = cases[i].query },
                     cases[i].message);
    struct rows rows;
    assert_int_equal(
        rows_read(&(struct rows_source){ .database = path, .query = "SELECT a FROM t" }, &rows,
                  NULL),
        0);
    assert_int_equal(rows.count, 1);
    rows_free(&rows);
}

static void a_database_that_is_not_there_is_not_made(void **state)
{
    const char *path = in_folder("absent.db");
    const char *text = written("text.db", "not a database, but long enough to be one", 41);
    (void)state;
    assert_fails(&(struct rows_source){ .database = path, .query = "SELECT 1" },
                 "absent.db: unable to open database file");
    assert_int_equal(access(path, F_OK), -1);
    assert_fails(&(struct rows_source){ .database = text, .query = "SELECT 1 FROM t" },
                 "file is not a database");
}

static void a_source_is_one_thing_and_whole(void **state)
{
    static const struct rows_source sources[] = {
        { 0 },
        { .database = "a" },
        { .query = "a" },
        { .csv = "a" },
        { .text_column = "a" },
        { .database = "a", .query = "a", .csv = "a", .text_column = "a" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(sources); i++)
        assert_fails(&sources[i],
                     "--db FILE with --sql SELECT, or from --csv FILE with --text COLUMN");
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    char command[sizeof folder + 16];
    (void)state;
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv_keeps_quotes_commas_and_line_breaks_of_quoted_fields),
        cmocka_unit_test(csv_errors_name_the_file_and_the_line),
        cmocka_unit_test(long_and_many_rows_come_through_xz_whole),
        cmocka_unit_test(a_broken_xz_file_is_an_error_not_fewer_rows),
        cmocka_unit_test(a_query_gives_texts_of_any_type_and_skips_null),
        cmocka_unit_test(only_one_statement_that_reads_is_run),
        cmocka_unit_test(a_database_that_is_not_there_is_not_made),
        cmocka_unit_test(a_source_is_one_thing_and_whole),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
