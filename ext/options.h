/* The two arguments that our functions share: the text and the options. */
#ifndef EXT_OPTIONS_H
#define EXT_OPTIONS_H

#include "failure.h"
#include "lookup.h"
#include "model/scorer.h"

enum { OPTIONS_SIZE_MAX = 4096 }; /* bytes */

/* Which keys a function takes, and which model it uses where none is named. */
enum options_kind {
    OPTIONS_OF_SCORES = 1,    /* "model"; default-sentiment */
    OPTIONS_OF_ROWS = 2,      /* "model", "batch"; default-sentiment */
    OPTIONS_OF_SUMMARIES = 4, /* "model", "max_tokens", "min_tokens", "beam"; default-summarize */
};

struct options {
    char model[MODEL_NAME_SIZE];
    struct lstm_summary_settings summary; /* the defaults, where the function takes none of it */
    int32_t batch;                        /* texts scored together; 0: as lstm_config says */
};

/* NULL, as a pointer or as SQL's, is the defaults; a text that begins with '{' is a JSON object;
 * any other text is the name of a model. Errors: FAILURE_OPTIONS names the key, what it may be and
 * the keys there are. */
int options_read(sqlite3_value *value, enum options_kind kind, struct options *options,
                 struct failure *failure);

/* The bytes of a text argument, which must not be NULL. BLOBs are read as text, numbers as SQLite
 * writes them. They belong to value and last as long as it does. Errors: FAILURE_NOMEM. */
int text_read(sqlite3_value *value, struct lstm_text *text, struct failure *failure);

#endif
