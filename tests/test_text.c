/* Normalisation. Expected forms are written out by hand from the Unicode standard; over
 * all code points and on random text the oracles are utf8proc's own whole-string mapping and the
 * reference of the tests. */
#include "model/text.h"
#include "text_reference.h"

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
    unsigned char *word;
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
        all.word = realloc(all.word, all.size + more + 1);
        all.begins = realloc(all.begins, (all.size + more + 1) * sizeof *all.begins);
        all.ends = realloc(all.ends, (all.size + more + 1) * sizeof *all.ends);
        assert_true(all.bytes && all.word && all.begins && all.ends);
        memcpy(all.bytes + all.size, n->bytes + n->first, more);
        memcpy(all.word + all.size, n->word + n->first, more);
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
    free(all->word);
    free(all->begins);
    free(all->ends);
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
            int32_t codepoint = alphabet[text_reference_random(&seed) % COUNT(alphabet)];
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

/* Both ways to normalise the same text, with all that is known of every byte. */
static void expect_reference(const unsigned char *text, size_t size)
{
    struct text_reference expected = text_reference_normalise(text, size);
    struct normalised all = normalise(text, size);
    assert_int_equal(all.size, expected.size);
    assert_memory_equal(all.bytes, expected.bytes, all.size);
    assert_memory_equal(all.word, expected.word, all.size);
    assert_memory_equal(all.begins, expected.begins, all.size * sizeof *all.begins);
    assert_memory_equal(all.ends, expected.ends, all.size * sizeof *all.ends);
    release(&all);
    text_reference_free(&expected);
}

static void ascii_folds_the_same_wherever_it_stands(void **state)
{
    (void)state;
    static const char *const others[] = { "", "<", "<br>", "\xC3\xA9", "\xCC\x81", "\xFF" };
    for (size_t other = 0; other < COUNT(others); other++)
        for (int c = 0; c < 128; c++)
            for (size_t place = 0; place < 17; place++) {
                unsigned char text[24];
                size_t size = strlen(others[other]);
                memset(text, 'X', sizeof text);
                text[place] = (unsigned char)c;
                memcpy(text + 17, others[other], size);
                expect_reference(text, 17 + size); /* behind others, and at the end */
                memmove(text + place + 1 + size, text + place + 1, 16 - place);
                memcpy(text + place + 1, others[other], size);
                expect_reference(text, 17 + size); /* with the other one beside it */
            }
}

static void any_text_normalises_as_the_definition_says(void **state)
{
    (void)state;
    uint64_t seed = 5;
    for (int round = 0; round < 20000; round++) {
        unsigned char text[600];
        size_t size = text_reference_random_text(&seed, text, round % 20 ? 100 : sizeof text);
        unsigned char *exact = malloc(size + !size); /* so that reading behind it is found out */
        assert_non_null(exact);
        memcpy(exact, text, size);
        expect_reference(exact, size);
        free(exact);
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
        cmocka_unit_test(ascii_folds_the_same_wherever_it_stands),
        cmocka_unit_test(any_text_normalises_as_the_definition_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
