#include "tests/reference.h"
#include "tests/networks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double sigmoid(double x)
{
    return 1.0 / (1.0 + exp(-x));
}

void reference_lstm_step(size_t h, size_t in, const double *w_ih, const double *w_hh,
                         const double *bias, const double *x, const double *h_before, double *cell,
                         double *h_now)
{
    for (size_t unit = 0; unit < h; unit++) {
        double z[4];
        for (size_t gate = 0; gate < 4; gate++) {
            size_t row = gate * h + unit;
            double sum = bias[row];
            for (size_t j = 0; j < in; j++)
                sum += w_ih[row * in + j] * x[j];
            for (size_t j = 0; j < h; j++)
                sum += w_hh[row * h + j] * h_before[j];
            z[gate] = sum;
        }
        cell[unit] = sigmoid(z[1]) * cell[unit] + sigmoid(z[0]) * tanh(z[2]);
        h_now[unit] = sigmoid(z[3]) * tanh(cell[unit]);
    }
}

/* A bidirectional layer over one window: x (length x in) to y (length x 2h). params: ih, hh, bias,
 * then for reverse. */
static void lstm_layer(size_t h, size_t in, const double *params, int32_t length, const double *x,
                       double *y)
{
    double *cell = network_memory(3 * h * sizeof *cell), *before = cell + h, *now = before + h;
    for (int reverse = 0; reverse < 2; reverse++) {
        const double *w_ih = params + (reverse ? 4 * h * (in + h + 1) : 0);
        const double *w_hh = w_ih + 4 * h * in, *bias = w_hh + 4 * h * h;
        memset(cell, 0, 2 * h * sizeof *cell);
        for (int32_t step = 0; step < length; step++) {
            size_t t = (size_t)(reverse ? length - 1 - step : step);
            reference_lstm_step(h, in, w_ih, w_hh, bias, x + t * in, before, cell, now);
            memcpy(before, now, h * sizeof *now);
            memcpy(y + t * 2 * h + (reverse ? h : 0), now, h * sizeof *now);
        }
    }
    free(cell);
}

/* All layers over tokens (length); the last layer's states go to y (length x 2h). */
static void read_window(const struct lstm_sizes *s, const double *params, const int32_t *tokens,
                        int32_t length, const float *mask, double *y)
{
    size_t h = (size_t)s->hidden, e = (size_t)s->embedding, in = e, wide = e > 2 * h ? e : 2 * h;
    double *x = network_memory((size_t)length * wide * sizeof *x);
    for (size_t t = 0; t < (size_t)length; t++)
        for (size_t j = 0; j < e; j++)
            x[t * e + j] = params[(size_t)tokens[t] * e + j] * (mask ? (double)mask[j] : 1.0);
    params += (size_t)s->vocab * e;
    for (int layer = 0; layer < s->layers; layer++, in = 2 * h) {
        lstm_layer(h, in, params, length, x, y);
        memcpy(x, y, (size_t)length * 2 * h * sizeof *y);
        params += 2 * 4 * h * (in + h + 1);
    }
    free(x);
}

/* Windows begin every window - overlap tokens until one reaches the end; of shared tokens half,
 * rounded down, are the earlier's. */
void reference_states(const struct lstm_sizes *s, const double *params, const int32_t *tokens,
                      int32_t count, const float *mask, double *states)
{
    size_t width = 2 * (size_t)s->hidden;
    double *y = network_memory((size_t)s->window * width * sizeof *y);
    int32_t stride = s->window - s->overlap, owned = 0; /* states taken so far */
    for (int32_t begin = 0; owned < count; begin += stride) {
        int32_t end = begin + s->window, last = end >= count;
        end = last ? count : end;
        int32_t own_end = last ? count : end - s->overlap + s->overlap / 2;
        read_window(s, params, tokens + begin, end - begin, mask, y);
        for (; owned < own_end; owned++)
            memcpy(states + (size_t)owned * width, y + (size_t)(owned - begin) * width,
                   width * sizeof *y);
    }
    free(y);
}

/* features: sum of softmax(w . h) h, elementwise max, mean. */
static void pool(size_t width, int32_t count, const double *states, const double *attention,
                 double *features)
{
    double total = 0.0, *weights = network_memory((size_t)count * sizeof *weights);
    double top = -INFINITY;
    for (size_t t = 0; t < (size_t)count; t++) {
        weights[t] = 0.0;
        for (size_t j = 0; j < width; j++)
            weights[t] += attention[j] * states[t * width + j];
        top = fmax(top, weights[t]);
    }
    for (size_t t = 0; t < (size_t)count; t++)
        total += weights[t] = exp(weights[t] - top);
    for (size_t j = 0; j < width; j++) {
        double attended = 0.0, most = -INFINITY, mean = 0.0;
        for (size_t t = 0; t < (size_t)count; t++) {
            double state = states[t * width + j];
            attended += weights[t] / total * state;
            most = fmax(most, state);
            mean += state / count;
        }
        features[j] = attended;
        features[width + j] = most;
        features[2 * width + j] = mean;
    }
    free(weights);
}

void reference_logits(const struct lstm_sizes *s, const double *params, const int32_t *tokens,
                      int32_t count, const struct reference_masks *masks, double *logits)
{
    size_t h = (size_t)s->hidden, width = 2 * h, columns = 3 * width;
    double *states = network_memory(((size_t)count * width + columns) * sizeof *states);
    double *features = states + (size_t)count * width;
    const double *attention = params + (size_t)s->vocab * (size_t)s->embedding;
    for (int layer = 0; layer < s->layers; layer++)
        attention += 2 * 4 * h * ((layer ? width : (size_t)s->embedding) + h + 1);
    const double *weight = attention + width, *bias = weight + (size_t)s->classes * columns;

    reference_states(s, params, tokens, count, masks ? masks->embedding : NULL, states);
    pool(width, count, states, attention, features);
    for (size_t k = 0; k < (size_t)s->classes; k++) {
        logits[k] = bias[k];
        for (size_t j = 0; j < columns; j++)
            logits[k] += weight[k * columns + j] * features[j] *
                         (masks && masks->features ? (double)masks->features[j] : 1.0);
    }
    free(states);
}

double reference_cross_entropy(int32_t classes, const double *logits, int32_t target)
{
    double top = logits[0], total = 0.0;
    for (int32_t k = 1; k < classes; k++)
        top = fmax(top, logits[k]);
    for (int32_t k = 0; k < classes; k++)
        total += exp(logits[k] - top);
    return top + log(total) - logits[target];
}
