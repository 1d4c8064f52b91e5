/* The decoder on one core: greedy summaries of 20 tokens from texts of 200 states, beside PyTorch's
 * and the limit of the arithmetic. What reading the texts costs is taken out: each run writes
 * summaries of 20 tokens and of 1, and counts the difference. */
#include "model/summarizer.h"
#include "model/tokenizer.h"
#include "tests/bench/engine.h"
#include "tests/bench/parts.h"
#include "tests/bench/peak.h"
#include "tests/bench/peer.h"
#include "tests/bench/race.h"
#include "tests/networks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SOURCE = 200, STEPS = 20, BATCH = 32, VOCAB = 10000, WORD = 4 };

static const struct lstm_sizes decoder_sizes = { .vocab = VOCAB,
                                                 .embedding = 256,
                                                 .hidden = 128, /* states of 256 */
                                                 .layers = 1,
                                                 .window = 256,
                                                 .overlap = 32,
                                                 .decoder = 256,
                                                 .alignment = 256 };

struct decoder {
    struct lstm_summary_session *session;
    struct lstm_text texts[BATCH];
    struct lstm_summary summaries[BATCH];
};

/* Entry i of the vocabulary is a word of three letters, so that so many words are so many tokens.
 */
static void word(int32_t i, char *bytes)
{
    bytes[0] = ' ';
    for (int at = WORD - 1; at > 0; at--, i /= 26)
        bytes[at] = (char)('a' + i % 26);
}

static struct lstm_tokenizer *words_open(void)
{
    const int32_t words = VOCAB - LSTM_TOKEN_FIRST;
    char *vocabulary = network_memory((size_t)words * (WORD + 1));
    struct lstm_tokenizer *tokenizer;
    struct lstm_error err;
    for (int32_t i = 0; i < words; i++) {
        word(i, vocabulary + (size_t)i * (WORD + 1));
        vocabulary[(size_t)i * (WORD + 1) + WORD] = '\n';
    }
    race_check(lstm_tokenizer_open(vocabulary, (size_t)words * (WORD + 1), &tokenizer, &err),
               err.text);
    free(vocabulary);
    return tokenizer;
}

static char *write_texts(struct lstm_text *texts)
{
    char *bytes = network_memory((size_t)BATCH * SOURCE * WORD);
    uint64_t seed = 3;
    for (int32_t i = 0; i < BATCH * SOURCE; i++)
        word(network_below(&seed, VOCAB - LSTM_TOKEN_FIRST), bytes + (size_t)i * WORD);
    for (size_t i = 0; i < BATCH; i++)
        texts[i] = (struct lstm_text){ bytes + i * SOURCE * WORD, SOURCE * WORD };
    return bytes;
}

static double seconds_for(struct decoder *d, int32_t tokens)
{
    const struct lstm_summary_settings settings = { .max_tokens = tokens,
                                                    .min_tokens = tokens,
                                                    .beam = 1 };
    struct lstm_error err;
    double began = race_now(CLOCK_PROCESS_CPUTIME_ID);
    race_check(lstm_summary_session_run(d->session, d->texts, BATCH, &settings, NULL, NULL,
                                        d->summaries, &err),
               err.text);
    double seconds = race_now(CLOCK_PROCESS_CPUTIME_ID) - began;
    for (int i = 0; i < BATCH; i++) {
        race_check(d->summaries[i].source_tokens != SOURCE || d->summaries[i].count != tokens,
                   "a summary of another length");
        lstm_summary_free(&d->summaries[i]);
    }
    return seconds;
}

static double summaries(void *arg)
{
    double seconds = 0, written = 0;
    for (; seconds < 0.1; written += BATCH)
        seconds += seconds_for(arg, STEPS) - seconds_for(arg, 1);
    return written / (seconds * STEPS / (STEPS - 1));
}

static double summaries_at_most(void *work)
{
    return work_rate(work) / STEPS;
}

static struct question question_decoder(const char *attention, const char *precision)
{
    struct question question = { .peer = &peer_pytorch, .scale = 1 };
    snprintf(question.request, REQUEST_SIZE, "decoder %s %s %d %d %d", attention, precision, BATCH,
             SOURCE, STEPS);
    return question;
}

static void decoder(struct lstm_tokenizer *tokenizer, const char *precision)
{
    const int is_int8 = precision[0] == 'i';
    struct lstm_model *model = engine_model(&decoder_sizes, is_int8);
    struct lstm_summarizer *summarizer;
    struct decoder d;
    struct lstm_error err;
    struct work work = work_decoder(&decoder_sizes, SOURCE, is_int8);
    struct question additive = question_decoder("bahdanau", precision),
                    product = question_decoder("luong", precision);
    char name[64];
    model->tokenizer = tokenizer;
    race_check(lstm_summarizer_open(model, lstm_backend_cpu(NULL), &summarizer, &err) ||
                   lstm_summary_session_open(summarizer, &d.session, &err),
               err.text);
    char *bytes = write_texts(d.texts);
    snprintf(name, sizeof name, "%s decoder batch %d summaries/s", precision, BATCH);
    race_run(&(struct race){ name,
                             { "ours", summaries, &d, 0 },
                             { { "PyTorch", question_ask, &additive, 1 },
                               { "PyTorch dot product", question_ask, &product, 1 },
                               { "limit", summaries_at_most, &work, 0.6 } } });
    lstm_summary_session_close(d.session);
    lstm_summarizer_close(summarizer);
    engine_model_free(model);
    free(bytes);
}

void bench_decoder(const char *texts)
{
    struct lstm_tokenizer *tokenizer = words_open();
    (void)texts;
    decoder(tokenizer, "int8");
    decoder(tokenizer, "fp32");
    lstm_tokenizer_close(tokenizer);
}
