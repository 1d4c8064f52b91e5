#include "kinds.h"

#include <stdlib.h>
#include <string.h>

static enum lstm_status infer_classes(const struct inference *in, struct lstm_error *err)
{
    const struct lstm_model *model = lstm_scorer_model(in->bound->shared->scorer);
    const size_t classes = (size_t)model->sizes.classes, texts = (size_t)in->count;
    float *probabilities = malloc(texts * (classes * sizeof(float) + sizeof(int32_t)));
    if (!probabilities)
        return lstm_fail(err, LSTM_NOMEM, "out of memory for the results of %zu texts", texts);
    int32_t *tokens = (int32_t *)(probabilities + texts * classes);
    enum lstm_status rc = lstm_worker_classify(in->worker, in->texts, in->count, in->stop,
                                               in->stop_arg, probabilities, tokens, err);
    for (int32_t i = 0; !rc && i < in->count; i++)
        in->put(in->put_arg, i, probabilities + (size_t)i * classes,
                tokens[i] > 0 ? classes * sizeof(float) : 0);
    free(probabilities);
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
