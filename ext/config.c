/* lstm_config(key [, value]): the settings of the connection and of the process. */
#include "functions.h"
#include "model/limits.h"
#include "registry.h"

#include <string.h>

const struct settings settings_default = { READAHEAD_ON, 1024, "auto" };

static const char *const readahead_words[] = {
    [READAHEAD_OFF] = "off", [READAHEAD_ON] = "on", [READAHEAD_EAGER] = "eager", NULL
};
static const char *const device_words[] = { "auto", "cpu", NULL };

enum setting {
    SETTING_READAHEAD,
    SETTING_BATCH,
    SETTING_DEVICE,
    SETTING_THREADS,
    SETTING_CACHE_MB,
    SETTING_MEMORY_MB
};

static const struct {
    const char *key;
    const char *const *words; /* NULL: a whole number from low to high */
    int32_t low, high;
} settings[] = {
    [SETTING_READAHEAD] = { "readahead", readahead_words, 0, 0 },
    [SETTING_BATCH] = { "batch", NULL, 1, BATCH_MAX },
    [SETTING_DEVICE] = { "device", device_words, 0, 0 },
    [SETTING_THREADS] = { "threads", NULL, 1, LSTM_THREADS_MAX },
    [SETTING_CACHE_MB] = { "cache_mb", NULL, CACHE_MB_MIN, CACHE_MB_MAX },
    [SETTING_MEMORY_MB] = { "memory_mb", NULL, LSTM_MEMORY_MB_MIN, LSTM_MEMORY_MB_MAX },
};
enum { SETTINGS = sizeof settings / sizeof *settings };

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
                       "threads, cache_mb, memory_mb",
                       text ? text : "NULL");
}

static int read_word(sqlite3_value *value, enum setting setting, int32_t *number,
                     struct failure *failure)
{
    const char *const *words = settings[setting].words;
    const char *text = (const char *)sqlite3_value_text(value);
    for (int i = 0; text && words[i]; i++)
        if (!strcmp(text, words[i])) {
            *number = i;
            return SQLITE_OK;
        }
    if (setting == SETTING_DEVICE)
        return failure_set(failure, FAILURE_DEVICE,
                           "there is no device '%.40s'; use 'auto' or 'cpu'", text ? text : "NULL");
    return failure_set(failure, FAILURE_OPTIONS,
                       "the setting readahead is '%.40s', it has to be 'off', 'on' or 'eager'",
                       text ? text : "NULL");
}

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

static void change(struct settings *of_connection, enum setting setting, int32_t number)
{
    struct lstm_limits limits = lstm_limits_get();
    switch (setting) {
    case SETTING_READAHEAD: of_connection->readahead = (enum readahead)number; break;
    case SETTING_BATCH: of_connection->batch = number; break;
    case SETTING_DEVICE: of_connection->device = device_words[number]; break;
    case SETTING_THREADS: limits.threads = number; break;
    case SETTING_CACHE_MB: result_cache_limit((size_t)number << 20); break;
    case SETTING_MEMORY_MB: limits.memory_mb = number; break;
    }
    lstm_limits_set(limits);
}

static void give(sqlite3_context *context, const struct settings *of_connection,
                 enum setting setting)
{
    const struct lstm_limits limits = lstm_limits_get();
    const char *word = setting == SETTING_READAHEAD ? readahead_words[of_connection->readahead]
                                                    : of_connection->device;
    const int64_t numbers[SETTINGS] = {
        [SETTING_BATCH] = of_connection->batch,
        [SETTING_THREADS] = limits.threads,
        [SETTING_CACHE_MB] = (int64_t)(result_cache_state().limit >> 20),
        [SETTING_MEMORY_MB] = limits.memory_mb,
    };
    if (settings[setting].words)
        sqlite3_result_text(context, word, -1, SQLITE_STATIC);
    else
        sqlite3_result_int64(context, numbers[setting]);
}

void config_function(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    struct registry *registry = sqlite3_user_data(context);
    struct failure failure;
    enum setting setting = SETTING_READAHEAD;
    int32_t number = 0;
    int rc = find(argv[0], &setting, &failure);
    if (!rc && argc > 1)
        rc = settings[setting].words ? read_word(argv[1], setting, &number, &failure)
                                     : read_number(argv[1], setting, &number, &failure);
    if (rc) {
        failure_result(&failure, context);
        return;
    }
    if (argc > 1)
        change(&registry->settings, setting, number);
    give(context, &registry->settings, setting);
}
