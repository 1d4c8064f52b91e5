/* What can be asked of a text: a way to infer a batch of texts into results, which are bytes that
 * the functions of that kind understand. The machinery of batches, cache and read-ahead knows no
 * more of it. */
#ifndef EXT_KINDS_H
#define EXT_KINDS_H

#include "options.h"
#include "registry.h"

struct inference {
    const struct bound *bound;
    struct lstm_worker *worker; /* of bound */
    const struct lstm_summary_settings *summary;
    const struct lstm_text *texts;
    int32_t count;
    int (*stop)(void *arg); /* see struct lstm_batch */
    void *stop_arg;
    /* Takes the result of a text; no bytes stand for NULL. */
    void (*put)(void *arg, int32_t text, const void *bytes, size_t size);
    void *put_arg;
};

/* Auxiliary data of negative numbers belongs to a whole run of a statement, whichever call site
 * sets it: SQLite does so in every version since 3.34, without promising it. Where that ends, there
 * is no read-ahead and nothing else. */
enum { SLOT_OF_RUN = -1, SLOT_OF_CLASSES = -2, SLOT_OF_SUMMARY = -3 };

struct kind {
    const char *name, *failure; /* failure: what is said where a text has no result */
    int slot;                   /* of the request of calls without options */
    enum options_kind options;
    /* Puts the results of all texts, or none. Errors: those of model/scorer.h. */
    enum lstm_status (*infer)(const struct inference *inference, struct lstm_error *err);
};

extern const struct kind kind_classes; /* struct classes_result */
extern const struct kind kind_summary; /* UTF-8 */

struct classes_result {
    double unknown; /* see lstm_worker_unknown */
    int32_t tokens;
    float probabilities[]; /* a class */
};

#endif
