#include "tests/golden_encoder.h"
#include "tests/golden_file.h"
#include "tests/networks.h"

#include <stdio.h>
#include <stdlib.h>

const char *const golden_encoder_names[2] = { "1", "2" };

static void read_expected(struct golden_encoder *g, const struct golden_file *file)
{
    size_t texts = golden_file_count(file, "targets"), tokens = golden_file_count(file, "tokens");
    size_t logits = texts * (size_t)g->model->sizes.classes,
           params = lstm_params_count(&g->model->sizes);
    int32_t *ints = g->blob = network_memory((2 * texts + 1 + tokens) * sizeof *ints +
                                             (logits + params) * sizeof *g->logits);
    g->targets = ints + texts + 1;
    g->batch = (struct lstm_batch){ .texts = (int32_t)texts,
                                    .starts = ints,
                                    .tokens = g->targets + texts };
    g->logits = (float *)(g->targets + texts + tokens);
    g->gradient = g->logits + logits;
    golden_file_ints(file, "starts", texts + 1, ints);
    golden_file_ints(file, "targets", texts, g->targets);
    golden_file_ints(file, "tokens", tokens, g->targets + texts);
    golden_file_floats(file, "logits", logits, g->logits);
    struct lstm_tensor tensors[LSTM_TENSORS_MAX];
    int count = lstm_layout(&g->model->sizes, tensors);
    for (int i = 0; i < count; i++) {
        char name[LSTM_NAME_SIZE + 16];
        snprintf(name, sizeof name, "gradient.%.*s", LSTM_NAME_SIZE, tensors[i].name);
        golden_file_floats(file, name, (size_t)tensors[i].rows * (size_t)tensors[i].cols,
                           g->gradient + tensors[i].at);
    }
}

struct golden_encoder golden_encoder_open(const char *name)
{
    struct golden_encoder g = { 0 };
    struct lstm_error err = { .text = "" };
    char path[50];
    snprintf(path, sizeof path, "golden_encoder_%s", name);
    struct golden_file file = golden_file_open(path);
    golden_file_must(&file, !lstm_model_read(file.blob, file.size, &g.model, &err), err.text);
    golden_file_close(&file);
    snprintf(path, sizeof path, "golden_encoder_%s_expected", name);
    file = golden_file_open(path);
    golden_file_parse(&file);
    read_expected(&g, &file);
    golden_file_close(&file);
    return g;
}

void golden_encoder_close(struct golden_encoder *golden)
{
    lstm_model_free(golden->model);
    free(golden->blob);
}
