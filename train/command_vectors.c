/* lstm-train vectors: rows of text in, a vocabulary and word vectors out, as one safetensors file.
 */
#include "train/commands.h"
#include "train/embedding.h"
#include "train/options.h"
#include "train/progress.h"
#include "train/rows.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct settings {
    struct rows_source source;
    struct embedding_options embedding;
    const char *out;
    int help;
};

static void on_interrupt(int signal_number)
{
    static const char message[] = "\nlstm-train vectors: interrupted, nothing was written\n";
    if (write(STDERR_FILENO, message, sizeof message - 1) < 0)
        _exit(1);
    _exit(128 + signal_number);
}

static enum lstm_status run(const struct settings *settings, struct lstm_error *err)
{
    struct rows rows;
    struct lstm_tokenizer *tokenizer = NULL;
    float *vectors = NULL;
    double began = progress_now();
    enum lstm_status rc = rows_read(&settings->source, &rows, err);
    if (rc)
        return rc;
    fprintf(stderr, "rows: %d, %d without text, %.1f s\n", rows.count, rows.skipped,
            progress_now() - began);
    if ((rc = embedding_learn(&rows, &settings->embedding, &tokenizer, &vectors, err)))
        goto done;
    signal(SIGINT, SIG_IGN); /* what was learned is written whole, which takes a moment */
    signal(SIGTERM, SIG_IGN);
    if ((rc = vectors_write(settings->out, tokenizer, vectors,
                            settings->embedding.vectors.dimension, err)))
        goto done;
    printf("%s: %d vectors of %d\n", settings->out, lstm_tokenizer_vocab(tokenizer),
           settings->embedding.vectors.dimension);
done:
    free(vectors);
    lstm_tokenizer_close(tokenizer);
    rows_free(&rows);
    return rc;
}

int command_vectors(int argc, char **argv)
{
    struct settings s = {
        .embedding = embedding_defaults,
        .out = "vectors.safetensors",
    };
    const struct option_spec specs[] = {
        { "--db", OPTION_TEXT, &s.source.database, 0, 0, "a SQLite database, with --sql" },
        { "--sql", OPTION_TEXT, &s.source.query, 0, 0, "SELECT text ..." },
        { "--csv", OPTION_TEXT, &s.source.csv, 0, 0,
          "a CSV file with a header line, also .xz, with --text" },
        { "--text", OPTION_TEXT, &s.source.text_column, 0, 0, "the column that holds the text" },
        { "--vocab", OPTION_INT, &s.embedding.bpe.vocab, 512, LSTM_VOCAB_MAX,
          "tokens of the vocabulary that is learned" },
        { "--tokenizer", OPTION_TEXT, &s.embedding.tokenizer_path, 0, 0,
          "take the vocabulary of an earlier vectors file" },
        { "--dimension", OPTION_INT, &s.embedding.vectors.dimension, 16, 1024,
          "length of a vector, a multiple of 16" },
        { "--epochs", OPTION_INT, &s.embedding.vectors.epochs, 1, 1000, "passes over the texts" },
        { "--window", OPTION_INT, &s.embedding.vectors.window, 1, 64,
          "context tokens on both sides, at most" },
        { "--negatives", OPTION_INT, &s.embedding.vectors.negatives, 1, 64,
          "drawn tokens each real one is told apart from" },
        { "--subsample", OPTION_REAL, &s.embedding.vectors.subsample, 0, 1,
          "share from which a token is thinned out, 0: never" },
        { "--rate", OPTION_REAL, &s.embedding.vectors.rate, 1e-6, 1, "learning rate, falls to 0" },
        { "--seed", OPTION_SEED, &s.embedding.vectors.seed, 0, 0,
          "the same seed gives the same file" },
        { "--out", OPTION_TEXT, &s.out, 0, 0, "the file to write" },
        { "--help", OPTION_FLAG, &s.help, 0, 0, "show this" },
    };
    const size_t count = sizeof specs / sizeof *specs;
    struct lstm_error err;
    if (options_parse(argc, argv, specs, count, &err)) {
        fprintf(stderr, "lstm-train vectors: %s\n", err.text);
        return 2;
    }
    if (s.help) {
        printf("usage: lstm-train vectors --db FILE --sql SELECT | --csv FILE --text COLUMN "
               "[--option value]...\n\n");
        options_help(specs, count);
        return 0;
    }
    signal(SIGINT, on_interrupt);
    signal(SIGTERM, on_interrupt);
    if (run(&s, &err)) {
        fprintf(stderr, "lstm-train vectors: %s\n", err.text);
        return 1;
    }
    return 0;
}
