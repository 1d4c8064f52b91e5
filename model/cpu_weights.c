/* Packing weights into the panels that the matrix product reads from front to back. */
#include "cpu_encoder.h"

#include <stdlib.h>
#include <string.h>

void cpu_pack_transposed(const float *matrix, size_t cols, size_t depth, float *panels)
{
    for (size_t p = 0; p < cols; p += 16)
        for (size_t k = 0; k < depth; k++)
            for (size_t lane = 0; lane < 16; lane++)
                *panels++ = matrix[(p + lane) * depth + k];
}

static size_t inputs(const struct lstm_sizes *s, int layer)
{
    return (size_t)(layer ? 2 * s->hidden : s->embedding);
}

enum lstm_status cpu_weights_open(const struct lstm_sizes *sizes, const struct cpu_kernels *kernels,
                                  const struct cpu_products *products, const float *params,
                                  struct cpu_weights **weights, struct lstm_error *err)
{
    size_t h = (size_t)sizes->hidden, floats = 0;
    for (int layer = 0; layer < sizes->layers; layer++)
        floats += 2 * 4 * h * (2 * (inputs(sizes, layer) + h) / products->group + 1);
    struct cpu_weights *w = calloc(1, sizeof *w + floats * sizeof(float));
    *weights = w;
    if (!w)
        return lstm_fail(err, LSTM_NOMEM, "out of memory for %zu packed weights", floats);
    w->sizes = *sizes;
    w->kernels = kernels;
    w->products = products;
    w->params = params;
    float *next = (float *)(w + 1);
    for (int layer = 0; layer < sizes->layers; layer++)
        for (int reverse = 0; reverse < 2; reverse++) {
            struct cpu_direction *d = &w->direction[layer][reverse];
            size_t ih = 4 * h * inputs(sizes, layer) / products->group,
                   hh = 4 * h * h / products->group;
            d->ih = next, next += ih;
            d->hh = next, next += hh;
            d->bias = next, next += 4 * h;
            d->ih_back = next, next += ih;
            d->hh_back = next, next += hh;
        }
    cpu_weights_pack(w);
    return LSTM_OK;
}

void cpu_weights_pack(struct cpu_weights *w)
{
    size_t h = (size_t)w->sizes.hidden;
    for (int layer = 0; layer < w->sizes.layers; layer++)
        for (int reverse = 0; reverse < 2; reverse++) {
            struct cpu_direction *d = &w->direction[layer][reverse];
            size_t in = inputs(&w->sizes, layer);
            const float *ih = w->params + lstm_direction_at(&w->sizes, layer, reverse);
            const float *hh = ih + 4 * h * in;
            const int32_t units = (int32_t)h, columns = 4 * units, cols = (int32_t)in;
            w->products->pack(columns, cols, ih, 1, in, d->ih);
            w->products->pack(columns, units, hh, 1, h, d->hh);
            memcpy(d->bias, hh + 4 * h * h, 4 * h * sizeof *d->bias);
            w->products->pack(cols, columns, ih, in, 1, d->ih_back);
            w->products->pack(units, columns, hh, h, 1, d->hh_back);
        }
}

void cpu_weights_close(struct cpu_weights *weights)
{
    free(weights);
}
