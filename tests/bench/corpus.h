/* The texts and the models that the shipped part of `make bench` reads. */
#ifndef LSTM_BENCH_CORPUS_H
#define LSTM_BENCH_CORPUS_H

#include "model/scorer.h"

#include <sqlite3.h>

/* Opens the database of texts read-only, with the extension in it. */
sqlite3 *corpus_open(const char *texts);

/* The first count texts, or all where there are fewer; returns how many. */
int32_t corpus_read(const char *texts, struct lstm_text *list, int32_t count);
void corpus_free(struct lstm_text *list, int32_t count);

/* Reads model/default_NAME.safetensors; the caller frees it with lstm_model_free. */
struct lstm_model *corpus_model(const char *name);

#endif
