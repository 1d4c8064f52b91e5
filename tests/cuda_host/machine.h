/* The machine of the backend's tests, and how often they run. */
#ifndef CUDA_HOST_MACHINE_H
#define CUDA_HOST_MACHINE_H

#include "model/backend.h"

enum {
    MACHINE_SMALL,
    MACHINE_LARGE
}; /* devices: one where groups of blocks cannot meet, one
      where two groups of each direction can */

/* Sets the devices up, once, before the plug-in sees them. */
void machine_set_up(void);

/* How often a test is repeated, with the seeds 1 to that: CUDA_HOST_SEEDS. Unless it is set, once,
 * and what takes a minute runs on the quick paths only. */
int machine_seeds(void);
int machine_is_short(void);

/* The ways through the backend: each is another set of kernels. hidden: units that lead there. */
struct machine_path {
    const char *name;
    int32_t device, hidden;
    enum lstm_precision precision;
    int is_quick; /* runs in a short test too */
};
enum { MACHINE_GROUPS = 3, MACHINE_STEPS_FP16 = 4 }; /* of machine_paths */
extern const struct machine_path machine_paths[6];

/* Whether this is a short test under ThreadSanitizer, where the largest grids take minutes and 4
 * GB: who leaves one out says so. */
int machine_is_slow(void);

/* A backend of the plug-in; ends the test where there is none. */
const struct lstm_backend *machine_backend(int32_t device, enum lstm_precision precision);

/* The logits of a batch, by a model that is loaded for it; ends the test where that fails. */
void machine_classify(const struct lstm_backend *backend, const struct lstm_model *model,
                      const struct lstm_batch *batch, float *logits);

/* The normalised error of a vector, as a share of it: |found - expected| / |expected|. */
double machine_error(const float *found, const float *expected, size_t count);

/* The most that machine_error of logits may be. */
float machine_tolerance(enum lstm_precision precision);

#endif
