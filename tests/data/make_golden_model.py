#!/usr/bin/env python3
"""Makes golden_model.safetensors and golden_vectors.safetensors beside this script, by struct and json alone.

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


DTYPES = {"F32": f32, "F16": f16, "BF16": bf16}


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


def vectors():
    metadata = {"format": "lstm-vectors", "version": "1", "tokenizer": "bpe", "vocabulary": VOCABULARY}
    values = [value(1, i) for i in range(VOCAB * E)]
    write("golden_vectors.safetensors", metadata, {"embedding.weight": ("F32", [VOCAB, E], values)})


if __name__ == "__main__":
    model()
    vectors()
