/* What a test says to the host emulation of CUDA. From the environment: CUDA_HOST_SEED and
 * CUDA_HOST_CC (75, 80, 90 ...). Not while another thread is in a CUDA call. */
#ifndef CUDA_HOST_CONTROL_H
#define CUDA_HOST_CONTROL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What the device of the emulation is; all of them are alike. */
struct cuda_host_device {
    int count;        /* of devices; 0: none, -1: the driver is missing */
    int major, minor; /* compute capability */
    int multiprocessors;
    size_t memory; /* bytes, at most 4 GiB */
};
extern const struct cuda_host_device cuda_host_default_device; /* 1 of 9.0, 4 processors, 1 GiB */

void cuda_host_seed(uint64_t seed); /* of every order that CUDA leaves open, from now on */
void cuda_host_set_device(const struct cuda_host_device *device);

/* The nth call from now on (1: the next) of this name, or of any with NULL, fails with this
 * cudaError_t or, if it is a cuBLAS call, CUBLAS_STATUS_INTERNAL_ERROR. After a sticky one every
 * call of the runtime fails with it, as after a fault in a kernel. nth 0: no call fails. */
void cuda_host_fail(const char *name, long nth, int error, int is_sticky);

long cuda_host_calls(void);   /* of CUDA and cuBLAS, since the start */
long cuda_host_objects(void); /* allocations, streams, events, graphs, handles not given back */

#ifdef __cplusplus
}
#endif

#endif
