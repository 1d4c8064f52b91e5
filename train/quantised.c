#include "train/quantised.h"

#include "model/quantise.h"
#include "train/card.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum lstm_status quantised_write(const struct lstm_model *model, void **blob, size_t *size,
                                 struct lstm_error *err)
{
    const size_t params_size = lstm_params_count(&model->sizes) * sizeof *model->params;
    struct lstm_model copy = *model;
    copy.int8 = (struct lstm_int8){ 0 };
    copy.params = malloc(params_size);
    *blob = NULL;
    if (!copy.params)
        return lstm_fail(err, LSTM_NOMEM, "out of memory for a copy of %zu bytes of parameters",
                         params_size);
    memcpy(copy.params, model->params, params_size);
    enum lstm_status rc = lstm_model_quantise(&copy, err);
    if (!rc)
        rc = lstm_model_write(&copy, LSTM_I8, blob, size, err);
    lstm_model_forget_weights(&copy);
    return rc;
}

/* Frees the blob. */
static enum lstm_status measure(const struct heldout *heldout, void *blob, size_t size, int threads,
                                double *score, struct lstm_error *err)
{
    struct rouge rouge;
    enum lstm_status rc;
    if (heldout->classes) {
        rc = heldout_accuracy(heldout, blob, size, threads, score, err);
    } else {
        rc = heldout_measure(heldout, blob, size, threads, &rouge, err);
        *score = (rouge.one + rouge.l) / 2;
    }
    free(blob);
    return rc;
}

enum lstm_status quantised_note(struct lstm_model *model, const struct heldout *heldout,
                                int threads, struct lstm_error *err)
{
    struct json_text out = { 0 };
    char *text = NULL;
    void *blob;
    size_t size;
    double fp32, int8;
    enum lstm_status rc = LSTM_OK;
    if (!heldout) {
        fprintf(stderr, "quantised: what it costs was not measured\n");
        return card_set(&model->card, "quantised", "{\"rows\":0}", err);
    }
    const char *metric = heldout->classes ? "accuracy" : "mean of ROUGE-1 and ROUGE-L";
    if ((rc = lstm_model_write(model, LSTM_F32, &blob, &size, err)) ||
        (rc = measure(heldout, blob, size, threads, &fp32, err)) ||
        (rc = quantised_write(model, &blob, &size, err)) ||
        (rc = measure(heldout, blob, size, threads, &int8, err)))
        return rc;
    fprintf(stderr, "quantised: %s %.2f%% as int8, %.2f%% as fp32, of %d held-out rows\n", metric,
            100 * int8, 100 * fp32, heldout->count);
    card_text(&out, "{\"metric\":", metric);
    card_number(&out, ",\"fp32\":", fp32);
    card_number(&out, ",\"int8\":", int8);
    card_integer(&out, ",\"rows\":", heldout->count);
    json_put(&out, "}");
    if (!(rc = card_take(&out, &text, err)))
        rc = card_set(&model->card, "quantised", text, err);
    free(text);
    return rc;
}
