/* Which backend the name of a device means. */
#ifndef LSTM_DEVICE_H
#define LSTM_DEVICE_H

#include "backend.h"

struct lstm_device {
    const struct lstm_backend *backend;
    /* What the device is; of "auto" on the CPU why it is no other. For a user to read. */
    char why[sizeof((struct lstm_error *)0)->text];
};

/* "cpu"; "cuda" or "cuda:N" (N from 0 to 99; without it 0), in fp16; "cuda-fp32" or "cuda-fp32:N";
 * or "auto": a CUDA device if there is one, else the CPU. Errors: LSTM_UNAVAILABLE with the reason,
 * never for "auto". */
enum lstm_status lstm_device_choose(const char *name, struct lstm_device *device,
                                    struct lstm_error *err);

/* The CPU, and why. */
struct lstm_device lstm_device_cpu(const char *why);

#endif
