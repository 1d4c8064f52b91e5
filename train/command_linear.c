/* lstm-train linear: labelled rows in, what a linear model thinks of other rows out, as a table. */
#include "train/commands.h"
#include "train/embedding.h"
#include "train/linear.h"
#include "train/options.h"

#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

enum { BUSY_MS = 60000 }; /* for another writer to finish */

struct settings {
    struct rows_source train, score;
    const char *vectors_path, *database, *table;
    struct linear_options linear;
    int help;
};

static enum lstm_status failed(const struct settings *s, sqlite3 *db, struct lstm_error *err)
{
    return lstm_fail(err, LSTM_UNAVAILABLE, "%s: the scores could not be stored in %s: %s",
                     s->database, s->table, sqlite3_errmsg(db));
}

/* The table is made by the transaction that fills it. */
static enum lstm_status begin(const struct settings *s, sqlite3 *db, sqlite3_stmt **insert,
                              struct lstm_error *err)
{
    char *create =
        sqlite3_mprintf("BEGIN IMMEDIATE; CREATE TABLE \"%w\"(key, probability REAL)", s->table);
    char *sql = sqlite3_mprintf("INSERT INTO \"%w\" VALUES (?1, ?2)", s->table);
    enum lstm_status rc = LSTM_OK;
    if (!create || !sql)
        rc = lstm_fail(err, LSTM_NOMEM, "out of memory");
    else if (sqlite3_exec(db, create, NULL, NULL, NULL) ||
             sqlite3_prepare_v2(db, sql, -1, insert, NULL))
        rc = failed(s, db, err);
    sqlite3_free(create);
    sqlite3_free(sql);
    return rc;
}

static enum lstm_status insert_scores(const struct settings *s, struct linear *linear,
                                      const struct lstm_tokenizer *tokenizer,
                                      const struct rows *rows, sqlite3 *db, sqlite3_stmt *insert,
                                      struct lstm_error *err)
{
    enum lstm_status rc = LSTM_OK;
    struct lstm_tokens tokens = { 0 };
    for (int32_t i = 0; i < rows->count && !rc; i++) {
        const struct row *row = &rows->rows[i];
        double log_odds;
        tokens.count = 0;
        if ((rc = lstm_tokenize(tokenizer, row->text, row->size, 0, &tokens, err)) ||
            (rc = linear_score(linear, tokens.ids, tokens.count, &log_odds, err)))
            break;
        sqlite3_bind_text(insert, 1, row->label, -1, SQLITE_STATIC);
        sqlite3_bind_double(insert, 2, 1 / (1 + exp(-log_odds)));
        if (sqlite3_step(insert) != SQLITE_DONE)
            rc = failed(s, db, err);
        sqlite3_reset(insert);
    }
    lstm_tokens_free(&tokens);
    return rc;
}

static enum lstm_status store(const struct settings *s, struct linear *linear,
                              const struct lstm_tokenizer *tokenizer, const struct rows *rows,
                              struct lstm_error *err)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *insert = NULL;
    enum lstm_status rc = LSTM_OK;
    if (sqlite3_open_v2(s->database, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL))
        rc = failed(s, db, err);
    sqlite3_busy_timeout(db, BUSY_MS);
    if (!rc && !(rc = begin(s, db, &insert, err)))
        rc = insert_scores(s, linear, tokenizer, rows, db, insert, err);
    sqlite3_finalize(insert);
    if (!rc && sqlite3_exec(db, "COMMIT", NULL, NULL, NULL))
        rc = failed(s, db, err);
    sqlite3_close(db); /* what was not committed is rolled back */
    return rc;
}

static enum lstm_status check(const struct settings *s, struct lstm_error *err)
{
    const struct {
        const char *name, *value;
    } needed[] = { { "--score-sql", s->score.query },
                   { "--vectors", s->vectors_path },
                   { "--into", s->database },
                   { "--table", s->table } };
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (!needed[i].value)
            return lstm_fail(err, LSTM_RANGE, "%s is missing (see --help)", needed[i].name);
    return LSTM_OK;
}

/* A score without a key could not be told from the others. */
static enum lstm_status check_keys(const struct rows *rows, struct lstm_error *err)
{
    if (rows->count > 0 && !rows->rows[0].label)
        return lstm_fail(err, LSTM_RANGE,
                         "--score-sql gives 1 column, expected 2: the text and a key");
    return LSTM_OK;
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
    enum lstm_status rc = check(s, err);
    if (rc || (rc = rows_read(&s->train, &train, err)) ||
        (rc = rows_read(&s->score, &score, err)) || (rc = check_keys(&score, err)) ||
        (rc = labels_collect(&train, 1, &labels, err)) ||
        (rc = vectors_read(s->vectors_path, &tokenizer, &vectors, &dimension, err)) ||
        (rc = dataset_open(tokenizer, &train, &labels, &dataset, err)) ||
        (rc = linear_learn(&dataset, &s->linear, &linear, err)) ||
        (rc = store(s, linear, tokenizer, &score, err)))
        goto done;
    printf("%s: %d texts scored, by %d that were learned from\n", s->table, score.count,
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
                              .order = 2, .bits = 22, .epochs = 5, .rate = 0.1, .seed = 1 } };
    const struct option_spec specs[] = {
        { "--db", OPTION_TEXT, &s.train.database, 0, 0, "a SQLite database" },
        { "--sql", OPTION_TEXT, &s.train.query, 0, 0, "SELECT text, label to learn from" },
        { "--score-sql", OPTION_TEXT, &s.score.query, 0, 0,
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
        { "--into", OPTION_TEXT, &s.database, 0, 0, "the database that takes the scores" },
        { "--table", OPTION_TEXT, &s.table, 0, 0,
          "their new table: key, probability (of positive)" },
        { "--help", OPTION_FLAG, &s.help, 0, 0, "this list" },
    };
    const size_t count = sizeof specs / sizeof *specs;
    struct lstm_error err;
    if (options_parse(argc, argv, specs, count, &err)) {
        fprintf(stderr, "lstm-train linear: %s\n", err.text);
        return 2;
    }
    if (s.help) {
        printf("usage: lstm-train linear --db FILE --sql SELECT --score-sql SELECT --vectors FILE "
               "--into DATABASE --table NAME [--option value]...\n\n");
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
