/* How many of a device's summaries are the CPU's, and how many a second: part of `make gpu-check`.
 * check_summaries PLUGIN DATABASE QUERY; the query gives texts. The CPU multiplies the model's
 * integers, devices floats of the same weights, so that some summaries are others for that. */
#include "model/plugin.h"
#include "model/scorer.h"
#include "train/files.h"
#include "train/progress.h"
#include "train/rows.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXTS_MAX = 2000 };

static void check(bool failed, const char *what)
{
    if (failed) {
        fprintf(stderr, "check_summaries: %s\n", what);
        exit(1);
    }
}

/* Summaries of all texts by a device; returns the seconds that a second call took. */
static double summarize(const void *blob, size_t size, const char *device,
                        const struct lstm_text *texts, int32_t count,
                        struct lstm_summary *summaries)
{
    struct lstm_scorer *scorer;
    struct lstm_worker *worker;
    struct lstm_error err;
    double seconds = 0.0;
    check(lstm_scorer_open(blob, size, device, &scorer, &err) ||
              lstm_worker_open(scorer, &worker, &err),
          err.text);
    for (int call = 0; call < 2; call++) {
        for (int32_t i = 0; i < count && call; i++)
            lstm_summary_free(&summaries[i]);
        const double began = progress_now();
        check(lstm_worker_summarize(worker, texts, count, &lstm_summary_defaults, NULL, NULL,
                                    summaries, &err),
              err.text);
        seconds = progress_now() - began;
    }
    lstm_worker_close(worker);
    lstm_scorer_close(scorer);
    return seconds;
}

static int count_same(const struct lstm_summary *a, const struct lstm_summary *b, int32_t count)
{
    int same = 0;
    for (int32_t i = 0; i < count; i++)
        same += a[i].text && b[i].text ? !strcmp(a[i].text, b[i].text) : a[i].text == b[i].text;
    return same;
}

int main(int argc, char **argv)
{
    static const char *const devices[] = { "cpu", "cuda-fp32", "cuda" };
    enum { DEVICES = sizeof devices / sizeof *devices, CPU = 0, FP32 = 1 };
    static struct lstm_summary summaries[DEVICES][TEXTS_MAX];
    static struct lstm_text texts[TEXTS_MAX];
    struct lstm_error err;
    struct rows rows;
    unsigned char *blob;
    size_t size;
    int is_alike = 1;
    check(argc != 4, "usage: check_summaries PLUGIN DATABASE QUERY");
    const struct rows_source source = { .database = argv[2], .query = argv[3] };
    check(lstm_plugin_set_path(argv[1], &err), err.text);
    check(file_read("model/default_summary.safetensors", &blob, &size, &err), err.text);
    check(rows_read(&source, &rows, &err), err.text);
    const int32_t count = rows.count < TEXTS_MAX ? rows.count : TEXTS_MAX;
    for (int32_t i = 0; i < count; i++)
        texts[i] = (struct lstm_text){ rows.rows[i].text, rows.rows[i].size };
    printf("%d texts of %s, model/default_summary.safetensors.\n\n"
           "| device | as the CPU's | as cuda-fp32's | summaries/s |\n|---|---|---|---|\n",
           count, argv[2]);
    for (int d = 0; d < DEVICES; d++) {
        const double seconds = summarize(blob, size, devices[d], texts, count, summaries[d]);
        const int as_cpu = count_same(summaries[d], summaries[CPU], count);
        const int as_fp32 = count_same(summaries[d], summaries[FP32], count);
        printf("| %s | %d | %d | %.0f |\n", devices[d], as_cpu, d ? as_fp32 : 0, count / seconds);
        is_alike &= d < FP32 || 10 * as_fp32 >= 8 * count;
    }
    for (int d = 0; d < DEVICES; d++)
        for (int32_t i = 0; i < count; i++)
            lstm_summary_free(&summaries[d][i]);
    rows_free(&rows);
    free(blob);
    check(!is_alike, "more than a fifth of the summaries in 16 bits are other than those in 32");
    return 0;
}
