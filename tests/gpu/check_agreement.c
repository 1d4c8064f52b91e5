/* How far a device's scores are from the CPU's, over the texts of a database: part of `make
 * gpu-check`. check_agreement PLUGIN DATABASE QUERY; the query gives text and label (0 or 1). */
#include "model/plugin.h"
#include "model/scorer.h"
#include "train/files.h"
#include "train/progress.h"

#include <math.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXTS_MAX = 100000, BATCH = 4096, UNKNOWN = -1 };

/* What is allowed: see enum lstm_precision, of a score from -1 to 1. */
static const struct {
    const char *device;
    double most;
} devices[] = { { "cuda", 2e-2 }, { "cuda-fp32", 1e-4 } };

static struct lstm_text texts[TEXTS_MAX];
static int labels[TEXTS_MAX];
static int count;

static void check(bool failed, const char *what)
{
    if (failed) {
        fprintf(stderr, "check_agreement: %s\n", what);
        exit(1);
    }
}

static void read_texts(const char *path, const char *query)
{
    sqlite3 *db;
    sqlite3_stmt *statement;
    check(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) ||
              sqlite3_prepare_v2(db, query, -1, &statement, NULL),
          sqlite3_errmsg(db));
    while (count < TEXTS_MAX && sqlite3_step(statement) == SQLITE_ROW) {
        const size_t size = (size_t)sqlite3_column_bytes(statement, 0);
        char *bytes = malloc(size + 1);
        check(!bytes, "out of memory");
        memcpy(bytes, sqlite3_column_blob(statement, 0), size);
        texts[count] = (struct lstm_text){ bytes, size };
        labels[count++] = sqlite3_column_type(statement, 1) == SQLITE_NULL
                              ? UNKNOWN
                              : sqlite3_column_int(statement, 1);
    }
    check(count == 0, "the query gives no texts");
    sqlite3_finalize(statement);
    sqlite3_close(db);
}

/* Scores of all texts from -1 to 1; returns the seconds it took. */
static double score(const struct lstm_scorer *scorer, double *scores)
{
    static float probabilities[2 * BATCH];
    static int32_t tokens[BATCH];
    struct lstm_worker *worker;
    struct lstm_error err;
    check(lstm_scorer_model(scorer)->sizes.classes != 2, "the model has not two classes");
    check(lstm_worker_open(scorer, &worker, &err), err.text);
    const double began = progress_now();
    for (int first = 0; first < count; first += BATCH) {
        const int some = count - first < BATCH ? count - first : BATCH;
        check(lstm_worker_classify(worker, texts + first, some, NULL, NULL, probabilities, tokens,
                                   &err),
              err.text);
        for (int i = 0; i < some; i++)
            scores[first + i] = 2.0 * (double)probabilities[2 * i + 1] - 1.0;
    }
    const double seconds = progress_now() - began;
    lstm_worker_close(worker);
    return seconds;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* One line of the table; returns whether the device agrees. */
static int compare(const char *device, double most, const double *expected, const double *found,
                   double seconds)
{
    static double differences[TEXTS_MAX];
    double sum = 0.0;
    int flips = 0, right = 0, known = 0;
    for (int i = 0; i < count; i++) {
        differences[i] = fabs(found[i] - expected[i]);
        sum += differences[i];
        flips += (found[i] > 0) != (expected[i] > 0);
        known += labels[i] != UNKNOWN;
        right += labels[i] != UNKNOWN && (found[i] > 0) == (labels[i] == 1);
    }
    qsort(differences, (size_t)count, sizeof *differences, ascending);
    const double largest = differences[count - 1];
    printf("| %s | %.2g | %.2g | %.2g | %.2g | %d | %d of %d | %.0f |\n", device, sum / count,
           differences[count / 2], differences[(size_t)count * 99 / 100], largest, flips, right,
           known, count / seconds);
    return largest <= most; /* not a number is no agreement */
}

int main(int argc, char **argv)
{
    static double expected[TEXTS_MAX], found[TEXTS_MAX];
    struct lstm_error err;
    struct lstm_scorer *scorer;
    unsigned char *blob;
    size_t size;
    int agree = 1;
    check(argc != 4, "usage: check_agreement PLUGIN DATABASE QUERY");
    check(lstm_plugin_set_path(argv[1], &err), err.text);
    check(file_read("model/default_sentiment.safetensors", &blob, &size, &err), err.text);
    read_texts(argv[2], argv[3]);
    printf(
        "%d texts of %s, model/default_sentiment.safetensors. Differences of scores (-1 to 1) from "
        "the CPU's; texts/s from raw text.\n\n"
        "| device | mean | median | 99%% | largest | label flips | right | texts/s |\n"
        "|---|---|---|---|---|---|---|---|\n",
        count, argv[2]);
    check(lstm_scorer_open(blob, size, "cpu", &scorer, &err), err.text);
    const double seconds = score(scorer, expected);
    (void)compare(lstm_scorer_device(scorer), 0.0, expected, expected, seconds);
    lstm_scorer_close(scorer);
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++) {
        check(lstm_scorer_open(blob, size, devices[i].device, &scorer, &err), err.text);
        const double took = score(scorer, found);
        agree &= compare(devices[i].device, devices[i].most, expected, found, took);
        lstm_scorer_close(scorer);
    }
    for (int i = 0; i < count; i++)
        free((void *)(uintptr_t)texts[i].bytes);
    free(blob);
    check(!agree, "scores are further from the CPU's than allowed");
    return 0;
}
