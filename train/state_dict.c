/* Puts the metadata of a model file in front of the tensors; the model's own reader does the rest.
 */
#include "train/state_dict.h"

#include "model/safetensors.h"

#include <stdlib.h>
#include <string.h>

enum { ENTRIES_MAX = 10 };

struct sources {
    struct safetensors *state; /* the state dict */
    struct safetensors *like;  /* NULL: none */
};

/* What a file says of itself; PyTorch's own "format" is "pt", and nothing else it says is for us.
 */
static const struct safetensors_entry *said(const struct safetensors *file, const char *key)
{
    const struct safetensors_entry *format = file ? safetensors_metadata(file, "format") : NULL;
    return format && !strcmp(format->value, "lstm-model") ? safetensors_metadata(file, key) : NULL;
}

/* Fills entries; *count is how many. */
static enum lstm_status settle(const struct sources *from, const struct state_dict_about *about,
                               struct safetensors_entry entries[ENTRIES_MAX], int *count,
                               struct lstm_error *err)
{
    const struct {
        const char *key, *told, *otherwise, *option;
        int of_classifiers;
    } members[] = {
        { "format", "lstm-model", NULL, NULL, 0 },
        { "version", "1", NULL, NULL, 0 },
        { "tokenizer", "bpe", NULL, NULL, 0 },
        { "task", about->task, NULL, "--task TASK", 0 },
        { "vocabulary", about->vocabulary, NULL, "--vocabulary FILE", 0 },
        { "window", about->window, "256", NULL, 0 },
        { "overlap", about->overlap, "32", NULL, 0 },
        { "card", about->card, "{}", NULL, 0 },
        { "labels", about->labels, NULL, "--labels '[\"a\", \"b\"]'", 1 },
        { "temperature", about->temperature, "1", NULL, 1 },
    };
    const char *task = "";
    *count = 0;
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        const char *key = members[i].key, *value = members[i].told;
        const struct safetensors_entry *entry = value ? NULL : said(from->state, key);
        if (members[i].of_classifiers && !strcmp(task, "summarize"))
            continue;
        if (!value && !entry && strcmp(key, "card") != 0)
            entry = said(from->like, key);
        if (!value && !entry)
            value = members[i].otherwise;
        if (!value && !entry && !strcmp(key, "labels") && !strcmp(task, "sentiment"))
            value = "[\"negative\",\"positive\"]";
        if (!value && !entry)
            return lstm_fail(err, LSTM_RANGE,
                             "nothing says the model's %s: give %s, or --like MODEL", key,
                             members[i].option);
        entries[*count] = entry ? *entry : (struct safetensors_entry){ key, value, strlen(value) };
        task = strcmp(key, "task") ? task : entries[*count].value;
        ++*count;
    }
    return LSTM_OK;
}

/* A model file of the tensors and the entries. */
static enum lstm_status join(const struct safetensors *state, const unsigned char *bytes,
                             const struct safetensors_entry *entries, int count,
                             unsigned char **blob, size_t *size, struct lstm_error *err)
{
    const size_t room = (size_t)state->tensors_count + 1;
    struct safetensors_tensor *tensors = malloc(room * sizeof *tensors);
    *blob = NULL;
    if (!tensors)
        return lstm_fail(err, LSTM_NOMEM, "out of memory for %d tensors", state->tensors_count);
    memcpy(tensors, state->tensors, (size_t)state->tensors_count * sizeof *tensors);
    enum lstm_status rc =
        safetensors_layout(entries, count, tensors, state->tensors_count, blob, size, err);
    for (int i = 0; i < state->tensors_count && !rc; i++)
        if (tensors[i].size) /* the layout is the same, so is every size */
            memcpy(*blob + tensors[i].at, bytes + state->tensors[i].at, tensors[i].size);
    free(tensors);
    return rc;
}

enum lstm_status state_dict_read(const void *bytes, size_t size,
                                 const struct state_dict_about *about, const void *like,
                                 size_t like_size, struct lstm_model **model,
                                 struct lstm_error *err)
{
    struct sources from = { NULL, NULL };
    struct safetensors_entry entries[ENTRIES_MAX];
    unsigned char *blob = NULL;
    size_t blob_size;
    int count;
    *model = NULL;
    enum lstm_status rc = safetensors_read(bytes, size, &from.state, err);
    if (rc || (like && (rc = safetensors_read(like, like_size, &from.like, err))) ||
        (rc = settle(&from, about, entries, &count, err)) ||
        (rc = join(from.state, bytes, entries, count, &blob, &blob_size, err)))
        goto done;
    if (!(rc = lstm_model_read(blob, blob_size, model, err)))
        lstm_model_dequantise(*model);
done:
    free(blob);
    safetensors_free(from.state);
    safetensors_free(from.like);
    return rc;
}
