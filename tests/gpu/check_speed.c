/* Texts/s and latency of a device over batch and length, tokens ready, beside the CPU and the floor
 * of gpu/README.md: part of `make gpu-check`. check_speed PLUGIN [short] */
#include "model/device.h"
#include "model/plugin.h"
#include "tests/networks.h"
#include "train/files.h"
#include "train/progress.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(bool failed, const char *what)
{
    if (failed) {
        fprintf(stderr, "check_speed: %s\n", what);
        exit(1);
    }
}

/* The floors of the shipped model, in tokens/s. */
static double floor_of(const char *about)
{
    static const struct {
        const char *name;
        double tokens;
    } floors[] = { { "H100", 1.5e9 }, { "H200", 1.5e9 }, { "A100", 1.1e9 }, { "T4", 0.21e9 } };
    for (size_t i = 0; i < COUNT(floors); i++)
        if (strstr(about, floors[i].name))
            return floors[i].tokens;
    return 0.0;
}

/* The best of several runs, in seconds; longer ones are fewer. */
static double best_run(const struct lstm_backend *backend, struct lstm_session *session,
                       const struct lstm_batch *batch, float *logits, double budget)
{
    double best = 1e9, spent = 0.0;
    for (int run = 0; run < 3 || (spent < budget && run < 100); run++) {
        struct lstm_error err;
        const double began = progress_now();
        check(backend->classify(session, batch, logits, &err), err.text);
        const double seconds = progress_now() - began;
        best = seconds < best ? seconds : best;
        spent += seconds;
        if (spent > 10 * budget)
            break;
    }
    return best;
}

static void bench(const struct lstm_device *device, const struct lstm_model *model,
                  const int32_t *batches, size_t batches_count, const int32_t *lengths,
                  size_t lengths_count, double budget)
{
    const struct lstm_backend *backend = device->backend;
    const double floor = floor_of(device->why);
    struct lstm_loaded *loaded;
    struct lstm_session *session;
    struct lstm_error err;
    const double began = progress_now();
    check(backend->load(model, &loaded, &err) || backend->open(loaded, &session, &err), err.text);
    printf("%s: %s. Loading took %.2f s.\n\n"
           "| texts | tokens each | ms | texts/s | tokens/s | of the floor |\n"
           "|---|---|---|---|---|---|\n",
           backend->name, device->why, progress_now() - began);
    for (size_t i = 0; i < batches_count; i++)
        for (size_t j = 0; j < lengths_count; j++) {
            const int32_t texts = batches[i], length = lengths[j];
            int32_t *each = network_memory((size_t)texts * sizeof *each);
            float *logits =
                network_memory((size_t)texts * (size_t)model->sizes.classes * sizeof *logits);
            for (int32_t k = 0; k < texts; k++)
                each[k] = length;
            struct lstm_batch batch = network_texts(model->sizes.vocab, each, texts, 1);
            const double seconds = best_run(backend, session, &batch, logits, budget);
            const double tokens = (double)texts * length / seconds;
            printf("| %d | %d | %.3f | %.0f | %.3g |", texts, length, 1e3 * seconds,
                   texts / seconds, tokens);
            if (floor > 0.0)
                printf(" %.0f%% |\n", 100.0 * tokens / floor);
            else
                printf(" |\n");
            network_texts_free(&batch);
            free(logits);
            free(each);
        }
    printf("\n");
    backend->close(session);
    backend->unload(loaded);
}

int main(int argc, char **argv)
{
    static const char *const names[] = { "cuda", "cuda-fp32", "cpu" };
    static const int32_t batches[] = { 1, 16, 256, 4096, 32768 }, lengths[] = { 32, 256, 1024 };
    const int is_short = argc > 2;
    struct lstm_model *model;
    struct lstm_error err;
    unsigned char *blob;
    size_t size;
    check(argc < 2, "usage: check_speed PLUGIN [short]");
    check(lstm_plugin_set_path(argv[1], &err) ||
              file_read("model/default_sentiment.safetensors", &blob, &size, &err) ||
              lstm_model_read(blob, size, &model, &err),
          err.text);
    lstm_model_dequantise(model);
    for (size_t i = 0; i < COUNT(names); i++) {
        struct lstm_device device;
        const int is_cpu = !strcmp(names[i], "cpu");
        check(lstm_device_choose(names[i], &device, &err), err.text);
        bench(&device, model, batches,
              is_short ? 2
              : is_cpu ? 3
                       : COUNT(batches),
              lengths, is_short ? 1 : COUNT(lengths), is_short ? 0.0 : 0.5);
    }
    lstm_model_free(model);
    free(blob);
    return 0;
}
