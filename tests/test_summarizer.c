/* Summaries from text to text: a network made by hand that copies what it reads, letters of the
 * source, odd texts, the same bits, refusals. */
#include "model/limits.h"
#include "model/scorer.h"
#include "model/text.h"
#include "model/tokenizer.h"
#include "tests/networks.h"
#include "tests/tiny_model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char vocabulary[] =
    " the\n film\n is\n very\n good\n caf\n\xC3\xA9\n don\n'\nt\n. \n, \n. .\n!\n\" \n"
    " \"\ns\n f\ni\n a\nb\n \n1\n2\n-\n...\n c\n ca\nx\nw\nv\n";

/* A model with its summariser and session. */
struct opened {
    struct lstm_model model;
    struct lstm_summarizer *summarizer;
    struct lstm_summary_session *session;
};

static void opened_model(struct opened *o, uint64_t seed, float scale)
{
    struct lstm_error err;
    *o = (struct opened){ .model.sizes = { .embedding = 16,
                                           .hidden = 16,
                                           .layers = 1,
                                           .window = 32,
                                           .overlap = 8,
                                           .decoder = 16,
                                           .alignment = 16 } };
    snprintf(o->model.task, sizeof o->model.task, "summarize");
    assert_int_equal(
        lstm_tokenizer_open(vocabulary, sizeof vocabulary - 1, &o->model.tokenizer, &err), LSTM_OK);
    o->model.sizes.vocab = lstm_tokenizer_vocab(o->model.tokenizer);
    assert_int_equal(lstm_sizes_check(&o->model.sizes, &err), LSTM_OK);
    o->model.params = network_params(&o->model.sizes, seed, scale);
}

static void opened_load(struct opened *o, const char *isa)
{
    struct lstm_error err;
    assert_int_equal(lstm_summarizer_open(&o->model, lstm_backend_cpu(isa), &o->summarizer, &err),
                     LSTM_OK);
    assert_int_equal(lstm_summary_session_open(o->summarizer, &o->session, &err), LSTM_OK);
}

static void opened_unload(struct opened *o)
{
    lstm_summary_session_close(o->session);
    lstm_summarizer_close(o->summarizer);
}

static void opened_close(struct opened *o)
{
    opened_unload(o);
    free(o->model.params);
    lstm_tokenizer_close(o->model.tokenizer);
}

/* A model of random numbers. */
static void random_model(struct opened *o, uint64_t seed)
{
    opened_model(o, seed, 0.4f);
    opened_load(o, NULL);
}

/* A model that attends to one token after another and copies it. The forward cells count: all gates
 * are open and the update is constant, so that a state says where it stands. The first unit of the
 * attention prefers early states, the second rejects what was covered. It never ends by itself. */
static void copying_model(struct opened *o)
{
    const size_t h = 16;
    opened_model(o, 1, 0.0f);
    const struct lstm_decoder_at at = lstm_decoder_at(&o->model.sizes);
    float *bias = o->model.params + lstm_direction_at(&o->model.sizes, 0, 0) + 4 * h * (16 + h);
    for (size_t j = 0; j < 4 * h; j++)
        bias[j] = j / h == 2 ? 0.03f : 20.0f;
    o->model.params[at.align_state] = -1.0f;
    o->model.params[at.align_score] = 5000.0f;
    o->model.params[at.align_coverage + 1] = 20.0f;
    o->model.params[at.align_score + 1] = -100000.0f;
    o->model.params[at.copy_bias] = -60.0f;
    opened_load(o, NULL);
}

static struct lstm_text text_of(const char *bytes)
{
    return (struct lstm_text){ bytes, strlen(bytes) };
}

static struct lstm_summary summarize(struct opened *o, struct lstm_text text,
                                     const struct lstm_summary_settings *settings)
{
    struct lstm_error err = { 0 };
    struct lstm_summary summary;
    if (lstm_summary_session_run(o->session, &text, 1, settings, NULL, NULL, &summary, &err))
        fail_msg("%s", err.text);
    return summary;
}

static int32_t count_tokens(const struct opened *o, const char *text)
{
    struct lstm_tokens tokens = { 0 };
    assert_int_equal(lstm_tokenize(o->model.tokenizer, text, strlen(text), 0, &tokens, NULL),
                     LSTM_OK);
    int32_t count = tokens.count;
    lstm_tokens_free(&tokens);
    return count;
}

/* ---- letters ---- */

static void copied_words_have_the_letters_of_the_source(void **state)
{
    static const struct {
        const char *text, *summary;
        int32_t less; /* tokens that the summary may not have */
    } cases[] = {
        { "The FILM is very good", "The FILM is very good", 0 },
        { "the film", "The film", 0 },
        { "fIlm the", "fIlm the", 0 },
        { "very  Good,\nfilm !", "Very Good, film !", 0 },
        { "GOOD Film the very", "GOOD Film the", 1 },
        { "Caf\xC3\xA9 the CAF\xC3\x89", "Caf\xC3\xA9 the CAF\xC3\x89", 0 },
        { "Cafe\xCC\x81 the", "Cafe\xCC\x81 the", 0 }, /* decomposed */
        { "\xEF\xBC\xA7\xEF\xBC\xAF\xEF\xBC\xAF\xEF\xBC\xA4",
          "\xEF\xBC\xA7\xEF\xBC\xAF\xEF\xBC\xAF\xEF\xBC\xA4", 0 },
        { "DON'T, very", "DON'T, very", 0 },
        { "don\xE2\x80\x99T is", "don\xE2\x80\x99T is", 0 }, /* a typographic apostrophe */
        { "don\xE2\x80\x99t is", "Don\xE2\x80\x99t is", 0 },
        { "\xC3\xA9 film", "\xC3\x89 film", 0 },
        { "cafe\xCC\x81 the", "Cafe\xCC\x81 the", 0 },
        { "the \xE2\x80\x9C"
          "Film\xE2\x80\x9D",
          "The \"Film\"", 0 },                         /* of no word */
        { "The \xEF\xAC\x81", "The \xEF\xAC\x81", 0 }, /* fi, a ligature */
        { "Is \xD0\x96\xD1\x83\xD0\xBA good", "Is \xD0\x96\xD1\x83\xD0\xBA good", 0 }, /* bytes */
        { "\xE6\x97\xA5\xE6\x9C\xAC", "\xE6\x97\xA5\xE6\x9C\xAC", 0 },
        { "good \xF0\x9F\x98\x80 film", "Good \xF0\x9F\x98\x80 film", 0 },
        { "Qq", "Qq", 0 },
        { "!!", "!!", 0 },
        { "The\xFF"
          "Film",
          "The\xEF\xBF\xBD"
          "Film",
          0 },
    };
    struct opened o;
    copying_model(&o);
    (void)state;
    for (size_t c = 0; c < COUNT(cases); c++)
        for (int32_t beam = 1; beam <= 4; beam += 3) {
            int32_t count = count_tokens(&o, cases[c].text) - cases[c].less;
            const struct lstm_summary_settings settings = {
                .max_tokens = count, .min_tokens = count, .beam = beam, .length_penalty = 1.0f
            };
            struct lstm_summary summary = summarize(&o, text_of(cases[c].text), &settings);
            if (strcmp(summary.text, cases[c].summary))
                fail_msg("case %zu, beam %d: \"%s\" becomes \"%s\"", c, beam, cases[c].text,
                         summary.text);
            assert_int_equal(summary.count, count);
            for (int32_t i = 0; i < count; i++)
                assert_int_equal(summary.origins[i], i);
            lstm_summary_free(&summary);
        }
    opened_close(&o);
}

static void generated_words_are_those_of_the_vocabulary_but_for_the_first_letter(void **state)
{
    static const struct {
        int32_t entry; /* that is generated */
        const char *summary;
    } cases[] = { { 4, "Good" }, { 11, "," }, { 19, "A" }, { 21, "" } };
    const struct lstm_summary_settings settings = { .max_tokens = 1, .min_tokens = 1, .beam = 2 };
    (void)state;
    for (size_t c = 0; c < COUNT(cases); c++) {
        struct opened o;
        opened_model(&o, 1, 0.0f);
        const struct lstm_decoder_at at = lstm_decoder_at(&o.model.sizes);
        o.model.params[at.copy_bias] = 60.0f;
        o.model.params[at.vocabulary_bias + LSTM_TOKEN_FIRST + (size_t)cases[c].entry] = 40.0f;
        opened_load(&o, NULL);
        struct lstm_summary summary = summarize(&o, text_of("GOOD A"), &settings);
        assert_string_equal(summary.text, cases[c].summary);
        assert_int_equal(summary.origins[0], -1);
        lstm_summary_free(&summary);
        opened_close(&o);
    }
}

/* ---- texts ---- */

static int is_valid(const char *text)
{
    for (size_t at = 0, size = strlen(text); at < size;)
        if (lstm_utf8_next((const unsigned char *)text, size, &at) < 0)
            return 0;
    return 1;
}

static void texts_without_a_token_have_no_summary_and_all_others_have_one(void **state)
{
    static const struct {
        const char *text;
        int is_empty;
    } cases[] = {
        { "", 1 },
        { " \t\n", 1 },
        { "<br><br/>", 1 },
        { "\xC2\xAD", 1 }, /* a soft hyphen */
        { "!", 0 },
        { "...!!!?? ;-)", 0 },
        { "good", 0 },
        { "\xFF\xFE\x80", 0 },
        { "\xE0\xB8\xA0\xE0\xB8\xB2\xE0\xB8\xA9\xE0\xB8\xB2 \xD8\xB9\xD8\xB1\xD8\xA8\xD9\x8A", 0 },
        { "\xED\x95\x9C\xEA\xB5\xAD\xEC\x96\xB4 \xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x9A\x80", 0 },
        { "Qwertzuiop\xC3\xBC+*#", 0 },
    };
    (void)state;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct opened o;
        if (seed % 2)
            random_model(&o, seed);
        else
            copying_model(&o);
        for (size_t c = 0; c < COUNT(cases); c++) {
            struct lstm_summary_settings settings = lstm_summary_defaults;
            settings.attention = 1;
            settings.min_tokens = (int32_t)seed;
            struct lstm_summary summary = summarize(&o, text_of(cases[c].text), &settings);
            assert_int_equal(summary.source_tokens, count_tokens(&o, cases[c].text));
            assert_int_equal(summary.source_tokens == 0, cases[c].is_empty);
            if (cases[c].is_empty)
                assert_true(!summary.text && !summary.count && !summary.attention);
            else
                assert_true(summary.text && is_valid(summary.text));
            lstm_summary_free(&summary);
        }
        opened_close(&o);
    }
}

static void long_texts_are_read_whole(void **state)
{
    const struct lstm_summary_settings settings = { .max_tokens = 3, .min_tokens = 1, .beam = 2 };
    struct opened o;
    random_model(&o, 2);
    struct lstm_text text = tiny_text("good ", LSTM_SUMMARY_SOURCE_MAX);
    struct lstm_summary summary = summarize(&o, text, &settings);
    (void)state;
    assert_int_equal(summary.source_tokens, LSTM_SUMMARY_SOURCE_MAX);
    assert_true(summary.text && is_valid(summary.text));
    lstm_summary_free(&summary);
    free((char *)(uintptr_t)text.bytes);
    opened_close(&o);
}

/* ---- the same bits ---- */

enum { MANY = 70 };

/* Texts of 0 to about 500 tokens, in a block of their own. */
static char *many_texts(struct lstm_text *texts)
{
    static const char *const words[] = { "The ",         "FILM, ",      "is ",    "very ", "good. ",
                                         "Caf\xC3\xA9 ", "qu\xC3\xA9 ", "don't ", "\n" };
    char *block = network_memory(MANY * 8192), *next = block;
    uint64_t seed = 3;
    for (int i = 0; i < MANY; i++) {
        int32_t count = i % 11 == 3 ? 0 : network_below(&seed, i % 13 == 5 ? 500 : 40);
        texts[i] = (struct lstm_text){ next, 0 };
        for (int32_t w = 0; w < count; w++) {
            const char *word = words[network_below(&seed, COUNT(words))];
            memcpy(next, word, strlen(word));
            next += strlen(word);
        }
        texts[i].size = (size_t)(next - (const char *)texts[i].bytes);
    }
    return block;
}

static void assert_same(const struct lstm_summary *a, const struct lstm_summary *b)
{
    assert_int_equal(a->count, b->count);
    assert_int_equal(a->text == NULL, b->text == NULL);
    assert_memory_equal(&a->log_share, &b->log_share, sizeof a->log_share);
    if (!a->text)
        return;
    assert_string_equal(a->text, b->text);
    assert_memory_equal(a->tokens, b->tokens, (size_t)a->count * sizeof *a->tokens);
    assert_memory_equal(a->origins, b->origins, (size_t)a->count * sizeof *a->origins);
    size_t weights = (size_t)a->count * (size_t)a->source_tokens;
    assert_memory_equal(a->attention->weights, b->attention->weights, weights * sizeof(float));
    assert_memory_equal(a->attention->generate, b->attention->generate,
                        (size_t)a->count * sizeof(float));
}

static void
a_summary_has_the_same_bits_alone_in_a_batch_shuffled_and_on_any_instruction_set(void **state)
{
    const struct lstm_summary_settings settings = {
        .max_tokens = 9, .min_tokens = 1, .beam = 3, .length_penalty = 0.8f, .attention = 1
    };
    struct lstm_text texts[MANY], shuffled[MANY];
    struct lstm_summary first[MANY], again[MANY];
    struct opened o;
    random_model(&o, 4);
    char *block = many_texts(texts);
    (void)state;
    for (int i = 0; i < MANY; i++) {
        first[i] = summarize(&o, texts[i], &settings);
        shuffled[i * 29 % MANY] = texts[i]; /* 29 and 70 have no common divisor */
    }
    opened_unload(&o);
    for (size_t isa = 0; isa < COUNT(network_isas); isa++) {
        struct lstm_error err;
        const struct lstm_backend *backend = lstm_backend_cpu(network_isas[isa]);
        if (!backend) {
            print_message("skipped: %s: not on this machine\n", network_isas[isa]);
            continue;
        }
        assert_int_equal(lstm_summarizer_open(&o.model, backend, &o.summarizer, &err), LSTM_OK);
        assert_int_equal(lstm_summary_session_open(o.summarizer, &o.session, &err), LSTM_OK);
        for (int pass = 0; pass < 2; pass++) {
            assert_int_equal(lstm_summary_session_run(o.session, pass ? shuffled : texts, MANY,
                                                      &settings, NULL, NULL, again, &err),
                             LSTM_OK);
            for (int i = 0; i < MANY; i++)
                assert_same(&first[i], &again[pass ? i * 29 % MANY : i]);
            for (int i = 0; i < MANY; i++)
                lstm_summary_free(&again[i]);
        }
        opened_unload(&o);
    }
    o.summarizer = NULL;
    o.session = NULL;
    for (int i = 0; i < MANY; i++)
        lstm_summary_free(&first[i]);
    free(block);
    opened_close(&o);
}

static void attention_has_the_offsets_of_what_was_read(void **state)
{
    static const char text[] = "The FILM, very good";
    static const uint32_t begins[] = { 0, 4, 8, 10, 15 }, ends[] = { 3, 8, 10, 14, 19 };
    const struct lstm_summary_settings settings = {
        .max_tokens = 5, .min_tokens = 5, .beam = 2, .attention = 1
    };
    struct opened o;
    copying_model(&o);
    struct lstm_summary summary = summarize(&o, text_of(text), &settings);
    (void)state;
    assert_string_equal(summary.text, text);
    assert_int_equal(summary.source_tokens, COUNT(begins));
    for (size_t i = 0; i < COUNT(begins); i++) {
        assert_int_equal(summary.attention->sources[i], summary.tokens[i]);
        assert_int_equal(summary.attention->begins[i], begins[i]);
        assert_in_range(summary.attention->ends[i], begins[i] + 1, ends[i]);
        assert_float_equal(summary.attention->generate[i], 0.0f, 1e-6f);
        const float *weights = summary.attention->weights + i * COUNT(begins);
        for (size_t p = 0; p < COUNT(begins); p++)
            assert_float_equal(weights[p], (p == i), 1e-5f);
    }
    lstm_summary_free(&summary);
    opened_close(&o);
}

/* ---- refusals ---- */

static void settings_out_of_bounds_are_refused_with_a_reason(void **state)
{
    static const struct {
        struct lstm_summary_settings settings;
        const char *reason;
    } cases[] = {
        { { .max_tokens = 0, .beam = 1 }, "max_tokens is 0, expected 1 to 200" },
        { { .max_tokens = 201, .beam = 1 }, "max_tokens is 201, expected 1 to 200" },
        { { .max_tokens = 5, .min_tokens = 6, .beam = 1 },
          "min_tokens is 6, expected 0 to max_tokens, which is 5" },
        { { .max_tokens = 5, .min_tokens = -1, .beam = 1 },
          "min_tokens is -1, expected 0 to max_tokens, which is 5" },
        { { .max_tokens = 5, .beam = 0 }, "beam is 0, expected 1 to 16" },
        { { .max_tokens = 5, .beam = 17 }, "beam is 17, expected 1 to 16" },
        { { .max_tokens = 5, .beam = 1, .length_penalty = -0.5f },
          "length_penalty is -0.5, expected 0 to 2" },
        { { .max_tokens = 5, .beam = 1, .length_penalty = 2.5f },
          "length_penalty is 2.5, expected 0 to 2" },
    };
    struct opened o;
    random_model(&o, 1);
    struct lstm_text text = text_of("good");
    (void)state;
    for (size_t c = 0; c < COUNT(cases); c++) {
        struct lstm_error err;
        struct lstm_summary summary = { .count = 77 };
        assert_int_equal(lstm_summary_session_run(o.session, &text, 1, &cases[c].settings, NULL,
                                                  NULL, &summary, &err),
                         LSTM_RANGE);
        assert_string_equal(err.text, cases[c].reason);
        assert_true(!summary.text && summary.count == 0);
    }
    assert_int_equal(lstm_summary_settings_check(&lstm_summary_defaults, NULL), LSTM_OK);
    opened_close(&o);
}

static int count_questions(void *asked)
{
    ++*(int *)asked;
    return 0;
}

static void a_text_that_is_too_long_is_refused_before_any_is_read(void **state)
{
    static const struct {
        const char *word;
        size_t times;
        const char *reason;
    } cases[] = {
        { "good ", LSTM_SUMMARY_SOURCE_MAX + 1, "a text of 131073 tokens, " },
        { "good \xE6\x97\xA5 ", 30000, "a text of 150000 tokens, " },
    };
    struct opened o;
    random_model(&o, 2);
    (void)state;
    for (size_t c = 0; c < COUNT(cases); c++) {
        struct lstm_text texts[2] = { text_of("good"), tiny_text(cases[c].word, cases[c].times) };
        struct lstm_summary summaries[2];
        struct lstm_error err;
        int asked = 0;
        assert_int_equal(lstm_summary_session_run(o.session, texts, 2, &lstm_summary_defaults,
                                                  count_questions, &asked, summaries, &err),
                         LSTM_RANGE);
        assert_memory_equal(err.text, cases[c].reason, strlen(cases[c].reason));
        assert_non_null(
            strstr(err.text, " tokens, at most 131072 can be summarized; summarize its parts"));
        assert_int_equal(asked, 0);
        for (int i = 0; i < 2; i++)
            assert_true(!summaries[i].text && !summaries[i].tokens && !summaries[i].attention);
        free((char *)(uintptr_t)texts[1].bytes);
    }
    opened_close(&o);
}

static int stop_at_zero(void *left)
{
    return --*(int *)left < 0;
}

static void a_call_that_is_stopped_gives_nothing_and_the_session_goes_on(void **state)
{
    struct lstm_text texts[MANY];
    struct lstm_summary summaries[MANY];
    struct opened o;
    random_model(&o, 1);
    struct lstm_summary_settings settings = lstm_summary_defaults;
    char *block = many_texts(texts);
    (void)state;
    settings.max_tokens = 5, settings.attention = 1;
    for (int after = 0; after < 120; after += 13) {
        struct lstm_error err;
        int left = after;
        assert_int_equal(lstm_summary_session_run(o.session, texts, MANY, &settings, stop_at_zero,
                                                  &left, summaries, &err),
                         LSTM_INTERRUPTED);
        assert_non_null(strstr(err.text, "interrupted after "));
        for (int i = 0; i < MANY; i++)
            assert_true(!summaries[i].text && !summaries[i].tokens && !summaries[i].attention);
    }
    summaries[0] = summarize(&o, texts[0], &settings);
    assert_non_null(summaries[0].text);
    lstm_summary_free(&summaries[0]);
    free(block);
    opened_close(&o);
}

static void a_scorer_does_what_its_model_is_for(void **state)
{
    static const struct tiny_model models[] = {
        { .task = "sentiment", .labels = "no yes", .seed = 1 }, { .task = "summarize", .seed = 2 }
    };
    struct lstm_text text = text_of("a very good film");
    (void)state;
    for (int is_summariser = 0; is_summariser < 2; is_summariser++) {
        struct lstm_error err;
        struct lstm_scorer *scorer;
        struct lstm_worker *worker;
        struct lstm_summary summary;
        float probabilities[2];
        int32_t tokens;
        size_t size;
        void *blob = tiny_model_write(&models[is_summariser], &size);
        assert_int_equal(lstm_scorer_open(blob, size, "auto", &scorer, &err), LSTM_OK);
        assert_int_equal(lstm_worker_open(scorer, &worker, &err), LSTM_OK);
        free(blob);
        assert_int_equal(memcmp(lstm_scorer_device(scorer), "cpu-", 4), 0);
        enum lstm_status rc =
            lstm_worker_classify(worker, &text, 1, NULL, NULL, probabilities, &tokens, &err);
        assert_int_equal(rc, is_summariser ? LSTM_MISMATCH : LSTM_OK);
        if (rc)
            assert_string_equal(err.text, "a model of task \"summarize\" cannot classify");
        rc = lstm_worker_summarize(worker, &text, 1, &lstm_summary_defaults, NULL, NULL, &summary,
                                   &err);
        assert_int_equal(rc, is_summariser ? LSTM_OK : LSTM_MISMATCH);
        if (rc)
            assert_string_equal(err.text, "a model of task \"sentiment\" cannot summarize");
        assert_int_equal(summary.text != NULL, is_summariser);
        lstm_summary_free(&summary);
        lstm_worker_close(worker);
        lstm_scorer_close(scorer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copied_words_have_the_letters_of_the_source),
        cmocka_unit_test(generated_words_are_those_of_the_vocabulary_but_for_the_first_letter),
        cmocka_unit_test(texts_without_a_token_have_no_summary_and_all_others_have_one),
        cmocka_unit_test(long_texts_are_read_whole),
        cmocka_unit_test(
            a_summary_has_the_same_bits_alone_in_a_batch_shuffled_and_on_any_instruction_set),
        cmocka_unit_test(attention_has_the_offsets_of_what_was_read),
        cmocka_unit_test(settings_out_of_bounds_are_refused_with_a_reason),
        cmocka_unit_test(a_text_that_is_too_long_is_refused_before_any_is_read),
        cmocka_unit_test(a_call_that_is_stopped_gives_nothing_and_the_session_goes_on),
        cmocka_unit_test(a_scorer_does_what_its_model_is_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
