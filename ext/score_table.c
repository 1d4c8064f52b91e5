/* lstm_score(query [, options]): the rows of a SELECT of keys and texts, scored batch by batch. The
 * query runs inside the statement that calls us: what fails in it is an error of that statement. */
#include "functions.h"
#include "score_rows.h"
#include "table_arguments.h"

#include <string.h>

enum { KEY, SCORE, LABEL, CONFIDENCE, TOKENS, UNKNOWN, ERROR, QUERY };

struct score_table {
    sqlite3_vtab base;
    struct registry *registry; /* not ours: the module holds it */
    int querying;              /* a query of ours is being prepared or stepped */
};

struct score_cursor {
    sqlite3_vtab_cursor base;
    struct table_arguments arguments; /* text is the query */
    struct request *request;
    struct score_query query;
    struct score_rows rows;
    sqlite3_int64 at;    /* of the rows that are held */
    sqlite3_int64 rowid; /* of all */
    int whole;           /* all rows are held at once */
};

static int score_connect(sqlite3 *db, void *registry, int argc, const char *const *argv,
                         sqlite3_vtab **vtab, char **message)
{
    (void)argc, (void)argv, (void)message;
    int rc = sqlite3_declare_vtab(db, "CREATE TABLE x(key, score REAL, label TEXT, "
                                      "confidence REAL, tokens INTEGER, unknown REAL, "
                                      "error TEXT, query HIDDEN, options HIDDEN)");
    if (!rc) /* it runs SQL from a string, so no view or trigger of a stranger's file may use it */
        rc = sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
    if (rc)
        return rc;
    struct score_table *table = sqlite3_malloc64(sizeof *table);
    if (!table)
        return SQLITE_NOMEM;
    *table = (struct score_table){ .registry = registry };
    *vtab = &table->base;
    return SQLITE_OK;
}

static int score_disconnect(sqlite3_vtab *vtab)
{
    sqlite3_free(vtab);
    return SQLITE_OK;
}

/* So dear that a join runs it once and looks up its keys in the other table. */
static int score_best_index(sqlite3_vtab *vtab, sqlite3_index_info *info)
{
    (void)vtab;
    info->estimatedCost = 1e9;
    info->estimatedRows = 100000;
    return table_arguments_plan(info, QUERY);
}

static int score_open(sqlite3_vtab *vtab, sqlite3_vtab_cursor **cursor)
{
    (void)vtab;
    struct score_cursor *c = sqlite3_malloc64(sizeof *c);
    if (!c)
        return SQLITE_NOMEM;
    *c = (struct score_cursor){ .at = 0 };
    *cursor = &c->base;
    return SQLITE_OK;
}

static void clear(struct score_cursor *c)
{
    score_query_close(&c->query);
    score_rows_close(&c->rows);
    table_arguments_clear(&c->arguments);
    request_release(c->request);
    c->request = NULL;
    c->at = c->rowid = 0;
}

static int score_close(sqlite3_vtab_cursor *cursor)
{
    clear((struct score_cursor *)cursor);
    sqlite3_free(cursor);
    return SQLITE_OK;
}

/* Reads and scores the next batch, or everything. */
static int score_more(struct score_cursor *c, struct score_table *table, struct failure *failure)
{
    int rc = SQLITE_OK;
    score_rows_clear(&c->rows);
    c->at = 0;
    do {
        table->querying = 1;
        rc = score_rows_read(&c->rows, &c->query, failure);
        table->querying = 0;
        if (!rc)
            rc = score_rows_score(&c->rows, failure);
    } while (!rc && c->whole && c->query.statement);
    return rc;
}

static int begin(struct score_cursor *c, struct score_table *table, struct failure *failure)
{
    struct options options;
    struct registry *registry = table->registry;
    sqlite3_value *query = c->arguments.text;
    if (!query)
        return failure_set(failure, FAILURE_INPUT,
                           "lstm_score needs a query: lstm_score('SELECT key, text FROM ...' "
                           "[, options])");
    if (table->querying) /* it could go on for ever, by way of a table that holds the query */
        return failure_set(failure, FAILURE_INPUT,
                           "the query of lstm_score uses lstm_score; join them outside of it");
    int rc = options_read(c->arguments.options, OPTIONS_OF_ROWS, &options, failure);
    if (!rc)
        rc = request_bind(registry, &kind_classes, &options, &c->request, failure);
    if (!rc)
        rc = score_rows_open(registry, c->request,
                             options.batch ? options.batch : registry->settings.batch, &c->rows,
                             failure);
    if (rc || sqlite3_value_type(query) == SQLITE_NULL)
        return rc;
    /* What the calling statement writes may be what the query reads, so that it would find its own
     * rows again and never end. SQLite guards INSERT INTO t SELECT ... FROM t in the same way. */
    c->whole = connection_writes(registry->db);
    table->querying = 1;
    rc = score_query_open(registry->db, query, &c->query, failure);
    table->querying = 0;
    return rc ? rc : score_more(c, table, failure);
}

static int score_filter(sqlite3_vtab_cursor *cursor, int planned, const char *plan, int argc,
                        sqlite3_value **argv)
{
    (void)plan, (void)argc;
    struct score_cursor *c = (struct score_cursor *)cursor;
    struct failure failure;
    clear(c);
    if (table_arguments_take(&c->arguments, planned, argv))
        return SQLITE_NOMEM;
    if (begin(c, (struct score_table *)cursor->pVtab, &failure))
        return failure_of_vtab(&failure, cursor->pVtab);
    return SQLITE_OK;
}

static int score_next(sqlite3_vtab_cursor *cursor)
{
    struct score_cursor *c = (struct score_cursor *)cursor;
    struct failure failure;
    c->at++;
    c->rowid++;
    if (c->at == c->rows.count && c->query.statement &&
        score_more(c, (struct score_table *)cursor->pVtab, &failure))
        return failure_of_vtab(&failure, cursor->pVtab);
    return SQLITE_OK;
}

static int score_eof(sqlite3_vtab_cursor *cursor)
{
    const struct score_cursor *c = (const struct score_cursor *)cursor;
    return c->at >= c->rows.count;
}

/* A column that does not apply is NULL. */
static int score_column(sqlite3_vtab_cursor *cursor, sqlite3_context *context, int column)
{
    const struct score_cursor *c = (const struct score_cursor *)cursor;
    const struct score_row *row = &c->rows.rows[c->at];
    const int scored = row->label >= 0;
    if (column >= QUERY)
        table_arguments_result(&c->arguments, column - QUERY, context);
    else if (column == KEY)
        sqlite3_result_value(context, row->key);
    else if (column == ERROR && row->error)
        sqlite3_result_text(context, row->error, -1, SQLITE_TRANSIENT);
    else if (column == TOKENS && row->tokens >= 0)
        sqlite3_result_int(context, row->tokens);
    else if (column == SCORE && scored && c->rows.positive >= 0)
        sqlite3_result_double(context, row->score);
    else if (column == LABEL && scored)
        sqlite3_result_text(
            context, lstm_scorer_model(c->request->bound->shared->scorer)->labels[row->label], -1,
            SQLITE_TRANSIENT);
    else if (column == CONFIDENCE && scored)
        sqlite3_result_double(context, (double)row->confidence);
    else if (column == UNKNOWN && scored)
        sqlite3_result_double(context, row->unknown);
    return SQLITE_OK;
}

static int score_rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *rowid)
{
    *rowid = ((const struct score_cursor *)cursor)->rowid;
    return SQLITE_OK;
}

const sqlite3_module score_module = {
    .xConnect = score_connect, /* no xCreate: the table is there without CREATE VIRTUAL TABLE */
    .xBestIndex = score_best_index,
    .xDisconnect = score_disconnect,
    .xOpen = score_open,
    .xClose = score_close,
    .xFilter = score_filter,
    .xNext = score_next,
    .xEof = score_eof,
    .xColumn = score_column,
    .xRowid = score_rowid,
};
