/* What one call site of a function asks of its texts: a kind of result, of one model, with
 * settings. Of a constant options argument it is worked out once a statement, so that a statement
 * scores all of its rows by one model. */
#ifndef EXT_REQUEST_H
#define EXT_REQUEST_H

#include "kinds.h"
#include "siphash.h"

struct request {
    const struct kind *kind;
    struct bound *bound;
    struct lstm_summary_settings summary;
    struct siphash prefix; /* of all of that; the text follows in a fingerprint */
    int positive;          /* the class that a sentiment is measured by; -1: the model has none */
    const void *fits;      /* the function that was last found to take such a model */
    int users;
};

/* Of options that were read, for one caller. It gives it back with request_release. */
int request_bind(struct registry *registry, const struct kind *kind, const struct options *options,
                 struct request **request, struct failure *failure);

/* Reads the options of a call (NULL where it has no such argument, which is argument 1) and binds
 * the model. The caller gives it back with request_release. */
int request_take(struct registry *registry, sqlite3_context *context, const struct kind *kind,
                 sqlite3_value *options, struct request **request, struct failure *failure);
void request_hold(struct request *request);
void request_release(void *request);

/* What the result for a text is known by. */
struct fingerprint request_fingerprint(const struct request *request, const struct lstm_text *text);

/* Whether both give the same result for a text. */
int request_is_same(const struct request *a, const struct request *b);

#endif
