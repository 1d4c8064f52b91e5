/* libFuzzer target: any bytes are refused with a reason, or are a model that is written and read
 * back the same. */
#include "model/model.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void must(int truth)
{
    if (!truth)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct lstm_model *model, *back;
    struct lstm_error err = { 0 };
    void *blob;
    size_t blob_size;
    enum lstm_status rc = lstm_model_read(bytes, size, &model, &err);
    if (rc) {
        must(rc == LSTM_CORRUPT && err.status == rc && err.text[0] && !model);
        return 0;
    }
    lstm_model_dequantise(model);
    must(lstm_model_write(model, LSTM_F32, &blob, &blob_size, &err) == LSTM_OK);
    must(lstm_model_read(blob, blob_size, &back, &err) == LSTM_OK);
    must(memcmp(model->params, back->params, lstm_params_count(&model->sizes) * sizeof(float)) ==
         0);
    must(strcmp(model->card, back->card) == 0 && strcmp(model->task, back->task) == 0);
    free(blob);
    lstm_model_free(back);
    if (model->int8.weights) { /* its own bytes would come back, were they written by us */
        must(lstm_model_write(model, LSTM_I8, &blob, &blob_size, &err) == LSTM_OK);
        must(lstm_model_read(blob, blob_size, &back, &err) == LSTM_OK);
        must(memcmp(model->int8.scales, back->int8.scales,
                    lstm_scales_count(&model->sizes) * sizeof(float)) == 0);
        lstm_model_dequantise(back);
        must(memcmp(model->params, back->params,
                    lstm_params_count(&model->sizes) * sizeof(float)) == 0);
        free(blob);
        lstm_model_free(back);
    }
    lstm_model_free(model);
    return 0;
}
