/* How fast the default model scores, from text to probabilities, on this machine: the tokenizer
 * alone, batches of several sizes on every instruction set, and one short text. Texts are the
 * reviews of sql/demo_reviews.sql, joined to the length of film reviews. Run it by `make bench`
 * from the root of the repository. */
#include "model/backend.h"
#include "model/scorer.h"
#include "model/tokenizer.h"
#include "train/files.h"
#include "train/progress.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXTS = 256, REVIEWS_PER_TEXT = 5, RUNS = 5 };

static struct lstm_text texts[TEXTS];

static void check(int failed, const char *what)
{
    if (failed) {
        fprintf(stderr, "bench: %s\n", what);
        exit(1);
    }
}

/* Text i is the reviews i, i + 1, ... one after another. */
static void read_texts(void)
{
    unsigned char *script;
    size_t size;
    sqlite3 *db;
    sqlite3_stmt *statement;
    struct lstm_error err;
    check(file_read("sql/demo_reviews.sql", &script, &size, &err) ||
              sqlite3_open(":memory:", &db) ||
              sqlite3_exec(db, (const char *)script, NULL, NULL, NULL),
          "sql/demo_reviews.sql cannot be read");
    check(sqlite3_prepare_v2(
              db,
              "SELECT group_concat(body, ' ') FROM (SELECT r.body FROM reviews AS r ORDER BY "
              "(r.id + ?1 * 7) % (SELECT count(*) FROM reviews), r.id LIMIT ?2)",
              -1, &statement, NULL),
          sqlite3_errmsg(db));
    for (int i = 0; i < TEXTS; i++) {
        sqlite3_bind_int(statement, 1, i);
        sqlite3_bind_int(statement, 2, 1 + i % (2 * REVIEWS_PER_TEXT - 1));
        check(sqlite3_step(statement) != SQLITE_ROW, sqlite3_errmsg(db));
        size = (size_t)sqlite3_column_bytes(statement, 0);
        char *bytes = malloc(size + 1);
        check(!bytes, "out of memory");
        memcpy(bytes, sqlite3_column_text(statement, 0), size);
        texts[i] = (struct lstm_text){ bytes, size };
        sqlite3_reset(statement);
    }
    sqlite3_finalize(statement);
    sqlite3_close(db);
    free(script);
}

static void bench_tokenizer(const struct lstm_model *model)
{
    struct lstm_tokens tokens = { 0 };
    struct lstm_error err;
    double best = 1e9;
    size_t bytes = 0;
    for (int run = 0; run < RUNS; run++) {
        double began = progress_now();
        bytes = 0;
        for (int repeat = 0; repeat < 20; repeat++) {
            tokens.count = 0;
            for (int i = 0; i < TEXTS; i++, bytes += texts[i - 1].size)
                check(lstm_tokenize(model->tokenizer, texts[i].bytes, texts[i].size, 0, &tokens,
                                    &err),
                      err.text);
        }
        double seconds = progress_now() - began;
        best = seconds < best ? seconds : best;
    }
    printf("tokenizer                       %8.1f MB/s\n", 1e-6 * (double)bytes / best);
    lstm_tokens_free(&tokens);
}

/* Texts of a batch behind the seam, tokens ready. */
static void bench_backend(const struct lstm_model *model, const char *isa, int batch_texts)
{
    const struct lstm_backend *backend = lstm_backend_cpu(isa);
    struct lstm_tokens tokens = { 0 };
    struct lstm_loaded *loaded;
    struct lstm_session *session;
    struct lstm_error err;
    static int32_t starts[TEXTS + 1];
    static float logits[TEXTS * LSTM_CLASSES_MAX];
    double best = 1e9;
    if (!backend)
        return;
    for (int i = 0; i < TEXTS; i++) {
        check(lstm_tokenize(model->tokenizer, texts[i].bytes, texts[i].size, 0, &tokens, &err),
              err.text);
        starts[i + 1] = tokens.count;
    }
    check(backend->load(model, &loaded, &err) || backend->open(loaded, &session, &err), err.text);
    for (int run = 0; run < RUNS; run++) {
        double began = progress_now();
        for (int i = 0; i < TEXTS; i += batch_texts) {
            struct lstm_batch batch = { .texts = batch_texts,
                                        .tokens = tokens.ids,
                                        .starts = starts + i };
            check(backend->classify(session, &batch, logits, &err), err.text);
        }
        double seconds = progress_now() - began;
        best = seconds < best ? seconds : best;
        if (seconds > 2) /* the plain C kernels are slow enough to measure once */
            break;
    }
    printf("%-12s batch %3d           %8.0f tokens/s %8.0f texts/s\n", backend->name, batch_texts,
           tokens.count / best, TEXTS / best);
    backend->close(session);
    backend->unload(loaded);
    lstm_tokens_free(&tokens);
}

static void bench_short(const struct lstm_scorer *scorer)
{
    static const char short_text[] =
        "The strap broke on the second day and nobody answered my letter.";
    const struct lstm_text text = { short_text, sizeof short_text - 1 };
    struct lstm_worker *worker;
    struct lstm_error err;
    float probabilities[LSTM_CLASSES_MAX];
    int32_t tokens = 0;
    double best = 1e9;
    check(lstm_worker_open(scorer, &worker, &err), err.text);
    for (int run = 0; run < 200; run++) {
        double began = progress_now();
        check(lstm_worker_classify(worker, &text, 1, NULL, NULL, probabilities, &tokens, &err),
              err.text);
        double seconds = progress_now() - began;
        best = seconds < best ? seconds : best;
    }
    printf("one text of %d tokens           %8.3f ms, from text to probabilities\n", tokens,
           1e3 * best);
    lstm_worker_close(worker);
}

int main(void)
{
    static const char *const isas[] = { "generic", "avx2", "avx512" };
    static const int batches[] = { 1, 32, TEXTS };
    unsigned char *blob;
    size_t size;
    struct lstm_scorer *scorer;
    struct lstm_error err;
    read_texts();
    check(file_read("model/default_sentiment.safetensors", &blob, &size, &err) ||
              lstm_scorer_open(blob, size, "cpu", &scorer, &err),
          err.text);
    bench_tokenizer(lstm_scorer_model(scorer));
    bench_short(scorer);
    for (size_t i = 0; i < sizeof isas / sizeof *isas; i++)
        for (size_t j = 0; j < sizeof batches / sizeof *batches; j++)
            bench_backend(lstm_scorer_model(scorer), isas[i], batches[j]);
    lstm_scorer_close(scorer);
    for (int i = 0; i < TEXTS; i++)
        free((void *)(uintptr_t)texts[i].bytes);
    free(blob);
    return 0;
}
