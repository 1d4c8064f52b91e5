/* lstm-train vectors: rows of text in, a vocabulary and word vectors out, as one safetensors file. */
#include "train/bpe.h"
#include "train/commands.h"
#include "train/options.h"
#include "train/progress.h"
#include "train/rows.h"
#include "train/vectors.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct settings {
    struct rows_source source;
    struct bpe_options bpe;
    struct vectors_options vectors;
    const char *tokenizer_path, *out;
    int help;
};

/* The corpus as tokens. */
struct corpus {
    struct lstm_tokens tokens;
    int64_t *starts; /* texts + 1 */
    int32_t texts;
};

static void on_interrupt(int signal_number)
{
    static const char message[] = "\nlstm-train vectors: interrupted, nothing was written\n";
    if (write(STDERR_FILENO, message, sizeof message - 1) < 0)
        _exit(1);
    _exit(128 + signal_number);
}

static enum lstm_status learn_vocabulary(const struct settings *settings, const struct rows *rows,
                                         struct lstm_tokenizer **tokenizer, struct lstm_error *err)
{
    char *vocabulary = NULL;
    size_t size = 0;
    double began = progress_now();
    enum lstm_status rc = bpe_learn(rows, &settings->bpe, &vocabulary, &size, err);
    if (!rc)
        rc = lstm_tokenizer_open(vocabulary, size, tokenizer, err);
    free(vocabulary);
    if (!rc)
        fprintf(stderr, "vocabulary: %d tokens, %.1f s\n", lstm_tokenizer_vocab(*tokenizer), progress_now() - began);
    return rc;
}

static enum lstm_status read_vocabulary(const char *path, struct lstm_tokenizer **tokenizer, struct lstm_error *err)
{
    float *vectors = NULL;
    int32_t dimension;
    enum lstm_status rc = vectors_read(path, tokenizer, &vectors, &dimension, err);
    free(vectors);
    if (!rc)
        fprintf(stderr, "vocabulary: %d tokens of %s\n", lstm_tokenizer_vocab(*tokenizer), path);
    return rc;
}

static enum lstm_status tokenize(const struct lstm_tokenizer *tokenizer, const struct rows *rows, struct corpus *corpus,
                                 struct lstm_error *err)
{
    double began = progress_now();
    size_t bytes = 0;
    corpus->starts = calloc((size_t)rows->count + 1, sizeof *corpus->starts);
    if (!corpus->starts)
        return lstm_fail(err, LSTM_NOMEM, "no memory for %d texts", rows->count);
    for (int32_t i = 0; i < rows->count; i++) {
        enum lstm_status rc = lstm_tokenize(tokenizer, rows->rows[i].text, rows->rows[i].size, 0, &corpus->tokens, err);
        if (rc)
            return rc;
        bytes += rows->rows[i].size;
        corpus->starts[i + 1] = corpus->tokens.count;
    }
    corpus->texts = rows->count;
    fprintf(stderr, "tokens: %d, %.2f bytes each, %.3f%% of the bytes by fallback, %.1f s\n", corpus->tokens.count,
            (double)bytes / (double)(corpus->tokens.count ? corpus->tokens.count : 1),
            100.0 * (double)corpus->tokens.fallback_bytes / (double)(bytes ? bytes : 1), progress_now() - began);
    return LSTM_OK;
}

/* The rows are freed before the vectors are learned: by then only the tokens are needed. */
static enum lstm_status prepare(const struct settings *settings, struct lstm_tokenizer **tokenizer,
                                struct corpus *corpus, struct lstm_error *err)
{
    struct rows rows;
    double began = progress_now();
    enum lstm_status rc = rows_read(&settings->source, &rows, err);
    if (rc)
        return rc;
    fprintf(stderr, "rows: %d, %d without text, %.1f s\n", rows.count, rows.skipped, progress_now() - began);
    rc = settings->tokenizer_path ? read_vocabulary(settings->tokenizer_path, tokenizer, err)
                                  : learn_vocabulary(settings, &rows, tokenizer, err);
    if (!rc)
        rc = tokenize(*tokenizer, &rows, corpus, err);
    rows_free(&rows);
    return rc;
}

static enum lstm_status run(const struct settings *settings, struct lstm_error *err)
{
    struct lstm_tokenizer *tokenizer = NULL;
    struct corpus corpus = { 0 };
    float *vectors = NULL;
    int32_t vocab, dimension = settings->vectors.dimension;
    enum lstm_status rc = prepare(settings, &tokenizer, &corpus, err);
    if (rc)
        goto done;
    vocab = lstm_tokenizer_vocab(tokenizer);
    if (!(vectors = malloc((size_t)vocab * (size_t)dimension * sizeof *vectors))) {
        rc = lstm_fail(err, LSTM_NOMEM, "no memory for vectors of %d x %d", vocab, dimension);
        goto done;
    }
    if ((rc = vectors_learn(corpus.tokens.ids, corpus.starts, corpus.texts, vocab, &settings->vectors, vectors, err)))
        goto done;
    signal(SIGINT, SIG_IGN); /* what was learned is written whole, which takes a moment */
    signal(SIGTERM, SIG_IGN);
    if ((rc = vectors_write(settings->out, tokenizer, vectors, dimension, err)))
        goto done;
    printf("%s: %d vectors of %d\n", settings->out, vocab, dimension);
done:
    free(vectors);
    free(corpus.starts);
    lstm_tokens_free(&corpus.tokens);
    lstm_tokenizer_close(tokenizer);
    return rc;
}

int command_vectors(int argc, char **argv)
{
    struct settings s = {
        .bpe = { .vocab = 16384, .character_min = 50, .pair_min = 20 },
        .vectors = { .dimension = 128,
                     .epochs = 5,
                     .window = 5,
                     .negatives = 5,
                     .subsample = 1e-4,
                     .rate = 0.05,
                     .seed = 1 },
        .out = "vectors.safetensors",
    };
    const struct option_spec specs[] = {
        { "--db", OPTION_TEXT, &s.source.database, 0, 0, "a SQLite database, with --query" },
        { "--query", OPTION_TEXT, &s.source.query, 0, 0, "SELECT text ..." },
        { "--csv", OPTION_TEXT, &s.source.csv, 0, 0, "a CSV file with a header line, also .xz, with --text" },
        { "--text", OPTION_TEXT, &s.source.text_column, 0, 0, "the column that holds the text" },
        { "--vocab", OPTION_INT, &s.bpe.vocab, 512, LSTM_VOCAB_MAX, "tokens of the vocabulary that is learned" },
        { "--tokenizer", OPTION_TEXT, &s.tokenizer_path, 0, 0, "take the vocabulary of an earlier vectors file" },
        { "--dimension", OPTION_INT, &s.vectors.dimension, 16, 1024, "length of a vector, a multiple of 16" },
        { "--epochs", OPTION_INT, &s.vectors.epochs, 1, 1000, "passes over the texts" },
        { "--window", OPTION_INT, &s.vectors.window, 1, 64, "context tokens on both sides, at most" },
        { "--negatives", OPTION_INT, &s.vectors.negatives, 1, 64, "drawn tokens each real one is told apart from" },
        { "--subsample", OPTION_REAL, &s.vectors.subsample, 0, 1, "share from which a token is thinned out, 0: never" },
        { "--rate", OPTION_REAL, &s.vectors.rate, 1e-6, 1, "learning rate, falls to 0" },
        { "--seed", OPTION_SEED, &s.vectors.seed, 0, 0, "the same seed gives the same file" },
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
        printf("usage: lstm-train vectors --db FILE --query SELECT | --csv FILE --text COLUMN [--option value]...\n\n");
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
