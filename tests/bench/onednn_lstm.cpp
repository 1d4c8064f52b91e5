// oneDNN's LSTM primitive (version 2), one direction, one layer, on one thread: the fastest LSTM for CPUs found.
// Answers each line "lstm int8|fp32 EMBEDDING HIDDEN LENGTH..." with the tokens a second of one run. All texts run as
// long as the longest. See peer.h.
#include <cstdint>
#include <ctime>
#include <iostream>
#include <map>
#include <oneapi/dnnl/dnnl.hpp>
#include <sstream>
#include <string>
#include <unordered_map>

using namespace dnnl;
using tag = memory::format_tag;
using type = memory::data_type;

static double seconds()
{
    timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

struct network {
    lstm_forward primitive;
    std::unordered_map<int, memory> arguments;
    double tokens;
};

// Inputs and states small and varied, as those of a network are.
static memory filled(const memory::desc &desc, const engine &device)
{
    memory result(desc, device);
    void *at = result.get_data_handle();
    if (desc.data.data_type == dnnl_f32)
        for (size_t i = 0; i < desc.get_size() / sizeof(float); i++)
            ((float *)at)[i] = (float)((int)(i * 2654435761u % 2001) - 1000) / 12000.f;
    else
        for (size_t i = 0; i < desc.get_size(); i++)
            ((char *)at)[i] = (char)(i * 31 % 97 + 60);
    return result;
}

static network build(const engine &device, stream &queue, bool int8, int embedding, int hidden, int steps, int texts)
{
    const type data = int8 ? type::u8 : type::f32, weights = int8 ? type::s8 : type::f32;
    const memory::desc source({ steps, texts, embedding }, data, tag::tnc);
    const memory::desc target({ steps, texts, hidden }, data, tag::tnc);
    const memory::desc state({ 1, 1, texts, hidden }, data, tag::ldnc);
    const memory::desc cell({ 1, 1, texts, hidden }, type::f32, tag::ldnc);
    const memory::desc input({ 1, 1, embedding, 4, hidden }, weights, tag::any);
    const memory::desc recurrent({ 1, 1, hidden, 4, hidden }, weights, tag::any);
    const memory::desc bias({ 1, 1, 4, hidden }, type::f32, tag::ldgo);
    const lstm_forward::desc description(prop_kind::forward_inference, rnn_direction::unidirectional_left2right, source,
                                         state, cell, input, recurrent, bias, target, state, cell);
    primitive_attr scales;
    if (int8) {
        scales.set_rnn_data_qparams(64.f, 128.f);
        scales.set_rnn_weights_qparams(0, { 100.f });
    }
    const lstm_forward::primitive_desc chosen(description, scales, device);
    // Weights go by way of a reorder from fp32, which also makes what int8 needs beside them.
    auto packed = [&](const memory::desc &to, int rows) {
        memory from = filled(memory::desc({ 1, 1, rows, 4, hidden }, type::f32, tag::ldigo), device), result(to, device);
        reorder(reorder::primitive_desc(device, from.get_desc(), device, to, scales)).execute(queue, from, result);
        queue.wait();
        return result;
    };
    return { lstm_forward(chosen),
             { { DNNL_ARG_SRC_LAYER, filled(chosen.src_layer_desc(), device) },
               { DNNL_ARG_SRC_ITER, filled(chosen.src_iter_desc(), device) },
               { DNNL_ARG_SRC_ITER_C, filled(chosen.src_iter_c_desc(), device) },
               { DNNL_ARG_WEIGHTS_LAYER, packed(chosen.weights_layer_desc(), embedding) },
               { DNNL_ARG_WEIGHTS_ITER, packed(chosen.weights_iter_desc(), hidden) },
               { DNNL_ARG_BIAS, filled(chosen.bias_desc(), device) },
               { DNNL_ARG_DST_LAYER, filled(chosen.dst_layer_desc(), device) },
               { DNNL_ARG_DST_ITER, filled(chosen.dst_iter_desc(), device) },
               { DNNL_ARG_DST_ITER_C, filled(chosen.dst_iter_c_desc(), device) } },
             (double)steps * texts };
}

static double rate(network &net, stream &queue)
{
    double began = seconds(), passed = 0, tokens = 0;
    do {
        net.primitive.execute(queue, net.arguments);
        queue.wait();
        tokens += net.tokens;
        passed = seconds() - began;
    } while (passed < 0.1);
    return tokens / passed;
}

int main()
{
    engine device(engine::kind::cpu, 0);
    stream queue(device);
    std::map<std::string, network> networks;
    for (std::string line; std::getline(std::cin, line);) {
        try {
            if (!networks.count(line)) {
                std::istringstream words(line);
                std::string kind, precision;
                int embedding, hidden, length, steps = 0, texts = 0;
                words >> kind >> precision >> embedding >> hidden;
                for (; words >> length; texts++)
                    steps = length > steps ? length : steps;
                networks.emplace(line, build(device, queue, precision == "int8", embedding, hidden, steps, texts));
            }
            std::cout << rate(networks.at(line), queue) << std::endl;
        } catch (const dnnl::error &failure) {
            std::cout << "failed: " << failure.what() << std::endl;
        }
    }
}
