/* Learning a vocabulary: a corpus worked out by hand, an oracle that counts everything again for
 * every merge, and, where LSTM_DATA names the folder, a real corpus. */
#include "train/bpe.h"

#include "model/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

struct learned {
    char *entries;
    size_t size;
};

static struct learned learn(const char *const *texts, int32_t count, int32_t vocab,
                            int32_t character_min, int32_t pair_min)
{
    struct row *row = calloc((size_t)count + 1, sizeof *row);
    assert_non_null(row);
    for (int32_t i = 0; i < count; i++)
        row[i] = (struct row){ texts[i], strlen(texts[i]), NULL };
    struct rows rows = { .count = count, .rows = row };
    struct bpe_options options = { vocab, character_min, pair_min };
    struct learned learned;
    struct lstm_error err;
    if (bpe_learn(&rows, &options, &learned.entries, &learned.size, &err))
        fail_msg("%s", err.text);
    free(row);
    return learned;
}

static void expect_entries(const char *const *texts, int32_t count, int32_t vocab,
                           int32_t character_min, int32_t pair_min, const char *expected)
{
    struct learned learned = learn(texts, count, vocab, character_min, pair_min);
    if (learned.size != strlen(expected) || memcmp(learned.entries, expected, learned.size))
        fail_msg("expected\n%sgot\n%.*s", expected, (int)learned.size, learned.entries);
    free(learned.entries);
}

#define FIVE(word) word " " word " " word " " word " " word

/* The example of Sennrich et al. 2016: low 5, lower 2, newest 6, widest 3. */
static const char *const words[] = { FIVE("low"), "lower lower",   FIVE("newest"),
                                     "Newest",    "widest widest", "WIDEST" };
#define CHARACTERS "e\n \nw\ns\nt\nl\no\nn\nd\ni\nr\n" /* 17, 16, 16, 9, 9, 7, 7, 6, 3, 3, 2 */
#define MERGES_9 "es\nest\n"
#define MERGES_7 " l\n lo\n low\n"
#define MERGES_6 " n\n ne\n new\n newest\n"
#define MERGES_3 " w\n wi\n wid\n widest\n"
#define MERGES_2 " lowe\n lower\n"

static void learns_the_example_of_the_paper(void **state)
{
    (void)state;
    expect_entries(words, COUNT(words), 1000, 1, 1,
                   CHARACTERS MERGES_9 MERGES_7 MERGES_6 MERGES_3 MERGES_2);
}

static void stops_where_pairs_are_rare_or_the_vocabulary_is_full(void **state)
{
    (void)state;
    expect_entries(words, COUNT(words), 1000, 1, 3, CHARACTERS MERGES_9 MERGES_7 MERGES_6 MERGES_3);
    expect_entries(words, COUNT(words), 1000, 1, 4, CHARACTERS MERGES_9 MERGES_7 MERGES_6);
    expect_entries(words, COUNT(words), LSTM_TOKEN_FIRST + 11 + 3, 1, 1,
                   CHARACTERS MERGES_9 " l\n");
}

static void rare_characters_are_no_entries_and_never_join(void **state)
{
    (void)state;
    static const char *const texts[] = { "abXcd abXcd abYcd abYcd \xC3\xA9"
                                         "abab" };
    /* a 6, b 6, ' ' 5, c 4, d 4; x, y and the last are rare. ab 6; cd 4 and " a", then " ab" 4,
     * tie: bytes first. */
    expect_entries(texts, 1, 1000, 4, 2, "a\nb\n \nc\nd\nab\n ab\ncd\n");
}

static void a_space_is_always_an_entry(void **state)
{
    (void)state;
    static const char *const texts[] = { "--------" };
    expect_entries(NULL, 0, 1000, 1, 1, " \n");
    expect_entries(texts, 1, 1000, 2, 2, "-\n \n--\n----\n");
}

static void long_words_make_no_long_entries(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0123456789",
        "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0123456789",
    };
    struct learned learned = learn(texts, 2, 1000, 1, 1);
    struct lstm_tokenizer *t;
    assert_int_equal(lstm_tokenizer_open(learned.entries, learned.size, &t, NULL), LSTM_OK);
    struct lstm_tokens tokens = { 0 };
    assert_int_equal(lstm_tokenize(t, texts[0], strlen(texts[0]), 0, &tokens, NULL), LSTM_OK);
    assert_int_equal(tokens.count, 2); /* the two pieces of the word */
    lstm_tokens_free(&tokens);
    lstm_tokenizer_close(t);
    free(learned.entries);
}

static void refuses_a_vocabulary_too_small_for_its_characters(void **state)
{
    (void)state;
    static const struct {
        int32_t vocab;
        const char *reason;
    } cases[] = {
        { 260, "a vocabulary of 260 tokens, expected 261 to 1048576: mask and bytes are 257, and 3 "
               "characters occur at "
               "least 1 times" },
        { (1 << 20) + 1,
          "a vocabulary of 1048577 tokens, expected 261 to 1048576: mask and bytes are 257, and 3 "
          "characters occur at least 1 times" },
        { -5, "a vocabulary of -5 tokens, expected 261 to 1048576: mask and bytes are 257, and 3 "
              "characters occur at "
              "least 1 times" },
    };
    struct row row = { "ab", 2, NULL };
    struct rows rows = { .count = 1, .rows = &row };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bpe_options options = { cases[i].vocab, 1, 1 };
        struct lstm_error err;
        char *entries = &(char){ 0 };
        size_t size;
        assert_int_equal(bpe_learn(&rows, &options, &entries, &size, &err), LSTM_RANGE);
        assert_null(entries);
        assert_string_equal(err.text, cases[i].reason);
    }
    row.size = LSTM_TEXT_MAX + 1;
    struct lstm_error err;
    struct bpe_options options = { 1000, 1, 1 };
    char *entries;
    size_t size;
    assert_int_equal(bpe_learn(&rows, &options, &entries, &size, &err), LSTM_RANGE);
    assert_string_equal(err.text,
                        "row 1 has 1073741825 bytes of text, at most 1073741824 are allowed");
}

/* xorshift64: the same numbers everywhere. */
static uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Words over the first so many of few letters, so that pairs overlap, tie and come about in several
 * ways. */
static void random_text(char *text, size_t size, size_t kinds, uint64_t *seed)
{
    static const char *const letters[] = { "a", "b", " ", "c", ".", "\xC3\xA9" };
    size_t at = 0;
    assert_true(kinds <= COUNT(letters));
    while (at + 3 < size) {
        const char *letter = letters[random_next(seed) % kinds];
        memcpy(text + at, letter, strlen(letter));
        at += strlen(letter);
    }
    text[at] = '\0';
}

/* The most frequent pair of neighbours among the tokens of all pieces, counted from nothing with
 * lstm_tokenize; its bytes, or an empty string. */
static void count_best_pair(const char *const *texts, int32_t count, const char *entries,
                            size_t size, int32_t pair_min, char *best)
{
    static struct {
        char bytes[LSTM_PIECE_MAX + 1];
        int32_t count;
    } pairs[5000];
    size_t pairs_count = 0;
    struct lstm_tokenizer *t;
    assert_int_equal(lstm_tokenizer_open(entries, size, &t, NULL), LSTM_OK);
    for (int32_t i = 0; i < count; i++) {
        struct lstm_tokens tokens = { 0 };
        assert_int_equal(lstm_tokenize(t, texts[i], strlen(texts[i]), 0, &tokens, NULL), LSTM_OK);
        struct lstm_pieces piece;
        lstm_pieces_open(&piece, texts[i], strlen(texts[i]), 0);
        int32_t token = 0;
        while (lstm_pieces_next(&piece)) {
            for (size_t at = 0, left, right; at < piece.size; at += left, token++) {
                lstm_tokenizer_entry(t, tokens.ids[token], &left);
                if (at + left == piece.size || tokens.ids[token] < LSTM_TOKEN_FIRST ||
                    tokens.ids[token + 1] < LSTM_TOKEN_FIRST)
                    continue;
                lstm_tokenizer_entry(t, tokens.ids[token + 1], &right);
                char bytes[LSTM_PIECE_MAX + 1] = "";
                memcpy(bytes, piece.bytes + at, left + right);
                size_t p = 0;
                while (p < pairs_count && strcmp(pairs[p].bytes, bytes))
                    p++;
                if (p == pairs_count) {
                    assert_true(pairs_count < COUNT(pairs));
                    memcpy(pairs[pairs_count].bytes, bytes, sizeof bytes);
                    pairs[pairs_count++].count = 0;
                }
                pairs[p].count++;
            }
        }
        lstm_tokens_free(&tokens);
    }
    lstm_tokenizer_close(t);
    int32_t most = 0;
    *best = '\0';
    for (size_t p = 0; p < pairs_count; p++)
        if (pairs[p].count >= pair_min &&
            (pairs[p].count > most ||
             (pairs[p].count == most && strcmp(pairs[p].bytes, best) < 0))) {
            most = pairs[p].count;
            strcpy(best, pairs[p].bytes);
        }
}

static void every_merge_is_the_most_frequent_pair_of_the_text_as_tokenized_so_far(void **state)
{
    (void)state;
    enum { TEXTS = 4, TEXT_SIZE = 160 };
    for (uint64_t seed = 1, round = 0; round < 200; round++) {
        char text[TEXTS][TEXT_SIZE];
        const char *texts[TEXTS];
        for (int i = 0; i < TEXTS; i++) {
            random_text(text[i], TEXT_SIZE, 2 + round % 5, &seed);
            texts[i] = text[i];
        }
        int32_t character_min = round % 4 ? 1 : 60, pair_min = 2;
        struct learned learned = learn(texts, TEXTS, 1000, character_min, pair_min);
        size_t at = 0;
        char best[LSTM_PIECE_MAX + 1];
        while (at < learned.size) {
            size_t end = (size_t)((char *)memchr(learned.entries + at, '\n', learned.size - at) -
                                  learned.entries);
            int is_character = end - at == 1 || (learned.entries[at] & 0x80 && end - at == 2);
            if (!is_character) {
                count_best_pair(texts, TEXTS, learned.entries, at, pair_min, best);
                assert_int_equal(end - at, strlen(best));
                assert_memory_equal(learned.entries + at, best, end - at);
            }
            at = end + 1;
        }
        count_best_pair(texts, TEXTS, learned.entries, learned.size, pair_min, best);
        assert_string_equal(best, ""); /* and none was left out */
        free(learned.entries);
    }
}

static void the_order_of_the_rows_does_not_matter(void **state)
{
    (void)state;
    enum { TEXTS = 30, TEXT_SIZE = 400 };
    static char text[TEXTS][TEXT_SIZE];
    const char *texts[TEXTS];
    uint64_t seed = 5;
    for (int i = 0; i < TEXTS; i++) {
        random_text(text[i], TEXT_SIZE, 6, &seed);
        texts[i] = text[i];
    }
    struct learned first = learn(texts, TEXTS, 800, 1, 2);
    for (int round = 0; round < 5; round++) {
        for (size_t i = TEXTS - 1; i > 0; i--) {
            size_t j = random_next(&seed) % (i + 1);
            const char *swap = texts[i];
            texts[i] = texts[j];
            texts[j] = swap;
        }
        struct learned again = learn(texts, TEXTS, 800, 1, 2);
        assert_int_equal(again.size, first.size);
        assert_memory_equal(again.entries, first.entries, first.size);
        free(again.entries);
    }
    free(first.entries);
}

static void learns_from_real_reviews(void **state)
{
    (void)state;
    const char *folder = getenv("LSTM_DATA");
    if (!folder) {
        print_message("SKIPPED: learning from real reviews: LSTM_DATA does not name the folder of "
                      "the corpora\n");
        skip();
    }
    char path[1000];
    snprintf(path, sizeof path, "%s/sst5_train.csv.xz", folder);
    struct rows_source source = { .csv = path, .text_column = "text" };
    struct rows rows;
    struct lstm_error err;
    if (rows_read(&source, &rows, &err))
        fail_msg("%s", err.text);
    struct bpe_options options = { 8000, 50, 5 };
    struct learned learned;
    if (bpe_learn(&rows, &options, &learned.entries, &learned.size, &err))
        fail_msg("%s", err.text);
    struct lstm_tokenizer *t;
    if (lstm_tokenizer_open(learned.entries, learned.size, &t, &err))
        fail_msg("%s", err.text);

    struct lstm_tokens tokens = { 0 };
    size_t bytes = 0;
    for (int32_t i = 0; i < rows.count; i++) {
        int32_t before = tokens.count;
        assert_int_equal(lstm_tokenize(t, rows.rows[i].text, rows.rows[i].size, 1, &tokens, NULL),
                         LSTM_OK);
        assert_true(tokens.count > before);
        bytes += rows.rows[i].size;
    }
    print_message(
        "%d reviews, %zu bytes: %d entries, %.2f bytes a token, %zu bytes by byte fallback\n",
        rows.count, bytes, (int)lstm_tokenizer_vocab(t), (double)bytes / tokens.count,
        tokens.fallback_bytes);
    assert_true((double)bytes > 3.5 * tokens.count);
    assert_true(tokens.fallback_bytes < bytes / 1000);
    lstm_tokens_free(&tokens);
    lstm_tokenizer_close(t);
    free(learned.entries);
    rows_free(&rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(learns_the_example_of_the_paper),
        cmocka_unit_test(stops_where_pairs_are_rare_or_the_vocabulary_is_full),
        cmocka_unit_test(rare_characters_are_no_entries_and_never_join),
        cmocka_unit_test(a_space_is_always_an_entry),
        cmocka_unit_test(long_words_make_no_long_entries),
        cmocka_unit_test(refuses_a_vocabulary_too_small_for_its_characters),
        cmocka_unit_test(every_merge_is_the_most_frequent_pair_of_the_text_as_tokenized_so_far),
        cmocka_unit_test(the_order_of_the_rows_does_not_matter),
        cmocka_unit_test(learns_from_real_reviews),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
