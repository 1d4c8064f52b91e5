/* Members of JSON objects that our functions write. */
#ifndef EXT_JSON_MEMBERS_H
#define EXT_JSON_MEMBERS_H

#include "model/json.h"
#include "sqlite.h"

void put_key(struct json_text *out, const char *key);
void put_text(struct json_text *out, const char *key, const char *value);
void put_number(struct json_text *out, const char *key, int64_t value);

/* The finished text as the result of a function; frees it. */
void put_result(struct json_text *out, sqlite3_context *context);

#endif
