#include "tests/readahead_random.h"

#include <sqlite3.h>
#include <stdlib.h>

#define COUNT(array) (int)(sizeof(array) / sizeof *(array))

struct random_sql random_sql_begin(uint64_t seed)
{
    return (struct random_sql){ .state = seed * 0x9e3779b97f4a7c15U + 1, .tables = 3 };
}

/* splitmix64 */
int random_below(struct random_sql *random, int below)
{
    uint64_t z = random->state += 0x9e3779b97f4a7c15U;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
    z = (z ^ z >> 27) * 0x94d049bb133111ebU;
    return (int)((z ^ z >> 31) % (uint64_t)below);
}

static int one_in(struct random_sql *random, int n)
{
    return random_below(random, n) == 0;
}

static const char *pick(struct random_sql *random, const char *const *words, int count)
{
    return words[random_below(random, count)];
}
#define PICK(random, ...)                              \
    pick(random, (const char *const[]){ __VA_ARGS__ }, \
         COUNT(((const char *const[]){ __VA_ARGS__ })))

static void condition(struct random_sql *random, sqlite3_str *out, const char *q);
static void number(struct random_sql *random, sqlite3_str *out, const char *q);

/* Expressions over the columns of a table that is called q. */
static void text(struct random_sql *random, sqlite3_str *out, const char *q)
{
    switch (random_below(random, 14)) {
    case 0: sqlite3_str_appendf(out, "%s.d", q); break;
    case 1: sqlite3_str_appendf(out, "%s.a || %s.b", q, q); break;
    case 2: sqlite3_str_appendf(out, "coalesce(%s.a, 'a film')", q); break;
    case 3:
        sqlite3_str_appendall(out,
                              PICK(random, "'the good film'", "'bad'", "NULL", "''", "x'ff'", "5"));
        break;
    case 4: sqlite3_str_appendf(out, "upper(%s.a)", q); break;
    case 5: sqlite3_str_appendf(out, "%s.b", q); break;
    case 6: sqlite3_str_appendf(out, "substr(%s.a, %d)", q, 1 + random_below(random, 6)); break;
    case 7:
        if (one_in(random, 4)) {
            sqlite3_str_appendf(
                out, "lstm_summarize(%s.a, '{\"model\":\"title\",\"max_tokens\":2,\"beam\":1}')",
                q);
            break;
        } /* fallthrough */
    default: sqlite3_str_appendf(out, "%s.a", q);
    }
}

static void call(struct random_sql *random, sqlite3_str *out, const char *q)
{
    switch (random_below(random, 8)) {
    case 0:
        sqlite3_str_appendall(out, "json_extract(lstm_classify(");
        text(random, out, q);
        sqlite3_str_appendall(out, ", 'topic'), '$.confidence')");
        return;
    case 1:
        sqlite3_str_appendall(out, "lstm_sentiment(");
        text(random, out, q);
        sqlite3_str_appendf(out, ", iif(%s.b > 1, 'mood', '{\"model\":\"mood\"}'))", q);
        return;
    default:
        sqlite3_str_appendall(out, "lstm_sentiment(");
        text(random, out, q);
        sqlite3_str_appendall(out, ", 'mood')");
    }
}

static void subquery(struct random_sql *random, sqlite3_str *out, const char *q)
{
    sqlite3_str_appendf(out, "(SELECT %s(", PICK(random, "count", "max", "min", "total"));
    number(random, out, "z");
    sqlite3_str_appendf(out, ") FROM t%d AS z WHERE z.b = %s.b AND ",
                        random_below(random, random->tables), q);
    condition(random, out, "z");
    sqlite3_str_appendall(out, ")");
}

static void number(struct random_sql *random, sqlite3_str *out, const char *q)
{
    int what = random_below(random, 14);
    if (++random->depth > 4)
        what = 13;
    switch (what) {
    case 0: sqlite3_str_appendf(out, "%s.b", q); break;
    case 1: sqlite3_str_appendf(out, "%s.c", q); break;
    case 2:
        sqlite3_str_appendall(out, "round(");
        call(random, out, q);
        sqlite3_str_appendall(out, ", 2)");
        break;
    case 3:
        sqlite3_str_appendall(out, "coalesce(");
        call(random, out, q);
        sqlite3_str_appendf(out, ", %s.b)", q);
        break;
    case 4:
        sqlite3_str_appendall(out, "CASE WHEN ");
        condition(random, out, q);
        sqlite3_str_appendall(out, " THEN ");
        number(random, out, q);
        sqlite3_str_appendall(out, " ELSE ");
        number(random, out, q);
        sqlite3_str_appendall(out, " END");
        break;
    case 5:
        sqlite3_str_appendall(out, "(");
        number(random, out, q);
        sqlite3_str_appendall(out, PICK(random, " + ", " * ", " < ", " - "));
        number(random, out, q);
        sqlite3_str_appendall(out, ")");
        break;
    case 6: subquery(random, out, q); break;
    case 7:
        if (one_in(random, 6)) { /* an error, now and then */
            sqlite3_str_appendf(out, "abs(-9223372036854775807 - (%s.id = 17))", q);
            break;
        } /* fallthrough */
    default: call(random, out, q);
    }
    random->depth--;
}

static void condition(struct random_sql *random, sqlite3_str *out, const char *q)
{
    int what = random_below(random, 13);
    if (++random->depth > 4)
        what = 12;
    switch (what) {
    case 0:
        call(random, out, q);
        sqlite3_str_appendall(out, PICK(random, " IS NULL", " IS NOT NULL", " NOT NULL"));
        break;
    case 1: sqlite3_str_appendf(out, "%s.b = %d", q, random_below(random, 5)); break;
    case 2:
        sqlite3_str_appendf(out, "%s.a LIKE '%s'", q, PICK(random, "the%", "%bad%", "a %"));
        break;
    case 3: sqlite3_str_appendf(out, "%s.id > %d", q, random_below(random, 60)); break;
    case 4:
        sqlite3_str_appendall(out, "(");
        condition(random, out, q);
        sqlite3_str_appendall(out, PICK(random, " AND ", " OR "));
        condition(random, out, q);
        sqlite3_str_appendall(out, ")");
        break;
    case 5:
        sqlite3_str_appendf(out, "%sEXISTS (SELECT 1 FROM t%d AS y WHERE y.b = %s.b AND ",
                            one_in(random, 2) ? "NOT " : "", random_below(random, random->tables),
                            q);
        condition(random, out, "y");
        sqlite3_str_appendall(out, ")");
        break;
    case 6:
        sqlite3_str_appendf(out, "%s.%s IN (SELECT y.b FROM t%d AS y WHERE ", q,
                            PICK(random, "b", "id"), random_below(random, random->tables));
        condition(random, out, "y");
        sqlite3_str_appendall(out, ")");
        break;
    case 7: sqlite3_str_appendf(out, "%s.c %s", q, PICK(random, "IS NULL", "> 0", "< 0.1")); break;
    default:
        call(random, out, q);
        sqlite3_str_appendall(
            out, PICK(random, " > 0", " < 0", " > 0.05", " BETWEEN -0.1 AND 0.1", " <> 0.5"));
    }
    random->depth--;
}

static void where(struct random_sql *random, sqlite3_str *out, const char *q)
{
    if (one_in(random, 3))
        return;
    sqlite3_str_appendall(out, " WHERE ");
    condition(random, out, q);
}

static void order(struct random_sql *random, sqlite3_str *out, const char *q)
{
    if (one_in(random, 3)) {
        sqlite3_str_appendall(out, " ORDER BY ");
        number(random, out, q);
        sqlite3_str_appendf(out, "%s, %s.id", PICK(random, "", " DESC"), q);
    }
    if (one_in(random, 4))
        sqlite3_str_appendf(out, " LIMIT %d", 1 + random_below(random, 20));
    else if (one_in(random, 8))
        sqlite3_str_appendf(out, " LIMIT %d OFFSET %d", 1 + random_below(random, 20),
                            random_below(random, 30));
}

static void table(struct random_sql *random, sqlite3_str *out, const char *q)
{
    if (one_in(random, 10))
        sqlite3_str_appendf(out, "v AS %s", q);
    else
        sqlite3_str_appendf(out, "t%d AS %s", random_below(random, random->tables), q);
}

/* id and two numbers of a table, of a join or of groups. */
static void plain_select(struct random_sql *random, sqlite3_str *out)
{
    sqlite3_str_appendf(out, "SELECT %sx.id, ", one_in(random, 10) ? "DISTINCT " : "");
    number(random, out, "x");
    sqlite3_str_appendall(out, ", ");
    number(random, out, "x");
    sqlite3_str_appendall(out, " FROM ");
    table(random, out, "x");
    where(random, out, "x");
}

static void joined_select(struct random_sql *random, sqlite3_str *out)
{
    sqlite3_str_appendall(out, "SELECT x.id, ");
    number(random, out, "x");
    sqlite3_str_appendall(out, ", ");
    number(random, out, "w");
    sqlite3_str_appendall(out, " FROM ");
    table(random, out, "x");
    sqlite3_str_appendf(out, " %s ", PICK(random, "JOIN", "LEFT JOIN", "CROSS JOIN"));
    table(random, out, "w");
    sqlite3_str_appendf(out, " ON %s",
                        PICK(random, "w.id = x.b", "w.id = x.id", "w.b = x.id",
                             "w.b = x.b AND w.id < 9",
                             "w.b = x.b AND w.c >= -1 AND w.c < lstm_sentiment(x.a, 'mood')"));
    where(random, out, "x");
}

static void grouped_select(struct random_sql *random, sqlite3_str *out)
{
    sqlite3_str_appendf(out, "SELECT min(x.id), count(*), %s(",
                        PICK(random, "total", "max", "min", "count"));
    number(random, out, "x");
    sqlite3_str_appendall(out, ") FROM ");
    table(random, out, "x");
    where(random, out, "x");
    if (one_in(random, 4))
        return;
    sqlite3_str_appendf(
        out, " GROUP BY %s",
        PICK(random, "x.b", "x.id % 3", "x.c > 0", "lstm_sentiment(x.a, 'mood') > 0"));
    if (one_in(random, 3))
        sqlite3_str_appendall(out, " HAVING count(*) > 1");
}

static void any_select(struct random_sql *random, sqlite3_str *out)
{
    switch (random_below(random, 10)) {
    case 0:
    case 1: joined_select(random, out); break;
    case 2:
    case 3: grouped_select(random, out); break;
    case 4:
        plain_select(random, out);
        sqlite3_str_appendall(out,
                              PICK(random, " UNION ALL ", " UNION ", " EXCEPT ", " INTERSECT "));
        plain_select(random, out);
        break;
    case 5:
        sqlite3_str_appendall(
            out,
            "WITH cte(id, a, b, c, d) AS (SELECT id, a, b, lstm_sentiment(a, 'mood'), d FROM ");
        table(random, out, "x");
        where(random, out, "x");
        sqlite3_str_appendall(out, ") SELECT k.id, k.c, ");
        number(random, out, "k");
        sqlite3_str_appendall(out, " FROM cte AS k");
        where(random, out, "k");
        order(random, out, "k");
        break;
    case 6:
        sqlite3_str_appendall(out, "SELECT x.id, sum(x.b) OVER (");
        sqlite3_str_appendall(out,
                              PICK(random, "ORDER BY x.id", "PARTITION BY x.b ORDER BY x.id", ""));
        sqlite3_str_appendall(out, "), ");
        number(random, out, "x");
        sqlite3_str_appendall(out, " FROM ");
        table(random, out, "x");
        where(random, out, "x");
        break;
    default: plain_select(random, out); order(random, out, "x");
    }
}

static void insert(struct random_sql *random, sqlite3_str *out)
{
    int to = random_below(random, random->tables);
    sqlite3_str_appendf(out, "%s INTO t%d(a, b, c) ",
                        PICK(random, "INSERT", "INSERT OR IGNORE", "REPLACE"), to);
    if (one_in(random, 4)) {
        sqlite3_str_appendf(
            out,
            "VALUES ('new film %d', %d, lstm_sentiment('new %d', 'mood')), (NULL, 1, NULL), "
            "('bad', 2, lstm_sentiment('b' || %d, 'mood'))",
            random_below(random, 50), random_below(random, 5), random_below(random, 50),
            random_below(random, 50));
    } else {
        sqlite3_str_appendall(out, "SELECT ");
        text(random, out, "x");
        sqlite3_str_appendall(out, ", x.b, ");
        number(random, out, "x");
        sqlite3_str_appendall(out, " FROM ");
        table(random, out, "x");
        where(random, out, "x");
        sqlite3_str_appendf(out, "%s LIMIT %d", one_in(random, 3) ? " ORDER BY x.id DESC" : "",
                            1 + random_below(random, 40));
    }
    if (one_in(random, 6))
        sqlite3_str_appendall(out, " RETURNING id, lstm_sentiment(a, 'mood')");
}

static void upsert(struct random_sql *random, sqlite3_str *out)
{
    sqlite3_str_appendf(out, "INSERT INTO t%d(id, a, c) SELECT x.id + %d, x.a, ",
                        random_below(random, random->tables), random_below(random, 40));
    number(random, out, "x");
    sqlite3_str_appendall(out, " FROM ");
    table(random, out, "x");
    sqlite3_str_appendf(
        out, " WHERE x.id < %d ON CONFLICT(id) DO %s", random_below(random, 60),
        PICK(random, "NOTHING", "UPDATE SET c = excluded.c",
             "UPDATE SET c = lstm_sentiment(excluded.a || 'u', 'mood') WHERE excluded.b IS NULL"));
}

static void update(struct random_sql *random, sqlite3_str *out)
{
    int t = random_below(random, random->tables);
    char name[8] = { 't', (char)('0' + t), '\0' };
    sqlite3_str_appendf(out, "UPDATE %s%s SET ", one_in(random, 6) ? "OR IGNORE " : "", name);
    switch (random_below(random, 5)) {
    case 0:
        sqlite3_str_appendall(out, "(c, d) = (");
        number(random, out, name);
        sqlite3_str_appendall(out, ", ");
        text(random, out, name);
        sqlite3_str_appendall(out, ")");
        break;
    case 1:
        sqlite3_str_appendf(
            out,
            "(c, b) = (SELECT lstm_sentiment(%s.a || y.id, 'mood'), y.b FROM t%d AS y WHERE y.id = "
            "%s.b)",
            name, random_below(random, random->tables), name);
        break;
    case 2:
        sqlite3_str_appendall(out, "a = ");
        text(random, out, name);
        sqlite3_str_appendall(out, ", c = ");
        call(random, out, name);
        break;
    case 3:
        sqlite3_str_appendf(
            out, "c = y.c + lstm_sentiment(%s.a, 'mood') FROM t%d AS y WHERE y.id = %s.b", name,
            random_below(random, random->tables), name);
        return;
    default: sqlite3_str_appendall(out, "c = "); number(random, out, name);
    }
    where(random, out, name);
    if (one_in(random, 6))
        sqlite3_str_appendall(out, " RETURNING id, c, lstm_sentiment(a, 'mood')");
}

static void other(struct random_sql *random, sqlite3_str *out)
{
    int t = random_below(random, random->tables);
    switch (random_below(random, 16)) {
    case 0:
    case 1: sqlite3_str_appendall(out, PICK(random, "BEGIN", "BEGIN IMMEDIATE")); break;
    case 2:
    case 3: sqlite3_str_appendall(out, PICK(random, "COMMIT", "ROLLBACK")); break;
    case 4: sqlite3_str_appendall(out, "SAVEPOINT p"); break;
    case 5: sqlite3_str_appendall(out, PICK(random, "RELEASE p", "ROLLBACK TO p")); break;
    case 6:
        sqlite3_str_appendf(out, "CREATE INDEX IF NOT EXISTS i%d ON t%d(%s)", t, t,
                            PICK(random, "c", "b, c", "a"));
        break;
    case 7: sqlite3_str_appendf(out, "DROP INDEX IF EXISTS i%d", t); break;
    case 8: sqlite3_str_appendall(out, "ANALYZE"); break;
    case 9:
        sqlite3_str_appendf(out, "ALTER TABLE t%d ADD COLUMN e%d", t, random_below(random, 100));
        break;
    case 10:
        sqlite3_str_appendall(out, one_in(random, 2) ? "CREATE TEMP TABLE IF NOT EXISTS made AS "
                                                     : "CREATE TABLE IF NOT EXISTS made AS ");
        any_select(random, out);
        break;
    case 11: sqlite3_str_appendall(out, "DROP TABLE IF EXISTS made"); break;
    case 12:
        sqlite3_str_appendf(
            out, "SELECT value, lstm_sentiment(value, 'mood') FROM json_each('[\"a\", \"b\", 3]')");
        break;
    case 13:
        sqlite3_str_appendf(out, "EXPLAIN QUERY PLAN SELECT lstm_sentiment(a, 'mood') FROM t%d", t);
        break;
    case 14:
        sqlite3_str_appendall(out, PICK(random, "REINDEX", "PRAGMA incremental_vacuum", "VACUUM"));
        break;
    default:
        sqlite3_str_appendf(
            out,
            "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 20 AND "
            "coalesce(lstm_sentiment('n' || i, 'mood'), 1) < 2) SELECT * FROM n");
    }
}

char *random_select(struct random_sql *random)
{
    sqlite3_str *out = sqlite3_str_new(NULL);
    any_select(random, out);
    return sqlite3_str_finish(out);
}

char *random_statement(struct random_sql *random)
{
    int what = random_below(random, 40);
    sqlite3_str *out = sqlite3_str_new(NULL);
    if (what < 20)
        any_select(random, out);
    else if (what < 25)
        insert(random, out);
    else if (what < 27)
        upsert(random, out);
    else if (what < 33)
        update(random, out);
    else if (what < 35) {
        sqlite3_str_appendf(out, "DELETE FROM t%d AS x WHERE ",
                            random_below(random, random->tables));
        condition(random, out, "x");
        sqlite3_str_appendf(out, " AND x.id > 20%s", one_in(random, 4) ? " RETURNING id" : "");
    } else
        other(random, out);
    return sqlite3_str_finish(out);
}

static void rows(struct random_sql *random, sqlite3_str *out, int t)
{
    int count = 1 + random_below(random, 90);
    sqlite3_str_appendf(out, "INSERT INTO t%d(a, b, c, d) VALUES ", t);
    for (int i = 0; i < count; i++) {
        sqlite3_str_appendall(out, i ? ", (" : "(");
        switch (random_below(random, 8)) {
        case 0: sqlite3_str_appendall(out, "NULL"); break;
        case 1:
            sqlite3_str_appendall(out, PICK(random, "''", "x'62ff61'", "42", "' '", "'film'"));
            break;
        default:
            sqlite3_str_appendf(out, "'%s %s%d %s'", PICK(random, "the", "a", "very", "no"),
                                PICK(random, "film ", "story", "fi"), random_below(random, 40),
                                PICK(random, "is good", "is bad", "was neither", ""));
        }
        sqlite3_str_appendf(out, ", %d, %s, 'd %d')", random_below(random, 5),
                            PICK(random, "NULL", "0.5", "-0.25"), random_below(random, 9));
    }
    sqlite3_str_appendall(out, ";");
}

char *random_schema(struct random_sql *random)
{
    sqlite3_str *out = sqlite3_str_new(NULL);
    const int attached =
        one_in(random, 4) ? random->tables - 1 : -1; /* the table in a database of its own */
    if (attached >= 0)
        sqlite3_str_appendall(out, "ATTACH ':memory:' AS other;");
    for (int t = 0; t < random->tables; t++) {
        sqlite3_str_appendf(
            out, "CREATE TABLE %st%d(id INTEGER PRIMARY KEY%s, a, b INT, c%s, d%s%s);",
            t == attached ? "other." : "", t, one_in(random, 6) ? " AUTOINCREMENT" : "",
            one_in(random, 3) ? " REAL" : "", one_in(random, 4) ? ", size AS (length(a))" : "",
            one_in(random, 5) ? ", CHECK (b < 9 AND b IS NOT 7)" : "");
        rows(random, out, t);
        if (t == attached)
            continue;
        if (one_in(random, 2))
            sqlite3_str_appendf(out, "CREATE INDEX b%d ON t%d(%s);", t, t,
                                PICK(random, "b", "b, c", "c", "length(a)"));
        if (one_in(random, 3))
            sqlite3_str_appendf(
                out, "CREATE TRIGGER g%d AFTER %s ON t%d BEGIN INSERT INTO log SELECT %s; END;", t,
                PICK(random, "INSERT", "UPDATE OF c"), t,
                PICK(random, "lstm_sentiment(NEW.a, 'mood')", "NEW.c",
                     "lstm_sentiment(a, 'mood') FROM t0 WHERE id < 9"));
    }
    sqlite3_str_appendf(
        out, "CREATE TABLE log(x); CREATE %sVIEW v AS SELECT id, a, b, %s AS c, d FROM t%d%s;",
        attached >= 0 || one_in(random, 3) ? "TEMP " : "",
        PICK(random, "c", "lstm_sentiment(a, 'mood')"), random_below(random, random->tables),
        PICK(random, "", " WHERE lstm_sentiment(a, 'mood') > 0", " ORDER BY a", " LIMIT 30"));
    return sqlite3_str_finish(out);
}
