/* Training classifiers: labelled rows in, a model and a report of its answers out. */
#ifndef TRAIN_CLASSIFIER_H
#define TRAIN_CLASSIFIER_H

#include "train/job.h"

/* What settings hold unless told otherwise, but for the threads, and windows, batches and warming
 * up, which are settled by classifier_start. */
extern const struct settings classifier_defaults;

/* Settles what depends on whether the settings start from a model: without --from it is the
 * sentiment model inside, unless --vectors names vectors; --from scratch is none. Such a start has
 * a lower rate unless one is given, and refuses sizes, which are its own. Errors: LSTM_RANGE. */
enum lstm_status classifier_begin_from(struct settings *settings, int argc, char **argv,
                                       struct lstm_error *err);

/* The options of a classifier's training besides the shared ones: fills specs and returns how many,
 * at most CLASSIFIER_OPTIONS. */
enum { CLASSIFIER_OPTIONS = 6 };
size_t classifier_options(struct settings *settings, struct option_spec *specs);

/* Reads the rows that the job's settings name. Errors: those of rows_read, labels_collect,
 * job_vocabulary, dataset_open and heldout_open. */
enum lstm_status classifier_open(struct job *job, struct lstm_error *err);

/* A network as the settings say, from the base or the vectors, to learn from a share of the rows;
 * options may have been varied. Without --window and --overlap these are the base's, or 256 and
 * at most 32. Without --batch and --warmup they fit the rows: a hundred batches
 * an epoch where these have at least 256 tokens and at most 10,000, and 100 steps, but at most a
 * tenth of them all, to warm up. */
enum lstm_status classifier_start(struct job *job, const struct trainer_options *options,
                                  int32_t hidden, double share, struct lstm_error *err);

/* The model as it stands, without a card: it borrows the job's parameters. */
void classifier_model(const struct job *job, struct lstm_model *model);

/* Fits the temperature, stores the model and reports on stdout how the stored model answers the
 * held-out rows, as lstm-train eval does. */
enum lstm_status classifier_finish(struct job *job, const struct run_result *result,
                                   struct lstm_error *err);

#endif
