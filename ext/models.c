/* Models in and out of the database. */
#include "models.h"

#include "functions.h"
#include "registry.h"

#include <stdlib.h>
#include <string.h>

void model_sha256_function(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    struct registry *registry = sqlite3_user_data(context);
    struct failure failure;
    struct options options;
    struct found found;
    int rc = options_read(argc > 0 ? argv[0] : NULL, OPTIONS_OF_SCORES, &options, &failure);
    if (!rc) {
        rc = registry_find(registry, &options, &found, &failure);
        rc = registry_found(registry, &found, rc, &failure);
    }
    if (rc)
        failure_result(&failure, context);
    else
        sqlite3_result_text(context, found.sha256, -1, SQLITE_TRANSIENT);
}

void model_export_function(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    (void)argc;
    struct registry *registry = sqlite3_user_data(context);
    struct failure failure;
    struct options options;
    struct found found;
    const void *blob = NULL;
    size_t size = 0;
    int rc = options_read(argv[0], OPTIONS_OF_SCORES, &options, &failure);
    if (!rc) {
        rc = registry_find(registry, &options, &found, &failure);
        if (!rc)
            rc = lookup_blob(&found, &blob, &size, &failure);
        if (!rc)
            rc = shared_check(found.sha256, blob, size, found.what, &failure);
        if (!rc)
            sqlite3_result_blob64(context, blob, size, SQLITE_TRANSIENT);
        rc = registry_found(registry, &found, rc, &failure);
    }
    if (rc)
        failure_result(&failure, context);
}

/* What a row of lstm_models holds; text that is not ours belongs to the arguments or to the model.
 */
struct model_row {
    const char *name;
    const void *blob;
    size_t size;
    const char *metrics; /* NULL: none */
    char sha256[SHA256_HEX_SIZE];
    struct lstm_model *model;
    struct json_text sizes, labels;
};

void sizes_put(struct json_text *out, const struct lstm_sizes *sizes)
{
    const struct {
        const char *key;
        int32_t value;
        int is_there;
    } members[] = {
        { "vocab", sizes->vocab, 1 },
        { "embedding", sizes->embedding, 1 },
        { "hidden", sizes->hidden, 1 },
        { "layers", sizes->layers, 1 },
        { "decoder", sizes->decoder, sizes->decoder > 0 },
        { "alignment", sizes->alignment, sizes->decoder > 0 },
        { "classes", sizes->classes, !sizes->decoder },
        { "window", sizes->window, 1 },
        { "overlap", sizes->overlap, 1 },
    };
    const char *separator = "";
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        if (!members[i].is_there)
            continue;
        json_put(out, separator);
        json_put_string(out, members[i].key, strlen(members[i].key));
        json_put(out, ":");
        json_put_int64(out, members[i].value);
        separator = ",";
    }
}

static int describe(struct model_row *row, struct failure *failure)
{
    const struct lstm_sizes *sizes = &row->model->sizes;
    json_put(&row->sizes, "{");
    sizes_put(&row->sizes, sizes);
    json_put(&row->sizes, "}");
    json_put(&row->labels, "[");
    for (int i = 0; i < sizes->classes; i++) {
        json_put(&row->labels, i == 0 ? "" : ",");
        json_put_string(&row->labels, row->model->labels[i], strlen(row->model->labels[i]));
    }
    json_put(&row->labels, "]");
    if (row->sizes.status || row->labels.status)
        return failure_set(failure, FAILURE_NOMEM, "the description of a model");
    return SQLITE_OK;
}

static int read_metrics(sqlite3_value *value, struct model_row *row, struct failure *failure)
{
    static const char rule[] = "metrics have to be NULL or a JSON object as text";
    struct json_value values[1024];
    struct json json;
    struct lstm_error err;
    if (!value || sqlite3_value_type(value) == SQLITE_NULL)
        return SQLITE_OK;
    if (sqlite3_value_type(value) != SQLITE_TEXT)
        return failure_set(failure, FAILURE_INPUT, "%s", rule);
    row->metrics = (const char *)sqlite3_value_text(value);
    if (!row->metrics)
        return failure_set(failure, FAILURE_NOMEM, "the metrics");
    if (json_parse("metrics", row->metrics, (size_t)sqlite3_value_bytes(value), values,
                   sizeof values / sizeof *values, &json, &err))
        return failure_set(failure, FAILURE_INPUT, "%s", err.text);
    return values[0].type == JSON_OBJECT ? SQLITE_OK
                                         : failure_set(failure, FAILURE_INPUT, "%s", rule);
}

/* Checks every argument before the database is touched. */
static int read_arguments(int argc, sqlite3_value **argv, struct model_row *row,
                          struct failure *failure)
{
    struct lstm_error err;
    unsigned char digest[SHA256_SIZE];
    row->name = (const char *)sqlite3_value_text(argv[0]);
    if (!row->name || sqlite3_value_type(argv[0]) != SQLITE_TEXT ||
        !model_name_valid(row->name, (size_t)sqlite3_value_bytes(argv[0])))
        return failure_set(failure, FAILURE_INPUT,
                           "a model's name has to be 1 to 64 letters, digits, '.', '_' or '-', the "
                           "first a letter or a "
                           "digit");
    if (!strncmp(row->name, EMBEDDED_PREFIX, strlen(EMBEDDED_PREFIX)))
        return failure_set(failure, FAILURE_INPUT,
                           "the name '%s' is not free: names that begin with '" EMBEDDED_PREFIX
                           "' belong to the models "
                           "inside the extension",
                           row->name);
    if (sqlite3_value_type(argv[1]) != SQLITE_BLOB)
        return failure_set(failure, FAILURE_INPUT,
                           "a model has to be a BLOB, such as readfile('model.safetensors')");
    row->blob = sqlite3_value_blob(argv[1]);
    row->size = (size_t)sqlite3_value_bytes(argv[1]);
    if (lstm_model_read(row->blob ? row->blob : "", row->size, &row->model, &err))
        return failure_of_model(failure, &err, "the BLOB is not a model");
    sha256_of(row->blob, row->size, digest);
    sha256_hex(digest, row->sha256);
    int rc = read_metrics(argc > 2 ? argv[2] : NULL, row, failure);
    return rc ? rc : describe(row, failure);
}

/* The highest version of the name, 0 if there is none, and whether its blob is this one. */
static int latest(sqlite3 *db, const struct model_row *row, sqlite3_int64 *version, int *same)
{
    sqlite3_stmt *s = NULL;
    int rc = sqlite3_prepare_v2(db,
                                "SELECT version, sha256 = ?2 FROM main.lstm_models WHERE name = ?1 "
                                "ORDER BY version DESC LIMIT 1",
                                -1, &s, NULL);
    *version = *same = 0;
    if (!rc)
        rc = sqlite3_bind_text(s, 1, row->name, -1, SQLITE_STATIC);
    if (!rc)
        rc = sqlite3_bind_text(s, 2, row->sha256, -1, SQLITE_STATIC);
    if (!rc && sqlite3_step(s) == SQLITE_ROW) {
        *version = sqlite3_column_int64(s, 0);
        *same = sqlite3_column_int(s, 1);
    }
    return sqlite3_finalize(s) || rc;
}

static int insert(sqlite3 *db, const struct model_row *row, sqlite3_int64 version)
{
    static const char sql[] =
        "INSERT INTO main.lstm_models(name, version, task, sha256, bytes, sizes, labels, card, "
        "metrics, blob) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    const struct {
        const char *bytes;
        size_t size;
    } texts[] = {
        [0] = { row->name, strlen(row->name) },
        [2] = { row->model->task, strlen(row->model->task) },
        [3] = { row->sha256, SHA256_HEX_SIZE - 1 },
        [5] = { row->sizes.bytes, row->sizes.size },
        [6] = { row->labels.bytes, row->labels.size },
        [7] = { row->model->card, strlen(row->model->card) },
        [8] = { row->metrics, row->metrics ? strlen(row->metrics) : 0 },
    };
    sqlite3_stmt *s = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &s, NULL);
    for (int i = 0; !rc && i < (int)(sizeof texts / sizeof *texts); i++)
        if (texts[i].bytes)
            rc = sqlite3_bind_text64(s, i + 1, texts[i].bytes, texts[i].size, SQLITE_STATIC,
                                     SQLITE_UTF8);
    if (!rc)
        rc = sqlite3_bind_int64(s, 2, version);
    if (!rc)
        rc = sqlite3_bind_int64(s, 5, (sqlite3_int64)row->size);
    if (!rc)
        rc = sqlite3_bind_blob64(s, 10, row->blob, row->size, SQLITE_STATIC);
    if (!rc)
        sqlite3_step(s);
    return sqlite3_finalize(s) || rc;
}

/* Stores the model as the name's next version; where the latest one is the same blob, that is it
 * and nothing is written. All or nothing: one transaction, or a savepoint where there is one
 * already. */
static int store(sqlite3 *db, const struct model_row *row, sqlite3_int64 *version,
                 struct failure *failure)
{
    static const char what[] = "cannot store the model";
    static const struct nested_sql transaction = { "BEGIN IMMEDIATE", "COMMIT", { "ROLLBACK" } };
    static const struct nested_sql savepoint = { "SAVEPOINT lstm_model_import",
                                                 "RELEASE lstm_model_import",
                                                 { "ROLLBACK TO lstm_model_import",
                                                   "RELEASE lstm_model_import" } };
    struct nested nested;
    int same = 0;
    if (connection_writes(db))
        return failure_set(
            failure, FAILURE_INPUT,
            "lstm_model_import cannot be part of a statement that writes; call it in a SELECT");
    int rc = nested_begin(db, sqlite3_get_autocommit(db) ? &transaction : &savepoint, &nested,
                          "cannot begin to store the model", failure);
    if (!rc && (sqlite3_exec(db, embedded_schema(), NULL, NULL, NULL) ||
                latest(db, row, version, &same) || (!same && insert(db, row, ++*version))))
        rc = failure_of_sqlite(failure, db, what);
    return nested_end(db, &nested, rc, what, failure);
}

/* Gives the version. */
void model_import_function(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    struct registry *registry = sqlite3_user_data(context);
    struct failure failure;
    struct model_row row = { .name = NULL };
    sqlite3_int64 version = 0;
    int rc = read_arguments(argc, argv, &row, &failure);
    if (!rc)
        rc = store(registry->db, &row, &version, &failure);
    if (rc)
        failure_result(&failure, context);
    else
        sqlite3_result_int64(context, version);
    lstm_model_free(row.model);
    free(row.sizes.bytes);
    free(row.labels.bytes);
}
