/* lstm-train import and export: models from and to the state dicts of PyTorch modules. */
#include "train/base.h"
#include "train/card.h"
#include "train/commands.h"
#include "train/files.h"
#include "train/options.h"
#include "train/state_dict.h"
#include "train/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct settings {
    const char *state, *like, *vocabulary_path;
    struct state_dict_about about;
    struct card_about card;
    const char *model, *models_db;
    struct store_options store;
    int help;
};

static int fail(const char *command, int status, const struct lstm_error *err)
{
    fprintf(stderr, "lstm-train %s: %s\n", command, err->text);
    return status;
}

/* Whatever the user says of the model; nothing: the card that the file brings stays. */
static enum lstm_status make_card(const struct settings *s, char **text, struct lstm_error *err)
{
    const struct card_about *c = &s->card;
    const struct card card = {
        .about = { c->data ? c->data : "not said", c->terms ? c->terms : "not said",
                   c->use ? c->use : "not said", c->limits ? c->limits : "not said" },
        .run = "imported from a state dict"
    };
    *text = NULL;
    return c->data || c->terms || c->use || c->limits ? card_make(&card, "{}", text, err) : LSTM_OK;
}

static enum lstm_status import(struct settings *s, struct lstm_error *err)
{
    unsigned char *state = NULL, *like = NULL, *vocabulary = NULL;
    size_t size, like_size = 0, vocabulary_size;
    struct lstm_model *model = NULL;
    char *card = NULL;
    /* storing makes the database where it is missing; until then it holds no model */
    const char *holder =
        s->store.database && !access(s->store.database, F_OK) ? s->store.database : NULL;
    enum lstm_status rc = store_check(&s->store, err);
    if (rc || (rc = file_read(s->state, &state, &size, err)) ||
        (s->like && (rc = base_bytes(s->like, holder, &like, &like_size, err))) ||
        (s->vocabulary_path &&
         (rc = file_read(s->vocabulary_path, &vocabulary, &vocabulary_size, err))) ||
        (rc = make_card(s, &card, err)))
        goto done;
    s->about.vocabulary = (const char *)vocabulary;
    s->about.card = card;
    if ((rc = state_dict_read(state, size, &s->about, like, like_size, &model, err)) ||
        (rc = store_model(&s->store, model, "{}", err)))
        goto done;
    printf("%s: a %s model of %zu parameters\n", s->store.database ? s->store.name : s->store.out,
           model->task, lstm_params_count(&model->sizes));
done:
    lstm_model_free(model);
    free(card);
    free(vocabulary);
    free(like);
    free(state);
    return rc;
}

int command_import(int argc, char **argv)
{
    struct settings s = { .store = { .storage = "f32" } };
    const struct option_spec specs[] = {
        { "--state", OPTION_TEXT, &s.state, 0, 0,
          "a safetensors file of a state dict (names: model/FORMAT.md)" },
        { "--like", OPTION_TEXT, &s.like, 0, 0,
          "take what is not told from this model: a file, a name in --into, or default" },
        { "--task", OPTION_TEXT, &s.about.task, 0, 0, "sentiment, classify or summarize" },
        { "--vocabulary", OPTION_TEXT, &s.vocabulary_path, 0, 0,
          "a file of the vocabulary's entries, one a line; the first has id 257" },
        { "--labels", OPTION_TEXT, &s.about.labels, 0, 0,
          "a JSON array; of a sentiment model negative and positive" },
        { "--window", OPTION_TEXT, &s.about.window, 0, 0, "tokens of a window; else 256" },
        { "--overlap", OPTION_TEXT, &s.about.overlap, 0, 0, "tokens that windows share; else 32" },
        { "--temperature", OPTION_TEXT, &s.about.temperature, 0, 0,
          "that the logits are divided by; else 1" },
        { "--data", OPTION_TEXT, &s.card.data, 0, 0, "what it learned from, for its card" },
        { "--terms", OPTION_TEXT, &s.card.terms, 0, 0, "under which terms, for the card" },
        { "--use", OPTION_TEXT, &s.card.use, 0, 0, "what it is meant for, for the card" },
        { "--limits", OPTION_TEXT, &s.card.limits, 0, 0, "what it is not good for, for the card" },
        { "--into", OPTION_TEXT, &s.store.database, 0, 0,
          "store the model in this database's table lstm_models" },
        { "--name", OPTION_TEXT, &s.store.name, 0, 0, "its name there" },
        { "--out", OPTION_TEXT, &s.store.out, 0, 0, "write the model to this file" },
        { "--storage", OPTION_TEXT, &s.store.storage, 0, 0, "f32, int8, f16 or bf16" },
        { "--help", OPTION_FLAG, &s.help, 0, 0, "show this" },
    };
    const size_t count = sizeof specs / sizeof *specs;
    struct lstm_error err = { 0 };
    enum lstm_status rc = options_parse(argc, argv, specs, count, &err);
    if (!rc && !s.help && !s.state)
        rc = lstm_fail(&err, LSTM_RANGE, "which state dict? Give --state FILE");
    if (rc)
        return fail(argv[0], 2, &err);
    if (s.help) {
        printf("usage: lstm-train import --state FILE [--like MODEL] --into DATABASE --name NAME | "
               "--out FILE [--option value]...\n\n");
        options_help(specs, count);
        return 0;
    }
    return import(&s, &err) ? fail(argv[0], 1, &err) : 0;
}

int command_export(int argc, char **argv)
{
    struct settings s = { .store = { .storage = "f32" } };
    const struct option_spec specs[] = {
        { "--model", OPTION_TEXT, &s.model, 0, 0,
          "a name in --db, a model's file, or one inside: default, default-summarize" },
        { "--db", OPTION_TEXT, &s.models_db, 0, 0, "the database that holds the model" },
        { "--out", OPTION_TEXT, &s.store.out, 0, 0,
          "write its state dict, a safetensors file of floats, to this file" },
        { "--help", OPTION_FLAG, &s.help, 0, 0, "show this" },
    };
    const size_t count = sizeof specs / sizeof *specs;
    struct lstm_error err = { 0 };
    struct lstm_model *model = NULL;
    enum lstm_status rc = options_parse(argc, argv, specs, count, &err);
    if (!rc && !s.help && (!s.model || !s.store.out))
        rc = lstm_fail(&err, LSTM_RANGE, "give --model MODEL and --out FILE");
    if (rc)
        return fail(argv[0], 2, &err);
    if (s.help) {
        printf("usage: lstm-train export --model MODEL [--db DATABASE] --out FILE\n\n");
        options_help(specs, count);
        return 0;
    }
    rc = base_read(s.model, s.models_db, &model, &err);
    if (!rc && !(rc = store_model(&s.store, model, "{}", &err)))
        printf("%s: the state dict of a %s model of %zu parameters\n", s.store.out, model->task,
               lstm_params_count(&model->sizes));
    lstm_model_free(model);
    return rc ? fail(argv[0], 1, &err) : 0;
}
