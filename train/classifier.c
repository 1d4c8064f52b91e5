#include "train/classifier.h"

#include "train/base.h"
#include "train/calibrate.h"
#include "train/card.h"
#include "train/eval.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CALIBRATION_BINS = 15,
    BATCHES_MIN = 100, /* an epoch */
    BATCH_TOKENS_MIN = 256,
    BATCH_TOKENS_MAX = 10000,
    WARMUP_MAX = 100,
    WINDOW = 256,
    OVERLAP = 32
};

static const double rate_from_a_model = 5e-4; /* what is known already is not to be forgotten */

const struct settings classifier_defaults = {
    .valid_share = 0.05,
    .examples = 5,
    .about = { .data = "not said", .terms = "not said", .use = "not said", .limits = "not said" },
    .sizes = { .hidden = 128, .layers = 1, .window = 0, .overlap = -1 },
    .trainer = { .batch_tokens = 0,
                 .rate = 2e-3,
                 .warmup = -1,
                 .clip = 1,
                 .drop_word = 0.1,
                 .drop_embedding = 0.3,
                 .drop_features = 0.5,
                 .precision = "fp32",
                 .shards = 2,
                 .seed = 1 },
    .run = { .epochs = 5, .patience = 2, .checkpoint_every = 60 },
    .store = { .storage = "int8" },
};

size_t classifier_options(struct settings *s, struct option_spec *specs)
{
    const struct option_spec own[] = {
        { "--label", OPTION_TEXT, &s->train.label_column, 0, 0,
          "the column of the label in CSV files" },
        { "--from", OPTION_TEXT, &s->base, 0, 0,
          "go on from a model, with its vocabulary and sizes: default (unless --vectors), a file, "
          "or a name in --db; --rate is then 0.0005 unless told; scratch: from none" },
        { "--keep", OPTION_REAL, &s->keep, 0, 1,
          "the base's share of the result, a mean of it and of what was learned" },
        { "--drop-word", OPTION_REAL, &s->trainer.drop_word, 0, 0.95,
          "share of the tokens hidden from a step" },
        { "--drop-features", OPTION_REAL, &s->trainer.drop_features, 0, 0.95,
          "dropout of the pooled features" },
        { "--examples", OPTION_INT, &s->examples, 0, 1000,
          "show so many of the most confident wrong answers" },
    };
    assert(sizeof own / sizeof *own <= CLASSIFIER_OPTIONS);
    memcpy(specs, own, sizeof own);
    return sizeof own / sizeof *own;
}

enum lstm_status classifier_begin_from(struct settings *s, int argc, char **argv,
                                       struct lstm_error *err)
{
    static const char *const own[] = { "--vocab", "--dimension", "--vector-epochs", "--hidden",
                                       "--layers" };
    if (s->base ? !strcmp(s->base, "scratch") : s->vectors_path != NULL) {
        s->base = NULL;
        return LSTM_OK;
    }
    if (!s->base)
        s->base = "default";
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (options_given(argc, argv, own[i]))
            return lstm_fail(err, LSTM_RANGE,
                             "%s is settled by the model that training starts from (--from %s): "
                             "leave it out, or give --from scratch",
                             own[i], s->base);
    if (!options_given(argc, argv, "--rate"))
        s->trainer.rate = rate_from_a_model;
    return LSTM_OK;
}

enum lstm_status classifier_open(struct job *job, struct lstm_error *err)
{
    const struct settings *s = job->settings;
    struct rows train, valid = { 0 };
    enum lstm_status rc = rows_read(&s->train, &train, err);
    if (rc)
        return rc;
    if ((rc = labels_collect(&train, s->sentiment, &job->labels, err)) ||
        (rc = job_vocabulary(job, s->base, &train, 1, err)) ||
        (rc = dataset_open(job->tokenizer, &train, &job->labels, &job->train, err)))
        goto done;
    if (s->valid.query || s->valid.csv) {
        if ((rc = rows_read(&s->valid, &valid, err)) ||
            (rc = dataset_open(job->tokenizer, &valid, &job->labels, &job->valid, err)))
            goto done;
    } else if ((rc = dataset_split(&job->train, s->valid_share, s->trainer.seed, &job->valid, err)))
        goto done;
    fprintf(stderr,
            "texts: %d to learn from (%d tokens), %d held out (%d tokens); left out: %d without "
            "text or label, "
            "%d without a token\n",
            job->train.texts, job->train.tokens.count, job->valid.texts, job->valid.tokens.count,
            train.skipped + valid.skipped, job->train.empty + job->valid.empty);
    if (job->train.texts == 0 || job->valid.texts == 0)
        rc = lstm_fail(
            err, LSTM_RANGE,
            "%d texts to learn from and %d to validate on, both need at least 1: give more "
            "rows, another --valid-share, or --valid-sql",
            job->train.texts, job->valid.texts);
    else
        rc = heldout_open(valid.rows ? &valid : &train, &job->valid, &job->heldout, err);
done:
    rows_free(&train);
    rows_free(&valid);
    return rc;
}

static void make_fingerprint(struct job *job)
{
    const struct trainer_options *o = &job->trainer.options;
    const struct lstm_sizes *z = &job->trainer.sizes;
    uint64_t data = dataset_hash(&job->valid, dataset_hash(&job->train, 0));
    snprintf(
        job->fingerprint, sizeof job->fingerprint,
        "vocab %d, embedding %d, hidden %d, layers %d, classes %d, window %d, overlap %d, epochs "
        "%d, batch %d, "
        "rate %g, warmup %d, clip %g, decay %g, drop %g %g %g, precision %s, shards %d, "
        "seed %llu, data %016llx",
        z->vocab, z->embedding, z->hidden, z->layers, z->classes, z->window, z->overlap, o->epochs,
        o->batch_tokens, o->rate, o->warmup, o->clip, o->decay, o->drop_word, o->drop_embedding,
        o->drop_features, o->precision, o->shards, (unsigned long long)o->seed,
        (unsigned long long)data);
    if (job->base) {
        size_t size = strlen(job->fingerprint);
        int written = snprintf(job->fingerprint + size, sizeof job->fingerprint - size,
                               ", from a %s model", job->base->task);
        size += (size_t)written;
        if (job->settings->keep > 0 && size < sizeof job->fingerprint)
            snprintf(job->fingerprint + size, sizeof job->fingerprint - size, ", kept to %g",
                     job->settings->keep);
    }
}

/* Few rows in large batches would be few steps, in which next to nothing is learned. */
static void fit_steps(const struct job *job, double share, struct trainer_options *o)
{
    const double tokens = share * job->train.tokens.count;
    if (o->batch_tokens < 1)
        o->batch_tokens =
            (int32_t)fmin(fmax(tokens / BATCHES_MIN, BATCH_TOKENS_MIN), BATCH_TOKENS_MAX);
    if (o->warmup < 0)
        o->warmup = (int32_t)fmin(WARMUP_MAX, o->epochs * tokens / o->batch_tokens / 10);
}

/* Starts from the model of --from, if there is one. */
static enum lstm_status share_base(struct job *job, struct lstm_error *err)
{
    const double keep = job->settings->keep;
    if (job->base) {
        base_share_encoder(job->base, &job->trainer);
        if (base_share_classifier(job->base, &job->labels, &job->trainer))
            return LSTM_OK;
    }
    return keep > 0 ? lstm_fail(err, LSTM_RANGE,
                                "--keep is %g, but there is nothing to keep: it needs --from with "
                                "a model of the same labels",
                                keep)
                    : LSTM_OK;
}

/* What was not told is the base's, or the usual one, as far as it fits. */
static void fit_windows(const struct lstm_model *base, struct lstm_sizes *sizes)
{
    if (sizes->window < 1)
        sizes->window = base ? base->sizes.window : WINDOW;
    if (sizes->overlap < 0) {
        const int32_t overlap = base ? base->sizes.overlap : OVERLAP, most = sizes->window / 2;
        sizes->overlap = overlap < most ? overlap : most;
    }
}

enum lstm_status classifier_start(struct job *job, const struct trainer_options *given,
                                  int32_t hidden, double share, struct lstm_error *err)
{
    struct trainer_options options = *given;
    struct lstm_sizes sizes = job->settings->sizes;
    sizes.hidden = job->base ? job->base->sizes.hidden : hidden;
    sizes.layers = job->base ? job->base->sizes.layers : sizes.layers;
    sizes.embedding = job->dimension;
    sizes.vocab = lstm_tokenizer_vocab(job->tokenizer);
    sizes.classes = job->labels.count;
    fit_windows(job->base, &sizes);
    fit_steps(job, share, &options);
    trainer_close(&job->trainer);
    enum lstm_status rc = trainer_open(&sizes, &options, &job->trainer, err);
    if (rc)
        return rc;
    trainer_start(&job->trainer, job->vectors);
    if ((rc = share_base(job, err)))
        return rc;
    make_fingerprint(job);
    return LSTM_OK;
}

void classifier_model(const struct job *job, struct lstm_model *model)
{
    *model = (struct lstm_model){ .sizes = job->trainer.sizes,
                                  .params = job->trainer.params,
                                  .tokenizer = job->tokenizer,
                                  .temperature = 1 };
    strcpy(model->task, job->settings->sentiment ? "sentiment" : "classify");
    memcpy(model->labels, job->labels.names, sizeof model->labels);
}

/* What was measured on the held-out rows, for the row in lstm_models and for the card. */
static void put_metrics(struct json_text *out, const struct job *job,
                        const struct run_result *result, const struct trainer_loss *loss,
                        const float *logits, double temperature)
{
    const struct dataset *v = &job->valid;
    const struct calibration_truth truth = { v->classes, v->shares };
    int32_t classes = job->labels.count;
    card_number(out, "{\"valid_accuracy\":", (double)loss->right / loss->texts);
    card_number(
        out, ",\"valid_loss\":", calibration_loss(logits, &truth, v->texts, classes, temperature));
    card_number(
        out, ",\"valid_calibration_error\":",
        calibration_error(logits, &truth, v->texts, classes, temperature, CALIBRATION_BINS));
    card_integer(out, ",\"valid_texts\":", v->texts);
    card_integer(out, ",\"best_epoch\":", result->state.best_epoch + 1);
    json_put(out, "}");
}

/* The held-out rows, as eval_stored reads them. */
static enum lstm_status report(const struct job *job, const struct lstm_model *model,
                               struct lstm_error *err)
{
    const struct heldout *h = &job->heldout;
    const struct store_options *store = &job->settings->store;
    struct rows rows = { .count = h->count,
                         .rows = malloc((size_t)h->count * sizeof *rows.rows),
                         .keys = h->keys };
    const struct eval eval = { .model = store->name ? store->name : "trained",
                               .examples = job->settings->examples };
    void *blob = NULL;
    size_t size;
    enum lstm_status rc =
        rows.rows ? LSTM_OK : lstm_fail(err, LSTM_NOMEM, "out of memory for %d rows", h->count);
    for (int32_t i = 0; i < h->count && !rc; i++)
        rows.rows[i] = (struct row){ .text = h->texts[i].bytes,
                                     .size = h->texts[i].size,
                                     .label = job->labels.names[h->classes[i]] };
    if (!rc && !(rc = store_write(store, model, &blob, &size, err))) {
        printf("\nThe %d rows held out:\n\n", h->count);
        rc = eval_stored(&eval, blob, size, &rows, err);
    }
    free(blob);
    free(rows.rows);
    return rc;
}

enum lstm_status classifier_finish(struct job *job, const struct run_result *result,
                                   struct lstm_error *err)
{
    const int32_t classes = job->labels.count;
    struct trainer_loss loss;
    struct lstm_model model;
    const struct calibration_truth truth = { job->valid.classes, job->valid.shares };
    struct json_text metrics = { 0 };
    if (job->settings->keep > 0)
        base_keep(job->base, job->settings->keep, &job->trainer);
    classifier_model(job, &model);
    float *logits = malloc(((size_t)job->valid.texts + 1) * (size_t)classes * sizeof *logits);
    enum lstm_status rc =
        logits ? LSTM_OK : lstm_fail(err, LSTM_NOMEM, "out of memory for the validation scores");
    if (rc || (rc = trainer_evaluate(&job->trainer, &job->valid, logits, &loss, err)))
        goto done;
    model.temperature = (float)calibrate(logits, &truth, job->valid.texts, classes);
    put_metrics(&metrics, job, result, &loss, logits, (double)model.temperature);
    if (!(rc = job_store(job, &model, &metrics, err)))
        rc = report(job, &model, err);
done:
    free(model.card);
    free(logits);
    return rc;
}
