/* Devices through SQL: settings, reasons, sharing, and what happens when a device fails; with fakes
 * of the plug-in. Order matters: a plug-in that is open stays. */
#include "tests/extension.h"
#include "tests/plugin_fakes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const struct tiny_model mood = { .task = "sentiment",
                                        .labels = "negative positive",
                                        .seed = 1 },
                               wide = { .task = "sentiment",
                                        .labels = "negative positive",
                                        .seed = 2,
                                        .units = 32 },
                               brief = { .task = "summarize", .seed = 3 };

static sqlite3 *db, *other;

static int open_databases(void **state)
{
    (void)state;
    db = extension_open(":memory:", 0);
    other = extension_open(":memory:", 0);
    sqlite3_enable_load_extension(db, 1);
    sqlite3_enable_load_extension(other, 0);
    extension_import(db, "mood", &mood);
    extension_import(other, "mood", &mood);
    extension_import(db, "wide", &wide);
    extension_import(db, "brief", &brief);
    return 0;
}

static int close_databases(void **state)
{
    (void)state;
    extension_close(db);
    extension_close(other);
    return 0;
}

static void set_plugin(const char *path)
{
    char sql[5000];
    snprintf(sql, sizeof sql, "SELECT lstm_config('cuda_plugin', '%s')", path);
    run(db, sql);
}

static void say(const char *sql, const char *words)
{
    if (!strstr(text_of(db, sql), words))
        fail_msg("%s: \"%s\" instead of \"%s\"", sql, text_of(db, sql), words);
}

#define SCORE "SELECT lstm_sentiment('a film', 'mood')"
#define WHY "SELECT lstm_info() ->> 'why'"

static int deny_load_extension(void *arg, int action, const char *none, const char *function,
                               const char *database, const char *trigger)
{
    (void)arg, (void)none, (void)database, (void)trigger;
    return action == SQLITE_FUNCTION && !strcmp(function, "load_extension") ? SQLITE_DENY
                                                                            : SQLITE_OK;
}

static void only_who_may_load_extensions_names_the_plugin(void **state)
{
    (void)state;
    for (int by_c = 0; by_c < 2; by_c++) { /* 1: the C function alone is enabled */
        sqlite3_db_config(other, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, by_c, NULL);
        fails_with(other, "SELECT lstm_config('cuda_plugin', '/tmp/x.so')",
                   "LSTM_ERR_DEVICE: cuda_plugin is code, and this connection may not load any; "
                   "set it while load_extension() is enabled");
    }
    sqlite3_set_authorizer(db, deny_load_extension, NULL);
    fails_with(db, "SELECT lstm_config('cuda_plugin', '/tmp/x.so')", "cuda_plugin is code");
    sqlite3_set_authorizer(db, NULL, NULL);
    say("SELECT lstm_config('cuda_plugin')", "/tests/lstm_cuda.so");
    run(db, "CREATE VIEW v AS SELECT lstm_config('cuda_plugin', '/tmp/x.so')");
    fails_with(db, "SELECT * FROM v", "unsafe use of lstm_config()");
    fails_with(db, "SELECT lstm_config('cuda_plugin', './lstm_cuda.so')",
               "LSTM_ERR_OPTIONS: cuda_plugin is \"./lstm_cuda.so\", expected an absolute path");
    fails_with(db, "SELECT lstm_config('cuda_plugin', NULL)",
               "LSTM_ERR_OPTIONS: cuda_plugin is \"NULL\", expected an absolute path");
}

static void without_a_plugin_auto_is_the_cpu_and_cuda_is_an_error(void **state)
{
    static const struct {
        const char *name, *reason;
    } cases[] = {
        { NULL, "/tests/lstm_cuda.so: No such file or directory" },
        { "absent", "/plugins/absent.so: No such file or directory" },
        { "other", "other.so is no plug-in: it has no lstm_plugin" },
        { "old", "old.so has plug-in ABI 999, expected 2; build it with this extension" },
        { "needy", "libabsent.so: cannot open shared object file" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        set_plugin(cases[i].name ? plugin_fake(cases[i].name) : "");
        fails_with(db, "SELECT lstm_config('device', 'cuda')", "LSTM_ERR_DEVICE: the setting devi");
        fails_with(db, "SELECT lstm_config('device', 'cuda')", cases[i].reason);
        expect(db, "SELECT lstm_config('device')", "auto");
        say("SELECT lstm_info() ->> 'device'", "cpu-");
        say(WHY, cases[i].reason);
        run(db, SCORE);
        say("SELECT lstm_info() ->> '$.models[0].device'", "cpu-");
        expect(db, "SELECT lstm_info() ->> '$.models[0].why'", "NULL");
    }
    run(db, "SELECT lstm_config('device', 'cpu')");
    expect(db, WHY, "asked for by name");
}

static void a_device_that_cannot_be_had_is_an_error_with_the_reason(void **state)
{
    static const struct {
        const char *name, *reason;
    } cases[] = {
        { "cuda:9", "there is no CUDA device in this machine" },
        { "cuda:8", "the NVIDIA driver is made for CUDA 12.2" },
        { "cuda:5", "backend fake-999 has ABI 999, expected 2" },
        { "cuda:100", "there is no device \"cuda:100\"; use \"auto\", \"cpu\", \"cuda\", "
                      "\"cuda:0\" to \"cuda:99\" or, in 32 bits, \"cuda-fp32\"" },
    };
    (void)state;
    set_plugin(plugin_fake("working"));
    for (size_t i = 0; i < COUNT(cases); i++) {
        char sql[100];
        snprintf(sql, sizeof sql, "SELECT lstm_config('device', '%s')", cases[i].name);
        fails_with(db, sql, "LSTM_ERR_DEVICE: the setting device: ");
        fails_with(db, sql, cases[i].reason);
        expect(db, "SELECT lstm_config('device')", "auto");
    }
    fails_with(db, "SELECT lstm_config('cuda_plugin', '')",
               "working.so is in use and stays until the process ends");
}

static void scores_come_from_the_device_of_the_connection(void **state)
{
    static const struct {
        const char *name, *backend;
    } cases[] = {
        { "cuda", "fake" }, { "cuda-fp32:3", "fake-fp32" }, { "auto", "fake" }, { "cpu", "cpu-" }
    };
    char on_cpu[40];
    (void)state;
    run(other, "SELECT lstm_config('device', 'cpu')");
    snprintf(on_cpu, sizeof on_cpu, "%s", text_of(other, SCORE));
    assert_string_not_equal(on_cpu, "0.0");
    for (size_t i = 0; i < COUNT(cases); i++) {
        char sql[100];
        const int is_fake = strstr(cases[i].backend, "fake") != NULL;
        snprintf(sql, sizeof sql, "SELECT lstm_config('device', '%s')", cases[i].name);
        expect(db, sql, cases[i].name);
        expect(db, "SELECT lstm_config('device')", cases[i].name);
        expect(db, SCORE, is_fake ? "0.0" : on_cpu); /* the fake's first logits are equal */
        say("SELECT lstm_info() ->> 'device'", cases[i].backend);
        say("SELECT lstm_info() ->> '$.models[0].device'", cases[i].backend);
        expect(other, SCORE, on_cpu);
    }
}

static void connections_share_a_model_by_device_and_the_last_frees_it(void **state)
{
    (void)state;
    run(db, "SELECT lstm_config('device', 'cuda')");
    say(WHY, "device 0 of a fake, models loaded: 0");
    run(db, SCORE ";" SCORE);
    say(WHY, "models loaded: 1");
    run(other, "SELECT lstm_config('device', 'cuda:0')");
    run(other, SCORE);
    say(WHY, "models loaded: 1");
    run(other, "SELECT lstm_config('device', 'auto')"); /* which may fall back: a copy of its own */
    run(other, SCORE);
    say(WHY, "models loaded: 2");
    run(other, "SELECT lstm_config('device', 'cpu')");
    run(other, SCORE);
    say(WHY, "models loaded: 1");
    run(db, "SELECT lstm_config('device', 'cuda')"); /* also the same again lets go */
    say(WHY, "models loaded: 0");
}

static void what_a_device_cannot_hold_goes_to_the_cpu_by_auto_alone(void **state)
{
    static const struct {
        const char *score, *reason, *undo;
    } cases[] = {
        { "SELECT lstm_sentiment('a film', 'wide')", "the weight 70000 is beyond fp16", NULL },
        { "SELECT lstm_summarize('a film', 'brief')",
          "writes no summaries; use the device \"auto\" or \"cpu\"", NULL },
        { SCORE, "100 MB more than there are", "SELECT lstm_config('cuda_memory_mb', 4096)" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (cases[i].undo)
            run(db, "SELECT lstm_config('cuda_memory_mb', 64)");
        run(db, "SELECT lstm_config('device', 'cuda')");
        fails_with(db, cases[i].score, "LSTM_ERR_DEVICE: model '");
        fails_with(db, cases[i].score, cases[i].reason);
        run(db, "SELECT lstm_config('device', 'auto')");
        run(db, cases[i].score);
        say("SELECT lstm_info() ->> 'device'", "fake");
        say("SELECT lstm_info() ->> '$.models[0].device'", "cpu-");
        say("SELECT lstm_info() ->> '$.models[0].why'", cases[i].reason);
        if (cases[i].undo)
            run(db, cases[i].undo);
    }
}

static void a_device_that_comes_while_a_model_is_loaded_is_not_taken_for_the_cpu(void **state)
{
    (void)state;
    run(db, "SELECT lstm_config('device', 'auto')");
    run(other, "SELECT lstm_config('device', 'cpu')");
    run(db, "SELECT lstm_config('cuda_memory_mb', 101)"); /* busy when the model is placed */
    run(db, SCORE);
    run(other, SCORE);
    say("SELECT lstm_info() ->> 'device'", "fake");
    if (!strstr(text_of(other, "SELECT lstm_info() ->> '$.models[0].device'"), "cpu-"))
        fail_msg("a connection with the device cpu scores by the fake");
    run(db, "SELECT lstm_config('cuda_memory_mb', 4096)");
}

static void after_an_error_of_a_device_the_process_goes_on(void **state)
{
    static const char *const calls[] = {
        SCORE,
        "SELECT lstm_classify('a film', 'mood')",
        "SELECT sum(lstm_sentiment(value, 'mood')) FROM json_each('[\"a\", \"b\", \"c\"]')",
        "SELECT error FROM lstm_score('SELECT 1, ''a''', 'mood')", /* no fault of the text */
        "SELECT error FROM lstm_score('VALUES (1, ''a''), (2, ''b'')', 'mood')",
    };
    (void)state;
    run(db, "SELECT lstm_config('device', 'cuda:6')");
    for (size_t i = 0; i < COUNT(calls); i++)
        for (int again = 0; again < 2; again++)
            fails_with(db, calls[i],
                       "LSTM_ERR_DEVICE: the text cannot be scored: cudaEventSynchronize: "
                       "unspecified launch failure (CUDA error 719)");
    run(db, "SELECT lstm_config('device', 'cpu')");
    for (size_t i = 0; i < COUNT(calls); i++)
        run(db, calls[i]);
}

/* In the child: 0 when all is as it should be. */
static int forked(void)
{
    sqlite3 *mine = extension_open(":memory:", 0);
    extension_import(mine, "mood", &mood);
    fails_with(mine, "SELECT lstm_config('device', 'cuda')",
               "LSTM_ERR_DEVICE: the setting device: CUDA was started by a process that then "
               "forked");
    run(mine, SCORE);
    expect(mine, "SELECT lstm_info() ->> '$.why'",
           "CUDA was started by a process that then forked");
    expect(mine, "SELECT lstm_info() ->> '$.models[0].device' LIKE 'cpu-%'", "1");
    extension_close(mine);
    return 0;
}

static void a_forked_child_scores_on_the_cpu(void **state)
{
    int status;
    (void)state;
    run(db, "SELECT lstm_config('device', 'cuda')");
    run(db, SCORE);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        alarm(30);
        _exit(forked());
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    expect(db, SCORE, "0.0");
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, open_databases, close_databases)

int main(int argc, char **argv)
{
    (void)argc;
    plugin_fakes_find(argv[0]);
    const struct CMUnitTest tests[] = {
        TEST(only_who_may_load_extensions_names_the_plugin),
        TEST(without_a_plugin_auto_is_the_cpu_and_cuda_is_an_error),
        TEST(a_device_that_cannot_be_had_is_an_error_with_the_reason),
        TEST(scores_come_from_the_device_of_the_connection),
        TEST(connections_share_a_model_by_device_and_the_last_frees_it),
        TEST(what_a_device_cannot_hold_goes_to_the_cpu_by_auto_alone),
        TEST(a_device_that_comes_while_a_model_is_loaded_is_not_taken_for_the_cpu),
        TEST(after_an_error_of_a_device_the_process_goes_on),
        TEST(a_forked_child_scores_on_the_cpu),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
