/* Summaries of one text, for the functions that give them. */
#ifndef EXT_SUMMARIES_H
#define EXT_SUMMARIES_H

#include "registry.h"

/* Whether the bound model writes summaries. function is what is said to need one. Errors:
 * FAILURE_TASK. */
int summary_check_task(const struct bound *bound, const char *function, struct failure *failure);

/* Summarises a text argument, which must not be NULL; the caller frees the summary with
 * lstm_summary_free. The text is not echoed. Errors: FAILURE_INPUT for a text of more than
 * LSTM_SUMMARY_SOURCE_MAX tokens, FAILURE_INTERRUPTED, FAILURE_NOMEM. */
int summary_read(sqlite3 *db, struct bound *bound, sqlite3_value *value,
                 const struct lstm_summary_settings *settings, struct lstm_summary *summary,
                 struct failure *failure);

#endif
