/* lstm-train tone: a summariser and labelled texts in, the same summariser that can tell a text's
 * tone out. */
#include "train/base.h"
#include "train/card.h"
#include "train/commands.h"
#include "train/files.h"
#include "train/options.h"
#include "train/tone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct settings {
    struct rows_source train, valid;
    const char *model, *out;
    struct tone_options tone;
    int help;
};

static enum lstm_status read_texts(const struct rows_source *source, const struct lstm_model *model,
                                   struct labels *labels, struct dataset *dataset,
                                   struct lstm_error *err)
{
    struct rows rows = { 0 };
    enum lstm_status rc = rows_read(source, &rows, err);
    if (!rc && labels->count == 0)
        rc = labels_collect(&rows, 1, labels, err);
    if (!rc)
        rc = dataset_open(model->tokenizer, &rows, labels, dataset, err);
    if (!rc && dataset->texts == 0)
        rc = lstm_fail(err, LSTM_RANGE, "there is no text to learn a tone from");
    rows_free(&rows);
    return rc;
}

/* The weights stand behind all other parameters; a tone that was there is replaced. */
static enum lstm_status make_room(struct lstm_model *model, struct lstm_error *err)
{
    const struct lstm_sizes before = model->sizes;
    model->sizes.tone = 1;
    const size_t size = (lstm_params_count(&model->sizes) * sizeof(float) + 63) / 64 * 64;
    float *params = before.tone ? NULL : aligned_alloc(64, size);
    if (before.tone)
        return LSTM_OK;
    if (!params)
        return lstm_fail(err, LSTM_NOMEM, "out of memory for a model of %zu bytes", size);
    memcpy(params, model->params, lstm_params_count(&before) * sizeof *params);
    free(model->params);
    model->params = params;
    return LSTM_OK;
}

/* What it tells goes into the card, beside the metrics. */
static enum lstm_status note(const struct settings *s, struct lstm_model *model, double accuracy,
                             int32_t texts, struct lstm_error *err)
{
    struct json_text out = { 0 };
    char *text = NULL;
    card_integer(&out, "{\"texts\":", texts);
    card_integer(&out, ",\"epochs\":", s->tone.epochs);
    card_number(&out, ",\"decay\":", s->tone.decay);
    if (s->valid.query)
        card_number(&out, ",\"valid_accuracy\":", accuracy);
    json_put(&out, "}");
    enum lstm_status rc = card_take(&out, &text, err);
    if (!rc)
        rc = card_set(&model->card, "tone", text, err);
    if (!rc)
        printf("%s: tone %s\n", s->out, text);
    free(text);
    return rc;
}

static enum lstm_status run(const struct settings *s, struct lstm_error *err)
{
    struct lstm_model *model = NULL;
    struct dataset train = { 0 }, valid = { 0 };
    static struct labels labels;
    void *blob = NULL;
    size_t size;
    double accuracy = 0;
    enum lstm_status rc = base_read(s->model, s->train.database, &model, err);
    if (!rc && !model->sizes.decoder)
        rc = lstm_fail(err, LSTM_MISMATCH, "%s is of task \"%s\", expected a summariser", s->model,
                       model->task);
    if (rc || (rc = read_texts(&s->train, model, &labels, &train, err)) ||
        (s->valid.query && (rc = read_texts(&s->valid, model, &labels, &valid, err))) ||
        (rc = make_room(model, err)))
        goto done;
    float *weights = model->params + lstm_decoder_at(&model->sizes).tone;
    const int32_t vocab = model->sizes.vocab;
    if ((rc = tone_learn(&train, vocab, &s->tone, weights, err)) ||
        (rc = tone_accuracy(&valid, vocab, weights, &accuracy, err)) ||
        (rc = note(s, model, accuracy, train.texts, err)))
        goto done;
    /* int8 weights are stored as they came */
    if (!(rc =
              lstm_model_write(model, model->int8.weights ? LSTM_I8 : LSTM_F32, &blob, &size, err)))
        rc = file_write(s->out, blob, size, err);
done:
    free(blob);
    dataset_close(&train);
    dataset_close(&valid);
    lstm_model_free(model);
    return rc;
}

int command_tone(int argc, char **argv)
{
    struct settings s = { .tone = { .epochs = 8, .rate = 0.2, .decay = 1e-4, .seed = 1 } };
    const struct option_spec specs[] = {
        { "--model", OPTION_TEXT, &s.model, 0, 0, "a summariser: a file, or a name in --db" },
        { "--db", OPTION_TEXT, &s.train.database, 0, 0, "a SQLite database" },
        { "--sql", OPTION_TEXT, &s.train.query, 0, 0,
          "SELECT text, label: texts and summaries, each positive (1) or negative (0)" },
        { "--valid-sql", OPTION_TEXT, &s.valid.query, 0, 0, "the same, to measure by" },
        { "--epochs", OPTION_INT, &s.tone.epochs, 1, 1000, "passes over the texts" },
        { "--rate", OPTION_REAL, &s.tone.rate, 1e-6, 10, "learning rate of Adagrad" },
        { "--decay", OPTION_REAL, &s.tone.decay, 0, 1, "how strongly weights stay at zero" },
        { "--seed", OPTION_SEED, &s.tone.seed, 0, 0, "of the order of the texts" },
        { "--out", OPTION_TEXT, &s.out, 0, 0, "the file that takes the model" },
        { "--help", OPTION_FLAG, &s.help, 0, 0, "this list" },
    };
    const size_t count = sizeof specs / sizeof *specs;
    struct lstm_error err;
    enum lstm_status rc = options_parse(argc, argv, specs, count, &err);
    if (!rc && !s.help && (!s.model || !s.train.query || !s.out))
        rc = lstm_fail(&err, LSTM_RANGE, "%s is missing (see --help)",
                       !s.model         ? "--model"
                       : !s.train.query ? "--sql"
                                        : "--out");
    if (rc) {
        fprintf(stderr, "lstm-train tone: %s\n", err.text);
        return 2;
    }
    if (s.help) {
        printf("usage: lstm-train tone --model FILE --db FILE --sql SELECT --out FILE "
               "[--option value]...\n\n");
        options_help(specs, count);
        return 0;
    }
    s.valid.database = s.train.database;
    if (run(&s, &err)) {
        fprintf(stderr, "lstm-train tone: %s\n", err.text);
        return 1;
    }
    return 0;
}
