#include "parameters.h"

#include "model/json.h"
#include "sql_tokens.h"

#include <stdlib.h>
#include <string.h>

/* The limit keeps SQLite from writing out what is of no use: a megabyte takes it some fifty
 * milliseconds. */
char *parameters_expand(sqlite3_stmt *statement)
{
    sqlite3 *db = sqlite3_db_handle(statement);
    const int limit = sqlite3_limit(db, SQLITE_LIMIT_LENGTH, -1);
    sqlite3_limit(db, SQLITE_LIMIT_LENGTH,
                  limit < PARAMETERS_SIZE_MAX ? limit : PARAMETERS_SIZE_MAX);
    char *expanded = sqlite3_expanded_sql(statement);
    sqlite3_limit(db, SQLITE_LIMIT_LENGTH, limit);
    return expanded;
}

/* The number that SQLite gives a parameter; last is the highest so far. */
static int number_of(sqlite3_stmt *statement, const char *text, size_t size, int last)
{
    char name[200];
    if (text[0] == '?')
        return size > 1 ? (int)strtol(text + 1, NULL, 10) : last + 1;
    if (size >= sizeof name)
        return 0;
    memcpy(name, text, size);
    name[size] = '\0';
    return sqlite3_bind_parameter_index(statement, name);
}

static int bind_text(sqlite3_stmt *to, int number, const char *quoted, size_t size)
{
    char *text = sqlite3_malloc64(size);
    size_t n = 0;
    if (!text)
        return 0;
    for (size_t i = 1; i + 1 < size; i++) {
        text[n++] = quoted[i];
        i += quoted[i] == '\''; /* stands twice */
    }
    return sqlite3_bind_text64(to, number, text, n, sqlite3_free, SQLITE_UTF8) == SQLITE_OK;
}

static unsigned char digit_of(char c)
{
    return (unsigned char)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

static int bind_blob(sqlite3_stmt *to, int number, const char *literal, size_t size)
{
    size_t n = (size - 3) / 2; /* x'0a' */
    unsigned char *bytes = sqlite3_malloc64(n + 1);
    if (!bytes)
        return 0;
    for (size_t i = 0; i < n; i++)
        bytes[i] =
            (unsigned char)(digit_of(literal[2 * i + 2]) << 4 | digit_of(literal[2 * i + 3]));
    return sqlite3_bind_blob64(to, number, bytes, n, sqlite3_free) == SQLITE_OK;
}

static int bind_number(sqlite3_stmt *to, int number, const char *text, size_t size)
{
    char digits[JSON_NUMBER_SIZE_MAX];
    double real = 0;
    if (size >= sizeof digits)
        return 0;
    memcpy(digits, text, size);
    digits[size] = '\0';
    if (!memchr(digits, '.', size) && !memchr(digits, 'e', size))
        return sqlite3_bind_int64(to, number, strtoll(digits, NULL, 10)) == SQLITE_OK;
    return json_real_read(digits, size, &real) &&
           sqlite3_bind_double(to, number, real) == SQLITE_OK;
}

/* Binds the literal that begins at *at, and moves behind it. */
static int bind_literal(sqlite3_stmt *to, int number, const char *text, size_t *at)
{
    struct token token = token_next(text, *at);
    const char *literal = text + token.at;
    size_t size = token.size;
    *at = token.at + token.size;
    if (token.kind == TOKEN_QUOTED && literal[0] == '\'')
        return bind_text(to, number, literal, size);
    if (token.kind == TOKEN_BLOB)
        return bind_blob(to, number, literal, size);
    if (token_is(text, &token, "NULL"))
        return sqlite3_bind_null(to, number) == SQLITE_OK;
    if (token_is(text, &token, "ZEROBLOB")) {
        long long zeros = strtoll(literal + size + 1, NULL, 10);
        *at += strcspn(text + *at, ")") + 1;
        return sqlite3_bind_zeroblob64(to, number, (sqlite3_uint64)zeros) == SQLITE_OK;
    }
    if (token.kind == TOKEN_OTHER && literal[0] == '-') {
        token = token_next(text, *at);
        *at = token.at + token.size;
        size = *at - (size_t)(literal - text);
    }
    return token.kind == TOKEN_NUMBER && bind_number(to, number, literal, size);
}

int parameters_bind(sqlite3_stmt *to, sqlite3_stmt *from, const char *sql, const char *expanded)
{
    int last = 0, wanted = sqlite3_bind_parameter_count(to);
    size_t at = 0, in_expanded = 0;
    for (;;) {
        struct token token = token_next(sql, at);
        if (token.kind == TOKEN_END || last >= wanted)
            return 1;
        if (token.kind == TOKEN_PARAMETER) {
            int number = number_of(from, sql + token.at, token.size, last);
            last = number > last ? number : last;
            if (number < 1)
                return 0;
            if (number > wanted)
                return 1; /* the rest is in a clause that was left out */
            if (!bind_literal(to, number, expanded, &in_expanded))
                return 0;
        } else {
            struct token same = token_next(expanded, in_expanded);
            in_expanded = same.at + same.size;
            if (same.size != token.size ||
                memcmp(sql + token.at, expanded + same.at, token.size) != 0)
                return 0;
        }
        at = token.at + token.size;
    }
}
