/* A caller's working memory on a device, and how a batch goes through it. */
#ifndef LSTM_GPU_SESSION_H
#define LSTM_GPU_SESSION_H

#include "gpu/network.h"

/* As the table in backend.h says. */
enum lstm_status gpu_session_open(const struct lstm_loaded *loaded, struct lstm_session **session,
                                  struct lstm_error *err);
void gpu_session_close(struct lstm_session *session);
enum lstm_status gpu_session_classify(struct lstm_session *session, const struct lstm_batch *batch,
                                      float *logits, struct lstm_error *err);

#endif
