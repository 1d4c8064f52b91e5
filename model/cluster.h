/* The normalised form of a grapheme cluster: a character and the marks that combine with it change
 * together, so a cluster is the smallest part of a text whose normalised form does not depend on
 * its neighbours. Most clusters are one code point, and what becomes of that is looked up. */
#ifndef LSTM_CLUSTER_H
#define LSTM_CLUSTER_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LSTM_CLUSTER_MAX =
        32, /* code points of a grapheme cluster; a longer one is cut, so memory is bounded */
    LSTM_EXPANSION_MAX = 18, /* code points that one becomes by NFKC: U+FDFA */
    LSTM_CLUSTER_BYTES = 4 * LSTM_CLUSTER_MAX * LSTM_EXPANSION_MAX,
    LSTM_CODEPOINTS = 0x110000,
    LSTM_WORD_BYTE = 0x80 /* marks a byte that is part of a letter, mark or number */
};

enum lstm_class {
    LSTM_CLASS_SPACE, /* white space and control characters */
    LSTM_CLASS_WORD,  /* letters, marks, numbers */
    LSTM_CLASS_OTHER  /* punctuation, symbols, everything else */
};
enum lstm_class lstm_class_of(int32_t codepoint);

/* NFKC with case folding, plain quotes and spaces for white space of a cluster of 1 to
 * LSTM_CLUSTER_MAX code points, as UTF-8; word gets LSTM_WORD_BYTE or 0 for each byte. Gives back
 * how many bytes that are, at most LSTM_CLUSTER_BYTES. */
size_t lstm_cluster_normalise(const int32_t *cluster, int count, char *bytes, unsigned char *word);

/* What becomes of a code point that is a cluster by itself. The low half is its bytes, the first
 * one lowest, or says where they lie. */
typedef uint64_t lstm_lone;

#define LSTM_LONE_KNOWN ((lstm_lone)1 << 40)
#define LSTM_LONE_WORD ((lstm_lone)1 << 41) /* a letter, mark or number */
#define LSTM_LONE_LONG                                                        \
    ((lstm_lone)1 << 42) /* its bytes are lstm_lone_bytes(), lstm_lone_word() \
                          */
#define LSTM_LONE_BEGINS                                                                        \
    ((lstm_lone)1 << 43)                    /* no cluster reaches over the boundary between ... \
                                             */
#define LSTM_LONE_ENDS ((lstm_lone)1 << 44) /* ... one that ends and one that begins */

static inline size_t lstm_lone_size(lstm_lone lone) /* in bytes */
{
    return lone >> 32 & 0xFF;
}

const char *lstm_lone_bytes(lstm_lone lone);
const unsigned char *lstm_lone_word(lstm_lone lone);

/* One table for all threads. Whoever first asks for an entry makes it; it depends on the code point
 * alone, so it does not matter who. Only pages of scripts that are met are ever touched. */
extern _Atomic(lstm_lone) lstm_lone_table[LSTM_CODEPOINTS];
lstm_lone lstm_lone_learn(int32_t codepoint);

static inline lstm_lone lstm_lone_of(int32_t codepoint)
{
    lstm_lone lone = atomic_load_explicit(&lstm_lone_table[codepoint], memory_order_acquire);
    return lone ? lone : lstm_lone_learn(codepoint);
}

#endif
