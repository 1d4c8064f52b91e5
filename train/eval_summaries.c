/* How good a summariser's summaries are. */
#include "train/eval.h"
#include "train/measure.h"
#include "train/progress.h"
#include "train/report.h"
#include "train/rouge.h"

#include <math.h>
#include <stdio.h>

static struct rouge_text text_of(sqlite3_stmt *stmt, int column)
{
    const void *bytes = sqlite3_column_text(stmt, column);
    return (struct rouge_text){ bytes ? bytes : "", (size_t)sqlite3_column_bytes(stmt, column) };
}

/* Takes one row of the select: id, tokens, reference, output, text. */
static enum lstm_status compare(sqlite3_stmt *select, sqlite3_stmt *insert, struct lstm_error *err)
{
    const struct rouge_text reference = text_of(select, 2), output = text_of(select, 3),
                            source = text_of(select, 4);
    struct rouge rouge;
    enum lstm_status rc = rouge_score(&reference, &output, &source, &rouge, err);
    if (rc)
        return rc;
    sqlite3_bind_value(insert, 1, sqlite3_column_value(select, 0));
    sqlite3_bind_value(insert, 2, sqlite3_column_value(select, 3));
    sqlite3_bind_double(insert, 3, rouge.one);
    sqlite3_bind_double(insert, 4, rouge.two);
    sqlite3_bind_double(insert, 5, rouge.l);
    sqlite3_bind_int(insert, 6, rouge.words);
    sqlite3_bind_int(insert, 7, rouge.novel);
    if (sqlite3_step(insert) != SQLITE_DONE)
        return measure_failed(sqlite3_db_handle(insert), err);
    sqlite3_reset(insert);
    return LSTM_OK;
}

static const char written_sql[] = "CREATE TEMP TABLE written(id INTEGER PRIMARY KEY, output, one "
                                  "REAL, two REAL, l REAL, words INTEGER,"
                                  " novel INTEGER)";

/* The model's name goes into the options. */
static const char select_sql[] =
    "SELECT id, tokens, label, lstm_summarize(text, json_set(coalesce(?2, '{}'), '$.model', ?1)),"
    " text FROM given ORDER BY id";

/* One SELECT over all rows, as a user would write it. */
static enum lstm_status summarise(sqlite3 *db, const struct eval *eval, int64_t tokens,
                                  struct lstm_error *err)
{
    enum lstm_status rc = LSTM_OK;
    sqlite3_stmt *select = NULL, *insert = NULL;
    struct progress progress;
    int64_t done = 0;
    int step = SQLITE_DONE;
    if (sqlite3_prepare_v2(db, select_sql, -1, &select, NULL) ||
        sqlite3_prepare_v2(db, "INSERT INTO written VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)", -1,
                           &insert, NULL)) {
        rc = measure_failed(db, err);
        goto done;
    }
    sqlite3_bind_text(select, 1, eval->model, -1, SQLITE_STATIC);
    sqlite3_bind_text(select, 2, eval->options, -1, SQLITE_STATIC);
    progress_begin(&progress, "summarizing", tokens);
    while ((step = sqlite3_step(select)) == SQLITE_ROW) {
        if ((rc = compare(select, insert, err)))
            goto done;
        done += sqlite3_column_int64(select, 1);
        progress_step(&progress, done, NAN);
    }
    if (step != SQLITE_DONE)
        rc = measure_failed(db, err);
    else
        progress_end(&progress, "done");
done:
    sqlite3_finalize(select);
    sqlite3_finalize(insert);
    return rc;
}

/* A row without a summary (no token in its text) counts as an empty one. */
static const char *const report_sql[] = {
    "SELECT ?1 AS model, (SELECT sum(tokens) FROM given) AS tokens, count(*) "
    "AS rows,"
    " sum(output IS NULL) AS unanswered FROM written",

    "SELECT printf('%.2f', 100 * avg(one)) AS \"ROUGE-1\", printf('%.2f', 100 * avg(two)) AS "
    "\"ROUGE-2\","
    " printf('%.2f', 100 * avg(l)) AS \"ROUGE-L\" FROM written",

    "SELECT count(DISTINCT output) AS distinct_outputs,"
    " printf('%.1f%%', 100.0 * sum(novel) / max(1, sum(words))) AS novel_words,"
    " printf('%.1f', avg(words)) AS words FROM written",

    "SELECT count(*) AS times, output AS \"most frequent outputs\" FROM written GROUP BY output "
    "HAVING count(*) > 1"
    " ORDER BY 1 DESC, 2 LIMIT 5",
};

static enum lstm_status report(sqlite3 *db, const struct eval *eval, struct lstm_error *err)
{
    enum lstm_status rc = LSTM_OK;
    char examples[200];
    for (size_t i = 0; i < sizeof report_sql / sizeof *report_sql && !rc; i++) {
        if (i)
            putchar('\n');
        rc = report_query(db, report_sql[i], eval->model, err);
    }
    if (rc || eval->examples == 0)
        return rc;
    snprintf(examples, sizeof examples,
             "SELECT label AS summary, output FROM written JOIN given USING (id)"
             " WHERE id %% max(1, (SELECT count(*) FROM given) / %d) = 0 LIMIT %d",
             eval->examples, eval->examples);
    putchar('\n');
    return report_query(db, examples, NULL, err);
}

enum lstm_status eval_summaries(sqlite3 *db, const struct eval *eval, int64_t tokens,
                                struct lstm_error *err)
{
    enum lstm_status rc = measure_run(db, written_sql, err);
    if (rc || (rc = summarise(db, eval, tokens, err)))
        return rc;
    return report(db, eval, err);
}
