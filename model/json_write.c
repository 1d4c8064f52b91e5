/* Writing JSON: a growing text. */
#include "json.h"

#include <inttypes.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put(struct json_text *out, const char *bytes, size_t size)
{
    if (out->status)
        return;
    if (size > out->capacity - out->size) {
        size_t capacity = out->capacity * 2 + size + 256;
        char *grown = realloc(out->bytes, capacity);
        if (!grown) {
            out->status = LSTM_NOMEM;
            return;
        }
        out->bytes = grown;
        out->capacity = capacity;
    }
    memcpy(out->bytes + out->size, bytes, size);
    out->size += size;
}

void json_put(struct json_text *out, const char *json)
{
    put(out, json, strlen(json));
}

void json_put_int64(struct json_text *out, int64_t number)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRId64, number);
    json_put(out, digits);
}

void json_put_string(struct json_text *out, const char *bytes, size_t size)
{
    if (!out->status && !json_is_utf8(bytes, size))
        out->status = LSTM_RANGE;
    json_put(out, "\"");
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)bytes[i];
        char escape[8];
        if (c == '"' || c == '\\')
            snprintf(escape, sizeof escape, "\\%c", c);
        else if (c == '\n')
            snprintf(escape, sizeof escape, "\\n");
        else if (c < 0x20)
            snprintf(escape, sizeof escape, "\\u%04x", c);
        else {
            put(out, bytes + i, 1);
            continue;
        }
        json_put(out, escape);
    }
    json_put(out, "\"");
}

/* The process may have set a locale with a decimal comma; the thread writes in the C locale for a
 * moment. */
void json_real_write(float number, char text[JSON_REAL_SIZE])
{
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0), before = (locale_t)0;
    if (c)
        before = uselocale(c);
    snprintf(text, JSON_REAL_SIZE, "%.9g", (double)number);
    if (c) {
        uselocale(before);
        freelocale(c);
    }
}
