/* Pieces of normalised text. */
#include "model/text.h"
#include "text_reference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void expect_pieces(const char *text, const char *const *expected)
{
    struct lstm_pieces pieces;
    lstm_pieces_open(&pieces, text, strlen(text), 0);
    for (; *expected; expected++) {
        if (!lstm_pieces_next(&pieces))
            fail_msg("\"%s\": expected the piece \"%s\", got the end", text, *expected);
        if (pieces.size != strlen(*expected) || memcmp(pieces.bytes, *expected, pieces.size))
            fail_msg("\"%s\": expected the piece \"%s\", got \"%.*s\"", text, *expected,
                     (int)pieces.size, pieces.bytes);
    }
    if (lstm_pieces_next(&pieces))
        fail_msg("\"%s\": expected the end, got \"%.*s\"", text, (int)pieces.size, pieces.bytes);
}

static void text_is_cut_into_words_and_punctuation(void **state)
{
    (void)state;
    static const struct {
        const char *text, *pieces[12];
    } cases[] = {
        { "", { NULL } },
        { " \n\t\xC2\xA0\xE2\x80\x8B <br />", { NULL } },
        { "good, but (very) well-made.",
          { " good", ", ", " but", " (", " very", ") ", " well", "-", " made", ". " } },
        { "(a", { "(", " a" } },
        { " (a", { " (", " a" } },
        { "a ( b", { " a", " ( ", " b" } },
        { "!", { "! " } },
        { " ! ", { " ! " } },
        { "wow!!!??", { " wow", "!!!", "?? " } },
        { "I don't", { " i", " don't" } },
        { "rock 'n' roll", { " rock", " '", " n", "' ", " roll" } },
        { "dogs' x''y 'tis", { " dogs", "' ", " x", "''", " y", " '", " tis" } },
        { "5.5/10 a_b", { " 5", ".", " 5", "/", " 10", " a", "_", " b" } },
        { "na\xC3\xAFve", { " na\xC3\xAFve" } },
        { "\xD0\xB0\xD2\x88\xD0\xB1", { " \xD0\xB0\xD2\x88\xD0\xB1" } }, /* a mark that encloses */
        { "\xE2\x80\x94x\xE2\x80\x94\xE2\x80\x94 ",
          { "\xE2\x80\x94", " x", "\xE2\x80\x94\xE2\x80\x94 " } },
        { "\xE6\x97\xA5\xE6\x9C\xAC\xE3\x80\x82",
          { " \xE6\x97\xA5\xE6\x9C\xAC", "\xE3\x80\x82 " } },
        { "\xF0\x9F\x98\x80\xF0\x9F\x98\x80\xF0\x9F\x98\x81",
          { "\xF0\x9F\x98\x80\xF0\x9F\x98\x80", "\xF0\x9F\x98\x81 " } },
        { "a \xCC\x81",
          { " a", " \xCC\x81" } }, /* a mark that has nothing to combine with but a space */
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        expect_pieces(cases[i].text, cases[i].pieces);
}

static void long_runs_are_cut_between_characters(void **state)
{
    (void)state;
#define A30 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define DASHES30 "------------------------------"
    expect_pieces(A30 A30 "aab", (const char *[]){ " " A30 A30 "aa", "b", NULL });
    expect_pieces(A30 A30 "aa'b", (const char *[]){ " " A30 A30 "aa", "'b", NULL });
    expect_pieces(A30 A30 "aa b", (const char *[]){ " " A30 A30 "aa", " b", NULL });
    expect_pieces(A30 A30 "a\xC3\xA9", (const char *[]){ " " A30 A30 "a", "\xC3\xA9", NULL });
    expect_pieces("a " DASHES30 DASHES30 "---",
                  (const char *[]){ " a", " " DASHES30 DASHES30 "--", "- ", NULL });
    expect_pieces(DASHES30 DASHES30 "-- b",
                  (const char *[]){ DASHES30 DASHES30 "-- ", " b", NULL });
}

/* Byte b of the original is covered when some piece's byte comes from it. */
static void check_cover(const unsigned char *text, size_t size)
{
    unsigned char *covered = calloc(size + 1, 1);
    assert_non_null(covered);
    struct lstm_pieces pieces;
    uint32_t before = 0;
    lstm_pieces_open(&pieces, text, size, 1);
    while (lstm_pieces_next(&pieces)) {
        assert_in_range(pieces.size, 1, LSTM_PIECE_MAX);
        assert_true(utf8proc_decompose((const unsigned char *)pieces.bytes,
                                       (utf8proc_ssize_t)pieces.size, NULL, 0, 0) > 0);
        for (size_t i = 0; i < pieces.size; i++) {
            assert_true(pieces.begins[i] >= before && pieces.begins[i] < pieces.ends[i] &&
                        pieces.ends[i] <= size);
            before = pieces.begins[i];
            memset(covered + pieces.begins[i], 1, pieces.ends[i] - pieces.begins[i]);
        }
    }
    for (size_t at = 0; at < size;) {
        size_t begin = at, br = 0;
        int32_t codepoint = lstm_utf8_next(text, size, &at);
        static const char *const breaks[] = { "<br>", "<br/>", "<br />" };
        for (size_t i = 0; i < COUNT(breaks); i++)
            if (size - begin >= strlen(breaks[i]) &&
                !memcmp(text + begin, breaks[i], strlen(breaks[i])))
                br = strlen(breaks[i]);
        if (br)
            at = begin + br;
        else if (codepoint < 0 || (lstm_class_of(codepoint) != LSTM_CLASS_SPACE &&
                                   !utf8proc_get_property(codepoint)->ignorable))
            while (begin < at)
                assert_true(covered[begin++]);
    }
    free(covered);
}

static void every_byte_of_any_text_is_in_a_piece(void **state)
{
    (void)state;
    static const char *const parts[] = { "a",
                                         "B",
                                         "'",
                                         " ",
                                         "<br />",
                                         "<",
                                         "\xFF",
                                         "\xE2\x82",
                                         ".",
                                         "-",
                                         "\xC3\xA9",
                                         "\xCC\x81",
                                         "\xC2\xAD",
                                         "\xC2\xA8",
                                         "\xEF\xB7\xBA",
                                         "\n",
                                         "\xE2\x80\x99",
                                         "\xF0\x9F\x98\x80",
                                         "\xE2\x80\x8D",
                                         "\xC4\xB0" };
    uint64_t seed = 3;
    for (int round = 0; round < 3000; round++) {
        unsigned char text[1200];
        size_t size = 0, length = text_reference_random(&seed) % 1000;
        int kind = round % 3;
        while (size < length) {
            const char *part = parts[text_reference_random(&seed) % (kind ? COUNT(parts) : 3)];
            if (kind == 2)
                text[size++] = (unsigned char)text_reference_random(&seed);
            else
                memcpy(text + size, part, strlen(part)), size += strlen(part);
        }
        check_cover(text, size);
    }
}

static void pieces_do_not_depend_on_where_a_text_is_cut_into_buffers(void **state)
{
    (void)state;
    static const char tail[] =
        "Caf\xC3\xA9s,  (na\xC3\xAFve) e\xCC\x81\xCC\xA3 \xEF\xB7\xBA don\xE2\x80\x99t<br "
        "/>well--made \xF0\x9F\x98\x80.";
    struct lstm_pieces plain, shifted;
    char *text = malloc(LSTM_NORMAL_SIZE + sizeof tail);
    assert_non_null(text);
    for (size_t shift = LSTM_NORMAL_SIZE - 2500; shift < LSTM_NORMAL_SIZE; shift++) {
        memset(text, ' ', shift);
        memcpy(text + shift, tail, sizeof tail - 1);
        memset(text, '.', shift - 3); /* read in pieces, not skipped */
        lstm_pieces_open(&plain, tail, sizeof tail - 1, 1);
        lstm_pieces_open(&shifted, text, shift + sizeof tail - 1, 1);
        do
            assert_true(lstm_pieces_next(&shifted));
        while (shifted.begins[0] < shift);
        while (lstm_pieces_next(&plain)) {
            assert_int_equal(plain.size, shifted.size);
            assert_memory_equal(plain.bytes, shifted.bytes, plain.size);
            for (size_t i = 0; i < plain.size; i++)
                assert_true(plain.begins[i] + shift == shifted.begins[i] &&
                            plain.ends[i] + shift == shifted.ends[i]);
            lstm_pieces_next(&shifted);
        }
    }
    free(text);
}

static void hashes_depend_on_every_byte(void **state)
{
    (void)state;
    char bytes[LSTM_PIECE_MAX];
    int low_bits_alike = 0;
    memset(bytes, 'x', sizeof bytes);
    for (size_t size = 1; size <= sizeof bytes; size++) {
        uint64_t hash = lstm_piece_hash(bytes, size, 1);
        assert_true(hash != lstm_piece_hash(bytes, size, 2));
        assert_true(hash != lstm_piece_hash(bytes, size - 1, 1));
        for (size_t i = 0; i < size; i++) {
            bytes[i] = 'y';
            assert_true((uint32_t)hash != (uint32_t)lstm_piece_hash(bytes, size, 1));
            low_bits_alike += (uint16_t)hash == (uint16_t)lstm_piece_hash(bytes, size, 1);
            bytes[i] = 'x';
        }
    }
    assert_in_range(low_bits_alike, 0, 1); /* of 2,080, by chance */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_cut_into_words_and_punctuation),
        cmocka_unit_test(long_runs_are_cut_between_characters),
        cmocka_unit_test(every_byte_of_any_text_is_in_a_piece),
        cmocka_unit_test(pieces_do_not_depend_on_where_a_text_is_cut_into_buffers),
        cmocka_unit_test(hashes_depend_on_every_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
