#include "tests/twins.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct tiny_model mood = { .task = "sentiment",
                                        .labels = "negative positive",
                                        .seed = 1 };
static const struct tiny_model topic = { .task = "classify",
                                         .labels = "sport politics weather",
                                         .seed = 2 };
static const struct tiny_model title = { .task = "summarize", .seed = 3 };

struct twins twins_open(int files, const char *sql)
{
    struct twins twins = { extension_open(files ? "a.db" : ":memory:", 0),
                           extension_open(files ? "b.db" : ":memory:", 0) };
    run(twins.on, "SELECT lstm_config('readahead', 'eager')");
    run(twins.off, "SELECT lstm_config('readahead', 'off')");
    sqlite3 *const dbs[2] = { twins.on, twins.off };
    for (int i = 0; i < 2; i++) {
        run(dbs[i], "PRAGMA synchronous = off");
        extension_import(dbs[i], "mood", &mood);
        extension_import(dbs[i], "topic", &topic);
        extension_import(dbs[i], "title", &title);
    }
    twins_run(&twins, sql);
    return twins;
}

void twins_close(struct twins *twins)
{
    extension_close(twins->on);
    extension_close(twins->off);
}

void twins_run(const struct twins *twins, const char *sql)
{
    run(twins->on, sql);
    run(twins->off, sql);
}

void twins_compare(const struct twins *twins, const char *sql, const char *behind)
{
    struct effects effects[2] = { { NULL, 0, 0 } };
    sqlite3 *const dbs[2] = { twins->off, twins->on };
    for (int i = 0; i < 2; i++) {
        effects_forget_results();
        effects_run(&effects[i], dbs[i], sql);
        if (behind)
            effects_run(&effects[i], dbs[i], behind);
    }
    if (strcmp(effects[0].text, effects[1].text) != 0)
        fail_msg("%s\n--- off\n%s--- on\n%s", sql, effects[0].text, effects[1].text);
    free(effects[0].text);
    free(effects[1].text);
}

int64_t twins_counter(const struct twins *twins, const char *name)
{
    char sql[200];
    snprintf(sql, sizeof sql, "SELECT coalesce(json_extract(lstm_stats(), '$.%s'), 0)", name);
    return strtoll(text_of(twins->on, sql), NULL, 10);
}

int64_t twins_refused(const struct twins *twins, const char *reason)
{
    char path[100];
    snprintf(path, sizeof path, "refused.\"%s\"", reason);
    return twins_counter(twins, path);
}
