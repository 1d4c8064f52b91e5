#include "json_members.h"

#include <stdlib.h>
#include <string.h>

void put_key(struct json_text *out, const char *key)
{
    json_put(out, out->size > 0 && out->bytes[out->size - 1] == '{' ? "" : ",");
    json_put_string(out, key, strlen(key));
    json_put(out, ":");
}

void put_text(struct json_text *out, const char *key, const char *value)
{
    put_key(out, key);
    json_put_string(out, value, strlen(value));
}

void put_number(struct json_text *out, const char *key, int64_t value)
{
    put_key(out, key);
    json_put_int64(out, value);
}

void put_result(struct json_text *out, sqlite3_context *context)
{
    if (out->status) {
        sqlite3_result_error_nomem(context);
    } else {
        sqlite3_result_text64(context, out->bytes, out->size, SQLITE_TRANSIENT, SQLITE_UTF8);
        sqlite3_result_subtype(context, 'J');
    }
    free(out->bytes);
}
