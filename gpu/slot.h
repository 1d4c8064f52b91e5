/* One of a session's two slots: the memory, streams and graphs of a round under way. While the
 * device works on one, the host packs the other. */
#ifndef LSTM_GPU_SLOT_H
#define LSTM_GPU_SLOT_H

#include "gpu/blas.h"
#include "gpu/kernels.h"
#include "gpu/network.h"

/* What GPU_STEPS keeps of both directions between steps, rows x hidden each; see struct gpu_step.
 */
struct gpu_steps {
    int32_t *first;
    float *products[2], *cells[2];
    void *states[2];
    cudaGraphExec_t graphs[LSTM_LAYERS_MAX][GPU_GRAPHS]; /* NULL until one is needed */
};

struct gpu_slot {
    const struct lstm_loaded *network; /* not ours */
    int32_t rows_max, states_max;      /* there is room for; 0: nothing is allocated */
    cudaStream_t stream, side;         /* side: of the backward direction of GPU_STEPS */
    int branch;                        /* of the session's products on stream; on side the next */
    cudaEvent_t fork, join, done;
    int is_busy; /* done has been recorded and not been waited for */

    void *pinned;
    struct gpu_round round; /* in pinned memory */
    float *logits;          /* in pinned memory: of the round's texts */

    void *memory; /* of the device; all that follow lie in it */
    size_t memory_size;
    struct gpu_row *rows;
    struct gpu_text *texts;
    int32_t *tokens;
    void *states;       /* states x 2 hidden elements */
    void *products;     /* states x 8 hidden elements; of models of several layers */
    float *pools;       /* rows x gpu_plan_pool */
    float *text_logits; /* rows x classes */
    uint32_t *meetings;
    struct gpu_steps steps;
};

enum { GPU_SLOT_BRANCHES = 2 };

/* A zeroed slot, once. branch: the first of GPU_SLOT_BRANCHES that are its own. What was opened
 * before an error is closed by gpu_slot_close. */
enum lstm_status gpu_slot_open(struct gpu_slot *slot, const struct lstm_loaded *network, int branch,
                               struct lstm_error *err);
void gpu_slot_close(struct gpu_slot *slot); /* a zeroed one is fine */

/* Room for so many rows (16, 32, 64 ...) and states; nothing may be under way. On error there is
 * room for nothing. */
enum lstm_status gpu_slot_reserve(struct gpu_slot *slot, int32_t rows_max, int32_t states_max,
                                  struct lstm_error *err);

/* The recurrence of a layer by steps. first in gpu_step counts on from call to call. */
enum lstm_status gpu_slot_steps(struct gpu_slot *slot, const struct gpu_blas *blas,
                                int layer_number, const struct gpu_layer *layer,
                                struct lstm_error *err);

#endif
