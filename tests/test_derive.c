/* Which SELECT is made of a statement. */
#include "ext/derive.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

/* Whether they are the same but for spaces. */
static int is_same(const char *a, const char *b)
{
    for (;;) {
        a += strspn(a, " ");
        b += strspn(b, " ");
        if (*a != *b || !*a)
            return *a == *b;
        a++, b++;
    }
}

static const struct {
    const char *sql, *select; /* NULL: none */
    int only_reads;
} cases[] = {
    { "SELECT f(x) FROM t;  ", "SELECT f(x) FROM t", 1 },
    { "  -- first\n SELECT f(x) /* a; b */ FROM t -- last", "SELECT f(x) /* a; b */ FROM t", 1 },
    { "WITH c AS (SELECT 1) SELECT f(x) FROM c", "WITH c AS (SELECT 1) SELECT f(x) FROM c", 1 },
    { "VALUES (f(1)), (f(2))", "VALUES (f(1)), (f(2))", 1 },
    { "SELECT f(x) FROM t", NULL, 0 },
    { "PRAGMA cache_size", NULL, 1 },
    { "EXPLAIN SELECT f(x) FROM t", NULL, 1 },
    { "ATTACH 'x' AS y", NULL, 1 },
    { "INSERT INTO t SELECT f(x) FROM u", "SELECT f(x) FROM u", 0 },
    { "INSERT OR REPLACE INTO main.t AS q(a, b) SELECT f(x), ?1 FROM u WHERE y = ?2",
      "SELECT f(x), ?1 FROM u WHERE y = ?2", 0 },
    { "REPLACE INTO t VALUES (f('SELECT'), 'ON CONFLICT')", "VALUES (f('SELECT'), 'ON CONFLICT')",
      0 },
    { "INSERT INTO t DEFAULT VALUES", NULL, 0 },
    { "INSERT INTO t(\"select\") WITH c AS (SELECT 1) SELECT f(x) FROM c",
      "WITH c AS (SELECT 1) SELECT f(x) FROM c", 0 },
    { "WITH c AS (SELECT 1) INSERT INTO t SELECT f(x) FROM c",
      "WITH c AS (SELECT 1) SELECT f(x) FROM c", 0 },
    { "WITH c AS (SELECT 1) INSERT INTO t WITH d AS (SELECT 2) SELECT f(x) FROM c", NULL, 0 },
    { "INSERT INTO t SELECT f(x) FROM u JOIN v ON u.a = v.a WHERE true ON CONFLICT(a) DO UPDATE "
      "SET b = f(c)",
      "SELECT f(x) FROM u JOIN v ON u.a = v.a WHERE true", 0 },
    { "INSERT INTO t SELECT f(x) FROM u RETURNING f(y)", "SELECT f(x) FROM u", 0 },
    { "CREATE TABLE t AS SELECT f(x) FROM u", "SELECT f(x) FROM u", 0 },
    { "create temp table if not exists [we as t] as with c as (select 1) select f(x) from c",
      "with c as (select 1) select f(x) from c", 0 },
    { "CREATE TABLE t(a AS (f(x)))", NULL, 0 },
    { "CREATE VIEW t AS SELECT f(x) FROM u", NULL, 0 },
    { "CREATE INDEX i ON t(f(x))", NULL, 0 },
    { "DELETE FROM t WHERE f(x) > 0", "SELECT 1 FROM t WHERE f(x) > 0", 0 },
    { "DELETE FROM main.t AS q INDEXED BY i WHERE f(q.x) RETURNING f(y)",
      "SELECT 1 FROM main.t AS q INDEXED BY i WHERE "
      "f(q.x)",
      0 },
    { "WITH c AS (SELECT 1) DELETE FROM t WHERE f(x) IN c",
      "WITH c AS (SELECT 1) SELECT 1 FROM t WHERE f(x) IN c", 0 },
    { "DELETE FROM t WHERE f(x) ORDER BY y LIMIT 3", NULL, 0 },
    { "UPDATE t SET a = f(x)", "SELECT f(x) FROM t", 0 },
    { "UPDATE OR IGNORE t AS q NOT INDEXED SET a = f(x), b=g(y , 'SET') WHERE c = ?",
      "SELECT f(x), g(y , 'SET') FROM t AS q NOT INDEXED WHERE c = ?", 0 },
    { "UPDATE t SET a = f(x) -- why, not\n, b = 2 -- WHERE\n WHERE c",
      "SELECT f(x), 2 FROM t WHERE c", 0 },
    { "UPDATE t SET (a, b) = (f(x), 2) WHERE c", "SELECT f(x), 2 FROM t WHERE c", 0 },
    { "UPDATE t SET (a, b, c) = (SELECT f(x), max(y, 1), 3 FROM u) WHERE c",
      "SELECT ((SELECT f(x), max(y, 1), 3 FROM u) IS (NULL, NULL, NULL)) FROM t WHERE c", 0 },
    { "UPDATE t SET (a) = (SELECT f(x))", "SELECT ((SELECT f(x)) IS (NULL)) FROM t", 0 },
    { "UPDATE t SET a = f(t.x) FROM u JOIN v ON u.i = v.i WHERE u.i = t.i",
      "SELECT f(t.x) FROM t, u JOIN v ON u.i = v.i WHERE u.i = t.i", 0 },
    { "UPDATE t SET a = f(x) IS NOT DISTINCT FROM b, c = 1 IS DISTINCT FROM 2 WHERE d",
      "SELECT f(x) IS NOT DISTINCT FROM b, 1 IS DISTINCT FROM 2 FROM t WHERE d", 0 },
    { "UPDATE t SET \"set\" = f(\"from\"), [where] = `where` WHERE 'where'",
      "SELECT f(\"from\"), `where` FROM t WHERE 'where'", 0 },
    { "UPDATE t SET a = (SELECT f(x) FROM u WHERE y LIMIT 1) RETURNING f(z)",
      "SELECT (SELECT f(x) FROM u WHERE y LIMIT 1) FROM t", 0 },
    { "WITH c AS (SELECT 1) UPDATE t SET a = f(x) WHERE b IN c",
      "WITH c AS (SELECT 1) SELECT f(x) FROM t WHERE b IN c", 0 },
    { "UPDATE t SET a = f(x) WHERE b LIMIT 5", NULL, 0 },
    { "ALTER TABLE t ADD COLUMN a CHECK (f(x))", NULL, 0 },
    { "REINDEX", NULL, 0 },
    { "VACUUM", NULL, 0 },
    { "", NULL, 1 },
    { "(", NULL, 1 },
    { ")", NULL, 1 },
    { "UPDATE", NULL, 0 },
    { "UPDATE t SET", NULL, 0 },
    { "UPDATE t SET a", NULL, 0 },
    { "UPDATE t SET (a", NULL, 0 },
    { "UPDATE t SET (a) =", NULL, 0 },
    { "INSERT", NULL, 0 },
    { "WITH", NULL, 1 },
    { "CREATE TABLE t AS", NULL, 0 },
    { "DELETE", NULL, 0 },
    { "SELECT 'open", "SELECT 'open", 1 },
};

static void every_form_gives_its_select(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *select = derive_select(cases[i].sql, cases[i].only_reads);
        if (!select != !cases[i].select || (select && !is_same(select, cases[i].select)))
            fail_msg("%s\ngave     %s\nexpected %s", cases[i].sql, select ? select : "none",
                     cases[i].select ? cases[i].select : "none");
        sqlite3_free(select);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_form_gives_its_select) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
