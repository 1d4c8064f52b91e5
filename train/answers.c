#include "train/answers.h"

#include "train/measure.h"
#include "train/report.h"

#include <stdio.h>

/* More classes than MATRIX_MAX do not fit a screen as a matrix: the CONFUSIONS_MAX most frequent
 * confusions do. */
enum { MATRIX_MAX = 12, CONFUSIONS_MAX = 20 };

static const char tables_sql[] =
    "CREATE TEMP TABLE models(number INTEGER PRIMARY KEY, name, sha256);"
    "CREATE TEMP TABLE answers(model INTEGER, id INTEGER, answer, confidence REAL,"
    " PRIMARY KEY(model, id)) WITHOUT ROWID;"
    "CREATE TEMP VIEW scored AS SELECT model, id, key, text, label, tokens, answer, confidence,"
    " answer IS label AS correct FROM answers JOIN given USING (id)";

enum lstm_status answers_open(sqlite3 *db, struct lstm_error *err)
{
    return measure_run(db, tables_sql, err);
}

/* ---- scoring ---- */

static enum lstm_status take_answer(void *arg, sqlite3_stmt *select, struct lstm_error *err)
{
    sqlite3_stmt *insert = arg;
    sqlite3_bind_value(insert, 1, sqlite3_column_value(select, 0));
    sqlite3_bind_value(insert, 2, sqlite3_column_value(select, 2));
    if (sqlite3_step(insert) != SQLITE_DONE)
        return measure_failed(sqlite3_db_handle(insert), err);
    sqlite3_reset(insert);
    return LSTM_OK;
}

static enum lstm_status add_model(sqlite3 *db, const char *name, struct lstm_error *err)
{
    enum lstm_status rc = LSTM_OK;
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(db,
                           "INSERT INTO models(name, sha256)"
                           " VALUES (coalesce(?1, 'default-sentiment'), lstm_model_sha256(?1))",
                           -1, &stmt, NULL) ||
        sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC) || sqlite3_step(stmt) != SQLITE_DONE)
        rc = measure_failed(db, err);
    sqlite3_finalize(stmt);
    return rc;
}

/* One SELECT over all rows; its answers are taken apart by a second statement. */
enum lstm_status answers_add(sqlite3 *db, const char *name, int64_t tokens, struct lstm_error *err)
{
    sqlite3_stmt *select = NULL, *insert = NULL;
    enum lstm_status rc = add_model(db, name, err);
    if (rc)
        return rc;
    if (sqlite3_prepare_v2(db, "SELECT id, tokens, lstm_classify(text, ?1) FROM given ORDER BY id",
                           -1, &select, NULL) ||
        sqlite3_prepare_v2(db,
                           "INSERT INTO answers SELECT (SELECT max(number) FROM models), ?1,"
                           " json_extract(?2, '$.label'), json_extract(?2, '$.confidence')",
                           -1, &insert, NULL) ||
        sqlite3_bind_text(select, 1, name, -1, SQLITE_STATIC))
        rc = measure_failed(db, err);
    else
        rc = measure_each(select, "scoring", tokens, take_answer, insert, err);
    sqlite3_finalize(select);
    sqlite3_finalize(insert);
    return rc;
}

/* ---- counting ---- */

/* F1 = 2 hits / (rows + answers); there is none of a class that is neither label nor answer. */
static const char count_sql[] =
    "UPDATE given SET label = iif(label = '1', 'positive', 'negative') WHERE label IN ('0', '1')"
    " AND NOT EXISTS (SELECT 1 FROM answers WHERE answer NOT IN ('negative', 'positive'));"
    "CREATE TEMP TABLE confusion AS SELECT model, label, answer, count(*) AS rows FROM scored"
    " GROUP BY model, label, answer;"
    "CREATE TEMP TABLE classes AS SELECT number AS model, class,"
    " (SELECT CAST(total(rows) AS INTEGER) FROM confusion WHERE model = number AND label = class)"
    " AS rows,"
    " (SELECT CAST(total(rows) AS INTEGER) FROM confusion WHERE model = number AND answer = class)"
    " AS answers,"
    " (SELECT CAST(total(rows) AS INTEGER) FROM confusion WHERE model = number"
    "  AND label = class AND answer = class) AS hits"
    " FROM models, (SELECT label AS class FROM confusion"
    "  UNION SELECT answer FROM confusion WHERE answer IS NOT NULL);"
    "CREATE TEMP TABLE bins AS"
    " SELECT model, min(14, CAST(15 * confidence AS INTEGER)) AS bin, count(*) AS rows,"
    " avg(confidence) AS confidence, avg(correct) AS accuracy FROM scored"
    " WHERE answer IS NOT NULL GROUP BY 1, 2";

enum lstm_status answers_count(sqlite3 *db, struct lstm_error *err)
{
    return measure_run(db, count_sql, err);
}

enum lstm_status answers_check(sqlite3 *db, struct lstm_error *err)
{
    enum lstm_status rc = LSTM_OK;
    sqlite3_stmt *stmt = NULL;
    int step = SQLITE_ERROR;
    if (!sqlite3_prepare_v2(
            db,
            "SELECT label, coalesce(max(answer), 'none'), name"
            " FROM scored JOIN models ON number = model GROUP BY number"
            " HAVING max(correct) = 0 AND NOT EXISTS (SELECT 1 FROM given, json_each("
            "lstm_classify('a', name), '$.probabilities') AS class"
            " WHERE class.key = given.label)",
            -1, &stmt, NULL))
        step = sqlite3_step(stmt);
    if (step == SQLITE_ROW)
        rc = lstm_fail(err, LSTM_MISMATCH,
                       "no row has the label that the model gives it (label %.60s, answer %.60s of "
                       "%.60s): are these labels that it knows?",
                       (const char *)sqlite3_column_text(stmt, 0),
                       (const char *)sqlite3_column_text(stmt, 1),
                       (const char *)sqlite3_column_text(stmt, 2));
    else if (step != SQLITE_DONE)
        rc = measure_failed(db, err);
    sqlite3_finalize(stmt);
    return rc;
}

/* ---- reporting ---- */

enum lstm_status answers_print(sqlite3 *db, char *sql, struct lstm_error *err)
{
    if (!sql)
        return lstm_fail(err, LSTM_NOMEM, "out of memory for a query");
    putchar('\n');
    enum lstm_status rc = report_query(db, sql, NULL, err);
    sqlite3_free(sql);
    return rc;
}

static const char models_sql[] =
    "SELECT name AS model, substr(sha256, 1, 12) AS sha256, sum(tokens) AS tokens,"
    " count(*) AS rows, sum(answer IS NULL) AS unanswered"
    " FROM models JOIN scored ON model = number GROUP BY number";

static const char measures_sql[] =
    "SELECT name AS model, printf('%.4f', avg(correct)) AS accuracy,"
    " (SELECT printf('%.4f', avg(1.0 * hits / rows)) FROM classes WHERE model = number AND rows)"
    " AS balanced,"
    " (SELECT printf('%.4f', avg(2.0 * hits / (rows + answers))) FROM classes"
    "  WHERE model = number AND rows + answers) AS \"macro F1\","
    " (SELECT printf('%.4f', sum(rows * abs(confidence - accuracy)) / sum(rows)) FROM bins"
    "  WHERE model = number) AS \"calibration error\""
    " FROM models JOIN scored ON model = number GROUP BY number";

enum lstm_status answers_report(sqlite3 *db, struct lstm_error *err)
{
    enum lstm_status rc = report_query(db, models_sql, NULL, err);
    return rc ? rc : answers_print(db, sqlite3_mprintf("%s", measures_sql), err);
}

enum lstm_status answers_report_bins(sqlite3 *db, struct lstm_error *err)
{
    return answers_print(
        db,
        sqlite3_mprintf("SELECT name AS model,"
                        " printf('%%.2f to %%.2f', bin / 15.0, (bin + 1) / 15.0) AS confidence,"
                        " rows, printf('%%.3f', confidence) AS mean,"
                        " printf('%%.3f', accuracy) AS right"
                        " FROM bins JOIN models ON model = number ORDER BY number, bin"),
        err);
}

static int32_t classes_count(sqlite3 *db)
{
    sqlite3_stmt *stmt = NULL;
    int32_t count = 0;
    if (!sqlite3_prepare_v2(db, "SELECT count(*) FROM classes", -1, &stmt, NULL) &&
        sqlite3_step(stmt) == SQLITE_ROW)
        count = sqlite3_column_int(stmt, 0);
    sqlite3_finalize(stmt);
    return count;
}

/* SELECT with a column for each answer, in the order of the classes. */
static char *matrix_query(sqlite3 *db)
{
    sqlite3_stmt *stmt = NULL;
    sqlite3_str *sql = sqlite3_str_new(db);
    sqlite3_str_appendall(sql, "SELECT label AS \"label \\ answer\"");
    if (!sqlite3_prepare_v2(db, "SELECT class FROM classes ORDER BY class", -1, &stmt, NULL))
        while (sqlite3_step(stmt) == SQLITE_ROW) {
            const char *class = (const char *)sqlite3_column_text(stmt, 0);
            sqlite3_str_appendf(sql, ", sum(iif(answer = %Q, rows, 0)) AS \"%w\"", class, class);
        }
    sqlite3_finalize(stmt);
    sqlite3_str_appendall(sql, " FROM confusion GROUP BY label ORDER BY label");
    return sqlite3_str_finish(sql);
}

/* A share of no rows is shown as 0. */
static const char classes_sql[] =
    "SELECT class, rows, answers, printf('%.4f', 1.0 * hits / answers) AS precision,"
    " printf('%.4f', 1.0 * hits / rows) AS recall,"
    " printf('%.4f', 2.0 * hits / (rows + answers)) AS F1 FROM classes ORDER BY class";

static const char lengths_sql[] =
    "SELECT CASE WHEN tokens <= 128 THEN 'up to 128' WHEN tokens <= 256 THEN '129 to 256'"
    " WHEN tokens <= 512 THEN '257 to 512' ELSE 'more' END AS tokens, count(*) AS rows,"
    " printf('%.4f', avg(correct)) AS accuracy FROM scored GROUP BY 1 ORDER BY min(scored.tokens)";

enum lstm_status answers_report_classes(sqlite3 *db, struct lstm_error *err)
{
    enum lstm_status rc = answers_print(db, sqlite3_mprintf("%s", classes_sql), err);
    if (rc)
        return rc;
    rc = answers_print(db,
                       classes_count(db) <= MATRIX_MAX
                           ? matrix_query(db)
                           : sqlite3_mprintf("SELECT label, answer, rows FROM confusion"
                                             " WHERE answer IS NOT label"
                                             " ORDER BY rows DESC, label, answer LIMIT %d",
                                             CONFUSIONS_MAX),
                       err);
    return rc ? rc : answers_print(db, sqlite3_mprintf("%s", lengths_sql), err);
}

enum lstm_status answers_report_errors(sqlite3 *db, int32_t examples, struct lstm_error *err)
{
    if (!examples)
        return LSTM_OK;
    return answers_print(
        db,
        sqlite3_mprintf("SELECT %sprintf('%%.3f', confidence) AS confidence, label,"
                        " answer AS \"wrong answer\"," MEASURE_EXCERPT(
                            "text") " AS text"
                                    " FROM scored WHERE NOT correct AND answer IS NOT NULL"
                                    " ORDER BY scored.confidence DESC, id LIMIT %d",
                        measure_has_keys(db) ? "key, " : "", examples),
        err);
}
