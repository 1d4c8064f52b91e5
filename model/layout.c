/* Where each tensor lies in the parameter block. */
#include "model.h"

#include <stdio.h>

static enum lstm_status check(const char *name, int32_t value, int32_t low, int32_t high,
                              int32_t multiple, struct lstm_error *err)
{
    if (value < low || value > high || value % multiple)
        return lstm_fail(err, LSTM_RANGE, "%s is %d, expected %d to %d in steps of %d", name, value,
                         low, high, multiple);
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
        { "classes", s->classes, s->decoder ? 0 : 2, s->decoder ? 0 : LSTM_CLASSES_MAX, 1 },
        { "window", s->window, LSTM_WINDOW_MIN, LSTM_WINDOW_MAX, 1 },
        { "overlap", s->overlap, 0, s->window / 2, 1 },
        { "decoder", s->decoder, 0, LSTM_HIDDEN_MAX, LSTM_UNITS },
        { "alignment", s->alignment, s->decoder ? LSTM_UNITS : 0, s->decoder ? LSTM_HIDDEN_MAX : 0,
          LSTM_UNITS },
        { "tone", s->tone, 0, s->decoder ? 1 : 0, 1 },
    };
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++)
        if (check(bounds[i].name, bounds[i].value, bounds[i].low, bounds[i].high,
                  bounds[i].multiple, err))
            return LSTM_RANGE;
    if (s->decoder && s->vocab % LSTM_UNITS)
        return lstm_fail(err, LSTM_RANGE, "vocab is %d, a summariser's is a multiple of %d",
                         s->vocab, LSTM_UNITS);
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
    return s->decoder ? lstm_decoder_at(s).end
                      : lstm_classifier_at(s) + (size_t)s->classes * (6 * (size_t)s->hidden + 1);
}

struct lstm_decoder_at lstm_decoder_at(const struct lstm_sizes *s)
{
    const size_t e = (size_t)s->embedding, h2 = 2 * (size_t)s->hidden, d = (size_t)s->decoder;
    const size_t a = (size_t)s->alignment;
    struct lstm_decoder_at at = { .bridge = lstm_direction_at(s, s->layers, 0) };
    at.bridge_bias = at.bridge + 2 * d * h2;
    at.ih = at.bridge_bias + 2 * d;
    at.hh = at.ih + 4 * d * (e + h2);
    at.bias = at.hh + 4 * d * d;
    at.align_state = at.bias + 4 * d;
    at.align_query = at.align_state + a * h2;
    at.align_bias = at.align_query + a * d;
    at.align_coverage = at.align_bias + a;
    at.align_score = at.align_coverage + a;
    at.copy = at.align_score + a;
    at.output = at.copy + h2 + d + e;
    at.output_bias = at.output + e * (d + h2);
    at.vocabulary_bias = at.output_bias + e;
    at.copy_bias = at.vocabulary_bias + (size_t)s->vocab;
    at.tone = at.copy_bias + 1;
    at.tone_bias = at.tone + (s->tone ? (size_t)s->vocab : 0);
    at.end = at.tone_bias + (size_t)s->tone;
    return at;
}

size_t lstm_direction_scales_at(const struct lstm_sizes *s, int layer, int reverse)
{
    return (size_t)s->vocab + 8 * (size_t)s->hidden * (size_t)(2 * layer + reverse);
}

struct lstm_decoder_scales_at lstm_decoder_scales_at(const struct lstm_sizes *s)
{
    const size_t d = (size_t)s->decoder, a = (size_t)s->alignment;
    struct lstm_decoder_scales_at at = { .bridge = lstm_direction_scales_at(s, s->layers, 0) };
    at.gates = at.bridge + 2 * d;
    at.align_state = at.gates + 4 * d;
    at.align_query = at.align_state + a;
    at.output = at.align_query + a;
    at.end = at.output + (size_t)s->embedding;
    return at;
}

size_t lstm_scales_count(const struct lstm_sizes *s)
{
    return s->decoder ? lstm_decoder_scales_at(s).end : lstm_direction_scales_at(s, s->layers, 0);
}

enum { NOT_QUANTISED = -1 };

static void add(struct lstm_tensor *tensors, int *count, int32_t rows, int32_t cols, size_t *at,
                ptrdiff_t scales_at)
{
    struct lstm_tensor *t = &tensors[(*count)++];
    t->rows = rows;
    t->cols = cols;
    t->at = *at;
    t->is_quantised = scales_at != NOT_QUANTISED;
    t->scales_at = t->is_quantised ? (size_t)scales_at : 0;
    *at += (size_t)rows * (size_t)cols;
}

static int add_decoder(const struct lstm_sizes *s, struct lstm_tensor *tensors, int count,
                       size_t at)
{
    const int32_t h2 = 2 * s->hidden, d = s->decoder, e = s->embedding, a = s->alignment;
    const struct lstm_decoder_scales_at scales = lstm_decoder_scales_at(s);
    const ptrdiff_t gates = (ptrdiff_t)scales.gates, none = NOT_QUANTISED;
    const struct {
        const char *name;
        int32_t rows, cols;
        ptrdiff_t scales_at;
    } all[LSTM_DECODER_TENSORS] = {
        { "bridge.weight", 2 * d, h2, (ptrdiff_t)scales.bridge },
        { "bridge.bias", 1, 2 * d, none },
        { "decoder.weight_ih", 4 * d, e + h2, gates },
        { "decoder.weight_hh", 4 * d, d, gates },
        { "decoder.bias", 1, 4 * d, none },
        { "align_state.weight", a, h2, (ptrdiff_t)scales.align_state },
        { "align_query.weight", a, d, (ptrdiff_t)scales.align_query },
        { "align_query.bias", 1, a, none },
        { "align_coverage.weight", 1, a, none },
        { "align_score.weight", 1, a, none },
        { "copy.weight", 1, h2 + d + e, none },
        { "output.weight", e, d + h2, (ptrdiff_t)scales.output },
        { "output.bias", 1, e, none },
        { "vocabulary.bias", 1, s->vocab, none },
        { "copy.bias", 1, 1, none },
        { "tone.weight", 1, s->vocab, none },
        { "tone.bias", 1, 1, none },
    };
    const int all_count = s->tone ? LSTM_DECODER_TENSORS : LSTM_DECODER_TENSORS - 2;
    for (int i = 0; i < all_count; i++) {
        snprintf(tensors[count].name, LSTM_NAME_SIZE, "%s", all[i].name);
        add(tensors, &count, all[i].rows, all[i].cols, &at, all[i].scales_at);
    }
    return count;
}

int lstm_layout(const struct lstm_sizes *s, struct lstm_tensor *tensors)
{
    static const char *const suffix[2] = { "", "_reverse" };
    int count = 0;
    size_t at = 0;
    snprintf(tensors[count].name, LSTM_NAME_SIZE, "embedding.weight");
    add(tensors, &count, s->vocab, s->embedding, &at, 0);
    for (int layer = 0; layer < s->layers; layer++) {
        int32_t in = layer ? 2 * s->hidden : s->embedding;
        for (int reverse = 0; reverse < 2; reverse++) {
            ptrdiff_t scales = (ptrdiff_t)lstm_direction_scales_at(s, layer, reverse);
            snprintf(tensors[count].name, LSTM_NAME_SIZE, "lstm.weight_ih_l%d%s", layer,
                     suffix[reverse]);
            add(tensors, &count, 4 * s->hidden, in, &at, scales);
            snprintf(tensors[count].name, LSTM_NAME_SIZE, "lstm.weight_hh_l%d%s", layer,
                     suffix[reverse]);
            add(tensors, &count, 4 * s->hidden, s->hidden, &at, scales + 4 * s->hidden);
            snprintf(tensors[count].name, LSTM_NAME_SIZE, "lstm.bias_l%d%s", layer,
                     suffix[reverse]);
            add(tensors, &count, 1, 4 * s->hidden, &at, NOT_QUANTISED);
        }
    }
    if (s->decoder)
        return add_decoder(s, tensors, count, at);
    snprintf(tensors[count].name, LSTM_NAME_SIZE, "attention.weight");
    add(tensors, &count, 1, 2 * s->hidden, &at, NOT_QUANTISED);
    snprintf(tensors[count].name, LSTM_NAME_SIZE, "classifier.weight");
    add(tensors, &count, s->classes, 6 * s->hidden, &at, NOT_QUANTISED);
    snprintf(tensors[count].name, LSTM_NAME_SIZE, "classifier.bias");
    add(tensors, &count, 1, s->classes, &at, NOT_QUANTISED);
    return count;
}
