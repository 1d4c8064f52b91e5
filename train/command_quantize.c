/* lstm-train quantize: a model of floats in, the same as int8 out. */
#include "model/limits.h"
#include "train/base.h"
#include "train/card.h"
#include "train/commands.h"
#include "train/options.h"
#include "train/pairs.h"
#include "train/quantised.h"
#include "train/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct settings {
    const char *model, *models_db;
    struct rows_source valid;
    const char *summary_column;
    struct store_options store;
    int32_t threads;
    int help;
};

static enum lstm_status read_model(const struct settings *s, struct lstm_model **model,
                                   struct lstm_error *err)
{
    enum lstm_status rc = base_read(s->model, s->models_db, model, err);
    if (!rc && (*model)->int8.weights)
        rc = lstm_fail(err, LSTM_MISMATCH, "%s is int8 already: there is nothing to do", s->model);
    return rc;
}

/* The rows whose text and label or summary have tokens; labels have to be the model's. */
static enum lstm_status read_dataset(const struct lstm_model *model, const struct rows *rows,
                                     struct dataset *dataset, struct lstm_error *err)
{
    const struct pairs_limits any = { .source_max = LSTM_SUMMARY_SOURCE_MAX,
                                      .target_max = INT32_MAX };
    struct pairs_report report;
    if (model->sizes.decoder)
        return pairs_open(model->tokenizer, rows, &any, dataset, &report, err);
    struct labels labels = { .count = model->sizes.classes,
                             .sentiment = strcmp(model->task, "sentiment") == 0 };
    memcpy(labels.names, model->labels, sizeof labels.names);
    return dataset_open(model->tokenizer, rows, &labels, dataset, err);
}

static enum lstm_status read_heldout(const struct settings *s, const struct lstm_model *model,
                                     struct heldout *heldout, struct lstm_error *err)
{
    struct rows rows = { 0 };
    struct dataset dataset = { 0 };
    enum lstm_status rc = rows_read(&s->valid, &rows, err);
    if (rc || (rc = read_dataset(model, &rows, &dataset, err)))
        goto done;
    rc = dataset.texts ? heldout_open(&rows, &dataset, heldout, err)
                       : lstm_fail(err, LSTM_RANGE, "there is no row to measure on");
done:
    dataset_close(&dataset);
    rows_free(&rows);
    return rc;
}

static enum lstm_status run(const struct settings *s, struct lstm_error *err)
{
    struct lstm_model *model = NULL;
    struct heldout heldout = { 0 };
    char *metrics = NULL, *lost = NULL;
    const int is_measured = s->valid.query || s->valid.csv;
    enum lstm_status rc = store_check(&s->store, err);
    if (rc || (rc = read_model(s, &model, err)) ||
        (is_measured && (rc = read_heldout(s, model, &heldout, err))) ||
        (rc = store_rehearse(&s->store, model, err)) ||
        (rc = quantised_note(model, is_measured ? &heldout : NULL, s->threads, err)) ||
        (rc = card_get(model->card, "metrics", &metrics, err)) ||
        (rc = card_get(model->card, "quantised", &lost, err)))
        goto done;
    if (!(rc = store_model(&s->store, model, metrics, err)))
        printf("%s: %s\n", s->store.database ? s->store.name : s->store.out, lost);
done:
    free(lost);
    free(metrics);
    heldout_close(&heldout);
    lstm_model_free(model);
    return rc;
}

int command_quantize(int argc, char **argv)
{
    struct settings s = { .store = { .storage = "int8" }, .threads = lstm_limits_get().threads };
    const struct option_spec specs[] = {
        { "--model", OPTION_TEXT, &s.model, 0, 0,
          "a model file, the name of a model in --models-db, or of one inside" },
        { "--models-db", OPTION_TEXT, &s.models_db, 0, 0, "the database that holds the model" },
        { "--db", OPTION_TEXT, &s.valid.database, 0, 0, "a SQLite database, with --valid-sql" },
        { "--valid-sql", OPTION_TEXT, &s.valid.query, 0, 0,
          "SELECT text, label ... or text, summary ... to measure what is lost" },
        { "--valid-csv", OPTION_TEXT, &s.valid.csv, 0, 0,
          "the same as a CSV file with a header line, also .xz" },
        { "--text", OPTION_TEXT, &s.valid.text_column, 0, 0, "its column that holds the text" },
        { "--label", OPTION_TEXT, &s.valid.label_column, 0, 0, "its column that holds the label" },
        { "--summary", OPTION_TEXT, &s.summary_column, 0, 0,
          "its column that holds the summary, instead of --label" },
        { "--out", OPTION_TEXT, &s.store.out, 0, 0, "write the int8 model to this file" },
        { "--into", OPTION_TEXT, &s.store.database, 0, 0,
          "store it in this database's table lstm_models" },
        { "--name", OPTION_TEXT, &s.store.name, 0, 0, "its name there" },
        { "--threads", OPTION_INT, &s.threads, 1, 64, "threads; never changes the result" },
        { "--help", OPTION_FLAG, &s.help, 0, 0, "show this" },
    };
    const size_t count = sizeof specs / sizeof *specs;
    struct lstm_error err = { 0 };
    enum lstm_status rc = options_parse(argc, argv, specs, count, &err);
    if (!rc && !s.help && !s.model)
        rc = lstm_fail(&err, LSTM_RANGE, "which model? Give --model FILE or --model NAME");
    if (!rc && s.valid.database && !s.valid.query)
        rc = lstm_fail(&err, LSTM_RANGE, "--db %s needs --valid-sql", s.valid.database);
    if (rc) {
        fprintf(stderr, "lstm-train quantize: %s\n", err.text);
        return 2;
    }
    if (s.help) {
        printf("usage: lstm-train quantize --model FILE | NAME --out FILE | --into DATABASE --name "
               "NAME [--option value]...\n\n");
        options_help(specs, count);
        return 0;
    }
    s.valid.label_column = s.summary_column ? s.summary_column : s.valid.label_column;
    if (run(&s, &err)) {
        fprintf(stderr, "lstm-train quantize: %s\n", err.text);
        return 1;
    }
    return 0;
}
