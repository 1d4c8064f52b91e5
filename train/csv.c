/* One pass over the bytes: the file may be a pipe, and a record may be larger than any buffer. */
#include "train/csv.h"

#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int ends_in(const char *path, const char *suffix)
{
    size_t length = strlen(path), tail = strlen(suffix);
    return length >= tail && !strcmp(path + length - tail, suffix);
}

/* Starts `xz -dc -- path` with its output in a pipe: no shell, so no name of a file can be a
 * command. */
static enum lstm_status open_xz(struct csv *csv, struct lstm_error *err)
{
    char command[] = "xz", decompress[] = "-dc", end[] = "--";
    char *path = strdup(csv->path);
    int ends[2];
    if (!path || pipe(ends)) {
        free(path);
        return lstm_fail(err, LSTM_NOMEM, "%s: no pipe to xz: %s", csv->path, strerror(errno));
    }
    char *const argv[] = { command, decompress, end, path, NULL };
    posix_spawn_file_actions_t actions;
    int failed = posix_spawn_file_actions_init(&actions);
    if (!failed) {
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
        posix_spawn_file_actions_addclose(&actions, ends[0]);
        posix_spawn_file_actions_addclose(&actions, ends[1]);
        failed = posix_spawnp(&csv->xz, "xz", &actions, NULL, argv, environ);
        posix_spawn_file_actions_destroy(&actions);
    }
    free(path);
    close(ends[1]);
    csv->file = failed ? NULL : fdopen(ends[0], "rb");
    if (csv->file)
        return LSTM_OK;
    close(ends[0]);
    if (!failed)
        waitpid(csv->xz, NULL, 0);
    return lstm_fail(err, LSTM_UNAVAILABLE, "%s: cannot run xz: %s", csv->path,
                     strerror(failed ? failed : errno));
}

/* The next byte without taking it, or EOF. */
static int peek(struct csv *csv)
{
    if (csv->at == csv->end) {
        csv->at = 0;
        csv->end = fread(csv->buffer, 1, sizeof csv->buffer, csv->file);
        if (!csv->end)
            return EOF;
    }
    return csv->buffer[csv->at];
}

static int take(struct csv *csv)
{
    int byte = peek(csv);
    csv->at += byte != EOF;
    return byte;
}

/* As take, with CRLF as one line feed: how bytes outside quotes are read. */
static int take_unquoted(struct csv *csv)
{
    int byte = take(csv);
    return byte == '\r' && peek(csv) == '\n' ? take(csv) : byte;
}

enum lstm_status csv_open(struct csv *csv, const char *path, struct lstm_error *err)
{
    memset(csv, 0, sizeof *csv);
    csv->path = path;
    csv->line = 1;
    csv->file = fopen(path, "rb");
    if (!csv->file)
        return lstm_fail(err, LSTM_UNAVAILABLE, "%s: %s", path, strerror(errno));
    if (ends_in(path, ".xz")) {
        fclose(csv->file);
        if (open_xz(csv, err))
            return LSTM_UNAVAILABLE;
    }
    if (peek(csv) != EOF && csv->end >= 3 && !memcmp(csv->buffer, "\xef\xbb\xbf", 3))
        csv->at = 3; /* a byte order mark */
    return LSTM_OK;
}

void csv_close(struct csv *csv)
{
    if (csv->file)
        fclose(csv->file);
    if (csv->xz)
        waitpid(csv->xz, NULL, 0); /* it ends by itself: its pipe is closed */
    free(csv->bytes);
    free(csv->begins);
    memset(csv, 0, sizeof *csv);
}

/* What the end of the stream means: xz may have ended it early. */
static enum lstm_status finish(struct csv *csv, struct lstm_error *err)
{
    if (ferror(csv->file))
        return lstm_fail(err, LSTM_UNAVAILABLE, "%s: %s", csv->path, strerror(errno));
    if (!csv->xz)
        return LSTM_OK;
    int status = 0;
    pid_t xz = csv->xz;
    csv->xz = 0;
    if (waitpid(xz, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status))
        return lstm_fail(err, LSTM_UNAVAILABLE, "%s: xz could not decompress it (status %d)",
                         csv->path, WIFEXITED(status) ? WEXITSTATUS(status) : status);
    return LSTM_OK;
}

static enum lstm_status put(struct csv *csv, char byte, struct lstm_error *err)
{
    if (csv->size == csv->capacity) {
        size_t capacity = csv->capacity ? 2 * csv->capacity : 4096;
        char *bytes = realloc(csv->bytes, capacity);
        if (!bytes)
            return lstm_fail(err, LSTM_NOMEM, "%s:%lld: a record of %zu bytes", csv->path,
                             (long long)csv->record_at, capacity);
        csv->bytes = bytes;
        csv->capacity = capacity;
    }
    csv->bytes[csv->size++] = byte;
    return LSTM_OK;
}

static enum lstm_status end_field(struct csv *csv, struct lstm_error *err)
{
    if (put(csv, '\0', err))
        return LSTM_NOMEM;
    if (csv->fields + 1 >= csv->fields_max) {
        int32_t fields_max = csv->fields_max ? 2 * csv->fields_max : 16;
        size_t *begins = realloc(csv->begins, (size_t)fields_max * sizeof *begins);
        if (!begins)
            return lstm_fail(err, LSTM_NOMEM, "%s:%lld: %d fields", csv->path,
                             (long long)csv->record_at, fields_max);
        csv->begins = begins;
        csv->fields_max = fields_max;
    }
    if (csv->fields == 0)
        csv->begins[0] = 0;
    csv->begins[++csv->fields] = csv->size;
    return LSTM_OK;
}

/* Reads a quoted field behind its opening quote, its closing quote included. */
static enum lstm_status quoted(struct csv *csv, struct lstm_error *err)
{
    for (;;) {
        int c = take(csv);
        if (c == EOF) {
            enum lstm_status rc = finish(csv, err);
            return rc ? rc
                      : lstm_fail(err, LSTM_CORRUPT, "%s:%lld: a quoted field has no end",
                                  csv->path, (long long)csv->record_at);
        }
        if (c == '"' && peek(csv) != '"')
            return LSTM_OK;
        if (c == '"')
            take(csv);
        csv->line += c == '\n';
        if (put(csv, (char)c, err))
            return LSTM_NOMEM;
    }
}

/* Reads one field from its first character c on; *after is what ended it: ',', '\n' or EOF. */
static enum lstm_status field(struct csv *csv, int c, int *after, struct lstm_error *err)
{
    enum lstm_status rc = LSTM_OK;
    int in_quotes = c == '"';
    if (in_quotes) {
        if ((rc = quoted(csv, err)))
            return rc;
        c = take_unquoted(csv);
    }
    for (; c != ',' && c != '\n' && c != EOF; c = take_unquoted(csv)) {
        if (in_quotes)
            return lstm_fail(err, LSTM_CORRUPT,
                             "%s:%lld: a closing quote is followed by text, expected a comma",
                             csv->path, (long long)csv->line);
        if ((rc = put(csv, (char)c, err)))
            return rc;
    }
    *after = c;
    return end_field(csv, err);
}

enum lstm_status csv_next(struct csv *csv, int *more, struct lstm_error *err)
{
    csv->size = 0;
    csv->fields = 0;
    int c = take_unquoted(csv);
    for (; c == '\n'; c = take_unquoted(csv))
        csv->line++; /* a blank line */
    csv->record_at = csv->line;
    *more = c != EOF;
    if (!*more)
        return finish(csv, err);
    for (;;) {
        enum lstm_status rc = field(csv, c, &c, err);
        if (rc)
            return rc;
        if (c != ',')
            break;
        c = take_unquoted(csv);
    }
    csv->line += c == '\n';
    /* A stream that xz cut off may end in the middle of a field: its status says so before the
     * record is believed. */
    return c == EOF ? finish(csv, err) : LSTM_OK;
}

const char *csv_field(const struct csv *csv, int32_t field_at, size_t *size)
{
    *size = csv->begins[field_at + 1] - csv->begins[field_at] - 1;
    return csv->bytes + csv->begins[field_at];
}
