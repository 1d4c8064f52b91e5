/* What one part of a batch works with: its texts, their noise, its tape. Used by trainer.c alone.
 */
#ifndef TRAIN_SHARD_H
#define TRAIN_SHARD_H

#include "model/summary_tape.h"
#include "model/tape.h"
#include "train/trainer.h"

struct trainer_shard {
    struct lstm_tape *classifier;         /* one of these, */
    struct lstm_summary_tape *summariser; /* the other is NULL */
    struct lstm_batch batch;
    int32_t *tokens, *starts;         /* the texts */
    int32_t *classes;                 /* of a classifier: texts */
    float *shares;                    /* texts: as a dataset's; below 0: wholly of its class */
    int32_t *targets, *target_starts; /* of a summariser: the summaries */
    int32_t *where;                   /* the place of each text in the caller's list */
    float *embedding_masks,
        *masks; /* dropout: texts x embedding; texts x the classifier's features or the outputs */
    float *logits; /* of a classifier: texts x classes */
    int32_t texts_capacity, tokens_capacity;
    struct trainer_loss loss;
    enum lstm_status rc;
    struct lstm_error err;
};

enum lstm_status shard_open(const struct trainer *trainer, struct trainer_shard *shard,
                            struct lstm_error *err);
void shard_close(struct trainer_shard *shard);

/* Empties the shard and makes room for so many texts, their sources and summaries of so many
 * tokens. */
enum lstm_status shard_reserve(const struct trainer *trainer, struct trainer_shard *shard,
                               int32_t texts, int32_t tokens, struct lstm_error *err);

/* Appends a text of a dataset, the place-th of the batch. */
void shard_take(struct trainer_shard *shard, const struct dataset *dataset, int32_t text,
                int32_t place);

/* Tokens taken so far. */
int32_t shard_tokens(const struct trainer_shard *shard);

/* Sets loss and, training, adds the gradient of its sum to gradient. Not training there is no
 * noise, and the loss is what validation compares. Sets rc and err. */
void shard_run(const struct trainer *trainer, struct trainer_shard *shard, int is_training,
               float *gradient);

#endif
