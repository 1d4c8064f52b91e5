#include "train/heldout.h"

#include "model/parallel.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK_TEXTS = 32 }; /* that a worker summarises in one call */

/* ---- the rows ---- */

static const struct row *row_of(const struct rows *rows, const struct dataset *d, int32_t i,
                                int32_t count)
{
    return &rows->rows[d->rows[(int64_t)i * d->texts / count]];
}

enum lstm_status heldout_open(const struct rows *rows, const struct dataset *d,
                              struct heldout *heldout, struct lstm_error *err)
{
    const int32_t count = d->classes || d->texts < HELDOUT_MAX ? d->texts : HELDOUT_MAX;
    const size_t room = (size_t)count + 1;
    size_t size = 0;
    for (int32_t i = 0; i < count; i++) {
        const struct row *row = row_of(rows, d, i, count);
        size += row->size + strlen(row->label);
        size += rows->keys ? strlen(rows->keys[row - rows->rows]) + 1 : 0;
    }
    *heldout =
        (struct heldout){ .count = count,
                          .texts = malloc(room * sizeof *heldout->texts),
                          .references = malloc(room * sizeof *heldout->references),
                          .classes = d->classes ? malloc(room * sizeof *heldout->classes) : NULL,
                          .keys = rows->keys ? malloc(room * sizeof *heldout->keys) : NULL,
                          .bytes = malloc(size + 1) };
    if (!heldout->texts || !heldout->references || !heldout->bytes ||
        (rows->keys && !heldout->keys) || (d->classes && !heldout->classes)) {
        heldout_close(heldout);
        return lstm_fail(err, LSTM_NOMEM, "out of memory for %d held-out rows of %zu bytes", count,
                         size);
    }
    char *at = heldout->bytes;
    for (int32_t i = 0; i < count; i++) {
        const struct row *row = row_of(rows, d, i, count);
        const size_t reference = strlen(row->label);
        heldout->texts[i] = (struct lstm_text){ memcpy(at, row->text, row->size), row->size };
        at += row->size;
        heldout->references[i] =
            (struct rouge_text){ memcpy(at, row->label, reference), reference };
        at += reference;
        if (!rows->keys)
            continue;
        const char *key = rows->keys[row - rows->rows];
        heldout->keys[i] = memcpy(at, key, strlen(key) + 1);
        at += strlen(key) + 1;
    }
    if (d->classes)
        memcpy(heldout->classes, d->classes, (size_t)count * sizeof *heldout->classes);
    return LSTM_OK;
}

void heldout_close(struct heldout *heldout)
{
    free(heldout->texts);
    free(heldout->references);
    free(heldout->classes);
    free(heldout->keys);
    free(heldout->bytes);
    *heldout = (struct heldout){ 0 };
}

/* ---- the measure ---- */

/* A thread's share: every parts-th block of texts. */
struct part {
    struct lstm_worker *worker;
    enum lstm_status rc;
    struct lstm_error err;
};

struct measure {
    const struct heldout *heldout;
    struct lstm_scorer *scorer;
    /* Scores texts first .. first + count - 1. */
    enum lstm_status (*run)(const struct measure *m, struct part *part, int32_t first,
                            int32_t count);
    int32_t count; /* parts */
    struct part *parts;
    struct rouge *scores; /* of each text; of a class that is right one is 1 */
};

static enum lstm_status summarise(const struct measure *m, struct part *part, int32_t first,
                                  int32_t count)
{
    const struct heldout *h = m->heldout;
    struct lstm_summary_settings greedy = lstm_summary_defaults;
    struct lstm_summary summaries[BLOCK_TEXTS];
    greedy.beam = 1;
    greedy.contrast = greedy.tone = 0; /* what was learned, by itself */
    enum lstm_status rc = lstm_worker_summarize(part->worker, h->texts + first, count, &greedy,
                                                NULL, NULL, summaries, &part->err);
    if (rc)
        return rc;
    for (int32_t i = 0; i < count; i++) {
        const char *text = summaries[i].text ? summaries[i].text : "";
        const struct rouge_text output = { text, strlen(text) };
        if (!rc)
            rc = rouge_score(&h->references[first + i], &output, NULL, &m->scores[first + i],
                             &part->err);
        lstm_summary_free(&summaries[i]);
    }
    return rc;
}

static enum lstm_status classify(const struct measure *m, struct part *part, int32_t first,
                                 int32_t count)
{
    float probabilities[BLOCK_TEXTS * LSTM_CLASSES_MAX];
    int32_t tokens[BLOCK_TEXTS];
    const int32_t classes = lstm_scorer_model(m->scorer)->sizes.classes;
    enum lstm_status rc = lstm_worker_classify(part->worker, m->heldout->texts + first, count, NULL,
                                               NULL, probabilities, tokens, &part->err);
    for (int32_t i = 0; i < count && !rc; i++) {
        const float *row = probabilities + (size_t)i * (size_t)classes;
        int32_t likeliest = 0;
        for (int32_t k = 1; k < classes; k++)
            likeliest = row[k] > row[likeliest] ? k : likeliest;
        m->scores[first + i] = (struct rouge){ .one = likeliest == m->heldout->classes[first + i] };
    }
    return rc;
}

static void run_part(void *arg, int32_t index, int32_t worker)
{
    (void)worker; /* a part has its own */
    const struct measure *m = arg;
    struct part *part = &m->parts[index];
    for (int32_t first = index * BLOCK_TEXTS; first < m->heldout->count && !part->rc;
         first += m->count * BLOCK_TEXTS) {
        const int32_t left = m->heldout->count - first;
        part->rc = m->run(m, part, first, left < BLOCK_TEXTS ? left : BLOCK_TEXTS);
    }
}

static enum lstm_status run_parts(struct measure *m, int threads, struct lstm_error *err)
{
    enum lstm_status rc = LSTM_OK;
    for (int32_t i = 0; i < m->count && !rc; i++)
        rc = lstm_worker_open(m->scorer, &m->parts[i].worker, err);
    if (rc)
        return rc;
    lstm_parallel(threads, m->count, run_part, m);
    for (int32_t i = 0; i < m->count; i++)
        if (m->parts[i].rc)
            return *err = m->parts[i].err, m->parts[i].rc;
    return LSTM_OK;
}

/* In the order of the rows, so that the threads leave no trace in the sum. */
static struct rouge mean_of(const struct rouge *scores, int32_t count)
{
    struct rouge sum = { 0 };
    for (int32_t i = 0; i < count; i++) {
        sum.one += scores[i].one;
        sum.two += scores[i].two;
        sum.l += scores[i].l;
    }
    return (struct rouge){ .one = sum.one / count, .two = sum.two / count, .l = sum.l / count };
}

static enum lstm_status measure(struct measure *m, const void *blob, size_t size, int threads,
                                struct rouge *mean, struct lstm_error *err)
{
    enum lstm_status rc = lstm_scorer_open(blob, size, "cpu", &m->scorer, err);
    *mean = (struct rouge){ 0 };
    if (rc)
        return rc;
    m->count = threads;
    m->parts = calloc((size_t)threads, sizeof *m->parts);
    m->scores = malloc(((size_t)m->heldout->count + 1) * sizeof *m->scores);
    if (!m->parts || !m->scores)
        rc = lstm_fail(err, LSTM_NOMEM, "out of memory for the scores of %d held-out rows",
                       m->heldout->count);
    if (!rc && !(rc = run_parts(m, threads, err)))
        *mean = mean_of(m->scores, m->heldout->count);
    for (int32_t i = 0; m->parts && i < threads; i++)
        lstm_worker_close(m->parts[i].worker);
    free(m->parts);
    free(m->scores);
    lstm_scorer_close(m->scorer);
    return rc;
}

enum lstm_status heldout_measure(const struct heldout *heldout, const void *blob, size_t size,
                                 int threads, struct rouge *mean, struct lstm_error *err)
{
    return measure(&(struct measure){ .heldout = heldout, .run = summarise }, blob, size, threads,
                   mean, err);
}

enum lstm_status heldout_accuracy(const struct heldout *heldout, const void *blob, size_t size,
                                  int threads, double *accuracy, struct lstm_error *err)
{
    struct rouge mean;
    enum lstm_status rc = measure(&(struct measure){ .heldout = heldout, .run = classify }, blob,
                                  size, threads, &mean, err);
    *accuracy = mean.one;
    return rc;
}
