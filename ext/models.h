/* How a model is described, in lstm_models and in lstm_info(). */
#ifndef EXT_MODELS_H
#define EXT_MODELS_H

#include "model/json.h"
#include "model/model.h"

/* The members "vocab":289,"embedding":16 and so on of an object that the caller begins and ends. */
void sizes_put(struct json_text *out, const struct lstm_sizes *sizes);

#endif
