#!/usr/bin/env python3
"""tests/check_state_dicts.py [SEED]: lstm-train import and export, against modules of PyTorch.

Random modules (nn.Embedding, nn.LSTM, nn.Linear) are saved as bare state dicts, imported, and score random texts with
lstm_classify: every logit, up to what softmax leaves of it, is PyTorch's within 1e-5. What lstm-train exports of them,
and of the int8 model inside the extension, is loaded into new modules by load_state_dict, names and shapes strict, and
these agree as well. A line for each module.
"""
import json
import math
import os
import random
import sqlite3
import struct
import subprocess
import sys
import tempfile

TOLERANCE = 1e-5
MODULES, TEXTS = 6, 10
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
LSTM_TRAIN = os.path.join(ROOT, "build", "lstm-train")
ENTRIES = [" go", " ba", "od", "d", " good", " bad", " film", "é", " ", "ing", "语", "th", "e"]
WORDS = ["good", "bad", "film", "thing", "语语", "été", "go", "x-ray", "baba", "!", "🙂", "goding"]


def skip(reason):
    print(f"SKIPPED: {os.path.basename(__file__)}: {reason}")
    sys.exit(0)


try:
    import torch
except ImportError:
    skip(f"no PyTorch for {sys.executable}")
if not hasattr(sqlite3.Connection, "enable_load_extension"):
    skip(f"{sys.executable} was built without loadable extensions")
sys.path.insert(0, os.path.join(HERE, "data"))
sys.dont_write_bytecode = True
from make_golden_encoder import BYTE_TOKENS, Network, safetensors  # noqa: E402


def lstm_train(*words):
    subprocess.run([LSTM_TRAIN, *words], check=True, stdout=subprocess.DEVNULL)


def read(path):
    """The tensors and the metadata of a file of floats."""
    with open(path, "rb") as file:
        size, = struct.unpack("<Q", file.read(8))
        header, data = json.loads(file.read(size)), file.read()
    metadata = header.pop("__metadata__")
    tensors = {}
    for name, about in header.items():
        assert about["dtype"] == "F32", (name, about)
        begin, end = about["data_offsets"]
        tensors[name] = torch.frombuffer(bytearray(data[begin:end]), dtype=torch.float32).reshape(about["shape"])
    return tensors, metadata


def connect(database):
    connection = sqlite3.connect(database)
    connection.enable_load_extension(True)
    connection.load_extension(os.path.join(ROOT, "lstm_ext"))
    return connection


def difference(connection, name, network, temperature, texts):
    """The largest difference of a logit less the log of their sum, and how far apart those of the texts are."""
    worst, seen = 0.0, []
    for text in texts:
        tokens = [row[0] for row in connection.execute("SELECT id FROM lstm_tokens(?, ?) ORDER BY position",
                                                       (text, name))]
        found = json.loads(connection.execute("SELECT lstm_classify(?, ?)", (text, name)).fetchone()[0])
        with torch.no_grad():
            expected = torch.log_softmax(network(torch.tensor(tokens)) / temperature, dim=0).tolist()
        worst = max([worst] + [abs(math.log(a) - b) for a, b in zip(found["probabilities"].values(), expected)])
        seen.append(expected)
    return worst, max(max(column) - min(column) for column in zip(*seen))


def loaded(path):
    """An exported state dict in a new module."""
    state, metadata = read(path)
    network = Network(*state["embedding.weight"].shape, state["lstm.weight_hh_l0"].shape[1],
                      sum(name.startswith("lstm.weight_ih") for name in state) // 2, len(state["classifier.bias"]),
                      int(metadata["window"]), int(metadata["overlap"]))
    network.load_state_dict(state)
    return network, float(metadata["temperature"])


def random_network(choose):
    window = choose.randint(16, 64)
    network = Network(vocab=BYTE_TOKENS + len(ENTRIES), embedding=16 * choose.randint(1, 6),
                      hidden=16 * choose.randint(1, 6), layers=choose.randint(1, 3), classes=choose.randint(2, 5),
                      window=window, overlap=choose.randint(0, window // 2))
    network.randomise(choose.uniform(1.0, 3.0) / network.lstm.hidden_size ** 0.5, 0.5, exact_in_f16=False)
    return network


def verdict(name, way, worst, spread):
    good = worst <= TOLERANCE < spread / 100  # texts that all score the same would prove nothing
    print(f"{'ok' if good else 'FAILED'}: {name}, {way}: off by {worst:.2g} (between texts: {spread:.2g})")
    return good


def check_random(folder, index, choose):
    network, name = random_network(choose), f"random-{index}"
    path = {what: os.path.join(folder, what) for what in ("state", "vocabulary", "models.db", "exported")}
    labels = [f"label {k}, \"{k}\"" for k in range(network.classifier.out_features)]
    with open(path["state"], "wb") as file:
        file.write(safetensors(network.state_dict(), {"format": "pt"}))
    with open(path["vocabulary"], "w", encoding="utf-8") as file:
        file.write("".join(entry + "\n" for entry in ENTRIES))
    lstm_train("import", "--state", path["state"], "--task", "classify", "--labels", json.dumps(labels),
               "--vocabulary", path["vocabulary"], "--window", str(network.window), "--overlap", str(network.overlap),
               "--into", path["models.db"], "--name", name)
    texts = [" ".join(choose.choices(WORDS, k=choose.randint(1, 60))) for _ in range(TEXTS)]
    connection = connect(path["models.db"])
    good = verdict(name, "imported", *difference(connection, name, network, 1.0, texts))
    lstm_train("export", "--model", name, "--db", path["models.db"], "--out", path["exported"])
    again, temperature = loaded(path["exported"])
    for key, value in network.state_dict().items():
        if "bias_" not in key:  # the two biases come back as their sum
            assert torch.equal(value, again.state_dict()[key]), key
    return good & verdict(name, "exported again", *difference(connection, name, again, temperature, texts))


def check_default(folder):
    """The int8 model inside, exported as floats, scores in PyTorch as those floats do here."""
    path, database = os.path.join(folder, "default"), os.path.join(folder, "models.db")
    lstm_train("export", "--model", "default", "--out", path)
    lstm_train("import", "--state", path, "--into", database, "--name", "floats")
    network, temperature = loaded(path)
    texts = ["A warm, funny film with a terrific cast.", "The zip broke on the first day.", "It is a kettle.",
             "Not bad at all! " * 60]
    connection = connect(database)
    return verdict("default-sentiment", "exported", *difference(connection, "floats", network, temperature, texts))


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    choose = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        results = [check_random(folder, index, choose) for index in range(MODULES)] + [check_default(folder)]
    print(f"check_state_dicts: {results.count(True)} of {len(results)} modules within {TOLERANCE} of PyTorch "
          f"{torch.__version__}, seed {seed}")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
