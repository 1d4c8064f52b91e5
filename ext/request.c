#include "request.h"

#include <string.h>

static struct siphash prefix_of(const struct request *request)
{
    const struct shared *model = request->bound->shared;
    const char *device = lstm_scorer_device(model->scorer);
    const struct lstm_summary_settings *summary = &request->summary;
    struct siphash prefix = siphash_begin(result_cache_key());
    siphash_add(&prefix, request->kind->name, strlen(request->kind->name) + 1);
    siphash_add(&prefix, device, strlen(device) + 1);
    siphash_add(&prefix, model->sha256, sizeof model->sha256);
    siphash_add(&prefix, &summary->max_tokens, sizeof summary->max_tokens);
    siphash_add(&prefix, &summary->min_tokens, sizeof summary->min_tokens);
    siphash_add(&prefix, &summary->beam, sizeof summary->beam);
    siphash_add(&prefix, &summary->length_penalty, sizeof summary->length_penalty);
    siphash_add(&prefix, &summary->contrast, sizeof summary->contrast);
    siphash_add(&prefix, &summary->tone, sizeof summary->tone);
    siphash_add(&prefix, "\0\0\0\0\0\0\0", (8 - prefix.size % 8) % 8); /* whole words are faster */
    return prefix;
}

static int positive_class(const struct lstm_model *model)
{
    for (int i = 0; i < model->sizes.classes; i++)
        if (!strcmp(model->labels[i], "positive"))
            return i;
    return -1;
}

int request_bind(struct registry *registry, const struct kind *kind, const struct options *options,
                 struct request **request, struct failure *failure)
{
    struct bound *bound = NULL;
    *request = NULL;
    int rc = registry_bind(registry, options, &bound, failure);
    if (rc)
        return rc;
    struct request *r = *request = sqlite3_malloc64(sizeof *r);
    if (!r) {
        bound_release(bound);
        return failure_set(failure, FAILURE_NOMEM, "a request");
    }
    *r = (struct request){ .kind = kind, .bound = bound, .summary = options->summary, .users = 1 };
    r->positive = positive_class(lstm_scorer_model(bound->shared->scorer));
    r->prefix = prefix_of(r);
    return SQLITE_OK;
}

int request_take(struct registry *registry, sqlite3_context *context, const struct kind *kind,
                 sqlite3_value *options, struct request **request, struct failure *failure)
{
    struct options read;
    int slot = options ? 1 : kind->slot;
    *request = sqlite3_get_auxdata(context, slot);
    if (*request) {
        request_hold(*request);
        return SQLITE_OK;
    }
    int rc = options_read(options, kind->options, &read, failure);
    if (!rc)
        rc = request_bind(registry, kind, &read, request, failure);
    if (!rc) {
        request_hold(*request); /* SQLite's, which it may let go of at once */
        sqlite3_set_auxdata(context, slot, *request, request_release);
    }
    return rc;
}

void request_hold(struct request *request)
{
    request->users++;
}

void request_release(void *held)
{
    struct request *request = held;
    if (!request || --request->users > 0)
        return;
    bound_release(request->bound);
    sqlite3_free(request);
}

struct fingerprint request_fingerprint(const struct request *request, const struct lstm_text *text)
{
    struct siphash hash = request->prefix;
    siphash_add(&hash, text->bytes, text->size);
    return siphash_end(hash);
}

int request_is_same(const struct request *a, const struct request *b)
{
    return a == b || (a->kind == b->kind && a->bound->shared == b->bound->shared &&
                      memcmp(&a->prefix, &b->prefix, sizeof a->prefix) == 0);
}
