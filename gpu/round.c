#include "gpu/round.h"

#include <stdlib.h>
#include <string.h>

enum { STOP_WINDOWS = 512 }; /* after so many the stop function is asked again */

struct gpu_windows {
    struct lstm_window *sorted; /* rows_max, as are the windows */
    struct lstm_window windows[];
};

struct gpu_windows *gpu_windows_open(int32_t rows_max)
{
    struct gpu_windows *w = malloc(sizeof *w + 2 * (size_t)rows_max * sizeof(struct lstm_window));
    if (w)
        w->sorted = w->windows + rows_max;
    return w;
}

void gpu_windows_close(struct gpu_windows *windows)
{
    free(windows);
}

static int32_t least(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

/* Takes windows while the room surely holds the next, so that short ones fill it too. */
static enum lstm_status take(struct lstm_window *windows, const struct lstm_sizes *sizes,
                             const struct lstm_batch *batch, struct lstm_walk *walk,
                             int32_t rows_max, int32_t states_max, struct gpu_round *round,
                             struct lstm_error *err)
{
    int32_t room;
    round->rows_count = round->states_count = 0;
    while ((room = least(least(rows_max - round->rows_count, STOP_WINDOWS),
                         (states_max - round->states_count) / sizes->window)) > 0) {
        struct lstm_window *next = windows + round->rows_count;
        const int32_t text = walk->text;
        const int32_t count = lstm_windows_next(sizes, batch, walk, next, room);
        if (count == 0)
            break;
        if (batch->stop && batch->stop(batch->stop_arg))
            return lstm_fail(err, LSTM_INTERRUPTED, "interrupted after %d of %d texts", text,
                             batch->texts);
        for (int32_t i = 0; i < count; i++) {
            next[i].index += round->rows_count;
            round->states_count += next[i].length;
        }
        round->rows_count += count;
    }
    return LSTM_OK;
}

static void put_rows(const struct lstm_window *sorted, int32_t first_token, struct gpu_round *round)
{
    int32_t state = 0;
    for (int32_t i = 0; i < round->rows_count; i++) {
        const struct lstm_window *w = &sorted[i];
        round->rows[i] = (struct gpu_row){ .token = w->start - first_token,
                                           .state = state,
                                           .length = w->length,
                                           .own = w->own_start - w->start,
                                           .own_length = w->own_length,
                                           .pool = w->index };
        state += w->length;
    }
}

static void put_texts(const struct lstm_window *windows, const struct lstm_batch *batch,
                      struct gpu_round *round)
{
    round->texts_count = 0;
    for (int32_t i = 0; i < round->rows_count; i++) {
        const struct lstm_window *w = &windows[i];
        const int32_t *starts = batch->starts + w->text;
        if (i == 0 || w->text != windows[i - 1].text)
            round->texts[round->texts_count++] = (struct gpu_text){
                .pool = i, .states = starts[1] - starts[0], .begins = w->start == starts[0]
            };
        struct gpu_text *text = &round->texts[round->texts_count - 1];
        text->pools++;
        text->ends = w->own_start + w->own_length == starts[1];
    }
}

enum lstm_status gpu_round_next(struct gpu_windows *w, const struct lstm_sizes *sizes,
                                const struct lstm_batch *batch, struct lstm_walk *walk,
                                int32_t rows_max, int32_t states_max, struct gpu_round *round,
                                struct lstm_error *err)
{
    enum lstm_status rc = take(w->windows, sizes, batch, walk, rows_max, states_max, round, err);
    if (rc || round->rows_count == 0)
        return rc;
    const int32_t first = w->windows[0].start;
    const struct lstm_window *last = &w->windows[round->rows_count - 1];
    round->first_text = w->windows[0].text;
    round->first_token = first;
    round->tokens_count = last->start + last->length - first; /* windows overlap, tokens do not */
    memcpy(round->tokens, batch->tokens + first,
           (size_t)round->tokens_count * sizeof *round->tokens);
    lstm_windows_sort(w->windows, round->rows_count, w->sorted);
    put_rows(w->sorted, first, round);
    put_texts(w->windows, batch, round);
    return LSTM_OK;
}

int32_t gpu_round_active(const struct gpu_round *round, int32_t step)
{
    int32_t low = 0, high = round->rows_count;
    while (low < high) {
        const int32_t middle = low + (high - low) / 2;
        if (round->rows[middle].length > step)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void gpu_round_measure(const struct lstm_sizes *sizes, const struct lstm_batch *batch,
                       int32_t rows_max, int32_t states_max, int32_t *rows, int32_t *states)
{
    int64_t windows = 0, tokens = 0;
    for (int32_t i = 0; i < batch->texts && (windows < rows_max || tokens < states_max); i++) {
        const int32_t length = batch->starts[i + 1] - batch->starts[i];
        const int32_t count = lstm_window_count(sizes, length);
        windows += count;
        tokens += length + (int64_t)(count - 1) * sizes->overlap;
    }
    *rows = windows < rows_max ? (int32_t)windows : rows_max;
    *states = tokens < states_max ? (int32_t)tokens : states_max;
}
