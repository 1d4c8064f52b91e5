#include "model/json.h"

#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define LITERAL(text) text, sizeof(text) - 1

enum { VALUES = 2048 };
static struct json_value values[VALUES];

static enum lstm_status parse(const char *text, size_t size, struct json *json,
                              struct lstm_error *err)
{
    /* A copy of exactly that size, so that a sanitizer sees a byte read too many. */
    static char *copy;
    free(copy);
    copy = malloc(size + !size);
    assert_non_null(copy);
    memcpy(copy, text, size);
    err->text[0] = '\0';
    return json_parse("the text", copy, size, values, VALUES, json, err);
}

static void refuses_what_is_not_json_and_says_where(void **state)
{
    static const struct {
        const char *text;
        size_t size;
        const char *reason;
    } cases[] = {
        { LITERAL(""), "byte 0: expected a value" },
        { LITERAL("  "), "byte 2: expected a value" },
        { LITERAL("tru"), "byte 0: expected a value" },
        { LITERAL("nul"), "byte 0: expected a value" },
        { LITERAL("True"), "byte 0: expected a value" },
        { LITERAL("[1] 2"), "byte 4: something follows the value" },
        { LITERAL("1\0"), "byte 1: something follows the value" },
        { LITERAL("\0"), "byte 0: expected a value" },
        { LITERAL("[1,]"), "byte 3: expected a value" },
        { LITERAL("[,1]"), "byte 1: expected a value" },
        { LITERAL("[1 2]"), "byte 3: expected ',' or ']'" },
        { LITERAL("[1}"), "byte 2: expected ',' or ']'" },
        { LITERAL("["), "byte 1: expected a value" },
        { LITERAL("{"), "byte 1: expected a key in quotes" },
        { LITERAL("{\"a\":1,}"), "byte 7: expected a key in quotes" },
        { LITERAL("{a:1}"), "byte 1: expected a key in quotes" },
        { LITERAL("{1:1}"), "byte 1: expected a key in quotes" },
        { LITERAL("{\"a\" 1}"), "byte 5: expected ':' after a key" },
        { LITERAL("{\"a\":}"), "byte 5: expected a value" },
        { LITERAL("{\"a\":1 \"b\":2}"), "byte 7: expected ',' or '}'" },
        { LITERAL("{\"a\":1,\"b\":2,\"a\":3}"), "stands twice" },
        { LITERAL("{\"a\":1,\"\\u0061\":3}"), "stands twice" },
        { LITERAL("{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":3}"), "stands twice" },
        { LITERAL("[{\"x\":{\"a\":1,\"a\":3}}]"), "stands twice" },
        { LITERAL("\"abc"), "byte 4: a string without its end" },
        { LITERAL("\"abc\\\""), "byte 6: a string without its end" },
        { LITERAL("\"a\nb\""), "byte 2: a control character" },
        { LITERAL("\"a\0b\""), "byte 2: a control character" },
        { LITERAL("\"\\x\""), "byte 1: an unknown escape" },
        { LITERAL("\"\\\0\""), "byte 1: an unknown escape" },
        { LITERAL("\"\\"), "byte 1: an unknown escape" },
        { LITERAL("\"\\u12"), "byte 1: \\u without four" },
        { LITERAL("\"\\u12g4\""), "byte 1: \\u without four" },
        { LITERAL("\"\\ud800\""), "byte 1: a lone surrogate" },
        { LITERAL("\"\\udc00\\ud800\""), "byte 1: a lone surrogate" },
        { LITERAL("\"\\ud800\\u0041\""), "byte 1: a lone surrogate" },
        { LITERAL("\"\\ud800\\ud800\""), "byte 1: a lone surrogate" },
        { LITERAL("\"\\ud800\\"), "byte 1: a lone surrogate" },
        { LITERAL("\"\x80\""), "byte 1: ill-formed UTF-8" },
        { LITERAL("\"\xc0\x80\""), "byte 1: ill-formed UTF-8" },
        { LITERAL("\"\xc1\xbf\""), "byte 1: ill-formed UTF-8" },
        { LITERAL("\"\xe0\x9f\xbf\""), "byte 1: ill-formed UTF-8" },
        { LITERAL("\"\xed\xa0\x80\""), "byte 1: ill-formed UTF-8" },
        { LITERAL("\"\xf0\x8f\xbf\xbf\""), "byte 1: ill-formed UTF-8" },
        { LITERAL("\"\xf4\x90\x80\x80\""), "byte 1: ill-formed UTF-8" },
        { LITERAL("\"\xf5\x80\x80\x80\""), "byte 1: ill-formed UTF-8" },
        { LITERAL("\"\xe2\x82"), "byte 1: ill-formed UTF-8" },
        { LITERAL("\"\xe2\x82\"  "), "byte 1: ill-formed UTF-8" },
        { LITERAL("01"), "byte 1: something follows" },
        { LITERAL("-"), "byte 1: expected a digit" },
        { LITERAL("+1"), "byte 0: expected a value" },
        { LITERAL(".5"), "byte 0: expected a value" },
        { LITERAL("1."), "byte 2: expected a digit" },
        { LITERAL("1e"), "byte 2: expected a digit" },
        { LITERAL("1e+"), "byte 3: expected a digit" },
        { LITERAL("NaN"), "byte 0: expected a value" },
        { LITERAL("-Infinity"), "byte 1: expected a digit" },
        { LITERAL("1111111111111111111111111111111111111111111111111111111111111111.5"),
          "more than 64 bytes" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct lstm_error err;
        struct json json;
        assert_int_equal(parse(cases[i].text, cases[i].size, &json, &err), LSTM_CORRUPT);
        assert_int_equal(err.status, LSTM_CORRUPT);
        if (!strstr(err.text, cases[i].reason) || strncmp(err.text, "the text, ", 10) != 0)
            fail_msg("%s: \"%s\" instead of \"%s\"", cases[i].text, err.text, cases[i].reason);
    }
}

/* count times open, then close as often. */
static size_t nested(char *text, const char *open, const char *close, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += (size_t)sprintf(text + size, "%s", open);
    for (size_t i = 0; i < count; i++)
        size += (size_t)sprintf(text + size, "%s", close);
    return size;
}

static void stops_at_its_limits_and_not_before(void **state)
{
    static char text[1 << 16];
    struct lstm_error err;
    struct json json;
    size_t size;
    (void)state;
    assert_int_equal(parse(text, nested(text, "[", "]", 32), &json, &err), LSTM_OK);
    assert_int_equal(parse(text, nested(text, "[", "]", 33), &json, &err), LSTM_CORRUPT);
    assert_string_equal(err.text, "the text, byte 32: nested more than 32 deep");
    assert_int_equal(parse(text, nested(text, "[", "", 60000), &json, &err), LSTM_CORRUPT);

    for (int members = 256; members <= 257; members++) {
        size = (size_t)sprintf(text, "{");
        for (int i = 0; i < members; i++)
            size += (size_t)sprintf(text + size, "%s\"%d\":{}", i ? "," : "", i);
        size += (size_t)sprintf(text + size, "}");
        assert_int_equal(parse(text, size, &json, &err), members == 256 ? LSTM_OK : LSTM_CORRUPT);
    }
    assert_non_null(strstr(err.text, "an object of more than 256 members"));

    for (int key = 256; key <= 257; key++) {
        size = (size_t)sprintf(text, "{\"%0*d\":1}", key, 0);
        assert_int_equal(parse(text, size, &json, &err), key == 256 ? LSTM_OK : LSTM_CORRUPT);
    }
    assert_non_null(strstr(err.text, "a key of more than 256 bytes"));

    for (int elements = VALUES - 1; elements <= VALUES; elements++) {
        size = (size_t)sprintf(text, "[");
        for (int i = 0; i < elements; i++)
            size += (size_t)sprintf(text + size, "%s0", i ? "," : "");
        size += (size_t)sprintf(text + size, "]");
        assert_int_equal(parse(text, size, &json, &err),
                         elements < VALUES ? LSTM_OK : LSTM_CORRUPT);
    }
    assert_non_null(strstr(err.text, "more than 2048 values"));
}

static void finds_values_and_visits_them_in_order(void **state)
{
    static const char text[] = " {\"a\" : [1, {\"b\":null}, "
                               "\"x\"],\t\"\\u0062\\/\":{\"a\":true},\r\n\"c\":false, \"\":\"\"} ";
    static const char *const keys[] = { "a", "b/", "c", "" };
    struct lstm_error err;
    struct json json;
    uint32_t count = 0;
    (void)state;
    assert_int_equal(parse(text, sizeof text - 1, &json, &err), LSTM_OK);
    assert_int_equal(values[0].type, JSON_OBJECT);
    assert_int_equal(values[0].count, 4);
    for (uint32_t key = 1; key < values[0].next; key = values[key + 1].next)
        assert_true(json_equals(&json, key, keys[count], strlen(keys[count])) && ++count);
    assert_int_equal(count, 4);

    uint32_t a = json_find(&json, 0, "a");
    assert_int_equal(values[a].type, JSON_ARRAY);
    assert_int_equal(values[a].count, 3);
    uint32_t inner = values[a + 1].next;
    assert_int_equal(values[json_find(&json, inner, "b")].type, JSON_NULL);
    assert_true(json_equals(&json, values[inner].next, "x", 1));
    assert_int_equal(values[json_find(&json, json_find(&json, 0, "b/"), "a")].type, JSON_TRUE);
    assert_int_equal(values[json_find(&json, 0, "c")].type, JSON_FALSE);
    assert_int_equal(json_find(&json, 0, "b"), 0);
    assert_int_equal(json_find(&json, a, "b"), 0);
    assert_true(json_equals(&json, json_find(&json, 0, ""), "", 0));
    assert_false(json_equals(&json, a, "", 0));
}

static void reads_strings_without_their_escapes(void **state)
{
    static const struct {
        const char *json, *text;
        size_t size;
    } cases[] = {
        { "\"\"", LITERAL("") },
        { "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", LITERAL("\"\\/\b\f\n\r\t") },
        { "\"a\\u0000b\"", LITERAL("a\0b") },
        { "\"\\u007f\\u0080\\u07ff\\u0800\"", LITERAL("\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80") },
        { "\"\\uFFFF\\ud800\\udc00\\uDBFF\\uDFFF\"",
          LITERAL("\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf") },
        { "\"z\xc3\xa9\xe6\xad\xa3\xf0\x9f\x98\x80\"",
          LITERAL("z\xc3\xa9\xe6\xad\xa3\xf0\x9f\x98\x80") },
        { "\"\xed\x9f\xbf\xee\x80\x80\"", LITERAL("\xed\x9f\xbf\xee\x80\x80") },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct lstm_error err;
        struct json json;
        assert_int_equal(parse(cases[i].json, strlen(cases[i].json), &json, &err), LSTM_OK);
        char *out = malloc(values[0].size + 1);
        assert_non_null(out);
        assert_int_equal(json_string(&json, 0, out), cases[i].size);
        assert_memory_equal(out, cases[i].text, cases[i].size + 1);
        free(out);
        assert_true(json_equals(&json, 0, cases[i].text, cases[i].size));
        assert_false(json_equals(&json, 0, "other", 5));
        assert_true(cases[i].size == 0 || !json_equals(&json, 0, cases[i].text, cases[i].size - 1));
    }
}

static void reads_whole_numbers_that_fit(void **state)
{
    static const struct {
        const char *text;
        int fits;
        int64_t number;
    } cases[] = {
        { "0", 1, 0 },
        { "-0", 1, 0 },
        { "42", 1, 42 },
        { "9223372036854775807", 1, INT64_MAX },
        { "9223372036854775808", 0, 0 },
        { "-9223372036854775808", 1, INT64_MIN },
        { "-9223372036854775809", 0, 0 },
        { "18446744073709551617", 0, 0 },
        { "99999999999999999999999999", 0, 0 },
        { "1.0", 0, 0 },
        { "1e3", 0, 0 },
        { "\"1\"", 0, 0 },
        { "true", 0, 0 },
        { "[1]", 0, 0 },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct lstm_error err;
        struct json json;
        int64_t number = 0;
        assert_int_equal(parse(cases[i].text, strlen(cases[i].text), &json, &err), LSTM_OK);
        assert_int_equal(json_int64(&json, 0, &number), cases[i].fits);
        assert_true(number == cases[i].number);
    }
}

static void reads_real_numbers_in_any_locale(void **state)
{
    static const struct {
        const char *text;
        int is_number;
        double number;
    } cases[] = {
        { "1.25", 1, 1.25 },   { "-0.5e-3", 1, -0.5e-3 },
        { "1E308", 1, 1e308 }, { "1e309", 0, 0 },
        { "-1e999", 0, 0 },    { "4.9e-324", 1, 4.9e-324 },
        { "1e-999", 1, 0 },    { "", 0, 0 },
        { " 1", 0, 0 },        { "1 ", 0, 0 },
        { "1,5", 0, 0 },       { "nan", 0, 0 },
        { "inf", 0, 0 },       { "0x10", 0, 0 },
        { "true", 0, 0 },      { "\"1\"", 0, 0 },
    };
    static const char *const locales[] = { "C", "de_DE.UTF-8" };
    (void)state;
    for (size_t l = 0; l < COUNT(locales); l++) {
        if (!setlocale(LC_ALL, locales[l])) {
            print_message("SKIPPED: locale %s is not installed\n", locales[l]);
            continue;
        }
        for (size_t i = 0; i < COUNT(cases); i++) {
            double number = 0;
            assert_int_equal(json_real_read(cases[i].text, strlen(cases[i].text), &number),
                             cases[i].is_number);
            assert_true(memcmp(&number, &cases[i].number, sizeof number) == 0);
        }
        char text[JSON_REAL_SIZE];
        json_real_write(1.25F, text);
        assert_string_equal(text, "1.25");
    }
    setlocale(LC_ALL, "C");
}

static void real_numbers_come_back_to_the_bit(void **state)
{
    uint32_t bits = 1;
    (void)state;
    for (int i = 0; i < 20000; i++) {
        float number;
        double back;
        char text[JSON_REAL_SIZE];
        bits = bits * 1664525 + 1013904223;
        memcpy(&number, &bits, sizeof number);
        if (!isfinite(number))
            continue;
        json_real_write(number, text);
        assert_true(json_real_read(text, strlen(text), &back));
        float again = (float)back;
        assert_memory_equal(&again, &number, sizeof number);
    }
}

static void writes_strings_that_are_read_back(void **state)
{
    char every[128 + 4], back[sizeof every + 1];
    struct json_text out = { 0 };
    struct lstm_error err;
    struct json json;
    (void)state;
    for (int i = 0; i < 128; i++)
        every[i] = (char)i;
    memcpy(every + 128, "\xf0\x9f\x98\x80", 4);
    json_put_string(&out, every, sizeof every);
    assert_int_equal(out.status, LSTM_OK);
    assert_int_equal(parse(out.bytes, out.size, &json, &err), LSTM_OK);
    assert_int_equal(json_string(&json, 0, back), sizeof every);
    assert_memory_equal(back, every, sizeof every);

    out.size = 0;
    json_put(&out, "[");
    json_put_int64(&out, INT64_MIN);
    json_put(&out, ",");
    json_put_string(&out, "a\"\\\n\x01/", 6);
    json_put(&out, "]");
    assert_int_equal(out.status, LSTM_OK);
    assert_int_equal(out.size, strlen("[-9223372036854775808,\"a\\\"\\\\\\n\\u0001/\"]"));
    assert_memory_equal(out.bytes, "[-9223372036854775808,\"a\\\"\\\\\\n\\u0001/\"]", out.size);
    json_put_string(&out, "\xff", 1);
    json_put(&out, "1");
    assert_int_equal(out.status, LSTM_RANGE);
    free(out.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_what_is_not_json_and_says_where),
        cmocka_unit_test(stops_at_its_limits_and_not_before),
        cmocka_unit_test(finds_values_and_visits_them_in_order),
        cmocka_unit_test(reads_strings_without_their_escapes),
        cmocka_unit_test(reads_whole_numbers_that_fit),
        cmocka_unit_test(reads_real_numbers_in_any_locale),
        cmocka_unit_test(real_numbers_come_back_to_the_bit),
        cmocka_unit_test(writes_strings_that_are_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
