/* What this build is and what it runs on: the first thing to send with a bug report. */
#include "functions.h"
#include "json_members.h"
#include "model/backend.h"
#include "model/limits.h"
#include "models.h"
#include "registry.h"
#include "version.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#if defined(__clang__)
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

void version_function(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    (void)argc, (void)argv;
    sqlite3_result_text(context, LSTM_VERSION, -1, SQLITE_STATIC);
}

static void put_model(struct json_text *out, const struct bound *bound)
{
    const struct lstm_model *model = lstm_scorer_model(bound->shared->scorer);
    json_put(out, "{");
    put_text(out, "name", bound->name);
    put_text(out, "sha256", bound->shared->sha256);
    put_text(out, "task", model->task);
    json_put(out, ",");
    sizes_put(out, &model->sizes);
    put_number(out, "bytes", (int64_t)bound->shared->size);
    put_text(out, "device", lstm_scorer_device(bound->shared->scorer));
    json_put(out, "}");
}

static void put_info(struct json_text *out, const struct registry *registry)
{
    char number[32];
    const struct embedded *embedded;
    const char *device = lstm_backend_cpu(NULL)->name, *isa = strchr(device, '-');
    json_put(out, "{");
    put_text(out, "version", LSTM_VERSION);
    put_text(out, "sqlite", sqlite3_libversion());
    put_text(out, "device", device);
    put_text(out, "isa", isa ? isa + 1 : "");
    put_number(out, "threads", lstm_limits_get().threads);
    put_text(out, "utf8proc", utf8proc_version());
    put_text(out, "compiler", COMPILER);
    put_key(out, "embedded");
    json_put(out, "{");
    for (size_t i = 0; (embedded = embedded_at(i)); i++)
        put_text(out, embedded->name, embedded->sha256);
    json_put(out, "}");
    put_key(out, "models");
    json_put(out, "[");
    for (const struct bound *bound = registry->models; bound; bound = bound->next) {
        json_put(out, bound == registry->models ? "" : ",");
        put_model(out, bound);
    }
    json_put(out, "],\"table_mb\":");
    snprintf(number, sizeof number, "%.1f", (double)lstm_scorer_tables() / (1 << 20));
    json_put(out, number);
    json_put(out, "}");
}

/* table_mb: input products of all connections' models. models are those that this connection holds,
 * the last used first. */
void info_function(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    (void)argc, (void)argv;
    struct json_text out = { .size = 0 };
    put_info(&out, sqlite3_user_data(context));
    put_result(&out, context);
}
