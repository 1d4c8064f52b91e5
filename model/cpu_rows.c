#include "cpu_rows.h"
#include "tokenizer.h"

#include <string.h>

/* rows pieces of one size, and where each begins. */
static void carve_pieces(struct carver *carver, size_t rows, size_t size, void **pieces)
{
    char *block = carve(carver, rows, size);
    for (size_t i = 0; block && i < rows; i++)
        pieces[i] = block + i * size;
}

void cpu_rows_carve(struct cpu_rows *r, const struct cpu_network *n,
                    const struct cpu_source *sources, int32_t texts, int32_t beam,
                    struct carver *carver)
{
    const size_t e = (size_t)n->sizes.embedding, h2 = 2 * (size_t)n->sizes.hidden,
                 d = (size_t)n->sizes.decoder, a = (size_t)n->sizes.alignment;
    const size_t rows = (size_t)texts * (size_t)beam, f = sizeof(float);
    *r = (struct cpu_rows){ .network = n, .sources = sources, .texts = texts, .beam = beam };
    r->text = carve(carver, rows, sizeof *r->text);
    r->slot = carve(carver, rows, sizeof *r->slot);
    r->parent_text = carve(carver, rows, sizeof *r->parent_text);
    r->parent_slot = carve(carver, rows, sizeof *r->parent_slot);
    r->tokens = carve(carver, rows, sizeof *r->tokens);
    r->row_sources = carve(carver, rows, sizeof *r->row_sources);
    r->attention = carve(carver, rows, sizeof *r->attention);
    r->coverage = carve(carver, rows, sizeof *r->coverage);
    r->before = carve(carver, rows, sizeof *r->before);
    r->after = carve(carver, rows, sizeof *r->after);
    r->output = carve(carver, rows, sizeof *r->output);
    r->step.input = carve(carver, rows, sizeof *r->step.input);
    r->step.states = carve(carver, rows, sizeof *r->step.states);
    r->step.vectors = carve(carver, rows, sizeof *r->step.vectors);
    r->step.products = carve(carver, rows * 4 * d, n->arithmetic->input_size);
    r->step.generate = carve(carver, rows, f);
    carve_pieces(carver, rows, cpu_written_row(n), r->before);
    carve_pieces(carver, rows, cpu_written_row(n), r->after);
    carve_pieces(carver, rows, e * n->arithmetic->state_size, r->output);
    float *vectors = carve(carver, rows * (e + a + h2 + d), f);
    for (size_t i = 0; vectors && i < rows; i++)
        r->step.vectors[i] = vectors + i * (e + a + h2 + d);
    r->cell = carve(carver, rows * d, f);
    r->cell_before = carve(carver, rows * d, f);
    r->scratch = carve(carver, h2 + 2 * d, f);
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
    const size_t d = (size_t)r->network->sizes.decoder;
    r->parity = 0;
    r->step.rows = r->texts;
    for (int32_t i = 0; i < r->texts; i++) {
        place(r, i, i, 0, LSTM_TOKEN_MASK);
        memset(r->coverage[i], 0, cpu_source_width(r->sources[i].count) * sizeof(float));
        cpu_writer_begin(r->network, &r->sources[i], r->scratch, r->before[i],
                         r->cell + (size_t)i * d);
    }
}

void cpu_rows_step(struct cpu_rows *r)
{
    r->step.tokens = r->tokens;
    r->step.sources = r->row_sources;
    r->step.coverage = (const float *const *)r->coverage;
    r->step.before = (const void *const *)r->before;
    r->step.cell = r->cell;
    r->step.after = r->after;
    r->step.attention = r->attention;
    r->step.output = r->output;
    cpu_writer_step(r->network, &r->step);
}

void cpu_rows_advance(struct cpu_rows *r, const struct cpu_row_next *next, int32_t count)
{
    const size_t d = (size_t)r->network->sizes.decoder;
    float *cell = r->cell_before;
    memcpy(r->parent_text, r->text, (size_t)r->step.rows * sizeof *r->text);
    memcpy(r->parent_slot, r->slot, (size_t)r->step.rows * sizeof *r->slot);
    r->parity = !r->parity;
    r->step.rows = count;
    for (int32_t i = 0, slot = 0; i < count; i++) {
        const size_t to = (size_t)i, from = (size_t)next[i].parent;
        const int32_t text = r->parent_text[from];
        slot = i > 0 && r->text[i - 1] == text ? slot + 1 : 0;
        place(r, i, text, slot, next[i].token);
        const size_t width = cpu_source_width(r->sources[text].count);
        memcpy(r->coverage[i], coverage_of(r, !r->parity, text, r->parent_slot[from]),
               width * sizeof(float));
        r->network->kernels->add(width, attention_of(r, text, r->parent_slot[from]),
                                 r->coverage[i]);
        memcpy(r->before[to], r->after[from], cpu_written_row(r->network));
        memcpy(cell + to * d, r->cell + from * d, d * sizeof *cell);
    }
    r->cell_before = r->cell;
    r->cell = cell;
}
