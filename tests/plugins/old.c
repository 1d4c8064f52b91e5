/* A plug-in of another time: nothing but its ABI may be looked at. */
#include <stdint.h>

extern const uint32_t lstm_plugin;
__attribute__((visibility("default"))) const uint32_t lstm_plugin = 999;
