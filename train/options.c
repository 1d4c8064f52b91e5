/* Command-line options from a table. */
#include "train/options.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_SIZE = 40 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Edits that turn a into b: letters put in, left out or changed (Levenshtein). Only the first
 * letters are compared. */
static size_t distance(const char *a, const char *b)
{
    size_t row[NAME_MAX_SIZE + 1], length = strnlen(b, NAME_MAX_SIZE);
    for (size_t j = 0; j <= length; j++)
        row[j] = j;
    for (size_t i = 0; i < NAME_MAX_SIZE && a[i]; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 1; j <= length; j++) {
            size_t changed = diagonal + (a[i] != b[j - 1]);
            diagonal = row[j];
            row[j] = least(changed, least(row[j], row[j - 1]) + 1);
        }
    }
    return row[length];
}

static enum lstm_status unknown(const char *name, size_t size, const struct option_spec *specs,
                                size_t count, struct lstm_error *err)
{
    char given[NAME_MAX_SIZE + 1], near[160] = "";
    size_t nearest = SIZE_MAX;
    snprintf(given, sizeof given, "%.*s", (int)least(size, NAME_MAX_SIZE), name);
    for (size_t i = 0; i < count; i++)
        nearest = least(nearest, distance(given, specs[i].name));
    for (size_t i = 0; i < count; i++)
        if (distance(given, specs[i].name) == nearest) {
            size_t at = strlen(near);
            snprintf(near + at, sizeof near - at, "%s%s", at ? " or " : "", specs[i].name);
        }
    return lstm_fail(err, LSTM_RANGE, "unknown option %s, did you mean %s?", given, near);
}

static enum lstm_status take_int(const struct option_spec *spec, const char *text,
                                 struct lstm_error *err)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno || end == text || *end || (double)value < spec->low || (double)value > spec->high)
        return lstm_fail(err, LSTM_RANGE, "%s is \"%s\", expected a whole number from %.0f to %.0f",
                         spec->name, text, spec->low, spec->high);
    *(int32_t *)spec->value = (int32_t)value;
    return LSTM_OK;
}

static enum lstm_status take_real(const struct option_spec *spec, const char *text,
                                  struct lstm_error *err)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || !(value >= spec->low && value <= spec->high))
        return lstm_fail(err, LSTM_RANGE, "%s is \"%s\", expected a number from %g to %g",
                         spec->name, text, spec->low, spec->high);
    *(double *)spec->value = value;
    return LSTM_OK;
}

static enum lstm_status take_seed(const struct option_spec *spec, const char *text,
                                  struct lstm_error *err)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno || *text < '0' || *text > '9' || *end) /* strtoull would take a minus sign */
        return lstm_fail(err, LSTM_RANGE, "%s is \"%s\", expected a whole number from 0 to %llu",
                         spec->name, text, (unsigned long long)UINT64_MAX);
    *(uint64_t *)spec->value = value;
    return LSTM_OK;
}

static enum lstm_status take_value(const struct option_spec *spec, const char *text,
                                   struct lstm_error *err)
{
    switch (spec->type) {
    case OPTION_INT: return take_int(spec, text, err);
    case OPTION_REAL: return take_real(spec, text, err);
    case OPTION_SEED: return take_seed(spec, text, err);
    default: *(const char **)spec->value = text; return LSTM_OK;
    }
}

enum lstm_status options_parse(int argc, char **argv, const struct option_spec *specs, size_t count,
                               struct lstm_error *err)
{
    for (int i = 1; i < argc; i++) {
        const char *given = argv[i], *equals = strchr(given, '=');
        size_t size = equals ? (size_t)(equals - given) : strlen(given);
        const struct option_spec *spec = NULL;
        if (strncmp(given, "--", 2))
            return lstm_fail(err, LSTM_RANGE, "unexpected \"%.60s\", options begin with --", given);
        for (size_t s = 0; s < count && !spec; s++)
            if (strlen(specs[s].name) == size && !strncmp(specs[s].name, given, size))
                spec = &specs[s];
        if (!spec)
            return unknown(given, size, specs, count, err);
        if (spec->type == OPTION_FLAG) {
            if (equals)
                return lstm_fail(err, LSTM_RANGE, "%s takes no value, but \"%.60s\" was given",
                                 spec->name, equals + 1);
            *(int *)spec->value = 1;
            continue;
        }
        /* "--out --epochs 3" is a forgotten value more often than a file named --epochs */
        if (!equals && (i + 1 == argc || !strncmp(argv[i + 1], "--", 2)))
            return lstm_fail(err, LSTM_RANGE,
                             "%s needs a value (one that begins with -- is written %s=--...)",
                             spec->name, spec->name);
        enum lstm_status rc = take_value(spec, equals ? equals + 1 : argv[++i], err);
        if (rc)
            return rc;
    }
    return LSTM_OK;
}

int options_given(int argc, char **argv, const char *name)
{
    const size_t size = strlen(name);
    for (int i = 1; i < argc; i++)
        if (!strncmp(argv[i], name, size) && (!argv[i][size] || argv[i][size] == '='))
            return 1;
    return 0;
}

static void format_default(const struct option_spec *spec, char *text, size_t size)
{
    const char *given = spec->type == OPTION_TEXT ? *(const char **)spec->value : NULL;
    const double number = spec->type == OPTION_INT    ? *(const int32_t *)spec->value
                          : spec->type == OPTION_REAL ? *(const double *)spec->value
                                                      : spec->low;
    text[0] = '\0';
    if (number < spec->low || number > spec->high)
        return;
    if (spec->type == OPTION_INT)
        snprintf(text, size, "%d", *(const int32_t *)spec->value);
    else if (spec->type == OPTION_REAL)
        snprintf(text, size, "%g", *(const double *)spec->value);
    else if (spec->type == OPTION_SEED)
        snprintf(text, size, "%llu", (unsigned long long)*(const uint64_t *)spec->value);
    else if (given)
        snprintf(text, size, "%s", given);
}

void options_help(const struct option_spec *specs, size_t count)
{
    static const char *const kinds[] = {
        [OPTION_TEXT] = "TEXT", [OPTION_INT] = "N", [OPTION_SEED] = "N",
        [OPTION_REAL] = "X",    [OPTION_FLAG] = "",
    };
    for (size_t i = 0; i < count; i++) {
        char left[NAME_MAX_SIZE], value[100];
        snprintf(left, sizeof left, "%s %s", specs[i].name, kinds[specs[i].type]);
        format_default(&specs[i], value, sizeof value);
        printf("  %-20s  %s", left, specs[i].help);
        if (*value)
            printf(" (default %s)", value);
        putchar('\n');
    }
}
