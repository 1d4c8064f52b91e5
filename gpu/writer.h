/* A session's working memory of the decoder: a group of texts whose summaries are written together.
 */
#ifndef LSTM_GPU_WRITER_H
#define LSTM_GPU_WRITER_H

#include "gpu/blas.h"
#include "gpu/decoder.h"
#include "gpu/network.h"

enum { GPU_WRITER_LOOKS = 2 }; /* progress that is on its way to the host at once */

/* What a group is, as the device gets it: on the host pinned, on the device a copy. */
struct gpu_inputs {
    struct gpu_source *sources; /* texts */
    double *penalties;          /* max_tokens + 2 */
    int32_t *tokens, *next, *heads;
    int32_t *forced; /* texts x max_tokens; copied by itself, when it is known */
};

/* What comes back, pinned. */
struct gpu_outputs {
    struct gpu_progress *progress; /* GPU_WRITER_LOOKS */
    struct gpu_ended *ended;       /* texts */
    int32_t *best, *best_origins;  /* texts x max_tokens */
    float *attention, *generate;   /* of one step: tokens, texts; where attention is asked for */
};

struct gpu_writer {
    const struct lstm_loaded *network; /* not ours */
    const struct gpu_blas *blas;       /* not ours */
    int branch;
    cudaStream_t stream;
    cudaEvent_t looked[GPU_WRITER_LOOKS];

    struct lstm_summary_settings settings; /* of the group */
    int32_t texts, tokens;
    void *pinned, *memory; /* all that follow lie in them */
    size_t pinned_size, memory_size, inputs_size;
    struct gpu_inputs inputs;
    struct gpu_outputs outputs;
    struct gpu_group group; /* of the device */
};

/* A zeroed writer, once. branch: of the products. What was opened before an error is closed by
 * gpu_writer_close. */
enum lstm_status gpu_writer_open(struct gpu_writer *writer, const struct lstm_loaded *network,
                                 const struct gpu_blas *blas, int branch, struct lstm_error *err);
void gpu_writer_close(struct gpu_writer *writer); /* a zeroed one is fine */

/* Room for a group; nothing may be under way. On error there is room for nothing. */
enum lstm_status gpu_writer_reserve(struct gpu_writer *writer, int32_t texts, int32_t tokens,
                                    const struct lstm_summary_settings *settings,
                                    struct lstm_error *err);

/* Enqueues the group's sources; batch: the group. */
enum lstm_status gpu_writer_upload(struct gpu_writer *writer, const struct lstm_batch *batch,
                                   struct lstm_error *err);

/* Once the states of the sources are there, on the writer's stream: writes summaries, and what they
 * attended to where that is asked for. batch: whom to ask whether to stop. */
enum lstm_status gpu_writer_search(struct gpu_writer *writer, const struct lstm_batch *batch,
                                   struct lstm_written *written, struct lstm_error *err);
enum lstm_status gpu_writer_replay(struct gpu_writer *writer, const struct lstm_batch *batch,
                                   struct lstm_written *written, struct lstm_error *err);

/* The parts of a search, one after another: the row of each text before its first step; a step of
 * at most so many rows up to its shares and candidates; the rows of the next one. */
enum lstm_status gpu_writer_begin(struct gpu_writer *writer, struct lstm_error *err);
enum lstm_status gpu_writer_step(struct gpu_writer *writer, int32_t rows, struct lstm_error *err);
enum lstm_status gpu_writer_choose(struct gpu_writer *writer, struct lstm_error *err);

#endif
