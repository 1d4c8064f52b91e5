/* lstm_tokens(text [, options]): the tokens a model sees, and the bytes of the text that each came
 * from. */
#include "functions.h"
#include "model/tokenizer.h"
#include "registry.h"
#include "table_arguments.h"
#include "token_name.h"

enum { POSITION, TOKEN, BEGIN, END, ID, TEXT, OPTIONS };

struct tokens_table {
    sqlite3_vtab base;
    struct registry *registry; /* not ours: the module holds it */
};

struct tokens_cursor {
    sqlite3_vtab_cursor base;
    struct bound *model;
    struct table_arguments arguments;
    struct lstm_tokens tokens;
    int32_t row;
};

static int tokens_connect(sqlite3 *db, void *registry, int argc, const char *const *argv,
                          sqlite3_vtab **vtab, char **message)
{
    (void)argc, (void)argv, (void)message;
    int rc = sqlite3_declare_vtab(
        db, "CREATE TABLE x(position INTEGER, token TEXT, \"begin\" INTEGER, \"end\" INTEGER, "
            "id INTEGER, " TABLE_ARGUMENTS_SQL ")");
    if (rc)
        return rc;
    struct tokens_table *table = sqlite3_malloc64(sizeof *table);
    if (!table)
        return SQLITE_NOMEM;
    *table = (struct tokens_table){ .registry = registry };
    *vtab = &table->base;
    return SQLITE_OK;
}

static int tokens_disconnect(sqlite3_vtab *vtab)
{
    sqlite3_free(vtab);
    return SQLITE_OK;
}

static int tokens_best_index(sqlite3_vtab *vtab, sqlite3_index_info *info)
{
    (void)vtab;
    info->estimatedCost = 1000;
    info->estimatedRows = 200;
    return table_arguments_plan(info, TEXT);
}

static int tokens_open(sqlite3_vtab *vtab, sqlite3_vtab_cursor **cursor)
{
    (void)vtab;
    struct tokens_cursor *c = sqlite3_malloc64(sizeof *c);
    if (!c)
        return SQLITE_NOMEM;
    *c = (struct tokens_cursor){ .row = 0 };
    *cursor = &c->base;
    return SQLITE_OK;
}

static void clear(struct tokens_cursor *c)
{
    table_arguments_clear(&c->arguments);
    bound_release(c->model);
    c->model = NULL;
    c->tokens.count = 0;
    c->row = 0;
}

static int tokens_close(sqlite3_vtab_cursor *cursor)
{
    struct tokens_cursor *c = (struct tokens_cursor *)cursor;
    clear(c);
    lstm_tokens_free(&c->tokens);
    sqlite3_free(c);
    return SQLITE_OK;
}

static const struct lstm_tokenizer *tokenizer(const struct tokens_cursor *c)
{
    return lstm_scorer_model(c->model->shared->scorer)->tokenizer;
}

static int tokens_read(struct tokens_cursor *c, struct registry *registry, struct failure *failure)
{
    struct options options;
    struct lstm_text text;
    struct lstm_error err;
    if (!c->arguments.text)
        return failure_set(failure, FAILURE_INPUT,
                           "lstm_tokens needs a text: lstm_tokens(text [, options])");
    int rc = options_read(c->arguments.options, OPTIONS_OF_SCORES, &options, failure);
    if (!rc)
        rc = registry_bind(registry, &options, &c->model, failure);
    if (rc || sqlite3_value_type(c->arguments.text) == SQLITE_NULL)
        return rc;
    rc = text_read(c->arguments.text, &text, failure);
    if (!rc && lstm_tokenize(tokenizer(c), text.bytes, text.size, 1, &c->tokens, &err))
        rc = failure_of_model(failure, &err, "the text cannot be cut");
    return rc;
}

static int tokens_filter(sqlite3_vtab_cursor *cursor, int given, const char *plan, int argc,
                         sqlite3_value **argv)
{
    (void)plan, (void)argc;
    struct tokens_cursor *c = (struct tokens_cursor *)cursor;
    struct failure failure;
    clear(c);
    if (table_arguments_take(&c->arguments, given, argv))
        return SQLITE_NOMEM;
    if (tokens_read(c, ((struct tokens_table *)cursor->pVtab)->registry, &failure))
        return failure_of_vtab(&failure, cursor->pVtab);
    return SQLITE_OK;
}

static int tokens_next(sqlite3_vtab_cursor *cursor)
{
    ((struct tokens_cursor *)cursor)->row++;
    return SQLITE_OK;
}

static int tokens_eof(sqlite3_vtab_cursor *cursor)
{
    const struct tokens_cursor *c = (const struct tokens_cursor *)cursor;
    return c->row >= c->tokens.count;
}

static int tokens_column(sqlite3_vtab_cursor *cursor, sqlite3_context *context, int column)
{
    const struct tokens_cursor *c = (const struct tokens_cursor *)cursor;
    switch (column) {
    case POSITION: sqlite3_result_int(context, c->row); break;
    case TOKEN: token_name_result(context, tokenizer(c), c->tokens.ids[c->row]); break;
    case BEGIN: sqlite3_result_int64(context, c->tokens.begins[c->row]); break;
    case END: sqlite3_result_int64(context, c->tokens.ends[c->row]); break;
    case ID: sqlite3_result_int(context, c->tokens.ids[c->row]); break;
    default: table_arguments_result(&c->arguments, column - TEXT, context);
    }
    return SQLITE_OK;
}

static int tokens_rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *rowid)
{
    *rowid = ((const struct tokens_cursor *)cursor)->row;
    return SQLITE_OK;
}

const sqlite3_module tokens_module = {
    .xConnect = tokens_connect, /* no xCreate: the table is there without CREATE VIRTUAL TABLE */
    .xBestIndex = tokens_best_index,
    .xDisconnect = tokens_disconnect,
    .xOpen = tokens_open,
    .xClose = tokens_close,
    .xFilter = tokens_filter,
    .xNext = tokens_next,
    .xEof = tokens_eof,
    .xColumn = tokens_column,
    .xRowid = tokens_rowid,
};
