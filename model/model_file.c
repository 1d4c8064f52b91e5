/* The tensors of a model file, and the checks that its reader and its writer share. */
#include "model_file.h"

#include "json.h"
#include "tokenizer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CARD_VALUES_MAX = 16384 };

/* An int8 matrix and its scales. The decoder's two matrices are one whose columns lie apart, so
 * they have one scale a row, behind the second. */
static int add_quantised(const struct lstm_tensor *t, struct model_part *parts)
{
    const int is_first_of_two = strcmp(t->name, "decoder.weight_ih") == 0;
    const int is_second_of_two = strcmp(t->name, "decoder.weight_hh") == 0;
    parts[0] = (struct model_part){
        .rank = 2, .rows = t->rows, .cols = t->cols, .at = t->at, .kind = PART_INT8
    };
    memcpy(parts[0].name, t->name, sizeof parts[0].name);
    if (is_first_of_two)
        return 1;
    parts[1] = (struct model_part){
        .rank = 1, .rows = 1, .cols = t->rows, .at = t->scales_at, .kind = PART_SCALES
    };
    snprintf(parts[1].name, sizeof parts[1].name, "%.32s_scale",
             is_second_of_two ? "decoder.weight" : t->name);
    return 2;
}

int model_parts(const struct lstm_sizes *sizes, int is_quantised, struct model_part *parts)
{
    struct lstm_tensor tensors[LSTM_TENSORS_MAX];
    int count = 0, tensors_count = lstm_layout(sizes, tensors);
    for (int i = 0; i < tensors_count; i++) {
        const struct lstm_tensor *t = &tensors[i];
        struct model_part part = { .rank = 2, .rows = t->rows, .cols = t->cols, .at = t->at };
        const char *bias = strstr(t->name, ".bias");
        if (is_quantised && t->is_quantised) {
            count += add_quantised(t, parts + count);
            continue;
        }
        if (bias && (strncmp(t->name, "lstm.", 5) == 0 || strcmp(t->name, "decoder.bias") == 0)) {
            const int module = (int)(bias - t->name); /* behind ".bias" may be "_l0_reverse" */
            part.rank = 1;
            part.kind = PART_BIAS_IH;
            snprintf(part.name, sizeof part.name, "%.*s.bias_ih%.12s", module, t->name, bias + 5);
            parts[count++] = part;
            part.kind = PART_BIAS_HH;
            snprintf(part.name, sizeof part.name, "%.*s.bias_hh%.12s", module, t->name, bias + 5);
        } else {
            part.rank = bias ? 1 : 2;
            memcpy(part.name, t->name, sizeof part.name);
        }
        parts[count++] = part;
    }
    return count;
}

size_t model_copy_int8(const void *from, size_t count, int8_t *to)
{
    enum { BLOCK = 64 }; /* a fixed length, so that compilers make vectors of the loop */
    const int8_t *bytes = from;
    size_t i = 0;
    for (int is_good = 1; is_good && count - i >= BLOCK; i += is_good ? BLOCK : 0) {
        uint8_t found = 0;
        memcpy(to + i, bytes + i, BLOCK);
        for (size_t k = 0; k < BLOCK; k++)
            found |= (uint8_t)(to[i + k] == INT8_MIN);
        is_good = !found;
    }
    for (; i < count && bytes[i] != INT8_MIN; i++)
        to[i] = bytes[i];
    return i;
}

size_t model_check_scales(const float *scales, size_t count)
{
    size_t i = 0;
    while (i < count && scales[i] >= LSTM_SCALE_MIN && scales[i] <= LSTM_SCALE_MAX)
        i++;
    return i;
}

static enum lstm_status check_labels(const struct lstm_model *m, enum lstm_status bad,
                                     struct lstm_error *err)
{
    for (int32_t i = 0; i < m->sizes.classes; i++) {
        const char *end = memchr(m->labels[i], '\0', LSTM_LABEL_SIZE);
        if (!end || end == m->labels[i] ||
            !json_is_utf8(m->labels[i], (size_t)(end - m->labels[i])))
            return lstm_fail(err, bad, "label %d is not UTF-8 of 1 to %d bytes", (int)i,
                             LSTM_LABEL_SIZE - 1);
        for (int32_t j = 0; j < i; j++)
            if (strcmp(m->labels[i], m->labels[j]) == 0)
                return lstm_fail(err, bad, "labels %d and %d are the same", (int)j, (int)i);
    }
    return LSTM_OK;
}

static enum lstm_status check_card(const char *card, enum lstm_status bad, struct lstm_error *err)
{
    size_t size = strlen(card), capacity = size < CARD_VALUES_MAX ? size + 1 : CARD_VALUES_MAX;
    struct json_value *values = malloc(capacity * sizeof *values);
    struct json json;
    if (!values)
        return lstm_fail(err, LSTM_NOMEM, "a table of %zu values of the card", capacity);
    enum lstm_status rc =
        json_parse("metadata \"card\"", card, size, values, (uint32_t)capacity, &json, err);
    if (!rc && values[0].type != JSON_OBJECT)
        rc = lstm_fail(err, bad, "metadata \"card\" is not a JSON object");
    free(values);
    if (rc == LSTM_CORRUPT && err)
        err->status = bad;
    return rc == LSTM_CORRUPT ? bad : rc;
}

enum lstm_status model_check_task(const char *task, enum lstm_status bad, struct lstm_error *err)
{
    if (strcmp(task, "sentiment") == 0 || strcmp(task, "classify") == 0 ||
        strcmp(task, "summarize") == 0)
        return LSTM_OK;
    return lstm_fail(err, bad,
                     "metadata \"task\" is none of \"sentiment\", \"classify\", \"summarize\"");
}

static enum lstm_status check_classifier(const struct lstm_model *m, enum lstm_status bad,
                                         struct lstm_error *err)
{
    if (strcmp(m->task, "sentiment") == 0 && m->sizes.classes != 2)
        return lstm_fail(err, bad, "a sentiment model has %d classes, expected 2",
                         (int)m->sizes.classes);
    if (!isfinite(m->temperature) || m->temperature <= 0)
        return lstm_fail(err, bad, "metadata \"temperature\" is %g, expected a number above 0",
                         (double)m->temperature);
    return check_labels(m, bad, err);
}

enum lstm_status model_check(const struct lstm_model *m, enum lstm_status bad,
                             struct lstm_error *err)
{
    int is_summariser = strcmp(m->task, "summarize") == 0;
    enum lstm_status rc;
    if (lstm_sizes_check(&m->sizes, err)) {
        if (err)
            err->status = bad;
        return bad;
    }
    if ((rc = model_check_task(m->task, bad, err)))
        return rc;
    if (is_summariser != (m->sizes.decoder > 0))
        return lstm_fail(err, bad, "a model of task \"%s\" has a decoder of %d units", m->task,
                         (int)m->sizes.decoder);
    if (!is_summariser && (rc = check_classifier(m, bad, err)))
        return rc;
    if (lstm_tokenizer_vocab(m->tokenizer) != m->sizes.vocab)
        return lstm_fail(err, bad, "embedding.weight has %d rows, the vocabulary %d tokens",
                         (int)m->sizes.vocab, (int)lstm_tokenizer_vocab(m->tokenizer));
    return m->card ? check_card(m->card, bad, err) : LSTM_OK;
}
