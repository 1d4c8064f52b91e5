#include "gpu/network.h"
#include "gpu/blas.h"
#include "gpu/kernels.h"
#include "gpu/packing.h"

#include <stdlib.h>

/* Weights on their way: packed into pinned memory, copied part by part. */
struct loader {
    struct lstm_loaded *to;
    const float *params;
    cudaStream_t stream;
    void *staging;
    size_t staging_size;
    struct gpu_blas blas;
    char *scratch; /* of the device, for the table: matrix, bias, embedded tokens */
    size_t scratch_size;
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

static enum lstm_status open_loader(struct loader *l, struct lstm_error *err)
{
    enum { STAGING_MIN = 4 << 20 };
    enum lstm_status rc = LSTM_OK;
    const struct gpu_plan *plan = &l->to->plan;
    const size_t h = (size_t)plan->sizes.hidden;
    l->staging_size = larger(STAGING_MIN, 8 * h * h * plan->element);
    l->staging_size = larger(l->staging_size, input_size(plan, 0));
    l->staging_size = larger(l->staging_size, input_size(plan, plan->sizes.layers - 1));
    l->staging_size = larger(l->staging_size, l->to->at.end - l->to->at.head);
    l->scratch_size = input_size(plan, 0) + bias_size(plan) + l->staging_size;
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

/* The first layer's input products of all tokens. */
static enum lstm_status make_table(struct loader *l, struct lstm_error *err)
{
    enum lstm_status rc;
    const struct gpu_plan *plan = &l->to->plan;
    const size_t row = 8 * (size_t)plan->sizes.hidden * plan->element;
    const size_t embedded_size = (size_t)plan->sizes.embedding * plan->element;
    char *matrix = l->scratch, *bias = matrix + input_size(plan, 0),
         *embedded = bias + bias_size(plan);
    const int32_t some = (int32_t)(l->staging_size / embedded_size);
    gpu_pack_input(plan, l->params, 0, l->staging);
    if ((rc = put(l, matrix, input_size(plan, 0), err)))
        return rc;
    gpu_pack_bias(plan, l->params, 0, l->staging);
    if ((rc = put(l, bias, bias_size(plan), err)))
        return rc;
    for (int32_t first = 0; first < plan->sizes.vocab; first += some) {
        const int32_t left = plan->sizes.vocab - first, count = left < some ? left : some;
        char *table = l->to->memory + l->to->at.table + (size_t)first * row;
        const struct gpu_product product = { .precision = plan->precision,
                                             .rows = count,
                                             .cols = 8 * plan->sizes.hidden,
                                             .depth = plan->sizes.embedding,
                                             .a = embedded,
                                             .b = matrix,
                                             .c = table,
                                             .is_added = 1 };
        gpu_pack_embedding(plan, l->params, first, count, l->staging);
        if ((rc = put(l, embedded, (size_t)count * embedded_size, err)))
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

static enum lstm_status load(struct loader *l, struct lstm_error *err)
{
    enum lstm_status rc = open_loader(l, err);
    if (rc)
        return rc;
    for (int layer = 0; layer < l->to->plan.sizes.layers; layer++)
        if ((rc = load_layer(l, layer, err)))
            return rc;
    gpu_pack_head(&l->to->plan, l->params, l->staging);
    if ((rc = put(l, l->to->memory + l->to->at.head, l->to->at.end - l->to->at.head, err)) ||
        (rc = make_table(l, err)))
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
    if (model->sizes.decoder)
        return lstm_fail(err, LSTM_MISMATCH, "a summariser runs on the device \"cpu\" only");
    enum lstm_status rc = gpu_device_find(ordinal, &device, err);
    if (rc)
        return rc;
    const struct gpu_plan plan = gpu_plan_make(&model->sizes, precision, &device->traits);
    if ((rc = gpu_pack_check(&plan, model->params, err)))
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
