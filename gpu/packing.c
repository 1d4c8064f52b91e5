#include "gpu/packing.h"
#include "gpu/element.h"

enum lstm_status gpu_pack_check(const struct gpu_plan *plan, const float *params,
                                struct lstm_error *err)
{
    struct lstm_sizes sizes = plan->sizes;
    sizes.hidden = plan->hidden;
    return gpu_element_check(plan, params, lstm_attention_at(&sizes), err);
}

void gpu_pack_embedding(const struct gpu_plan *plan, const float *params, int32_t first,
                        int32_t count, void *to)
{
    const size_t e = (size_t)plan->sizes.embedding;
    for (size_t i = 0; i < (size_t)count * e; i++)
        gpu_element_put(plan, to, i, params[(size_t)first * e + i]);
}

/* One direction of one layer, in the model's own sizes. */
struct source {
    const float *weight_ih, *weight_hh, *bias;
    size_t hidden, in; /* columns of weight_ih */
};

static struct source find(const struct gpu_plan *plan, const float *params, int layer, int reverse)
{
    struct lstm_sizes sizes = plan->sizes;
    sizes.hidden = plan->hidden;
    struct source s = { .hidden = (size_t)sizes.hidden };
    s.in = layer ? 2 * s.hidden : (size_t)sizes.embedding;
    s.weight_ih = params + lstm_direction_at(&sizes, layer, reverse);
    s.weight_hh = s.weight_ih + 4 * s.hidden * s.in;
    s.bias = s.weight_hh + 4 * s.hidden * s.hidden;
    return s;
}

/* Where gate g of unit u stands in PyTorch's order. */
static size_t source_row(const struct source *s, size_t unit, size_t gate)
{
    return gate * s->hidden + unit;
}

void gpu_pack_input(const struct gpu_plan *plan, const float *params, int layer, void *to)
{
    const size_t h = (size_t)plan->sizes.hidden;
    const size_t half = layer ? h : (size_t)plan->sizes.embedding; /* columns that are padded */
    size_t at = 0;
    for (int reverse = 0; reverse < 2; reverse++) {
        const struct source s = find(plan, params, layer, reverse);
        const size_t filled = layer ? s.hidden : half;
        for (size_t row = 0; row < 4 * h; row++)
            for (size_t part = 0; part < (layer ? 2 : 1); part++)
                for (size_t j = 0; j < half; j++) {
                    const int is_there = row / 4 < s.hidden && j < filled;
                    const size_t from = source_row(&s, row / 4, row % 4) * s.in + part * filled + j;
                    gpu_element_put(plan, to, at++, is_there ? s.weight_ih[from] : 0.0f);
                }
    }
}

void gpu_pack_bias(const struct gpu_plan *plan, const float *params, int layer, float *to)
{
    const size_t h = (size_t)plan->sizes.hidden;
    for (int reverse = 0; reverse < 2; reverse++) {
        const struct source s = find(plan, params, layer, reverse);
        for (size_t row = 0; row < 4 * h; row++)
            *to++ = row / 4 < s.hidden ? s.bias[source_row(&s, row / 4, row % 4)] : 0.0f;
    }
}

static float recurrent(const struct source *s, size_t unit, size_t gate, size_t column)
{
    return unit < s->hidden && column < s->hidden
               ? s->weight_hh[source_row(s, unit, gate) * s->hidden + column]
               : 0.0f;
}

/* The rows of a warp come in pairs of eights, of four units each: i and f of each unit in the first
 * eight, g and o in the second. Column 2 l + c of an eight is the thread's whose lane is l
 * modulo 4. */
static size_t pack_fragments(const struct gpu_plan *plan, const struct source *s, size_t warp,
                             size_t at, void *to)
{
    const int32_t pairs = gpu_pack_pairs(plan);
    for (size_t k = 0; k < (size_t)plan->sizes.hidden; k += 16)
        for (int32_t eight = 0; eight < 2 * pairs; eight++)
            for (size_t lane = 0; lane < 32; lane++)
                for (size_t i = 0; i < 4; i++) {
                    const size_t group = lane / 4, column = k + 2 * (lane % 4) + i / 2 * 8 + i % 2;
                    const int32_t unit =
                        gpu_pack_unit(pairs, (int32_t)warp, (int32_t)group / 2, eight / 2);
                    const size_t gate = (size_t)(eight % 2) * 2 + group % 2;
                    gpu_element_put(plan, to, at++, recurrent(s, (size_t)unit, gate, column));
                }
    return at;
}

void gpu_pack_recurrent(const struct gpu_plan *plan, const float *params, int layer, void *to)
{
    const size_t h = (size_t)plan->sizes.hidden;
    const size_t warps = h / (4 * (size_t)gpu_pack_pairs(plan)); /* of all slices */
    size_t at = 0;
    for (int reverse = 0; reverse < 2; reverse++) {
        const struct source s = find(plan, params, layer, reverse);
        if (plan->recurrence == GPU_STEPS)
            for (size_t row = 0; row < 4 * h; row++)
                for (size_t column = 0; column < h; column++)
                    gpu_element_put(plan, to, at++, recurrent(&s, row / 4, row % 4, column));
        else
            for (size_t warp = 0; warp < warps; warp++)
                at = pack_fragments(plan, &s, warp, at, to);
    }
}

void gpu_pack_head(const struct gpu_plan *plan, const float *params, float *to)
{
    struct lstm_sizes sizes = plan->sizes;
    sizes.hidden = plan->hidden;
    const size_t own = (size_t)plan->hidden, h = (size_t)plan->sizes.hidden;
    const size_t classes = (size_t)sizes.classes, halves = 2 + 6 * classes;
    const float *attention = params + lstm_attention_at(&sizes);
    const float *classifier = params + lstm_classifier_at(&sizes);
    for (size_t part = 0; part < halves; part++) {
        const float *from = part < 2 ? attention + part * own : classifier + (part - 2) * own;
        for (size_t u = 0; u < h; u++)
            *to++ = u < own ? from[u] : 0.0f;
    }
    for (size_t k = 0; k < classes; k++)
        *to++ = classifier[6 * own * classes + k];
}
