#!/usr/bin/env python3
"""tests/check_int8.py [EXTENSION [SEED]]: int8 models from SQL to probabilities, against model/FORMAT.md in PyTorch.

Random networks are quantised here, become model files, are imported with lstm_model_import, and score random texts with
lstm_classify. What they should have computed, "What a quantised model computes" in FORMAT.md, is written out below,
with the sums of integers in double precision, where they are exact. Both sides round states to whole numbers, so where
a state lies at the edge between two, the last bit of a tanh decides and a probability moves a little: nearly all have
to agree within 1e-5, and every one within 1e-2. A line for each network.
"""
import json
import os
import random
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from check_torch import connect, text, vocabulary  # noqa: E402 (skips where there is no PyTorch)
import torch  # noqa: E402
from make_golden_encoder import BYTE_TOKENS, Network, model_metadata, safetensors, windows  # noqa: E402

CLOSE, CLOSE_SHARE, BOUND = 1e-5, 0.9, 1e-2
NETWORKS, TEXTS = 8, 20


def quantised(matrix):
    """Rows in 255 steps: the numbers of the steps as doubles, and a scale for each row."""
    scale = matrix.abs().amax(1) / 127
    return torch.clamp(torch.round(matrix / scale.unsqueeze(1)), -127, 127).double(), scale


def fma(a, b, c):
    return (a.double() * b.double() + c.double()).float()


def rounded(x):
    """q(x)."""
    return torch.clamp(torch.round(127 * x), -127, 127).double()


class Quantised:
    """A network of make_golden_encoder.py as FORMAT.md says that an int8 model computes it."""

    def __init__(self, network):
        self.network, self.state = network, network.state_dict()
        self.int8 = {name: quantised(p) for name, p in self.state.items()
                     if name == "embedding.weight" or name.startswith("lstm.weight")}

    def file(self, metadata):
        tensors = {name: p for name, p in self.state.items() if name not in self.int8}
        for name, (weights, scale) in self.int8.items():
            tensors[name], tensors[name + "_scale"] = weights.to(torch.int8), scale
        return safetensors(tensors, metadata)

    def inputs(self, layer, suffix, below):
        """What a direction's gates get before the recurrence; below: tokens, or the q of the states below."""
        weights, scale = self.int8[f"lstm.weight_ih_l{layer}{suffix}"]
        bias = self.state[f"lstm.bias_ih_l{layer}{suffix}"] + self.state[f"lstm.bias_hh_l{layer}{suffix}"]
        if layer > 0:
            return fma((below @ weights.T).float(), scale / 127, bias).half().float()
        embedding, row_scale = self.int8["embedding.weight"]
        sums = (embedding[below] @ weights.T).float()
        return fma(sums, row_scale[below].unsqueeze(1) * scale, bias).half().float()

    def direction(self, layer, suffix, below):
        inputs = self.inputs(layer, suffix, below)
        weights, scale = self.int8[f"lstm.weight_hh_l{layer}{suffix}"]
        q, c, states = torch.zeros(weights.shape[1]).double(), torch.zeros(weights.shape[1]), []
        for row in inputs.flip(0) if suffix else inputs:
            i, f, g, o = fma((weights @ q).float(), scale / 127, row).chunk(4)
            c = fma(torch.sigmoid(f), c, torch.sigmoid(i) * torch.tanh(g))
            q = rounded(torch.sigmoid(o) * torch.tanh(c))
            states.append(q)
        return torch.stack(states[::-1] if suffix else states)

    def probabilities(self, tokens, temperature):
        states = []
        for begin, end, own_begin, own_end in windows(len(tokens), self.network.window, self.network.overlap):
            q = tokens[begin:end]
            for layer in range(self.network.lstm.num_layers):
                q = torch.cat([self.direction(layer, suffix, q) for suffix in ("", "_reverse")], 1)
            states.append(q[own_begin - begin:own_end - begin].float() / 127)
        states = torch.cat(states)
        with torch.no_grad():
            weights = torch.softmax(self.network.attention(states).squeeze(1), dim=0)
            pooled = torch.cat([weights @ states, states.max(dim=0).values, states.mean(dim=0)])
            return torch.softmax(self.network.classifier(pooled) / temperature, dim=0)


def random_network(choose):
    entries = vocabulary(choose)
    window = choose.randint(16, 80)
    network = Network(vocab=BYTE_TOKENS + len(entries), embedding=16 * choose.randint(1, 6),
                      hidden=16 * choose.randint(1, 6), layers=choose.randint(1, 3), classes=choose.randint(2, 9),
                      window=window, overlap=choose.randint(0, window // 2))
    network.randomise(choose.uniform(1.0, 2.0) / network.lstm.hidden_size ** 0.5, 1.5, exact_in_f16=False)
    return network, entries, round(choose.uniform(0.5, 4.0), 3)


def check(connection, index, choose):
    """Returns whether the texts of one random network agree."""
    network, entries, temperature = random_network(choose)
    oracle = Quantised(network)
    name = f"random-int8-{index}"
    blob = oracle.file(model_metadata(network, entries, temperature))
    connection.execute("SELECT lstm_model_import(?, ?)", (name, blob)).fetchone()
    off, seen = [], []
    for i in range(TEXTS):
        body = text(choose, 1 if i == 0 else choose.randint(1, 100 if i % 4 == 0 else 20))
        rows = connection.execute("SELECT id FROM lstm_tokens(?, ?) ORDER BY position", (body, name)).fetchall()
        expected = oracle.probabilities(torch.tensor([row[0] for row in rows]), temperature)
        result = connection.execute("SELECT lstm_classify(?, ?)", (body, name)).fetchone()[0]
        found = torch.tensor(list(json.loads(result)["probabilities"].values()))
        off.append((found - expected).abs().max().item())
        seen.append(expected)
    spread = (torch.stack(seen).amax(0) - torch.stack(seen).amin(0)).max().item()
    close = sum(o <= CLOSE for o in off)
    good = close >= CLOSE_SHARE * TEXTS and max(off) <= BOUND < spread
    lstm = network.lstm
    verdict = "ok" if good else "FAILED"
    print(f"{verdict}: {name}: E {lstm.input_size}, H {lstm.hidden_size}, {lstm.num_layers} layers, "
          f"windows of {network.window} - {network.overlap}: {close} of {TEXTS} texts within {CLOSE}, the rest within "
          f"{max(off):.2g} (between texts: {spread:.2g})")
    return good


def main():
    extension = sys.argv[1] if len(sys.argv) > 1 else "./lstm_ext.so"
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    choose = random.Random(seed)
    connection = connect(extension)
    results = [check(connection, index, choose) for index in range(NETWORKS)]
    print(f"check_int8: {results.count(True)} of {NETWORKS} networks compute what FORMAT.md says, seed {seed}")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
