/* What a test says to the host emulation of CUDA. From the environment: CUDA_HOST_SEED,
 * CUDA_HOST_CC (75, 80, 90 ...), CUDA_HOST_PROCESSORS. Not while another thread is in a CUDA call.
 */
#ifndef CUDA_HOST_CONTROL_H
#define CUDA_HOST_CONTROL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct cuda_host_device {
    int major, minor; /* compute capability */
    int multiprocessors;
    size_t memory; /* bytes, at most 4 GiB */
};
extern const struct cuda_host_device cuda_host_default_device; /* 9.0, 4 processors, 1 GiB */

void cuda_host_seed(uint64_t seed); /* of every order that CUDA leaves open, from now on */

/* The machine's devices, at most 8; one default device unless set. count: or CUDA_HOST_NO_DRIVER,
 * CUDA_HOST_OLD_DRIVER. */
enum { CUDA_HOST_DEVICES_MAX = 8, CUDA_HOST_NO_DRIVER = -1, CUDA_HOST_OLD_DRIVER = -2 };
void cuda_host_set_devices(const struct cuda_host_device *devices, int count);

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
