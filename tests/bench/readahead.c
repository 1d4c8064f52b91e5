/* What SQL costs over the bare engine: scalar functions that read ahead, against
 * lstm_worker_classify over the same texts in batches of the best size, no SQL. Then what
 * read-ahead costs where it cannot help. Texts are the reviews of sql/demo_reviews.sql, joined to
 * the length of film reviews. */
#include "ext/embedded.h"
#include "ext/result_cache.h"
#include "model/scorer.h"
#include "tests/bench/parts.h"
#include "tests/bench/race.h"
#include "train/files.h"
#include "train/progress.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXTS = 500, SHORT_TEXTS = 20000, RUNS = 5 };

int sqlite3_lstmext_init(sqlite3 *db, char **message, const void *api);

static sqlite3 *db;
static struct lstm_scorer *scorer;
static struct lstm_worker *worker;

static void check(int failed, const char *what)
{
    if (failed) {
        fprintf(stderr, "bench: %s\n", what);
        exit(1);
    }
}

/* The message is fetched when the call is over. */
static void check_sql(int failed)
{
    check(failed, sqlite3_errmsg(db));
}

static void run(const char *sql)
{
    check_sql(sqlite3_exec(db, sql, NULL, NULL, NULL));
}

static sqlite3_stmt *prepare(const char *sql)
{
    sqlite3_stmt *s = NULL;
    check_sql(sqlite3_prepare_v2(db, sql, -1, &s, NULL));
    return s;
}

static sqlite3_int64 number(const char *sql)
{
    sqlite3_stmt *s = prepare(sql);
    check_sql(sqlite3_step(s) != SQLITE_ROW);
    sqlite3_int64 value = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return value;
}

/* Text i of a table: some reviews one after another, or the first bytes of one, and i. */
static void fill(const char *sql, const struct lstm_text *reviews, int32_t review_count,
                 int32_t count, int32_t joined, size_t size_max)
{
    char body[4000];
    sqlite3_stmt *s = prepare(sql);
    run("BEGIN");
    for (int32_t i = 1; i <= count; i++) {
        size_t size = 0;
        for (int32_t j = 0; j < 1 + i % joined; j++) {
            const struct lstm_text *review = &reviews[(i * 7 + j * (1 + i % 5)) % review_count];
            size_t more = review->size < size_max ? review->size : size_max;
            if (size + more + 20 > sizeof body)
                break;
            memcpy(body + size, review->bytes, more);
            size += more;
            body[size++] = ' ';
        }
        size += (size_t)snprintf(body + size, sizeof body - size, "%d", (int)i);
        sqlite3_bind_int(s, 1, i);
        sqlite3_bind_text(s, 2, body, (int)size, SQLITE_STATIC);
        sqlite3_bind_int(s, 3, i * 31 % 10);
        check_sql(sqlite3_step(s) != SQLITE_DONE);
        sqlite3_reset(s);
    }
    sqlite3_finalize(s);
    run("COMMIT");
}

static void free_texts(struct lstm_text *texts, int32_t count)
{
    for (int32_t i = 0; i < count; i++)
        free((void *)(uintptr_t)texts[i].bytes);
    free(texts);
}

static struct lstm_text *read_texts(const char *sql, int32_t count)
{
    struct lstm_text *texts = malloc((size_t)count * sizeof *texts);
    sqlite3_stmt *s = prepare(sql);
    check(!texts, "out of memory");
    for (int32_t i = 0; i < count; i++) {
        check(sqlite3_step(s) != SQLITE_ROW, "too few texts");
        texts[i].size = (size_t)sqlite3_column_bytes(s, 0);
        char *bytes = malloc(texts[i].size + 1);
        check(!bytes, "out of memory");
        memcpy(bytes, sqlite3_column_text(s, 0), texts[i].size);
        texts[i].bytes = bytes;
    }
    sqlite3_finalize(s);
    return texts;
}

static void make_tables(void)
{
    unsigned char *script;
    size_t size;
    struct lstm_error err;
    check(file_read("sql/demo_reviews.sql", &script, &size, &err) != LSTM_OK,
          "sql/demo_reviews.sql cannot be read");
    run((const char *)script);
    free(script);
    run("CREATE TABLE long(id INTEGER PRIMARY KEY, body TEXT, shop INT, score REAL);"
        "CREATE TABLE short(id INTEGER PRIMARY KEY, body TEXT, shop INT, score REAL);"
        "CREATE TABLE result(id INTEGER PRIMARY KEY, score REAL)");
    int32_t count = (int32_t)number("SELECT count(*) FROM reviews WHERE body IS NOT NULL");
    struct lstm_text *reviews =
        read_texts("SELECT body FROM reviews WHERE body IS NOT NULL", count);
    fill("INSERT INTO long(id, body, shop) VALUES (?1, ?2, ?3)", reviews, count, TEXTS, 20, 1000);
    fill("INSERT INTO short(id, body, shop) VALUES (?1, ?2, ?3)", reviews, count, SHORT_TEXTS, 1,
         30);
    free_texts(reviews, count);
}

static void forget_results(void)
{
    size_t limit = result_cache_state().limit;
    result_cache_limit(0);
    result_cache_limit(limit);
}

static double engine_seconds(const struct lstm_text *texts, int32_t count, int32_t batch)
{
    static float probabilities[4096 * LSTM_CLASSES_MAX];
    static int32_t tokens[4096];
    struct lstm_error err;
    double began = progress_now();
    for (int32_t i = 0; i < count; i += batch)
        check(lstm_worker_classify(worker, texts + i, count - i < batch ? count - i : batch, NULL,
                                   NULL, probabilities, tokens, &err) != LSTM_OK,
              err.text);
    return progress_now() - began;
}

/* The size of batches that suits the engine best. */
static int32_t best_batch(const struct lstm_text *texts, int32_t count)
{
    static const int32_t batches[] = { 64, 256, 1024 };
    int32_t best = batches[0];
    double least = 1e9;
    for (size_t i = 0; i < sizeof batches / sizeof *batches; i++) {
        double seconds = engine_seconds(texts, count, batches[i]);
        best = seconds < least ? batches[i] : best;
        least = seconds < least ? seconds : least;
    }
    return best;
}

static double sql_seconds(const char *sql)
{
    forget_results();
    double began = progress_now();
    run(sql);
    return progress_now() - began;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Each run of the statement between two of the engine, since what else the machine does changes by
 * the second; the median of the runs. */
static void against_engine(const char *what, const char *sql, const struct lstm_text *texts,
                           int32_t count, double bar)
{
    const int32_t batch = best_batch(texts, count);
    char line[80];
    double share[RUNS], best = 1e9, before = engine_seconds(texts, count, batch);
    for (int i = 0; i < RUNS; i++) {
        double statement = sql_seconds(sql), after = engine_seconds(texts, count, batch);
        share[i] = (before + after) / 2 / statement;
        best = after < best ? after : best;
        before = after;
    }
    qsort(share, RUNS, sizeof *share, by_size);
    snprintf(line, sizeof line, "%s texts/s", what);
    race_print(line, "engine", share[RUNS / 2] * count / best, count / best, bar, 0);
}

static void lone_text(const struct lstm_text *texts)
{
    double engine = 1e9, statement = 1e9;
    sqlite3_stmt *s = prepare("SELECT lstm_sentiment(?1)");
    for (int i = 0; i < 200; i++) {
        double began = progress_now();
        engine_seconds(texts + i, 1, 1);
        double seconds = progress_now() - began;
        engine = seconds < engine ? seconds : engine;
        forget_results();
        sqlite3_bind_text(s, 1, texts[i].bytes, (int)texts[i].size, SQLITE_STATIC);
        began = progress_now();
        check_sql(sqlite3_step(s) != SQLITE_ROW);
        sqlite3_reset(s);
        seconds = progress_now() - began;
        statement = seconds < statement ? seconds : statement;
    }
    sqlite3_finalize(s);
    race_print("SELECT lstm_sentiment('...') ms", "engine", 1e3 * statement, 1e3 * engine, 1 / 1.2,
               1);
}

static void limited(void)
{
    static const char sql[] = "SELECT id FROM long WHERE lstm_sentiment(body) > 0.9 LIMIT 10";
    sqlite3_stmt *s = prepare(sql);
    sqlite3_int64 last = 0, before = number("SELECT lstm_stats() ->> 'texts'");
    forget_results();
    while (sqlite3_step(s) == SQLITE_ROW)
        last = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    race_print("WHERE > 0.9 LIMIT 10 texts scored", "had to be",
               (double)(number("SELECT lstm_stats() ->> 'texts'") - before), (double)last, 1 / 3.0,
               1);
}

/* The same statement with length() in place of our function. */
static double scan_seconds(const char *sql)
{
    static const char ours[] = "lstm_sentiment(";
    char scan[500], *out = scan;
    for (const char *call; (call = strstr(sql, ours)); sql = call + strlen(ours))
        out += snprintf(out, sizeof scan - (size_t)(out - scan), "%.*slength(", (int)(call - sql),
                        sql);
    snprintf(out, sizeof scan - (size_t)(out - scan), "%s", sql);
    return sql_seconds(scan);
}

/* Where there is little to read ahead: on, against off and a tenth more and one scan. */
static void against_off(const char *what, const char *sql)
{
    enum { OFF_RUNS = 4 * RUNS };
    char line[80];
    double share[OFF_RUNS], least = 1e9;
    for (int i = 0; i < OFF_RUNS; i++) {
        double scan = scan_seconds(sql);
        run("SELECT lstm_config('readahead', 'off')");
        double bound = 1.1 * sql_seconds(sql) + scan;
        run("SELECT lstm_config('readahead', 'on')");
        share[i] = sql_seconds(sql) / bound;
        least = bound < least ? bound : least;
    }
    qsort(share, OFF_RUNS, sizeof *share, by_size);
    snprintf(line, sizeof line, "%s ms", what);
    race_print(line, "1.1 off + scan", 1e3 * least * share[OFF_RUNS / 2], 1e3 * least, 1, 1);
}

void bench_readahead(const char *corpus)
{
    struct lstm_error err;
    char path[512];
    snprintf(path, sizeof path, "%s.readahead", corpus);
    remove(path);
    check(sqlite3_open(path, &db) || sqlite3_lstmext_init(db, NULL, NULL), "no database");
    const struct embedded *model = embedded_find(EMBEDDED_SENTIMENT);
    check(lstm_scorer_open(model->blob, model->size, "auto", &scorer, &err) ||
              lstm_worker_open(scorer, &worker, &err),
          err.text);
    run("PRAGMA synchronous = off");
    make_tables();
    struct lstm_text *texts = read_texts("SELECT body FROM long", TEXTS),
                     *words = read_texts("SELECT body FROM short", SHORT_TEXTS);
    against_engine("avg()", "SELECT avg(lstm_sentiment(body)) FROM long", texts, TEXTS, 0.95);
    against_engine("SELECT of all rows", "SELECT id, lstm_sentiment(body) FROM long", texts, TEXTS,
                   0.9);
    against_engine("UPDATE", "UPDATE long SET score = lstm_sentiment(body)", texts, TEXTS, 0.9);
    against_engine("INSERT ... SELECT",
                   "REPLACE INTO result SELECT id, lstm_sentiment(body) FROM long", texts, TEXTS,
                   0.9);
    against_engine("GROUP BY through a sorter",
                   "SELECT shop, avg(lstm_sentiment(body)) FROM long GROUP BY shop", texts, TEXTS,
                   0.9);
    against_engine("ORDER BY LIMIT", "SELECT id FROM long ORDER BY lstm_sentiment(body) LIMIT 10",
                   texts, TEXTS, 0.9);
    against_engine("avg(), texts of ten tokens", "SELECT avg(lstm_sentiment(body)) FROM short",
                   words, SHORT_TEXTS, 0.9);
    against_engine("SELECT, texts of ten tokens", "SELECT id, lstm_sentiment(body) FROM short",
                   words, SHORT_TEXTS, 0.9);
    limited();
    lone_text(texts);
    against_off("one row", "SELECT lstm_sentiment(body) FROM long WHERE id = 7");
    against_off("two rows", "SELECT lstm_sentiment(body) FROM long WHERE id IN (7, 8)");
    against_off("two rows of few words",
                "SELECT lstm_sentiment(body) FROM short WHERE id IN (7, 8)");
    against_off("two rows at the end of a scan",
                "SELECT lstm_sentiment(body) FROM long WHERE length(body) > 0 AND shop + "
                "id > 501");
    against_off("four texts again and again",
                "SELECT sum(lstm_sentiment('film ' || id % 4)) FROM short");
    against_off("EXISTS that ends early",
                "SELECT count(*) FROM short AS a WHERE EXISTS (SELECT 1 FROM long AS b WHERE b.id "
                "> a.id % 100 AND lstm_sentiment(substr(b.body, 1, 20)) > -2)");
    against_off("NULL opens a join",
                "SELECT count(*) FROM short AS a, short AS b WHERE a.id < 100 AND (a.id = 1 OR "
                "lstm_sentiment(a.body) IS NULL) AND b.shop = a.shop");
    free_texts(texts, TEXTS);
    free_texts(words, SHORT_TEXTS);
    lstm_worker_close(worker);
    lstm_scorer_close(scorer);
    sqlite3_close(db);
    remove(path);
}
