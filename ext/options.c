#include "options.h"

#include "model/json.h"
#include "settings.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* Bytes of a key or value in an error: it may be a text in the wrong place. */
enum { SHOWN_MAX = 40 };

/* How many bytes of it an error shows: whole characters. */
static int shown_size(const struct json *json, const struct json_value *value)
{
    return (int)(value->size > SHOWN_MAX ? failure_cut(json->text + value->at, SHOWN_MAX)
                                         : value->size);
}

#define MODEL_NAME_RULE "1 to 64 letters, digits, '.', '_' or '-', the first a letter or a digit"

static int read_model(const struct json *json, uint32_t value, struct options *options,
                      struct failure *failure)
{
    char name[JSON_KEY_SIZE_MAX];
    size_t size = 0;
    if (json->values[value].type != JSON_STRING)
        return failure_set(failure, FAILURE_OPTIONS,
                           "the option \"model\" has to be a string: the name of a model");
    if (json->values[value].size < sizeof name)
        size = json_string(json, value, name);
    if (!model_name_valid(name, size))
        return failure_set(failure, FAILURE_OPTIONS,
                           "the option \"model\" has to be the name of a model: %s",
                           MODEL_NAME_RULE);
    memcpy(options->model, name, size + 1);
    return SQLITE_OK;
}

static int read_number(const struct json *json, uint32_t value, const char *key, int32_t low,
                       int32_t high, int32_t *number, struct failure *failure)
{
    const struct json_value *given = &json->values[value];
    const char *quote = given->type == JSON_STRING ? "\"" : "";
    int64_t whole = 0;
    if (!json_int64(json, value, &whole) || whole < low || whole > high)
        return failure_set(failure, FAILURE_OPTIONS,
                           "the option \"%s\" is %s%.*s%s%s, it has to be a whole number from %d "
                           "to %d",
                           key, quote, shown_size(json, given), json->text + given->at,
                           given->size > SHOWN_MAX ? "..." : "", quote, (int)low, (int)high);
    *number = (int32_t)whole;
    return SQLITE_OK;
}

static int read_share(const struct json *json, uint32_t value, const char *key, float *share,
                      struct failure *failure)
{
    const struct json_value *given = &json->values[value];
    const char *quote = given->type == JSON_STRING ? "\"" : "";
    double number = -1;
    if (!json_double(json, value, &number) || !(number >= 0 && number <= 1))
        return failure_set(failure, FAILURE_OPTIONS,
                           "the option \"%s\" is %s%.*s%s%s, it has to be a number from 0 to 1",
                           key, quote, shown_size(json, given), json->text + given->at,
                           given->size > SHOWN_MAX ? "..." : "", quote);
    *share = (float)number;
    return SQLITE_OK;
}

/* The option "model" is read by itself. */
static const struct {
    const char *key;
    size_t at;         /* in struct options */
    int32_t low, high; /* 0 and 0: a real number from 0 to 1 */
    enum options_kind kind;
} numbers[] = {
    { "max_tokens", offsetof(struct options, summary.max_tokens), 1, LSTM_SUMMARY_TOKENS_MAX,
      OPTIONS_OF_SUMMARIES },
    { "min_tokens", offsetof(struct options, summary.min_tokens), 0, LSTM_SUMMARY_TOKENS_MAX,
      OPTIONS_OF_SUMMARIES },
    { "beam", offsetof(struct options, summary.beam), 1, LSTM_SUMMARY_BEAM_MAX,
      OPTIONS_OF_SUMMARIES },
    { "contrast", offsetof(struct options, summary.contrast), 0, 0, OPTIONS_OF_SUMMARIES },
    { "tone", offsetof(struct options, summary.tone), 0, 0, OPTIONS_OF_SUMMARIES },
    { "batch", offsetof(struct options, batch), 1, BATCH_MAX, OPTIONS_OF_ROWS },
};

static int read_member(const struct json *json, uint32_t key, enum options_kind kind,
                       struct options *options, struct failure *failure)
{
    static const char *const keys[] = {
        [OPTIONS_OF_SCORES] = "\"model\"",
        [OPTIONS_OF_ROWS] = "\"model\", \"batch\"",
        [OPTIONS_OF_SUMMARIES] =
            "\"model\", \"max_tokens\", \"min_tokens\", \"beam\", \"contrast\", \"tone\"",
    };
    if (json_equals(json, key, "model", strlen("model")))
        return read_model(json, key + 1, options, failure);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        void *to = (char *)options + numbers[i].at;
        if (numbers[i].kind != kind ||
            !json_equals(json, key, numbers[i].key, strlen(numbers[i].key)))
            continue;
        if (numbers[i].high == 0)
            return read_share(json, key + 1, numbers[i].key, to, failure);
        return read_number(json, key + 1, numbers[i].key, numbers[i].low, numbers[i].high, to,
                           failure);
    }
    const struct json_value *unknown = &json->values[key];
    return failure_set(failure, FAILURE_OPTIONS,
                       "there is no option \"%.*s%s\"; the options are: %s",
                       shown_size(json, unknown), json->text + unknown->at,
                       unknown->size > SHOWN_MAX ? "..." : "", keys[kind]);
}

/* A default gives way to what is asked for; two wishes that contradict one another are an error. */
static int settle_lengths(int asked_max, int asked_min, struct lstm_summary_settings *summary,
                          struct failure *failure)
{
    if (summary->min_tokens <= summary->max_tokens)
        return SQLITE_OK;
    if (asked_max && asked_min)
        return failure_set(failure, FAILURE_OPTIONS,
                           "the option \"min_tokens\" is %d, more than \"max_tokens\", which is %d",
                           (int)summary->min_tokens, (int)summary->max_tokens);
    if (asked_min)
        summary->max_tokens = summary->min_tokens;
    else
        summary->min_tokens = summary->max_tokens;
    return SQLITE_OK;
}

static int read_object(const char *text, size_t size, enum options_kind kind,
                       struct options *options, struct failure *failure)
{
    struct json_value values[64];
    struct json json;
    struct lstm_error err;
    if (json_parse("the options", text, size, values, sizeof values / sizeof *values, &json, &err))
        return failure_set(failure, FAILURE_OPTIONS, "%s", err.text);
    int rc = SQLITE_OK;
    for (uint32_t key = 1; !rc && key < values[0].next; key = values[key + 1].next)
        rc = read_member(&json, key, kind, options, failure);
    return rc ? rc
              : settle_lengths(json_find(&json, 0, "max_tokens") > 0,
                               json_find(&json, 0, "min_tokens") > 0, &options->summary, failure);
}

int options_read(sqlite3_value *value, enum options_kind kind, struct options *options,
                 struct failure *failure)
{
    *options = (struct options){ .summary = lstm_summary_defaults };
    snprintf(options->model, sizeof options->model, "%s",
             kind == OPTIONS_OF_SUMMARIES ? EMBEDDED_SUMMARY : EMBEDDED_SENTIMENT);
    if (!value || sqlite3_value_type(value) == SQLITE_NULL)
        return SQLITE_OK;
    if (sqlite3_value_type(value) != SQLITE_TEXT)
        return failure_set(failure, FAILURE_OPTIONS,
                           "options have to be text: a JSON object such as {\"model\": \"name\"}, "
                           "or the name of a model");
    const char *text = (const char *)sqlite3_value_text(value);
    size_t size = (size_t)sqlite3_value_bytes(value);
    if (!text)
        return failure_set(failure, FAILURE_NOMEM, "the options");
    if (size > OPTIONS_SIZE_MAX)
        return failure_set(failure, FAILURE_OPTIONS, "options of %zu bytes: at most %d are read",
                           size, OPTIONS_SIZE_MAX);
    if (text[strspn(text, " \t\r\n")] == '{')
        return read_object(text, size, kind, options, failure);
    if (!model_name_valid(text, size)) /* not echoed: it may be a text in the wrong place */
        return failure_set(
            failure, FAILURE_OPTIONS,
            "options are neither a JSON object nor the name of a model (" MODEL_NAME_RULE ")");
    memcpy(options->model, text, size + 1);
    return SQLITE_OK;
}

int text_read(sqlite3_value *value, struct lstm_text *text, struct failure *failure)
{
    int is_blob = sqlite3_value_type(value) == SQLITE_BLOB;
    text->bytes = is_blob ? sqlite3_value_blob(value) : sqlite3_value_text(value);
    text->size =
        (size_t)sqlite3_value_bytes(value); /* not strlen: a NUL is a character like others */
    if (!text->bytes && (!is_blob || text->size > 0))
        return failure_set(failure, FAILURE_NOMEM, "the text");
    if (!text->bytes)
        text->bytes = "";
    return SQLITE_OK;
}
