/* A model in memory: sizes, parameters as fp32, tokenizer, labels, calibration. Immutable once
 * read; threads share it.
 *
 * The parameters are one block of floats. lstm_layout() says where each tensor lies in it; names,
 * shapes and the gate order (i f g o) are those of PyTorch modules embedding = nn.Embedding(vocab,
 * embedding) lstm = nn.LSTM(embedding, hidden, layers, batch_first=True, bidirectional=True)
 *     attention = nn.Linear(2 * hidden, 1, bias=False)
 *     classifier = nn.Linear(6 * hidden, classes)
 * so a state_dict saved as safetensors can be read. The two LSTM biases only ever act as a sum: in
 * memory there is one
 * ("lstm.bias_l0"), the file has bias_ih and bias_hh. model/FORMAT.md is the normative description
 * of the file. */
#ifndef LSTM_MODEL_H
#define LSTM_MODEL_H

#include "error.h"

#include <stddef.h>
#include <stdint.h>

enum {
    LSTM_UNITS =
        16, /* embedding and hidden sizes are multiples of this: one vector of the kernels */
    LSTM_EMBEDDING_MAX = 1024,
    LSTM_HIDDEN_MAX = 1024,
    LSTM_LAYERS_MAX = 4,
    LSTM_CLASSES_MAX = 256,
    LSTM_WINDOW_MIN = 16,
    LSTM_WINDOW_MAX = 4096,
    LSTM_LABEL_SIZE = 64, /* bytes of a label, with its NUL */
    LSTM_NAME_SIZE = 40,
    LSTM_DECODER_TENSORS = 17,
    LSTM_TENSORS_MAX = 1 + 6 * LSTM_LAYERS_MAX + LSTM_DECODER_TENSORS
};

struct lstm_sizes {
    int32_t vocab;     /* rows of the embedding = tokens of the tokenizer */
    int32_t embedding; /* E: 16..1024, a multiple of 16 */
    int32_t hidden;    /* H per direction: 16..1024, a multiple of 16 */
    int32_t layers;    /* 1..4 bidirectional LSTM layers */
    int32_t classes;   /* 2..256; 0: a summariser */
    int32_t window;    /* tokens a window spans: 16..4096 */
    int32_t overlap;   /* tokens that neighbouring windows share: 0..window / 2 */
    int32_t
        decoder; /* D: units of the decoder's LSTM, 16..1024, a multiple of 16; 0: a classifier */
    int32_t alignment; /* A: units of the decoder's attention, the same bounds; 0: a classifier */
    int32_t tone;      /* 1: a summariser that can tell a text's tone; 0: it cannot */
};

/* One tensor of the parameter block: rows x cols floats at params + at, row-major. */
struct lstm_tensor {
    char name[LSTM_NAME_SIZE];
    int32_t rows, cols;
    size_t at;
    int is_quantised; /* in a quantised model: int8, with a scale a row at int8.scales + scales_at
                       */
    size_t scales_at;
};

/* One direction of one layer, as views into a parameter block. in = embedding for layer 0, else 2 *
 * hidden. */
struct lstm_direction {
    const float *weight_ih; /* 4 hidden x in */
    const float *weight_hh; /* 4 hidden x hidden */
    const float *bias;      /* 4 hidden */
};

#define LSTM_SCALE_MIN 0x1p-120F
#define LSTM_SCALE_MAX 0x1p120F

/* The matrices of a quantised model: weight (r, c) of a tensor is scale[r] * weight[r][c]. */
struct lstm_int8 {
    int8_t *weights; /* -127..127, each where its parameter lies in the block; what lies between the
                        matrices is not used. NULL: the model is not quantised */
    float *scales;   /* lstm_scales_count(&sizes), LSTM_SCALE_MIN..LSTM_SCALE_MAX; in the same block
                        as weights */
    int in_params;   /* nonzero: params holds scale * weight too (lstm_model_dequantise) */
};

struct lstm_model {
    struct lstm_sizes sizes;
    float *params; /* lstm_params_count(&sizes) floats; the matrices of a quantised model are set
                      only where int8.in_params says so */
    struct lstm_int8 int8;
    struct lstm_tokenizer *tokenizer;
    char task[LSTM_NAME_SIZE]; /* "sentiment", "classify" or "summarize" */
    char labels[LSTM_CLASSES_MAX][LSTM_LABEL_SIZE];
    float temperature; /* logits are divided by it before softmax (Guo et al. 2017); > 0 */
    char *card;        /* a JSON object: data, terms, seed, metrics; "{}" when there is none */
};

/* Checks every size against the bounds above. */
enum lstm_status lstm_sizes_check(const struct lstm_sizes *sizes, struct lstm_error *err);

/* Fills tensors (at least LSTM_TENSORS_MAX) in file order and returns how many. The sizes must have
 * been checked. */
int lstm_layout(const struct lstm_sizes *sizes, struct lstm_tensor *tensors);

/* The length of the parameter block in floats. */
size_t lstm_params_count(const struct lstm_sizes *sizes);

/* Where the named parts of a parameter block lie, as offsets from its start (the embedding lies at
 * 0). */
size_t lstm_direction_at(const struct lstm_sizes *sizes, int layer, int reverse);
size_t lstm_attention_at(const struct lstm_sizes *sizes);
size_t lstm_classifier_at(
    const struct lstm_sizes *sizes); /* weight: classes x 6 hidden, then bias: classes */

/* The scales of a quantised model: V of the embedding at 0, then of each direction 4H of weight_ih
 * and 4H of weight_hh, then those of the decoder. */
size_t lstm_scales_count(const struct lstm_sizes *sizes);
size_t lstm_direction_scales_at(const struct lstm_sizes *sizes, int layer, int reverse);

/* The decoder of a summariser, in this order, each row-major; E embedding, H hidden, D decoder, A
 * alignment, V vocab.
 */
struct lstm_decoder_at {
    size_t bridge, bridge_bias; /* 2D x 2H, 2D: the first state and cell from the mean of the
                                   source's states */
    size_t ih, hh, bias; /* 4D x (E + 2H), 4D x D, 4D: reads the last token and the last context */
    size_t align_state;  /* A x 2H */
    size_t align_query, align_bias;     /* A x D, A */
    size_t align_coverage, align_score; /* A, A */
    size_t copy;                        /* 2H + D + E: of context, state and input */
    size_t output,
        output_bias;        /* E x (D + 2H), E; then the embedding's transpose gives the logits */
    size_t vocabulary_bias; /* V */
    size_t copy_bias;       /* 1 */
    size_t tone,
        tone_bias; /* V, 1: a linear classifier over tokens (guide.h), where sizes say so */
    size_t end;
};
struct lstm_decoder_at lstm_decoder_at(const struct lstm_sizes *sizes);

struct lstm_decoder_scales_at {
    size_t bridge;      /* 2D */
    size_t gates;       /* 4D: weight_ih and weight_hh have one scale a row together */
    size_t align_state; /* A */
    size_t align_query; /* A */
    size_t output;      /* E */
    size_t end;
};
struct lstm_decoder_scales_at lstm_decoder_scales_at(const struct lstm_sizes *sizes);

/* Parses and checks a model file. The blob may be hostile; it is not needed after the call. Of a
 * quantised one the matrices are in int8 alone: memory that nobody touches costs nothing, and most
 * users never need them as floats. Errors: LSTM_CORRUPT with what is wrong, LSTM_NOMEM. On error
 * *model is NULL. */
enum lstm_status lstm_model_read(const void *blob, size_t size, struct lstm_model **model,
                                 struct lstm_error *err);

enum lstm_storage { LSTM_F32, LSTM_F16, LSTM_BF16, LSTM_I8 };

/* Writes a model as one blob (malloc'ed; the caller frees it). Matrices are stored as asked,
 * vectors always as F32; LSTM_I8 stores int8 and takes from params only what is not quantised. The
 * same model gives the same bytes. Errors: LSTM_NOMEM, LSTM_RANGE when a value does not fit the
 * storage, LSTM_MISMATCH for LSTM_I8 of a model that is not quantised, and for floats of one that
 * has its matrices in int8 alone. */
enum lstm_status lstm_model_write(const struct lstm_model *model, enum lstm_storage storage,
                                  void **blob, size_t *size, struct lstm_error *err);

/* Puts the matrices of a quantised model into params, for who reads floats; does nothing where they
 * are. The owner calls it, before anybody else sees the model. */
void lstm_model_dequantise(struct lstm_model *model);

/* Frees params and int8, for a user who has them in a form of its own; the rest stays. */
void lstm_model_forget_weights(struct lstm_model *model);

void lstm_model_free(struct lstm_model *model);

#endif
