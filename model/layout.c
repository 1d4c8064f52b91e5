/* Where each tensor lies in the parameter block. */
#include "model.h"

#include <stdio.h>

static enum lstm_status check(const char *name, int32_t value, int32_t low, int32_t high, int32_t multiple,
                              struct lstm_error *err)
{
    if (value < low || value > high || value % multiple)
        return lstm_fail(err, LSTM_RANGE, "%s is %d, expected %d to %d in steps of %d", name, value, low, high,
                         multiple);
    return LSTM_OK;
}

enum lstm_status lstm_sizes_check(const struct lstm_sizes *s, struct lstm_error *err)
{
    const struct {
        const char *name;
        int32_t value, low, high, multiple;
    } bounds[] = {
        { "vocab", s->vocab, 257, 1 << 20, 1 },
        { "embedding", s->embedding, LSTM_UNITS, LSTM_EMBEDDING_MAX, LSTM_UNITS },
        { "hidden", s->hidden, LSTM_UNITS, LSTM_HIDDEN_MAX, LSTM_UNITS },
        { "layers", s->layers, 1, LSTM_LAYERS_MAX, 1 },
        { "classes", s->classes, 2, LSTM_CLASSES_MAX, 1 },
        { "window", s->window, LSTM_WINDOW_MIN, LSTM_WINDOW_MAX, 1 },
        { "overlap", s->overlap, 0, s->window / 2, 1 },
    };
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++)
        if (check(bounds[i].name, bounds[i].value, bounds[i].low, bounds[i].high, bounds[i].multiple, err))
            return LSTM_RANGE;
    return LSTM_OK;
}

static size_t direction_count(const struct lstm_sizes *s, int layer)
{
    size_t h = (size_t)s->hidden, in = layer ? 2 * h : (size_t)s->embedding;
    return 4 * h * (in + h + 1);
}

size_t lstm_direction_at(const struct lstm_sizes *s, int layer, int reverse)
{
    size_t at = (size_t)s->vocab * (size_t)s->embedding;
    for (int l = 0; l < layer; l++)
        at += 2 * direction_count(s, l);
    return at + (reverse ? direction_count(s, layer) : 0);
}

size_t lstm_attention_at(const struct lstm_sizes *s)
{
    return lstm_direction_at(s, s->layers, 0);
}

size_t lstm_classifier_at(const struct lstm_sizes *s)
{
    return lstm_attention_at(s) + 2 * (size_t)s->hidden;
}

size_t lstm_params_count(const struct lstm_sizes *s)
{
    return lstm_classifier_at(s) + (size_t)s->classes * (6 * (size_t)s->hidden + 1);
}

static void add(struct lstm_tensor *tensors, int *count, int32_t rows, int32_t cols, size_t *at)
{
    struct lstm_tensor *t = &tensors[(*count)++];
    t->rows = rows;
    t->cols = cols;
    t->at = *at;
    *at += (size_t)rows * (size_t)cols;
}

int lstm_layout(const struct lstm_sizes *s, struct lstm_tensor *tensors)
{
    static const char *const suffix[2] = { "", "_reverse" };
    int count = 0;
    size_t at = 0;
    snprintf(tensors[count].name, LSTM_NAME_SIZE, "embedding.weight");
    add(tensors, &count, s->vocab, s->embedding, &at);
    for (int layer = 0; layer < s->layers; layer++) {
        int32_t in = layer ? 2 * s->hidden : s->embedding;
        for (int reverse = 0; reverse < 2; reverse++) {
            snprintf(tensors[count].name, LSTM_NAME_SIZE, "lstm.weight_ih_l%d%s", layer, suffix[reverse]);
            add(tensors, &count, 4 * s->hidden, in, &at);
            snprintf(tensors[count].name, LSTM_NAME_SIZE, "lstm.weight_hh_l%d%s", layer, suffix[reverse]);
            add(tensors, &count, 4 * s->hidden, s->hidden, &at);
            snprintf(tensors[count].name, LSTM_NAME_SIZE, "lstm.bias_l%d%s", layer, suffix[reverse]);
            add(tensors, &count, 1, 4 * s->hidden, &at);
        }
    }
    snprintf(tensors[count].name, LSTM_NAME_SIZE, "attention.weight");
    add(tensors, &count, 1, 2 * s->hidden, &at);
    snprintf(tensors[count].name, LSTM_NAME_SIZE, "classifier.weight");
    add(tensors, &count, s->classes, 6 * s->hidden, &at);
    snprintf(tensors[count].name, LSTM_NAME_SIZE, "classifier.bias");
    add(tensors, &count, 1, s->classes, &at);
    return count;
}
