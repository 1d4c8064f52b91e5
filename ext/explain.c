#include "explain.h"

#include <string.h>

int explain(sqlite3 *db, const char *sql, void (*visit)(void *arg, const struct explained *op),
            void *arg)
{
    sqlite3_stmt *s = NULL;
    char *text = sqlite3_mprintf("EXPLAIN %s", sql);
    int rc = text ? sqlite3_prepare_v2(db, text, -1, &s, NULL) : SQLITE_NOMEM;
    sqlite3_free(text);
    while (!rc && sqlite3_step(s) == SQLITE_ROW) {
        const char *opcode = (const char *)sqlite3_column_text(s, 1),
                   *p4 = (const char *)sqlite3_column_text(s, 5);
        const struct explained op = { sqlite3_column_int(s, 0), opcode ? opcode : "",
                                      sqlite3_column_int(s, 3), p4 ? p4 : "" };
        visit(arg, &op);
    }
    int finalized = sqlite3_finalize(s);
    return rc ? rc : finalized;
}

/* "name(2)" or "name(-1)": the size of the name, 0 if it is not of this form. */
static size_t call_size(const char *p4)
{
    const char *open = strrchr(p4, '(');
    size_t digits = open ? strspn(open + 1, "-0123456789") : 0;
    return digits > 0 && strcmp(open + 1 + digits, ")") == 0 ? (size_t)(open - p4) : 0;
}

int explained_call(const struct explained *op, char name[FUNCTION_NAME_SIZE])
{
    static const char *const calls[] = { "Function", "Function0", "PureFunc", "PureFunc0",
                                         "AggStep",  "AggStep0",  "AggStep1", "AggInverse",
                                         "AggValue", "AggFinal",  NULL };
    size_t size = call_size(op->p4);
    int is_call = 0;
    for (const char *const *call = calls; *call; call++)
        is_call |= strcmp(op->opcode, *call) == 0;
    if (!is_call && (size == 0 || strncmp(op->p4, "k(", 2) == 0)) /* k(2): of an index */
        return 0;
    if (!is_call || size == 0 || size >= FUNCTION_NAME_SIZE)
        return -1;
    memcpy(name, op->p4, size);
    name[size] = '\0';
    return 1;
}

int explained_is_ours(const char *name)
{
    static const char *const ours[] = { "lstm_sentiment", "lstm_classify", "lstm_summarize",
                                        "lstm_model_sha256" };
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (sqlite3_stricmp(name, ours[i]) == 0)
            return 1;
    return 0;
}
