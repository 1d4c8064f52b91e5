/* What the CPU's decoder would write after each token of given summaries: the shares of the whole
 * vocabulary, in fp32, for tests of other devices. */
#ifndef LSTM_TESTS_FORCED_H
#define LSTM_TESTS_FORCED_H

#include "model/batch.h"
#include "model/writing.h"

struct forced;

/* written: of the batch's texts, which have at most most tokens each. Ends the test program where
 * that fails. */
struct forced *forced_open(const struct lstm_model *model, const struct lstm_batch *batch,
                           const struct lstm_written *written, int32_t most);
void forced_close(struct forced *forced);

/* vocab shares, before token step of that text's summary (its count: before the end). What cannot
 * begin a summary of most tokens has none. */
const float *forced_shares(const struct forced *forced, int32_t text, int32_t step);

#endif
