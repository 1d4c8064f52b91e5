/* How fast the tokeniser of the default model reads text on one core: English (the repository's
 * own, and any files given, a text a line), sixteen languages, and the worst that was found. Run it
 * by `make bench` from the root of the repository, or as build/bench_tokenizer FILE... */
#include "model/tokenizer.h"
#include "model/model.h"
#include "train/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TEXT_SIZE = 2000, SAMPLE_SIZE = 1 << 20, RUNS = 7 };

/* The first article of the Universal Declaration of Human Rights, or how it begins. */
static const char *const languages[] = {
    "Tous les êtres humains naissent libres et égaux en dignité et en droits.",
    "Alle Menschen sind frei und gleich an Würde und Rechten geboren.",
    "Todos los seres humanos nacen libres e iguales en dignidad y derechos.",
    "Wszyscy ludzie rodzą się wolni i równi w swej godności i prawach.",
    "Bütün insanlar hür, haysiyet ve haklar bakımından eşit doğarlar.",
    "Tất cả mọi người sinh ra đều được tự do và bình đẳng",
    "Все люди рождаются свободными и равными",
    "в своем достоинстве и правах. Они наделены",
    "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι",
    "כל בני האדם נולדו בני חורין ושווים בערכם",
    "يولد جميع الناس أحرارًا متساوين في الكرامة",
    "सभी मनुष्यों को गौरव और",
    "มนุษย์ทั้งหลายเกิดมามีอิสระ",
    "人人生而自由,在尊严和权利上一律平等。",
    "すべての人間は、生まれながらにして",
    "모든 인간은 태어날 때부터 자유로우며",
};

/* One after another in random order until the text is full. */
struct parts {
    const char *const *parts;
    size_t count;
};

static const char *const ligature[] = { "\xEF\xB7\xBA" }; /* eighteen characters each */
static const char *const marks[] = { "a", "e\xCC\x81", "\xCC\xA3", "\xCC\x8D", "\xCC\xA7", "o" };
static const char *const squares[] = { "\xE3\x8C\x80", "\xE3\x8C\x96", "\xE3\x8E\x8F",
                                       "\xE3\x8F\x82" };
static const char *const emoji[] = { "\xF0\x9F\x98\x80", "\xF0\x9F\x87\xA9\xF0\x9F\x87\xAA",
                                     "\xF0\x9F\x91\xA8\xE2\x80\x8D\xF0\x9F\x91\xA9",
                                     "\xE2\x9D\xA4\xEF\xB8\x8F" };
static const char *const one_letter[] = { "a" };

static void check(int failed, const char *what)
{
    if (failed) {
        fprintf(stderr, "bench: %s\n", what);
        exit(1);
    }
}

static uint64_t random_next(void)
{
    static uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* Seconds of this thread, so that busy neighbours of the machine are not counted. */
static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* Cuts the sample into texts and reads them all, several times. */
static void measure(const struct lstm_tokenizer *t, const char *name, const char *sample,
                    size_t size, double bar)
{
    struct lstm_tokens tokens = { 0 };
    struct lstm_error err;
    double best = 1e9;
    for (int run = 0; run < RUNS; run++) {
        double began = now();
        for (size_t at = 0; at < size; at += TEXT_SIZE) {
            tokens.count = 0;
            check(lstm_tokenize(t, sample + at, size - at < TEXT_SIZE ? size - at : TEXT_SIZE, 0,
                                &tokens, &err),
                  err.text);
        }
        double seconds = now() - began;
        best = seconds < best ? seconds : best;
    }
    double speed = 1e-6 * (double)size / best;
    printf("tokenizer %-20s %8.1f MB/s   bar %3.0f  %s\n", name, speed, bar,
           speed >= bar ? "ok" : "short");
    lstm_tokens_free(&tokens);
}

static void measure_parts(const struct lstm_tokenizer *t, const char *name, struct parts parts,
                          double bar)
{
    static char sample[SAMPLE_SIZE];
    size_t size = 0;
    for (;;) {
        const char *part = parts.parts[random_next() % parts.count];
        if (size + strlen(part) + 1 > sizeof sample)
            break;
        memcpy(sample + size, part, strlen(part));
        size += strlen(part);
        if (parts.parts == languages)
            sample[size++] = ' ';
    }
    measure(t, name, sample, size, bar);
}

/* Bytes first .. first + count - 1 at random. */
static void measure_bytes(const struct lstm_tokenizer *t, const char *name, unsigned first,
                          unsigned count, double bar)
{
    static char sample[SAMPLE_SIZE];
    for (size_t i = 0; i < sizeof sample; i++)
        sample[i] = (char)(first + random_next() % count);
    measure(t, name, sample, sizeof sample, bar);
}

static void measure_file(const struct lstm_tokenizer *t, const char *path, double bar)
{
    unsigned char *bytes;
    size_t size;
    struct lstm_error err;
    check(file_read(path, &bytes, &size, &err) != LSTM_OK, err.text);
    measure(t, path, (const char *)bytes, size, bar);
    free(bytes);
}

static void measure_open(const struct lstm_tokenizer *t)
{
    struct lstm_error err;
    size_t size;
    const char *vocabulary = lstm_tokenizer_vocabulary(t, &size);
    double best = 1e9;
    for (int run = 0; run < 10 * RUNS; run++) {
        struct lstm_tokenizer *again;
        double began = now();
        check(lstm_tokenizer_open(vocabulary, size, &again, &err) != LSTM_OK, err.text);
        double seconds = now() - began;
        best = seconds < best ? seconds : best;
        lstm_tokenizer_close(again);
    }
    printf("tokenizer opened in           %8.2f ms     bar   3  %s\n", 1e3 * best,
           best < 3e-3 ? "ok" : "short");
}

int main(int argc, char **argv)
{
    unsigned char *blob;
    size_t size;
    struct lstm_error err;
    struct lstm_model *model;
    check(file_read("model/default_sentiment.safetensors", &blob, &size, &err) ||
              lstm_model_read(blob, size, &model, &err),
          err.text);
    const struct lstm_tokenizer *t = model->tokenizer;
    measure_open(t);
    for (int i = 1; i < argc; i++)
        measure_file(t, argv[i], 100);
    measure_file(t, "README.md", 100);
    measure_file(t, "sql/demo_reviews.sql", 100);
#define PARTS(array) ((struct parts){ array, sizeof(array) / sizeof *(array) })
    measure_parts(t, "16 languages", PARTS(languages), 30);
    measure_parts(t, "emoji", PARTS(emoji), 30);
    measure_parts(t, "combining marks", PARTS(marks), 30);
    measure_parts(t, "squared words", PARTS(squares), 30);
    measure_parts(t, "U+FDFA", PARTS(ligature), 30);
    measure_parts(t, "aaaa", PARTS(one_letter), 30);
    measure_bytes(t, "random letters", 'a', 26, 30);
    measure_bytes(t, "random bytes", 0, 256, 30);
    measure_bytes(t, "random high bytes", 128, 128, 30);
    lstm_model_free(model);
    free(blob);
}
