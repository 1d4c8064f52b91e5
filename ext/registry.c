#include "registry.h"

#include <stdlib.h>
#include <string.h>

struct registry *registry_open(sqlite3 *db)
{
    struct registry *registry = sqlite3_malloc64(sizeof *registry);
    if (registry)
        *registry = (struct registry){ .db = db, .functions = 1, .settings = settings_default };
    return registry;
}

void registry_hold(struct registry *registry)
{
    registry->functions++;
}

void registry_release(void *held)
{
    struct registry *registry = held;
    if (--registry->functions > 0)
        return;
    registry_forget(registry);
    free(registry->result.bytes);
    sqlite3_free(registry);
}

void registry_forget(struct registry *registry)
{
    while (registry->models) {
        struct bound *model = registry->models;
        registry->models = model->next;
        bound_release(model);
    }
}

void bound_release(void *held)
{
    struct bound *model = held;
    if (!model || --model->users > 0)
        return;
    lstm_worker_close(model->worker);
    shared_release(model->shared);
    sqlite3_free(model);
}

int bound_worker(struct bound *model, struct lstm_worker **worker, struct failure *failure)
{
    struct lstm_error err;
    if (!model->worker && lstm_worker_open(model->shared->scorer, &model->worker, &err))
        return failure_of_model(failure, &err, "working memory");
    *worker = model->worker;
    return SQLITE_OK;
}

int registry_find(struct registry *registry, const struct options *options, struct found *found,
                  struct failure *failure)
{
    if (registry->looking) {
        *found = (struct found){ .row = NULL };
        return failure_set(failure, FAILURE_MODEL,
                           "lstm_models of some database uses the functions that read it");
    }
    registry->looking = 1;
    int rc = lookup_open(registry->db, options->model, found, failure);
    registry->looking = 0;
    return rc;
}

int registry_found(struct registry *registry, struct found *found, int rc, struct failure *failure)
{
    return lookup_close(registry->db, found, rc, failure);
}

/* Puts it in front of the others, and drops the last when there are too many. */
static void remember(struct registry *registry, struct bound *model)
{
    model->next = registry->models;
    registry->models = model;
    struct bound **link = &registry->models;
    for (int i = 0; i < REGISTRY_MODELS_MAX && *link; i++)
        link = &(*link)->next;
    struct bound *last = *link;
    *link = NULL;
    bound_release(last);
}

/* Takes the model out of the connection's list, if it is there. */
static struct bound *recall(struct registry *registry, const char *sha256)
{
    struct bound **link = &registry->models;
    while (*link && strcmp((*link)->shared->sha256, sha256))
        link = &(*link)->next;
    struct bound *model = *link;
    if (model)
        *link = model->next;
    return model;
}

static int bind_new(const struct found *found, const char *device, struct bound **model,
                    struct failure *failure)
{
    const void *blob = NULL;
    size_t size = 0;
    int rc = SQLITE_OK;
    struct bound *m = *model = sqlite3_malloc64(sizeof *m);
    if (!m)
        return failure_set(failure, FAILURE_NOMEM, "%s", found->what);
    *m = (struct bound){ .users = 1, .shared = shared_take(found->sha256, device) };
    if (!m->shared)
        rc = lookup_blob(found, &blob, &size, failure);
    if (!m->shared && !rc && !found->embedded) /* what is inside was hashed to be found */
        rc = shared_check(found->sha256, blob, size, found->what, failure);
    if (!m->shared && !rc)
        rc = shared_load(found->sha256, device, blob, size, found->what, &m->shared, failure);
    if (rc) {
        bound_release(m);
        *model = NULL;
    }
    return rc;
}

int registry_bind(struct registry *registry, const struct options *options, struct bound **model,
                  struct failure *failure)
{
    struct found found;
    *model = NULL;
    int rc = registry_find(registry, options, &found, failure);
    if (!rc && !(*model = recall(registry, found.sha256)))
        rc = bind_new(&found, registry->settings.device, model, failure);
    if (*model) {
        memcpy((*model)->name, found.name, sizeof found.name);
        remember(registry, *model);
        (*model)->users++;
    }
    rc = registry_found(registry, &found, rc, failure);
    if (rc) {
        bound_release(*model);
        *model = NULL;
    }
    return rc;
}
