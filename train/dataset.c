#include "train/dataset.h"

#include "train/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    POOL_BATCHES = 50
}; /* so many batches' texts are shuffled together, then sorted by length */

/* The probability of positive that a sentiment label says; -1: it says none. */
static double positive_share(const char *label)
{
    static const char *const names[] = { "negative", "positive" };
    for (int i = 0; i < 2; i++)
        if (!strcmp(label, names[i]))
            return i;
    char *end;
    double share = strtod(label, &end);
    return end > label && !*end && share >= 0 && share <= 1 ? share : -1;
}

static int compare_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

static int compare_numbers(const void *a, const void *b)
{
    double x = strtod(a, NULL), y = strtod(b, NULL);
    return x < y ? -1 : x > y ? 1 : strcmp(a, b);
}

static int are_numbers(const struct labels *labels)
{
    for (int32_t i = 0; i < labels->count; i++) {
        char *end;
        if (!isfinite(strtod(labels->names[i], &end)) || *end)
            return 0;
    }
    return 1;
}

static int32_t find_label(const struct labels *labels, const char *label)
{
    if (labels->sentiment) {
        double share = positive_share(label);
        return share < 0 ? -1 : share >= 0.5;
    }
    for (int32_t i = 0; i < labels->count; i++)
        if (!strcmp(labels->names[i], label))
            return i;
    return -1;
}

static enum lstm_status fail_label(const struct labels *labels, int32_t row, const char *label,
                                   struct lstm_error *err)
{
    if (labels->sentiment)
        return lstm_fail(
            err, LSTM_RANGE,
            "row %d: label \"%.*s\" is neither negative nor positive nor a number from "
            "0 to 1, the probability of positive",
            row + 1, LSTM_LABEL_SIZE, label ? label : "");
    return lstm_fail(err, LSTM_RANGE,
                     "row %d: label \"%.*s\" is not one of the %d labels (\"%s\", ...)", row + 1,
                     LSTM_LABEL_SIZE, label ? label : "", labels->count, labels->names[0]);
}

/* Every row is one or the other, and both are there. */
static enum lstm_status check_sentiment(const struct rows *rows, const struct labels *labels,
                                        struct lstm_error *err)
{
    int32_t counts[2] = { 0 };
    for (int32_t i = 0; i < rows->count; i++) {
        const char *label = rows->rows[i].label;
        int32_t class = label ? find_label(labels, label) : -1;
        if (class < 0)
            return fail_label(labels, i, label, err);
        counts[class]++;
    }
    if (!counts[0] || !counts[1])
        return lstm_fail(err, LSTM_RANGE,
                         "%d rows are negative and %d positive, at least 1 of each is needed",
                         counts[0], counts[1]);
    return LSTM_OK;
}

enum lstm_status labels_collect(const struct rows *rows, int sentiment, struct labels *labels,
                                struct lstm_error *err)
{
    memset(labels, 0, sizeof *labels);
    labels->sentiment = sentiment;
    if (sentiment) {
        strcpy(labels->names[labels->count++], "negative");
        strcpy(labels->names[labels->count++], "positive");
        return check_sentiment(rows, labels, err);
    }
    for (int32_t i = 0; i < rows->count; i++) {
        const char *label = rows->rows[i].label;
        if (!label)
            return lstm_fail(err, LSTM_RANGE, "the rows have no label: select text and label");
        if (find_label(labels, label) >= 0)
            continue;
        if (strlen(label) >= LSTM_LABEL_SIZE || !*label)
            return lstm_fail(err, LSTM_RANGE, "row %d: a label has 1 to %d bytes, this one %zu",
                             i + 1, LSTM_LABEL_SIZE - 1, strlen(label));
        if (labels->count == LSTM_CLASSES_MAX)
            return lstm_fail(err, LSTM_RANGE, "more than %d distinct labels", LSTM_CLASSES_MAX);
        memcpy(labels->names[labels->count++], label, strlen(label));
    }
    if (labels->count < 2)
        return lstm_fail(err, LSTM_RANGE, "%d distinct label, at least 2 are needed",
                         labels->count);
    qsort(labels->names, (size_t)labels->count, sizeof *labels->names,
          are_numbers(labels) ? compare_numbers : compare_text);
    return LSTM_OK;
}

enum lstm_status dataset_room(struct dataset *d, int32_t texts, int with_summaries,
                              struct lstm_error *err)
{
    memset(d, 0, sizeof *d);
    d->starts = calloc((size_t)texts + 1, sizeof *d->starts);
    int32_t *marks = calloc((size_t)texts + 1, sizeof *marks);
    *(with_summaries ? &d->middles : &d->classes) = marks;
    d->rows = calloc((size_t)texts + 1, sizeof *d->rows);
    if (!d->starts || !marks || !d->rows)
        return lstm_fail(err, LSTM_NOMEM, "out of memory for %d texts", texts);
    return LSTM_OK;
}

static enum lstm_status shares_room(struct dataset *d, int32_t texts, struct lstm_error *err)
{
    d->shares = calloc((size_t)texts + 1, sizeof *d->shares);
    return d->shares ? LSTM_OK : lstm_fail(err, LSTM_NOMEM, "out of memory for %d texts", texts);
}

enum lstm_status dataset_open(const struct lstm_tokenizer *tokenizer, const struct rows *rows,
                              const struct labels *labels, struct dataset *d,
                              struct lstm_error *err)
{
    int is_soft = 0;
    enum lstm_status rc = dataset_room(d, rows->count, 0, err);
    if (!rc && labels->sentiment)
        rc = shares_room(d, rows->count, err);
    for (int32_t i = 0; i < rows->count && !rc; i++) {
        const struct row *row = &rows->rows[i];
        int32_t class = row->label ? find_label(labels, row->label) : -1;
        if (class < 0) {
            rc = fail_label(labels, i, row->label, err);
            break;
        }
        if ((rc = lstm_tokenize(tokenizer, row->text, row->size, 0, &d->tokens, err)))
            break;
        if (d->tokens.count == d->starts[d->texts]) {
            d->empty++;
            continue;
        }
        d->rows[d->texts] = i;
        if (d->shares) {
            double share = positive_share(row->label);
            d->shares[d->texts] = (float)share;
            is_soft |= share > 0 && share < 1;
        }
        d->classes[d->texts++] = class;
        d->starts[d->texts] = d->tokens.count;
    }
    if (!is_soft)
        free(d->shares), d->shares = NULL;
    if (rc)
        dataset_close(d);
    return rc;
}

void dataset_close(struct dataset *d)
{
    lstm_tokens_free(&d->tokens);
    free(d->starts);
    free(d->classes);
    free(d->shares);
    free(d->middles);
    free(d->rows);
    memset(d, 0, sizeof *d);
}

uint64_t dataset_hash(const struct dataset *d, uint64_t before)
{
    uint64_t hash = before ? before : 0xcbf29ce484222325u;
    for (int32_t i = 0; i < d->tokens.count; i++)
        hash = (hash ^ (uint64_t)d->tokens.ids[i]) * 0x100000001b3u;
    for (int32_t i = 0; i < d->texts; i++)
        hash = (hash ^ (uint64_t)((d->classes ? d->classes : d->middles)[i] + d->starts[i + 1])) *
               0x100000001b3u;
    for (int32_t i = 0; d->shares && i < d->texts; i++) {
        uint32_t bits;
        memcpy(&bits, &d->shares[i], sizeof bits);
        hash = (hash ^ bits) * 0x100000001b3u;
    }
    return hash;
}

/* Appends text i of from; to has room. */
static void take(const struct dataset *from, int32_t i, struct dataset *to)
{
    int32_t count = from->starts[i + 1] - from->starts[i];
    memmove(to->tokens.ids + to->tokens.count, from->tokens.ids + from->starts[i],
            (size_t)count * sizeof *to->tokens.ids);
    if (from->classes)
        to->classes[to->texts] = from->classes[i];
    if (from->shares)
        to->shares[to->texts] = from->shares[i];
    if (from->middles)
        to->middles[to->texts] = from->middles[i] - from->starts[i] + to->tokens.count;
    to->rows[to->texts] = from->rows[i];
    to->tokens.count += count;
    to->texts++;
    to->starts[to->texts] = to->tokens.count;
}

/* Room in an empty dataset for all the texts of another. */
static enum lstm_status room_like(const struct dataset *whole, struct dataset *other,
                                  struct lstm_error *err)
{
    enum lstm_status rc = dataset_room(other, whole->texts, whole->middles != NULL, err);
    if (!rc && whole->shares)
        rc = shares_room(other, whole->texts, err);
    other->tokens.ids =
        rc ? NULL : malloc(((size_t)whole->tokens.count + 1) * sizeof *other->tokens.ids);
    other->tokens.capacity = whole->tokens.count;
    if (!rc && !other->tokens.ids)
        rc = lstm_fail(err, LSTM_NOMEM, "out of memory for %d tokens", whole->tokens.count);
    if (rc)
        dataset_close(other);
    return rc;
}

enum lstm_status dataset_sample(const struct dataset *d, double share, uint64_t seed,
                                struct dataset *sample, struct lstm_error *err)
{
    enum lstm_status rc = room_like(d, sample, err);
    uint64_t random = random_stream(seed, 0x5a3b1e);
    for (int32_t i = 0; i < d->texts && !rc; i++)
        if (random_float(&random) < (float)share)
            take(d, i, sample);
    return rc;
}

enum lstm_status dataset_split(struct dataset *d, double share, uint64_t seed,
                               struct dataset *other, struct lstm_error *err)
{
    struct dataset whole = *d;
    enum lstm_status rc = room_like(&whole, other, err);
    if (rc)
        return rc;
    d->texts = 0; /* what stays moves down in place: a text is read before its place is written */
    d->tokens.count = 0;
    uint64_t random = random_stream(seed, 0x5eed);
    int32_t start = 0;
    for (int32_t i = 0; i < whole.texts; i++) {
        int32_t end = whole.starts[i + 1], bounds[2] = { start, end };
        struct dataset one = { .texts = 1,
                               .tokens = whole.tokens,
                               .starts = bounds,
                               .classes = whole.classes ? &(int32_t){ whole.classes[i] } : NULL,
                               .shares = whole.shares ? &(float){ whole.shares[i] } : NULL,
                               .middles = whole.middles ? &(int32_t){ whole.middles[i] } : NULL,
                               .rows = &(int32_t){ whole.rows[i] } };
        take(&one, 0, random_float(&random) < (float)share ? other : d);
        start = end;
    }
    return LSTM_OK;
}

struct sorted {
    int32_t length, text;
};

static int compare_sorted(const void *a, const void *b)
{
    const struct sorted *x = a, *y = b;
    if (x->length != y->length)
        return x->length > y->length ? -1 : 1;
    return (x->text > y->text) - (x->text < y->text);
}

static void shuffle(int32_t *items, int32_t count, uint64_t *random)
{
    for (int32_t i = count - 1; i > 0; i--) {
        int32_t j = (int32_t)random_below(random, (uint32_t)i + 1), item = items[i];
        items[i] = items[j];
        items[j] = item;
    }
}

/* Sorts the texts order[first] .. order[end - 1] by length and cuts them into batches. */
static void cut_pool(const struct dataset *d, int32_t batch_tokens, struct epoch_plan *plan,
                     int32_t first, int32_t end, struct sorted *sorted)
{
    for (int32_t i = first; i < end; i++) {
        int32_t text = plan->order[i];
        sorted[i - first] = (struct sorted){ d->starts[text + 1] - d->starts[text], text };
    }
    qsort(sorted, (size_t)(end - first), sizeof *sorted, compare_sorted);
    int64_t tokens = 0;
    for (int32_t i = first; i < end; i++) {
        plan->order[i] = sorted[i - first].text;
        tokens += sorted[i - first].length;
        if (tokens >= batch_tokens || i == end - 1) {
            plan->batches[++plan->count] = i + 1;
            tokens = 0;
        }
    }
}

/* Puts the batches in random order: batches[] becomes the bounds of a reordered order[]. */
static void shuffle_batches(struct epoch_plan *plan, int32_t texts, uint64_t *random,
                            int32_t *which, int32_t *copy)
{
    int32_t *bounds = which + plan->count, at = 0;
    for (int32_t b = 0; b < plan->count; b++)
        which[b] = b;
    shuffle(which, plan->count, random);
    memcpy(copy, plan->order, (size_t)texts * sizeof *copy);
    memcpy(bounds, plan->batches, ((size_t)plan->count + 1) * sizeof *bounds);
    for (int32_t b = 0; b < plan->count; b++) {
        int32_t from = bounds[which[b]], size = bounds[which[b] + 1] - from;
        memcpy(plan->order + at, copy + from, (size_t)size * sizeof *copy);
        plan->batches[b] = at;
        at += size;
    }
    plan->batches[plan->count] = at;
}

enum lstm_status epoch_plan_open(const struct dataset *d, int32_t batch_tokens, uint64_t seed,
                                 int32_t epoch, struct epoch_plan *plan, struct lstm_error *err)
{
    size_t n = (size_t)d->texts;
    *plan = (struct epoch_plan){ 0 };
    plan->order = malloc((n + 1) * sizeof *plan->order);
    plan->batches = calloc(n + 1, sizeof *plan->batches);
    struct sorted *sorted = malloc((n + 1) * sizeof *sorted);
    int32_t *scratch = malloc((3 * n + 2) * sizeof *scratch);
    enum lstm_status rc = LSTM_OK;
    if (!plan->order || !plan->batches || !sorted || !scratch) {
        rc = lstm_fail(err, LSTM_NOMEM, "out of memory for an epoch of %d texts", d->texts);
        epoch_plan_close(plan);
        goto done;
    }
    uint64_t random = random_stream(random_stream(seed, 0xba7c4), (uint64_t)epoch);
    for (int32_t i = 0; i < d->texts; i++)
        plan->order[i] = i;
    shuffle(plan->order, d->texts, &random);
    int64_t tokens = 0;
    for (int32_t i = 0, first = 0; i < d->texts; i++) {
        tokens += d->starts[plan->order[i] + 1] - d->starts[plan->order[i]];
        if (tokens >= (int64_t)POOL_BATCHES * batch_tokens || i == d->texts - 1) {
            cut_pool(d, batch_tokens, plan, first, i + 1, sorted);
            first = i + 1;
            tokens = 0;
        }
    }
    shuffle_batches(plan, d->texts, &random, scratch, scratch + 2 * n + 2);
done:
    free(sorted);
    free(scratch);
    return rc;
}

void epoch_plan_close(struct epoch_plan *plan)
{
    free(plan->order);
    free(plan->batches);
    *plan = (struct epoch_plan){ 0 };
}
