/* lstm_attention(text [, options]): where the words of lstm_summarize(text [, options]) came from.
 * A row for each token of the summary and each token of the text that was read, in order. */
#include "functions.h"
#include "summaries.h"
#include "table_arguments.h"
#include "token_name.h"

enum {
    OUTPUT_POSITION,
    OUTPUT_TOKEN,
    SOURCE_POSITION,
    SOURCE_TOKEN,
    WEIGHT,
    GENERATED,
    COPIED,
    BEGIN,
    END,
    TEXT
};

struct attention_table {
    sqlite3_vtab base;
    struct registry *registry; /* not ours: the module holds it */
};

struct attention_cursor {
    sqlite3_vtab_cursor base;
    struct table_arguments arguments;
    struct bound *model;
    struct lstm_summary summary; /* with its attention, where it has a token */
    sqlite3_int64 row, rows;
};

static int attention_connect(sqlite3 *db, void *registry, int argc, const char *const *argv,
                             sqlite3_vtab **vtab, char **message)
{
    (void)argc, (void)argv, (void)message;
    int rc = sqlite3_declare_vtab(db, "CREATE TABLE x(output_position INTEGER, output_token TEXT, "
                                      "source_position INTEGER, source_token TEXT, "
                                      "weight REAL, generated REAL, copied INTEGER, \"begin\" "
                                      "INTEGER, \"end\" INTEGER, " TABLE_ARGUMENTS_SQL ")");
    if (rc)
        return rc;
    struct attention_table *table = sqlite3_malloc64(sizeof *table);
    if (!table)
        return SQLITE_NOMEM;
    *table = (struct attention_table){ .registry = registry };
    *vtab = &table->base;
    return SQLITE_OK;
}

static int attention_disconnect(sqlite3_vtab *vtab)
{
    sqlite3_free(vtab);
    return SQLITE_OK;
}

static int attention_best_index(sqlite3_vtab *vtab, sqlite3_index_info *info)
{
    (void)vtab;
    info->estimatedCost = 100000;
    info->estimatedRows = 2000;
    return table_arguments_plan(info, TEXT);
}

static int attention_open(sqlite3_vtab *vtab, sqlite3_vtab_cursor **cursor)
{
    (void)vtab;
    struct attention_cursor *c = sqlite3_malloc64(sizeof *c);
    if (!c)
        return SQLITE_NOMEM;
    *c = (struct attention_cursor){ .row = 0 };
    *cursor = &c->base;
    return SQLITE_OK;
}

static void clear(struct attention_cursor *c)
{
    table_arguments_clear(&c->arguments);
    lstm_summary_free(&c->summary);
    bound_release(c->model);
    c->model = NULL;
    c->row = c->rows = 0;
}

static int attention_close(sqlite3_vtab_cursor *cursor)
{
    struct attention_cursor *c = (struct attention_cursor *)cursor;
    clear(c);
    sqlite3_free(c);
    return SQLITE_OK;
}

static int attention_read(struct attention_cursor *c, struct registry *registry,
                          struct failure *failure)
{
    struct options options;
    if (!c->arguments.text)
        return failure_set(failure, FAILURE_INPUT,
                           "lstm_attention needs a text: lstm_attention(text [, options])");
    int rc = options_read(c->arguments.options, OPTIONS_OF_SUMMARIES, &options, failure);
    if (!rc)
        rc = registry_bind(registry, &options, &c->model, failure);
    if (!rc)
        rc = summary_check_task(c->model, "lstm_attention", failure);
    if (rc || sqlite3_value_type(c->arguments.text) == SQLITE_NULL)
        return rc;
    options.summary.attention = 1;
    rc = summary_read(registry->db, c->model, c->arguments.text, &options.summary, &c->summary,
                      failure);
    c->rows = (sqlite3_int64)c->summary.count * c->summary.source_tokens;
    return rc;
}

static int attention_filter(sqlite3_vtab_cursor *cursor, int planned, const char *plan, int argc,
                            sqlite3_value **argv)
{
    (void)plan, (void)argc;
    struct attention_cursor *c = (struct attention_cursor *)cursor;
    struct failure failure;
    clear(c);
    if (table_arguments_take(&c->arguments, planned, argv))
        return SQLITE_NOMEM;
    if (attention_read(c, ((struct attention_table *)cursor->pVtab)->registry, &failure))
        return failure_of_vtab(&failure, cursor->pVtab);
    return SQLITE_OK;
}

static int attention_next(sqlite3_vtab_cursor *cursor)
{
    ((struct attention_cursor *)cursor)->row++;
    return SQLITE_OK;
}

static int attention_eof(sqlite3_vtab_cursor *cursor)
{
    const struct attention_cursor *c = (const struct attention_cursor *)cursor;
    return c->row >= c->rows;
}

/* generated is the share of what was generated in what was written; copied is 1 in the row of the
 * token that the written one was copied from, so a token that was mainly generated has none. */
static int attention_column(sqlite3_vtab_cursor *cursor, sqlite3_context *context, int column)
{
    const struct attention_cursor *c = (const struct attention_cursor *)cursor;
    const struct lstm_summary_attention *attention = c->summary.attention;
    const struct lstm_tokenizer *tokenizer = lstm_scorer_model(c->model->shared->scorer)->tokenizer;
    const int output = (int)(c->row / c->summary.source_tokens),
              source = (int)(c->row % c->summary.source_tokens);
    switch (column) {
    case OUTPUT_POSITION: sqlite3_result_int(context, output); break;
    case OUTPUT_TOKEN: token_name_result(context, tokenizer, c->summary.tokens[output]); break;
    case SOURCE_POSITION: sqlite3_result_int(context, source); break;
    case SOURCE_TOKEN: token_name_result(context, tokenizer, attention->sources[source]); break;
    case WEIGHT: sqlite3_result_double(context, (double)attention->weights[c->row]); break;
    case GENERATED: sqlite3_result_double(context, (double)attention->generate[output]); break;
    case COPIED: sqlite3_result_int(context, c->summary.origins[output] == source); break;
    case BEGIN: sqlite3_result_int64(context, attention->begins[source]); break;
    case END: sqlite3_result_int64(context, attention->ends[source]); break;
    default: table_arguments_result(&c->arguments, column - TEXT, context);
    }
    return SQLITE_OK;
}

static int attention_rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *rowid)
{
    *rowid = ((const struct attention_cursor *)cursor)->row;
    return SQLITE_OK;
}

const sqlite3_module attention_module = {
    .xConnect = attention_connect, /* no xCreate: the table is there without CREATE VIRTUAL TABLE */
    .xBestIndex = attention_best_index,
    .xDisconnect = attention_disconnect,
    .xOpen = attention_open,
    .xClose = attention_close,
    .xFilter = attention_filter,
    .xNext = attention_next,
    .xEof = attention_eof,
    .xColumn = attention_column,
    .xRowid = attention_rowid,
};
