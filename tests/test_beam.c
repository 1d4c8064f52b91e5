/* Beam search against all summaries there are, against the greedy choice, and the rules of what may
 * follow. */
#include "model/beam.h"
#include "model/cpu_reader.h"
#include "model/cpu_rows.h"
#include "model/text.h"
#include "tests/networks.h"
#include "tests/summary_reference.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { VOCAB = 272, ENTRIES = VOCAB - LSTM_TOKEN_FIRST, TEXTS_MAX = 5, TOKENS_MAX = 40 };

static const struct lstm_sizes sizes = { .vocab = VOCAB,
                                         .embedding = 16,
                                         .hidden = 16,
                                         .layers = 1,
                                         .window = 16,
                                         .overlap = 6,
                                         .decoder = 32,
                                         .alignment = 16 };

/* A network on one instruction set. */
struct network {
    struct lstm_model model;
    const struct cpu_isa *isa;
    struct cpu_network *network;
    struct cpu_reader *reader;
    struct cpu_beam *beam;
};

/* Texts as the decoder sees them. */
struct sources {
    struct lstm_batch batch;
    const struct cpu_network *network;
    float *states, *keys;
    struct cpu_source source[TEXTS_MAX];
};

/* What a search found. */
struct found {
    int32_t tokens[TOKENS_MAX], origins[TOKENS_MAX];
    struct lstm_written written;
};

static void build(struct network *n)
{
    struct lstm_error err;
    assert_int_equal(cpu_network_open(&n->model, n->isa, &n->network, &err), LSTM_OK);
    assert_int_equal(cpu_reader_open(n->network, &n->reader, &err), LSTM_OK);
    assert_int_equal(cpu_beam_open(n->network, &n->beam, &err), LSTM_OK);
}

static void tear_down(struct network *n)
{
    cpu_beam_close(n->beam);
    cpu_reader_close(n->reader);
    cpu_network_close(n->network);
}

/* After the parameters were changed. */
static void rebuild(struct network *n)
{
    tear_down(n);
    build(n);
}

static struct network network_open(const char *isa, uint64_t seed, float scale)
{
    struct network n = { .model = { .sizes = sizes, .params = network_params(&sizes, seed, scale) },
                         .isa = cpu_isa_pick(isa) };
    build(&n);
    return n;
}

static void network_close(struct network *n)
{
    tear_down(n);
    free(n->model.params);
}

static void take_states(void *arg, const struct cpu_tile_states *tile, float *scratch)
{
    const size_t width = 2 * (size_t)sizes.hidden, a = (size_t)sizes.alignment;
    struct sources *s = arg;
    (void)scratch;
    for (int32_t r = 0; r < tile->rows; r++) {
        const struct lstm_window *window = &tile->windows[r];
        const size_t from = (size_t)(tile->offset[r] + window->own_start - window->start);
        const size_t to = (size_t)window->own_start;
        cpu_source_fill(s->network, window->own_length, (const float *)tile->states + from * width,
                        s->states + to * width, s->keys + to * a);
    }
}

static void sources_read(struct network *n, struct lstm_batch batch, struct sources *s)
{
    struct lstm_error err;
    const size_t width = 2 * (size_t)sizes.hidden, a = (size_t)sizes.alignment,
                 total = (size_t)batch.starts[batch.texts];
    s->batch = batch;
    s->states = network_memory(total * width * sizeof *s->states);
    s->keys = network_memory(total * a * sizeof *s->keys);
    const struct cpu_taker taker = { .tile = take_states, .arg = s };
    s->network = n->network;
    assert_int_equal(cpu_reader_run(n->reader, &batch, &taker, &err), LSTM_OK);
    for (int32_t i = 0; i < batch.texts; i++) {
        size_t at = (size_t)batch.starts[i];
        s->source[i] =
            (struct cpu_source){ batch.starts[i + 1] - batch.starts[i], batch.tokens + at,
                                 s->states + at * width, s->keys + at * a };
    }
}

static void sources_free(struct sources *s)
{
    free(s->states);
    free(s->keys);
}

/* Texts of entries alone, so that all tokens may be generated. */
static struct lstm_batch texts_of_entries(const int32_t *lengths, int32_t texts, uint64_t seed)
{
    struct lstm_batch batch = network_texts(ENTRIES, lengths, texts, seed);
    int32_t *tokens = (int32_t *)(uintptr_t)batch.tokens;
    for (int32_t i = 0; i < batch.starts[texts]; i++)
        tokens[i] += LSTM_TOKEN_FIRST;
    return batch;
}

static void search(struct network *n, const struct cpu_source *sources, int32_t texts,
                   const struct lstm_summary_settings *settings, struct found *found)
{
    struct lstm_error err;
    struct lstm_written written[TEXTS_MAX];
    for (int32_t i = 0; i < texts; i++)
        written[i] =
            (struct lstm_written){ .tokens = found[i].tokens, .origins = found[i].origins };
    assert_int_equal(cpu_beam_search(n->beam, sources, texts, settings, NULL, NULL, written, &err),
                     LSTM_OK);
    for (int32_t i = 0; i < texts; i++)
        found[i].written = written[i];
}

static double penalty(int32_t tokens, double power)
{
    return pow((5.0 + tokens + 1) / 6.0, power);
}

/* ---- all summaries ---- */

static double log_share(const double *params, const struct cpu_source *source,
                        const int32_t *tokens, int32_t count)
{
    struct reference_loss loss = { 0 };
    const struct reference_pair pair = { .source = source->tokens,
                                         .source_count = source->count,
                                         .target = tokens,
                                         .target_count = count };
    reference_summary_loss(&sizes, params, &pair, &loss);
    return -loss.likelihood;
}

/* The best of all summaries of min to 2 entries. */
static double best_of_all(const double *params, const struct cpu_source *source, int32_t min,
                          double power, int32_t best[2], int32_t *best_count)
{
    double best_rank = -INFINITY;
    for (int32_t i = 0; i < 1 + ENTRIES + ENTRIES * ENTRIES; i++) {
        int32_t count = i == 0         ? 0
                        : i <= ENTRIES ? 1
                                       : 2,
                code = count == 2 ? i - 1 - ENTRIES : i - 1;
        int32_t tokens[2] = { LSTM_TOKEN_FIRST + (count == 2 ? code / ENTRIES : code),
                              LSTM_TOKEN_FIRST + code % ENTRIES };
        double rank = count < min
                          ? -INFINITY
                          : log_share(params, source, tokens, count) / penalty(count, power);
        if (rank > best_rank) {
            best_rank = rank;
            *best_count = count;
            memcpy(best, tokens, sizeof tokens);
        }
    }
    return best_rank;
}

/* Bytes and the rest share the vocabulary's part: it becomes that of the entries and the end. */
static void without_bytes(struct network *n, float end)
{
    float *bias = n->model.params + lstm_decoder_at(&sizes).vocabulary_bias;
    for (int32_t byte = LSTM_TOKEN_BYTES; byte < LSTM_TOKEN_FIRST; byte++)
        bias[byte] = -20.0f;
    bias[LSTM_TOKEN_MASK] = end;
    rebuild(n);
}

static double *exact_params(const struct network *n)
{
    size_t count = lstm_params_count(&sizes);
    double *exact = network_memory(count * sizeof *exact);
    for (size_t i = 0; i < count; i++)
        exact[i] = (double)n->model.params[i];
    return exact;
}

static void a_wide_beam_finds_the_best_of_all_summaries(void **state)
{
    int counts[3] = { 0 }; /* summaries by length */
    (void)state;
    for (uint64_t seed = 301; seed <= 340; seed++) { /* 335: what ended first is beaten later */
        const struct lstm_summary_settings settings = { .max_tokens = 2,
                                                        .min_tokens = seed % 5 == 0,
                                                        .beam = 256,
                                                        .length_penalty =
                                                            (float)(seed % 4) * 0.66f };
        const double power = (double)settings.length_penalty;
        const int32_t length = 1 + (int32_t)seed % 9;
        struct network n = network_open(NULL, seed, 1.5f);
        struct sources s;
        struct found found;
        int32_t best[2], count = 0;
        without_bytes(&n, (float)(seed % 6) - 3.0f);
        double *exact = exact_params(&n);
        sources_read(&n, texts_of_entries(&length, 1, seed), &s);
        search(&n, s.source, 1, &settings, &found);
        double rank = best_of_all(exact, &s.source[0], settings.min_tokens, power, best, &count);
        double got = found.written.log_share / penalty(found.written.count, power);
        if (found.written.count != count ||
            memcmp(found.tokens, best, (size_t)count * sizeof *best) != 0 ||
            !(fabs(got - rank) < 1e-3))
            fail_msg("seed %d: %d tokens of normalised score %.9g, the reference has %d of %.9g",
                     (int)seed, found.written.count, got, count, rank);
        counts[count]++;
        free(exact);
        sources_free(&s);
        network_texts_free(&s.batch);
        network_close(&n);
    }
    assert_true(counts[0] > 2 && counts[1] > 2 && counts[2] > 2);
}

static void the_share_of_a_summary_is_that_of_the_reference(void **state)
{
    const int32_t length = 30;
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        const struct lstm_summary_settings settings = { .max_tokens = 15,
                                                        .min_tokens = 8,
                                                        .beam = 6 };
        struct network n = network_open(NULL, seed, 0.8f);
        struct sources s;
        struct found found;
        without_bytes(&n, 0.0f);
        double *exact = exact_params(&n);
        sources_read(&n, texts_of_entries(&length, 1, seed), &s);
        search(&n, s.source, 1, &settings, &found);
        double expected = log_share(exact, &s.source[0], found.tokens, found.written.count);
        if (!(fabs(found.written.log_share - expected) < 1e-3))
            fail_msg("seed %d: %.9g, the reference has %.9g", (int)seed, found.written.log_share,
                     expected);
        free(exact);
        sources_free(&s);
        network_texts_free(&s.batch);
        network_close(&n);
    }
}

/* ---- greedy ---- */

/* The most likely token of the one row, bytes aside; the end only where it is allowed. */
static int32_t likeliest(const struct cpu_rows *rows, int with_end, double *sum)
{
    float shares[VOCAB];
    int32_t best = with_end ? 0 : LSTM_TOKEN_FIRST;
    const struct cpu_source *source = rows->row_sources[0];
    cpu_writer_vocabulary(rows->network, 1, (const void *const *)rows->output,
                          (float *const[]){ shares });
    rows->network->kernels->normalise(VOCAB, shares);
    for (int32_t v = 0; v < VOCAB; v++) {
        shares[v] *= rows->step.generate[0];
        for (int32_t i = 0; i < source->count; i++)
            shares[v] += source->tokens[i] == v
                             ? (1.0f - rows->step.generate[0]) * rows->attention[0][i]
                             : 0.0f;
        if (v >= LSTM_TOKEN_FIRST && shares[v] > shares[best])
            best = v;
    }
    *sum += log((double)shares[best]);
    return best;
}

/* Three tokens, so that no trigram can be repeated. */
static void a_beam_of_one_is_greedy(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        const struct lstm_summary_settings settings = {
            .max_tokens = 3, .min_tokens = 1, .beam = 1, .length_penalty = 0.8f
        };
        int32_t length = 1 + (int32_t)seed, tokens[8], count = 0, written = -1;
        struct network n = network_open(NULL, seed, 0.9f);
        struct sources s;
        struct found found;
        struct cpu_rows rows;
        struct carver size = { 0 }, carver = { 0 };
        double sum = 0.0;
        n.model.params[lstm_decoder_at(&sizes).vocabulary_bias] =
            seed % 2 ? 2.0f : 0.0f; /* the end */
        rebuild(&n);
        sources_read(&n, texts_of_entries(&length, 1, seed), &s);
        search(&n, s.source, 1, &settings, &found);
        cpu_rows_carve(&rows, n.network, s.source, 1, 1, &size);
        carver.memory = network_memory(size.used);
        cpu_rows_carve(&rows, n.network, s.source, 1, 1, &carver);
        cpu_rows_begin(&rows);
        while (written != 0 && count < settings.max_tokens) {
            cpu_rows_step(&rows);
            written = likeliest(&rows, count >= settings.min_tokens, &sum);
            tokens[count] = written;
            count += written != 0;
            cpu_rows_advance(&rows, &(struct cpu_row_next){ 0, written }, 1);
        }
        assert_int_equal(found.written.count, count);
        assert_memory_equal(found.tokens, tokens, (size_t)count * sizeof *tokens);
        if (written == 0)
            assert_float_equal(found.written.log_share, sum, 1e-4);
        free(carver.memory);
        sources_free(&s);
        network_texts_free(&s.batch);
        network_close(&n);
    }
}

/* ---- what may follow ---- */

static void summaries_have_the_length_asked_for(void **state)
{
    static const struct {
        float end; /* bias */
        int32_t min, max, expected;
    } cases[] = { { 30.0f, 0, 24, 0 }, { 30.0f, 7, 24, 7 },   { 30.0f, 24, 24, 24 },
                  { -30.0f, 0, 9, 9 }, { -30.0f, 1, 40, 40 }, { 0.0f, 40, 40, 40 } };
    const int32_t length = 25;
    (void)state;
    for (size_t c = 0; c < COUNT(cases); c++) {
        struct network n = network_open(NULL, 5, 0.4f);
        struct sources s;
        struct found found;
        const struct lstm_summary_settings settings = { .max_tokens = cases[c].max,
                                                        .min_tokens = cases[c].min,
                                                        .beam = 3,
                                                        .length_penalty = 0.8f };
        n.model.params[lstm_decoder_at(&sizes).vocabulary_bias] = cases[c].end;
        n.model.params[lstm_decoder_at(&sizes).copy_bias] = 3.0f;
        rebuild(&n);
        sources_read(&n, texts_of_entries(&length, 1, 3), &s);
        search(&n, s.source, 1, &settings, &found);
        assert_int_equal(found.written.count, cases[c].expected);
        sources_free(&s);
        network_texts_free(&s.batch);
        network_close(&n);
    }
}

static void no_trigram_is_repeated(void **state)
{
    const int32_t lengths[] = { 1, 2, 3, 17, 40 };
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        const struct lstm_summary_settings settings = { .max_tokens = 40,
                                                        .min_tokens = 40,
                                                        .beam = 1 + (int32_t)seed % 4 };
        struct network n =
            network_open(NULL, seed, 2.0f); /* so sure of itself that it would repeat */
        struct sources s;
        struct found found[5];
        sources_read(&n, texts_of_entries(lengths, 5, seed), &s);
        search(&n, s.source, 5, &settings, found);
        for (int32_t f = 0; f < 5; f++) {
            assert_int_equal(found[f].written.count, 40);
            for (int32_t i = 0; i + 2 < 40; i++)
                for (int32_t j = i + 1; j + 2 < 40; j++)
                    if (!memcmp(found[f].tokens + i, found[f].tokens + j, 3 * sizeof(int32_t)))
                        fail_msg("seed %d, text %d: tokens %d and %d begin the same trigram",
                                 (int)seed, f, i, j);
        }
        sources_free(&s);
        network_texts_free(&s.batch);
        network_close(&n);
    }
}

/* Letters of two, three and four bytes that begin alike, and an ASCII one. */
static void bytes_are_copied_as_whole_characters_of_the_source(void **state)
{
    static const char text[] =
        "\xC3\xA9\xC3\xA0\xE4\xB8\xAD\xE4\xBB\x80\xF0\x9F\x98\x80\xF0\x9F\x91\x8Dq\xE4\xB8\x8D";
    enum { LENGTH = sizeof text - 1 };
    int32_t tokens[LENGTH], seen = 0;
    const int32_t starts[] = { 0, LENGTH };
    (void)state;
    for (int32_t i = 0; i < LENGTH; i++)
        tokens[i] = LSTM_TOKEN_BYTES + (unsigned char)text[i];
    for (uint64_t seed = 1; seed <= 40; seed++) {
        const struct lstm_summary_settings settings = { .max_tokens = 1 + (int32_t)seed % 17,
                                                        .beam = 4 };
        struct network n = network_open(NULL, seed, 0.8f);
        struct sources s;
        struct found found;
        char bytes[TOKENS_MAX];
        size_t size = 0;
        n.model.params[lstm_decoder_at(&sizes).copy_bias] = -4.0f;
        n.model.params[lstm_decoder_at(&sizes).vocabulary_bias] = -3.0f;
        rebuild(&n);
        sources_read(&n, (struct lstm_batch){ .texts = 1, .tokens = tokens, .starts = starts }, &s);
        search(&n, s.source, 1, &settings, &found);
        for (int32_t i = 0; i < found.written.count; i++) {
            if (found.tokens[i] >= LSTM_TOKEN_FIRST) {
                assert_int_equal(found.origins[i], -1);
                bytes[size++] = 'x';
                continue;
            }
            assert_in_range(found.origins[i], 0, LENGTH - 1);
            bytes[size++] = (char)(found.tokens[i] - LSTM_TOKEN_BYTES);
            seen++;
        }
        for (size_t at = 0, begin = 0; at < size; begin = at) {
            if (lstm_utf8_next((unsigned char *)bytes, size, &at) < 0)
                fail_msg("seed %d: ill-formed at byte %zu of %zu", (int)seed, begin, size);
            char character[5] = { 0 };
            memcpy(character, bytes + begin, at - begin);
            assert_true(!strcmp(character, "x") || strstr(text, character));
        }
        sources_free(&s);
        network_close(&n);
    }
    assert_true(seen > 40);
}

static void an_ill_formed_source_ends_the_summary_at_worst(void **state)
{
    int32_t tokens[] = { LSTM_TOKEN_BYTES + 0xE4, LSTM_TOKEN_BYTES + 0xB8,
                         LSTM_TOKEN_BYTES + 0xFF };
    const int32_t starts[] = { 0, COUNT(tokens) };
    const struct lstm_summary_settings settings = { .max_tokens = 10, .min_tokens = 10, .beam = 2 };
    struct network n = network_open(NULL, 1, 0.3f);
    struct sources s;
    struct found found;
    (void)state;
    n.model.params[lstm_decoder_at(&sizes).copy_bias] = -50.0f;
    rebuild(&n);
    sources_read(&n, (struct lstm_batch){ .texts = 1, .tokens = tokens, .starts = starts }, &s);
    search(&n, s.source, 1, &settings, &found);
    assert_in_range(found.written.count, 0, 10);
    sources_free(&s);
    network_close(&n);
}

/* Uniform attention, half generated, and that half is the end: of the byte and the entry, the byte
 * is the likelier by far, but nothing can follow it. */
static void a_whole_summary_is_better_than_one_that_ends_within_a_character(void **state)
{
    static const int32_t tokens[] = { LSTM_TOKEN_BYTES + 0xE4, LSTM_TOKEN_FIRST + 3,
                                      LSTM_TOKEN_BYTES + 0xE4 };
    const int32_t starts[] = { 0, COUNT(tokens) };
    struct network n = network_open(NULL, 1, 0.0f);
    struct sources s;
    (void)state;
    n.model.params[lstm_decoder_at(&sizes).vocabulary_bias] = 30.0f;
    rebuild(&n);
    sources_read(&n, (struct lstm_batch){ .texts = 1, .tokens = tokens, .starts = starts }, &s);
    for (int32_t min = 1; min <= 2; min++)
        for (int32_t beam = 1; beam <= 2; beam++) {
            const struct lstm_summary_settings settings = { .max_tokens = 3,
                                                            .min_tokens = min,
                                                            .beam = beam };
            struct found found;
            search(&n, s.source, 1, &settings, &found);
            assert_int_equal(found.written.count, beam == 1 ? 1 : min);
            for (int32_t i = 0; i < found.written.count; i++)
                assert_int_equal(found.tokens[i], tokens[beam == 1 ? 0 : 1]);
        }
    sources_free(&s);
    network_close(&n);
}

static void numbers_that_are_none_end_too(void **state)
{
    static const float values[] = { NAN, INFINITY, 1e30f, -1e30f };
    const int32_t length = 9;
    const struct lstm_summary_settings settings = { .max_tokens = 12, .min_tokens = 2, .beam = 4 };
    (void)state;
    for (size_t v = 0; v < COUNT(values); v++) {
        struct network n = network_open(NULL, 1, 0.3f);
        struct sources s;
        struct found found;
        for (size_t i = 0; i < lstm_params_count(&sizes); i += 7)
            n.model.params[i] = values[v];
        rebuild(&n);
        sources_read(&n, texts_of_entries(&length, 1, 3), &s);
        search(&n, s.source, 1, &settings, &found);
        assert_in_range(found.written.count, 0, 12);
        assert_true(isfinite(found.written.log_share));
        sources_free(&s);
        network_texts_free(&s.batch);
        network_close(&n);
    }
}

/* ---- the same bits ---- */

static int same(const struct found *a, const struct found *b)
{
    size_t size = (size_t)a->written.count * sizeof *a->tokens;
    return a->written.count == b->written.count && !memcmp(a->tokens, b->tokens, size) &&
           !memcmp(a->origins, b->origins, size) &&
           !memcmp(&a->written.log_share, &b->written.log_share, sizeof a->written.log_share);
}

static void a_summary_has_the_same_bits_beside_any_neighbour_on_any_instruction_set(void **state)
{
    const int32_t lengths[TEXTS_MAX] = { 30, 1, 16, 5, 38 };
    const struct lstm_summary_settings settings = {
        .max_tokens = 12, .min_tokens = 1, .beam = 5, .length_penalty = 0.8f
    };
    struct found first[TEXTS_MAX];
    (void)state;
    for (size_t isa = 0; isa < COUNT(network_isas); isa++) {
        if (!cpu_kernels_pick(network_isas[isa])) {
            print_message("skipped: %s, which this machine lacks\n", network_isas[isa]);
            continue;
        }
        struct network n = network_open(network_isas[isa], 11, 0.5f);
        struct sources s;
        struct found together[TEXTS_MAX], alone, reversed[TEXTS_MAX];
        struct cpu_source backwards[TEXTS_MAX];
        sources_read(&n, texts_of_entries(lengths, TEXTS_MAX, 7), &s);
        for (int i = 0; i < TEXTS_MAX; i++)
            backwards[i] = s.source[TEXTS_MAX - 1 - i];
        search(&n, s.source, TEXTS_MAX, &settings, together);
        search(&n, backwards, TEXTS_MAX, &settings, reversed);
        for (int i = 0; i < TEXTS_MAX; i++) {
            search(&n, &s.source[i], 1, &settings, &alone);
            if (isa == 0)
                first[i] = together[i];
            assert_true(same(&together[i], &first[i]));
            assert_true(same(&together[i], &alone));
            assert_true(same(&together[i], &reversed[TEXTS_MAX - 1 - i]));
        }
        sources_free(&s);
        network_texts_free(&s.batch);
        network_close(&n);
    }
}

static void a_replay_shows_where_the_tokens_came_from(void **state)
{
    const int32_t length = 23;
    const struct lstm_summary_settings settings = { .max_tokens = 12, .min_tokens = 6, .beam = 3 };
    struct network n = network_open(NULL, 13, 0.8f);
    struct lstm_error err;
    struct sources s;
    struct found found;
    float weights[12 * 23], generate[12];
    int copied = 0;
    (void)state;
    n.model.params[lstm_decoder_at(&sizes).copy_bias] = -1.0f;
    rebuild(&n);
    sources_read(&n, texts_of_entries(&length, 1, 5), &s);
    search(&n, s.source, 1, &settings, &found);
    const int32_t count = found.written.count;
    assert_int_equal(
        cpu_beam_replay(n.beam, s.source, found.tokens, count, NULL, NULL, weights, generate, &err),
        LSTM_OK);
    for (int32_t i = 0; i < count; i++) {
        const float *row = weights + (size_t)i * 23;
        float sum = 0.0f, held = 0.0f;
        int32_t most = -1;
        for (int32_t p = 0; p < length; p++) {
            sum += row[p];
            if (s.source[0].tokens[p] == found.tokens[i]) {
                held += row[p];
                most = most < 0 || row[p] > row[most] ? p : most;
            }
        }
        assert_float_equal(sum, 1.0f, 1e-5f);
        assert_true(generate[i] > 0.0f && generate[i] < 1.0f);
        if (found.origins[i] >= 0)
            assert_int_equal(found.origins[i], most);
        if (held * (1.0f - generate[i]) > generate[i]) /* more than all that is generated */
            assert_int_equal(found.origins[i], most);
        copied += found.origins[i] >= 0;
    }
    assert_true(copied > 0);
    sources_free(&s);
    network_texts_free(&s.batch);
    network_close(&n);
}

static void memory_that_was_let_go_of_comes_back(void **state)
{
    const int32_t length = 23;
    const struct lstm_summary_settings settings = { .max_tokens = 12, .beam = 3 };
    struct network n = network_open(NULL, 13, 0.8f);
    struct sources s;
    struct found first, again;
    (void)state;
    sources_read(&n, texts_of_entries(&length, 1, 5), &s);
    assert_int_equal(cpu_beam_kept(n.beam), 0);
    search(&n, s.source, 1, &settings, &first);
    const size_t kept = cpu_beam_kept(n.beam);
    assert_true(kept > 0);
    cpu_beam_release(n.beam);
    assert_int_equal(cpu_beam_kept(n.beam), 0);
    search(&n, s.source, 1, &settings, &again);
    assert_int_equal(cpu_beam_kept(n.beam), kept);
    assert_true(same(&first, &again));
    sources_free(&s);
    network_texts_free(&s.batch);
    network_close(&n);
}

static int stop_at_zero(void *left)
{
    return --*(int *)left < 0;
}

static void a_search_stops_when_it_is_told_to(void **state)
{
    const int32_t length = 9;
    const struct lstm_summary_settings settings = { .max_tokens = 10, .min_tokens = 10, .beam = 2 };
    struct network n = network_open(NULL, 1, 0.3f);
    struct sources s;
    struct found found;
    struct lstm_error err;
    struct lstm_written written = { .tokens = found.tokens, .origins = found.origins };
    int left = 3;
    (void)state;
    sources_read(&n, texts_of_entries(&length, 1, 3), &s);
    assert_int_equal(
        cpu_beam_search(n.beam, s.source, 1, &settings, stop_at_zero, &left, &written, &err),
        LSTM_INTERRUPTED);
    assert_string_equal(err.text, "interrupted after 3 of at most 10 tokens");
    search(&n, s.source, 1, &settings, &found);
    assert_int_equal(found.written.count, 10);
    sources_free(&s);
    network_texts_free(&s.batch);
    network_close(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wide_beam_finds_the_best_of_all_summaries),
        cmocka_unit_test(the_share_of_a_summary_is_that_of_the_reference),
        cmocka_unit_test(a_beam_of_one_is_greedy),
        cmocka_unit_test(summaries_have_the_length_asked_for),
        cmocka_unit_test(no_trigram_is_repeated),
        cmocka_unit_test(bytes_are_copied_as_whole_characters_of_the_source),
        cmocka_unit_test(an_ill_formed_source_ends_the_summary_at_worst),
        cmocka_unit_test(a_whole_summary_is_better_than_one_that_ends_within_a_character),
        cmocka_unit_test(numbers_that_are_none_end_too),
        cmocka_unit_test(a_summary_has_the_same_bits_beside_any_neighbour_on_any_instruction_set),
        cmocka_unit_test(a_replay_shows_where_the_tokens_came_from),
        cmocka_unit_test(memory_that_was_let_go_of_comes_back),
        cmocka_unit_test(a_search_stops_when_it_is_told_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
