/* The state dict of a PyTorch module as a model: a safetensors file whose tensors have the names
 * and shapes of model/FORMAT.md, and what a model file says besides them. */
#ifndef TRAIN_STATE_DICT_H
#define TRAIN_STATE_DICT_H

#include "model/model.h"

/* What tensors cannot say, each as a model file has it in its metadata. What is NULL is taken from
 * the state dict's own metadata, where it is a model file, else from the model that it is like,
 * else it is a default. */
struct state_dict_about {
    const char *task;        /* "sentiment", "classify" or "summarize"; no default */
    const char *vocabulary;  /* entries, each followed by a line feed; no default */
    const char *labels;      /* a JSON array; default of a sentiment model: negative and positive */
    const char *window;      /* tokens; default 256 */
    const char *overlap;     /* tokens; default 32 */
    const char *temperature; /* default 1 */
    const char *card;        /* a JSON object; never the other model's */
};

/* Parses and checks a state dict; like is the file of a model (NULL: none). The caller frees the
 * model, whose params are filled. Errors: LSTM_CORRUPT with the tensor, the shape expected and the
 * one found; LSTM_RANGE for what nobody says; LSTM_NOMEM. */
enum lstm_status state_dict_read(const void *blob, size_t size,
                                 const struct state_dict_about *about, const void *like,
                                 size_t like_size, struct lstm_model **model,
                                 struct lstm_error *err);

#endif
