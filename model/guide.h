/* What makes a summary specific and of the text's mind, where the likeliest one would be generic
 * ("Great dress!") or turn a criticism round. Both change what a token is worth, not its share.
 *
 * Tone: a linear classifier over tokens, which the model holds, reads the text's mood s, -1..1; a
 * token of weight w is worth share * exp(tone * s * w) (Ghazvininejad et al. 2017).
 *
 * Contrast: a token that the decoder would write here even from a blurred view of the text (one
 * state, the mean of all) is worth less the likelier it is there: share / (blurred /
 * floor)^(contrast * |s|); the end loses less. This is maximum mutual information (Li et al. 2016)
 * against what the kind of text suggests, by two views of one text, a sharp and a blurred one
 * (contrastive decoding, Li et al. 2023). |s|, because opinions have stock phrases; where a text
 * has no mood, the likely words are the right ones. So without a tone in the model there is no
 * contrast either. */
#ifndef LSTM_GUIDE_H
#define LSTM_GUIDE_H

#include "cpu_rows.h"
#include "summarizer.h"

/* Of one search, in its block of memory. */
struct cpu_guide {
    const struct cpu_network *network; /* not ours */
    const struct cpu_source *sources;  /* not ours; texts of them */
    int32_t texts;
    float contrast, tone;         /* 0: without */
    struct cpu_rows rows;         /* the search's rows once more, with the blurred view */
    struct cpu_source *blurred;   /* texts */
    float *states, *keys, *moods; /* texts x 2 hidden, x alignment; texts */
    void *stored;                 /* a state, as the network stores it */
    float *shares, **share_rows;  /* chunk x vocab; chunk: what the blurred view suggests */
    float *worth;                 /* vocab; NULL: nothing guides */
    uint64_t *seen;               /* a bit a token */
};

/* Lays the arrays out, or counts them. chunk: rows that are weighed at once. A network without a
 * tone does without guidance. */
void cpu_guide_carve(struct cpu_guide *guide, const struct cpu_network *network,
                     const struct cpu_source *sources, int32_t texts,
                     const struct lstm_summary_settings *settings, int32_t chunk,
                     struct carver *carver);

/* These three go along with those of the search's rows. */
void cpu_guide_begin(struct cpu_guide *guide);
void cpu_guide_step(struct cpu_guide *guide);
void cpu_guide_advance(struct cpu_guide *guide, const struct cpu_row_next *next, int32_t count);

/* Before cpu_guide_weigh of rows first .. first + count - 1, at most a chunk. */
void cpu_guide_chunk(struct cpu_guide *guide, int32_t first, int32_t count);

/* What tokens are worth, from their shares in the r-th row of the chunk, which is of this text; the
 * shares themselves where nothing guides. Valid until the next call. */
const float *cpu_guide_weigh(struct cpu_guide *guide, int32_t r, int32_t text, const float *shares);

#endif
