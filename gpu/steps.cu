/* The kernels around cuBLAS's products: what they are added to, and the gates of one step. */
#include "gpu/cell.h"
#include "gpu/launch.h"

extern "C" {
#include "gpu/kernels.h"
}

enum { THREADS = 256 };

template <typename Element>
__global__ void fill(const size_t count, const int cols, const float *bias, Element *elements)
{
    const size_t stride = static_cast<size_t>(gridDim.x) * THREADS;
    for (size_t i = static_cast<size_t>(blockIdx.x) * THREADS + threadIdx.x; i < count; i += stride)
        elements[i] = element_from<Element>(bias[i % static_cast<size_t>(cols)]);
}

extern "C" cudaError_t gpu_fill(cudaStream_t stream, enum lstm_precision precision, int32_t rows,
                                int32_t cols, const float *bias, void *elements)
{
    enum { BLOCKS_MAX = 4096, EACH = 8 }; /* elements of a thread, at least */
    const size_t count = static_cast<size_t>(rows) * static_cast<size_t>(cols);
    const size_t blocks = (count + THREADS * EACH - 1) / (THREADS * EACH);
    const Launch with = { stream, dim3(static_cast<unsigned>(min(blocks, size_t{ BLOCKS_MAX }))),
                          THREADS, 0, false };
    return precision == LSTM_PRECISION_FP16
               ? launch(with, fill<__half>, count, cols, bias, static_cast<__half *>(elements))
               : launch(with, fill<float>, count, cols, bias, static_cast<float *>(elements));
}

/* A thread computes one unit of the row blockIdx.y. */
template <typename Element> __global__ void gates(const gpu_layer layer, const gpu_step step)
{
    const int row = static_cast<int>(blockIdx.y);
    const int unit = static_cast<int>(blockIdx.x * THREADS + threadIdx.x);
    const int now = *step.first + step.offset;
    if (row >= layer.count || unit >= layer.hidden || now >= layer.rows[row].length)
        return; /* no barrier follows */
    const gpu_row r = layer.rows[row];
    const int position = step.reverse ? r.length - 1 - now : now;
    const size_t units = static_cast<size_t>(layer.hidden), here = static_cast<size_t>(unit);
    const size_t side = step.reverse ? units : 0;
    const size_t input =
        static_cast<size_t>(layer.tokens ? layer.tokens[r.token + position] : r.state + position);
    const size_t at = static_cast<size_t>(row) * units + here;
    const auto x =
        static_cast<const Gates<Element> *>(layer.inputs)[input * 2 * units + side + here];
    const auto h = reinterpret_cast<const Gates<float> *>(step.products)[at];
    const Element state = element_from<Element>(cell_step<Element>(
        element_float(x.in) + h.in, element_float(x.forget) + h.forget,
        element_float(x.update) + h.update, element_float(x.out) + h.out, &step.cells[at]));
    static_cast<Element *>(step.states)[at] = state;
    static_cast<Element *>(
        layer.states)[static_cast<size_t>(r.state + position) * 2 * units + side + here] = state;
}

extern "C" cudaError_t gpu_gates(cudaStream_t stream, enum lstm_precision precision,
                                 const struct gpu_layer *layer, int32_t rows,
                                 const struct gpu_step *step)
{
    const Launch with = { stream,
                          dim3(static_cast<unsigned>(layer->hidden + THREADS - 1) / THREADS,
                               static_cast<unsigned>(rows)),
                          THREADS, 0, false };
    return precision == LSTM_PRECISION_FP16 ? launch(with, gates<__half>, *layer, *step)
                                            : launch(with, gates<float>, *layer, *step);
}

__global__ void advance(int32_t *first, const int32_t count)
{
    *first += count;
}

extern "C" cudaError_t gpu_advance(cudaStream_t stream, int32_t *first, int32_t count)
{
    const Launch with = { stream, dim3(1), 1, 0, false };
    return launch(with, advance, first, count);
}
