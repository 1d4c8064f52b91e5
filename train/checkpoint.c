#include "train/checkpoint.h"

#include "model/safetensors.h"
#include "train/files.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCKS = 4, STATE_SIZE = 512 };

static const char format_name[] = "lstm-checkpoint";

/* The blocks of parameters a checkpoint holds, in file order. */
static void blocks_of(const struct trainer *trainer, float *blocks[BLOCKS],
                      struct safetensors_tensor tensors[BLOCKS])
{
    static const char *const names[BLOCKS] = { "params", "mean", "variance", "best" };
    float *const all[BLOCKS] = { trainer->params, trainer->mean, trainer->variance, trainer->best };
    for (int i = 0; i < BLOCKS; i++) {
        blocks[i] = all[i];
        tensors[i] = (struct safetensors_tensor){ .name = names[i],
                                                  .dtype = SAFETENSORS_F32,
                                                  .rank = 1,
                                                  .shape = { (int64_t)trainer->padded } };
    }
}

/* Hexadecimal floats keep every bit. */
#define STATE_FORMAT                                                                    \
    "step %" PRId64 " of %" PRId64 " epoch %" PRId32 " batch %" PRId32 " best %" PRId32 \
    " %la %la so far %la %la %la %" PRId64 " %" PRId32 " %" PRId32 " %" PRId64

#define STATE_SCAN                                                                      \
    "step %" SCNd64 " of %" SCNd64 " epoch %" SCNd32 " batch %" SCNd32 " best %" SCNd32 \
    " %la %la so far %la %la %la %" SCNd64 " %" SCNd32 " %" SCNd32 " %" SCNd64

enum lstm_status checkpoint_write(const char *path, const char *fingerprint,
                                  const struct trainer *trainer, const struct run_state *state,
                                  struct lstm_error *err)
{
    char text[STATE_SIZE];
    const struct trainer_loss *loss = &state->epoch_loss;
    int size = snprintf(text, sizeof text, STATE_FORMAT, trainer->step, trainer->steps,
                        state->epoch, state->batch, state->best_epoch, state->best_score,
                        state->best_loss, loss->loss, loss->likelihood, loss->coverage, loss->terms,
                        loss->texts, loss->right, loss->tokens);
    const struct safetensors_entry entries[] = {
        { "format", format_name, strlen(format_name) },
        { "fingerprint", fingerprint, strlen(fingerprint) },
        { "state", text, (size_t)size },
    };
    float *blocks[BLOCKS];
    struct safetensors_tensor tensors[BLOCKS];
    unsigned char *blob = NULL;
    size_t blob_size;
    blocks_of(trainer, blocks, tensors);
    enum lstm_status rc = safetensors_layout(entries, 3, tensors, BLOCKS, &blob, &blob_size, err);
    for (int i = 0; i < BLOCKS && !rc; i++)
        memcpy(blob + tensors[i].at, blocks[i], tensors[i].size);
    if (!rc)
        rc = file_write(path, blob, blob_size, err);
    free(blob);
    return rc;
}

static enum lstm_status read_state(const struct safetensors *file, const char *path,
                                   const char *fingerprint, struct trainer *trainer,
                                   struct run_state *state, struct lstm_error *err)
{
    const struct safetensors_entry *was, *text;
    struct trainer_loss *loss = &state->epoch_loss;
    if (safetensors_require(file, "format", format_name, &text, err) ||
        safetensors_require(file, "fingerprint", NULL, &was, err) ||
        safetensors_require(file, "state", NULL, &text, err))
        return LSTM_CORRUPT;
    if (strcmp(was->value, fingerprint))
        return lstm_fail(err, LSTM_MISMATCH, "%s is of another run (%s); this one is %s", path,
                         was->value, fingerprint);
    if (sscanf(text->value, STATE_SCAN, &trainer->step, &trainer->steps, &state->epoch,
               &state->batch, &state->best_epoch, &state->best_score, &state->best_loss,
               &loss->loss, &loss->likelihood, &loss->coverage, &loss->terms, &loss->texts,
               &loss->right, &loss->tokens) != 14 ||
        trainer->step < 0 || state->epoch < 0 || state->batch < 0)
        return lstm_fail(err, LSTM_CORRUPT, "%s: its state cannot be read", path);
    return LSTM_OK;
}

enum lstm_status checkpoint_read(const char *path, const char *fingerprint, struct trainer *trainer,
                                 struct run_state *state, struct lstm_error *err)
{
    unsigned char *blob = NULL;
    size_t size;
    struct safetensors *file = NULL;
    float *blocks[BLOCKS];
    struct safetensors_tensor tensors[BLOCKS];
    blocks_of(trainer, blocks, tensors);
    enum lstm_status rc = file_read(path, &blob, &size, err);
    if (rc || (rc = safetensors_read(blob, size, &file, err)) ||
        (rc = read_state(file, path, fingerprint, trainer, state, err)))
        goto done;
    for (int i = 0; i < BLOCKS; i++) {
        const struct safetensors_tensor *found = safetensors_find(file, tensors[i].name);
        if (!found || found->dtype != SAFETENSORS_F32 ||
            found->size != trainer->padded * sizeof(float)) {
            rc = lstm_fail(err, LSTM_CORRUPT, "%s: tensor %s is missing or of another size", path,
                           tensors[i].name);
            goto done;
        }
        memcpy(blocks[i], blob + found->at, found->size);
    }
    trainer_pack(trainer);
done:
    safetensors_free(file);
    free(blob);
    return rc;
}
