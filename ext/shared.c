#include "shared.h"

#include <pthread.h>
#include <string.h>

static struct shared *loaded; /* every model that has a user */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static enum lstm_status place(const char *device, struct placement *placement,
                              struct lstm_error *err)
{
    struct lstm_device chosen;
    enum lstm_status rc = lstm_device_choose(device, &chosen, err);
    *placement = (struct placement){ chosen.backend, !strcmp(device, "auto") };
    if (placement->backend == lstm_backend_cpu(NULL))
        placement->may_fall_back = 0; /* it is there already */
    return rc;
}

static struct shared *take_locked(const char *sha256, const struct placement *placement)
{
    struct shared *model = loaded;
    while (model &&
           (strcmp(model->sha256, sha256) || model->placement.backend != placement->backend ||
            model->placement.may_fall_back != placement->may_fall_back))
        model = model->next;
    if (model)
        model->users++;
    return model;
}

struct shared *shared_take(const char *sha256, const char *device)
{
    struct placement placement;
    if (place(device, &placement, NULL))
        return NULL; /* shared_load says why */
    pthread_mutex_lock(&lock);
    struct shared *model = take_locked(sha256, &placement);
    pthread_mutex_unlock(&lock);
    return model;
}

int shared_check(const char *sha256, const void *blob, size_t size, const char *what,
                 struct failure *failure)
{
    unsigned char digest[SHA256_SIZE];
    char hex[SHA256_HEX_SIZE];
    sha256_of(blob, size, digest);
    sha256_hex(digest, hex);
    if (strcmp(hex, sha256))
        return failure_set(failure, FAILURE_MODEL,
                           "%s was altered after it was stored: its blob of %zu bytes has SHA-256 "
                           "%s, its row says %s; "
                           "import it again",
                           what, size, hex, sha256);
    return SQLITE_OK;
}

/* Reads the model while others wait: whoever waits for the same one wants just this, and nothing in
 * here runs SQL. */
static int load_locked(const char *sha256, const char *device, const void *blob, size_t size,
                       const char *what, struct shared **model, struct failure *failure)
{
    struct lstm_error err;
    struct shared *m = *model = sqlite3_malloc64(sizeof *m);
    if (!m)
        return failure_set(failure, FAILURE_NOMEM, "%s", what);
    *m = (struct shared){ .size = size, .users = 1, .next = loaded };
    memcpy(m->sha256, sha256, sizeof m->sha256);
    if (lstm_scorer_open(blob, size, device, &m->scorer, &err)) {
        sqlite3_free(m);
        *model = NULL;
        return failure_of_model(failure, &err, what);
    }
    loaded = m;
    return SQLITE_OK;
}

int shared_load(const char *sha256, const char *device, const void *blob, size_t size,
                const char *what, struct shared **model, struct failure *failure)
{
    struct placement placement;
    struct lstm_error err;
    int rc = SQLITE_OK;
    *model = NULL;
    if (place(device, &placement, &err))
        return failure_of_model(failure, &err, what);
    pthread_mutex_lock(&lock);
    if (placement.backend == lstm_backend_cpu(NULL))
        device = "cpu";                       /* "auto" might choose another one by now */
    *model = take_locked(sha256, &placement); /* somebody may have been faster */
    if (!*model)
        rc = load_locked(sha256, device, blob, size, what, model, failure);
    if (!rc)
        (*model)->placement = placement;
    pthread_mutex_unlock(&lock);
    return rc;
}

void shared_release(struct shared *model)
{
    if (!model)
        return;
    pthread_mutex_lock(&lock);
    int last = --model->users == 0;
    struct shared **link = &loaded;
    while (last && *link != model)
        link = &(*link)->next;
    if (last)
        *link = model->next;
    pthread_mutex_unlock(&lock);
    if (last) {
        lstm_scorer_close(model->scorer);
        sqlite3_free(model);
    }
}
