#include "cpu_encoder.h"

#include <string.h>

size_t cpu_tile_ints(int32_t rows, int32_t steps, int32_t positions)
{
    return (size_t)steps + 1 + (size_t)rows + 4 * (size_t)positions;
}

int32_t cpu_tile_positions(const struct lstm_window *windows, int32_t rows)
{
    int32_t positions = 0;
    for (int32_t r = 0; r < rows; r++)
        positions += windows[r].length;
    return positions;
}

void cpu_tile_plan(struct cpu_tile *tile, const struct lstm_window *windows, int32_t rows,
                   const int32_t *tokens, int32_t *memory)
{
    int32_t positions = cpu_tile_positions(windows, rows), steps = rows ? windows[0].length : 0;
    *tile = (struct cpu_tile){
        .windows = windows, .rows = rows, .steps = steps, .positions = positions
    };
    tile->base = memory, memory += steps + 1;
    tile->offset = memory, memory += rows;
    tile->place[0] = memory, memory += positions;
    tile->place[1] = memory, memory += positions;
    tile->before = memory, memory += positions;
    tile->tokens = memory;
    for (int32_t r = 0, at = 0; r < rows; at += windows[r].length, r++) {
        tile->offset[r] = at;
        memcpy(tile->tokens + at, tokens + windows[r].start,
               (size_t)windows[r].length * sizeof *tokens);
    }
    tile->base[0] = 0;
    for (int32_t s = 0, running = rows, p = 0; s < steps; s++) {
        while (windows[running - 1].length <= s)
            running--;
        for (int32_t r = 0; r < running; r++, p++) {
            tile->place[0][p] = tile->offset[r] + s;
            tile->place[1][p] = tile->offset[r] + windows[r].length - 1 - s;
            tile->before[p] = s ? tile->base[s - 1] + r : -1;
        }
        tile->base[s + 1] = p;
    }
}

static void gather(const float *rows, size_t width, const int32_t *place, int32_t count, float *x)
{
    for (int32_t i = 0; i < count; i++, x += width)
        memcpy(x, rows + (size_t)place[i] * width, width * sizeof *x);
}

static void scatter(const float *rows, size_t cols, const int32_t *place, int32_t count,
                    float *states, size_t width)
{
    for (int32_t i = 0; i < count; i++, rows += cols)
        memcpy(states + (size_t)place[i] * width, rows, cols * sizeof *rows);
}

/* Steps from first on whose rows are few enough together; at least one. Returns their end. */
static int32_t some_steps(const struct cpu_tile *tile, int32_t first)
{
    int32_t end = first + 1;
    while (end < tile->steps && tile->base[end + 1] - tile->base[first] <= CPU_INPUT_ROWS)
        end++;
    return end;
}

/* z of the rows of some steps: the bias and the input products. */
static void read_inputs(const struct cpu_weights *weights, const struct cpu_direction *d,
                        const struct cpu_input *input, const int32_t *place, int32_t rows,
                        const struct cpu_scratch *scratch)
{
    const size_t columns = 4 * (size_t)weights->sizes.hidden,
                 lanes = (size_t)input->cols / weights->products->group;
    gather(input->rows, lanes, place, rows, scratch->x);
    for (int32_t r = 0; r < rows; r++)
        memcpy(scratch->z + (size_t)r * columns, d->bias, columns * sizeof(float));
    weights->products->gemm(rows, (int32_t)columns, (int32_t)lanes,
                            (struct cpu_matrix){ scratch->x, lanes, 1 },
                            (struct cpu_panels){ d->ih, 16, 16 * lanes }, scratch->z, columns);
}

void cpu_direction_run(const struct cpu_weights *weights, int layer, int reverse,
                       const struct cpu_tile *tile, const struct cpu_input *input,
                       const struct cpu_kept *kept, const struct cpu_scratch *scratch,
                       float *states, float *operands)
{
    const struct cpu_products *products = weights->products;
    const struct cpu_direction *d = &weights->direction[layer][reverse];
    const int32_t hidden = weights->sizes.hidden;
    const size_t h = (size_t)hidden, lanes = h / products->group;
    float *z = scratch->z;
    for (int32_t s = 0, read = 0; s < tile->steps; s++) {
        const size_t here = (size_t)tile->base[s], before = s ? (size_t)tile->base[s - 1] : 0;
        const int32_t rows = tile->base[s + 1] - tile->base[s];
        const int32_t *place = tile->place[reverse] + here;
        float *state = kept->state + here * lanes;
        if (s == read) {
            read = some_steps(tile, s);
            z = scratch->z;
            read_inputs(weights, d, input, place, tile->base[read] - tile->base[s], scratch);
        }
        if (s > 0)
            products->gemm(rows, 4 * hidden, (int32_t)lanes,
                           (struct cpu_matrix){ kept->state + before * lanes, lanes, 1 },
                           (struct cpu_panels){ d->hh, 16, 16 * lanes }, z, 4 * h);
        products->cell(rows, hidden, z, s > 0 ? kept->cell + before * h : scratch->zeros,
                       kept->gates + here * 4 * lanes, kept->cell + here * h, state, place,
                       states ? states + (reverse ? h : 0) : NULL, 2 * h);
        if (operands)
            scatter(state, lanes, place, rows, operands + (reverse ? lanes : 0), 2 * lanes);
        z += (size_t)rows * 4 * h;
    }
}

void cpu_pool_tile(const struct cpu_weights *weights, const struct cpu_tile *tile,
                   const float *states, struct cpu_pools *pools)
{
    const struct cpu_kernels *k = weights->kernels;
    const float *attention = weights->params + lstm_attention_at(&weights->sizes);
    int32_t width = 2 * weights->sizes.hidden;
    for (int32_t r = 0; r < tile->rows; r++) {
        const struct lstm_window *window = &tile->windows[r];
        int32_t first = tile->offset[r] + window->own_start - window->start;
        struct cpu_pool *text = &pools->texts[window->text];
        struct cpu_pool *into = pools->counts[window->text] ? &pools->window : text;
        k->pool(window->own_length, width, states + (size_t)first * (size_t)width, attention,
                pools->scores, into);
        if (into != text)
            k->pool_merge(width, text, into);
        pools->counts[window->text] += window->own_length;
    }
}
