/* A bar for people, a line for logs. */
#include "train/progress.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { COLUMNS = 80, BAR_MIN = 4, BAR_MAX = 24, TIME_SIZE = 32 };

double progress_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* 950, 61k, 1.2M */
static void format_rate(double rate, char *text, size_t size)
{
    if (rate < 1e3)
        snprintf(text, size, "%.0f", rate);
    else if (rate < 999.5e3)
        snprintf(text, size, "%.0fk", rate / 1e3);
    else
        snprintf(text, size, "%.1fM", rate / 1e6);
}

/* 1:23, 2:05:09 */
static void format_time(double seconds, char *text, size_t size)
{
    long long s = (long long)(seconds + 0.5);
    if (s < 3600)
        snprintf(text, size, "%lld:%02lld", s / 60, s % 60);
    else
        snprintf(text, size, "%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
}

void progress_begin(struct progress *progress, const char *what, int64_t total)
{
    *progress = (struct progress){ .what = what,
                                   .total = total,
                                   .loss = NAN,
                                   .began = progress_now(),
                                   .terminal = isatty(STDERR_FILENO) };
}

static void draw(const struct progress *progress, double now)
{
    double part = progress->total > 0 ? (double)progress->done / (double)progress->total : 0;
    double seconds = now - progress->began;
    char rate[16], left[TIME_SIZE] = "?", tail[80], bar[BAR_MAX + 1];
    if (part > 1)
        part = 1;
    format_rate(seconds > 0 ? (double)progress->done / seconds : 0, rate, sizeof rate);
    if (part > 0)
        format_time(seconds * (1 - part) / part, left, sizeof left);
    int at = snprintf(tail, sizeof tail, "%.0f%%  %s tokens/s", floor(100 * part), rate);
    if (!isnan(progress->loss))
        at += snprintf(tail + at, sizeof tail - (size_t)at, "  loss %.4f", progress->loss);
    snprintf(tail + at, sizeof tail - (size_t)at, "  %s left", left);

    int room = COLUMNS - 5 - (int)strlen(tail); /* 5: two spaces, two brackets, the last column */
    int name = (int)strnlen(progress->what, (size_t)(room - BAR_MIN)), width = room - name;
    width = width < BAR_MIN ? BAR_MIN : width > BAR_MAX ? BAR_MAX : width;
    int full = (int)(part * width);
    memset(bar, '#', (size_t)full);
    memset(bar + full, '-', (size_t)(width - full));
    bar[width] = '\0';
    fprintf(stderr, "\r%.*s [%s] %s\033[K", name, progress->what, bar, tail);
    fflush(stderr);
}

void progress_step(struct progress *progress, int64_t done, double loss)
{
    progress->done = done;
    progress->loss = loss;
    double now = progress->terminal ? progress_now() : 0;
    if (!progress->terminal || now - progress->shown < 0.1)
        return;
    progress->shown = now;
    draw(progress, now);
}

void progress_end(struct progress *progress, const char *result)
{
    double seconds = progress_now() - progress->began;
    char rate[16], took[TIME_SIZE];
    format_rate(seconds > 0 ? (double)progress->done / seconds : 0, rate, sizeof rate);
    format_time(seconds, took, sizeof took);
    fprintf(stderr, "%s%s: %s, %s tokens/s, %s\n", progress->terminal ? "\r\033[K" : "",
            progress->what, result, rate, took);
}
