/* What this build is and what it runs on: the first thing to send with a bug report. */
#include "functions.h"
#include "json_members.h"
#include "model/device.h"
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

/* device: that the connection's models are to run on. A model that does not has the reason. */
static void put_model(struct json_text *out, const struct bound *bound, const char *device)
{
    const struct lstm_scorer *scorer = bound->shared->scorer;
    const struct lstm_model *model = lstm_scorer_model(scorer);
    json_put(out, "{");
    put_text(out, "name", bound->name);
    put_text(out, "sha256", bound->shared->sha256);
    put_text(out, "task", model->task);
    json_put(out, ",");
    sizes_put(out, &model->sizes);
    put_number(out, "bytes", (int64_t)bound->shared->size);
    put_text(out, "device", lstm_scorer_device(scorer));
    if (strcmp(lstm_scorer_device(scorer), device))
        put_text(out, "why", lstm_scorer_why(scorer));
    json_put(out, "}");
}

/* Returns the name of the connection's device; "" where it cannot be had, with the reason. */
static const char *put_device(struct json_text *out, const struct registry *registry)
{
    struct lstm_device device;
    struct lstm_error err;
    const int is_missing = lstm_device_choose(registry->settings.device, &device, &err) != LSTM_OK;
    const char *name = is_missing ? "" : device.backend->name;
    put_text(out, "device", name);
    put_text(out, "why", is_missing ? err.text : device.why);
    return name;
}

static void put_info(struct json_text *out, const struct registry *registry)
{
    char number[32];
    const struct embedded *embedded;
    const char *isa = strchr(lstm_backend_cpu(NULL)->name, '-');
    json_put(out, "{");
    put_text(out, "version", LSTM_VERSION);
    put_text(out, "sqlite", sqlite3_libversion());
    const char *device = put_device(out, registry);
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
        put_model(out, bound, device);
    }
    json_put(out, "],\"table_mb\":");
    snprintf(number, sizeof number, "%.1f", (double)lstm_scorer_tables() / (1 << 20));
    json_put(out, number);
    json_put(out, "}");
}

/* device, why: what this connection's models are to run on, and what that is or why it is no other.
 * table_mb: input products of all connections' models. models are those that this connection holds,
 * the last used first. */
void info_function(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    (void)argc, (void)argv;
    struct json_text out = { .size = 0 };
    put_info(&out, sqlite3_user_data(context));
    put_result(&out, context);
}
