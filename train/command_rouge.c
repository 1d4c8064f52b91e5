/* lstm-train rouge: references and outputs in, how much of the one the other says out, as a table.
 */
#include "train/commands.h"
#include "train/options.h"
#include "train/rouge.h"

#include <sqlite3.h>
#include <stdio.h>

enum { COLUMNS = 4, BUSY_MS = 60000 /* for another writer to finish */ };

struct settings {
    const char *database, *query, *table;
    int help;
};

static enum lstm_status failed(const struct settings *s, sqlite3 *db, struct lstm_error *err)
{
    return lstm_fail(err, LSTM_UNAVAILABLE, "%s: %s", s->database, sqlite3_errmsg(db));
}

/* The table is made by the transaction that fills it. */
static enum lstm_status begin(const struct settings *s, sqlite3 *db, sqlite3_stmt **insert,
                              struct lstm_error *err)
{
    char *create = sqlite3_mprintf("BEGIN IMMEDIATE; CREATE TABLE \"%w\"(key, one REAL, two REAL, "
                                   "l REAL, words INTEGER, novel INTEGER, numbers INTEGER, "
                                   "repeats INTEGER)",
                                   s->table);
    char *sql =
        sqlite3_mprintf("INSERT INTO \"%w\" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)", s->table);
    enum lstm_status rc = LSTM_OK;
    if (!create || !sql)
        rc = lstm_fail(err, LSTM_NOMEM, "out of memory");
    else if (sqlite3_exec(db, create, NULL, NULL, NULL) ||
             sqlite3_prepare_v2(db, sql, -1, insert, NULL))
        rc = failed(s, db, err);
    sqlite3_free(create);
    sqlite3_free(sql);
    return rc;
}

static struct rouge_text text_of(sqlite3_stmt *select, int column)
{
    const void *bytes = sqlite3_column_text(select, column);
    return (struct rouge_text){ bytes ? bytes : "", (size_t)sqlite3_column_bytes(select, column) };
}

static enum lstm_status compare(const struct settings *s, sqlite3 *db, sqlite3_stmt *select,
                                sqlite3_stmt *insert, struct lstm_error *err)
{
    const struct rouge_text reference = text_of(select, 1), output = text_of(select, 2),
                            source = text_of(select, 3);
    struct rouge rouge;
    enum lstm_status rc = rouge_score(&reference, &output, &source, &rouge, err);
    if (rc)
        return rc;
    const double scores[] = { rouge.one, rouge.two, rouge.l };
    const int32_t counts[] = { rouge.words, rouge.novel, rouge.numbers, rouge.repeats };
    int column = 1;
    sqlite3_bind_value(insert, column++, sqlite3_column_value(select, 0));
    for (size_t i = 0; i < sizeof scores / sizeof *scores; i++)
        sqlite3_bind_double(insert, column++, scores[i]);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        sqlite3_bind_int(insert, column++, counts[i]);
    if (sqlite3_step(insert) != SQLITE_DONE)
        return failed(s, db, err);
    sqlite3_reset(insert);
    return LSTM_OK;
}

static enum lstm_status fill(const struct settings *s, sqlite3 *db, struct lstm_error *err)
{
    sqlite3_stmt *select = NULL, *insert = NULL;
    int step = SQLITE_DONE;
    int64_t count = 0;
    enum lstm_status rc = LSTM_OK;
    sqlite3_busy_timeout(db, BUSY_MS);
    if (sqlite3_prepare_v2(db, s->query, -1, &select, NULL))
        rc = failed(s, db, err);
    else if (sqlite3_column_count(select) != COLUMNS || !sqlite3_stmt_readonly(select))
        rc = lstm_fail(err, LSTM_RANGE,
                       "--sql has to be a SELECT of %d columns: key, reference, output, source",
                       COLUMNS);
    else
        rc = begin(s, db, &insert, err);
    while (!rc && (step = sqlite3_step(select)) == SQLITE_ROW) {
        rc = compare(s, db, select, insert, err);
        count++;
    }
    if (!rc && step != SQLITE_DONE)
        rc = failed(s, db, err);
    sqlite3_finalize(select);
    sqlite3_finalize(insert);
    if (!rc && sqlite3_exec(db, "COMMIT", NULL, NULL, NULL))
        rc = failed(s, db, err);
    if (!rc)
        printf("%s: %lld outputs compared\n", s->table, (long long)count);
    return rc;
}

static enum lstm_status run(const struct settings *s, struct lstm_error *err)
{
    sqlite3 *db = NULL;
    enum lstm_status rc;
    if (!s->database || !s->query || !s->table)
        return lstm_fail(err, LSTM_RANGE, "%s is missing (see --help)",
                         !s->database ? "--db"
                         : !s->query  ? "--sql"
                                      : "--table");
    if (sqlite3_open_v2(s->database, &db, SQLITE_OPEN_READWRITE, NULL))
        rc = failed(s, db, err);
    else
        rc = fill(s, db, err);
    sqlite3_close(db); /* what was not committed is rolled back */
    return rc;
}

int command_rouge(int argc, char **argv)
{
    struct settings s = { 0 };
    const struct option_spec specs[] = {
        { "--db", OPTION_TEXT, &s.database, 0, 0, "a SQLite database" },
        { "--sql", OPTION_TEXT, &s.query, 0, 0, "SELECT key, reference, output, source" },
        { "--table", OPTION_TEXT, &s.table, 0, 0,
          "its new table: key, one, two, l (ROUGE F1), words, novel, numbers, repeats" },
        { "--help", OPTION_FLAG, &s.help, 0, 0, "this list" },
    };
    const size_t count = sizeof specs / sizeof *specs;
    struct lstm_error err;
    if (options_parse(argc, argv, specs, count, &err)) {
        fprintf(stderr, "lstm-train rouge: %s\n", err.text);
        return 2;
    }
    if (s.help) {
        printf("usage: lstm-train rouge --db FILE --sql SELECT --table NAME\n\n");
        options_help(specs, count);
        return 0;
    }
    if (run(&s, &err)) {
        fprintf(stderr, "lstm-train rouge: %s\n", err.text);
        return 1;
    }
    return 0;
}
