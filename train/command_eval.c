/* lstm-train eval: measures a model on rows whose labels or summaries are known. */
#include "train/commands.h"
#include "train/eval.h"
#include "train/measure.h"
#include "train/options.h"

#include <stdio.h>
#include <string.h>

struct settings {
    struct rows_source source;
    const char *summary_column, *models_db;
    struct eval eval;
    int help;
};

/* A model tells its task by what it refuses. */
static enum lstm_status is_summariser(sqlite3 *db, const char *model, int *answer,
                                      struct lstm_error *err)
{
    sqlite3_stmt *stmt = NULL;
    *answer = 0;
    if (!model) /* the classifier inside the extension */
        return LSTM_OK;
    enum lstm_status rc = LSTM_OK;
    if (sqlite3_prepare_v2(db, "SELECT lstm_summarize(NULL, ?1)", -1, &stmt, NULL) ||
        sqlite3_bind_text(stmt, 1, model, -1, SQLITE_STATIC))
        rc = measure_failed(db, err);
    else if (sqlite3_step(stmt) == SQLITE_ROW)
        *answer = 1;
    else if (!strstr(sqlite3_errmsg(db), "LSTM_ERR_TASK"))
        rc = measure_failed(db, err);
    sqlite3_finalize(stmt);
    return rc;
}

static enum lstm_status evaluate(const struct settings *settings, struct lstm_error *err)
{
    struct rows rows = { 0 };
    sqlite3 *db = NULL;
    int64_t tokens = 0;
    int summarises;
    enum lstm_status rc = measure_rows(
        &settings->source, "the query's second column, --label or --summary", &rows, err);
    if (rc || (rc = measure_open(settings->models_db, &db, err)) ||
        (rc = is_summariser(db, settings->eval.model, &summarises, err)))
        goto done;
    if (!summarises && settings->eval.options)
        rc = lstm_fail(err, LSTM_MISMATCH,
                       "--options is for summaries, but the model '%s' classifies: leave it out, "
                       "or name a summariser by --model",
                       settings->eval.model ? settings->eval.model : "default-sentiment");
    if (rc || (rc = measure_give(db, &rows, settings->eval.model, &tokens, err)))
        goto done;
    rows_free(&rows);
    rc = (summarises ? eval_summaries : eval_classes)(db, &settings->eval, tokens, err);
done:
    rows_free(&rows);
    sqlite3_close(db);
    return rc;
}

int command_eval(int argc, char **argv)
{
    struct settings s = { .eval.examples = 5 };
    const struct option_spec specs[] = {
        { "--db", OPTION_TEXT, &s.source.database, 0, 0, "a SQLite database, with --sql" },
        { "--sql", OPTION_TEXT, &s.source.query, 0, 0,
          "SELECT text, label [, key] ... or SELECT text, summary ..." },
        { "--csv", OPTION_TEXT, &s.source.csv, 0, 0, "a CSV file with a header line, also .xz" },
        { "--text", OPTION_TEXT, &s.source.text_column, 0, 0, "its column that holds the text" },
        { "--label", OPTION_TEXT, &s.source.label_column, 0, 0, "its column that holds the label" },
        { "--summary", OPTION_TEXT, &s.summary_column, 0, 0,
          "its column that holds the summary, instead of --label" },
        { "--model", OPTION_TEXT, &s.eval.model, 0, 0,
          "the model's name; without: default-sentiment, after --summary default-summarize" },
        { "--models-db", OPTION_TEXT, &s.models_db, 0, 0,
          "the database that holds the model; without: --db" },
        { "--options", OPTION_TEXT, &s.eval.options, 0, 0, "lstm_summarize's: {\"beam\": 4} ..." },
        { "--examples", OPTION_INT, &s.eval.examples, 0, 1000,
          "show so many wrong answers, or summaries beside their references" },
        { "--help", OPTION_FLAG, &s.help, 0, 0, "show this" },
    };
    const size_t count = sizeof specs / sizeof *specs;
    struct lstm_error err = { 0 };
    if (options_parse(argc, argv, specs, count, &err)) {
        fprintf(stderr, "lstm-train eval: %s\n", err.text);
        return 2;
    }
    if (s.help) {
        printf("usage: lstm-train eval --db FILE --sql SELECT | --csv FILE --text COLUMN --label "
               "COLUMN | --summary COLUMN [--option value]...\n\n");
        options_help(specs, count);
        return 0;
    }
    s.models_db = s.models_db ? s.models_db : s.source.database;
    if (s.summary_column && !s.eval.model)
        s.eval.model = "default-summarize";
    s.source.label_column = s.summary_column ? s.summary_column : s.source.label_column;
    if (evaluate(&s, &err)) {
        fprintf(stderr, "lstm-train eval: %s\n", err.text);
        return 1;
    }
    return 0;
}
