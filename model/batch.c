#include "batch.h"

#include <assert.h>

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

/* A counting sort by length: stable, so windows of one length keep the order of their texts. */
void lstm_windows_sorted(const struct lstm_sizes *sizes, const struct lstm_batch *batch,
                         struct lstm_window *windows, int32_t count)
{
    int32_t next[LSTM_WINDOW_MAX + 2] = {
        0
    }; /* by length: where the next window of that length goes */
    for (int pass = 0; pass < 2; pass++) {
        for (int32_t i = 0; i < batch->texts; i++) {
            int32_t start = batch->starts[i], tokens = batch->starts[i + 1] - start;
            int32_t parts = lstm_window_count(sizes, tokens);
            for (int32_t p = 0; p < parts; p++) {
                struct lstm_window window = lstm_window_at(sizes, i, start, tokens, p);
                if (pass)
                    windows[next[window.length]++] = window;
                else
                    next[window.length]++;
            }
        }
        for (int32_t length = sizes->window, at = 0; !pass && length > 0; length--) {
            int32_t here = next[length];
            next[length] = at;
            at += here;
        }
    }
    assert(next[1] == count || batch->texts == 0);
    (void)count;
}
