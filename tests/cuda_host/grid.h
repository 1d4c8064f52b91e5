/* Runs the threads of a grid, in an order drawn from the seed. */
#ifndef CUDA_HOST_GRID_H
#define CUDA_HOST_GRID_H

#include "tests/cuda_host/device.h"

namespace cuda_host
{

struct grid {
    const char *name; /* of a kernel: where it is in the program */
    dim3 blocks, threads;
    size_t shared_bytes; /* that the launch asked for */
    bool is_cooperative; /* all blocks live at once and may meet */
    void (*invoke)(void *arguments);
    void *arguments;
};

void grid_run(const grid &g, const moments &before, moment *after);

/* "block (x, y, z), thread (x, y, z) of NAME" of the thread that runs; "" on the host. */
void grid_where(char *text, size_t size);

} // namespace cuda_host

#endif
