/* The entry point: registers the functions of functions.h on a connection. Loading reads and writes
 * no database. */
#include "functions.h"
#include "registry.h"
#include "version.h"

SQLITE_EXTENSION_INIT1

/* Flags say what is so. A score depends on a table, not on the arguments alone, so it is neither
 * deterministic nor innocuous (but fine in views and triggers); what reads out or writes a whole
 * model is for direct use only. */
enum {
    CONSTANT = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS,
    SCORING = SQLITE_UTF8,
    JSON = SQLITE_UTF8 | SQLITE_RESULT_SUBTYPE,
    DIRECT = SQLITE_UTF8 | SQLITE_DIRECTONLY
};

static const struct {
    const char *name;
    int argc, flags;
    sql_function *function;
} functions[] = {
    { "lstm_sentiment", 1, SCORING, sentiment_function },
    { "lstm_sentiment", 2, SCORING, sentiment_function },
    { "lstm_classify", 1, JSON, classify_function },
    { "lstm_classify", 2, JSON, classify_function },
    { "lstm_summarize", 1, SCORING, summarize_function },
    { "lstm_summarize", 2, SCORING, summarize_function },
    { "lstm_model_sha256", 0, SCORING, model_sha256_function },
    { "lstm_model_sha256", 1, SCORING, model_sha256_function },
    { "lstm_model_import", 2, DIRECT, model_import_function },
    { "lstm_model_import", 3, DIRECT, model_import_function },
    { "lstm_model_export", 1, DIRECT, model_export_function },
    { "lstm_config", 1, SCORING, config_function },
    { "lstm_config", 2, DIRECT, config_function },
    { "lstm_version", 0, CONSTANT, version_function },
    { "lstm_info", 0, JSON, info_function },
    { "lstm_stats", 0, JSON, stats_function },
};

static const struct {
    const char *name;
    const sqlite3_module *module;
} tables[] = {
    { "lstm_tokens", &tokens_module },
    { "lstm_attention", &attention_module },
    { "lstm_score", &score_module },
};

enum { SQLITE_VERSION_MIN = 3034000 };

static int register_all(sqlite3 *db, struct registry *registry)
{
    int rc = SQLITE_OK;
    for (size_t i = 0; !rc && i < sizeof functions / sizeof *functions; i++) {
        registry_hold(registry); /* SQLite lets go of it even where it fails */
        rc = sqlite3_create_function_v2(db, functions[i].name, functions[i].argc,
                                        functions[i].flags, registry, functions[i].function, NULL,
                                        NULL, registry_release);
    }
    for (size_t i = 0; !rc && i < sizeof tables / sizeof *tables; i++) {
        registry_hold(registry);
        rc = sqlite3_create_module_v2(db, tables[i].name, tables[i].module, registry,
                                      registry_release);
    }
    return rc;
}

int sqlite3_lstmext_init(sqlite3 *db, char **message, const sqlite3_api_routines *api);

__attribute__((visibility("default"))) int sqlite3_lstmext_init(sqlite3 *db, char **message,
                                                                const sqlite3_api_routines *api)
{
    SQLITE_EXTENSION_INIT2(api);
    if (sqlite3_libversion_number() < SQLITE_VERSION_MIN) {
        *message =
            sqlite3_mprintf("lstm_ext " LSTM_VERSION " needs SQLite 3.34 or newer, this is %s",
                            sqlite3_libversion());
        return SQLITE_ERROR;
    }
    struct registry *registry = registry_open(db);
    if (!registry)
        return SQLITE_NOMEM;
    int rc = register_all(db, registry);
    registry_release(registry);
#ifndef SQLITE_CORE
    /* Connections share what this library holds, so it must not be unmapped when the first of them
     * closes. */
    if (rc == SQLITE_OK)
        rc = SQLITE_OK_LOAD_PERMANENTLY;
#endif
    return rc;
}
