#include "train/settings.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { SPECS_MAX = 64 };

/* Returns how many. */
static size_t shared_options(struct settings *s, struct option_spec *specs)
{
    const struct option_spec shared[] = {
        { "--db", OPTION_TEXT, &s->train.database, 0, 0, "a SQLite database, with --sql" },
        { "--sql", OPTION_TEXT, &s->train.query, 0, 0,
          "SELECT text, and its label or summary [, key], to learn from" },
        { "--valid-sql", OPTION_TEXT, &s->valid.query, 0, 0, "the same, to validate on" },
        { "--csv", OPTION_TEXT, &s->train.csv, 0, 0,
          "a CSV file with a header line, also .xz, instead of --db" },
        { "--valid-csv", OPTION_TEXT, &s->valid.csv, 0, 0, "the same, to validate on" },
        { "--text", OPTION_TEXT, &s->train.text_column, 0, 0,
          "the column of the text in CSV files" },
        { "--valid-share", OPTION_REAL, &s->valid_share, 0.001, 0.5,
          "held out where no validation rows are given" },
        { "--vectors", OPTION_TEXT, &s->vectors_path, 0, 0,
          "what lstm-train vectors wrote; else learned from the rows" },
        { "--vocab", OPTION_INT, &s->embedding.bpe.vocab, 512, LSTM_VOCAB_MAX,
          "tokens of a vocabulary learned here" },
        { "--dimension", OPTION_INT, &s->embedding.vectors.dimension, LSTM_UNITS,
          LSTM_EMBEDDING_MAX, "length of a vector learned here, a multiple of 16" },
        { "--vector-epochs", OPTION_INT, &s->embedding.vectors.epochs, 1, 1000,
          "passes that learn them" },
        { "--out", OPTION_TEXT, &s->store.out, 0, 0, "write the model to this file" },
        { "--into", OPTION_TEXT, &s->store.database, 0, 0,
          "store the model in this database's table lstm_models; without: in --db" },
        { "--name", OPTION_TEXT, &s->store.name, 0, 0, "its name there" },
        { "--storage", OPTION_TEXT, &s->store.storage, 0, 0, "int8, f16, bf16 or f32" },
        { "--data", OPTION_TEXT, &s->about.data, 0, 0, "what the rows are, for the model's card" },
        { "--terms", OPTION_TEXT, &s->about.terms, 0, 0,
          "under which terms they may be used, for the card" },
        { "--use", OPTION_TEXT, &s->about.use, 0, 0, "what the model is meant for, for the card" },
        { "--limits", OPTION_TEXT, &s->about.limits, 0, 0,
          "what it should not be trusted with, for the card" },
        { "--hidden", OPTION_INT, &s->sizes.hidden, LSTM_UNITS, LSTM_HIDDEN_MAX,
          "LSTM units of a direction" },
        { "--layers", OPTION_INT, &s->sizes.layers, 1, LSTM_LAYERS_MAX,
          "LSTM layers of the encoder" },
        { "--window", OPTION_INT, &s->sizes.window, LSTM_WINDOW_MIN, LSTM_WINDOW_MAX,
          "tokens of a window; of a classifier, unless told, those of the model it starts from, or "
          "256" },
        { "--overlap", OPTION_INT, &s->sizes.overlap, 0, LSTM_WINDOW_MAX / 2,
          "tokens that windows share; of a classifier, unless told, the same, or 32" },
        { "--epochs", OPTION_INT, &s->run.epochs, 1, 10000, "times every row is read" },
        { "--patience", OPTION_INT, &s->run.patience, 1, 10000,
          "epochs without a better validation before the end" },
        { "--batch", OPTION_INT, &s->trainer.batch_tokens, 1, 10000000,
          "tokens of a batch; of a classifier, unless told, 10,000, or fewer where there are few "
          "rows" },
        { "--rate", OPTION_REAL, &s->trainer.rate, 1e-7, 1,
          "learning rate of Adam at its highest" },
        { "--warmup", OPTION_INT, &s->trainer.warmup, 0, 1000000,
          "steps until it is reached; of a classifier, unless told, 100 or a tenth of all" },
        { "--clip", OPTION_REAL, &s->trainer.clip, 0, 1e9,
          "largest gradient norm, embedding left out; 0: any" },
        { "--decay", OPTION_REAL, &s->trainer.decay, 0, 10,
          "decoupled weight decay, embedding left out" },
        { "--drop-embedding", OPTION_REAL, &s->trainer.drop_embedding, 0, 0.95,
          "locked dropout of the embedding" },
        { "--precision", OPTION_TEXT, &s->trainer.precision, 0, 0,
          "of the LSTM's products: fp32, or bf16, nearly twice as fast where the processor has "
          "it" },
        { "--shards", OPTION_INT, &s->trainer.shards, 1, 64,
          "parts of a batch; part of the run, as the seed is" },
        { "--threads", OPTION_INT, &s->trainer.threads, 1, 64,
          "threads; never changes the result" },
        { "--seed", OPTION_SEED, &s->trainer.seed, 0, 0, "of every random choice" },
        { "--checkpoint", OPTION_TEXT, &s->run.checkpoint, 0, 0,
          "where the run is saved every minute" },
        { "--resume", OPTION_FLAG, &s->run.resume, 0, 0, "go on from the checkpoint" },
        { "--help", OPTION_FLAG, &s->help, 0, 0, "this list" },
    };
    assert(sizeof shared / sizeof *shared < SPECS_MAX);
    memcpy(specs, shared, sizeof shared);
    return sizeof shared / sizeof *shared;
}

int settings_parse(struct settings *s, const struct option_spec *own, size_t own_count, int argc,
                   char **argv, int *status)
{
    struct option_spec specs[SPECS_MAX];
    struct lstm_error err;
    size_t count = shared_options(s, specs);
    assert(count + own_count <= SPECS_MAX);
    memcpy(specs + count, own, own_count * sizeof *own);
    count += own_count;
    enum lstm_status rc = options_parse(argc, argv, specs, count, &err);
    if (!rc && s->help) {
        options_help(specs, count);
        *status = 0;
        return 0;
    }
    if (!rc && s->run.resume && !s->run.checkpoint)
        rc = lstm_fail(&err, LSTM_RANGE, "--resume needs --checkpoint");
    if (rc) {
        fprintf(stderr, "lstm-train %s: %s\n", argv[0], err.text);
        *status = 2;
        return 0;
    }
    if (s->store.name && !s->store.database)
        s->store.database = s->train.database;
    s->valid.database = s->valid.query ? s->train.database : NULL;
    s->valid.text_column = s->valid.csv ? s->train.text_column : NULL;
    s->valid.label_column = s->valid.csv ? s->train.label_column : NULL;
    return 1;
}
