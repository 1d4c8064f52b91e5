/* The tokenizer alone, in megabytes of UTF-8 a second, on one core. */
#include "model/tokenizer.h"
#include "tests/bench/corpus.h"
#include "tests/bench/parts.h"
#include "tests/bench/race.h"
#include "train/files.h"

#include <stdlib.h>

enum { TEXTS = 2000, REPEATS = 200 };

struct reader {
    const struct lstm_tokenizer *tokenizer;
    const struct lstm_text *texts;
    int32_t count;
    struct lstm_tokens tokens;
};

static double read_all(void *arg)
{
    struct reader *reader = arg;
    struct lstm_error err;
    double bytes = 0;
    reader->tokens.count = 0;
    for (int32_t i = 0; i < reader->count; i++) {
        const struct lstm_text *text = &reader->texts[i];
        race_check(
            lstm_tokenize(reader->tokenizer, text->bytes, text->size, 0, &reader->tokens, &err),
            err.text);
        bytes += (double)text->size;
    }
    return 1e-6 * bytes;
}

static double megabytes(void *arg)
{
    return race_slice(CLOCK_PROCESS_CPUTIME_ID, RACE_SECONDS, read_all, arg);
}

static void tokenizer(const char *name, const struct lstm_model *model,
                      const struct lstm_text *texts, int32_t count, double bar)
{
    struct reader reader = { .tokenizer = model->tokenizer, .texts = texts, .count = count };
    race_run(&(struct race){
        name, { "ours", megabytes, &reader, 0 }, { { "at least", race_bound, &bar, 1 } } });
    lstm_tokens_free(&reader.tokens);
}

void bench_tokenizer(const char *texts)
{
    static struct lstm_text english[TEXTS], any[REPEATS];
    struct lstm_model *model = corpus_model("sentiment");
    struct lstm_error err;
    unsigned char *languages;
    size_t size;
    int32_t count = corpus_read(texts, english, TEXTS);
    race_check(file_read("tests/bench/languages.txt", &languages, &size, &err), err.text);
    for (int i = 0; i < REPEATS; i++)
        any[i] = (struct lstm_text){ languages, size };
    tokenizer("tokenizer, English MB/s", model, english, count, 100);
    /* most of it is no entry of the vocabulary and falls back to bytes */
    tokenizer("tokenizer, eleven languages MB/s", model, any, REPEATS, 30);
    free(languages);
    corpus_free(english, count);
    lstm_model_free(model);
}
