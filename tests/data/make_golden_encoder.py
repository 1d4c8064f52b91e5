#!/usr/bin/env python3
"""Makes golden_encoder_*.safetensors beside this script, with PyTorch: the oracle of the forward and backward passes.

For each network NAME two files: golden_encoder_NAME.safetensors, a model as model/FORMAT.md describes it, and
golden_encoder_NAME_expected.safetensors with tokens, starts and targets (I32), the logits of the texts, and
"gradient.X", the gradient of the cross-entropy summed over the texts, for each tensor X of model/layout.c. Nothing here
knows the C code: the LSTM is nn.LSTM, the gradient is autograd's. tests/check_torch.py uses the same network.
"""
import json
import os
import struct

import torch
from torch import nn

HERE = os.path.dirname(os.path.abspath(__file__))
BYTE_TOKENS = 257  # the mask and the bytes come before the entries of a vocabulary


def windows(count, window, overlap):
    """(begin, end, own_begin, own_end) of each window of a text of count tokens: see model/batch.h."""
    result, begin, own_begin = [], 0, 0
    while True:
        end = min(begin + window, count)
        if end == count:
            return result + [(begin, end, own_begin, count)]
        shared = end - overlap  # where the next window begins
        own_end = shared + overlap // 2
        result.append((begin, end, own_begin, own_end))
        begin, own_begin = shared, own_end


class Network(nn.Module):
    """The network of model/model.h, for one text at a time."""

    def __init__(self, vocab, embedding, hidden, layers, classes, window, overlap):
        super().__init__()
        self.window, self.overlap = window, overlap
        self.embedding = nn.Embedding(vocab, embedding)
        self.lstm = nn.LSTM(embedding, hidden, layers, batch_first=True, bidirectional=True)
        self.attention = nn.Linear(2 * hidden, 1, bias=False)
        self.classifier = nn.Linear(6 * hidden, classes)

    def randomise(self, lstm_scale, other_scale, exact_in_f16):
        """Every parameter even in -scale .. scale, so that gates leave their linear part."""
        for name, parameter in self.named_parameters():
            scale = lstm_scale if name.startswith("lstm.") else other_scale
            nn.init.uniform_(parameter, -scale, scale)
            if exact_in_f16:
                parameter.data = parameter.data.half().float()

    def forward(self, tokens):
        states = []
        for begin, end, own_begin, own_end in windows(len(tokens), self.window, self.overlap):
            output, _ = self.lstm(self.embedding(tokens[begin:end]).unsqueeze(0))
            states.append(output[0, own_begin - begin:own_end - begin])
        states = torch.cat(states)
        weights = torch.softmax(self.attention(states).squeeze(1), dim=0)
        return self.classifier(torch.cat([weights @ states, states.max(dim=0).values, states.mean(dim=0)]))


def safetensors(tensors, metadata):
    """The bytes of a file. tensors: name -> tensor of F32, F16, I32 or I8."""
    names = {torch.float32: "F32", torch.float16: "F16", torch.int32: "I32", torch.int8: "I8"}
    header, data = {"__metadata__": metadata}, b""
    for name, tensor in tensors.items():
        raw = tensor.detach().contiguous().numpy().tobytes()
        header[name] = {"dtype": names[tensor.dtype], "shape": list(tensor.shape),
                        "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def model_metadata(network, entries, temperature=1.0):
    """What a model file of this network says, with a vocabulary of these entries."""
    assert network.embedding.num_embeddings == BYTE_TOKENS + len(entries)
    labels = [f"class{k}" for k in range(network.classifier.out_features)]
    return {"format": "lstm-model", "version": "1", "task": "classify", "window": str(network.window),
            "overlap": str(network.overlap), "labels": json.dumps(labels), "temperature": repr(temperature),
            "tokenizer": "bpe", "vocabulary": "".join(entry + "\n" for entry in entries)}


def model_file(network, entries, dtype, temperature=1.0):
    """A model file of this network with a vocabulary of these entries."""
    tensors = {name: p.to(dtype) for name, p in network.state_dict().items()}
    return safetensors(tensors, model_metadata(network, entries, temperature))


def gradients(network):
    """By the names of model/layout.c, where one bias stands for the sum of two."""
    for name, parameter in network.named_parameters():
        if "bias_hh" not in name:
            yield "gradient." + name.replace("bias_ih", "bias"), parameter.grad


def make(name, seed, lengths, **sizes):
    torch.manual_seed(seed)
    network = Network(vocab=BYTE_TOKENS, **sizes)
    network.randomise(0.4, 0.4, exact_in_f16=True)
    texts = [torch.randint(0, 40, (length,)) for length in lengths]  # few tokens, so that they repeat
    targets = torch.randint(0, sizes["classes"], (len(texts),))
    logits = torch.stack([network(text) for text in texts])
    nn.functional.cross_entropy(logits, targets, reduction="sum").backward()
    starts = torch.tensor([0] + lengths).cumsum(0)
    expected = {"tokens": torch.cat(texts).int(), "starts": starts.int(), "targets": targets.int(), "logits": logits}
    expected.update(gradients(network))
    path = os.path.join(HERE, "golden_encoder_" + name)
    with open(path + ".safetensors", "wb") as file:
        file.write(model_file(network, [], torch.float16))
    with open(path + "_expected.safetensors", "wb") as file:
        file.write(safetensors(expected, {"made_by": os.path.basename(__file__)}))


if __name__ == "__main__":
    torch.set_num_threads(1)
    make("1", 1, [7, 1, 50, 16, 17, 23], embedding=32, hidden=16, layers=1, classes=2, window=16, overlap=6)
    make("2", 2, [40, 3, 1, 19], embedding=16, hidden=16, layers=2, classes=4, window=17, overlap=5)
