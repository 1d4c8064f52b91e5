/* The plug-in with CUDA's backends, lstm_cuda.so: opened when it is first asked for, then kept for
 * the life of the process. It is code that runs in our user's process, so it is looked for in two
 * places only: where lstm_plugin_set_path says, else beside the file that this code is in.
 * Thread-safe. */
#ifndef LSTM_PLUGIN_H
#define LSTM_PLUGIN_H

#include "backend.h"

#define LSTM_PLUGIN_FILE "lstm_cuda.so"

enum {
    LSTM_DEVICE_MEMORY_MB_MIN = 64,
    LSTM_DEVICE_MEMORY_MB_MAX = 1 << 20,
    LSTM_DEVICE_MEMORY_MB = 4096 /* unless set */
};

/* Errors: LSTM_UNAVAILABLE with the path and the reason; the next call tries again. */
enum lstm_status lstm_plugin_get(const struct lstm_plugin **plugin, struct lstm_error *err);

/* The absolute path of the plug-in from now on; "" goes back to the file beside us. Errors:
 * LSTM_RANGE for another path, LSTM_UNAVAILABLE once a plug-in is open, since it stays. */
enum lstm_status lstm_plugin_set_path(const char *path, struct lstm_error *err);

/* That path, as it is now: PATH_MAX bytes are enough. "": there is none, since the file that this
 * code is in is not known. */
void lstm_plugin_path(char *path, size_t size);

/* What models and batches may take of each device's memory together, from the next of them on.
 * Errors: LSTM_RANGE. */
enum lstm_status lstm_plugin_set_memory(int64_t megabytes, struct lstm_error *err);
int64_t lstm_plugin_memory(void); /* in megabytes */

#endif
