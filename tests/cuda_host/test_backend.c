/* The CUDA backend on the emulation: the contract of every backend, on every path, with several
 * seeds. */
#include "tests/backend_contract.h"
#include "tests/cuda_host/control.h"
#include "tests/cuda_host/machine.h"
#include "tests/networks.h"

#include <stdio.h>

int main(void)
{
    const int is_once = machine_seeds() == 1;
    int failures = 0;
    machine_set_up();
    for (int seed = 1; seed <= machine_seeds(); seed++)
        for (size_t i = 0; i < COUNT(machine_paths); i++) {
            const struct machine_path *path = &machine_paths[i];
            if (machine_is_short() && !path->is_quick)
                continue;
            if (machine_is_slow() && path->precision == LSTM_PRECISION_FP32) {
                printf("SKIPPED: the contract of %s under ThreadSanitizer: set CUDA_HOST_SEEDS\n",
                       path->name);
                continue;
            }
            const int is_wide = path->hidden > 64; /* a step of a tile takes milliseconds */
            const struct backend_contract contract = {
                .backend = machine_backend(path->device, path->precision),
                .tolerance = machine_tolerance(path->precision),
                .longest = is_wide || is_once ? 250 : 2000,
                .hidden = path->hidden,
                .texts = is_wide || is_once ? 4 : 12
            };
            printf("%s, seed %d\n", path->name, seed);
            cuda_host_seed((uint64_t)seed);
            failures += backend_contract_run(&contract);
        }
    return failures;
}
