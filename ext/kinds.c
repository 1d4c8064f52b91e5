#include "kinds.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static enum lstm_status infer_classes(const struct inference *in, struct lstm_error *err)
{
    const struct lstm_model *model = lstm_scorer_model(in->bound->shared->scorer);
    const size_t texts = (size_t)in->count, row = (size_t)model->sizes.classes * sizeof(float);
    const size_t size = offsetof(struct classes_result, probabilities) + row;
    struct classes_result *result = malloc(size + texts * (row + sizeof(int32_t)));
    if (!result)
        return lstm_fail(err, LSTM_NOMEM, "out of memory for the results of %zu texts", texts);
    float *probabilities = (float *)((char *)result + size);
    int32_t *tokens = (int32_t *)((char *)probabilities + texts * row);
    enum lstm_status rc = lstm_worker_classify(in->worker, in->texts, in->count, in->stop,
                                               in->stop_arg, probabilities, tokens, err);
    for (int32_t i = 0; !rc && i < in->count; i++) {
        result->unknown = lstm_worker_unknown(in->worker, i);
        result->tokens = tokens[i];
        memcpy(result->probabilities, (const char *)probabilities + (size_t)i * row, row);
        in->put(in->put_arg, i, result, tokens[i] > 0 ? size : 0);
    }
    free(result);
    return rc;
}

static enum lstm_status infer_summary(const struct inference *in, struct lstm_error *err)
{
    struct lstm_summary *summaries = malloc((size_t)in->count * sizeof *summaries);
    if (!summaries)
        return lstm_fail(err, LSTM_NOMEM, "out of memory for %d summaries", (int)in->count);
    enum lstm_status rc = lstm_worker_summarize(in->worker, in->texts, in->count, in->summary,
                                                in->stop, in->stop_arg, summaries, err);
    for (int32_t i = 0; i < in->count; i++) {
        const char *text = summaries[i].text;
        if (!rc)
            in->put(in->put_arg, i, text, text ? strlen(text) : 0);
        lstm_summary_free(&summaries[i]);
    }
    free(summaries);
    return rc;
}

const struct kind kind_classes = { "classes", "the text cannot be scored", SLOT_OF_CLASSES,
                                   OPTIONS_OF_SCORES, infer_classes };
const struct kind kind_summary = { "summary", "the text cannot be summarized", SLOT_OF_SUMMARY,
                                   OPTIONS_OF_SUMMARIES, infer_summary };
