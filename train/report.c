/* Runs the query twice: once for the widths, once to print, so that nothing has to be kept. */
#include "train/report.h"

#include <stdio.h>
#include <string.h>

enum { COLUMNS_MAX = 16 };

/* Characters on the screen, for texts without combining marks. */
static int width_of(const char *text)
{
    int width = 0;
    for (; *text; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static const char *cell(sqlite3_stmt *stmt, int column)
{
    const char *text = (const char *)sqlite3_column_text(stmt, column);
    return text ? text : "-";
}

/* Bytes of the control character that text begins with: ASCII's, or U+0080..U+009F; 0: it is none.
 */
static int control_size(const char *text)
{
    const unsigned char first = (unsigned char)text[0];
    if (first < ' ' || first == 0x7f)
        return 1;
    return first == 0xc2 && (unsigned char)text[1] >= 0x80 && (unsigned char)text[1] < 0xa0 ? 2 : 0;
}

/* What stands in a cell may come from anybody: a line feed would break the table, an escape
 * sequence the terminal. */
static void print_cell(const char *text, int width, int right, int last)
{
    int pad = width - width_of(text);
    printf("%*s", right ? pad : 0, "");
    for (int control; *text; text += control ? control : 1) {
        control = control_size(text);
        putchar(control ? ' ' : *text);
    }
    if (last)
        putchar('\n');
    else
        printf("%*s", (right ? 0 : pad) + 2, "");
}

enum lstm_status report_query(sqlite3 *db, const char *sql, const char *argument,
                              struct lstm_error *err)
{
    sqlite3_stmt *stmt = NULL;
    int width[COLUMNS_MAX], number[COLUMNS_MAX], rc;
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL))
        return lstm_fail(err, LSTM_UNAVAILABLE, "%s", sqlite3_errmsg(db));
    if (sqlite3_bind_parameter_count(stmt) > 0)
        sqlite3_bind_text(stmt, 1, argument, -1, SQLITE_STATIC);
    int columns =
        sqlite3_column_count(stmt) < COLUMNS_MAX ? sqlite3_column_count(stmt) : COLUMNS_MAX;
    for (int i = 0; i < columns; i++) {
        width[i] = width_of(sqlite3_column_name(stmt, i));
        number[i] = 1;
    }
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
        for (int i = 0; i < columns; i++) {
            int wide = width_of(cell(stmt, i)), type = sqlite3_column_type(stmt, i);
            width[i] = wide > width[i] ? wide : width[i];
            if (type != SQLITE_NULL &&
                strspn(cell(stmt, i), "+-.0123456789") < strlen(cell(stmt, i)))
                number[i] = 0;
        }
    sqlite3_reset(stmt);
    for (int i = 0; i < columns; i++)
        print_cell(sqlite3_column_name(stmt, i), width[i], number[i], i == columns - 1);
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
        for (int i = 0; i < columns; i++)
            print_cell(cell(stmt, i), width[i], number[i], i == columns - 1);
    sqlite3_finalize(stmt);
    return rc == SQLITE_DONE ? LSTM_OK : lstm_fail(err, LSTM_UNAVAILABLE, "%s", sqlite3_errmsg(db));
}
