#include "source_text.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

enum { LETTERS_MAX = 4 * LSTM_PIECE_MAX }; /* bytes of the source that one word may take */

struct writer {
    const struct lstm_tokenizer *tokenizer; /* not ours, nor are the next three */
    const struct lstm_source_text *source;
    const int32_t *tokens, *origins;
    int32_t count;
    char *normal; /* what lstm_detokenize gives */
    char *out;
    size_t used;
    int has_word;             /* the first word is written */
    struct lstm_tokens again; /* of a word in the letters of the source */
};

/* ---- words ---- */

static int begins_with_space(const struct writer *w, int32_t token)
{
    size_t size;
    const char *entry = lstm_tokenizer_entry(w->tokenizer, token, &size);
    return size > 0 && entry[0] == ' ';
}

static int is_continuation(int32_t token)
{
    return token >= LSTM_TOKEN_BYTES + 0x80 && token < LSTM_TOKEN_BYTES + 0xC0;
}

/* The first character from token i on that is no space; its bytes may come from several tokens. */
static enum lstm_class first_class(const struct writer *w, int32_t i)
{
    unsigned char bytes[LSTM_ENTRY_MAX + 4];
    size_t size = 0, at = 0;
    for (; i < w->count && size < 4; i++) {
        size_t more, skipped = 0;
        const char *entry = lstm_tokenizer_entry(w->tokenizer, w->tokens[i], &more);
        while (size == 0 && skipped < more && entry[skipped] == ' ')
            skipped++;
        memcpy(bytes + size, entry + skipped, more - skipped);
        size += more - skipped;
    }
    int32_t codepoint = size ? lstm_utf8_next(bytes, size, &at) : -1;
    return codepoint < 0 ? LSTM_CLASS_OTHER : lstm_class_of(codepoint);
}

static int is_apostrophe(const struct writer *w, int32_t token)
{
    size_t size;
    const char *entry = lstm_tokenizer_entry(w->tokenizer, token, &size);
    return size == 1 && entry[0] == '\'';
}

static int goes_on(const struct writer *w, int32_t i)
{
    return i < w->count && !begins_with_space(w, w->tokens[i]) &&
           first_class(w, i) == LSTM_CLASS_WORD;
}

/* The token behind the word, or the other character, that begins with token i. */
static int32_t group_end(const struct writer *w, int32_t i, int is_word)
{
    int32_t end = i + 1;
    while (end < w->count && (is_continuation(w->tokens[end]) || (is_word && goes_on(w, end)) ||
                              (is_word && is_apostrophe(w, w->tokens[end]) && goes_on(w, end + 1))))
        end++;
    return end;
}

/* ---- letters ---- */

static int is_valid(const char *bytes, size_t size)
{
    for (size_t at = 0; at < size;)
        if (lstm_utf8_next((const unsigned char *)bytes, size, &at) < 0)
            return 0;
    return 1;
}

/* The letters that tokens i .. end - 1 have in the source; NULL where they were not copied as one
 * word. */
static enum lstm_status letters(struct writer *w, int32_t i, int32_t end, const char **bytes,
                                size_t *size, struct lstm_error *err)
{
    const struct lstm_source_text *source = w->source;
    const int32_t from = w->origins[i], count = end - i;
    const size_t tokens_size = (size_t)count * sizeof *w->tokens;
    *bytes = NULL;
    for (int32_t t = i; t < end; t++)
        if (w->origins[t] < 0)
            return LSTM_OK;
    if (from > source->count - count ||
        memcmp(source->tokens + from, w->tokens + i, tokens_size) != 0)
        return LSTM_OK;
    const char *begin = source->bytes + source->begins[from];
    size_t length = source->ends[from + count - 1] - source->begins[from];
    if (length > LETTERS_MAX || !is_valid(begin, length))
        return LSTM_OK;
    /* Where a cluster was shared with a neighbour, or a word was cut, these bytes would say more or
     * less. */
    w->again.count = 0;
    enum lstm_status rc = lstm_tokenize(w->tokenizer, begin, length, 0, &w->again, err);
    if (rc || w->again.count != count || memcmp(w->again.ids, w->tokens + i, tokens_size) != 0)
        return rc;
    *bytes = begin;
    *size = length;
    return LSTM_OK;
}

static void append(struct writer *w, const char *bytes, size_t size)
{
    memcpy(w->out + w->used, bytes, size);
    w->used += size;
}

static int is_lower_case(const char *word, size_t size)
{
    for (size_t at = 0; at < size;) {
        int32_t letter = lstm_utf8_next((const unsigned char *)word, size, &at);
        if (utf8proc_tolower(letter) != letter)
            return 0;
    }
    return 1;
}

static void append_capital(struct writer *w, const char *word, size_t size)
{
    size_t first = 0;
    int32_t letter = lstm_utf8_next((const unsigned char *)word, size, &first);
    w->used += (size_t)utf8proc_encode_char(utf8proc_totitle(letter),
                                            (utf8proc_uint8_t *)w->out + w->used);
    append(w, word + first, size - first);
}

/* Tokens i .. end - 1, whose normalised form is size bytes of normal. */
static enum lstm_status append_group(struct writer *w, int32_t i, int32_t end, int is_word,
                                     const char *normal, size_t size, struct lstm_error *err)
{
    const char *bytes = NULL;
    size_t bytes_size = 0;
    if (size > 0 && *normal == ' ')
        append(w, normal++, 1), size--;
    enum lstm_status rc = is_word ? letters(w, i, end, &bytes, &bytes_size, err) : LSTM_OK;
    int is_first = is_word && !w->has_word && size > 0;
    const char *word = bytes ? bytes : normal;
    size_t word_size = bytes ? bytes_size : size;
    if (is_first && is_lower_case(word, word_size))
        append_capital(w, word, word_size);
    else
        append(w, word, word_size);
    w->has_word |= is_first;
    return rc;
}

static enum lstm_status write_groups(struct writer *w, struct lstm_error *err)
{
    size_t from = 0;
    for (int32_t i = 0, end; i < w->count; i = end) {
        int is_word = first_class(w, i) == LSTM_CLASS_WORD;
        end = group_end(w, i, is_word);
        size_t to = lstm_detokenize(w->tokenizer, w->tokens, end, NULL, 0); /* a prefix of normal */
        enum lstm_status rc = append_group(w, i, end, is_word, w->normal + from, to - from, err);
        if (rc)
            return rc;
        from = to;
    }
    w->out[w->used] = '\0';
    return LSTM_OK;
}

enum lstm_status lstm_source_text_write(const struct lstm_tokenizer *tokenizer,
                                        const struct lstm_source_text *source,
                                        const int32_t *tokens, const int32_t *origins,
                                        int32_t count, char **text, struct lstm_error *err)
{
    struct writer w = { .tokenizer = tokenizer,
                        .source = source,
                        .tokens = tokens,
                        .origins = origins,
                        .count = count };
    const size_t length = lstm_detokenize(tokenizer, tokens, count, NULL, 0);
    const size_t most = length + (size_t)count * LETTERS_MAX + 4; /* 4: a capital may be longer */
    enum lstm_status rc = LSTM_OK;
    *text = NULL;
    w.normal = malloc(length + 1);
    w.out = malloc(most + 1);
    if (!w.normal || !w.out) {
        rc = lstm_fail(err, LSTM_NOMEM, "out of memory for a summary of %zu bytes", most);
        goto done;
    }
    lstm_detokenize(tokenizer, tokens, count, w.normal, length + 1);
    if ((rc = write_groups(&w, err)))
        goto done;
    *text = realloc(w.out, w.used + 1);
    if (*text)
        w.out = NULL;
    else
        rc = lstm_fail(err, LSTM_NOMEM, "out of memory for a summary of %zu bytes", w.used);
done:
    free(w.normal);
    free(w.out);
    lstm_tokens_free(&w.again);
    return rc;
}
