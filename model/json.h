/* JSON (RFC 8259), small and bounded: for the headers of model files, cards and options.
 *
 * json_parse checks a whole text and fills a table of values that the caller brings; nothing is
 * allocated. Strings stay in the text, escaped, until json_string copies one out. Refused:
 * ill-formed UTF-8, lone surrogates, a key that stands twice in an object, and whatever goes beyond
 * the limits below (they also bound the work of finding such keys). */
#ifndef LSTM_JSON_H
#define LSTM_JSON_H

#include "error.h"

#include <stddef.h>
#include <stdint.h>

enum {
    JSON_SIZE_MAX = 128 << 20, /* bytes of a text */
    JSON_DEPTH_MAX = 32,       /* arrays and objects inside one another */
    JSON_KEYS_MAX = 256,       /* members of an object */
    JSON_KEY_SIZE_MAX = 256,   /* bytes of a key as written */
    JSON_NUMBER_SIZE_MAX = 64  /* bytes of a number as written */
};

enum json_type {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
};

struct json_value {
    enum json_type type;
    uint32_t at,
        size;       /* its bytes in the text; those of a string without the quotes, still escaped */
    uint32_t count; /* elements of an array, members of an object */
    uint32_t next;  /* the index of the first value behind this one and all that is in it */
};

/* Value 0 is the whole text. The values inside values[v] are v + 1 .. values[v].next - 1; a member
 * is its key, always a JSON_STRING, and then its value, so that for (uint32_t key = v + 1; key <
 * values[v].next; key = values[key + 1].next) visits the members of an object and for (uint32_t i =
 * v + 1; i < values[v].next; i = values[i].next) the elements of an array. */
struct json {
    const char *text;                /* not ours */
    const struct json_value *values; /* not ours */
};

/* what names the text in errors ("the header"). Errors: LSTM_CORRUPT with the byte and what is
 * wrong there. */
enum lstm_status json_parse(const char *what, const char *text, size_t size,
                            struct json_value *values, uint32_t capacity, struct json *json,
                            struct lstm_error *err);

/* The value of a member, or 0 when the object has no such key. */
uint32_t json_find(const struct json *json, uint32_t object, const char *key);

/* Whether a value is a string with exactly these bytes. */
int json_equals(const struct json *json, uint32_t value, const char *bytes, size_t size);

/* Copies a string without its escapes, and a NUL behind it; out holds at least values[value].size +
 * 1 bytes. Returns its size; NULs may be inside (\u0000). */
size_t json_string(const struct json *json, uint32_t value, char *out);

/* 1 when the value is a whole number written without fraction and exponent that fits; else 0. */
int json_int64(const struct json *json, uint32_t value, int64_t *number);
/* 1 when the value is a number that is finite as a double; else 0. */
int json_double(const struct json *json, uint32_t value, double *number);

int json_is_utf8(const char *bytes, size_t size);

/* Numbers as JSON writes them, whatever the locale of the process says about the decimal point. */
int json_real_read(const char *bytes, size_t size,
                   double *number); /* 0: not a finite JSON number, all of it */
enum { JSON_REAL_SIZE = 32 };
void json_real_write(float number,
                     char text[JSON_REAL_SIZE]); /* the bits come back when it is read */

/* A JSON text being written. Zero-initialise it; free bytes. A failure sticks: look at status once,
 * at the end. */
struct json_text {
    char *bytes; /* not NUL-terminated */
    size_t size, capacity;
    enum lstm_status status; /* LSTM_NOMEM, or LSTM_RANGE for a string that is not UTF-8 */
};
void json_put(struct json_text *out, const char *json); /* as it is */
void json_put_int64(struct json_text *out, int64_t number);
void json_put_string(struct json_text *out, const char *bytes,
                     size_t size); /* with quotes and escapes */

#endif
