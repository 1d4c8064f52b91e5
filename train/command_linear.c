/* lstm-train linear: labelled rows in, what a linear model thinks of other rows out, as CSV. */
#include "train/commands.h"
#include "train/embedding.h"
#include "train/files.h"
#include "train/linear.h"
#include "train/options.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct settings {
    struct rows_source train, score;
    const char *vectors_path, *out;
    struct linear_options linear;
    int help;
};

/* Two columns: the row's key, and the probability of positive. */
static enum lstm_status write_scores(const struct settings *s, struct linear *linear,
                                     const struct lstm_tokenizer *tokenizer,
                                     const struct rows *rows, struct lstm_error *err)
{
    enum lstm_status rc = LSTM_OK;
    struct lstm_tokens tokens = { 0 };
    FILE *file = fopen(s->out, "w");
    if (!file)
        return lstm_fail(err, LSTM_UNAVAILABLE, "%s: cannot be written", s->out);
    fprintf(file, "key,probability\n");
    for (int32_t i = 0; i < rows->count && !rc; i++) {
        const struct row *row = &rows->rows[i];
        double log_odds;
        tokens.count = 0;
        if ((rc = lstm_tokenize(tokenizer, row->text, row->size, 0, &tokens, err)) ||
            (rc = linear_score(linear, tokens.ids, tokens.count, &log_odds, err)))
            break;
        fprintf(file, "%s,%.6f\n", row->label, 1 / (1 + exp(-log_odds)));
    }
    lstm_tokens_free(&tokens);
    if (fclose(file) && !rc)
        rc = lstm_fail(err, LSTM_UNAVAILABLE, "%s: cannot be written whole", s->out);
    return rc;
}

static enum lstm_status run(const struct settings *s, struct lstm_error *err)
{
    struct rows train = { 0 }, score = { 0 };
    struct dataset dataset = { 0 };
    struct linear *linear = NULL;
    struct lstm_tokenizer *tokenizer = NULL;
    float *vectors = NULL;
    int32_t dimension;
    static struct labels labels;
    enum lstm_status rc = rows_read(&s->train, &train, err);
    if (rc || (rc = rows_read(&s->score, &score, err)) ||
        (rc = labels_collect(&train, 1, &labels, err)) ||
        (rc = vectors_read(s->vectors_path, &tokenizer, &vectors, &dimension, err)) ||
        (rc = dataset_open(tokenizer, &train, &labels, &dataset, err)) ||
        (rc = linear_learn(&dataset, &s->linear, &linear, err)) ||
        (rc = write_scores(s, linear, tokenizer, &score, err)))
        goto done;
    printf("%s: %d texts scored, by %d that were learned from\n", s->out, score.count,
           dataset.texts);
done:
    linear_free(linear);
    dataset_close(&dataset);
    lstm_tokenizer_close(tokenizer);
    free(vectors);
    rows_free(&train);
    rows_free(&score);
    return rc;
}

int command_linear(int argc, char **argv)
{
    struct settings s = { .linear = {
                              .order = 3, .bits = 22, .epochs = 5, .rate = 0.1, .seed = 1 } };
    const struct option_spec specs[] = {
        { "--db", OPTION_TEXT, &s.train.database, 0, 0, "a SQLite database" },
        { "--query", OPTION_TEXT, &s.train.query, 0, 0, "SELECT text, label to learn from" },
        { "--score-query", OPTION_TEXT, &s.score.query, 0, 0,
          "SELECT text, key of the rows to score" },
        { "--vectors", OPTION_TEXT, &s.vectors_path, 0, 0,
          "what lstm-train vectors wrote: its vocabulary is used" },
        { "--order", OPTION_INT, &s.linear.order, 1, 5, "longest n-grams, in tokens" },
        { "--bits", OPTION_INT, &s.linear.bits, 10, 26, "they are hashed to 2^bits features" },
        { "--epochs", OPTION_INT, &s.linear.epochs, 0, 1000, "passes over the texts" },
        { "--rate", OPTION_REAL, &s.linear.rate, 1e-6, 10, "learning rate of Adagrad" },
        { "--decay", OPTION_REAL, &s.linear.decay, 0, 10,
          "how strongly weights stay at naive Bayes" },
        { "--seed", OPTION_SEED, &s.linear.seed, 0, 0, "of the order of the texts" },
        { "--out", OPTION_TEXT, &s.out, 0, 0, "the CSV file to write: key,probability" },
        { "--help", OPTION_FLAG, &s.help, 0, 0, "this list" },
    };
    const size_t count = sizeof specs / sizeof *specs;
    struct lstm_error err;
    if (options_parse(argc, argv, specs, count, &err)) {
        fprintf(stderr, "lstm-train linear: %s\n", err.text);
        return 2;
    }
    if (s.help) {
        options_help(specs, count);
        return 0;
    }
    s.score.database = s.train.database;
    if (run(&s, &err)) {
        fprintf(stderr, "lstm-train linear: %s\n", err.text);
        return 1;
    }
    return 0;
}
