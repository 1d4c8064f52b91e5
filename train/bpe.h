/* Learns a subword vocabulary by byte-pair encoding (Sennrich et al. 2016) on the pieces of
 * model/tokenizer.h. */
#ifndef TRAIN_BPE_H
#define TRAIN_BPE_H

#include "rows.h"

struct bpe_options {
    int32_t vocab;         /* tokens in all, mask and bytes included: more than 257 + characters */
    int32_t character_min; /* characters seen at least so often in the corpus become entries
                              (default 50) */
    int32_t pair_min;      /* stop when the most frequent pair is rarer (default 20) */
};

/* vocabulary: as lstm_tokenizer_open reads it (malloc'ed). Deterministic: ties go to the pair whose
 * joined bytes sort first. Linear in the corpus, then in the number of distinct pieces; 100 MB take
 * seconds. */
enum lstm_status bpe_learn(const struct rows *rows, const struct bpe_options *options,
                           char **vocabulary, size_t *size, struct lstm_error *err);

#endif
