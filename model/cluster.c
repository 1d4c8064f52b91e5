#include "cluster.h"

#include "eight.h"

#include <assert.h>
#include <string.h>
#include <utf8proc.h>

enum { CODEPOINTS_MAX = LSTM_CLUSTER_MAX * LSTM_EXPANSION_MAX, POOL_SIZE = 1 << 14 };

/* NFKC_Casefold: see the options of the same name in utf8proc. */
static const utf8proc_option_t FOLD =
    UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE;

enum lstm_class lstm_class_of(int32_t codepoint)
{
    switch (utf8proc_category(codepoint)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO: return LSTM_CLASS_WORD;
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_CC: return LSTM_CLASS_SPACE;
    default: return LSTM_CLASS_OTHER;
    }
}

static int32_t plain_quote(int32_t codepoint)
{
    switch (codepoint) {
    case 0x00B4: /* an accent by name; NFKC makes it a space and a mark, but people write don´t
                  */
    case 0x2018:
    case 0x2019:
    case 0x201B: return '\'';
    case 0x201C:
    case 0x201D:
    case 0x201E: return '"';
    default: return codepoint;
    }
}

/* Marks of the canonical order: stable, by combining class, between characters of class 0. */
static void order_marks(int32_t *codepoints, int count)
{
    utf8proc_propval_t classes[CODEPOINTS_MAX];
    for (int i = 0; i < count; i++) {
        int32_t codepoint = codepoints[i];
        utf8proc_propval_t class = utf8proc_get_property(codepoint)->combining_class;
        int at = i;
        for (; class > 0 && at > 0 && classes[at - 1] > class; at--) {
            codepoints[at] = codepoints[at - 1];
            classes[at] = classes[at - 1];
        }
        codepoints[at] = codepoint;
        classes[at] = class;
    }
}

size_t lstm_cluster_normalise(const int32_t *cluster, int count, char *bytes, unsigned char *word)
{
    int32_t normal[CODEPOINTS_MAX];
    utf8proc_ssize_t length = 0, size = 0;
    int boundary = 0;
    for (int i = 0; i < count; i++) {
        utf8proc_ssize_t room = CODEPOINTS_MAX - length;
        utf8proc_ssize_t more = utf8proc_decompose_char(plain_quote(cluster[i]), normal + length,
                                                        room, FOLD, &boundary);
        assert(more >= 0 && more <= room); /* the bound is Unicode's */
        length += more;
    }
    order_marks(normal, (int)length);
    length = utf8proc_normalize_utf32(normal, length, FOLD);
    for (utf8proc_ssize_t i = 0; i < length; i++) {
        enum lstm_class class = lstm_class_of(normal[i]);
        utf8proc_ssize_t more = utf8proc_encode_char(class == LSTM_CLASS_SPACE ? ' ' : normal[i],
                                                     (utf8proc_uint8_t *)bytes + size);
        memset(word + size, class == LSTM_CLASS_WORD ? LSTM_WORD_BYTE : 0, (size_t)more);
        size += more;
    }
    return (size_t)size;
}

_Atomic(lstm_lone) lstm_lone_table[LSTM_CODEPOINTS];

/* What is longer than four bytes. All of Unicode needs less than half of this; two threads that
 * learn the same code point at once may both put it here. */
static struct {
    _Atomic uint32_t used;
    char bytes[POOL_SIZE];
    unsigned char word[POOL_SIZE];
} pool;

const char *lstm_lone_bytes(lstm_lone lone)
{
    return pool.bytes + (uint32_t)lone;
}

const unsigned char *lstm_lone_word(lstm_lone lone)
{
    return pool.word + (uint32_t)lone;
}

/* The rules of Unicode annex 29, without those by which two characters join: what only ever joins
 * as one of a pair neither begins nor ends here, and goes the slow way. */
static lstm_lone boundaries(int32_t codepoint)
{
    switch (utf8proc_get_property(codepoint)->boundclass) {
    case UTF8PROC_BOUNDCLASS_OTHER:
    case UTF8PROC_BOUNDCLASS_LV:
    case UTF8PROC_BOUNDCLASS_LVT:
    case UTF8PROC_BOUNDCLASS_EXTENDED_PICTOGRAPHIC: return LSTM_LONE_BEGINS | LSTM_LONE_ENDS;
    case UTF8PROC_BOUNDCLASS_CR:
    case UTF8PROC_BOUNDCLASS_LF:
    case UTF8PROC_BOUNDCLASS_CONTROL:
    case UTF8PROC_BOUNDCLASS_L:
    case UTF8PROC_BOUNDCLASS_REGIONAL_INDICATOR: return LSTM_LONE_BEGINS;
    default: return 0;
    }
}

/* Where it lies in the pool, or 0 if that is full. */
static lstm_lone keep(const char *bytes, const unsigned char *word, uint32_t size)
{
    uint32_t at = atomic_load_explicit(&pool.used, memory_order_relaxed);
    do
        if (POOL_SIZE - at < size)
            return 0;
    while (!atomic_compare_exchange_weak_explicit(&pool.used, &at, at + size, memory_order_relaxed,
                                                  memory_order_relaxed));
    memcpy(pool.bytes + at, bytes, size);
    memcpy(pool.word + at, word, size);
    return LSTM_LONE_LONG | at;
}

lstm_lone lstm_lone_learn(int32_t codepoint)
{
    char bytes[LSTM_CLUSTER_BYTES] = { 0 };
    unsigned char word[LSTM_CLUSTER_BYTES] = { 0 };
    size_t size = lstm_cluster_normalise(&codepoint, 1, bytes, word);
    lstm_lone lone = LSTM_LONE_KNOWN | boundaries(codepoint) | (lstm_lone)size << 32;
    lstm_lone kept = 0;
    if (size <= 4 && (size < 2 || !memcmp(word, word + 1, size - 1)))
        lone |= (lstm_load8(bytes) & UINT32_MAX) | (word[0] ? LSTM_LONE_WORD : 0);
    else if ((kept = keep(bytes, word, (uint32_t)size)))
        lone |= kept;
    else
        lone &= ~LSTM_LONE_ENDS;
    atomic_store_explicit(&lstm_lone_table[codepoint], lone, memory_order_release);
    return lone;
}
