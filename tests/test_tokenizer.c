/* Vocabularies, byte-pair encoding, offsets, and the way back to text. */
#include "model/text.h"
#include "text_reference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define X16 "xxxxxxxxxxxxxxxx"

/* Every letter of these is an entry; ids count from LSTM_TOKEN_FIRST in this order. */
static const char vocabulary[] = " \na\nb\nc\ne\ng\no\nd\n.\n'\n-\n\xC3\xA9\n"
                                 "bc\nab\n a\noo\n goo\n g\nood\n good\n. \n";

static struct lstm_tokenizer *open_vocabulary(const char *entries, size_t size)
{
    struct lstm_error err;
    struct lstm_tokenizer *t;
    if (lstm_tokenizer_open(entries, size, &t, &err))
        fail_msg("%s", err.text);
    return t;
}

static struct lstm_tokens tokenize(const struct lstm_tokenizer *t, const void *text, size_t size)
{
    struct lstm_tokens tokens = { 0 };
    struct lstm_error err;
    if (lstm_tokenize(t, text, size, 1, &tokens, &err))
        fail_msg("%s", err.text);
    return tokens;
}

static void refuses_a_malformed_vocabulary_with_a_reason(void **state)
{
    (void)state;
    static const struct {
        const char *entries;
        size_t size;
        const char *reason;
    } cases[] = {
        { "a\nb", 3, "the last entry of the vocabulary does not end with a line feed" },
        { "a\n\nb\n", 5, "vocabulary entry 2 is empty" },
        { "\n", 1, "vocabulary entry 1 is empty" },
        { "a\nb\na\n", 6, "vocabulary entry 3 is the same as entry 1" },
        { "b\n" X16 X16 X16 X16 "\n" X16 X16 X16 X16 "\n", 132,
          "vocabulary entry 3 is the same as entry 2" },
        { X16 X16 X16 X16 "x\n", 66, "vocabulary entry 1 has 65 bytes, at most 64 are allowed" },
        { "a\n\xC3\n", 4, "vocabulary entry 2 is not valid UTF-8" },
        { "a\n\xED\xA0\x80\n", 6, "vocabulary entry 2 is not valid UTF-8" },
        { "", (size_t)1 << 40,
          "the vocabulary has 1099511627776 bytes, at most 68140735 are allowed" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct lstm_error err = { 0 };
        struct lstm_tokenizer *t = (struct lstm_tokenizer *)&err;
        assert_int_equal(lstm_tokenizer_open(cases[i].entries, cases[i].size, &t, &err),
                         LSTM_CORRUPT);
        assert_null(t);
        assert_string_equal(err.text, cases[i].reason);
    }
}

static void refuses_more_entries_than_tokens_can_be(void **state)
{
    (void)state;
    const size_t entries = LSTM_VOCAB_MAX - LSTM_TOKEN_FIRST + 1;
    char *lines = malloc(2 * entries);
    assert_non_null(lines);
    for (size_t i = 0; i < entries; i++)
        memcpy(lines + 2 * i, "x\n", 2);
    struct lstm_error err;
    struct lstm_tokenizer *t;
    assert_int_equal(lstm_tokenizer_open(lines, 2 * entries, &t, &err), LSTM_CORRUPT);
    assert_string_equal(err.text,
                        "the vocabulary has 1048320 entries, at most 1048319 are allowed");
    free(lines);
}

static void gives_the_vocabulary_back(void **state)
{
    (void)state;
    struct lstm_tokenizer *t = open_vocabulary(vocabulary, sizeof vocabulary - 1);
    size_t size;
    assert_memory_equal(lstm_tokenizer_vocabulary(t, &size), vocabulary, sizeof vocabulary - 1);
    assert_int_equal(size, sizeof vocabulary - 1);
    assert_int_equal(lstm_tokenizer_vocab(t), 257 + 21);

    static const struct {
        int32_t token;
        const char *entry;
        size_t size;
    } cases[] = {
        { LSTM_TOKEN_MASK, "", 0 }, { 1, "\0", 1 },        { 1 + 'z', "z", 1 },
        { 256, "\xFF", 1 },         { 257, " ", 1 },       { 257 + 11, "\xC3\xA9", 2 },
        { 257 + 12, "bc", 2 },      { 257 + 20, ". ", 2 },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *entry = lstm_tokenizer_entry(t, cases[i].token, &size);
        assert_int_equal(size, cases[i].size);
        assert_memory_equal(entry, cases[i].entry, size);
    }
    lstm_tokenizer_close(t);
    lstm_tokenizer_close(NULL);
}

static void a_vocabulary_may_be_empty(void **state)
{
    (void)state;
    struct lstm_tokenizer *t = open_vocabulary("", 0);
    assert_int_equal(lstm_tokenizer_vocab(t), 257);
    struct lstm_tokens tokens = tokenize(t, "ab", 2);
    assert_int_equal(tokens.count, 3); /* a marking space and two bytes */
    assert_int_equal(tokens.ids[0], LSTM_TOKEN_BYTES + ' ');
    assert_int_equal(tokens.ids[2], LSTM_TOKEN_BYTES + 'b');
    assert_int_equal(tokens.fallback_bytes, 2);
    lstm_tokens_free(&tokens);
    lstm_tokenizer_close(t);
}

static void tells_entries_apart_that_begin_and_measure_alike(void **state)
{
    (void)state;
    enum { ENTRIES = 5000, WIDTH = 15 }; /* " lookalike0042" and its line feed */
    static char lines[ENTRIES * WIDTH + 1];
    for (unsigned i = 0; i < ENTRIES; i++)
        snprintf(lines + i * WIDTH, WIDTH + 1, " lookalike%04u\n", i % 10000);
    struct lstm_tokenizer *t = open_vocabulary(lines, ENTRIES * WIDTH);
    for (unsigned i = 0; i < 2 * ENTRIES; i++) {
        char text[WIDTH + 1];
        struct lstm_tokens tokens =
            tokenize(t, text, (size_t)snprintf(text, sizeof text, "lookalike%04u", i % 10000));
        assert_int_equal(tokens.count, i < ENTRIES ? 1 : WIDTH - 1);
        assert_int_equal(tokens.ids[0],
                         i < ENTRIES ? LSTM_TOKEN_FIRST + (int32_t)i : LSTM_TOKEN_BYTES + ' ');
        lstm_tokens_free(&tokens);
    }
    lstm_tokenizer_close(t);
}

/* What the tokens are, as their entries between bars; a byte token is <XX>. */
static void describe(const struct lstm_tokenizer *t, const struct lstm_tokens *tokens, char *out)
{
    for (int32_t i = 0; i < tokens->count; i++) {
        size_t size;
        const char *entry = lstm_tokenizer_entry(t, tokens->ids[i], &size);
        if (tokens->ids[i] < LSTM_TOKEN_FIRST)
            out += sprintf(out, "<%02X>|", (unsigned)(unsigned char)*entry);
        else
            out += sprintf(out, "%.*s|", (int)size, entry);
    }
    *out = '\0';
}

static void pieces_become_the_subwords_that_merging_gives(void **state)
{
    (void)state;
    static const struct {
        const char *text, *tokens;
        size_t fallback_bytes;
    } cases[] = {
        { "", "", 0 },
        { " \n <br> \xC2\xAD", "", 0 },
        { "Good", " good|", 0 },
        { "good. good", " good|. | good|", 0 },
        { "good.good", " good|.| good|", 0 },
        { "abc", " a|bc|", 0 },     /* bc is older than ab */
        { "xab", " |<78>|ab|", 1 }, /* ab joins where b has no c */
        { "bcbc", " |bc|bc|", 0 },
        { "boood", " |b|oo|o|d|", 0 },  /* the leftmost pair first */
        { "booood", " |b|oo|ood|", 0 }, /* ood is younger than oo */
        { "ooo", " |oo|o|", 0 },
        { "gooo", " goo|o|",
          0 }, /* goo joins before g: an older entry that a later merge made possible */
        { "caf\xC3\xA9", " |c|a|<66>|\xC3\xA9|", 1 },
        { "\xC3\xA8", " |<C3>|<A8>|", 2 },
        { "\xFF", "<EF>|<BF>|<BD>|<20>|", 3 },
        { "a \xFF", " a|<20>|<EF>|<BF>|<BD>|<20>|", 3 },
    };
    struct lstm_tokenizer *t = open_vocabulary(vocabulary, sizeof vocabulary - 1);
    for (size_t i = 0; i < COUNT(cases); i++) {
        char description[200], expected[200];
        struct lstm_tokens tokens = tokenize(t, cases[i].text, strlen(cases[i].text));
        describe(t, &tokens, description);
        /* The space is an entry: a byte token for it would be wrong. */
        char *out = expected;
        for (const char *in = cases[i].tokens; *in; in++)
            if (!strncmp(in, "<20>", 4))
                *out++ = ' ', in += 3;
            else
                *out++ = *in;
        *out = '\0';
        assert_string_equal(description, expected);
        assert_int_equal(tokens.fallback_bytes, cases[i].fallback_bytes);
        lstm_tokens_free(&tokens);
    }
    lstm_tokenizer_close(t);
}

static void tokens_know_their_bytes(void **state)
{
    (void)state;
    static const char text[] = "  Good ab\xEF\xAC\x81 (e\xCC\x81) <br/>. ";
    static const struct {
        const char *entry;
        uint32_t begin, end;
    } expected[] = {
        { " good", 2, 6 },      { " ", 7, 8 },   { "ab", 7, 9 },  { "f", 9, 12 },
        { "i", 9, 12 },         { " ", 13, 14 }, { "(", 13, 14 }, { " ", 14, 17 },
        { "\xC3\xA9", 14, 17 }, { ")", 17, 18 }, { " ", 17, 18 }, { " ", 24, 25 },
        { ". ", 24, 25 },
    };
    struct lstm_tokenizer *t = open_vocabulary(vocabulary, sizeof vocabulary - 1);
    struct lstm_tokens tokens = tokenize(t, text, sizeof text - 1);
    assert_int_equal(tokens.count, COUNT(expected));
    for (int32_t i = 0; i < tokens.count; i++) {
        size_t size;
        const char *entry = lstm_tokenizer_entry(t, tokens.ids[i], &size);
        assert_int_equal(size, strlen(expected[i].entry));
        assert_memory_equal(entry, expected[i].entry, size);
        assert_int_equal(tokens.begins[i], expected[i].begin);
        assert_int_equal(tokens.ends[i], expected[i].end);
    }
    lstm_tokens_free(&tokens);
    lstm_tokenizer_close(t);
}

static void appends_to_a_list_with_or_without_offsets(void **state)
{
    (void)state;
    struct lstm_tokenizer *t = open_vocabulary(vocabulary, sizeof vocabulary - 1);
    struct lstm_tokens plain = { 0 }, with = { 0 };
    for (int i = 0; i < 500; i++) {
        assert_int_equal(lstm_tokenize(t, "good. \xFF", 7, 0, &plain, NULL), LSTM_OK);
        assert_int_equal(lstm_tokenize(t, "good. \xFF", 7, 1, &with, NULL), LSTM_OK);
    }
    assert_int_equal(plain.count, 500 * 7);
    assert_int_equal(plain.fallback_bytes, 500 * 3);
    assert_null(plain.begins);
    assert_memory_equal(plain.ids, with.ids, (size_t)plain.count * sizeof *plain.ids);
    assert_int_equal(with.begins[with.count - 1], 6);
    assert_int_equal(with.ends[with.count - 1], 7);
    lstm_tokens_free(&plain);
    lstm_tokens_free(&with);

    struct lstm_error err;
    assert_int_equal(lstm_tokenize(t, "", LSTM_TEXT_MAX + 1, 0, &plain, &err), LSTM_RANGE);
    assert_string_equal(err.text, "a text of 1073741825 bytes, at most 1073741824 are allowed");
    lstm_tokenizer_close(t);
}

static void rewrites_white_space_from_the_marking(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected;
    } cases[] = {
        { "", "" },
        { " \n ", "" },
        { "good, but (very) well-made.", "good, but (very) well-made." },
        { "  Good\t\tgood . ", "good good ." },
        { "rock 'n' roll, dogs' day: don\xE2\x80\x99t", "rock 'n' roll, dogs' day: don't" },
        { "a - b -c- d--e ( f", "a - b -c- d--e ( f" },
        { "...a ... b", "...a ... b" },
        { "\"x\" 'y'", "\"x\" 'y'" },
        { "\xE6\x97\xA5 \xE6\x9C\xAC\xE3\x80\x82 \xFF\xF0\x9F",
          "\xE6\x97\xA5 \xE6\x9C\xAC\xE3\x80\x82 \xEF\xBF\xBD\xEF\xBF\xBD" },
        { X16 X16 X16 X16 X16, X16 X16 X16 X16 X16 },
    };
    struct lstm_tokenizer *t = open_vocabulary(vocabulary, sizeof vocabulary - 1);
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[200];
        struct lstm_tokens tokens = tokenize(t, cases[i].text, strlen(cases[i].text));
        size_t length = lstm_detokenize(t, tokens.ids, tokens.count, text, sizeof text);
        assert_string_equal(text, cases[i].expected);
        assert_int_equal(length, strlen(text));
        lstm_tokens_free(&tokens);
    }
    lstm_tokenizer_close(t);
}

static void rewriting_fits_what_it_is_given(void **state)
{
    (void)state;
    struct lstm_tokenizer *t = open_vocabulary(vocabulary, sizeof vocabulary - 1);
    struct lstm_tokens tokens = tokenize(t, "good \xC3\xA9.", 8);
    assert_int_equal(lstm_detokenize(t, tokens.ids, tokens.count, NULL, 0), 8);
    for (size_t capacity = 1; capacity < 10; capacity++) {
        static const char *const expected[] = {
            "", "g", "go", "goo", "good", "good ", "good ", "good \xC3\xA9", "good \xC3\xA9."
        };
        char text[10] = "!!!!!!!!!";
        assert_int_equal(lstm_detokenize(t, tokens.ids, tokens.count, text, capacity), 8);
        assert_string_equal(text, expected[capacity - 1]);
    }
    lstm_tokens_free(&tokens);

    /* Byte tokens that make no character, as a decoder may produce them; the mask is nothing. */
    static const int32_t ids[] = { 1 + 0xC3, 0,       1 + 0xA9, 1 + 0xE2,
                                   1 + 0x82, 257 + 1, 1 + 0xFF, 1 + 0xF0 };
    char text[40];
    lstm_detokenize(t, ids, COUNT(ids), text, sizeof text);
    assert_string_equal(text, "\xC3\xA9\xEF\xBF\xBD"
                              "a\xEF\xBF\xBD\xEF\xBF\xBD");

    /* One space between two characters that are no words is white space, whichever token it came
     * from. */
    static const int32_t apart[] = { 257 + 8, 257, 257 + 10, 257 + 20, 257 + 1 };
    lstm_detokenize(t, apart, COUNT(apart), text, sizeof text);
    assert_string_equal(text, ". -.a");
    lstm_tokenizer_close(t);
}

/* The normalised text with each run of white space made one space, none at the ends. */
static size_t squeezed(const char *text, size_t size, char *out)
{
    struct lstm_normal n;
    size_t length = 0;
    lstm_normal_open(&n, text, size, 0);
    do {
        lstm_normal_fill(&n);
        for (; n.first < n.last; n.first++)
            if (n.bytes[n.first] != ' ' || (length && out[length - 1] != ' '))
                out[length++] = n.bytes[n.first];
    } while (n.at < n.size);
    length -= length && out[length - 1] == ' ';
    out[length] = '\0';
    return length;
}

static void rewriting_gives_back_the_normalised_text(void **state)
{
    (void)state;
    static const char *const parts[] = { "a",
                                         "good",
                                         "C",
                                         " ",
                                         "  ",
                                         ".",
                                         "--",
                                         "'",
                                         "(",
                                         "\xC3\xA9",
                                         "e\xCC\x81",
                                         "\xFF",
                                         "\xC2\xA8",
                                         "\xEF\xB7\xBA",
                                         "\xE4\xB8\xAD",
                                         "\xF0\x9F\x98\x80",
                                         "<br />",
                                         "7",
                                         "\xE2\x80\x99" };
    static char text[8 * 3000], expected[40 * 3000], got[40 * 3000];
    struct lstm_tokenizer *t = open_vocabulary(vocabulary, sizeof vocabulary - 1);
    uint64_t seed = 11;
    for (int round = 0; round < 4000; round++) {
        size_t size = 0, length = text_reference_random(&seed) % (round % 50 ? 60 : 2900);
        for (size_t i = 0; i < length; i++) {
            const char *part = parts[text_reference_random(&seed) % COUNT(parts)];
            if (round % 3 == 0)
                text[size++] = (char)text_reference_random(&seed);
            else
                memcpy(text + size, part, strlen(part)), size += strlen(part);
        }
        struct lstm_tokens tokens = tokenize(t, text, size);
        size_t wanted = squeezed(text, size, expected);
        assert_int_equal(lstm_detokenize(t, tokens.ids, tokens.count, got, sizeof got), wanted);
        assert_string_equal(got, expected);
        for (int32_t i = 0; i < tokens.count; i++) {
            assert_true(tokens.ids[i] > LSTM_TOKEN_MASK && tokens.ids[i] < lstm_tokenizer_vocab(t));
            assert_true(tokens.begins[i] < tokens.ends[i] && tokens.ends[i] <= size);
            if (i)
                assert_true(tokens.begins[i] >= tokens.ends[i - 1] ||
                            (tokens.begins[i] == tokens.begins[i - 1] &&
                             tokens.ends[i] == tokens.ends[i - 1]) ||
                            (tokens.begins[i] >= tokens.begins[i - 1] &&
                             tokens.ends[i] >= tokens.ends[i - 1]));
        }
        lstm_tokens_free(&tokens);
    }
    lstm_tokenizer_close(t);
}

/* Entries of one to many characters, whose parts need not be entries. */
static void make_vocabulary(uint64_t *seed, char *lines)
{
    static const char *const letters[] = { "a",        "b", " ", "c",        "o",
                                           "'",        ".", "-", "\xC3\xA9", "\xD0\xB6",
                                           "\xCC\x81", "1", "<", "aa",       "\xE4\xB8\xAD" };
    int entries = (int)(text_reference_random(seed) % 80);
    char *out = lines;
    *out = '\0';
    for (int i = 0; i < entries; i++) {
        char entry[LSTM_ENTRY_MAX + 2] = "\n", *end = entry + 1;
        size_t more = 1 + text_reference_random(seed) % (i % 9 ? 4 : 12);
        while (more--) {
            const char *letter = letters[text_reference_random(seed) % COUNT(letters)];
            memcpy(end, letter, strlen(letter) + 1);
            end += strlen(letter);
        }
        *end++ = '\n';
        *end = '\0';
        if ((out == lines || strncmp(lines, entry + 1, strlen(entry + 1))) && !strstr(lines, entry))
            out = strcpy(out, entry + 1) + strlen(entry + 1);
    }
}

static void any_text_gives_the_tokens_of_the_definition(void **state)
{
    (void)state;
    uint64_t seed = 13;
    for (int round = 0; round < 150; round++) {
        char entries[4000];
        make_vocabulary(&seed, entries);
        struct lstm_tokenizer *t = open_vocabulary(entries, strlen(entries));
        for (int i = 0; i < 100; i++) {
            unsigned char text[300];
            size_t size = text_reference_random_text(&seed, text, i % 10 ? 80 : sizeof text);
            struct lstm_tokens tokens = tokenize(t, text, size);
            struct lstm_tokens expected = text_reference_tokenize(entries, text, size);
            size_t bytes = (size_t)expected.count * sizeof *expected.ids;
            assert_int_equal(tokens.count, expected.count);
            assert_int_equal(tokens.fallback_bytes, expected.fallback_bytes);
            if (expected.count) {
                assert_memory_equal(tokens.ids, expected.ids, bytes);
                assert_memory_equal(tokens.begins, expected.begins, bytes);
                assert_memory_equal(tokens.ends, expected.ends, bytes);
            }
            lstm_tokens_free(&tokens);
            lstm_tokens_free(&expected);
        }
        lstm_tokenizer_close(t);
    }
}

/* Ten megabytes of each: work that grows with the square of a text's size would not end. */
static void ten_megabytes_of_anything_are_read(void **state)
{
    (void)state;
    const size_t size = 10000000;
    static const struct {
        const char *part;
        int32_t tokens;
    } cases[] = {
        { "\xFF", 30000001 }, /* three bytes of U+FFFD each, a marking space behind the last */
        { " ", 0 },
        { "\0", 0 },
        { "<br />", 5 },           /* the last is cut: "<br " is " <" and " br" */
        { "x", 10000001 },         /* one word */
        { "-", 10000001 },         /* one run */
        { "a\xCC\x8D", 10000000 }, /* " a", then a byte a token */
        { "\xCC\x8D", 10000001 },  /* one grapheme cluster */
    };
    char *text = malloc(size);
    assert_non_null(text);
    struct lstm_tokenizer *t = open_vocabulary(vocabulary, sizeof vocabulary - 1);
    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t part_size = strlen(cases[i].part) ? strlen(cases[i].part) : 1;
        for (size_t at = 0; at < size; at++)
            text[at] = cases[i].part[at % part_size];
        struct lstm_tokens tokens = { 0 };
        assert_int_equal(lstm_tokenize(t, text, size, 0, &tokens, NULL), LSTM_OK);
        assert_int_equal(tokens.count, cases[i].tokens);
        lstm_tokens_free(&tokens);
    }
    lstm_tokenizer_close(t);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_a_malformed_vocabulary_with_a_reason),
        cmocka_unit_test(refuses_more_entries_than_tokens_can_be),
        cmocka_unit_test(gives_the_vocabulary_back),
        cmocka_unit_test(a_vocabulary_may_be_empty),
        cmocka_unit_test(tells_entries_apart_that_begin_and_measure_alike),
        cmocka_unit_test(pieces_become_the_subwords_that_merging_gives),
        cmocka_unit_test(tokens_know_their_bytes),
        cmocka_unit_test(appends_to_a_list_with_or_without_offsets),
        cmocka_unit_test(rewrites_white_space_from_the_marking),
        cmocka_unit_test(rewriting_fits_what_it_is_given),
        cmocka_unit_test(rewriting_gives_back_the_normalised_text),
        cmocka_unit_test(any_text_gives_the_tokens_of_the_definition),
        cmocka_unit_test(ten_megabytes_of_anything_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
