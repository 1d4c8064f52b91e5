/* The first layer of a model before its labels are seen: a vocabulary, and vectors of its tokens,
 * from text alone. */
#ifndef TRAIN_EMBEDDING_H
#define TRAIN_EMBEDDING_H

#include "train/bpe.h"
#include "train/vectors.h"

struct embedding_options {
    struct bpe_options bpe;
    struct vectors_options vectors;
    const char *tokenizer_path; /* take the vocabulary of this vectors file instead of learning one;
                                   NULL: learn */
};

extern const struct embedding_options embedding_defaults;

/* The caller frees vectors (vocab x dimension) and closes the tokenizer. Tells its progress on
 * stderr. */
enum lstm_status embedding_learn(const struct rows *rows, const struct embedding_options *options,
                                 struct lstm_tokenizer **tokenizer, float **vectors,
                                 struct lstm_error *err);

/* From the file that lstm-train vectors wrote, or, path NULL, learned from the rows. The vocabulary
 * is cut to a multiple of so many tokens: its last entries, which no other entry is made of. */
enum lstm_status embedding_open(const char *path, const struct rows *rows,
                                const struct embedding_options *options, int32_t multiple,
                                struct lstm_tokenizer **tokenizer, float **vectors,
                                int32_t *dimension, struct lstm_error *err);

/* Leaves out the vocabulary's last entries, to a multiple of so many tokens. The others keep their
 * ids. */
enum lstm_status vocabulary_cut(struct lstm_tokenizer **tokenizer, int32_t multiple,
                                struct lstm_error *err);

#endif
