/* A summariser's decoder in the order and precision of the kernels. Plain C without CUDA. Shapes:
 * struct gpu_decoder; gates are interleaved as in packing.h, columns that read states of the
 * encoder are padded as those are. */
#ifndef LSTM_GPU_PACKING_DECODER_H
#define LSTM_GPU_PACKING_DECODER_H

#include "gpu/plan.h"

/* Refuses a matrix that fp16 cannot hold. Errors: LSTM_MISMATCH with the value. */
enum lstm_status gpu_pack_decoder_check(const struct gpu_plan *plan, const float *params,
                                        struct lstm_error *err);

/* One matrix each, in elements. Of the table: 4 D x E, and its bias, 4 D floats. */
void gpu_pack_decoder_table(const struct gpu_plan *plan, const float *params, void *to);
void gpu_pack_decoder_bias(const struct gpu_plan *plan, const float *params, void *to);
void gpu_pack_gates(const struct gpu_plan *plan, const float *params, void *to);
void gpu_pack_bridge(const struct gpu_plan *plan, const float *params, void *to);
void gpu_pack_align_state(const struct gpu_plan *plan, const float *params, void *to);
void gpu_pack_align_query(const struct gpu_plan *plan, const float *params, void *to);
void gpu_pack_output(const struct gpu_plan *plan, const float *params, void *to);

/* gpu_plan_vectors floats. */
void gpu_pack_vectors(const struct gpu_plan *plan, const float *params, void *to);

#endif
