/* The contract of every backend on a real device, on each way through it: part of `make gpu-check`.
 * check_contract PLUGIN [short] */
#include "model/device.h"
#include "model/plugin.h"
#include "tests/backend_contract.h"
#include "tests/networks.h"

#include <stdio.h>

/* Units that lead each way on a device of at least 8 multiprocessors; 0: those that each test
 * chooses. */
static const struct {
    const char *device;
    int32_t hidden;
    float tolerance;
} ways[] = {
    { "cuda", 0, 1e-2f },      { "cuda", 32, 1e-2f },       { "cuda", 64, 1e-2f },
    { "cuda", 128, 1e-2f },    { "cuda", 256, 1e-2f },      { "cuda", 320, 1e-2f },
    { "cuda-fp32", 0, 1e-5f }, { "cuda-fp32", 128, 1e-5f },
};

int main(int argc, char **argv)
{
    const int is_short = argc > 2;
    int failures = 0;
    struct lstm_error err;
    if (argc < 2 || lstm_plugin_set_path(argv[1], &err)) {
        fprintf(stderr, "usage: check_contract PLUGIN [short], PLUGIN an absolute path\n");
        return 2;
    }
    for (size_t i = 0; i < COUNT(ways); i++) {
        struct lstm_device device;
        if (lstm_device_choose(ways[i].device, &device, &err)) {
            fprintf(stderr, "%s: %s\n", ways[i].device, err.text);
            return 1;
        }
        const struct backend_contract contract = { .backend = device.backend,
                                                   .tolerance = ways[i].tolerance,
                                                   .longest = is_short ? 250 : 1000000,
                                                   .hidden = ways[i].hidden,
                                                   .texts = is_short ? 4 : 0 };
        printf("%s, %d units\n", ways[i].device, ways[i].hidden);
        failures += backend_contract_run(&contract);
    }
    return failures != 0;
}
