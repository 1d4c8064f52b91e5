#include "vet.h"

#include "explain.h"

#include <string.h>

enum { NAMES_MAX = 48, PLACES_MAX = 64, NODES_MAX = 128 };

/* The functions that a program calls, but for ours. */
struct names {
    char name[NAMES_MAX][FUNCTION_NAME_SIZE];
    int may_call[NAMES_MAX]; /* what the list of functions says of it: 0: nothing yet */
    int count;
};

struct places {
    int at[PLACES_MAX], count; /* more than PLACES_MAX of them: too_many */
};

struct program {
    struct names names;
    struct places ours, rows; /* our calls, and where a row is given */
    int loop_begins[PLACES_MAX], loop_ends[PLACES_MAX], loops;
    int too_many, has_coroutine, early_end, aggregates, temporary;
    enum refusal refusal;
};

static void add_place(struct program *program, struct places *places, int address)
{
    if (places->count < PLACES_MAX)
        places->at[places->count++] = address;
    else
        program->too_many = 1;
}

static void add_name(struct program *program, const char *name)
{
    struct names *names = &program->names;
    for (int i = 0; i < names->count; i++)
        if (sqlite3_stricmp(names->name[i], name) == 0)
            return;
    if (names->count == NAMES_MAX) {
        program->refusal = REFUSED_FUNCTION;
        return;
    }
    memcpy(names->name[names->count++], name, strlen(name) + 1);
}

static int is_one_of(const char *opcode, const char *const *opcodes)
{
    while (*opcodes && strcmp(opcode, *opcodes))
        opcodes++;
    return *opcodes != NULL;
}

/* The loop over all of a program, at whose end is a jump to its second instruction, is none. */
static void add_loop(struct program *program, const struct explained *op)
{
    if (op->p2 <= 1 || op->p2 > op->address)
        return;
    if (program->loops == PLACES_MAX) {
        program->too_many = 1;
        return;
    }
    program->loop_begins[program->loops] = op->p2;
    program->loop_ends[program->loops++] = op->address;
}

static void read_call(struct program *program, const struct explained *op)
{
    char name[FUNCTION_NAME_SIZE];
    int calls = explained_call(op, name);
    if (calls < 0)
        program->refusal = REFUSED_FUNCTION;
    if (calls <= 0)
        return;
    if (explained_is_ours(name)) {
        add_place(program, &program->ours, op->address);
        return;
    }
    add_name(program, name);
    if (strncmp(op->opcode, "AggStep", 7) == 0) {
        program->aggregates = 1;
        /* with an index they end at the first row that will do */
        program->early_end |= !sqlite3_stricmp(name, "min") || !sqlite3_stricmp(name, "max");
    }
}

static void read_instruction(void *arg, const struct explained *op)
{
    static const char *const virtuals[] = { "VOpen",   "VFilter",  "VNext",  "VColumn", "VUpdate",
                                            "VCreate", "VDestroy", "VBegin", NULL };
    static const char *const writes[] = { "OpenWrite",   "Program", "Destroy",     "ParseSchema",
                                          "CreateBtree", "Vacuum",  "JournalMode", NULL };
    static const char *const loops[] = { "Next", "Prev", "SorterNext", "Goto", NULL };
    static const char *const coroutines[] = { "Yield", "InitCoroutine", "Gosub", NULL };
    static const char *const temporaries[] = { "SorterOpen", "OpenEphemeral", "OpenAutoindex",
                                               NULL };
    struct program *program = arg;
    if (is_one_of(op->opcode, virtuals))
        program->refusal = REFUSED_VIRTUAL;
    if (is_one_of(op->opcode, writes))
        program->refusal = REFUSED_FORM;
    if (is_one_of(op->opcode, loops))
        add_loop(program, op);
    if (!strcmp(op->opcode, "ResultRow"))
        add_place(program, &program->rows, op->address);
    program->has_coroutine |= is_one_of(op->opcode, coroutines);
    program->temporary |= is_one_of(op->opcode, temporaries);
    program->early_end |= !strcmp(op->opcode, "DecrJumpZero");
    read_call(program, op);
}

/* Whether some loop both calls us and gives rows. */
static int gives_rows_between(const struct program *program)
{
    for (int loop = 0; loop < program->loops; loop++) {
        int begin = program->loop_begins[loop], end = program->loop_ends[loop], calls = 0, rows = 0;
        for (int i = 0; i < program->ours.count; i++)
            calls |= program->ours.at[i] >= begin && program->ours.at[i] <= end;
        for (int i = 0; i < program->rows.count; i++)
            rows |= program->rows.at[i] >= begin && program->rows.at[i] <= end;
        if (calls && rows)
            return 1;
    }
    return 0;
}

/* A function that was defined by the user has a row of its own, also where it stands for one of
 * SQLite's; one of all rows that says no is enough. */
static void judge(struct names *names, const char *name, int is_builtin, int flags)
{
    static const char *const never[] = { "random", "randomblob", NULL };
    for (int i = 0; i < names->count; i++)
        if (sqlite3_stricmp(names->name[i], name) == 0) {
            int may = !(flags & SQLITE_DIRECTONLY) && (is_builtin || flags & SQLITE_INNOCUOUS) &&
                      !is_one_of(name, never);
            names->may_call[i] = may && names->may_call[i] >= 0 ? 1 : -1;
        }
}

/* The pragma itself, not the table of that name: reading that begins a transaction. */
static enum refusal vet_functions(sqlite3 *db, struct names *names, int *rc)
{
    sqlite3_stmt *s = NULL;
    if (names->count == 0)
        return REFUSED_NOT;
    *rc = sqlite3_prepare_v2(db, "PRAGMA function_list", -1, &s, NULL);
    while (!*rc && sqlite3_step(s) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(s, 0);
        if (name)
            judge(names, name, sqlite3_column_int(s, 1), sqlite3_column_int(s, 5));
    }
    int finalized = sqlite3_finalize(s);
    *rc = *rc ? *rc : finalized;
    if (*rc)
        return REFUSED_PREPARE;
    for (int i = 0; i < names->count; i++)
        if (names->may_call[i] != 1)
            return REFUSED_FUNCTION;
    return REFUSED_NOT;
}

/* The tree of EXPLAIN QUERY PLAN. */
struct plan_node {
    int id, parent;
    int scans;      /* goes through a table, or through a range of one */
    int fans_out;   /* goes through rows that have a value in common, perhaps many */
    int correlated; /* runs once a row of what is around it */
};

static void read_access(const char *detail, struct plan_node *node)
{
    if (!strncmp(detail, "SCAN", 4))
        node->scans = !strstr(detail, "CONSTANT ROW");
    else if (!strncmp(detail, "SEARCH", 6) && !strstr(detail, "=?"))
        node->scans = 1;
    else if (!strncmp(detail, "SEARCH", 6))
        node->fans_out = !strstr(detail, "(rowid=?)") && !strstr(detail, "sqlite_autoindex_");
}

static int is_within_correlated(const struct plan_node *nodes, int count, int parent)
{
    for (int i = count - 1; i >= 0; i--)
        if (nodes[i].id == parent) {
            if (nodes[i].correlated)
                return 1;
            parent = nodes[i].parent; /* which stands before it */
        }
    return 0;
}

static enum refusal vet_node(const struct plan_node *nodes, int count, const struct plan_node *node)
{
    int scans = node->scans, fans_out = node->fans_out;
    for (int i = 0; i < count; i++)
        if (nodes[i].parent == node->parent) {
            scans += nodes[i].scans;
            fans_out += nodes[i].fans_out;
        }
    if (node->scans && is_within_correlated(nodes, count, node->parent))
        return REFUSED_SCANS;
    return scans > 1 || scans + fans_out > 2 ? REFUSED_SCANS : REFUSED_NOT;
}

/* A look-ahead cannot be stopped between two calls of ours, and NULL in place of a result may open
 * what the real result keeps closed, so what can happen between two calls has to be little: no
 * recursion, no scan within a scan, one scan or two groups of rows a nest. */
static enum refusal vet_plan(sqlite3 *db, const char *select, int *early_end, int *rc)
{
    struct plan_node nodes[NODES_MAX];
    enum refusal refusal = REFUSED_NOT;
    int count = 0;
    sqlite3_stmt *s = NULL;
    char *sql = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", select);
    *rc = sql ? sqlite3_prepare_v2(db, sql, -1, &s, NULL) : SQLITE_NOMEM;
    sqlite3_free(sql);
    while (!*rc && sqlite3_step(s) == SQLITE_ROW) {
        const char *detail = (const char *)sqlite3_column_text(s, 3);
        struct plan_node node = { .id = sqlite3_column_int(s, 0),
                                  .parent = sqlite3_column_int(s, 1) };
        detail = detail ? detail : "";
        read_access(detail, &node);
        *early_end |= strstr(detail, " EXISTS") != NULL; /* as a join that ends at the first row */
        node.correlated = !strncmp(detail, "CORRELATED", 10);
        if (strstr(detail, "RECURSIVE STEP"))
            refusal = REFUSED_RECURSION;
        else if (count == NODES_MAX)
            refusal = REFUSED_SCANS;
        if (!refusal)
            refusal = vet_node(nodes, count, &node);
        if (count < NODES_MAX)
            nodes[count++] = node;
    }
    int finalized = sqlite3_finalize(s);
    *rc = *rc ? *rc : finalized;
    return *rc ? REFUSED_PREPARE : refusal;
}

enum refusal vet(sqlite3 *db, const char *select, struct vetted *vetted, int *rc)
{
    struct program program = { .loops = 0 };
    *rc = explain(db, select, read_instruction, &program);
    if (*rc)
        return REFUSED_PREPARE;
    if (program.refusal)
        return program.refusal;
    if (program.ours.count == 0)
        return REFUSED_NOT_CALLED;
    enum refusal refusal = vet_functions(db, &program.names, rc);
    if (!refusal)
        refusal = vet_plan(db, select, &program.early_end, rc);
    *vetted = (struct vetted){
        .runs_to_end = !program.too_many && !program.has_coroutine && !program.early_end &&
                       !gives_rows_between(&program),
        .aggregates = program.aggregates,
        .may_end_early = program.early_end,
        .has_temporary = program.temporary,
    };
    return refusal;
}
