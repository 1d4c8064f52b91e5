/* Beam search over the summaries of a group of texts: all beams of all texts are rows of the
 * decoder's steps.
 *
 * A text starts with `beam` places. In each step the tokens that may follow its rows compete by the
 * sum of the logarithms of their shares in the mixture of generating and copying; ties go to the
 * better row, then to the lower token. The best take the places that are left; one that ends gives
 * its place up for good, so that a beam of 1 is the greedy choice (Sutskever et al. 2014). Of the
 * ended ones the best by length-normalised sum (Wu et al. 2016) wins; the search is over when no
 * place is left or nothing unfinished can win any more.
 *
 * What may follow: no token that repeats a trigram of the summary (Paulus et al. 2018); the end
 * only after min_tokens or where nothing else may follow, and nothing but the end after max_tokens;
 * a byte token only as part of a whole character that the source spells so. Bytes are copied, never
 * generated: their share is that of copying. Where not one of the bytes that would complete a
 * character has a share, the summary ends within it, and wins only if no other has ended.
 */
#ifndef LSTM_BEAM_H
#define LSTM_BEAM_H

#include "cpu_writer.h"
#include "words.h"
#include "writing.h"

struct cpu_beam; /* working memory for one caller at a time */

enum lstm_status cpu_beam_open(const struct cpu_network *network, struct cpu_beam **beam,
                               struct lstm_error *err);
void cpu_beam_close(struct cpu_beam *beam); /* NULL is fine */

/* Bytes that are kept for the next search: as many as the largest one needed since the last
 * release, which frees them. */
size_t cpu_beam_kept(const struct cpu_beam *beam);
void cpu_beam_release(struct cpu_beam *beam);

/* Writes a summary of each source (count >= 1 tokens), all of struct lstm_written but what
 * cpu_beam_replay gives. settings: beam may be larger than the facade allows. Errors: LSTM_NOMEM,
 * LSTM_INTERRUPTED between steps (stop may be NULL). */
enum lstm_status cpu_beam_search(struct cpu_beam *beam, const struct cpu_source *sources,
                                 int32_t texts, const struct lstm_summary_settings *settings,
                                 int (*stop)(void *), void *stop_arg, struct lstm_written *written,
                                 struct lstm_error *err);

/* Writes the tokens of a summary once more, to see what was attended: weights (count x source
 * count), generate (count), bit for bit those of the search. */
enum lstm_status cpu_beam_replay(struct cpu_beam *beam, const struct cpu_source *source,
                                 const int32_t *tokens, int32_t count, int (*stop)(void *),
                                 void *stop_arg, float *weights, float *generate,
                                 struct lstm_error *err);

#endif
