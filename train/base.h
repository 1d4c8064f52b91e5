/* Models that there are already: what a run starts from, in place of vectors. */
#ifndef TRAIN_BASE_H
#define TRAIN_BASE_H

#include "model/model.h"
#include "train/dataset.h"
#include "train/trainer.h"

/* The model in a file of that name, or where there is none the model of that name in a database
 * (NULL: none), or one that is inside the extension: "default-sentiment", also called "default",
 * and "default-summarize". The caller frees it. Errors: LSTM_UNAVAILABLE, LSTM_CORRUPT, LSTM_NOMEM.
 */
enum lstm_status base_read(const char *from, const char *database, struct lstm_model **base,
                           struct lstm_error *err);

/* The same as the bytes of its file; the caller frees them. */
enum lstm_status base_bytes(const char *from, const char *database, unsigned char **bytes,
                            size_t *size, struct lstm_error *err);

/* A tokenizer of its vocabulary, cut to a multiple of so many tokens; the caller closes it. */
enum lstm_status base_tokenizer(const struct lstm_model *base, int32_t multiple,
                                struct lstm_tokenizer **tokenizer, struct lstm_error *err);

/* Its embedding and LSTM layers become the trainer's, whose vocabulary may be smaller. */
void base_share_encoder(const struct lstm_model *base, struct trainer *trainer);

/* Attention and classifier too, so that the trainer gives the base's logits, where the base has
 * these labels; else nothing. Returns whether it has. */
int base_share_classifier(const struct lstm_model *base, const struct labels *labels,
                          struct trainer *trainer);

/* The parameters become a mean, of which the base is a share from 0 to 1 (Wortsman et al. 2022:
 * between a model and its fine-tuned self lie better ones). The trainer has shared all of the
 * base. */
void base_keep(const struct lstm_model *base, double share, struct trainer *trainer);

#endif
