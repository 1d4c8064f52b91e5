/* The arithmetic of an LSTM's cell, and how its elements are stored.
 *
 * In fp32 the activations are the accurate ones. With halves they are the processor's own: states
 * are rounded to 11 bits anyway, and tanh.approx, one instruction with a relative error of 2^-11,
 * is what makes the gates cheaper than the products. */
#ifndef LSTM_GPU_CELL_H
#define LSTM_GPU_CELL_H

#include <cuda_fp16.h>
#include <cuda_runtime.h>

template <typename Element> struct Activation;

template <> struct Activation<float> {
    static __device__ float tanh(float x)
    {
        return tanhf(x);
    }
    static __device__ float sigmoid(float x)
    {
        return 1.0f / (1.0f + expf(-x));
    }
};

template <> struct Activation<__half> {
    static __device__ float tanh(float x)
    {
        return __tanhf(x);
    }
    static __device__ float sigmoid(float x)
    {
        return fmaf(0.5f, __tanhf(0.5f * x), 0.5f);
    }
};

/* One step of one unit (Hochreiter and Schmidhuber 1997, Gers et al. 2000): returns its state. */
template <typename Element>
__device__ float cell_step(float in, float forget, float update, float out, float *cell)
{
    using act = Activation<Element>;
    *cell = fmaf(act::sigmoid(forget), *cell, act::sigmoid(in) * act::tanh(update));
    return act::sigmoid(out) * act::tanh(*cell);
}

__device__ inline float element_float(float x)
{
    return x;
}
__device__ inline float element_float(__half x)
{
    return __half2float(x);
}
template <typename Element> __device__ Element element_from(float x)
{
    return Element(x);
}
template <> __device__ inline __half element_from<__half>(float x)
{
    return __float2half_rn(x);
}

/* Two neighbouring elements as floats. */
__device__ inline float2 pair_at(const float *elements)
{
    return *reinterpret_cast<const float2 *>(elements);
}
__device__ inline float2 pair_at(const __half *elements)
{
    return __half22float2(*reinterpret_cast<const __half2 *>(elements));
}

/* The four gates of a unit, i f g o, stored together. */
template <typename Element> struct alignas(4 * sizeof(Element)) Gates {
    Element in, forget, update, out;
};

#endif
