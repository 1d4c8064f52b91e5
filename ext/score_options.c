#include "score_options.h"

#include "model/json.h"

#include <string.h>

enum { SHOWN_MAX = 40 }; /* bytes of a key or value in an error */

static int read_model(const struct json *json, uint32_t value, struct options *options,
                      struct failure *failure)
{
    char name[JSON_KEY_SIZE_MAX];
    size_t size = 0;
    if (json->values[value].type == JSON_STRING && json->values[value].size < sizeof name)
        size = json_string(json, value, name);
    if (!model_name_valid(name, size))
        return failure_set(failure, FAILURE_OPTIONS,
                           "the option \"model\" has to be a string: the name of a model");
    memcpy(options->model, name, size + 1);
    return SQLITE_OK;
}

static int read_batch(const struct json *json, uint32_t value, int32_t *batch,
                      struct failure *failure)
{
    const struct json_value *given = &json->values[value];
    int64_t rows = 0;
    if (!json_int64(json, value, &rows) || rows < 1 || rows > BATCH_MAX)
        return failure_set(failure, FAILURE_OPTIONS,
                           "the option \"batch\" is %.*s, it has to be a whole number from 1 to %d",
                           (int)failure_cut(json->text + given->at,
                                            given->size > SHOWN_MAX ? SHOWN_MAX : given->size),
                           json->text + given->at, BATCH_MAX);
    *batch = (int32_t)rows;
    return SQLITE_OK;
}

static int read_member(const struct json *json, uint32_t key, struct options *options,
                       int32_t *batch, struct failure *failure)
{
    const struct json_value *unknown = &json->values[key];
    if (json_equals(json, key, "model", strlen("model")))
        return read_model(json, key + 1, options, failure);
    if (json_equals(json, key, "batch", strlen("batch")))
        return read_batch(json, key + 1, batch, failure);
    return failure_set(failure, FAILURE_OPTIONS,
                       "there is no option \"%.*s\"; the options are: \"model\", \"batch\"",
                       (int)failure_cut(json->text + unknown->at,
                                        unknown->size > SHOWN_MAX ? SHOWN_MAX : unknown->size),
                       json->text + unknown->at);
}

int score_options_read(sqlite3_value *value, struct options *options, int32_t *batch,
                       struct failure *failure)
{
    struct json_value values[64];
    struct json json;
    struct lstm_error err;
    const char *text = NULL;
    size_t size = 0;
    if (value && sqlite3_value_type(value) == SQLITE_TEXT &&
        (text = (const char *)sqlite3_value_text(value)))
        size = (size_t)sqlite3_value_bytes(value);
    if (!text || size > OPTIONS_SIZE_MAX || text[strspn(text, " \t\r\n")] != '{')
        return options_read(value, OPTIONS_OF_SCORES, options, failure);
    int rc = options_read(NULL, OPTIONS_OF_SCORES, options, failure);
    if (json_parse("the options", text, size, values, sizeof values / sizeof *values, &json, &err))
        return failure_set(failure, FAILURE_OPTIONS, "%s", err.text);
    for (uint32_t key = 1; !rc && key < values[0].next; key = values[key + 1].next)
        rc = read_member(&json, key, options, batch, failure);
    return rc;
}
