#!/usr/bin/env python3
"""tests/check_torch.py [EXTENSION [SEED]]: the whole way from SQL to probabilities, against PyTorch.

Random networks with random vocabularies become model files, are imported with lstm_model_import, and score random texts
with lstm_classify. PyTorch's nn.LSTM reads the tokens that lstm_tokens names, with the same weights in single
precision; every probability has to agree within 1e-5. A line for each network.
"""
import json
import os
import random
import sqlite3
import sys

TOLERANCE = 1e-5
NETWORKS, TEXTS = 16, 12
MARKS = [" ", " ", " ", ", ", ". ", "-", "!", "🙂", "\n"]
SYLLABLES = ["ka", "lo", "mi", "tu", "ren", "sch", "bar", "é", "ñu", "до", "ми", "語", "ü", "ex", "qu", "ing"]


def skip(reason):
    print(f"SKIPPED: {os.path.basename(__file__)}: {reason}")
    sys.exit(0)


try:
    import torch
except ImportError:
    skip(f"no PyTorch for {sys.executable}")
if not hasattr(sqlite3.Connection, "enable_load_extension"):
    skip(f"{sys.executable} was built without loadable extensions")
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "data"))
sys.dont_write_bytecode = True
from make_golden_encoder import BYTE_TOKENS, Network, model_file  # noqa: E402


def connect(extension):
    connection = sqlite3.connect(":memory:")
    connection.enable_load_extension(True)
    connection.load_extension(os.path.splitext(os.path.abspath(extension))[0])
    return connection


def word(choose):
    return "".join(choose.choices(SYLLABLES, k=choose.randint(1, 4)))


def vocabulary(choose):
    """Syllables, words and pairs of them, as an order of merges might have made them."""
    entries = set(SYLLABLES)
    while len(entries) < choose.randint(200, 500):
        entries.add(choose.choice(["", " "]) + word(choose))
    return sorted(entries, key=lambda entry: (len(entry), entry))


def text(choose, words):
    parts = []
    for _ in range(words):
        parts.append(word(choose))
        parts.append(choose.choice(MARKS + [" " + chr(choose.randint(33, 0x2fff))]))
    return "".join(parts)


def random_network(choose):
    entries = vocabulary(choose)
    window = choose.randint(16, 160)
    network = Network(vocab=BYTE_TOKENS + len(entries), embedding=16 * choose.randint(1, 6),
                      hidden=16 * choose.randint(1, 6), layers=choose.randint(1, 3), classes=choose.randint(2, 9),
                      window=window, overlap=choose.randint(0, window // 2))
    dtype = choose.choice([torch.float32, torch.float16])
    # PyTorch itself begins at 1 / sqrt(hidden); beyond 4 the recurrence is chaotic and magnifies every rounding.
    scale = choose.uniform(1.0, 3.0) / network.lstm.hidden_size ** 0.5
    network.randomise(scale, 0.5, exact_in_f16=dtype == torch.float16)
    temperature = round(choose.uniform(0.5, 4.0), 3)
    return network, temperature, model_file(network, entries, dtype, temperature)


def probabilities_of_torch(connection, name, network, temperature, body):
    rows = connection.execute("SELECT id FROM lstm_tokens(?, ?) ORDER BY position", (body, name)).fetchall()
    tokens = torch.tensor([row[0] for row in rows])
    with torch.no_grad():
        return len(tokens), torch.softmax(network(tokens) / temperature, dim=0).tolist()


def check(connection, index, choose):
    """Returns whether all texts of one random network agree."""
    network, temperature, blob = random_network(choose)
    name = f"random-{index}"
    connection.execute("SELECT lstm_model_import(?, ?)", (name, blob)).fetchone()
    worst, longest, seen = 0.0, 0, []
    for i in range(TEXTS):
        body = text(choose, 1 if i == 0 else choose.randint(1, 400 if i % 4 == 0 else 40))
        count, expected = probabilities_of_torch(connection, name, network, temperature, body)
        result = connection.execute("SELECT lstm_classify(?, ?)", (body, name)).fetchone()[0]
        found = json.loads(result)["probabilities"]
        assert list(found) == [f"class{k}" for k in range(len(expected))], found
        worst = max([worst] + [abs(a - b) for a, b in zip(found.values(), expected)])
        longest = max(longest, count)
        seen.append(expected)
    spread = max(max(column) - min(column) for column in zip(*seen))
    good = worst <= TOLERANCE < spread / 100  # texts that all score the same would prove nothing
    lstm = network.lstm
    print(f"{'ok' if good else 'FAILED'}: {name}: E {lstm.input_size}, H {lstm.hidden_size}, {lstm.num_layers} layers, "
          f"{len(expected)} classes, windows of {network.window} - {network.overlap}, {TEXTS} texts up to {longest} "
          f"tokens: off by {worst:.2g} (between texts: {spread:.2g})")
    return good


def main():
    extension = sys.argv[1] if len(sys.argv) > 1 else "./lstm_ext.so"
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    choose = random.Random(seed)
    connection = connect(extension)
    results = [check(connection, index, choose) for index in range(NETWORKS)]
    print(f"check_torch: {results.count(True)} of {NETWORKS} networks within {TOLERANCE} of PyTorch "
          f"{torch.__version__}, seed {seed}")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
