/* A caller's working memory on a device, and how a batch goes through it. */
#ifndef LSTM_GPU_SESSION_H
#define LSTM_GPU_SESSION_H

#include "gpu/slot.h"
#include "gpu/writer.h"

enum { GPU_SLOTS = 2 };

struct lstm_session {
    const struct lstm_loaded *network; /* not ours */
    struct gpu_windows *windows;
    struct gpu_blas blas; /* of plans that multiply */
    struct gpu_slot slots[GPU_SLOTS];
    float *carried; /* of the device: two pools, of a text that goes from round to round */
    struct gpu_writer writer; /* a summariser's */
};

/* As the table in backend.h says. */
enum lstm_status gpu_session_open(const struct lstm_loaded *loaded, struct lstm_session **session,
                                  struct lstm_error *err);
void gpu_session_close(struct lstm_session *session);
enum lstm_status gpu_session_classify(struct lstm_session *session, const struct lstm_batch *batch,
                                      float *logits, struct lstm_error *err);
enum lstm_status gpu_session_write(struct lstm_session *session, const struct lstm_batch *batch,
                                   const struct lstm_summary_settings *settings,
                                   struct lstm_written *written, struct lstm_error *err);

/* What these two share, within gpu_device_enter and leave. Room for the batch in one slot, or for a
 * part of it in each of *slots; less where the device's memory is short, as long as it holds a
 * window. */
enum lstm_status gpu_session_reserve(struct lstm_session *session, const struct lstm_batch *batch,
                                     int *slots, struct lstm_error *err);

/* Enqueues the round in the slot up to the states of its last layer, without a wait. */
enum lstm_status gpu_session_read(struct lstm_session *session, struct gpu_slot *slot,
                                  struct lstm_error *err);

/* After an error: the device may still read and write what the next call will use. */
void gpu_session_drain(struct lstm_session *session);

#endif
