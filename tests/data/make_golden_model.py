#!/usr/bin/env python3
"""Makes golden_model, golden_int8 and golden_vectors.safetensors beside this script, by struct and json alone.

Nothing here knows the C code: the files follow model/FORMAT.md as any foreign program would write them. On purpose
they differ from what our own writer makes: tensors sorted by name, three dtypes in one file, a header that is not
padded (so the data is not aligned), every character beyond ASCII escaped.
"""
import json
import os
import struct

HERE = os.path.dirname(os.path.abspath(__file__))
ENTRIES = ["a", "b", " good", " film", "\u00e9", "\U0001f600"]
VOCAB, E, H, CLASSES = 257 + len(ENTRIES), 16, 16, 3
VOCABULARY = "".join(entry + "\n" for entry in ENTRIES)


def value(tensor, i):
    """A multiple of 1/64 in -1/2 .. 1/2: exact in F32, F16 and BF16."""
    return ((i * 7 + tensor * 13) % 65 - 32) / 64


def f32(x):
    return struct.pack("<f", x)


def f16(x):
    return struct.pack("<e", x)


def bf16(x):
    return struct.pack("<f", x)[2:]


def i8(x):
    return struct.pack("<b", x)


DTYPES = {"F32": f32, "F16": f16, "BF16": bf16, "I8": i8}


def write(path, metadata, tensors):
    """tensors: name -> (dtype, shape, values)"""
    header, data = {"__metadata__": metadata}, b""
    for name, (dtype, shape, values) in tensors.items():
        raw = b"".join(DTYPES[dtype](v) for v in values)
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (1 - len(text) % 2)  # an odd length, so that nothing in the file is aligned
    with open(os.path.join(HERE, path), "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def model():
    # (name, dtype, shape); the place in this list is the first argument of value().
    plan = [("embedding.weight", "BF16", [VOCAB, E])]
    for suffix in "_l0", "_l0_reverse":
        plan += [("lstm.weight_ih" + suffix, "F16", [4 * H, E]), ("lstm.weight_hh" + suffix, "F32", [4 * H, H]),
                 ("lstm.bias_ih" + suffix, "F32", [4 * H]), ("lstm.bias_hh" + suffix, "F16", [4 * H])]
    plan += [("attention.weight", "F32", [1, 2 * H]), ("classifier.weight", "F16", [CLASSES, 6 * H]),
             ("classifier.bias", "BF16", [CLASSES])]
    tensors = {}
    for k, (name, dtype, shape) in enumerate(plan):
        count = shape[0] * (shape[1] if len(shape) > 1 else 1)
        tensors[name] = (dtype, shape, [value(k, i) for i in range(count)])
    tensors["lstm.weight_ih_l0"][2][:3] = [2.0**-24, -1023 * 2.0**-24, 65504.0]  # subnormals, the largest F16
    metadata = {
        "format": "lstm-model", "version": "1", "task": "classify", "window": "64", "overlap": "16",
        "labels": json.dumps(["n\u00e9gatif", "neutral", "\u6b63"]), "temperature": "1.25", "tokenizer": "bpe",
        "vocabulary": VOCABULARY, "card": json.dumps({"seed": 7, "data": "none"}),
    }
    write("golden_model.safetensors", metadata, dict(sorted(tensors.items())))


def as_f32(x):
    return struct.unpack("<f", struct.pack("<f", x))[0]


def quantised(*matrices):
    """Matrices as lists of rows, with a scale for each row of all of them -> their int8 values, the scales."""
    scales = [as_f32(max(abs(x) for row in rows for x in row) / 127) or 1.0 for rows in zip(*matrices)]
    return [[round(as_f32(x / scale)) for row, scale in zip(matrix, scales) for x in row]
            for matrix in matrices], scales


def int8_summariser():
    """Each number is value() of the place of its tensor in model/layout.c, where one bias stands for two."""
    entries = list("abcdefghijklmno")
    vocab, h2, d, a = 257 + len(entries), 2 * H, 32, 48
    tensors, place = {}, 0

    def numbers(count):
        nonlocal place
        place += 1
        return [value(place - 1, i) for i in range(count)]

    def rows(shape):
        flat = numbers(shape[0] * shape[1])
        return [flat[r * shape[1]:(r + 1) * shape[1]] for r in range(shape[0])]

    def matrix(name, *shape):
        (flat,), scales = quantised(rows(shape))
        tensors[name] = ("I8", list(shape), flat)
        tensors[name + "_scale"] = ("F32", [shape[0]], scales)

    def vector(name, *shape):
        tensors[name] = ("F32", list(shape), numbers(shape[-1]))

    def bias(module, suffix, count):
        vector(module + ".bias_ih" + suffix, count)
        tensors[module + ".bias_hh" + suffix] = ("F16", [count], [0.0] * count)

    matrix("embedding.weight", vocab, E)
    for suffix in "_l0", "_l0_reverse":
        matrix("lstm.weight_ih" + suffix, 4 * H, E)
        matrix("lstm.weight_hh" + suffix, 4 * H, H)
        bias("lstm", suffix, 4 * H)
    matrix("bridge.weight", 2 * d, h2)
    vector("bridge.bias", 2 * d)
    (ih, hh), scales = quantised(rows((4 * d, E + h2)), rows((4 * d, d)))
    tensors["decoder.weight_ih"] = ("I8", [4 * d, E + h2], ih)
    tensors["decoder.weight_hh"] = ("I8", [4 * d, d], hh)
    tensors["decoder.weight_scale"] = ("F32", [4 * d], scales)
    bias("decoder", "", 4 * d)
    matrix("align_state.weight", a, h2)
    matrix("align_query.weight", a, d)
    vector("align_query.bias", a)
    vector("align_coverage.weight", 1, a)
    vector("align_score.weight", 1, a)
    vector("copy.weight", 1, h2 + d + E)
    matrix("output.weight", E, d + h2)
    vector("output.bias", E)
    vector("vocabulary.bias", vocab)
    vector("copy.bias", 1)
    metadata = {
        "format": "lstm-model", "version": "1", "task": "summarize", "window": "64", "overlap": "16",
        "tokenizer": "bpe", "vocabulary": "".join(entry + "\n" for entry in entries), "card": json.dumps({"seed": 8}),
    }
    write("golden_int8.safetensors", metadata, dict(sorted(tensors.items())))


def vectors():
    metadata = {"format": "lstm-vectors", "version": "1", "tokenizer": "bpe", "vocabulary": VOCABULARY}
    values = [value(1, i) for i in range(VOCAB * E)]
    write("golden_vectors.safetensors", metadata, {"embedding.weight": ("F32", [VOCAB, E], values)})


if __name__ == "__main__":
    model()
    int8_summariser()
    vectors()
