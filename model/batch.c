#include "batch.h"

int32_t lstm_window_count(const struct lstm_sizes *sizes, int32_t tokens)
{
    int32_t stride = sizes->window - sizes->overlap;
    return tokens <= sizes->window ? 1 : 1 + (tokens - sizes->window + stride - 1) / stride;
}

struct lstm_window lstm_window_at(const struct lstm_sizes *sizes, int32_t text, int32_t start,
                                  int32_t tokens, int32_t i)
{
    int32_t stride = sizes->window - sizes->overlap;
    int32_t begin = i * stride;
    int32_t end = tokens - begin > sizes->window ? begin + sizes->window : tokens;
    int32_t own_begin = i ? begin + sizes->overlap / 2 : 0;
    int32_t own_end = end < tokens ? begin + stride + sizes->overlap / 2 : tokens;
    return (struct lstm_window){
        .text = text,
        .start = start + begin,
        .length = end - begin,
        .own_start = start + own_begin,
        .own_length = own_end - own_begin,
    };
}

int32_t lstm_windows_next(const struct lstm_sizes *sizes, const struct lstm_batch *batch,
                          struct lstm_walk *walk, struct lstm_window *windows, int32_t max)
{
    int32_t count = 0;
    for (; walk->text < batch->texts; walk->text++, walk->window = 0) {
        const int32_t start = batch->starts[walk->text];
        const int32_t tokens = batch->starts[walk->text + 1] - start;
        const int32_t parts = lstm_window_count(sizes, tokens);
        for (; walk->window < parts; walk->window++, count++) {
            if (count == max)
                return count;
            windows[count] = lstm_window_at(sizes, walk->text, start, tokens, walk->window);
            windows[count].index = count;
        }
    }
    return count;
}

/* A counting sort, which is stable. */
void lstm_windows_sort(const struct lstm_window *windows, int32_t count, struct lstm_window *sorted)
{
    int32_t next[LSTM_WINDOW_MAX + 1] = { 0 }; /* by length: how many, then where the next goes */
    for (int32_t i = 0; i < count; i++)
        next[windows[i].length]++;
    for (int32_t length = LSTM_WINDOW_MAX, at = 0; length > 0; length--) {
        const int32_t here = next[length];
        next[length] = at;
        at += here;
    }
    for (int32_t i = 0; i < count; i++)
        sorted[next[windows[i].length]++] = windows[i];
}

enum lstm_status lstm_batch_check(const struct lstm_sizes *sizes, const struct lstm_batch *batch,
                                  struct lstm_error *err)
{
    for (int32_t i = 0; i < batch->texts; i++) {
        if (batch->starts[i] >= batch->starts[i + 1])
            return lstm_fail(err, LSTM_RANGE, "text %d of the batch has no token", i);
        for (int32_t t = batch->starts[i]; t < batch->starts[i + 1]; t++)
            if (batch->tokens[t] < 0 || batch->tokens[t] >= sizes->vocab)
                return lstm_fail(err, LSTM_RANGE, "token %d of a vocabulary of %d",
                                 batch->tokens[t], sizes->vocab);
    }
    return LSTM_OK;
}
