/* SQL text as tokens: enough to find the clauses of a statement that SQLite has already accepted,
 * not to check one. */
#ifndef EXT_SQL_TOKENS_H
#define EXT_SQL_TOKENS_H

#include <stddef.h>

enum token_kind {
    TOKEN_END,       /* of the text */
    TOKEN_WORD,      /* a keyword, or a name without quotes */
    TOKEN_QUOTED,    /* a string, or a name in "", [] or `` */
    TOKEN_BLOB,      /* x'0a' */
    TOKEN_NUMBER,    /* without a sign */
    TOKEN_PARAMETER, /* ? ?1 :a @a $a */
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_COMMA,
    TOKEN_SEMICOLON,
    TOKEN_OTHER /* one character of an operator */
};

struct token {
    enum token_kind kind;
    size_t at, size; /* its bytes in the text */
    int depth;       /* open parentheses around it; the parentheses themselves are outside */
};

/* The token at or behind byte at, past white space and comments. depth is left to the caller. */
struct token token_next(const char *sql, size_t at);

/* Whether it is this keyword (in capitals). */
int token_is(const char *sql, const struct token *token, const char *keyword);

enum { TOKENS_MAX = 20000 };

/* All tokens of the text with their depths, without semicolons at its end; the caller frees them
 * with sqlite3_free. NULL: no memory, more than TOKENS_MAX, or parentheses that do not match. */
struct token *tokens_of(const char *sql, int *count);

#endif
