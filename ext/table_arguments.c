#include "table_arguments.h"

#include <stddef.h>

int table_arguments_plan(sqlite3_index_info *info, int text_column)
{
    int given[2] = { -1, -1 }, arguments = 0;
    for (int i = 0; i < info->nConstraint; i++) {
        int argument = info->aConstraint[i].iColumn - text_column;
        if (argument < 0 || info->aConstraint[i].op != SQLITE_INDEX_CONSTRAINT_EQ)
            continue;
        if (!info->aConstraint[i].usable) /* another table has to come first */
            return SQLITE_CONSTRAINT;
        given[argument] = i;
    }
    for (int argument = 0; argument < 2; argument++) {
        if (given[argument] < 0)
            continue;
        info->aConstraintUsage[given[argument]].argvIndex = ++arguments;
        info->aConstraintUsage[given[argument]].omit = 1;
        info->idxNum |= 1 << argument;
    }
    return SQLITE_OK;
}

int table_arguments_take(struct table_arguments *arguments, int planned, sqlite3_value **argv)
{
    table_arguments_clear(arguments);
    if (planned & 1 && !(arguments->text = sqlite3_value_dup(*argv++)))
        return SQLITE_NOMEM;
    if (planned & 2 && !(arguments->options = sqlite3_value_dup(*argv)))
        return SQLITE_NOMEM;
    return SQLITE_OK;
}

void table_arguments_clear(struct table_arguments *arguments)
{
    sqlite3_value_free(arguments->text);
    sqlite3_value_free(arguments->options);
    *arguments = (struct table_arguments){ .text = NULL };
}

void table_arguments_result(const struct table_arguments *arguments, int column,
                            sqlite3_context *context)
{
    sqlite3_value *value = column == 0 ? arguments->text : arguments->options;
    if (value)
        sqlite3_result_value(context, value);
}
