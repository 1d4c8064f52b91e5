/* The options of lstm_score: those of the scoring functions, and how many rows it scores at once.
 */
#ifndef EXT_SCORE_OPTIONS_H
#define EXT_SCORE_OPTIONS_H

#include "options.h"
#include "settings.h"

/* As options_read; batch stays as it was where it is not given. Errors: FAILURE_OPTIONS. */
int score_options_read(sqlite3_value *value, struct options *options, int32_t *batch,
                       struct failure *failure);

#endif
