#include "gpu/network.h"
#include "gpu/blas.h"
#include "gpu/kernels.h"
#include "gpu/packing.h"
#include "gpu/packing_decoder.h"

#include <stdlib.h>

/* Weights on their way: packed into pinned memory, copied part by part. */
struct loader {
    struct lstm_loaded *to;
    const float *params;
    cudaStream_t stream;
    void *staging;
    size_t staging_size;
    struct gpu_blas blas;
    char *scratch; /* of the device, for a table: matrix, bias, embedded tokens */
    size_t scratch_size, matrix_size, bias_size;
};

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* The bytes of a layer's packed input matrix and of its bias. */
static size_t input_size(const struct gpu_plan *plan, int layer)
{
    const size_t h = (size_t)plan->sizes.hidden;
    return 8 * h * (layer ? 2 * h : (size_t)plan->sizes.embedding) * plan->element;
}

static size_t bias_size(const struct gpu_plan *plan)
{
    return 8 * (size_t)plan->sizes.hidden * sizeof(float);
}

/* A table of the input products of all tokens: vocab rows of cols elements. */
struct table {
    void (*pack_matrix)(const struct gpu_plan *plan, const float *params, void *to);
    void (*pack_bias)(const struct gpu_plan *plan, const float *params, void *to);
    int32_t cols;
    size_t at; /* in the weights */
};

static void pack_input(const struct gpu_plan *plan, const float *params, void *to)
{
    gpu_pack_input(plan, params, 0, to);
}

static void pack_bias(const struct gpu_plan *plan, const float *params, void *to)
{
    gpu_pack_bias(plan, params, 0, to);
}

static struct table read_table(const struct lstm_loaded *n)
{
    return (struct table){ pack_input, pack_bias, 8 * n->plan.sizes.hidden, n->at.table };
}

static struct table written_table(const struct lstm_loaded *n)
{
    return (struct table){ gpu_pack_decoder_table, gpu_pack_decoder_bias, 4 * n->plan.sizes.decoder,
                           n->at.decoder.table };
}

static size_t matrix_size(const struct gpu_plan *plan, const struct table *t)
{
    return (size_t)t->cols * (size_t)plan->sizes.embedding * plan->element;
}

/* The decoder's parts that are uploaded as they are packed. */
struct part {
    void (*pack)(const struct gpu_plan *plan, const float *params, void *to);
    size_t at, size;
};
enum { DECODER_PARTS = 6 };

static void decoder_parts(const struct lstm_loaded *n, struct part parts[DECODER_PARTS])
{
    const size_t s = 2 * (size_t)n->plan.sizes.hidden, d = (size_t)n->plan.sizes.decoder;
    const size_t e = (size_t)n->plan.sizes.embedding, a = (size_t)n->plan.sizes.alignment;
    const size_t element = n->plan.element;
    const struct gpu_decoder_at *at = &n->at.decoder;
    parts[0] = (struct part){ gpu_pack_gates, at->gates, 4 * d * (s + d) * element };
    parts[1] = (struct part){ gpu_pack_bridge, at->bridge, 2 * d * s * element };
    parts[2] = (struct part){ gpu_pack_align_state, at->align_state, a * s * element };
    parts[3] = (struct part){ gpu_pack_align_query, at->align_query, a * d * element };
    parts[4] = (struct part){ gpu_pack_output, at->output, e * (s + d) * element };
    parts[5] = (struct part){ gpu_pack_vectors, at->vectors,
                              gpu_plan_vectors(&n->plan).end * sizeof(float) };
}

/* How much is packed at once, at most, and what tables take of the device while they are made. */
static void measure(struct loader *l)
{
    enum { STAGING_MIN = 4 << 20 };
    const struct gpu_plan *plan = &l->to->plan;
    const size_t h = (size_t)plan->sizes.hidden;
    const struct table read = read_table(l->to), written = written_table(l->to);
    struct part parts[DECODER_PARTS];
    decoder_parts(l->to, parts);
    l->staging_size = larger(STAGING_MIN, 8 * h * h * plan->element);
    l->staging_size = larger(l->staging_size, input_size(plan, plan->sizes.layers - 1));
    l->matrix_size = larger(matrix_size(plan, &read), matrix_size(plan, &written));
    l->bias_size = (size_t)larger((size_t)read.cols, (size_t)written.cols) * sizeof(float);
    l->staging_size = larger(l->staging_size, larger(l->matrix_size, l->bias_size));
    for (int i = 0; i < DECODER_PARTS && plan->sizes.decoder; i++)
        l->staging_size = larger(l->staging_size, parts[i].size);
    if (!plan->sizes.decoder)
        l->staging_size = larger(l->staging_size, l->to->at.end - l->to->at.head);
    l->scratch_size = l->matrix_size + l->bias_size + l->staging_size;
}

static enum lstm_status open_loader(struct loader *l, struct lstm_error *err)
{
    enum lstm_status rc = LSTM_OK;
    measure(l);
    GPU_TRY(cudaStreamCreateWithFlags(&l->stream, cudaStreamNonBlocking));
    GPU_TRY(cudaMallocHost(&l->staging, l->staging_size));
    if ((rc = gpu_device_allocate(l->to->device, l->scratch_size, (void **)&l->scratch, err)))
        goto done;
    rc = gpu_blas_open(l->to->device, 1, &l->blas, err);
done:
    return rc;
}

static void close_loader(struct loader *l)
{
    if (l->stream)
        (void)cudaStreamSynchronize(l->stream); /* after an error some of it may still be running */
    gpu_blas_close(&l->blas);
    gpu_device_free(l->to->device, l->scratch, l->scratch_size);
    if (l->staging)
        (void)cudaFreeHost(l->staging);
    if (l->stream)
        (void)cudaStreamDestroy(l->stream);
}

/* What was packed, to the device; then the staging memory is free again. */
static enum lstm_status put(struct loader *l, void *to, size_t size, struct lstm_error *err)
{
    enum lstm_status rc = LSTM_OK;
    GPU_TRY(cudaMemcpyAsync(to, l->staging, size, cudaMemcpyHostToDevice, l->stream));
    GPU_TRY(cudaStreamSynchronize(l->stream));
done:
    return rc;
}

/* Embedded tokens on the device, in elements: a summariser keeps them, as its vocabulary. */
static char *embedded_at(const struct loader *l, int32_t first)
{
    const struct gpu_plan *plan = &l->to->plan;
    const size_t row = (size_t)plan->sizes.embedding * plan->element;
    return plan->sizes.decoder ? l->to->memory + l->to->at.decoder.vocabulary + (size_t)first * row
                               : l->scratch + l->matrix_size + l->bias_size;
}

static enum lstm_status embed(struct loader *l, int32_t first, int32_t count,
                              struct lstm_error *err)
{
    const struct gpu_plan *plan = &l->to->plan;
    gpu_pack_embedding(plan, l->params, first, count, l->staging);
    return put(l, embedded_at(l, first),
               (size_t)count * (size_t)plan->sizes.embedding * plan->element, err);
}

static enum lstm_status make_table(struct loader *l, const struct table *t, int is_embedded,
                                   struct lstm_error *err)
{
    enum lstm_status rc;
    const struct gpu_plan *plan = &l->to->plan;
    const size_t row = (size_t)t->cols * plan->element;
    char *matrix = l->scratch, *bias = matrix + l->matrix_size;
    const int32_t some =
        (int32_t)(l->staging_size / ((size_t)plan->sizes.embedding * plan->element));
    t->pack_matrix(plan, l->params, l->staging);
    if ((rc = put(l, matrix, matrix_size(plan, t), err)))
        return rc;
    t->pack_bias(plan, l->params, l->staging);
    if ((rc = put(l, bias, (size_t)t->cols * sizeof(float), err)))
        return rc;
    for (int32_t first = 0; first < plan->sizes.vocab; first += some) {
        const int32_t left = plan->sizes.vocab - first, count = left < some ? left : some;
        char *table = l->to->memory + t->at + (size_t)first * row;
        const struct gpu_product product = { .precision = plan->precision,
                                             .rows = count,
                                             .cols = t->cols,
                                             .depth = plan->sizes.embedding,
                                             .a = embedded_at(l, first),
                                             .b = matrix,
                                             .c = table,
                                             .is_added = 1 };
        if (!is_embedded && (rc = embed(l, first, count, err)))
            return rc;
        GPU_TRY(gpu_fill(l->stream, plan->precision, count, product.cols, (float *)(void *)bias,
                         table));
        if ((rc = gpu_blas_multiply(&l->blas, l->stream, 0, &product, err)))
            return rc;
    }
done:
    return rc;
}

static enum lstm_status load_layer(struct loader *l, int layer, struct lstm_error *err)
{
    const struct gpu_plan *plan = &l->to->plan;
    const size_t h = (size_t)plan->sizes.hidden;
    gpu_pack_recurrent(plan, l->params, layer, l->staging);
    enum lstm_status rc =
        put(l, l->to->memory + l->to->at.recurrent[layer], 8 * h * h * plan->element, err);
    if (rc || layer == 0)
        return rc;
    gpu_pack_input(plan, l->params, layer, l->staging);
    if ((rc = put(l, l->to->memory + l->to->at.above[layer], input_size(plan, layer), err)))
        return rc;
    gpu_pack_bias(plan, l->params, layer, (float *)l->staging);
    return put(l, l->to->memory + l->to->at.above_bias[layer], bias_size(plan), err);
}

/* All but the table, which needs the embedding first. */
static enum lstm_status load_decoder(struct loader *l, struct lstm_error *err)
{
    enum lstm_status rc = LSTM_OK;
    struct part parts[DECODER_PARTS];
    decoder_parts(l->to, parts);
    for (int i = 0; i < DECODER_PARTS && !rc; i++) {
        parts[i].pack(&l->to->plan, l->params, l->staging);
        rc = put(l, l->to->memory + parts[i].at, parts[i].size, err);
    }
    return rc;
}

static enum lstm_status load_head(struct loader *l, struct lstm_error *err)
{
    gpu_pack_head(&l->to->plan, l->params, l->staging);
    return put(l, l->to->memory + l->to->at.head, l->to->at.end - l->to->at.head, err);
}

static enum lstm_status load(struct loader *l, struct lstm_error *err)
{
    const struct table read = read_table(l->to), written = written_table(l->to);
    const int is_writer = l->to->plan.sizes.decoder != 0;
    enum lstm_status rc = open_loader(l, err);
    if (rc)
        return rc;
    for (int layer = 0; layer < l->to->plan.sizes.layers; layer++)
        if ((rc = load_layer(l, layer, err)))
            return rc;
    if ((rc = is_writer ? load_decoder(l, err) : load_head(l, err)) ||
        (rc = make_table(l, &read, 0, err)) ||
        (is_writer && (rc = make_table(l, &written, 1, err))))
        return rc;
    GPU_TRY(cudaStreamSynchronize(l->stream));
done:
    return rc;
}

enum lstm_status gpu_network_load(int32_t ordinal, enum lstm_precision precision,
                                  const struct lstm_model *model, struct lstm_loaded **loaded,
                                  struct lstm_error *err)
{
    const struct gpu_device *device;
    int before;
    *loaded = NULL;
    enum lstm_status rc = gpu_device_find(ordinal, &device, err);
    if (rc)
        return rc;
    const struct gpu_plan plan = gpu_plan_make(&model->sizes, precision, &device->traits);
    if ((rc = gpu_pack_check(&plan, model->params, err)) ||
        (model->sizes.decoder && (rc = gpu_pack_decoder_check(&plan, model->params, err))))
        return rc;
    struct lstm_loaded *to = malloc(sizeof *to);
    if (!to)
        return lstm_fail(err, LSTM_NOMEM, "out of memory for a model on cuda:%d", ordinal);
    *to = (struct lstm_loaded){ .device = device, .plan = plan, .at = gpu_plan_weights(&plan) };
    struct loader loader = { .to = to, .params = model->params };
    if ((rc = gpu_device_enter(device, &before, err))) {
        free(to);
        return rc;
    }
    rc = gpu_device_allocate(device, to->at.end, (void **)&to->memory, err);
    if (!rc)
        rc = load(&loader, err);
    close_loader(&loader);
    if (rc)
        gpu_device_free(device, to->memory, to->at.end);
    gpu_device_leave(before);
    if (rc)
        free(to);
    else
        *loaded = to;
    return rc;
}

void gpu_network_unload(struct lstm_loaded *loaded)
{
    int before;
    if (!loaded)
        return;
    if (!gpu_is_forked()) {
        (void)gpu_device_enter(loaded->device, &before, NULL);
        gpu_device_free(loaded->device, loaded->memory, loaded->at.end);
        gpu_device_leave(before);
    }
    free(loaded);
}
