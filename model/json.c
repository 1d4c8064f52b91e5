/* Reading JSON: a recursive descent whose depth is bounded, over a table of values that is bounded.
 */
#include "json.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct parser {
    const char *what;
    const unsigned char *text;
    uint32_t size, at;
    struct json_value *values;
    uint32_t capacity, count;
    int depth;
    struct lstm_error *err;
};

static enum lstm_status parse_value(struct parser *p);

static enum lstm_status fail(struct parser *p, const char *problem)
{
    return lstm_fail(p->err, LSTM_CORRUPT, "%s, byte %u: %s", p->what, (unsigned)p->at, problem);
}

static int peek(const struct parser *p)
{
    return p->at < p->size ? p->text[p->at] : -1;
}

static int is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static void skip_space(struct parser *p)
{
    while (p->at < p->size && strchr(" \t\n\r", p->text[p->at]) && p->text[p->at])
        p->at++;
}

/* The bytes of the well-formed character at s, 0 where there is none (Unicode 15, table 3-7). */
static size_t utf8_size(const unsigned char *s, size_t left)
{
    static const struct {
        unsigned char first_low, first_high, second_low, second_high, size;
    } forms[] = {
        { 0x00, 0x7F, 0x00, 0x00, 1 }, { 0xC2, 0xDF, 0x80, 0xBF, 2 }, { 0xE0, 0xE0, 0xA0, 0xBF, 3 },
        { 0xE1, 0xEC, 0x80, 0xBF, 3 }, { 0xED, 0xED, 0x80, 0x9F, 3 }, { 0xEE, 0xEF, 0x80, 0xBF, 3 },
        { 0xF0, 0xF0, 0x90, 0xBF, 4 }, { 0xF1, 0xF3, 0x80, 0xBF, 4 }, { 0xF4, 0xF4, 0x80, 0x8F, 4 },
    };
    for (size_t f = 0; f < sizeof forms / sizeof *forms; f++) {
        if (s[0] < forms[f].first_low || s[0] > forms[f].first_high)
            continue;
        if (forms[f].size > left)
            return 0;
        if (forms[f].size > 1 && (s[1] < forms[f].second_low || s[1] > forms[f].second_high))
            return 0;
        for (size_t i = 2; i < forms[f].size; i++)
            if ((s[i] & 0xC0) != 0x80)
                return 0;
        return forms[f].size;
    }
    return 0;
}

int json_is_utf8(const char *bytes, size_t size)
{
    const unsigned char *s = (const unsigned char *)bytes;
    for (size_t at = 0, length; at < size; at += length)
        if (!(length = utf8_size(s + at, size - at)))
            return 0;
    return 1;
}

/* The four hexadecimal digits at s, -1 where they are not. */
static int32_t hex4(const unsigned char *s, size_t left)
{
    int32_t value = 0;
    if (left < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int c = s[i], lower = c | 0x20;
        int digit = is_digit(c) ? c - '0' : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

static enum lstm_status skip_escape(struct parser *p)
{
    const unsigned char *s = p->text + p->at;
    size_t left = p->size - p->at;
    if (left > 1 && s[1] && strchr("\"\\/bfnrt", s[1])) {
        p->at += 2;
        return LSTM_OK;
    }
    if (left < 2 || s[1] != 'u')
        return fail(p, "an unknown escape");
    int32_t unit = hex4(s + 2, left - 2);
    if (unit < 0)
        return fail(p, "\\u without four hexadecimal digits");
    if (unit >= 0xD800 && unit <= 0xDFFF) {
        int32_t low =
            unit < 0xDC00 && left > 8 && s[6] == '\\' && s[7] == 'u' ? hex4(s + 8, left - 8) : -1;
        if (low < 0xDC00 || low > 0xDFFF)
            return fail(p, "a lone surrogate");
        p->at += 6;
    }
    p->at += 6;
    return LSTM_OK;
}

static enum lstm_status parse_string(struct parser *p, struct json_value *value)
{
    p->at++;
    value->at = p->at;
    for (int c; (c = peek(p)) != '"';) {
        if (c < 0)
            return fail(p, "a string without its end");
        if (c < 0x20)
            return fail(p, "a control character in a string");
        if (c == '\\') {
            if (skip_escape(p))
                return LSTM_CORRUPT;
            continue;
        }
        size_t length = c < 0x80 ? 1 : utf8_size(p->text + p->at, p->size - p->at);
        if (!length)
            return fail(p, "ill-formed UTF-8");
        p->at += (uint32_t)length;
    }
    value->size = p->at - value->at;
    p->at++;
    return LSTM_OK;
}

static enum lstm_status skip_digits(struct parser *p)
{
    if (!is_digit(peek(p)))
        return fail(p, "expected a digit");
    while (is_digit(peek(p)))
        p->at++;
    return LSTM_OK;
}

static enum lstm_status parse_number(struct parser *p, struct json_value *value)
{
    value->at = p->at;
    if (peek(p) == '-')
        p->at++;
    if (peek(p) == '0')
        p->at++;
    else if (skip_digits(p))
        return LSTM_CORRUPT;
    if (peek(p) == '.') {
        p->at++;
        if (skip_digits(p))
            return LSTM_CORRUPT;
    }
    if (peek(p) == 'e' || peek(p) == 'E') {
        p->at++;
        if (peek(p) == '+' || peek(p) == '-')
            p->at++;
        if (skip_digits(p))
            return LSTM_CORRUPT;
    }
    value->size = p->at - value->at;
    if (value->size > JSON_NUMBER_SIZE_MAX)
        return fail(p, "a number of more than 64 bytes");
    return LSTM_OK;
}

static enum lstm_status parse_word(struct parser *p, struct json_value *value, const char *word)
{
    size_t length = strlen(word);
    if (p->size - p->at < length || memcmp(p->text + p->at, word, length) != 0)
        return fail(p, "expected a value");
    value->at = p->at;
    value->size = (uint32_t)length;
    p->at += (uint32_t)length;
    return LSTM_OK;
}

/* The character at *at of a string that was checked. */
static uint32_t next_character(const unsigned char *s, uint32_t *at)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    const unsigned char *c = s + *at;
    if (c[0] == '\\') {
        if (c[1] != 'u') {
            *at += 2;
            return (uint32_t)meanings[strchr(letters, c[1]) - letters];
        }
        uint32_t unit = (uint32_t)hex4(c + 2, 4);
        *at += 6;
        if (unit < 0xD800 || unit > 0xDFFF)
            return unit;
        *at += 6;
        return 0x10000 + ((unit - 0xD800) << 10) + ((uint32_t)hex4(c + 8, 4) - 0xDC00);
    }
    size_t length = utf8_size(c, 4);
    uint32_t character = length == 1 ? c[0] : c[0] & (0xFFU >> (length + 1));
    for (size_t i = 1; i < length; i++)
        character = character << 6 | (c[i] & 0x3F);
    *at += (uint32_t)length;
    return character;
}

static int same_string(const unsigned char *text, const struct json_value *a,
                       const struct json_value *b)
{
    uint32_t i = a->at, j = b->at;
    while (i < a->at + a->size && j < b->at + b->size)
        if (next_character(text, &i) != next_character(text, &j))
            return 0;
    return i == a->at + a->size && j == b->at + b->size;
}

/* object + 1 .. key are the members so far, the newest key last. */
static int stands_twice(const struct parser *p, uint32_t object, uint32_t key)
{
    for (uint32_t k = object + 1; k < key; k = p->values[k + 1].next)
        if (same_string(p->text, &p->values[k], &p->values[key]))
            return 1;
    return 0;
}

static enum lstm_status parse_key(struct parser *p, uint32_t object)
{
    uint32_t key = p->count;
    if (peek(p) != '"')
        return fail(p, "expected a key in quotes");
    if (p->values[object].count == JSON_KEYS_MAX)
        return fail(p, "an object of more than 256 members");
    if (parse_value(p))
        return LSTM_CORRUPT;
    if (p->values[key].size > JSON_KEY_SIZE_MAX)
        return fail(p, "a key of more than 256 bytes");
    if (stands_twice(p, object, key))
        return fail(p, "a key that stands twice in its object");
    skip_space(p);
    if (peek(p) != ':')
        return fail(p, "expected ':' after a key");
    p->at++;
    return LSTM_OK;
}

/* An array or an object; index is its place in the table. */
static enum lstm_status parse_nested(struct parser *p, uint32_t index)
{
    int is_object = p->values[index].type == JSON_OBJECT, end = is_object ? '}' : ']';
    if (++p->depth > JSON_DEPTH_MAX)
        return fail(p, "nested more than 32 deep");
    p->values[index].at = p->at++;
    skip_space(p);
    while (peek(p) != end || p->values[index].count) {
        if ((is_object && parse_key(p, index)) || parse_value(p))
            return LSTM_CORRUPT;
        p->values[index].count++;
        skip_space(p);
        if (peek(p) == end)
            break;
        if (peek(p) != ',')
            return fail(p, is_object ? "expected ',' or '}'" : "expected ',' or ']'");
        p->at++;
        skip_space(p);
    }
    p->at++;
    p->values[index].size = p->at - p->values[index].at;
    p->depth--;
    return LSTM_OK;
}

static enum lstm_status parse_value(struct parser *p)
{
    skip_space(p);
    if (p->count == p->capacity)
        return lstm_fail(p->err, LSTM_CORRUPT, "%s, byte %u: more than %u values", p->what,
                         (unsigned)p->at, (unsigned)p->capacity);
    uint32_t index = p->count++;
    struct json_value *value = &p->values[index];
    enum lstm_status rc;
    int c = peek(p);
    value->count = 0;
    value->type = c == '{'   ? JSON_OBJECT
                  : c == '[' ? JSON_ARRAY
                  : c == '"' ? JSON_STRING
                  : c == 't' ? JSON_TRUE
                  : c == 'f' ? JSON_FALSE
                  : c == 'n' ? JSON_NULL
                             : JSON_NUMBER;
    switch (value->type) {
    case JSON_OBJECT:
    case JSON_ARRAY: rc = parse_nested(p, index); break;
    case JSON_STRING: rc = parse_string(p, value); break;
    case JSON_TRUE: rc = parse_word(p, value, "true"); break;
    case JSON_FALSE: rc = parse_word(p, value, "false"); break;
    case JSON_NULL: rc = parse_word(p, value, "null"); break;
    default: rc = c == '-' || is_digit(c) ? parse_number(p, value) : fail(p, "expected a value");
    }
    value->next = p->count;
    return rc;
}

enum lstm_status json_parse(const char *what, const char *text, size_t size,
                            struct json_value *values, uint32_t capacity, struct json *json,
                            struct lstm_error *err)
{
    if (size > JSON_SIZE_MAX)
        return lstm_fail(err, LSTM_CORRUPT, "%s has %zu bytes, at most %d", what, size,
                         (int)JSON_SIZE_MAX);
    struct parser p = {
        what, (const unsigned char *)text, (uint32_t)size, 0, values, capacity, 0, 0, err
    };
    if (parse_value(&p))
        return LSTM_CORRUPT;
    skip_space(&p);
    if (p.at < p.size)
        return fail(&p, "something follows the value");
    json->text = text;
    json->values = values;
    return LSTM_OK;
}

/* The bytes of a character as UTF-8. */
static size_t encode(uint32_t character, unsigned char out[4])
{
    if (character < 0x80) {
        out[0] = (unsigned char)character;
        return 1;
    }
    size_t size = character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
    for (size_t i = size - 1; i > 0; i--, character >>= 6)
        out[i] = (unsigned char)(0x80 | (character & 0x3F));
    out[0] = (unsigned char)((0xF00U >> size & 0xF0) | character);
    return size;
}

size_t json_string(const struct json *json, uint32_t value, char *out)
{
    const struct json_value *v = &json->values[value];
    const unsigned char *text = (const unsigned char *)json->text;
    size_t size = 0;
    for (uint32_t at = v->at; at < v->at + v->size;) {
        unsigned char bytes[4];
        size_t length = encode(next_character(text, &at), bytes);
        memcpy(out + size, bytes, length);
        size += length;
    }
    out[size] = '\0';
    return size;
}

int json_equals(const struct json *json, uint32_t value, const char *bytes, size_t size)
{
    const struct json_value *v = &json->values[value];
    const unsigned char *text = (const unsigned char *)json->text;
    size_t compared = 0;
    if (v->type != JSON_STRING)
        return 0;
    for (uint32_t at = v->at; at < v->at + v->size;) {
        unsigned char character[4];
        size_t length = encode(next_character(text, &at), character);
        if (length > size - compared || memcmp(bytes + compared, character, length) != 0)
            return 0;
        compared += length;
    }
    return compared == size;
}

uint32_t json_find(const struct json *json, uint32_t object, const char *key)
{
    if (json->values[object].type != JSON_OBJECT)
        return 0;
    for (uint32_t k = object + 1; k < json->values[object].next; k = json->values[k + 1].next)
        if (json_equals(json, k, key, strlen(key)))
            return k + 1;
    return 0;
}

int json_int64(const struct json *json, uint32_t value, int64_t *number)
{
    const struct json_value *v = &json->values[value];
    const char *digits = json->text + v->at, *end = digits + v->size;
    uint64_t magnitude = 0;
    int negative = v->type == JSON_NUMBER && *digits == '-';
    uint64_t limit = (uint64_t)INT64_MAX + (negative ? 1 : 0);
    if (v->type != JSON_NUMBER)
        return 0;
    for (digits += negative; digits < end; digits++) {
        if (!is_digit(*digits))
            return 0;
        uint64_t digit = (uint64_t)(*digits - '0');
        if (magnitude > (limit - digit) / 10)
            return 0;
        magnitude = magnitude * 10 + digit;
    }
    *number = !negative               ? (int64_t)magnitude
              : magnitude > INT64_MAX ? INT64_MIN
                                      : -(int64_t)magnitude;
    return 1;
}

int json_double(const struct json *json, uint32_t value, double *number)
{
    const struct json_value *v = &json->values[value];
    return v->type == JSON_NUMBER && json_real_read(json->text + v->at, v->size, number);
}

int json_real_read(const char *bytes, size_t size, double *number)
{
    struct json_value value;
    struct json json;
    char digits[JSON_NUMBER_SIZE_MAX + 1];
    if (size > JSON_NUMBER_SIZE_MAX || json_parse("", bytes, size, &value, 1, &json, NULL) ||
        value.type != JSON_NUMBER || value.size != size)
        return 0;
    memcpy(digits, bytes, size);
    digits[size] = '\0';
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!c)
        return 0;
    locale_t before = uselocale(c);
    double result = strtod(digits, NULL);
    uselocale(before);
    freelocale(c);
    if (!isfinite(result))
        return 0;
    *number = result;
    return 1;
}
