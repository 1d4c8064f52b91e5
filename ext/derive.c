#include "derive.h"

#include "sql_tokens.h"
#include "sqlite.h"

struct statement_text {
    const char *sql;
    const struct token *tokens;
    int count;
    int verb; /* the token of SELECT, INSERT, ...: behind WITH and its tables */
};

static int is_at(const struct statement_text *s, int i, const char *keyword)
{
    return i >= 0 && i < s->count && token_is(s->sql, &s->tokens[i], keyword);
}

/* The first of these keywords outside of parentheses, from a token on; the count if there is none.
 */
static int find(const struct statement_text *s, int from, const char *const *keywords)
{
    for (int i = from; i < s->count; i++)
        for (const char *const *k = keywords; s->tokens[i].depth == 0 && *k; k++)
            if (is_at(s, i, *k))
                return i;
    return s->count;
}

/* The text of the tokens from..to - 1: no comment can stand at its end. */
static void put(sqlite3_str *out, const struct statement_text *s, int from, int to)
{
    if (from >= to)
        return;
    const struct token *first = &s->tokens[from], *last = &s->tokens[to - 1];
    sqlite3_str_append(out, s->sql + first->at, (int)(last->at + last->size - first->at));
    sqlite3_str_append(out, " ", 1);
}

static int has_with(const struct statement_text *s)
{
    return s->verb > 0;
}

static void derive_insert(sqlite3_str *out, const struct statement_text *s)
{
    static const char *const begins[] = { "SELECT", "VALUES", "WITH", "DEFAULT", NULL };
    static const char *const ends[] = { "RETURNING", "ON", NULL };
    int from = find(s, s->verb + 1, begins), to = from;
    if (from == s->count || is_at(s, from, "DEFAULT") || (is_at(s, from, "WITH") && has_with(s)))
        return;
    do
        to = find(s, to + 1, ends);
    while (is_at(s, to, "ON") && !is_at(s, to + 1, "CONFLICT"));
    put(out, s, 0, s->verb);
    put(out, s, from, to);
}

static void derive_create(sqlite3_str *out, const struct statement_text *s)
{
    static const char *const as[] = { "AS", NULL };
    int table = is_at(s, 1, "TEMP") || is_at(s, 1, "TEMPORARY") ? 2 : 1, from = find(s, 0, as);
    if (is_at(s, table, "TABLE") && from < s->count)
        put(out, s, from + 1, s->count);
}

/* LIMIT would leave another choice of rows to the SELECT. */
static int is_limited(const struct statement_text *s)
{
    static const char *const limits[] = { "ORDER", "LIMIT", NULL };
    return find(s, s->verb, limits) < s->count;
}

static void derive_delete(sqlite3_str *out, const struct statement_text *s)
{
    static const char *const ends[] = { "RETURNING", NULL };
    if (!is_at(s, s->verb + 1, "FROM") || is_limited(s))
        return;
    put(out, s, 0, s->verb);
    sqlite3_str_appendall(out, "SELECT 1 ");
    put(out, s, s->verb + 1, find(s, s->verb + 1, ends));
}

static int closing(const struct statement_text *s, int open)
{
    int i = open + 1;
    while (i < s->count &&
           (s->tokens[i].kind != TOKEN_CLOSE || s->tokens[i].depth != s->tokens[open].depth))
        i++;
    return i;
}

/* (a, b) = (1, 2) gives its values; (a, b) = (SELECT ...) a comparison with as many NULLs. Returns
 * 0 for what is neither. */
static int derive_columns(sqlite3_str *out, const struct statement_text *s, int from, int to)
{
    int close = closing(s, from), columns = 1, value = close + 2;
    for (int i = from; i < close; i++)
        columns += s->tokens[i].kind == TOKEN_COMMA && s->tokens[i].depth == 1;
    if (value >= to || s->tokens[value].kind != TOKEN_OPEN || closing(s, value) != to - 1)
        return 0;
    if (!is_at(s, value + 1, "SELECT") && !is_at(s, value + 1, "VALUES") &&
        !is_at(s, value + 1, "WITH")) {
        put(out, s, value + 1, to - 1);
        return 1;
    }
    sqlite3_str_appendall(out, "(");
    put(out, s, value, to);
    sqlite3_str_appendall(out, "IS (NULL");
    for (int i = 1; i < columns; i++)
        sqlite3_str_appendall(out, ", NULL");
    sqlite3_str_appendall(out, ")) ");
    return 1;
}

/* The values of SET, from..to - 1. Returns 0 where they are not as expected. */
static int derive_values(sqlite3_str *out, const struct statement_text *s, int from, int to)
{
    for (int begin = from, end; begin < to; begin = end + 1) {
        for (end = begin; end < to; end++)
            if (s->tokens[end].kind == TOKEN_COMMA && s->tokens[end].depth == 0)
                break;
        if (begin > from)
            sqlite3_str_appendall(out, ", ");
        if (s->tokens[begin].kind == TOKEN_OPEN) {
            if (!derive_columns(out, s, begin, end))
                return 0;
        } else if (end - begin < 3) { /* column = value */
            return 0;
        } else {
            put(out, s, begin + 2, end);
        }
    }
    return from < to;
}

static void derive_update(sqlite3_str *out, const struct statement_text *s)
{
    static const char *const set_word[] = { "SET", NULL }, *const where_word[] = { "WHERE", NULL },
                             *const returning_word[] = { "RETURNING", NULL },
                             *const from_word[] = { "FROM", NULL };
    int target = s->verb + (is_at(s, s->verb + 1, "OR") ? 3 : 1), set = find(s, target, set_word),
        end = find(s, set, returning_word), where = find(s, set, where_word),
        from = find(s, set, from_word);
    while (is_at(s, from - 1, "DISTINCT")) /* IS DISTINCT FROM */
        from = find(s, from + 1, from_word);
    where = where < end ? where : end;
    from = from < where ? from : where;
    if (set == s->count || is_limited(s))
        return;
    put(out, s, 0, s->verb);
    sqlite3_str_appendall(out, "SELECT ");
    if (!derive_values(out, s, set + 1, from)) {
        sqlite3_str_reset(out);
        return;
    }
    sqlite3_str_appendall(out, "FROM ");
    put(out, s, target, set);
    if (from < where) {
        sqlite3_str_appendall(out, ", ");
        put(out, s, from + 1, where);
    }
    put(out, s, where, end);
}

char *derive_select(const char *sql, int only_reads)
{
    static const char *const verbs[] = { "SELECT", "VALUES", "INSERT", "REPLACE",
                                         "UPDATE", "DELETE", NULL };
    struct statement_text s = { .sql = sql };
    struct token *tokens = tokens_of(sql, &s.count);
    sqlite3_str *out = sqlite3_str_new(NULL);
    s.tokens = tokens;
    s.verb = is_at(&s, 0, "WITH") ? find(&s, 1, verbs) : 0;
    if (is_at(&s, s.verb, "SELECT") || is_at(&s, s.verb, "VALUES"))
        put(out, &s, 0, only_reads ? s.count : 0);
    else if (is_at(&s, s.verb, "INSERT") || is_at(&s, s.verb, "REPLACE"))
        derive_insert(out, &s);
    else if (is_at(&s, s.verb, "UPDATE"))
        derive_update(out, &s);
    else if (is_at(&s, s.verb, "DELETE"))
        derive_delete(out, &s);
    else if (is_at(&s, s.verb, "CREATE"))
        derive_create(out, &s);
    sqlite3_free(tokens);
    int size = sqlite3_str_length(out);
    char *select = sqlite3_str_finish(out);
    if (size > 0)
        return select;
    sqlite3_free(select);
    return NULL;
}
