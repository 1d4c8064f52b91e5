/* lstm-train compare: two classifiers on the same labelled rows. */
#include "train/answers.h"
#include "train/commands.h"
#include "train/mcnemar.h"
#include "train/measure.h"
#include "train/options.h"

#include <stdio.h>
#include <string.h>

struct settings {
    struct rows_source source;
    const char *models[2], *models_db;
    int32_t examples;
    int help;
};

static const char pairs_sql[] =
    "CREATE TEMP TABLE pairs AS SELECT a.id, a.key, a.label, a.text, a.answer AS first_answer,"
    " a.confidence AS first_confidence, a.correct AS first_right, b.answer AS second_answer,"
    " b.confidence AS second_confidence, b.correct AS second_right"
    " FROM scored AS a JOIN scored AS b USING (id) WHERE a.model = 1 AND b.model = 2";

/* Who is right where: the rows that one model alone gets right decide the test. */
static enum lstm_status report_test(sqlite3 *db, struct lstm_error *err)
{
    enum lstm_status rc = measure_run(db, pairs_sql, err);
    sqlite3_stmt *stmt = NULL;
    double p = 1;
    if (rc)
        return rc;
    if (sqlite3_prepare_v2(db,
                           "SELECT sum(first_right > second_right), sum(first_right < second_right)"
                           " FROM pairs",
                           -1, &stmt, NULL) ||
        sqlite3_step(stmt) != SQLITE_ROW)
        rc = measure_failed(db, err);
    else
        p = mcnemar_exact(sqlite3_column_int64(stmt, 0), sqlite3_column_int64(stmt, 1));
    sqlite3_finalize(stmt);
    if (rc)
        return rc;
    return answers_print(
        db,
        sqlite3_mprintf("SELECT sum(first_right AND second_right) AS \"both right\","
                        " sum(first_right > second_right) AS \"only the first\","
                        " sum(first_right < second_right) AS \"only the second\","
                        " sum(NOT first_right AND NOT second_right) AS \"both wrong\","
                        " printf('%%.4g', %.17g) AS \"McNemar's exact p\" FROM pairs",
                        p),
        err);
}

/* The rows on which both are surest and disagree. */
static enum lstm_status report_disagreements(sqlite3 *db, int32_t examples, struct lstm_error *err)
{
    if (!examples)
        return LSTM_OK;
    return answers_print(
        db,
        sqlite3_mprintf(
            "SELECT %slabel, first_answer AS first,"
            " printf('%%.3f', first_confidence) AS confidence, second_answer AS second,"
            " printf('%%.3f', second_confidence) AS confidence,"
            " " MEASURE_EXCERPT(
                "text") " AS text"
                        " FROM pairs WHERE first_answer <> second_answer"
                        " ORDER BY min(first_confidence, second_confidence) DESC, id LIMIT %d",
            measure_has_keys(db) ? "key, " : "", examples),
        err);
}

static enum lstm_status compare(const struct settings *s, struct lstm_error *err)
{
    struct rows rows = { 0 };
    sqlite3 *db = NULL;
    int64_t tokens;
    enum lstm_status rc =
        measure_rows(&s->source, "the query's second column, or --label", &rows, err);
    if (rc || (rc = measure_open(s->models_db, &db, err)) ||
        (rc = measure_give(db, &rows, s->models[0], &tokens, err)) ||
        (rc = answers_open(db, err)) || (rc = answers_add(db, s->models[0], tokens, err)) ||
        (rc = answers_add(db, s->models[1], tokens, err)) || (rc = answers_count(db, err)) ||
        (rc = answers_check(db, err)) || (rc = answers_report(db, err)) ||
        (rc = report_test(db, err)) || (rc = answers_report_bins(db, err)))
        goto done;
    rc = report_disagreements(db, s->examples, err);
done:
    rows_free(&rows);
    sqlite3_close(db);
    return rc;
}

int command_compare(int argc, char **argv)
{
    struct settings s = { .models = { NULL, "default-sentiment" }, .examples = 5 };
    const struct option_spec specs[] = {
        { "--db", OPTION_TEXT, &s.source.database, 0, 0, "a SQLite database, with --sql" },
        { "--sql", OPTION_TEXT, &s.source.query, 0, 0, "SELECT text, label [, key] ..." },
        { "--csv", OPTION_TEXT, &s.source.csv, 0, 0, "a CSV file with a header line, also .xz" },
        { "--text", OPTION_TEXT, &s.source.text_column, 0, 0, "its column that holds the text" },
        { "--label", OPTION_TEXT, &s.source.label_column, 0, 0, "its column that holds the label" },
        { "--model", OPTION_TEXT, &s.models[0], 0, 0, "the first model's name" },
        { "--with", OPTION_TEXT, &s.models[1], 0, 0, "the second model's name" },
        { "--models-db", OPTION_TEXT, &s.models_db, 0, 0,
          "the database that holds them; without: --db" },
        { "--examples", OPTION_INT, &s.examples, 0, 1000,
          "show so many rows on which they disagree" },
        { "--help", OPTION_FLAG, &s.help, 0, 0, "show this" },
    };
    const size_t count = sizeof specs / sizeof *specs;
    struct lstm_error err = { 0 };
    enum lstm_status rc = options_parse(argc, argv, specs, count, &err);
    if (!rc && !s.help && !s.models[0])
        rc = lstm_fail(&err, LSTM_RANGE, "which model? Give --model NAME, and --with NAME");
    if (!rc && !s.help && !strcmp(s.models[0], s.models[1]))
        rc = lstm_fail(&err, LSTM_RANGE, "--model and --with are both %s: name two models",
                       s.models[0]);
    if (rc) {
        fprintf(stderr, "lstm-train compare: %s\n", err.text);
        return 2;
    }
    if (s.help) {
        printf("usage: lstm-train compare --db FILE --sql SELECT | --csv FILE --text COLUMN "
               "--label COLUMN --model NAME [--with NAME] [--option value]...\n\n");
        options_help(specs, count);
        return 0;
    }
    s.models_db = s.models_db ? s.models_db : s.source.database;
    if (compare(&s, &err)) {
        fprintf(stderr, "lstm-train compare: %s\n", err.text);
        return 1;
    }
    return 0;
}
