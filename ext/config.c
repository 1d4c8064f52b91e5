/* lstm_config(key [, value]): the settings of the connection and of the process. */
#include "functions.h"
#include "model/device.h"
#include "model/limits.h"
#include "model/plugin.h"
#include "registry.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

const struct settings settings_default = { READAHEAD_ON, 1024, "auto" };

static const char *const readahead_words[] = {
    [READAHEAD_OFF] = "off", [READAHEAD_ON] = "on", [READAHEAD_EAGER] = "eager", NULL
};

enum setting {
    SETTING_READAHEAD,
    SETTING_BATCH,
    SETTING_DEVICE,
    SETTING_THREADS,
    SETTING_CACHE_MB,
    SETTING_MEMORY_MB,
    SETTING_CUDA_PLUGIN,
    SETTING_CUDA_MEMORY_MB,
    SETTINGS
};

/* low < high: a whole number between them; else text. */
static const struct {
    const char *key;
    int32_t low, high;
} settings[SETTINGS] = {
    [SETTING_READAHEAD] = { "readahead", 0, 0 },
    [SETTING_BATCH] = { "batch", 1, BATCH_MAX },
    [SETTING_DEVICE] = { "device", 0, 0 },
    [SETTING_THREADS] = { "threads", 1, LSTM_THREADS_MAX },
    [SETTING_CACHE_MB] = { "cache_mb", CACHE_MB_MIN, CACHE_MB_MAX },
    [SETTING_MEMORY_MB] = { "memory_mb", LSTM_MEMORY_MB_MIN, LSTM_MEMORY_MB_MAX },
    [SETTING_CUDA_PLUGIN] = { "cuda_plugin", 0, 0 },
    [SETTING_CUDA_MEMORY_MB] = { "cuda_memory_mb", LSTM_DEVICE_MEMORY_MB_MIN,
                                 LSTM_DEVICE_MEMORY_MB_MAX },
};

static int find(sqlite3_value *key, enum setting *setting, struct failure *failure)
{
    const char *text = (const char *)sqlite3_value_text(key);
    for (int i = 0; text && i < SETTINGS; i++)
        if (!strcmp(text, settings[i].key)) {
            *setting = (enum setting)i;
            return SQLITE_OK;
        }
    return failure_set(failure, FAILURE_OPTIONS,
                       "there is no setting '%.40s'; the settings are: readahead, batch, device, "
                       "threads, cache_mb, memory_mb, cuda_plugin, cuda_memory_mb",
                       text ? text : "NULL");
}

/* ---- text ---- */

static int set_readahead(struct registry *registry, const char *text, struct failure *failure)
{
    for (int i = 0; readahead_words[i]; i++)
        if (!strcmp(text, readahead_words[i])) {
            registry->settings.readahead = (enum readahead)i;
            return SQLITE_OK;
        }
    return failure_set(failure, FAILURE_OPTIONS,
                       "the setting readahead is '%.40s', it has to be 'off', 'on' or 'eager'",
                       text);
}

/* A CUDA device that cannot be had is an error here already, with the reason. */
static int set_device(struct registry *registry, const char *text, struct failure *failure)
{
    struct lstm_device device;
    struct lstm_error err;
    if (lstm_device_choose(text, &device, &err))
        return failure_of_model(failure, &err, "the setting device");
    snprintf(registry->settings.device, DEVICE_NAME_SIZE, "%s", text); /* names are shorter */
    registry_forget(registry);
    return SQLITE_OK;
}

/* Whether this connection may call load_extension(). SQLite tells by a call alone: the setting that
 * can be read is that of the C function too, which may be enabled while SQL must load nothing. The
 * file cannot be there. */
static int may_load_by_sql(sqlite3 *db)
{
    sqlite3_stmt *s = NULL;
    const int is_allowed =
        !sqlite3_prepare_v2(db, "SELECT load_extension('/dev/null/none')", -1, &s, NULL) &&
        sqlite3_step(s) != SQLITE_ROW && strcmp(sqlite3_errmsg(db), "not authorized") != 0;
    sqlite3_finalize(s);
    return is_allowed;
}

/* A plug-in is code that runs in this process. Whoever must not load an extension with
 * load_extension() must not do it by this setting. */
static int set_plugin(struct registry *registry, const char *text, struct failure *failure)
{
    struct lstm_error err;
    if (!may_load_by_sql(registry->db))
        return failure_set(failure, FAILURE_DEVICE,
                           "cuda_plugin is code, and this connection may not load any; set it "
                           "while load_extension() is enabled");
    const enum lstm_status rc = lstm_plugin_set_path(text, &err);
    if (rc)
        return failure_set(failure, rc == LSTM_RANGE ? FAILURE_OPTIONS : FAILURE_DEVICE, "%s",
                           err.text);
    registry_forget(registry);
    return SQLITE_OK;
}

static int set_text(struct registry *registry, enum setting setting, sqlite3_value *value,
                    struct failure *failure)
{
    const char *text = (const char *)sqlite3_value_text(value);
    text = text ? text : "NULL";
    return setting == SETTING_READAHEAD ? set_readahead(registry, text, failure)
           : setting == SETTING_DEVICE  ? set_device(registry, text, failure)
                                        : set_plugin(registry, text, failure);
}

/* ---- numbers ---- */

static int read_number(sqlite3_value *value, enum setting setting, int32_t *number,
                       struct failure *failure)
{
    const int32_t low = settings[setting].low, high = settings[setting].high;
    if (sqlite3_value_numeric_type(value) != SQLITE_INTEGER || sqlite3_value_int64(value) < low ||
        sqlite3_value_int64(value) > high) {
        const char *text = (const char *)sqlite3_value_text(value);
        return failure_set(failure, FAILURE_OPTIONS,
                           "the setting %s is '%.40s', it has to be a whole number from %d to %d",
                           settings[setting].key, text ? text : "NULL", (int)low, (int)high);
    }
    *number = sqlite3_value_int(value);
    return SQLITE_OK;
}

static int set_number(struct registry *registry, enum setting setting, sqlite3_value *value,
                      struct failure *failure)
{
    struct lstm_limits limits = lstm_limits_get();
    int32_t number = 0;
    int rc = read_number(value, setting, &number, failure);
    if (rc)
        return rc;
    switch (setting) {
    case SETTING_THREADS: limits.threads = number; break;
    case SETTING_MEMORY_MB: limits.memory_mb = number; break;
    case SETTING_BATCH: registry->settings.batch = number; return SQLITE_OK;
    case SETTING_CACHE_MB: result_cache_limit((size_t)number << 20); return SQLITE_OK;
    default: (void)lstm_plugin_set_memory(number, NULL); return SQLITE_OK; /* within its bounds */
    }
    lstm_limits_set(limits);
    return SQLITE_OK;
}

/* ---- both ---- */

static void give(sqlite3_context *context, const struct settings *of_connection,
                 enum setting setting)
{
    char path[PATH_MAX];
    const struct lstm_limits limits = lstm_limits_get();
    const int64_t numbers[SETTINGS] = {
        [SETTING_BATCH] = of_connection->batch,
        [SETTING_THREADS] = limits.threads,
        [SETTING_CACHE_MB] = (int64_t)(result_cache_state().limit >> 20),
        [SETTING_MEMORY_MB] = limits.memory_mb,
        [SETTING_CUDA_MEMORY_MB] = lstm_plugin_memory(),
    };
    lstm_plugin_path(path, sizeof path);
    const char *const texts[SETTINGS] = {
        [SETTING_READAHEAD] = readahead_words[of_connection->readahead],
        [SETTING_DEVICE] = of_connection->device,
        [SETTING_CUDA_PLUGIN] = path,
    };
    if (texts[setting])
        sqlite3_result_text(context, texts[setting], -1, SQLITE_TRANSIENT);
    else
        sqlite3_result_int64(context, numbers[setting]);
}

void config_function(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    struct registry *registry = sqlite3_user_data(context);
    struct failure failure;
    enum setting setting = SETTING_READAHEAD;
    int rc = find(argv[0], &setting, &failure);
    if (!rc && argc > 1)
        rc = settings[setting].low < settings[setting].high
                 ? set_number(registry, setting, argv[1], &failure)
                 : set_text(registry, setting, argv[1], &failure);
    if (rc)
        failure_result(&failure, context);
    else
        give(context, &registry->settings, setting);
}
