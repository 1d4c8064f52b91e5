#include "train/embedding.h"

#include "train/progress.h"

#include <stdio.h>
#include <stdlib.h>

const struct embedding_options embedding_defaults = {
    .bpe = { .vocab = 16384, .character_min = 50, .pair_min = 20 },
    .vectors = { .dimension = 128,
                 .epochs = 5,
                 .window = 5,
                 .negatives = 5,
                 .subsample = 1e-4,
                 .rate = 0.05,
                 .seed = 1 },
};

/* The corpus as tokens. */
struct corpus {
    struct lstm_tokens tokens;
    int64_t *starts; /* texts + 1 */
    int32_t texts;
};

static enum lstm_status learn_vocabulary(const struct rows *rows, const struct bpe_options *options,
                                         struct lstm_tokenizer **tokenizer, struct lstm_error *err)
{
    char *vocabulary = NULL;
    size_t size = 0;
    double began = progress_now();
    enum lstm_status rc = bpe_learn(rows, options, &vocabulary, &size, err);
    if (!rc)
        rc = lstm_tokenizer_open(vocabulary, size, tokenizer, err);
    free(vocabulary);
    if (!rc)
        fprintf(stderr, "vocabulary: %d tokens, %.1f s\n", lstm_tokenizer_vocab(*tokenizer),
                progress_now() - began);
    return rc;
}

static enum lstm_status read_vocabulary(const char *path, struct lstm_tokenizer **tokenizer,
                                        struct lstm_error *err)
{
    float *vectors = NULL;
    int32_t dimension;
    enum lstm_status rc = vectors_read(path, tokenizer, &vectors, &dimension, err);
    free(vectors);
    if (!rc)
        fprintf(stderr, "vocabulary: %d tokens of %s\n", lstm_tokenizer_vocab(*tokenizer), path);
    return rc;
}

static enum lstm_status tokenize(const struct lstm_tokenizer *tokenizer, const struct rows *rows,
                                 struct corpus *corpus, struct lstm_error *err)
{
    double began = progress_now();
    size_t bytes = 0;
    corpus->starts = calloc((size_t)rows->count + 1, sizeof *corpus->starts);
    if (!corpus->starts)
        return lstm_fail(err, LSTM_NOMEM, "no memory for %d texts", rows->count);
    for (int32_t i = 0; i < rows->count; i++) {
        enum lstm_status rc = lstm_tokenize(tokenizer, rows->rows[i].text, rows->rows[i].size, 0,
                                            &corpus->tokens, err);
        if (rc)
            return rc;
        bytes += rows->rows[i].size;
        corpus->starts[i + 1] = corpus->tokens.count;
    }
    corpus->texts = rows->count;
    fprintf(stderr, "tokens: %d, %.2f bytes each, %.3f%% of the bytes by fallback, %.1f s\n",
            corpus->tokens.count,
            (double)bytes / (double)(corpus->tokens.count ? corpus->tokens.count : 1),
            100.0 * (double)corpus->tokens.fallback_bytes / (double)(bytes ? bytes : 1),
            progress_now() - began);
    return LSTM_OK;
}

enum lstm_status embedding_learn(const struct rows *rows, const struct embedding_options *options,
                                 struct lstm_tokenizer **tokenizer, float **vectors,
                                 struct lstm_error *err)
{
    struct corpus corpus = { 0 };
    int32_t vocab;
    *tokenizer = NULL;
    *vectors = NULL;
    enum lstm_status rc = options->tokenizer_path
                              ? read_vocabulary(options->tokenizer_path, tokenizer, err)
                              : learn_vocabulary(rows, &options->bpe, tokenizer, err);
    if (rc || (rc = tokenize(*tokenizer, rows, &corpus, err)))
        goto done;
    vocab = lstm_tokenizer_vocab(*tokenizer);
    *vectors = malloc((size_t)vocab * (size_t)options->vectors.dimension * sizeof **vectors);
    if (!*vectors)
        rc = lstm_fail(err, LSTM_NOMEM, "no memory for vectors of %d x %d", vocab,
                       options->vectors.dimension);
    else
        rc = vectors_learn(corpus.tokens.ids, corpus.starts, corpus.texts, vocab, &options->vectors,
                           *vectors, err);
done:
    if (rc) {
        free(*vectors);
        *vectors = NULL;
        lstm_tokenizer_close(*tokenizer);
        *tokenizer = NULL;
    }
    free(corpus.starts);
    lstm_tokens_free(&corpus.tokens);
    return rc;
}

enum lstm_status vocabulary_cut(struct lstm_tokenizer **tokenizer, int32_t multiple,
                                struct lstm_error *err)
{
    const int32_t excess = lstm_tokenizer_vocab(*tokenizer) % multiple;
    if (excess == 0)
        return LSTM_OK;
    struct lstm_tokenizer *smaller = NULL;
    size_t size;
    const char *vocabulary = lstm_tokenizer_vocabulary(*tokenizer, &size);
    for (int32_t i = 0; i < excess && size > 0; i++)
        for (size--; size > 0 && vocabulary[size - 1] != '\n';)
            size--;
    enum lstm_status rc = lstm_tokenizer_open(vocabulary, size, &smaller, err);
    if (rc)
        return rc;
    lstm_tokenizer_close(*tokenizer);
    *tokenizer = smaller;
    return LSTM_OK;
}

enum lstm_status embedding_open(const char *path, const struct rows *rows,
                                const struct embedding_options *options, int32_t multiple,
                                struct lstm_tokenizer **tokenizer, float **vectors,
                                int32_t *dimension, struct lstm_error *err)
{
    *dimension = options->vectors.dimension;
    enum lstm_status rc = path ? vectors_read(path, tokenizer, vectors, dimension, err)
                               : embedding_learn(rows, options, tokenizer, vectors, err);
    if (rc)
        return rc;
    return vocabulary_cut(tokenizer, multiple, err);
}
