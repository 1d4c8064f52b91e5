#include "words.h"

#include <math.h>
#include <string.h>

static const float telling_weight = 1.0f; /* of a tone: from here on a word's mood is clear */

static int is_digit(unsigned char byte)
{
    return byte >= '0' && byte <= '9';
}

/* Bytes of characters beyond ASCII count as letters: whatever they are, they are copied. */
static int is_letter(unsigned char byte)
{
    unsigned char lower = byte | 0x20;
    return byte >= 0x80 || (lower >= 'a' && lower <= 'z') || is_digit(byte);
}

static struct lstm_word_kind kind_of(const char *entry, size_t size)
{
    struct lstm_word_kind kind = { .part = LSTM_WORD_BREAK };
    int letters = 0;
    for (size_t i = 0; i < size; i++) {
        letters += is_letter((unsigned char)entry[i]);
        kind.has_digit |= (uint8_t)is_digit((unsigned char)entry[i]);
    }
    if (letters && entry[0] == ' ')
        kind.part = LSTM_WORD_START;
    else if (letters)
        kind.part = LSTM_WORD_GOES_ON;
    kind.is_once = kind.part == LSTM_WORD_START && (letters >= LSTM_LONG_WORD || kind.has_digit);
    return kind;
}

void lstm_word_kinds(const struct lstm_tokenizer *tokenizer, const float *tone,
                     struct lstm_word_kind *kinds)
{
    const int32_t vocab = lstm_tokenizer_vocab(tokenizer);
    for (int32_t token = 0; token < vocab; token++) {
        size_t size;
        const char *entry = lstm_tokenizer_entry(tokenizer, token, &size);
        kinds[token] = kind_of(entry, size);
        if (token >= LSTM_TOKEN_BYTES && token < LSTM_TOKEN_FIRST)
            kinds[token].part = LSTM_WORD_GOES_ON;
        if (tone && kinds[token].part == LSTM_WORD_START && fabsf(tone[token]) > telling_weight)
            kinds[token].is_once = 1;
    }
}

static int part_of(const struct lstm_words *w, int32_t token)
{
    return w->kinds[token].part;
}

/* Whether the summary's last word stands in the source from token i on. */
static int stands_at(const struct lstm_words *w, const struct cpu_source *source, int32_t i)
{
    const int32_t length = w->count - w->start;
    return length <= source->count - i &&
           !memcmp(source->tokens + i, w->tokens + w->start, (size_t)length * sizeof *w->tokens);
}

void lstm_words_look(struct lstm_words *w, const struct cpu_source *source, const int32_t *tokens,
                     int32_t count)
{
    int occurs = 0, occurs_whole = 0;
    if (!w->kinds)
        return;
    w->now += 2;
    w->tokens = tokens;
    w->count = w->start = count;
    while (w->start > 0 && part_of(w, tokens[w->start - 1]) == LSTM_WORD_GOES_ON)
        w->start--;
    w->start -= w->start > 0;
    const int32_t length = count - w->start;
    for (int32_t i = 0; i < source->count; i++)
        if (w->stamps[source->tokens[i]] < w->now)
            w->stamps[source->tokens[i]] = w->now;
    for (int32_t i = 0; i < source->count && length > 0; i++) {
        if (source->tokens[i] != tokens[w->start] || !stands_at(w, source, i))
            continue;
        const int32_t after = i + length;
        const int goes_on =
            after < source->count && part_of(w, source->tokens[after]) == LSTM_WORD_GOES_ON;
        occurs = 1;
        occurs_whole |= !goes_on;
        if (goes_on)
            w->stamps[source->tokens[after]] = w->now + 1;
    }
    w->may_end_word = occurs_whole || (!occurs && length <= 1) ||
                      (length == 1 && part_of(w, tokens[w->start]) == LSTM_WORD_BREAK);
}

static int was_written(const struct lstm_words *w, int32_t token)
{
    int is_last = 1; /* tokens[i] starts the summary's last word */
    for (int32_t i = w->count - 1; i >= 0; i--) {
        if (part_of(w, w->tokens[i]) != LSTM_WORD_START)
            continue;
        if (w->tokens[i] == token && (is_last || w->kinds[token].is_once))
            return 1;
        is_last = 0;
    }
    return 0;
}

/* Whether token would be the third of three that stand in the summary already: of the first tokens
 * of words, or, where all of them count, of tokens, without what is between words. */
static int repeats_three(const struct lstm_words *w, int32_t token, int all_count)
{
    int32_t last[3] = { -1, -1, token }, three[3] = { -1, -1, -1 };
    for (int32_t i = 0; i < w->count; i++) {
        const int part = part_of(w, w->tokens[i]);
        if (part == LSTM_WORD_BREAK || (part == LSTM_WORD_GOES_ON && !all_count))
            continue;
        last[0] = last[1];
        last[1] = w->tokens[i];
    }
    for (int32_t i = 0; i < w->count; i++) {
        const int part = part_of(w, w->tokens[i]);
        if (part == LSTM_WORD_BREAK || (part == LSTM_WORD_GOES_ON && !all_count))
            continue;
        three[0] = three[1];
        three[1] = three[2];
        three[2] = w->tokens[i];
        if (three[0] >= 0 && !memcmp(three, last, sizeof last))
            return 1;
    }
    return 0;
}

int lstm_words_allow(const struct lstm_words *w, int32_t token)
{
    if (!w->kinds)
        return 1;
    switch (part_of(w, token)) {
    case LSTM_WORD_GOES_ON: return w->stamps[token] == w->now + 1;
    case LSTM_WORD_START:
        return w->may_end_word && (!w->kinds[token].has_digit || w->stamps[token] >= w->now) &&
               !was_written(w, token) && !repeats_three(w, token, 0) && !repeats_three(w, token, 1);
    default: return w->may_end_word;
    }
}
