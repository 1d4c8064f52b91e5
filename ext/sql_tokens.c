#include "sql_tokens.h"

#include "sqlite.h"

#include <string.h>

static int is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Every byte beyond ASCII belongs to a name. */
static int is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' ||
           c == '$' || (unsigned char)c >= 0x80;
}

static size_t skip_blank(const char *sql, size_t at)
{
    for (;;) {
        if (is_space(sql[at])) {
            at++;
        } else if (sql[at] == '-' && sql[at + 1] == '-') {
            at += strcspn(sql + at, "\n");
        } else if (sql[at] == '/' && sql[at + 1] == '*') {
            const char *end = strstr(sql + at + 2, "*/");
            at = end ? (size_t)(end - sql) + 2 : strlen(sql);
        } else {
            return at;
        }
    }
}

/* The size of what begins with a quote, which stands twice where it is meant. */
static size_t quoted_size(const char *text, char end)
{
    size_t i = 1;
    while (text[i] && (text[i] != end || (end != ']' && text[i + 1] == end)))
        i += text[i] == end ? 2 : 1;
    return text[i] ? i + 1 : i;
}

static size_t number_size(const char *text)
{
    size_t i = 0;
    while (is_name(text[i]) || text[i] == '.' ||
           ((text[i] == '+' || text[i] == '-') && (text[i - 1] == 'e' || text[i - 1] == 'E') &&
            text[1] != 'x' && text[1] != 'X'))
        i++;
    return i;
}

static size_t parameter_size(const char *text)
{
    size_t i = 1;
    while (is_name(text[i]) || (text[0] == '$' && text[i] == ':' && text[i + 1] == ':'))
        i += text[i] == ':' ? 2 : 1;
    if (text[0] == '$' && text[i] == '(') {
        size_t close = strcspn(text + i, ") \t\r\n\f\v");
        i += text[i + close] == ')' ? close + 1 : 0;
    }
    return i;
}

static size_t name_size(const char *text)
{
    size_t i = 0;
    while (is_name(text[i]))
        i++;
    return i;
}

struct token token_next(const char *sql, size_t at)
{
    struct token token = { .kind = TOKEN_OTHER, .at = skip_blank(sql, at), .size = 1 };
    const char *text = sql + token.at;
    switch (text[0]) {
    case '\0': token.kind = TOKEN_END, token.size = 0; break;
    case '(': token.kind = TOKEN_OPEN; break;
    case ')': token.kind = TOKEN_CLOSE; break;
    case ',': token.kind = TOKEN_COMMA; break;
    case ';': token.kind = TOKEN_SEMICOLON; break;
    case '\'':
    case '"':
    case '`': token.kind = TOKEN_QUOTED, token.size = quoted_size(text, text[0]); break;
    case '[': token.kind = TOKEN_QUOTED, token.size = quoted_size(text, ']'); break;
    case '?':
    case ':':
    case '@':
    case '$': token.kind = TOKEN_PARAMETER, token.size = parameter_size(text); break;
    default:
        if ((text[0] == 'x' || text[0] == 'X') && text[1] == '\'')
            token.kind = TOKEN_BLOB, token.size = 1 + quoted_size(text + 1, '\'');
        else if (is_digit(text[0]) || (text[0] == '.' && is_digit(text[1])))
            token.kind = TOKEN_NUMBER, token.size = number_size(text);
        else if (is_name(text[0]))
            token.kind = TOKEN_WORD, token.size = name_size(text);
    }
    return token;
}

int token_is(const char *sql, const struct token *token, const char *keyword)
{
    return token->kind == TOKEN_WORD && token->size == strlen(keyword) &&
           sqlite3_strnicmp(sql + token->at, keyword, (int)token->size) == 0;
}

struct token *tokens_of(const char *sql, int *count)
{
    struct token *tokens = NULL, token = { .kind = TOKEN_OTHER };
    int room = 0, n = 0, depth = 0;
    for (size_t at = 0;; at = token.at + token.size) {
        token = token_next(sql, at);
        if (token.kind == TOKEN_END)
            break;
        if (n == room) {
            room = room ? 2 * room : 64;
            struct token *more =
                n < TOKENS_MAX ? sqlite3_realloc64(tokens, (size_t)room * sizeof *more) : NULL;
            if (!more)
                goto failed;
            tokens = more;
        }
        depth -= token.kind == TOKEN_CLOSE;
        if (depth < 0)
            goto failed;
        token.depth = depth;
        depth += token.kind == TOKEN_OPEN;
        tokens[n++] = token;
    }
    if (depth)
        goto failed;
    while (n > 0 && tokens[n - 1].kind == TOKEN_SEMICOLON)
        n--;
    *count = n;
    return tokens;
failed:
    sqlite3_free(tokens);
    *count = 0;
    return NULL;
}
