/* A training run on disk, so that it goes on where it was cut off and ends with the same bits. */
#ifndef TRAIN_CHECKPOINT_H
#define TRAIN_CHECKPOINT_H

#include "train/trainer.h"

/* Where a run stands between two steps. */
struct run_state {
    int32_t epoch, batch; /* the next step's */
    int32_t
        best_epoch; /* the epoch whose parameters are kept as the best; -1: none was validated */
    double best_score, best_loss;   /* of that epoch; see struct run_score */
    struct trainer_loss epoch_loss; /* of the epoch so far */
};

/* fingerprint: everything the bits depend on, as text; a checkpoint of another run is refused with
 * both texts. */
enum lstm_status checkpoint_write(const char *path, const char *fingerprint,
                                  const struct trainer *trainer, const struct run_state *state,
                                  struct lstm_error *err);
enum lstm_status checkpoint_read(const char *path, const char *fingerprint, struct trainer *trainer,
                                 struct run_state *state, struct lstm_error *err);

#endif
