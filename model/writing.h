/* What is asked of a decoder and what it answers: a backend's side of struct lstm_summary. */
#ifndef LSTM_WRITING_H
#define LSTM_WRITING_H

#include <stdint.h>

enum {
    LSTM_SUMMARY_TOKENS_MAX = 200,
    LSTM_SUMMARY_BEAM_MAX = 16,
    LSTM_SUMMARY_SOURCE_MAX = 131072 /* tokens of a text, about 500 KB of English */
};

struct lstm_summary_settings {
    int32_t max_tokens;   /* 1..200: a summary ends there at the latest */
    int32_t min_tokens;   /* 0..max_tokens: nor does it end before */
    int32_t beam;         /* 1..16 summaries of a text are followed side by side; 1: greedy */
    float length_penalty; /* 0..2: log shares are divided by ((5 + tokens) / 6)^this (Wu et al.
                             2016); 0: not at all */
    float contrast;       /* 0..1: how much what any text of the kind suggests loses (guide.h) */
    float tone;           /* 0..1: how much the text's tone counts, where the model can tell it */
    int32_t whole_words;  /* nonzero: what may follow is told by words.h too */
    int32_t attention;    /* nonzero: results carry their attention */
};

/* A summary in tokens, into memory of the caller's. n: the source's tokens. */
struct lstm_written {
    int32_t *tokens;  /* room for max_tokens */
    int32_t *origins; /* room for max_tokens: see struct lstm_summary */
    float *weights;   /* room for max_tokens x n, or NULL: a row of attention for each token */
    float *generate;  /* room for max_tokens, or NULL: the share of the vocabulary in each token */
    int32_t count;
    double log_share; /* of the tokens and the end */
};

#endif
