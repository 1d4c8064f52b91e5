/* Prints what a query gives as a table of aligned columns, to stdout. */
#ifndef TRAIN_REPORT_H
#define TRAIN_REPORT_H

#include "model/error.h"

#include <sqlite3.h>

/* One line of column names, one line a row; numbers stand to the right. NULL is shown as "-". At
 * most 16 columns. argument is what ?1 stands for, if the query has it (NULL: SQL's NULL). Errors:
 * LSTM_UNAVAILABLE with SQLite's message. */
enum lstm_status report_query(sqlite3 *db, const char *sql, const char *argument,
                              struct lstm_error *err);

#endif
