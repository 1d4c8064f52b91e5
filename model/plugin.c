#define _GNU_SOURCE /* dladdr */
#include "plugin.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of all that follows */
static char beside[PATH_MAX];     /* the plug-in in our directory; "": it is not known */
static char configured[PATH_MAX]; /* "": beside */
static const struct lstm_plugin *opened;
static int64_t memory_mb = LSTM_DEVICE_MEMORY_MB;

/* When we are loaded: later a relative name would mean another directory. The name of a program,
 * which is no path where the shell found it, comes from the kernel. */
__attribute__((constructor)) static void find_directory(void)
{
    char file[PATH_MAX];
    Dl_info us;
    if (!dladdr(beside, &us) || !us.dli_fname)
        return;
    if (strchr(us.dli_fname, '/')) {
        if (!realpath(us.dli_fname, file))
            return;
    } else {
        const ssize_t length = readlink("/proc/self/exe", file, sizeof file - 1);
        if (length < 0)
            return;
        file[length] = '\0';
    }
    char *end = strrchr(file, '/');
    if (!end || (size_t)(end + 1 - file) + sizeof LSTM_PLUGIN_FILE > sizeof beside)
        return;
    memcpy(beside, file, (size_t)(end + 1 - file));
    memcpy(beside + (end + 1 - file), LSTM_PLUGIN_FILE, sizeof LSTM_PLUGIN_FILE);
}

static enum lstm_status open_locked(const char *path, struct lstm_error *err)
{
    if (!*path)
        return lstm_fail(err, LSTM_UNAVAILABLE,
                         "the directory of this extension is not known; say where " LSTM_PLUGIN_FILE
                         " is by cuda_plugin");
    if (access(path, F_OK))
        return lstm_fail(err, LSTM_UNAVAILABLE, "%s: %s", path, strerror(errno));
    /* NODELETE: the CUDA runtime registers exit handlers that point into its own code, so unmapping
     * it would turn process exit into a crash. */
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!library) {
        const char *reason = dlerror();
        return lstm_fail(err, LSTM_UNAVAILABLE, "%s", reason ? reason : path);
    }
    const struct lstm_plugin *found = dlsym(library, LSTM_PLUGIN_SYMBOL);
    if (!found)
        return lstm_fail(err, LSTM_UNAVAILABLE, "%s is no plug-in: it has no " LSTM_PLUGIN_SYMBOL,
                         path);
    if (found->abi != LSTM_BACKEND_ABI)
        return lstm_fail(err, LSTM_UNAVAILABLE,
                         "%s has plug-in ABI %u, expected %u; build it with this extension", path,
                         (unsigned)found->abi, (unsigned)LSTM_BACKEND_ABI);
    found->limit((uint64_t)memory_mb << 20);
    opened = found;
    return LSTM_OK;
}

enum lstm_status lstm_plugin_get(const struct lstm_plugin **plugin, struct lstm_error *err)
{
    enum lstm_status rc = LSTM_OK;
    pthread_mutex_lock(&lock);
    if (!opened)
        rc = open_locked(*configured ? configured : beside, err);
    *plugin = opened;
    pthread_mutex_unlock(&lock);
    return rc;
}

enum lstm_status lstm_plugin_set_path(const char *path, struct lstm_error *err)
{
    const size_t length = strlen(path);
    enum lstm_status rc = LSTM_OK;
    if (length >= sizeof configured || (length > 0 && *path != '/'))
        return lstm_fail(
            err, LSTM_RANGE,
            "cuda_plugin is \"%.200s\", expected an absolute path of at most %zu bytes", path,
            sizeof configured - 1);
    pthread_mutex_lock(&lock);
    if (opened && strcmp(path, configured))
        rc = lstm_fail(err, LSTM_UNAVAILABLE, "%s is in use and stays until the process ends",
                       *configured ? configured : beside);
    else
        memcpy(configured, path, length + 1);
    pthread_mutex_unlock(&lock);
    return rc;
}

void lstm_plugin_path(char *path, size_t size)
{
    pthread_mutex_lock(&lock);
    snprintf(path, size, "%s", *configured ? configured : beside);
    pthread_mutex_unlock(&lock);
}

enum lstm_status lstm_plugin_set_memory(int64_t megabytes, struct lstm_error *err)
{
    if (megabytes < LSTM_DEVICE_MEMORY_MB_MIN || megabytes > LSTM_DEVICE_MEMORY_MB_MAX)
        return lstm_fail(err, LSTM_RANGE, "cuda_memory_mb is %lld, expected %d to %d",
                         (long long)megabytes, LSTM_DEVICE_MEMORY_MB_MIN,
                         LSTM_DEVICE_MEMORY_MB_MAX);
    pthread_mutex_lock(&lock);
    memory_mb = megabytes;
    if (opened)
        opened->limit((uint64_t)megabytes << 20);
    pthread_mutex_unlock(&lock);
    return LSTM_OK;
}

int64_t lstm_plugin_memory(void)
{
    pthread_mutex_lock(&lock);
    const int64_t megabytes = memory_mb;
    pthread_mutex_unlock(&lock);
    return megabytes;
}
