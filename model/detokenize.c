/* Tokens back to text. */
#include "text.h"

#include <string.h>

/* What lstm_detokenize has written. One space between punctuation and a word is the word's marking
 * and means nothing; two spaces, the marking of both sides, mean white space. */
struct rewriting {
    char *text;
    size_t capacity, length; /* length: of the whole text; what does not fit is counted only */
    size_t used;
    int spaces;
    enum lstm_class last;
};

static void write_bytes(struct rewriting *w, const char *bytes, size_t size)
{
    if (w->length + size < w->capacity) {
        memcpy(w->text + w->used, bytes, size);
        w->used += size;
    }
    w->length += size;
}

static void write_character(struct rewriting *w, const unsigned char *bytes, size_t size,
                            int32_t codepoint)
{
    enum lstm_class class = codepoint < 0 ? LSTM_CLASS_OTHER : lstm_class_of(codepoint);
    if (class == LSTM_CLASS_SPACE) {
        w->spaces++;
        return;
    }
    int marking = w->spaces == 1 && w->last == LSTM_CLASS_OTHER && class == LSTM_CLASS_WORD;
    if (w->spaces && !marking && w->length)
        write_bytes(w, " ", 1);
    w->spaces = 0;
    w->last = class;
    if (codepoint < 0)
        write_bytes(w, "\xEF\xBF\xBD", 3);
    else
        write_bytes(w, (const char *)bytes, size);
}

size_t lstm_detokenize(const struct lstm_tokenizer *tokenizer, const int32_t *ids, int32_t count,
                       char *text, size_t capacity)
{
    struct rewriting w = { .text = text, .capacity = capacity, .last = LSTM_CLASS_SPACE };
    unsigned char bytes[LSTM_ENTRY_MAX + 4];
    size_t size = 0;
    for (int32_t i = 0; i < count; i++) {
        size_t more, at = 0;
        const char *entry = lstm_tokenizer_entry(tokenizer, ids[i], &more);
        memcpy(bytes + size, entry, more);
        size += more;
        while (at < size) {
            size_t begin = at;
            int32_t codepoint = lstm_utf8_next(bytes, size, &at);
            /* The bytes of a character may come from several tokens. */
            if (codepoint < 0 && at == size && i + 1 < count) {
                at = begin;
                break;
            }
            write_character(&w, bytes + begin, at - begin, codepoint);
        }
        size -= at;
        memmove(bytes, bytes + at, size);
    }
    if (capacity)
        text[w.used] = '\0';
    return w.length;
}
