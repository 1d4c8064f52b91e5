#include "train/files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Opens the file beside path that will be renamed to it; *name is its path, the caller's to free.
 */
static FILE *open_part(const char *path, char **name, struct lstm_error *err)
{
    size_t size = strlen(path) + sizeof ".part";
    if (!(*name = malloc(size))) {
        lstm_fail(err, LSTM_NOMEM, "a path of %zu bytes", size);
        return NULL;
    }
    snprintf(*name, size, "%s.part", path);
    FILE *file = fopen(*name, "wb");
    if (!file)
        lstm_fail(err, LSTM_UNAVAILABLE, "cannot write %s: %s", *name, strerror(errno));
    return file;
}

enum lstm_status file_writable(const char *path, struct lstm_error *err)
{
    char *name;
    FILE *file = open_part(path, &name, err);
    if (file) {
        fclose(file);
        remove(name);
    }
    free(name);
    return file ? LSTM_OK : err->status;
}

enum lstm_status file_write(const char *path, const void *bytes, size_t size,
                            struct lstm_error *err)
{
    char *name;
    enum lstm_status rc = LSTM_OK;
    FILE *file = open_part(path, &name, err);
    if (!file) {
        rc = err->status;
        goto done;
    }
    int is_written = fwrite(bytes, 1, size, file) == size;
    is_written &= fclose(file) == 0;
    if (!is_written || rename(name, path) != 0) {
        rc = lstm_fail(err, LSTM_UNAVAILABLE, "cannot write %s: %s", path, strerror(errno));
        remove(name);
    }
done:
    free(name);
    return rc;
}

enum lstm_status file_read(const char *path, unsigned char **bytes, size_t *size,
                           struct lstm_error *err)
{
    enum lstm_status rc = LSTM_OK;
    struct stat info;
    *bytes = NULL;
    *size = 0;
    FILE *file = fopen(path, "rb");
    if (!file)
        return lstm_fail(err, LSTM_UNAVAILABLE, "cannot read %s: %s", path, strerror(errno));
    if (fstat(fileno(file), &info) != 0 || !S_ISREG(info.st_mode)) {
        rc = lstm_fail(err, LSTM_UNAVAILABLE, "cannot read %s: not a regular file", path);
        goto done;
    }
    *size = (size_t)info.st_size;
    if (!(*bytes = malloc(*size + 1)))
        rc = lstm_fail(err, LSTM_NOMEM, "%s has %zu bytes", path, *size);
    else if (fread(*bytes, 1, *size, file) != *size)
        rc = lstm_fail(err, LSTM_UNAVAILABLE, "cannot read %s: it ends before its %zu bytes", path,
                       *size);
    else
        (*bytes)[*size] = '\0';
done:
    fclose(file);
    if (rc) {
        free(*bytes);
        *bytes = NULL;
    }
    return rc;
}
