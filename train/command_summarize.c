/* lstm-train summarize: texts with summaries in, a model that summarises out. */
#include "model/limits.h"
#include "train/base.h"
#include "train/card.h"
#include "train/commands.h"
#include "train/files.h"
#include "train/job.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum lstm_status read_pairs(struct job *job, struct lstm_error *err)
{
    const struct settings *s = job->settings;
    struct rows train, valid = { 0 };
    struct pairs_report learned = { 0 }, held = { 0 };
    enum lstm_status rc = rows_read(&s->train, &train, err);
    if (rc)
        return rc;
    if ((rc = job_vocabulary(job, s->encoder_path, &train, LSTM_UNITS, err)) ||
        (rc = pairs_open(job->tokenizer, &train, &s->limits, &job->train, &learned, err)))
        goto done;
    if (s->valid.query || s->valid.csv) {
        if ((rc = rows_read(&s->valid, &valid, err)) ||
            (rc = pairs_open(job->tokenizer, &valid, &s->limits, &job->valid, &held, err)))
            goto done;
    } else if ((rc = dataset_split(&job->train, s->valid_share, s->trainer.seed, &job->valid, err)))
        goto done;
    fprintf(stderr,
            "pairs: %d to learn from (%d tokens), %d held out (%d tokens); of all, %lld tokens are "
            "summaries'; left "
            "out: %d without text or summary, %d without a token, %d with a summary of more than "
            "%d tokens; of %d "
            "texts only the first %d tokens are read\n",
            job->train.texts, job->train.tokens.count, job->valid.texts, job->valid.tokens.count,
            (long long)(learned.targets + held.targets), train.skipped + valid.skipped,
            job->train.empty + job->valid.empty, learned.too_long + held.too_long,
            s->limits.target_max, learned.cut + held.cut, s->limits.source_max);
    if (job->train.texts == 0 || job->valid.texts == 0) {
        rc = lstm_fail(
            err, LSTM_RANGE,
            "%d pairs to learn from and %d to validate on, both need at least 1: give more "
            "pairs, another --valid-share, or --valid-sql",
            job->train.texts, job->valid.texts);
        goto done;
    }
    rc = heldout_open(valid.rows ? &valid : &train, &job->valid, &job->heldout, err);
done:
    rows_free(&train);
    rows_free(&valid);
    return rc;
}

static void make_fingerprint(struct job *job)
{
    const struct settings *s = job->settings;
    const struct trainer_options *o = &job->trainer.options;
    const struct lstm_sizes *z = &job->trainer.sizes;
    uint64_t data = dataset_hash(&job->valid, dataset_hash(&job->train, 0));
    snprintf(job->fingerprint, sizeof job->fingerprint,
             "vocab %d, embedding %d, hidden %d, layers %d, decoder %d, alignment %d, window %d, "
             "overlap %d, epochs "
             "%d, batch %d, rate %g, warmup %d, clip %g, decay %g, drop %g %g, smoothing %g, "
             "coverage %g from %g, "
             "source max %d, target max %d, precision %s, shards %d, seed %llu, data %016llx",
             z->vocab, z->embedding, z->hidden, z->layers, z->decoder, z->alignment, z->window,
             z->overlap, o->epochs, o->batch_tokens, o->rate, o->warmup, o->clip, o->decay,
             o->drop_embedding, o->drop_features, o->smoothing, o->coverage, o->coverage_from,
             s->limits.source_max, s->limits.target_max, o->precision, o->shards,
             (unsigned long long)o->seed, (unsigned long long)data);
    if (job->base) {
        size_t size = strlen(job->fingerprint);
        snprintf(job->fingerprint + size, sizeof job->fingerprint - size, ", encoder of a %s model",
                 job->base->task);
    }
}

static enum lstm_status start(struct job *job, struct lstm_error *err)
{
    const int32_t vocab = job->trainer.sizes.vocab;
    float *log_shares = malloc((size_t)vocab * sizeof *log_shares);
    if (!log_shares)
        return lstm_fail(err, LSTM_NOMEM, "out of memory for the counts of %d tokens", vocab);
    pairs_frequencies(&job->train, vocab, log_shares);
    trainer_start(&job->trainer, job->vectors);
    trainer_prior(&job->trainer, log_shares);
    if (job->base)
        base_share_encoder(job->base, &job->trainer);
    free(log_shares);
    return LSTM_OK;
}

/* The model as it stands, without a card. */
static void make_model(const struct job *job, struct lstm_model *model)
{
    *model = (struct lstm_model){ .sizes = job->trainer.sizes,
                                  .params = job->trainer.params,
                                  .tokenizer = job->tokenizer,
                                  .task = "summarize",
                                  .temperature = 1.0f };
}

/* ROUGE of the network as it stands, on the held-out rows. */
static enum lstm_status measure_rouge(const struct job *job, struct rouge *rouge,
                                      struct lstm_error *err)
{
    struct lstm_model model;
    void *blob;
    size_t size;
    make_model(job, &model);
    enum lstm_status rc = store_write(&job->settings->store, &model, &blob, &size, err);
    if (!rc)
        rc = heldout_measure(&job->heldout, blob, size, job->trainer.options.threads, rouge, err);
    free(blob);
    return rc;
}

/* Epochs are compared by the reference's words, and by those in its order. */
static enum lstm_status score_epoch(void *job, struct run_score *score, struct lstm_error *err)
{
    struct rouge rouge;
    enum lstm_status rc = measure_rouge(job, &rouge, err);
    if (rc)
        return rc;
    score->value = (rouge.one + rouge.l) / 2;
    snprintf(score->text, sizeof score->text, "ROUGE-1 %.2f, ROUGE-L %.2f", 100 * rouge.one,
             100 * rouge.l);
    return LSTM_OK;
}

static enum lstm_status prepare(struct job *job, struct lstm_error *err)
{
    const struct settings *s = job->settings;
    struct lstm_model model;
    struct lstm_sizes sizes = s->sizes;
    struct trainer_options options = s->trainer;
    enum lstm_status rc = store_check(&s->store, err);
    if (rc || (rc = read_pairs(job, err)))
        return rc;
    sizes.embedding = job->dimension;
    if (job->base) {
        sizes.hidden = job->base->sizes.hidden;
        sizes.layers = job->base->sizes.layers;
    }
    sizes.vocab = lstm_tokenizer_vocab(job->tokenizer);
    options.epochs = s->run.epochs;
    if ((rc = trainer_open(&sizes, &options, &job->trainer, err)) || (rc = start(job, err)))
        return rc;
    make_fingerprint(job);
    make_model(job, &model);
    return job_rehearse(job, &model, err);
}

/* What was measured on the held-out rows, for the row in lstm_models and for the card. */
static void put_metrics(struct json_text *out, const struct job *job,
                        const struct run_result *result, const struct trainer_loss *loss,
                        const struct rouge *rouge)
{
    const double terms = (double)loss->terms;
    card_number(out, "{\"valid_likelihood\":", loss->likelihood / terms);
    card_number(out, ",\"valid_perplexity\":", exp(loss->likelihood / terms));
    card_number(out, ",\"valid_coverage\":", loss->coverage / terms);
    card_number(out, ",\"valid_rouge1\":", rouge->one);
    card_number(out, ",\"valid_rouge2\":", rouge->two);
    card_number(out, ",\"valid_rougeL\":", rouge->l);
    card_integer(out, ",\"valid_texts\":", job->valid.texts);
    card_integer(out, ",\"best_epoch\":", result->state.best_epoch + 1);
    json_put(out, "}");
}

static enum lstm_status finish(struct job *job, const struct run_result *result,
                               struct lstm_error *err)
{
    struct trainer_loss loss;
    struct rouge rouge;
    struct lstm_model model;
    struct json_text metrics = { 0 };
    enum lstm_status rc = trainer_evaluate(&job->trainer, &job->valid, NULL, &loss, err);
    if (rc || (rc = measure_rouge(job, &rouge, err)))
        return rc;
    make_model(job, &model);
    put_metrics(&metrics, job, result, &loss, &rouge);
    rc = job_store(job, &model, &metrics, err);
    free(model.card);
    return rc;
}

static enum lstm_status run(struct settings *s, struct lstm_error *err)
{
    struct job job = { .settings = s };
    struct run_result result;
    enum lstm_status rc = prepare(&job, err);
    if (rc)
        goto done;
    s->run.fingerprint = job.fingerprint;
    s->run.measure = score_epoch;
    s->run.measure_arg = &job;
    if ((rc = run_training(&job.trainer, &job.train, &job.valid, &s->run, &result, err)))
        goto done;
    fprintf(
        stderr,
        "best: epoch %d, ROUGE %.2f, loss %.4f a token of the held-out summaries; %.0f tokens/s, "
        "%.0f s%s\n",
        result.state.best_epoch + 1, 100 * result.state.best_score, result.state.best_loss,
        result.tokens_per_second, result.seconds,
        result.interrupted ? "; interrupted, keeping the best so far" : "");
    rc = finish(&job, &result, err);
    if (!rc && !result.interrupted && s->run.checkpoint)
        remove(s->run.checkpoint);
done:
    job_close(&job);
    return rc;
}

static const struct settings defaults = {
    .valid_share = 0.02,
    .about = { .data = "not said", .terms = "not said", .use = "not said", .limits = "not said" },
    .sizes = { .hidden = 128,
               .layers = 1,
               .window = 256,
               .overlap = 32,
               .decoder = 256,
               .alignment = 128 },
    .limits = { .source_max = 400, .target_max = 40 },
    .trainer = { .batch_tokens = 6000,
                 .rate = 1e-3,
                 .warmup = 200,
                 .clip = 2,
                 .drop_embedding = 0.2,
                 .drop_features = 0.2,
                 .smoothing = 0.1,
                 .coverage = 1,
                 .coverage_from = 0.8,
                 .precision = "fp32",
                 .shards = 2,
                 .seed = 1 },
    .run = { .epochs = 8, .patience = 3, .checkpoint_every = 60 },
    .store = { .storage = "int8" },
};

int command_summarize(int argc, char **argv)
{
    struct settings s = defaults;
    s.embedding = embedding_defaults;
    s.trainer.threads = lstm_limits_get().threads;
    const struct option_spec own[] = {
        { "--summary", OPTION_TEXT, &s.train.label_column, 0, 0,
          "the column of the summary in CSV files" },
        { "--source-max", OPTION_INT, &s.limits.source_max, 16, 100000,
          "tokens of a text that training reads" },
        { "--target-max", OPTION_INT, &s.limits.target_max, 1, 1000,
          "pairs with a longer summary are left out" },
        { "--encoder", OPTION_TEXT, &s.encoder_path, 0, 0,
          "start from a model's vocabulary, embedding and encoder" },
        { "--decoder", OPTION_INT, &s.sizes.decoder, LSTM_UNITS, LSTM_HIDDEN_MAX,
          "LSTM units of the decoder" },
        { "--alignment", OPTION_INT, &s.sizes.alignment, LSTM_UNITS, LSTM_HIDDEN_MAX,
          "units of its attention" },
        { "--smoothing", OPTION_REAL, &s.trainer.smoothing, 0, 0.95, "label smoothing" },
        { "--coverage", OPTION_REAL, &s.trainer.coverage, 0, 100,
          "weight of the loss of reading a place again" },
        { "--coverage-from", OPTION_REAL, &s.trainer.coverage_from, 0, 1,
          "share of the run after which it joins" },
        { "--drop-output", OPTION_REAL, &s.trainer.drop_features, 0, 0.95,
          "locked dropout of the outputs" },
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
