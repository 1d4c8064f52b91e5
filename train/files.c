#include "train/files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum lstm_status file_write(const char *path, const void *bytes, size_t size, struct lstm_error *err)
{
    enum lstm_status rc = LSTM_OK;
    size_t name_size = strlen(path) + sizeof ".part";
    char *name = malloc(name_size);
    if (!name)
        return lstm_fail(err, LSTM_NOMEM, "a path of %zu bytes", name_size);
    snprintf(name, name_size, "%s.part", path);
    FILE *file = fopen(name, "wb");
    if (!file) {
        rc = lstm_fail(err, LSTM_UNAVAILABLE, "cannot write %s: %s", name, strerror(errno));
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

enum lstm_status file_read(const char *path, unsigned char **bytes, size_t *size, struct lstm_error *err)
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
        rc = lstm_fail(err, LSTM_UNAVAILABLE, "cannot read %s: it ends before its %zu bytes", path, *size);
done:
    fclose(file);
    if (rc) {
        free(*bytes);
        *bytes = NULL;
    }
    return rc;
}
