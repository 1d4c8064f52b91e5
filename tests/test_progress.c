/* What long work shows (train/progress.h). */
#include "train/progress.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static FILE *caught;
static int real_stderr;

static void catch_stderr(void)
{
    fflush(stderr);
    caught = tmpfile();
    assert_non_null(caught);
    real_stderr = dup(STDERR_FILENO);
    dup2(fileno(caught), STDERR_FILENO);
}

static const char *caught_text(void)
{
    static char text[4096];
    fflush(stderr);
    dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
    rewind(caught);
    text[fread(text, 1, sizeof text - 1, caught)] = '\0';
    fclose(caught);
    return text;
}

static void assert_matches(const char *text, const char *pattern)
{
    regex_t regex;
    assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
    int differs = regexec(&regex, text, 0, NULL, 0);
    regfree(&regex);
    if (differs)
        fail_msg("\"%s\" does not match \"%s\"", text, pattern);
}

/* The bar after so many seconds on a terminal. */
static const char *bar(const char *what, int64_t done, int64_t total, double seconds, double loss)
{
    struct progress progress;
    progress_begin(&progress, what, total);
    progress.terminal = 1;
    progress.began = progress_now() - seconds;
    catch_stderr();
    progress_step(&progress, done, loss);
    return caught_text();
}

static void a_terminal_shows_share_rate_loss_and_time_left(void **state)
{
    (void)state;
    assert_matches(
        bar("epoch 2/5", 430000, 1000000, 7, 0.21337),
        "^\repoch 2/5 \\[#{8,}-{8,}\\] 43%  61k tokens/s  loss 0\\.2134  0:09 left\033\\[K$");
    assert_matches(bar("vectors 1/5", 5000000, 10000000, 4, NAN),
                   "50%  1\\.2M tokens/s  0:04 left");
    assert_matches(bar("slow", 100, 10000, 100, 1), " 1%  1 tokens/s  loss 1\\.0000  2:45:00 left");
    assert_matches(bar("first", 0, 10000, 1, NAN), " 0%  0 tokens/s  \\? left");
    assert_matches(bar("all", 10000, 10000, 1, NAN), "\\[#+\\] 100%");
}

static void a_bar_never_fills_a_line_of_80_columns(void **state)
{
    static const char *const names[] = {
        "e",
        "epoch 2/5",
        "an epoch with a name that is longer than half of a line is",
        "a name longer than any line that a terminal of eighty columns can show at all",
    };
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *text = bar(names[i], 430000, 1000000000, 7000, 0.21337);
        assert_in_range(strlen(text), 40, 79 + strlen("\r\033[K"));
        assert_matches(text, "\\[-+\\] 0%  61 tokens/s  loss 0\\.2134  4520:01:[0-9]{2} left");
    }
}

static void bars_are_not_drawn_more_than_ten_times_a_second(void **state)
{
    struct progress progress;
    int drawn = 0;
    (void)state;
    progress_begin(&progress, "fast", 1000);
    progress.terminal = 1;
    catch_stderr();
    for (int64_t i = 0; i < 1000; i++)
        progress_step(&progress, i, 1);
    for (const char *at = caught_text(); (at = strchr(at, '\r')); at++)
        drawn++;
    assert_in_range(drawn, 1, 3);
}

static void a_log_gets_one_line_without_control_characters(void **state)
{
    struct progress progress;
    (void)state;
    catch_stderr();
    progress_begin(&progress, "epoch 1/3", 2000000);
    assert_false(progress.terminal);
    progress.began -= 100;
    for (int64_t i = 0; i <= 2000000; i += 1000000)
        progress_step(&progress, i, 0.5);
    progress_end(&progress, "loss 0.5000");
    assert_string_equal(caught_text(), "epoch 1/3: loss 0.5000, 20k tokens/s, 1:40\n");
}

static void the_line_at_the_end_replaces_the_bar(void **state)
{
    struct progress progress;
    (void)state;
    progress_begin(&progress, "epoch 1/3", 100);
    progress.terminal = 1;
    catch_stderr();
    progress_end(&progress, "done");
    assert_matches(caught_text(), "^\r\033\\[Kepoch 1/3: done, 0 tokens/s, 0:00\n$");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_terminal_shows_share_rate_loss_and_time_left),
        cmocka_unit_test(a_bar_never_fills_a_line_of_80_columns),
        cmocka_unit_test(bars_are_not_drawn_more_than_ten_times_a_second),
        cmocka_unit_test(a_log_gets_one_line_without_control_characters),
        cmocka_unit_test(the_line_at_the_end_replaces_the_bar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
