/* Texts as tokens, labelled or with a summary each, and the order an epoch reads them in. */
#ifndef TRAIN_DATASET_H
#define TRAIN_DATASET_H

#include "model/model.h"
#include "model/tokenizer.h"
#include "train/rows.h"

struct dataset {
    int32_t texts;
    struct lstm_tokens tokens;
    int32_t *starts;  /* texts + 1 */
    int32_t *classes; /* texts, or NULL */
    float *shares;    /* texts: the probability of "positive" that is learned, where some sentiment
                         label lies between 0 and 1; NULL: every text is wholly of its class */
    int32_t *middles; /* texts: where in tokens the summary begins that follows text i (see
                         pairs.h), or NULL */
    int32_t *rows;    /* texts: the row that each came from */
    int32_t empty;    /* rows left out because no token was in them */
};

/* The distinct labels in order: numbers by value, then text by bytes; at most LSTM_CLASSES_MAX. For
 * a sentiment model there are "negative" and "positive", and a label is one of them or the
 * probability of positive, 0 to 1: a teacher's answer, the share of the people who liked it. From
 * 0.5 on its class is positive. Errors: LSTM_RANGE names the label. */
struct labels {
    int32_t count;
    char names[LSTM_CLASSES_MAX][LSTM_LABEL_SIZE];
    int sentiment;
};
enum lstm_status labels_collect(const struct rows *rows, int sentiment, struct labels *labels,
                                struct lstm_error *err);

/* Errors: LSTM_RANGE for a label that is not among labels, LSTM_NOMEM. */
enum lstm_status dataset_open(const struct lstm_tokenizer *tokenizer, const struct rows *rows,
                              const struct labels *labels, struct dataset *dataset,
                              struct lstm_error *err);
/* Room for so many texts in an empty dataset: their starts and rows, and middles or classes. The
 * tokens grow by themselves. */
enum lstm_status dataset_room(struct dataset *dataset, int32_t texts, int with_summaries,
                              struct lstm_error *err);
void dataset_close(struct dataset *dataset);

/* A hash of everything in it and of what came before, so that a checkpoint cannot go on with other
 * rows. */
uint64_t dataset_hash(const struct dataset *dataset, uint64_t before);

/* Moves a share of the texts (or pairs), drawn by the seed, to another dataset: for validation
 * where no rows were set apart. */
enum lstm_status dataset_split(struct dataset *dataset, double share, uint64_t seed,
                               struct dataset *other, struct lstm_error *err);

/* Copies a share of the texts, drawn by the seed: those of a smaller share are among those of a
 * larger. */
enum lstm_status dataset_sample(const struct dataset *dataset, double share, uint64_t seed,
                                struct dataset *sample, struct lstm_error *err);

/* The batches of an epoch: texts of similar length together, at least batch_tokens tokens each (the
 * last of a pool may have fewer), so that few rows run alone at the end of a tile. seed and epoch
 * decide everything. */
struct epoch_plan {
    int32_t *order;   /* texts */
    int32_t *batches; /* batches + 1: batch b is order[batches[b]] .. order[batches[b + 1] - 1] */
    int32_t count;
};
enum lstm_status epoch_plan_open(const struct dataset *dataset, int32_t batch_tokens, uint64_t seed,
                                 int32_t epoch, struct epoch_plan *plan, struct lstm_error *err);
void epoch_plan_close(struct epoch_plan *plan);

#endif
