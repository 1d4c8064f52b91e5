/* Models stored as int8, and what that costs them on held-out rows. */
#ifndef TRAIN_QUANTISED_H
#define TRAIN_QUANTISED_H

#include "train/heldout.h"

/* The bytes of a model as int8, from a quantised copy of it; the caller frees them. Errors: those
 * of lstm_model_quantise and lstm_model_write. */
enum lstm_status quantised_write(const struct lstm_model *model, void **blob, size_t *size,
                                 struct lstm_error *err);

/* Measures a model on held-out rows (NULL: there are none) as it is and as int8, says so on stderr,
 * and puts it into the model's card, which is replaced: "quantised": {"metric", "fp32", "int8",
 * "rows"}, of no rows {"rows": 0}. The metric is the accuracy, of summaries the mean of ROUGE-1 and
 * ROUGE-L. Errors: those of heldout_measure and heldout_accuracy. */
enum lstm_status quantised_note(struct lstm_model *model, const struct heldout *heldout,
                                int threads, struct lstm_error *err);

#endif
