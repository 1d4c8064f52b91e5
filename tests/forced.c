#include "tests/forced.h"
#include "model/beam_rules.h"
#include "model/cpu_reader.h"
#include "model/cpu_rows.h"
#include "tests/networks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct forced {
    struct cpu_network *network;
    struct cpu_source *sources;
    struct cpu_row_next *next;
    float *states, *keys;
    float *shares; /* texts x (most + 1) x vocab */
    int32_t texts, most;
    void *rows_memory;
};

static void take_states(void *arg, const struct cpu_tile_states *tile, float *scratch)
{
    const struct forced *f = arg;
    const size_t width = 2 * (size_t)f->network->sizes.hidden,
                 a = (size_t)f->network->sizes.alignment;
    (void)scratch;
    for (int32_t r = 0; r < tile->rows; r++) {
        const struct lstm_window *window = &tile->windows[r];
        const size_t from = (size_t)(tile->offset[r] + window->own_start - window->start);
        const size_t to = (size_t)window->own_start;
        cpu_source_fill(f->network, window->own_length,
                        (const char *)tile->states + from * width * sizeof(float),
                        f->states + to * width, f->keys + to * a);
    }
}

static void read_sources(struct forced *f, const struct lstm_batch *batch)
{
    const size_t width = 2 * (size_t)f->network->sizes.hidden,
                 a = (size_t)f->network->sizes.alignment, total = (size_t)batch->starts[f->texts];
    const struct cpu_taker taker = { .tile = take_states, .arg = f };
    struct cpu_reader *reader;
    struct lstm_error err = { .text = "" };
    f->states = network_memory(total * width * sizeof *f->states);
    f->keys = network_memory(total * a * sizeof *f->keys);
    f->sources = network_memory((size_t)f->texts * sizeof *f->sources);
    if (cpu_reader_open(f->network, &reader, &err) || cpu_reader_run(reader, batch, &taker, &err))
        fail_msg("%s", err.text);
    cpu_reader_close(reader);
    for (int32_t i = 0; i < f->texts; i++) {
        const size_t at = (size_t)batch->starts[i];
        f->sources[i] =
            (struct cpu_source){ batch->starts[i + 1] - batch->starts[i], batch->tokens + at,
                                 f->states + at * width, f->keys + at * a };
    }
}

static void compute(struct forced *f, struct cpu_rows *rows, const struct lstm_written *written,
                    int32_t step)
{
    const int32_t vocab = f->network->sizes.vocab;
    cpu_rows_step(rows);
    for (int32_t i = 0; i < f->texts; i++) {
        float *shares = f->shares + (size_t)(i * (f->most + 1) + step) * (size_t)vocab;
        const void *output = rows->output[i];
        cpu_writer_vocabulary(f->network, 1, &output, &shares);
        cpu_writer_mix(f->network, &f->sources[i], rows->attention[i], rows->step.generate[i],
                       shares);
        for (int32_t v = LSTM_TOKEN_BYTES; v < LSTM_TOKEN_FIRST; v++)
            shares[v] = beam_begins(v, 0, f->most) ? shares[v] : 0.0f;
        f->next[i] =
            (struct cpu_row_next){ .parent = i,
                                   .token = step < written[i].count ? written[i].tokens[step] : 0 };
    }
    cpu_rows_advance(rows, f->next, f->texts);
}

struct forced *forced_open(const struct lstm_model *model, const struct lstm_batch *batch,
                           const struct lstm_written *written, int32_t most)
{
    struct forced *f = network_memory(sizeof *f);
    struct lstm_error err = { .text = "" };
    struct cpu_rows rows;
    struct carver count = { 0 };
    *f = (struct forced){ .texts = batch->texts, .most = most };
    if (cpu_network_open(model, cpu_isa_pick("generic"), &f->network, &err))
        fail_msg("%s", err.text);
    read_sources(f, batch);
    f->next = network_memory((size_t)f->texts * sizeof *f->next);
    f->shares = network_memory((size_t)f->texts * (size_t)(most + 1) * (size_t)model->sizes.vocab *
                               sizeof *f->shares);
    cpu_rows_carve(&rows, f->network, f->sources, f->texts, 1, &count);
    f->rows_memory = network_memory(count.used);
    struct carver carver = { .memory = f->rows_memory };
    cpu_rows_carve(&rows, f->network, f->sources, f->texts, 1, &carver);
    cpu_rows_begin(&rows);
    for (int32_t step = 0; step <= most; step++)
        compute(f, &rows, written, step);
    return f;
}

const float *forced_shares(const struct forced *f, int32_t text, int32_t step)
{
    return f->shares + (size_t)(text * (f->most + 1) + step) * (size_t)f->network->sizes.vocab;
}

void forced_close(struct forced *f)
{
    cpu_network_close(f->network);
    free(f->sources);
    free(f->next);
    free(f->states);
    free(f->keys);
    free(f->shares);
    free(f->rows_memory);
    free(f);
}
