#include "options.h"

#include "model/json.h"

#include <string.h>

enum { KEY_SHOWN_MAX = 40 }; /* bytes of an unknown key in an error: it may be a text in the wrong place */

#define MODEL_NAME_RULE "1 to 64 letters, digits, '.', '_' or '-', the first a letter or a digit"

static int read_model(const struct json *json, uint32_t value, struct options *options, struct failure *failure)
{
    char name[JSON_KEY_SIZE_MAX];
    size_t size = 0;
    if (json->values[value].type != JSON_STRING)
        return failure_set(failure, FAILURE_OPTIONS, "the option \"model\" has to be a string: the name of a model");
    if (json->values[value].size < sizeof name)
        size = json_string(json, value, name);
    if (!model_name_valid(name, size))
        return failure_set(failure, FAILURE_OPTIONS, "the option \"model\" has to be the name of a model: %s",
                           MODEL_NAME_RULE);
    memcpy(options->model, name, size + 1);
    return SQLITE_OK;
}

static const struct {
    const char *key;
    int (*read)(const struct json *json, uint32_t value, struct options *options, struct failure *failure);
} known[] = {
    { "model", read_model },
};
#define KNOWN_KEYS "\"model\""

static int read_member(const struct json *json, uint32_t key, struct options *options, struct failure *failure)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (json_equals(json, key, known[i].key, strlen(known[i].key)))
            return known[i].read(json, key + 1, options, failure);
    const char *text = json->text + json->values[key].at;
    size_t size = json->values[key].size, shown = size > KEY_SHOWN_MAX ? failure_cut(text, KEY_SHOWN_MAX) : size;
    return failure_set(failure, FAILURE_OPTIONS, "there is no option \"%.*s%s\"; the options are: %s", (int)shown, text,
                       shown < size ? "..." : "", KNOWN_KEYS);
}

static int read_object(const char *text, size_t size, struct options *options, struct failure *failure)
{
    struct json_value values[64];
    struct json json;
    struct lstm_error err;
    if (json_parse("the options", text, size, values, sizeof values / sizeof *values, &json, &err))
        return failure_set(failure, FAILURE_OPTIONS, "%s", err.text);
    int rc = SQLITE_OK;
    for (uint32_t key = 1; !rc && key < values[0].next; key = values[key + 1].next)
        rc = read_member(&json, key, options, failure);
    return rc;
}

int options_read(sqlite3_value *value, struct options *options, struct failure *failure)
{
    *options = (struct options){ .model = "" };
    if (!value || sqlite3_value_type(value) == SQLITE_NULL)
        return SQLITE_OK;
    if (sqlite3_value_type(value) != SQLITE_TEXT)
        return failure_set(
            failure, FAILURE_OPTIONS,
            "options have to be text: a JSON object such as {\"model\": \"name\"}, or the name of a model");
    const char *text = (const char *)sqlite3_value_text(value);
    size_t size = (size_t)sqlite3_value_bytes(value);
    if (!text)
        return failure_set(failure, FAILURE_NOMEM, "the options");
    if (size > OPTIONS_SIZE_MAX)
        return failure_set(failure, FAILURE_OPTIONS, "options of %zu bytes: at most %d are read", size,
                           OPTIONS_SIZE_MAX);
    if (text[strspn(text, " \t\r\n")] == '{')
        return read_object(text, size, options, failure);
    if (!model_name_valid(text, size)) /* not echoed: it may be a text in the wrong place */
        return failure_set(failure, FAILURE_OPTIONS,
                           "options are neither a JSON object nor the name of a model (" MODEL_NAME_RULE ")");
    memcpy(options->model, text, size + 1);
    return SQLITE_OK;
}

int text_read(sqlite3_value *value, struct lstm_text *text, struct failure *failure)
{
    int is_blob = sqlite3_value_type(value) == SQLITE_BLOB;
    text->bytes = is_blob ? sqlite3_value_blob(value) : sqlite3_value_text(value);
    text->size = (size_t)sqlite3_value_bytes(value); /* not strlen: a NUL is a character like others */
    if (!text->bytes && (!is_blob || text->size > 0))
        return failure_set(failure, FAILURE_NOMEM, "the text");
    if (!text->bytes)
        text->bytes = "";
    return SQLITE_OK;
}
