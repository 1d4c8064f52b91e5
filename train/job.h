/* What every training run is made of, whatever it learns, and how it ends: the model rehearsed
 * before the hours of training, its card, and where it is stored. */
#ifndef TRAIN_JOB_H
#define TRAIN_JOB_H

#include "model/json.h"
#include "train/heldout.h"
#include "train/settings.h"

enum { FINGERPRINT_SIZE = 700 };

/* Zero-initialise it, but for settings. */
struct job {
    const struct settings *settings; /* not ours */
    struct lstm_tokenizer *tokenizer;
    struct lstm_model *base; /* NULL: none to start from */
    float *vectors;
    int32_t dimension;
    struct labels labels; /* of a classifier */
    struct dataset train, valid;
    struct heldout heldout; /* rows of valid */
    struct trainer trainer;
    char fingerprint[FINGERPRINT_SIZE];
};
void job_close(struct job *job);

/* The vocabulary, and what there is to start from: the model named by from, or NULL: vectors read
 * or learned from the rows. The vocabulary is cut to a multiple of so many tokens. Errors: those of
 * base_read and embedding_open, LSTM_RANGE for two places to start from. */
enum lstm_status job_vocabulary(struct job *job, const char *from, const struct rows *rows,
                                int32_t multiple, struct lstm_error *err);

/* Says on stderr what will be trained, and stores the untrained model as store_rehearse does. */
enum lstm_status job_rehearse(const struct job *job, struct lstm_model *model,
                              struct lstm_error *err);

/* Gives the model its card, which the caller frees, stores it, and prints its name and metrics, a
 * JSON object, which is ended and freed. */
enum lstm_status job_store(const struct job *job, struct lstm_model *model,
                           struct json_text *metrics, struct lstm_error *err);

#endif
