/* The result for the text of a call: read ahead, from the cache, or worked out now. */
#ifndef EXT_RESULTS_H
#define EXT_RESULTS_H

#include "lookahead.h"

/* value is not NULL. Errors: those of scoring the text; within a look-ahead see
 * lookahead_collect. */
int result_for(struct registry *registry, sqlite3_context *context, struct request *request,
               sqlite3_value *value, struct outcome *outcome, struct failure *failure);

#endif
