#include "cpu_rows.h"
#include "tokenizer.h"

#include <string.h>

void cpu_rows_carve(struct cpu_rows *r, const struct cpu_decoder *d,
                    const struct cpu_source *sources, int32_t texts, int32_t beam,
                    struct carver *carver)
{
    const size_t e = (size_t)d->sizes.embedding, h2 = 2 * (size_t)d->sizes.hidden,
                 n = (size_t)d->sizes.decoder;
    const size_t a = (size_t)d->sizes.alignment, rows = (size_t)texts * (size_t)beam,
                 f = sizeof(float);
    *r = (struct cpu_rows){ .decoder = d, .sources = sources, .texts = texts, .beam = beam };
    r->text = carve(carver, rows, sizeof *r->text);
    r->slot = carve(carver, rows, sizeof *r->slot);
    r->parent_text = carve(carver, rows, sizeof *r->parent_text);
    r->parent_slot = carve(carver, rows, sizeof *r->parent_slot);
    r->tokens = carve(carver, rows, sizeof *r->tokens);
    r->row_sources = carve(carver, rows, sizeof *r->row_sources);
    r->attention = carve(carver, rows, sizeof *r->attention);
    r->coverage = carve(carver, rows, sizeof *r->coverage);
    r->context = carve(carver, rows * h2, f);
    r->cell = carve(carver, rows * n, f);
    r->state = carve(carver, rows * n, f);
    r->step = (struct cpu_decoder_step){
        .tokens = r->tokens,
        .sources = r->row_sources,
        .context_before = r->context,
        .cell_before = r->cell,
        .state_before = r->state,
        .coverage = (const float *const *)r->coverage,
        .input = carve(carver, rows * (e + h2), f),
        .gates = carve(carver, rows * 4 * n, f),
        .cell = carve(carver, rows * n, f),
        .state = carve(carver, rows * n, f),
        .query = carve(carver, rows * a, f),
        .attention = r->attention,
        .joined = carve(carver, rows * (n + h2), f),
        .output = carve(carver, rows * e, f),
        .generate = carve(carver, rows, f),
    };
    r->kept = carve(carver, (size_t)texts, sizeof *r->kept);
    for (int32_t i = 0; i < texts; i++) {
        float *kept = carve(carver, 3 * (size_t)beam * cpu_source_width(sources[i].count), f);
        if (kept)
            r->kept[i] = kept;
    }
}

/* A text keeps three vectors over its source for each of its rows: the coverage of this step and of
 * the next, which change places, and the attention. */
static float *kept(const struct cpu_rows *r, int32_t kind, int32_t text, int32_t slot)
{
    return r->kept[text] +
           (size_t)(kind * r->beam + slot) * cpu_source_width(r->sources[text].count);
}

static float *coverage_of(const struct cpu_rows *r, int32_t parity, int32_t text, int32_t slot)
{
    return kept(r, parity, text, slot);
}

static float *attention_of(const struct cpu_rows *r, int32_t text, int32_t slot)
{
    return kept(r, 2, text, slot);
}

static void place(struct cpu_rows *r, int32_t row, int32_t text, int32_t slot, int32_t token)
{
    r->text[row] = text;
    r->slot[row] = slot;
    r->tokens[row] = token;
    r->row_sources[row] = &r->sources[text];
    r->coverage[row] = coverage_of(r, r->parity, text, slot);
    r->attention[row] = attention_of(r, text, slot);
}

void cpu_rows_begin(struct cpu_rows *r)
{
    const size_t h2 = 2 * (size_t)r->decoder->sizes.hidden, n = (size_t)r->decoder->sizes.decoder;
    float *mean = r->step.input, *bridged = r->step.gates; /* not in use yet, and large enough */
    r->parity = 0;
    r->step.rows = r->texts;
    for (int32_t i = 0; i < r->texts; i++) {
        place(r, i, i, 0, LSTM_TOKEN_MASK);
        memset(r->coverage[i], 0, cpu_source_width(r->sources[i].count) * sizeof(float));
        cpu_decoder_begin(r->decoder, &r->sources[i], mean, bridged);
        memcpy(r->state + (size_t)i * n, bridged, n * sizeof(float));
        memcpy(r->cell + (size_t)i * n, bridged + n, n * sizeof(float));
    }
    memset(r->context, 0, (size_t)r->texts * h2 * sizeof(float));
}

void cpu_rows_step(struct cpu_rows *r)
{
    cpu_decoder_step(r->decoder, &r->step);
}

void cpu_rows_advance(struct cpu_rows *r, const struct cpu_row_next *next, int32_t count)
{
    const size_t h2 = 2 * (size_t)r->decoder->sizes.hidden, n = (size_t)r->decoder->sizes.decoder;
    memcpy(r->parent_text, r->text, (size_t)r->step.rows * sizeof *r->text);
    memcpy(r->parent_slot, r->slot, (size_t)r->step.rows * sizeof *r->slot);
    r->parity = !r->parity;
    r->step.rows = count;
    for (int32_t i = 0, slot = 0; i < count; i++) {
        size_t to = (size_t)i, from = (size_t)next[i].parent;
        int32_t text = r->parent_text[from];
        slot = i > 0 && r->text[i - 1] == text ? slot + 1 : 0;
        place(r, i, text, slot, next[i].token);
        size_t width = cpu_source_width(r->sources[text].count);
        memcpy(r->coverage[i], coverage_of(r, !r->parity, text, r->parent_slot[from]),
               width * sizeof(float));
        r->decoder->kernels->add(width, attention_of(r, text, r->parent_slot[from]),
                                 r->coverage[i]);
        memcpy(r->context + to * h2, r->step.joined + from * (n + h2) + n, h2 * sizeof(float));
        memcpy(r->cell + to * n, r->step.cell + from * n, n * sizeof(float));
        memcpy(r->state + to * n, r->step.state + from * n, n * sizeof(float));
    }
}
