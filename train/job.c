#include "train/job.h"

#include "model/cpu_encoder.h"
#include "train/base.h"
#include "train/card.h"
#include "train/quantised.h"

#include <stdio.h>
#include <stdlib.h>

void job_close(struct job *job)
{
    trainer_close(&job->trainer);
    dataset_close(&job->train);
    dataset_close(&job->valid);
    heldout_close(&job->heldout);
    free(job->vectors);
    lstm_tokenizer_close(job->tokenizer);
    lstm_model_free(job->base);
    *job = (struct job){ .settings = job->settings };
}

enum lstm_status job_vocabulary(struct job *job, const char *from, const struct rows *rows,
                                int32_t multiple, struct lstm_error *err)
{
    const struct settings *s = job->settings;
    struct embedding_options options = s->embedding;
    options.vectors.seed = s->trainer.seed;
    if (!from)
        return embedding_open(s->vectors_path, rows, &options, multiple, &job->tokenizer,
                              &job->vectors, &job->dimension, err);
    if (s->vectors_path)
        return lstm_fail(err, LSTM_RANGE,
                         "the model %s and --vectors both say where to start, give one", from);
    enum lstm_status rc = base_read(from, s->train.database, &job->base, err);
    if (rc)
        return rc;
    job->dimension = job->base->sizes.embedding;
    return base_tokenizer(job->base, multiple, &job->tokenizer, err);
}

static enum lstm_status make_card(const struct job *job, const char *metrics, char **text,
                                  struct lstm_error *err)
{
    const struct settings *s = job->settings;
    const struct card card = { .about = s->about,
                               .run = job->fingerprint,
                               .seed = job->trainer.options.seed,
                               .texts = job->train.texts,
                               .tokens = job->train.tokens.count };
    return card_make(&card, metrics, text, err);
}

enum lstm_status job_rehearse(const struct job *job, struct lstm_model *model,
                              struct lstm_error *err)
{
    fprintf(stderr, "model: %zu parameters (%s); %d threads, %s kernels\n", job->trainer.count,
            job->fingerprint, job->trainer.options.threads, job->trainer.weights->products->isa);
    enum lstm_status rc = make_card(job, "{}", &model->card, err);
    if (!rc)
        rc = store_rehearse(&job->settings->store, model, err);
    free(model->card);
    model->card = NULL;
    return rc;
}

enum lstm_status job_store(const struct job *job, struct lstm_model *model,
                           struct json_text *metrics, struct lstm_error *err)
{
    const struct store_options *store = &job->settings->store;
    char *text;
    enum lstm_status rc = card_take(metrics, &text, err);
    if (rc || (rc = make_card(job, text, &model->card, err)) ||
        (store_quantises(store) &&
         (rc = quantised_note(model, &job->heldout, job->settings->trainer.threads, err))))
        goto done;
    if (!(rc = store_model(store, model, text, err)))
        printf("%s: %s\n", store->database ? store->name : store->out, text);
done:
    free(text);
    return rc;
}
