/* How good a classifier's answers are. */
#include "train/eval.h"
#include "train/measure.h"
#include "train/progress.h"
#include "train/report.h"

#include <math.h>
#include <stdio.h>

static const char scored_sql[] =
    "CREATE TEMP TABLE scored(label, tokens INTEGER, answer, confidence REAL)";

/* One SELECT over all rows, as a user would write it; its answers are taken apart by a second
 * statement. */
static enum lstm_status score(sqlite3 *db, const char *model, int64_t tokens,
                              struct lstm_error *err)
{
    enum lstm_status rc = LSTM_OK;
    sqlite3_stmt *select = NULL, *insert = NULL;
    struct progress progress;
    int64_t done = 0;
    int step;
    if (sqlite3_prepare_v2(db,
                           "SELECT label, tokens, lstm_classify(text, ?1) FROM given ORDER BY id",
                           -1, &select, NULL) ||
        sqlite3_prepare_v2(
            db,
            "INSERT INTO scored VALUES"
            " (?1, ?2, json_extract(?3, '$.label'), json_extract(?3, '$.confidence'))",
            -1, &insert, NULL)) {
        rc = measure_failed(db, err);
        goto done;
    }
    sqlite3_bind_text(select, 1, model, -1, SQLITE_STATIC);
    progress_begin(&progress, "scoring", tokens);
    while ((step = sqlite3_step(select)) == SQLITE_ROW) {
        for (int i = 0; i < 3; i++)
            sqlite3_bind_value(insert, i + 1, sqlite3_column_value(select, i));
        if (sqlite3_step(insert) != SQLITE_DONE) {
            rc = measure_failed(db, err);
            goto done;
        }
        sqlite3_reset(insert);
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

/* Data sets write 0 and 1 for negative and positive; a row without an answer (no token in it)
 * counts as wrong. */
static const char mark_sql[] =
    "UPDATE scored SET label = iif(label = '1', 'positive', 'negative') WHERE label IN ('0', '1')"
    " AND NOT EXISTS (SELECT 1 FROM scored WHERE answer NOT IN ('negative', 'positive'));"
    "ALTER TABLE scored ADD COLUMN correct INTEGER AS (answer IS label)";

static const char *const report_sql[] = {
    "SELECT coalesce(?1, 'default') AS model, substr(lstm_model_sha256(?1), 1, 12) AS sha256,"
    " sum(tokens) AS tokens, count(*) AS rows, sum(answer IS NULL) AS unanswered FROM scored",

    /* Expected calibration error (Guo et al. 2017): 15 bins of confidence. */
    "SELECT printf('%.4f', avg(correct)) AS accuracy,"
    " (SELECT printf('%.4f', avg(recall)) FROM (SELECT avg(correct) AS recall FROM scored GROUP BY "
    "label)) AS balanced,"
    " (SELECT printf('%.4f', sum(abs(gap)) / (SELECT count(*) FROM scored WHERE answer IS NOT "
    "NULL))"
    "  FROM (SELECT sum(confidence - correct) AS gap FROM scored WHERE answer IS NOT NULL"
    "        GROUP BY min(14, CAST(15 * confidence AS INTEGER)))) AS \"calibration error\" FROM "
    "scored",

    "SELECT CASE WHEN tokens <= 128 THEN 'up to 128' WHEN tokens <= 256 THEN '129 to 256'"
    " WHEN tokens <= 512 THEN '257 to 512' ELSE 'more' END AS tokens, count(*) AS rows,"
    " printf('%.4f', avg(correct)) AS accuracy FROM scored GROUP BY 1 ORDER BY min(scored.tokens)",

    "SELECT label, answer, count(*) AS rows FROM scored GROUP BY label, answer ORDER BY label, "
    "answer",
};

static enum lstm_status check_labels(sqlite3 *db, struct lstm_error *err)
{
    enum lstm_status rc = LSTM_OK;
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(db,
                           "SELECT sum(correct), (SELECT label FROM scored WHERE NOT correct),"
                           " (SELECT answer FROM scored WHERE NOT correct) FROM scored",
                           -1, &stmt, NULL) ||
        sqlite3_step(stmt) != SQLITE_ROW)
        rc = measure_failed(db, err);
    else if (sqlite3_column_int64(stmt, 0) == 0)
        rc = lstm_fail(err, LSTM_MISMATCH,
                       "no row has the label that the model gives it (label %.60s, answer %.60s): "
                       "are these labels that it knows?",
                       (const char *)sqlite3_column_text(stmt, 1),
                       (const char *)sqlite3_column_text(stmt, 2));
    sqlite3_finalize(stmt);
    return rc;
}

static enum lstm_status report(sqlite3 *db, const char *model, struct lstm_error *err)
{
    enum lstm_status rc = measure_run(db, mark_sql, err);
    if (!rc)
        rc = check_labels(db, err);
    for (size_t i = 0; i < sizeof report_sql / sizeof *report_sql && !rc; i++) {
        if (i)
            putchar('\n');
        rc = report_query(db, report_sql[i], model, err);
    }
    return rc;
}

enum lstm_status eval_classes(sqlite3 *db, const struct eval *eval, int64_t tokens,
                              struct lstm_error *err)
{
    enum lstm_status rc = measure_run(db, scored_sql, err);
    if (rc || (rc = score(db, eval->model, tokens, err)))
        return rc;
    return report(db, eval->model, err);
}
