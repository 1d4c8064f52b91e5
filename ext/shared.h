/* Models in memory, one copy a process and device: connections and threads that use the same model
 * on the same device share it, and the last one to let go of it frees it. A model is known by its
 * SHA-256, so it does not matter which database it came from. */
#ifndef EXT_SHARED_H
#define EXT_SHARED_H

#include "failure.h"
#include "model/device.h"
#include "model/scorer.h"
#include "model/sha256.h"

/* What a model was loaded for. */
struct placement {
    const struct lstm_backend *backend; /* that the name of the device stood for then */
    int may_fall_back; /* from a CUDA device to the CPU, since it was not asked for by name */
};

struct shared {
    struct lstm_scorer *scorer;
    struct placement placement;
    size_t size; /* bytes of the blob it was read from */
    char sha256[SHA256_HEX_SIZE];
    int users; /* guarded by the lock of shared.c, as next is */
    struct shared *next;
};

/* Takes a model that somebody already loaded for this device (see lstm_device_choose); NULL when
 * nobody did. Give it back with shared_release. */
struct shared *shared_take(const char *sha256, const char *device);

/* Takes it, loading it where nobody has; shared_check comes first. what names the model in errors.
 * Two callers at once load it once. Errors: FAILURE_MODEL, FAILURE_DEVICE, FAILURE_NOMEM. */
int shared_load(const char *sha256, const char *device, const void *blob, size_t size,
                const char *what, struct shared **model, struct failure *failure);

void shared_release(struct shared *model);

/* FAILURE_MODEL unless the blob has the SHA-256 that its row says. */
int shared_check(const char *sha256, const void *blob, size_t size, const char *what,
                 struct failure *failure);

#endif
