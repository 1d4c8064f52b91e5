#include "tests/tiny_model.h"
#include "model/tokenizer.h"
#include "tests/networks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(enum lstm_status rc, const struct lstm_error *err)
{
    if (rc == LSTM_OK)
        return;
    fprintf(stderr, "tiny model: %s\n", err->text);
    abort();
}

/* Words of their own, and letters for the others; what is neither becomes bytes. */
static const char vocabulary[] =
    " good\n bad\n film\n the\n very\n \na\nb\nc\nd\ne\nf\ng\nh\ni\nk\nl\nm\nn\no\nr\ns\nt\n"
    "u\nth\nthe\nin\nis\n a\n.\n. \n!\n";

/* Behind them in a summariser's, which has a multiple of 16 tokens. */
static const char summary_vocabulary[] = "j\np\nq\nv\nw\nx\ny\nz\n,\n, \n?\n-\n'\n an\n of\n";

void *tiny_model_write(const struct tiny_model *tiny, size_t *size)
{
    struct lstm_error err;
    struct lstm_model model = { .temperature = 1.5F };
    void *blob = NULL;
    char card[200], labels[400], entries[sizeof vocabulary + sizeof summary_vocabulary];
    int32_t units = tiny->units ? tiny->units : 16;
    int is_summariser = strcmp(tiny->task, "summarize") == 0;
    snprintf(entries, sizeof entries, "%s%s", vocabulary, is_summariser ? summary_vocabulary : "");
    must(lstm_tokenizer_open(entries, strlen(entries), &model.tokenizer, &err), &err);
    snprintf(labels, sizeof labels, "%s", tiny->labels ? tiny->labels : "");
    for (char *next = NULL, *label = strtok_r(labels, " ", &next); label;
         label = strtok_r(NULL, " ", &next))
        snprintf(model.labels[model.sizes.classes++], LSTM_LABEL_SIZE, "%s", label);
    snprintf(model.task, sizeof model.task, "%s", tiny->task);
    snprintf(card, sizeof card, "%s", tiny->card ? tiny->card : "{}");
    model.card = card;
    model.sizes.vocab = lstm_tokenizer_vocab(model.tokenizer);
    model.sizes.embedding = model.sizes.hidden = units;
    model.sizes.layers = 1;
    model.sizes.window = 32;
    model.sizes.overlap = 8;
    model.sizes.decoder = model.sizes.alignment = is_summariser ? units : 0;
    must(lstm_sizes_check(&model.sizes, &err), &err);
    model.params = network_params(&model.sizes, tiny->seed, tiny->scale > 0 ? tiny->scale : 0.3F);
    must(lstm_model_write(&model, LSTM_F32, &blob, size, &err), &err);
    free(model.params);
    lstm_tokenizer_close(model.tokenizer);
    return blob;
}

struct lstm_text tiny_text(const char *word, size_t times)
{
    const size_t length = strlen(word);
    char *text = network_memory(times * length);
    for (size_t i = 0; i < times; i++)
        memcpy(text + i * length, word, length);
    return (struct lstm_text){ text, times * length };
}
