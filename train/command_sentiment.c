/* lstm-train sentiment and classify: labelled rows in, a model out. */
#include "model/cpu_kernels.h"
#include "model/limits.h"
#include "train/base.h"
#include "train/calibrate.h"
#include "train/card.h"
#include "train/commands.h"
#include "train/quantised.h"
#include "train/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CALIBRATION_BINS = 15, FINGERPRINT_SIZE = 700 };

/* Everything a run is made of. */
struct job {
    struct lstm_tokenizer *tokenizer;
    struct lstm_model *base; /* NULL: none to start from */
    float *vectors;
    int32_t dimension;
    struct labels labels;
    struct dataset train, valid;
    struct heldout heldout; /* rows of valid */
    struct trainer trainer;
    char fingerprint[FINGERPRINT_SIZE];
};

/* The vocabulary, and what there is to start from. */
static enum lstm_status open_vocabulary(const struct settings *s, const struct rows *train,
                                        struct job *job, struct lstm_error *err)
{
    struct embedding_options options = s->embedding;
    options.vectors.seed = s->trainer.seed;
    if (!s->base)
        return embedding_open(s->vectors_path, train, &options, 1, &job->tokenizer, &job->vectors,
                              &job->dimension, err);
    if (s->vectors_path)
        return lstm_fail(err, LSTM_RANGE, "--from and --vectors both say where to start, give one");
    enum lstm_status rc = base_read(s->base, &job->base, err);
    if (rc)
        return rc;
    job->dimension = job->base->sizes.embedding;
    return base_tokenizer(job->base, 1, &job->tokenizer, err);
}

static enum lstm_status read_rows(const struct settings *s, struct job *job, struct lstm_error *err)
{
    struct rows train, valid = { 0 };
    enum lstm_status rc = rows_read(&s->train, &train, err);
    if (rc)
        return rc;
    if ((rc = labels_collect(&train, s->sentiment, &job->labels, err)) ||
        (rc = open_vocabulary(s, &train, job, err)) ||
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
        rc = lstm_fail(err, LSTM_RANGE,
                       "%d texts to learn from and %d to validate on, both need at least 1",
                       job->train.texts, job->valid.texts);
    else
        rc = heldout_open(valid.rows ? &valid : &train, &job->valid, &job->heldout, err);
done:
    rows_free(&train);
    rows_free(&valid);
    return rc;
}

static void make_fingerprint(struct job *job, double keep)
{
    const struct trainer_options *o = &job->trainer.options;
    const struct lstm_sizes *z = &job->trainer.sizes;
    uint64_t data = dataset_hash(&job->valid, dataset_hash(&job->train, 0));
    snprintf(
        job->fingerprint, sizeof job->fingerprint,
        "vocab %d, embedding %d, hidden %d, layers %d, classes %d, window %d, overlap %d, epochs "
        "%d, batch %d, "
        "rate %g, warmup %d, clip %g, decay %g, drop %g %g %g, shards %d, seed %llu, data %016llx",
        z->vocab, z->embedding, z->hidden, z->layers, z->classes, z->window, z->overlap, o->epochs,
        o->batch_tokens, o->rate, o->warmup, o->clip, o->decay, o->drop_word, o->drop_embedding,
        o->drop_features, o->shards, (unsigned long long)o->seed, (unsigned long long)data);
    if (job->base) {
        size_t size = strlen(job->fingerprint);
        int written = snprintf(job->fingerprint + size, sizeof job->fingerprint - size,
                               ", from a %s model", job->base->task);
        size += (size_t)written;
        if (keep > 0 && size < sizeof job->fingerprint)
            snprintf(job->fingerprint + size, sizeof job->fingerprint - size, ", kept to %g", keep);
    }
}

/* The model as it stands, without a card. */
static void make_model(const struct settings *s, const struct job *job, struct lstm_model *model)
{
    *model = (struct lstm_model){ .sizes = job->trainer.sizes,
                                  .params = job->trainer.params,
                                  .tokenizer = job->tokenizer,
                                  .temperature = 1 };
    strcpy(model->task, s->sentiment ? "sentiment" : "classify");
    memcpy(model->labels, job->labels.names, sizeof model->labels);
}

static enum lstm_status rehearse(const struct settings *s, const struct job *job,
                                 struct lstm_error *err)
{
    const struct card card = { s->data, s->terms, job->fingerprint, job->train.texts,
                               job->train.tokens.count };
    struct lstm_model model;
    make_model(s, job, &model);
    enum lstm_status rc = card_make(&card, "{}", &model.card, err);
    if (!rc)
        rc = store_rehearse(&s->store, &model, err);
    free(model.card);
    return rc;
}

/* Starts from the model of --from, if there is one. */
static enum lstm_status share_base(const struct settings *s, struct job *job,
                                   struct lstm_error *err)
{
    if (job->base) {
        base_share_encoder(job->base, &job->trainer);
        if (base_share_classifier(job->base, &job->labels, &job->trainer))
            return LSTM_OK;
    }
    return s->keep > 0 ? lstm_fail(err, LSTM_RANGE,
                                   "--keep is %g, but there is nothing to keep: it needs --from "
                                   "with a model of the same labels",
                                   s->keep)
                       : LSTM_OK;
}

static enum lstm_status prepare(const struct settings *s, struct job *job, struct lstm_error *err)
{
    struct lstm_sizes sizes = s->sizes;
    struct trainer_options options = s->trainer;
    enum lstm_status rc = store_check(&s->store, err);
    if (rc || (rc = read_rows(s, job, err)))
        return rc;
    sizes.embedding = job->dimension;
    if (job->base) {
        sizes.hidden = job->base->sizes.hidden;
        sizes.layers = job->base->sizes.layers;
    }
    sizes.vocab = lstm_tokenizer_vocab(job->tokenizer);
    sizes.classes = job->labels.count;
    options.epochs = s->run.epochs;
    if ((rc = trainer_open(&sizes, &options, &job->trainer, err)))
        return rc;
    trainer_start(&job->trainer, job->vectors);
    if ((rc = share_base(s, job, err)))
        return rc;
    make_fingerprint(job, s->keep);
    fprintf(stderr, "model: %zu parameters (%s); %d threads, %s kernels\n", job->trainer.count,
            job->fingerprint, options.threads, cpu_kernels_pick(NULL)->isa);
    return rehearse(s, job, err);
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

/* Fits the temperature, writes the card and stores the model. */
static enum lstm_status finish(const struct settings *s, struct job *job,
                               const struct run_result *result, struct lstm_error *err)
{
    const int32_t classes = job->labels.count;
    struct trainer_loss loss;
    struct lstm_model model;
    const struct card card = { s->data, s->terms, job->fingerprint, job->train.texts,
                               job->train.tokens.count };
    const struct calibration_truth truth = { job->valid.classes, job->valid.shares };
    struct json_text metrics = { 0 };
    char *metrics_text = NULL;
    make_model(s, job, &model);
    float *logits = malloc(((size_t)job->valid.texts + 1) * (size_t)classes * sizeof *logits);
    enum lstm_status rc =
        logits ? LSTM_OK : lstm_fail(err, LSTM_NOMEM, "out of memory for the validation scores");
    if (rc || (rc = trainer_evaluate(&job->trainer, &job->valid, logits, &loss, err)))
        goto done;
    model.temperature = (float)calibrate(logits, &truth, job->valid.texts, classes);
    put_metrics(&metrics, job, result, &loss, logits, (double)model.temperature);
    if ((rc = card_take(&metrics, &metrics_text, err)) ||
        (rc = card_make(&card, metrics_text, &model.card, err)) ||
        (store_quantises(&s->store) &&
         (rc = quantised_note(&model, &job->heldout, s->trainer.threads, err))))
        goto done;
    if (!(rc = store_model(&s->store, &model, metrics_text, err)))
        printf("%s: %s\n", s->store.database ? s->store.name : s->store.out, metrics_text);
done:
    free(model.card);
    free(metrics_text);
    free(logits);
    return rc;
}

static enum lstm_status run(struct settings *s, struct lstm_error *err)
{
    struct job job = { 0 };
    struct run_result result;
    enum lstm_status rc = prepare(s, &job, err);
    if (rc)
        goto done;
    s->run.fingerprint = job.fingerprint;
    if ((rc = run_training(&job.trainer, &job.train, &job.valid, &s->run, &result, err)))
        goto done;
    fprintf(stderr, "best: epoch %d, %.2f%% of the held-out texts right; %.0f tokens/s, %.0f s%s\n",
            result.state.best_epoch + 1, 100 * result.state.best_score, result.tokens_per_second,
            result.seconds, result.interrupted ? "; interrupted, keeping the best so far" : "");
    if (s->keep > 0)
        base_keep(job.base, s->keep, &job.trainer);
    rc = finish(s, &job, &result, err);
    if (!rc && !result.interrupted && s->run.checkpoint)
        remove(s->run.checkpoint);
done:
    trainer_close(&job.trainer);
    dataset_close(&job.train);
    dataset_close(&job.valid);
    heldout_close(&job.heldout);
    free(job.vectors);
    lstm_tokenizer_close(job.tokenizer);
    lstm_model_free(job.base);
    return rc;
}

static int command(int sentiment, int argc, char **argv)
{
    struct settings s = {
        .sentiment = sentiment,
        .valid_share = 0.05,
        .data = "not said",
        .terms = "not said",
        .embedding = embedding_defaults,
        .sizes = { .hidden = 128, .layers = 1, .window = 256, .overlap = 32 },
        .trainer = { .batch_tokens = 10000,
                     .rate = 2e-3,
                     .warmup = 100,
                     .clip = 1,
                     .drop_word = 0.1,
                     .drop_embedding = 0.3,
                     .drop_features = 0.5,
                     .shards = 2,
                     .threads = lstm_limits_get().threads,
                     .seed = 1 },
        .run = { .epochs = 5, .patience = 2, .checkpoint_every = 60 },
        .store = { .storage = "int8" },
    };
    const struct option_spec own[] = {
        { "--label", OPTION_TEXT, &s.train.label_column, 0, 0,
          "the column of the label in CSV files" },
        { "--from", OPTION_TEXT, &s.base, 0, 0,
          "a model's file, or default-sentiment: go on from it, with its vocabulary and sizes" },
        { "--keep", OPTION_REAL, &s.keep, 0, 1,
          "its share of the result, a mean of it and of what was learned" },
        { "--drop-word", OPTION_REAL, &s.trainer.drop_word, 0, 0.95,
          "share of the tokens hidden from a step" },
        { "--drop-features", OPTION_REAL, &s.trainer.drop_features, 0, 0.95,
          "dropout of the pooled features" },
    };
    struct lstm_error err;
    int status;
    if (!settings_parse(&s, own, sizeof own / sizeof *own, argc, argv, &status))
        return status;
    if (run(&s, &err)) {
        fprintf(stderr, "lstm-train %s: %s\n", argv[0], err.text);
        return 1;
    }
    return 0;
}

int command_sentiment(int argc, char **argv)
{
    return command(1, argc, argv);
}

int command_classify(int argc, char **argv)
{
    return command(0, argc, argv);
}
