/* Whole words of tokens: what may follow a summary so far. */
#include "model/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Words are cut as the longest beginnings of this vocabulary. */
static const char vocabulary[] =
    " \na\nb\ne\ng\ni\nl\nn\no\nr\ns\nt\nx\n1\n2\n0\n'\n- \n. \n, \n a\n "
    "great\n of\n egg\n an\n te\n le\n gel\n 1\n ant\nel\nge\nng\nen\n";

static struct lstm_tokenizer *tokenizer;
static struct lstm_word_kind *kinds;

static int open_vocabulary(void **state)
{
    struct lstm_error err;
    (void)state;
    if (lstm_tokenizer_open(vocabulary, sizeof vocabulary - 1, &tokenizer, &err))
        return -1;
    kinds = malloc((size_t)lstm_tokenizer_vocab(tokenizer) * sizeof *kinds);
    lstm_word_kinds(tokenizer, NULL, kinds);
    return 0;
}

static int close_vocabulary(void **state)
{
    (void)state;
    free(kinds);
    lstm_tokenizer_close(tokenizer);
    return 0;
}

static int32_t token_of(const char *entry)
{
    const int32_t vocab = lstm_tokenizer_vocab(tokenizer);
    for (int32_t token = LSTM_TOKEN_FIRST; token < vocab; token++) {
        size_t size;
        const char *bytes = lstm_tokenizer_entry(tokenizer, token, &size);
        if (size == strlen(entry) && !memcmp(bytes, entry, size))
            return token;
    }
    fail_msg("no entry \"%s\"", entry);
    return 0;
}

/* entries: tokens, each ended by '|'. */
static int32_t tokens_of(const char *entries, int32_t *tokens)
{
    int32_t count = 0;
    for (const char *end; (end = strchr(entries, '|')); entries = end + 1) {
        char entry[40];
        snprintf(entry, sizeof entry, "%.*s", (int)(end - entries), entries);
        tokens[count++] = token_of(entry);
    }
    return count;
}

static void a_word_of_several_tokens_stands_in_the_source_and_one_of_a_token_is_free(void **state)
{
    static const struct {
        const char *source, *summary, *next; /* next "": the end */
        int is_allowed;
    } cases[] = {
        /* the beginning of a summary */
        { " great| egg|", "", " great", 1 },
        { " great| egg|", "", " of", 1 },
        { " great| egg|", "", "en", 0 },
        /* a word of several tokens */
        { " te|ng|en| of|", " te|", "ng", 1 },
        { " te|ng|en| of|", " te|", "en", 0 },
        { " te|ng|en| of|", " te|", " of", 0 },
        { " te|ng|en| of|", " te|", "", 0 },
        { " te|ng|en| of|", " te|", ". ", 0 },
        { " te|ng|en| of|", " te|ng|", "en", 1 },
        { " te|ng|en| of|", " te|ng|", "", 0 },
        { " te|ng|en| of|", " te|ng|en|", "", 1 },
        { " te|ng|en| of|", " te|ng|en|", " of", 1 },
        { " te|ng|en| of|", " te|ng|en|", "ng", 0 },
        { " te|ng|en|", " te|ng|en|", "", 1 }, /* at the end of the source */
        { " te|ng|en| te|ng|", " te|ng|", "", 1 },
        { " te|ng|en| te|ng|", " te|ng|", "en", 1 },
        { " le|ng|", " te|", "ng", 0 }, /* of another word */
        { " le|ng|", " te|", "", 1 },   /* generated, so a word */
        /* a token that the source has only as the beginning of a longer word */
        { " egg|en|", " egg|", "", 0 },
        { " egg|en|", " egg|", "en", 1 },
        { " egg|en| egg|", " egg|", "", 1 },
        /* numbers */
        { " 1|0|", "", " 1", 1 },
        { " 1|0|", " 1|", "0", 1 },
        { " 1|0|", " 1|", "2", 0 },
        { " 1|0|", " 1|", "", 0 },
        { " 1| great|", " 1|", "", 1 },
        { " great|", "", " 1", 0 },
        { " great| egg|", " egg|", "1", 0 },
        /* punctuation */
        { " great|", " great|", ". ", 1 },
        { " great|", " great|. |", " of", 1 },
        { " great|", " great|. |", "en", 0 },
        { " great|- |en|", " of|- |", "en", 1 }, /* as the source goes on behind it */
        /* repetitions */
        { " great| egg|", " great|", " great", 0 },
        { " great| egg|", " great| of|", " great", 0 }, /* long words once */
        { " great| egg|", " egg| of|", " egg", 1 },
        { " great| egg|", " of|", " of", 0 },
        { " great| egg|", " of|. |", " of", 0 },
        { " te|ng| of|", " te|ng|", " te", 0 },
        { " te|ng| of|", " te|ng| of|", " te", 1 },
        { " 1| of|", " 1| of|", " 1", 0 },           /* numbers once */
        { " a|ng|", " a|ng| of| a|ng|", " of", 0 },  /* three tokens a second time */
        { " a|", " a| of| egg| a| of|", " egg", 0 }, /* three words a second time */
        { " a|", " a| of| egg| a| of|", " an", 1 },
        { " a|", " a| of|, | egg| a| of|", " egg", 0 },
    };
    (void)state;
    for (size_t c = 0; c < COUNT(cases); c++) {
        int32_t source[40], summary[40];
        const struct cpu_source text = { .count = tokens_of(cases[c].source, source),
                                         .tokens = source };
        uint32_t *stamps = calloc((size_t)lstm_tokenizer_vocab(tokenizer), sizeof *stamps);
        struct lstm_words words = { .kinds = kinds, .stamps = stamps };
        lstm_words_look(&words, &text, summary, 0); /* what was seen before leaves no trace */
        lstm_words_look(&words, &text, summary, tokens_of(cases[c].summary, summary));
        const int32_t next = *cases[c].next ? token_of(cases[c].next) : LSTM_TOKEN_MASK;
        if (lstm_words_allow(&words, next) != cases[c].is_allowed)
            fail_msg("source \"%s\", summary \"%s\", next \"%s\": expected %d", cases[c].source,
                     cases[c].summary, cases[c].next, cases[c].is_allowed);
        free(stamps);
    }
}

static void without_kinds_everything_may_follow(void **state)
{
    struct lstm_words words = { 0 };
    (void)state;
    lstm_words_look(&words, NULL, NULL, 0);
    assert_true(lstm_words_allow(&words, 300));
    assert_true(lstm_words_allow(&words, LSTM_TOKEN_MASK));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_word_of_several_tokens_stands_in_the_source_and_one_of_a_token_is_free),
        cmocka_unit_test(without_kinds_everything_may_follow),
    };
    return cmocka_run_group_tests(tests, open_vocabulary, close_vocabulary);
}
