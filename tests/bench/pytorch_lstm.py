"""PyTorch on one thread, answering a line with the rate of one run (see peer.h):

lstm fp32|int8 EMBEDDING HIDDEN LENGTH...   nn.LSTM in one direction over a packed sequence: tokens a second
train packed|fused EMBEDDING HIDDEN LENGTH...   steps of training (pytorch_training.py): tokens a second
decoder luong|bahdanau fp32|int8 BATCH SOURCE TOKENS   greedy summaries of TOKENS from states of SOURCE tokens, units
    256, vocabulary 10,000: summaries a second, by the time of TOKENS less that of 1, which ours is measured by too

int8 is quantize_dynamic, what PyTorch offers for an LSTM on a CPU.
"""
import sys
import time

try:
    import torch
    from torch import nn
    from torch.nn.utils.rnn import pack_padded_sequence
except ImportError as failure:
    print(failure, flush=True)
    sys.exit()

sys.dont_write_bytecode = True
from pytorch_training import training  # noqa: E402

torch.manual_seed(1)
torch.set_num_threads(1)
torch.set_grad_enabled(False)
torch.backends.quantized.engine = "onednn"
VOCABULARY, DECODER_VOCABULARY, UNITS = 30000, 10000, 256


class Encoder(nn.Module):
    def __init__(self, embedding, hidden):
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, embedding)
        self.lstm = nn.LSTM(embedding, hidden, batch_first=True)

    def forward(self, tokens, lengths):
        embedded = self.embedding(tokens)
        if int(lengths[0]) != int(lengths[-1]):
            embedded = pack_padded_sequence(embedded, lengths, batch_first=True)
        return self.lstm(embedded)[1][0]


class Decoder(nn.Module):
    def __init__(self, attention):
        super().__init__()
        self.additive = attention == "bahdanau"
        self.embedding = nn.Embedding(DECODER_VOCABULARY, UNITS)
        self.cell = nn.LSTMCell(2 * UNITS if self.additive else UNITS, UNITS)
        self.query = nn.Linear(UNITS, UNITS, bias=False)
        self.key = nn.Linear(UNITS, UNITS, bias=False)
        self.score = nn.Linear(UNITS, 1, bias=False)
        self.join = nn.Linear(2 * UNITS, UNITS)
        self.output = nn.Linear(UNITS, DECODER_VOCABULARY)

    def forward(self, states, tokens):
        rows = states.shape[0]
        state, cell = torch.zeros(rows, UNITS), torch.zeros(rows, UNITS)
        token = torch.zeros(rows, dtype=torch.long)
        keys = self.key(states)
        for _ in range(tokens):
            if self.additive:
                context = self.attend(self.score(torch.tanh(keys + self.query(state).unsqueeze(1))), states)
                state, cell = self.cell(torch.cat([self.embedding(token), context], 1), (state, cell))
            else:
                state, cell = self.cell(self.embedding(token), (state, cell))
                context = self.attend(torch.bmm(keys, state.unsqueeze(2)), states)
            token = self.output(torch.tanh(self.join(torch.cat([context, state], 1)))).argmax(1)
        return token

    @staticmethod
    def attend(scores, states):
        return torch.bmm(torch.softmax(scores, 1).transpose(1, 2), states).squeeze(1)


def prepared(module, precision):
    module.eval()
    if precision == "int8":
        return torch.quantization.quantize_dynamic(module, {nn.LSTM, nn.LSTMCell, nn.Linear}, dtype=torch.qint8)
    return module


def seconds_of(work):
    began = time.process_time()
    work()
    return time.process_time() - began


def lstm(precision, embedding, hidden, *lengths):
    lengths = torch.tensor(sorted(map(int, lengths), reverse=True))
    tokens = torch.randint(0, VOCABULARY, (len(lengths), int(lengths[0])))
    module = prepared(Encoder(int(embedding), int(hidden)), precision)
    return lambda: (int(lengths.sum()), seconds_of(lambda: module(tokens, lengths)))


def decoder(attention, precision, batch, source, count):
    module = prepared(Decoder(attention), precision)
    states = torch.randn(int(batch), int(source), UNITS) * 0.3
    count = int(count)

    def run():
        steps = seconds_of(lambda: module(states, count)) - seconds_of(lambda: module(states, 1))
        return int(batch), steps * count / (count - 1)

    return run


def train(kind, embedding, hidden, *lengths):
    step = training(kind, embedding, hidden, *lengths)

    def run():
        began = time.process_time()
        tokens = step()
        return tokens, time.process_time() - began

    return run


runs = {}
for line in sys.stdin:
    kind, *rest = line.split()
    if line not in runs:
        runs[line] = {"lstm": lstm, "train": train, "decoder": decoder}[kind](*rest)
    units = seconds = 0
    while seconds < 0.1:
        more_units, more_seconds = runs[line]()
        units += more_units
        seconds += more_seconds
    print(units / seconds, flush=True)
