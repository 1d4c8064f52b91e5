/* lstm-train list: the models in a database. */
#include "train/commands.h"
#include "train/options.h"
#include "train/report.h"

#include <stdio.h>

static enum lstm_status list(sqlite3 *db, const char *path, struct lstm_error *err)
{
    sqlite3_stmt *stmt = NULL;
    int rows = sqlite3_prepare_v2(
        db, "SELECT count(*) FROM sqlite_schema WHERE name = 'lstm_models'", -1, &stmt, NULL);
    int there = !rows && sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_int(stmt, 0) > 0;
    sqlite3_finalize(stmt);
    if (rows)
        return lstm_fail(err, LSTM_UNAVAILABLE, "%s: %s", path, sqlite3_errmsg(db));
    if (!there)
        return lstm_fail(err, LSTM_UNAVAILABLE,
                         "%s has no table lstm_models: no model was ever stored in it", path);
    return report_query(
        db,
        "SELECT name, version, task, substr(sha256, 1, 12) AS sha256, bytes, created_at AS created,"
        " (SELECT printf('%.4f', value) FROM json_each(metrics)"
        "  WHERE key IN ('accuracy', 'valid_accuracy') LIMIT 1) AS accuracy"
        " FROM lstm_models ORDER BY name, version",
        NULL, err);
}

int command_list(int argc, char **argv)
{
    const char *path = NULL;
    int help = 0;
    const struct option_spec specs[] = {
        { "--db", OPTION_TEXT, &path, 0, 0, "the database" },
        { "--help", OPTION_FLAG, &help, 0, 0, "show this" },
    };
    const size_t count = sizeof specs / sizeof *specs;
    struct lstm_error err = { 0 };
    enum lstm_status rc = options_parse(argc, argv, specs, count, &err);
    if (!rc && !help && !path)
        rc = lstm_fail(&err, LSTM_RANGE, "--db names the database");
    if (rc) {
        fprintf(stderr, "lstm-train list: %s\n", err.text);
        return 2;
    }
    if (help) {
        printf("usage: lstm-train list --db FILE\n\n");
        options_help(specs, count);
        return 0;
    }
    sqlite3 *db = NULL;
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL))
        rc = lstm_fail(&err, LSTM_UNAVAILABLE, "%s: %s", path, sqlite3_errmsg(db));
    else
        rc = list(db, path, &err);
    sqlite3_close(db);
    if (rc)
        fprintf(stderr, "lstm-train list: %s\n", err.text);
    return rc ? 1 : 0;
}
