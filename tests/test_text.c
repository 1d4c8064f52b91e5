/* Normalisation and pieces. Expected forms are written out by hand from the Unicode standard; over
 * all code points and on random text the oracle is utf8proc's own whole-string mapping. */
#include "model/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define FFFD "\xEF\xBF\xBD"

struct normalised {
    size_t size;
    char *bytes; /* NUL-terminated */
    uint32_t *begins, *ends;
};

static struct normalised normalise(const void *text, size_t size)
{
    struct normalised all = { 0 };
    struct lstm_normal *n = malloc(sizeof *n);
    assert_non_null(n);
    lstm_normal_open(n, text, size, 1);
    do {
        lstm_normal_fill(n);
        size_t more = n->last - n->first;
        assert_true(more >= LSTM_NORMAL_AHEAD || n->at == n->size);
        all.bytes = realloc(all.bytes, all.size + more + 1);
        all.begins = realloc(all.begins, (all.size + more + 1) * sizeof *all.begins);
        all.ends = realloc(all.ends, (all.size + more + 1) * sizeof *all.ends);
        assert_true(all.bytes && all.begins && all.ends);
        memcpy(all.bytes + all.size, n->bytes + n->first, more);
        memcpy(all.begins + all.size, n->begins + n->first, more * sizeof *all.begins);
        memcpy(all.ends + all.size, n->ends + n->first, more * sizeof *all.ends);
        all.size += more;
        all.bytes[all.size] = '\0';
        n->first = n->last;
    } while (n->at < n->size);
    free(n);
    return all;
}

static void release(struct normalised *all)
{
    free(all->bytes);
    free(all->begins);
    free(all->ends);
}

/* xorshift64: the same numbers everywhere. */
static uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void ill_formed_text_is_repaired_by_maximal_subparts(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected;
    } cases[] = {
        { "\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41",
          FFFD FFFD FFFD FFFD FFFD FFFD FFFD FFFD "a" }, /* table 3-8 */
        { "\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41",
          FFFD FFFD FFFD FFFD FFFD FFFD FFFD FFFD "a" }, /* table 3-9 */
        { "\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42",
          FFFD FFFD FFFD FFFD FFFD "a" FFFD FFFD "b" },                      /* table 3-10 */
        { "\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41", FFFD FFFD FFFD FFFD "a" }, /* table 3-11 */
        { "\xC2", FFFD },                            /* cut after the lead */
        { "\xE2\x82", FFFD },                        /* cut before the last */
        { "\xF0\x9F\x98", FFFD },                    /* the same with four bytes */
        { "x\xF5y", "x" FFFD "y" },                  /* leads above F4 */
        { "\xC1\xBF", FFFD FFFD },                   /* overlong */
        { "\xE0\x9F\xBF", FFFD FFFD FFFD },          /* overlong */
        { "\xF0\x8F\xBF\xBF", FFFD FFFD FFFD FFFD }, /* overlong */
        { "\xF4\x90\x80\x80", FFFD FFFD FFFD FFFD }, /* above U+10FFFF */
        { "\xF8\x88\x80\x80\x80", FFFD FFFD FFFD FFFD FFFD },
        { "\xEF\xBF\xBE", "\xEF\xBF\xBE" }, /* a noncharacter is well-formed */
        { "\xF4\x8F\xBF\xBF", "\xF4\x8F\xBF\xBF" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct normalised all = normalise(cases[i].text, strlen(cases[i].text));
        assert_string_equal(all.bytes, cases[i].expected);
        release(&all);
    }
}

static void text_is_folded_as_the_standard_says(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected;
    } cases[] = {
        { "", "" },
        { "Good FILM.", "good film." },
        { "a\tb\r\nc\vd\fe", "a b  c d e" },
        { "a\x01\x7F\xC2\x85z", "a   z" },       /* control characters */
        { "Caf\xC3\x89", "caf\xC3\xA9" },        /* É composed */
        { "CafE\xCC\x81", "caf\xC3\xA9" },       /* E and an acute */
        { "a\xCC\xA3\xCC\x82", "\xE1\xBA\xAD" }, /* a, dot below, circumflex: ậ */
        { "a\xCC\x82\xCC\xA3", "\xE1\xBA\xAD" }, /* in the other order */
        { "\xEF\xAC\x81lm", "film" },            /* fi ligature */
        { "Stra\xC3\x9F"
          "e STRASSE \xE1\xBA\x9E",
          "strasse strasse ss" },
        { "\xEF\xBC\xA7\xEF\xBC\x8F\xEF\xBC\x94", "g/4" },          /* full width */
        { "\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB", "\xED\x95\x9C" }, /* jamo: 한 */
        { "\xED\x95\x9C", "\xED\x95\x9C" },                         /* the syllable itself */
        { "\xED\x95\x98\xE1\x86\xAB", "\xED\x95\x9C" },             /* LV and T */
        { "\xC4\xB0stanbul", "i\xCC\x87stanbul" },                  /* I with a dot */
        { "\xC4\xB1", "\xC4\xB1" },                                 /* dotless i */
        { "\xCE\xA3\xCE\x91\xCE\xA3 \xCF\x82", "\xCF\x83\xCE\xB1\xCF\x83 \xCF\x83" }, /* sigmas */
        { "\xD0\x9F\xD1\x80\xD0\x98\xCC\x86",
          "\xD0\xBF\xD1\x80\xD0\xB9" }, /* Cyrillic, Й decomposed */
        { "\xD7\xA9\xD7\x9C\xD7\x95\xD7\x9D",
          "\xD7\xA9\xD7\x9C\xD7\x95\xD7\x9D" },               /* Hebrew, left to itself */
        { "\xEF\xBB\xBB", "\xD9\x84\xD8\xA7" },               /* Arabic lam-alef form */
        { "\xE2\x84\xAB \xE2\x84\xA6", "\xC3\xA5 \xCF\x89" }, /* angstrom, ohm */
        { "x\xC2\xB2 \xC2\xBD \xE2\x85\xA7", "x2 1\xE2\x81\x84"
                                             "2 viii" },
        { "\xE2\x80\xA6", "..." },
        { "a\xC2\xA0"
          "b\xE3\x80\x80"
          "c\xE2\x80\xA8"
          "d\xE1\x9A\x80\xE2\x80\xA9"
          "e",
          "a b c d  e" },                                       /* white space of all kinds */
        { "co\xC2\xADop \xE2\x80\x8Bz\xEF\xBB\xBF", "coop z" }, /* default-ignorables */
        { "\xF0\x9F\x91\xA8\xE2\x80\x8D\xF0\x9F\x91\xA9",
          "\xF0\x9F\x91\xA8\xF0\x9F\x91\xA9" },         /* joined emoji */
        { "\xE2\x9D\xA4\xEF\xB8\x8F", "\xE2\x9D\xA4" }, /* a variation selector */
        { "\xE2\x80\x98"
          "a\xE2\x80\x99s\xE2\x80\x9B \xC2\xB4",
          "'a's' '" },
        { "\xE2\x80\x9C"
          "b\xE2\x80\x9D \xE2\x80\x9E",
          "\"b\" \"" },
        { "a<br>b<BR/>c<Br />d", "a b c d" },
        { "<br><br />", "  " },
        { "<br", "<br" },
        { "<br/", "<br/" },
        { "<br /", "<br /" },
        { "<brr><b r><br  />< br>", "<brr><b r><br  />< br>" },
        { "<br>\xC3\xA9", " \xC3\xA9" },
        { "\xC3\xA9<br />", "\xC3\xA9 " },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct normalised all = normalise(cases[i].text, strlen(cases[i].text));
        assert_string_equal(all.bytes, cases[i].expected);
        release(&all);
    }
}

static void a_nul_is_a_character_like_others(void **state)
{
    (void)state;
    struct normalised all = normalise("A\0\0B\xC3\xA9\0", 7);
    assert_int_equal(all.size, 7);
    assert_memory_equal(all.bytes, "a  b\xC3\xA9 ", 8);
    release(&all);
}

static void offsets_slice_the_original(void **state)
{
    (void)state;
    static const struct {
        const char *text, *normal,
            *slice; /* every byte of normal comes from slice, which stands once in text */
    } cases[] = {
        { "xE\xCC\x81y", "\xC3\xA9", "E\xCC\x81" },
        { "the \xEF\xAC\x81lm", "fi", "\xEF\xAC\x81" },
        { "Stra\xC3\x9F"
          "e",
          "ss", "\xC3\x9F" },
        { "can\xE2\x80\x99t", "'", "\xE2\x80\x99" },
        { "a <br /> b", " ", "<br />" },
        { "a\xFF"
          "b",
          FFFD, "\xFF" },
        { "a\xF0\x9F\x98 b", FFFD, "\xF0\x9F\x98" },
        { "\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB!", "\xED\x95\x9C",
          "\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB" },
        { "+\xF0\x9F\x91\xA8\xE2\x80\x8D\xF0\x9F\x91\xA9+", "\xF0\x9F\x91\xA8\xF0\x9F\x91\xA9",
          "\xF0\x9F\x91\xA8\xE2\x80\x8D\xF0\x9F\x91\xA9" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct normalised all = normalise(cases[i].text, strlen(cases[i].text));
        size_t begin = (size_t)(strstr(cases[i].text, cases[i].slice) - cases[i].text), found = 0;
        size_t end = begin + strlen(cases[i].slice);
        for (size_t b = 0; b < all.size; b++) {
            if (all.begins[b] != begin)
                continue;
            assert_int_equal(all.ends[b], end);
            assert_true(found < strlen(cases[i].normal));
            assert_int_equal(all.bytes[b], cases[i].normal[found++]);
        }
        assert_int_equal(found, strlen(cases[i].normal));
        release(&all);
    }
}

static void expect_mapping(const unsigned char *text, size_t size)
{
    utf8proc_uint8_t *expected = NULL;
    utf8proc_ssize_t length = utf8proc_map(text, (utf8proc_ssize_t)size, &expected,
                                           UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT |
                                               UTF8PROC_CASEFOLD | UTF8PROC_IGNORE);
    assert_true(length >= 0);
    struct normalised all = normalise(text, size);
    if (all.size != (size_t)length || memcmp(all.bytes, expected, all.size))
        fail_msg("expected \"%s\", got \"%s\"", (const char *)expected, all.bytes);
    release(&all);
    free(expected);
}

static int is_mapped_by_us(int32_t codepoint)
{
    return codepoint == 0xB4 || (codepoint >= 0x2018 && codepoint <= 0x201E) ||
           lstm_class_of(codepoint) == LSTM_CLASS_SPACE;
}

static void every_code_point_agrees_with_the_mapping_of_the_library(void **state)
{
    (void)state;
    int longest = 0;
    for (int32_t codepoint = 0; codepoint <= 0x10FFFF; codepoint++) {
        unsigned char text[8];
        if ((codepoint >= 0xD800 && codepoint <= 0xDFFF) || is_mapped_by_us(codepoint))
            continue;
        expect_mapping(text, (size_t)utf8proc_encode_char(codepoint, text));

        int32_t decomposed[64];
        int boundary = 0;
        int length = (int)utf8proc_decompose_char(
            codepoint, decomposed, 64, UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD,
            &boundary);
        longest = length > longest ? length : longest;
    }
    assert_int_equal(longest, LSTM_EXPANSION_MAX);
}

static void clusters_normalise_as_the_whole_text_does(void **state)
{
    (void)state;
    /* Letters, marks of several classes, jamo, Indic vowels, spaces, symbols. */
    static const int32_t alphabet[] = { 'a',     'E',    ' ',    '.',   0xE9,   0x300,
                                        0x301,   0x323,  0x327,  0x345, 0x1100, 0x1161,
                                        0x11A8,  0xAC00, 0xAC01, 0x3B1, 0x1FB3, 0xDF,
                                        0xFB01,  0x9C7,  0x9BE,  0x9D7, 0xB47,  0xB56,
                                        0x1F600, 0x4E2D, 0x5D0,  0x5B4, 0xFF21, 0x130 };
    uint64_t seed = 7;
    for (int round = 0; round < 20000; round++) {
        unsigned char text[4 * 24];
        size_t size = 0;
        for (int i = 0; i < 24; i++) {
            int32_t codepoint = alphabet[random_next(&seed) % COUNT(alphabet)];
            size += (size_t)utf8proc_encode_char(codepoint, text + size);
        }
        expect_mapping(text, size);
    }
}

static void long_clusters_are_cut_and_nothing_is_lost(void **state)
{
    (void)state;
    enum { MARKS = 5000 };
    char *text = malloc(1 + 2 * MARKS);
    assert_non_null(text);
    text[0] = 'q';
    for (int i = 0; i < MARKS; i++)
        memcpy(text + 1 + 2 * i, "\xCC\x8D", 2);
    struct normalised all = normalise(text, 1 + 2 * MARKS);
    assert_int_equal(all.size, 1 + 2 * MARKS);
    assert_memory_equal(all.bytes, text, all.size);
    for (size_t i = 0; i < all.size; i++)
        assert_true(all.ends[i] - all.begins[i] <= 2 * LSTM_CLUSTER_MAX);
    release(&all);
    free(text);
}

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
        size_t size = 0, length = random_next(&seed) % 1000;
        int kind = round % 3;
        while (size < length) {
            const char *part = parts[random_next(&seed) % (kind ? COUNT(parts) : 3)];
            if (kind == 2)
                text[size++] = (unsigned char)random_next(&seed);
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

static void heads_and_hashes_depend_on_every_byte(void **state)
{
    (void)state;
    char bytes[LSTM_PIECE_MAX];
    memset(bytes, 'x', sizeof bytes);
    for (size_t size = 1; size <= sizeof bytes; size++) {
        uint64_t hash = lstm_piece_hash(bytes, size, 1), head = lstm_piece_head(bytes, size);
        assert_true(hash != lstm_piece_hash(bytes, size, 2));
        assert_true(hash != lstm_piece_hash(bytes, size - 1, 1));
        for (size_t i = 0; i < size; i++) {
            bytes[i] = 'y';
            assert_true(hash != lstm_piece_hash(bytes, size, 1));
            assert_true((head != lstm_piece_head(bytes, size)) == (i < 8));
            bytes[i] = 'x';
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ill_formed_text_is_repaired_by_maximal_subparts),
        cmocka_unit_test(text_is_folded_as_the_standard_says),
        cmocka_unit_test(a_nul_is_a_character_like_others),
        cmocka_unit_test(offsets_slice_the_original),
        cmocka_unit_test(every_code_point_agrees_with_the_mapping_of_the_library),
        cmocka_unit_test(clusters_normalise_as_the_whole_text_does),
        cmocka_unit_test(long_clusters_are_cut_and_nothing_is_lost),
        cmocka_unit_test(text_is_cut_into_words_and_punctuation),
        cmocka_unit_test(long_runs_are_cut_between_characters),
        cmocka_unit_test(every_byte_of_any_text_is_in_a_piece),
        cmocka_unit_test(pieces_do_not_depend_on_where_a_text_is_cut_into_buffers),
        cmocka_unit_test(heads_and_hashes_depend_on_every_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
