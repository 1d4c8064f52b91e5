#include "cpu_network.h"
#include "carve.h"
#include "words.h"

#include <string.h>

/* ---- building ---- */

/* Everything that a network holds, in the order it lies in memory; without memory it only counts.
 */
struct builder {
    const struct lstm_model *model;
    struct cpu_network *network;
    float divisor; /* of states */
    struct carver carver;
};

/* depth columns of a tensor's rows, from column on. */
static void add_piece(const struct builder *b, struct cpu_source_matrix *source, int piece,
                      size_t at, size_t row, size_t column, int32_t depth)
{
    source->piece[piece].fp32 = b->model->params + at + column;
    source->piece[piece].int8 =
        b->model->int8.weights ? b->model->int8.weights + at + column : NULL;
    source->piece[piece].row = row;
    source->piece[piece].depth = depth;
}

static struct cpu_packed add_matrix(struct builder *b, struct cpu_source_matrix *source,
                                    size_t scales_at)
{
    const struct cpu_arithmetic *a = b->network->arithmetic;
    const int32_t depth = source->piece[0].depth + source->piece[1].depth;
    void *memory = carve(&b->carver, a->packed_size(source->cols, depth), 1);
    source->scale = b->model->int8.scales ? b->model->int8.scales + scales_at : NULL;
    return memory ? a->pack(source, memory) : (struct cpu_packed){ 0 };
}

/* A whole tensor that multiplies states. */
static struct cpu_packed add_tensor(struct builder *b, size_t at, int32_t cols, int32_t depth,
                                    const float *bias, size_t scales_at)
{
    struct cpu_source_matrix source = { .bias = bias, .cols = cols, .divisor = b->divisor };
    add_piece(b, &source, 0, at, (size_t)depth, 0, depth);
    return add_matrix(b, &source, scales_at);
}

static const float *add_floats(struct builder *b, size_t at, size_t count, float times)
{
    float *to = carve(&b->carver, count, sizeof *to);
    for (size_t i = 0; to && i < count; i++)
        to[i] = times * b->model->params[at + i];
    return to;
}

static void add_embedding(struct builder *b)
{
    const struct lstm_model *m = b->model;
    struct cpu_network *n = b->network;
    const size_t vocab = (size_t)m->sizes.vocab, numbers = vocab * (size_t)m->sizes.embedding;
    n->embedding = m->params;
    if (!m->int8.weights)
        return;
    void *embedding = carve(&b->carver, numbers, n->arithmetic->state_size);
    float *scale = carve(&b->carver, vocab, sizeof *scale);
    if (embedding) {
        n->arithmetic->place(numbers, m->int8.weights, embedding);
        memcpy(scale, m->int8.scales, vocab * sizeof *scale);
    }
    n->embedding = embedding;
    n->embedding_scale = scale;
}

static void add_direction(struct builder *b, int layer, int reverse)
{
    const struct lstm_sizes *s = &b->model->sizes;
    const int32_t h = s->hidden, in = layer ? 2 * h : s->embedding;
    const size_t ih = lstm_direction_at(s, layer, reverse), hh = ih + 4 * (size_t)h * (size_t)in;
    const size_t scales = lstm_direction_scales_at(s, layer, reverse);
    struct cpu_source_matrix source = {
        .bias = b->model->params + hh + 4 * (size_t)h * (size_t)h,
        .cols = 4 * h,
        .gates = 1,
        .divisor = layer ? b->divisor : 1.0f /* embeddings have units of their own */
    };
    add_piece(b, &source, 0, ih, (size_t)in, 0, in);
    *(layer ? &b->network->above[layer][reverse] : &b->network->read.matrix[reverse]) =
        add_matrix(b, &source, scales);
    source.bias = NULL;
    source.divisor = b->divisor;
    add_piece(b, &source, 0, hh, (size_t)h, 0, h);
    b->network->recurrent[layer][reverse] = add_matrix(b, &source, scales + 4 * (size_t)h);
}

static const struct lstm_word_kind *add_kinds(struct builder *b, const float *tone)
{
    const struct lstm_sizes *s = &b->model->sizes;
    struct lstm_word_kind *kinds = carve(&b->carver, (size_t)s->vocab, sizeof *kinds);
    if (kinds)
        lstm_word_kinds(b->model->tokenizer, s->tone ? tone : NULL, kinds);
    return kinds;
}

/* weight_ih reads a token and a context, weight_hh a state: the token's part is an input product,
 * context and state are one row. */
static void add_decoder(struct builder *b)
{
    struct cpu_network *n = b->network;
    const struct lstm_sizes *s = &n->sizes;
    const struct lstm_decoder_at at = lstm_decoder_at(s);
    const struct lstm_decoder_scales_at scales = lstm_decoder_scales_at(s);
    const float *params = b->model->params;
    const int32_t e = s->embedding, h2 = 2 * s->hidden, d = s->decoder, a = s->alignment;
    struct cpu_source_matrix ih = {
        .bias = params + at.bias, .cols = 4 * d, .gates = 1, .divisor = 1.0f
    };
    add_piece(b, &ih, 0, at.ih, (size_t)(e + h2), 0, e);
    n->written.matrix[0] = add_matrix(b, &ih, scales.gates);
    struct cpu_source_matrix hh = { .cols = 4 * d, .gates = 1, .divisor = b->divisor };
    add_piece(b, &hh, 0, at.ih, (size_t)(e + h2), (size_t)e, h2);
    add_piece(b, &hh, 1, at.hh, (size_t)d, 0, d);
    n->decoder = add_matrix(b, &hh, scales.gates);
    struct cpu_source_matrix output = { .bias = params + at.output_bias,
                                        .cols = e,
                                        .divisor = b->divisor };
    add_piece(b, &output, 0, at.output, (size_t)(d + h2), (size_t)d, h2);
    add_piece(b, &output, 1, at.output, (size_t)(d + h2), 0, d);
    n->output = add_matrix(b, &output, scales.output);
    n->bridge = add_tensor(b, at.bridge, 2 * d, h2, params + at.bridge_bias, scales.bridge);
    n->align_state = add_tensor(b, at.align_state, a, h2, NULL, scales.align_state);
    n->align_query =
        add_tensor(b, at.align_query, a, d, params + at.align_bias, scales.align_query);
    n->vocabulary = add_tensor(b, 0, s->vocab, e, params + at.vocabulary_bias, 0);
    n->align_coverage = add_floats(b, at.align_coverage, (size_t)a, 1.0f);
    n->align_score = add_floats(b, at.align_score, (size_t)a, 1.0f);
    n->copy = add_floats(b, at.copy, (size_t)(h2 + d + e), 1.0f);
    n->copy_bias = add_floats(b, at.copy_bias, 1, 1.0f);
    n->tone = s->tone ? add_floats(b, at.tone, (size_t)s->vocab + 1, 1.0f) : NULL;
    if (b->model->tokenizer)
        n->kinds = add_kinds(b, params + at.tone);
}

static void build(struct builder *b)
{
    struct cpu_network *n = b->network;
    const struct lstm_sizes *s = &n->sizes;
    const size_t h = (size_t)s->hidden;
    add_embedding(b);
    for (int layer = 0; layer < s->layers; layer++)
        for (int reverse = 0; reverse < 2; reverse++)
            add_direction(b, layer, reverse);
    if (s->decoder) {
        add_decoder(b);
    } else {
        n->attention = add_floats(b, lstm_attention_at(s), 2 * h, n->state_unit);
        n->classifier =
            add_floats(b, lstm_classifier_at(s), (size_t)s->classes * (6 * h + 1), 1.0f);
    }
}

static enum lstm_status open_inputs(struct cpu_network *n, struct cpu_inputs *inputs, int parts,
                                    int32_t units, struct lstm_error *err)
{
    inputs->parts = parts;
    return cpu_table_open(n->sizes.vocab,
                          (size_t)parts * 4 * (size_t)units * n->arithmetic->input_size,
                          &inputs->table, err);
}

enum lstm_status cpu_network_open(const struct lstm_model *model, const struct cpu_isa *isa,
                                  struct cpu_network **network, struct lstm_error *err)
{
    const int is_int8 = model->int8.weights != NULL;
    struct cpu_network *n = *network = calloc(1, sizeof *n);
    if (!n)
        return lstm_fail(err, LSTM_NOMEM, "out of memory for a network");
    n->sizes = model->sizes;
    n->kernels = isa->kernels;
    n->arithmetic = is_int8 ? isa->int8 : isa->fp32;
    n->state_unit = is_int8 ? 1.0f / 127.0f : 1.0f;
    struct builder builder = { model, n, is_int8 ? 127.0f : 1.0f, { 0 } };
    build(&builder);
    const size_t size = builder.carver.used;
    enum lstm_status rc = open_inputs(n, &n->read, 2, n->sizes.hidden, err);
    if (!rc && n->sizes.decoder)
        rc = open_inputs(n, &n->written, 1, n->sizes.decoder, err);
    if (!rc && !(n->memory = aligned_alloc(64, size)))
        rc = lstm_fail(err, LSTM_NOMEM, "out of memory for a network of %zu bytes", size);
    if (rc) {
        cpu_network_close(n);
        *network = NULL;
        return rc;
    }
    builder.carver = (struct carver){ .memory = n->memory };
    build(&builder);
    return LSTM_OK;
}

void cpu_network_close(struct cpu_network *network)
{
    if (!network)
        return;
    cpu_table_close(network->read.table);
    cpu_table_close(network->written.table);
    free(network->memory);
    free(network);
}

/* ---- input products ---- */

enum { MET = 32 }; /* tokens that are computed together */

static void multiply(const struct cpu_network *n, const struct cpu_packed *matrix, int32_t count,
                     const int32_t *tokens, void *const *out)
{
    const size_t row = (size_t)n->sizes.embedding * n->arithmetic->state_size;
    const void *embedded[MET];
    float scale[MET];
    for (int32_t i = 0; i < count; i++) {
        embedded[i] = (const char *)n->embedding + (size_t)tokens[i] * row;
        scale[i] = n->embedding_scale ? n->embedding_scale[tokens[i]] : 1.0f;
    }
    n->arithmetic->input(count, matrix, embedded, scale, out);
}

/* Tokens that the table has not met, at most MET: all their parts into the table, or where it has
 * no room the part that is asked for into products. */
static void meet(const struct cpu_network *n, const struct cpu_inputs *inputs, int part,
                 int32_t count, const int32_t *tokens, const int32_t *rows, char *products,
                 const void **input)
{
    const size_t size = (size_t)inputs->matrix[0].cols * n->arithmetic->input_size; /* of a part */
    char *room[MET];
    void *out[MET];
    int32_t kept = 0;
    while (kept < count && (room[kept] = cpu_table_room(inputs->table)))
        kept++;
    for (int p = 0; p < inputs->parts && kept > 0; p++) {
        for (int32_t i = 0; i < kept; i++)
            out[i] = room[i] + (size_t)p * size;
        multiply(n, &inputs->matrix[p], kept, tokens, out);
    }
    for (int32_t i = 0; i < kept; i++)
        input[rows[i]] =
            (const char *)cpu_table_keep(inputs->table, tokens[i], room[i]) + (size_t)part * size;
    for (int32_t i = kept; i < count; i++)
        input[rows[i]] = out[i] = products + (size_t)rows[i] * size;
    if (kept < count)
        multiply(n, &inputs->matrix[part], count - kept, tokens + kept, out + kept);
}

void cpu_inputs_find(const struct cpu_network *n, const struct cpu_inputs *inputs, int part,
                     int32_t rows, const int32_t *tokens, void *products, const void **input)
{
    const size_t at = (size_t)part * (size_t)inputs->matrix[0].cols * n->arithmetic->input_size;
    int32_t new_tokens[MET], new_rows[MET], count = 0;
    for (int32_t r = 0; r < rows; r++) {
        const char *row = cpu_table_find(inputs->table, tokens[r]);
        if (row) {
            input[r] = row + at;
            continue;
        }
        new_tokens[count] = tokens[r];
        new_rows[count++] = r;
        if (count == MET) {
            meet(n, inputs, part, count, new_tokens, new_rows, products, input);
            count = 0;
        }
    }
    if (count)
        meet(n, inputs, part, count, new_tokens, new_rows, products, input);
}

void cpu_inputs_peek(const struct cpu_network *n, const struct cpu_inputs *inputs, int part,
                     int32_t rows, const int32_t *tokens, const void **input)
{
    const size_t at = (size_t)part * (size_t)inputs->matrix[0].cols * n->arithmetic->input_size;
    for (int32_t r = 0; r < rows; r++) {
        const char *row = cpu_table_find(inputs->table, tokens[r]);
        input[r] = row ? row + at : input[r];
    }
}
