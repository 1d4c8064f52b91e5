/* The settings of a connection; lstm_config(key, value) changes them. Those of the process are in
 * model/limits.h, model/plugin.h and result_cache.h. */
#ifndef EXT_SETTINGS_H
#define EXT_SETTINGS_H

#include <stdint.h>

enum readahead {
    READAHEAD_OFF,
    READAHEAD_ON,
    READAHEAD_EAGER /* whatever it may cost: without the budget of time */
};

enum { BATCH_MAX = 4096, DEVICE_NAME_SIZE = 16 };

struct settings {
    enum readahead readahead;
    int32_t batch;                 /* texts that are scored together: 1..BATCH_MAX */
    char device[DEVICE_NAME_SIZE]; /* see lstm_device_choose */
};
extern const struct settings settings_default;

#endif
