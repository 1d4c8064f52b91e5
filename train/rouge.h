/* How much of a reference summary another one says: ROUGE (Lin 2004), F1, with the same numbers as
 * the Python package rouge-score without its stemmer. Words are runs of a-z and 0-9 after
 * lower-casing; the rest separates them. */
#ifndef TRAIN_ROUGE_H
#define TRAIN_ROUGE_H

#include "model/error.h"

#include <stddef.h>
#include <stdint.h>

struct rouge {
    double one, two,
        l;           /* F1 of words, of pairs of words, of the longest common subsequence: 0..1 */
    int32_t words;   /* of the output */
    int32_t novel;   /* of those, not in the source */
    int32_t numbers; /* of these, with a digit */
    int32_t repeats; /* runs of three words of the output that stood in it before */
};

/* UTF-8, any bytes are legal. Time grows with the product of the numbers of words of reference and
 * output, and of output and source. source: what was summarised, or NULL: no word is counted as
 * novel. Errors: LSTM_NOMEM. */
struct rouge_text {
    const char *bytes;
    size_t size;
};
enum lstm_status rouge_score(const struct rouge_text *reference, const struct rouge_text *output,
                             const struct rouge_text *source, struct rouge *rouge,
                             struct lstm_error *err);

#endif
