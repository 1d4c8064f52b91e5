/* Summaries by the CUDA backend, beside those of the CPU's fp32 pass over the same weights. */
#include "model/quantise.h"
#include "tests/cuda_host/control.h"
#include "tests/cuda_host/machine.h"
#include "tests/networks.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TEXTS = 7, MOST = 12 };

/* The summaries of a batch, with their memory. */
struct summaries {
    struct lstm_written written[TEXTS];
    int32_t tokens[TEXTS][MOST], origins[TEXTS][MOST];
    float generate[TEXTS][MOST];
    float *weights[TEXTS];
};

static void write_summaries(const struct lstm_backend *backend, const struct lstm_model *model,
                            const struct lstm_batch *batch,
                            const struct lstm_summary_settings *settings, struct summaries *s)
{
    struct lstm_loaded *loaded;
    struct lstm_session *session;
    struct lstm_error err = { .text = "" };
    for (int32_t i = 0; i < batch->texts; i++) {
        const size_t n = (size_t)(batch->starts[i + 1] - batch->starts[i]);
        s->weights[i] = settings->attention ? network_memory(MOST * n * sizeof(float)) : NULL;
        s->written[i] = (struct lstm_written){ .tokens = s->tokens[i],
                                               .origins = s->origins[i],
                                               .weights = s->weights[i],
                                               .generate = s->generate[i] };
    }
    if (backend->load(model, &loaded, &err) || backend->open(loaded, &session, &err) ||
        backend->write(session, batch, settings, s->written, &err))
        fail_msg("%s: %s", backend->name, err.text);
    backend->close(session);
    backend->unload(loaded);
}

static void free_summaries(struct summaries *s)
{
    for (int i = 0; i < TEXTS; i++)
        free(s->weights[i]);
}

static void same(void **state)
{
    (void)state;
    static const int32_t lengths[TEXTS] = { 1, 2, 7, 40, 24, 25, 60 };
    const struct lstm_sizes sizes = { .vocab = 320,
                                      .embedding = 48,
                                      .hidden = 48,
                                      .layers = 1,
                                      .window = 24,
                                      .overlap = 8,
                                      .decoder = 32,
                                      .alignment = 16 };
    struct lstm_model model = { .sizes = sizes };
    model.params = network_params(&sizes, 3, 0.5f);
    struct lstm_batch batch = network_texts(sizes.vocab, lengths, TEXTS, 3);
    const struct lstm_summary_settings settings = {
        .max_tokens = MOST, .min_tokens = 2, .beam = 4, .length_penalty = 0.8f, .attention = 1
    };
    struct summaries expected, found;
    write_summaries(lstm_backend_cpu("generic"), &model, &batch, &settings, &expected);
    for (int p = 0; p < 2; p++) {
        write_summaries(
            machine_backend(MACHINE_SMALL, p ? LSTM_PRECISION_FP32 : LSTM_PRECISION_FP16), &model,
            &batch, &settings, &found);
        for (int i = 0; i < TEXTS; i++) {
            printf("%d: %d %d  %.7f %.7f\n", i, expected.written[i].count, found.written[i].count,
                   expected.written[i].log_share, found.written[i].log_share);
            for (int t = 0; t < found.written[i].count; t++)
                printf(" %d/%d(%d/%d)", found.tokens[i][t], expected.tokens[i][t],
                       found.origins[i][t], expected.origins[i][t]);
            printf("\n gen");
            for (int t = 0; t < found.written[i].count; t++)
                printf(" %.5f/%.5f", (double)found.generate[i][t], (double)expected.generate[i][t]);
            printf("\n");
        }
        free_summaries(&found);
    }
    free_summaries(&expected);
}

int main(void)
{
    machine_set_up();
    const struct CMUnitTest tests[] = { cmocka_unit_test(same) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
