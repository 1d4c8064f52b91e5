/* Texts that wait to be scored together. */
#ifndef EXT_BATCH_H
#define EXT_BATCH_H

#include "request.h"
#include "result_window.h"

enum { BATCH_BYTES_MAX = 1 << 20 }; /* of its texts, and of one that is read ahead */

struct waiting {
    struct request *request;
    struct fingerprint key;
    size_t slot;     /* of the window, for its result */
    size_t at, size; /* its bytes in the batch's */
};

/* Zero-initialise it but for the registry; end it with batch_clear. Its memory is used again. */
struct batch {
    struct registry *registry; /* not ours */
    struct waiting *texts;
    int32_t count, room;
    char *bytes;
    size_t bytes_size, bytes_room;
};

/* Copies the text. 0: out of memory. */
int batch_add(struct batch *batch, struct request *request, const struct lstm_text *text,
              const struct fingerprint *key, size_t slot);
int batch_is_full(const struct batch *batch);

/* Scores what waits, by request, and empties the batch. Results go to the window, which has not
 * been renewed since, and into the cache. A text that cannot be scored gets none, and keeps none of
 * the others from theirs. Errors: FAILURE_INTERRUPTED, FAILURE_NOMEM. */
int batch_infer(struct batch *batch, struct result_window *window, struct failure *failure);
void batch_empty(struct batch *batch);
void batch_clear(struct batch *batch);

/* Scores one text into registry->result, and into the cache. Errors: those of the scorer. */
int batch_infer_alone(struct registry *registry, struct request *request,
                      const struct lstm_text *text, const struct fingerprint *key,
                      struct failure *failure);

#endif
