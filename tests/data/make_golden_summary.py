#!/usr/bin/env python3
"""Makes golden_summary.safetensors beside this script, with PyTorch: the oracle of a summariser's loss and gradient.

The file has every tensor X of model/layout.c (F16), a batch (tokens, starts, target_tokens, target_starts: I32;
embedding_masks, output_masks), options (coverage, smoothing), losses (likelihood, coverage, loss: sums over the texts),
and "gradient.X", the gradient of the loss. Nothing here knows the C code: encoder and decoder are nn.LSTM and
nn.LSTMCell, the gradient is autograd's. The network is that of See, Liu and Manning 2017, one text at a time.
"""
import os

import torch
from torch import nn

from make_golden_encoder import HERE, safetensors, windows

END = 0


class Summariser(nn.Module):
    """The network of model/model.h. Of the two biases of an LSTM the second is 0: in C there is only one."""

    def __init__(self, vocab, embedding, hidden, decoder, alignment, window, overlap):
        super().__init__()
        self.window, self.overlap = window, overlap
        self.embedding = nn.Embedding(vocab, embedding)
        self.lstm = nn.LSTM(embedding, hidden, batch_first=True, bidirectional=True)
        self.bridge = nn.Linear(2 * hidden, 2 * decoder)
        self.decoder = nn.LSTMCell(embedding + 2 * hidden, decoder)
        self.align_state = nn.Linear(2 * hidden, alignment, bias=False)
        self.align_query = nn.Linear(decoder, alignment)
        self.align_coverage = nn.Linear(1, alignment, bias=False)
        self.align_score = nn.Linear(alignment, 1, bias=False)
        self.copy = nn.Linear(2 * hidden + decoder + embedding, 1)
        self.output = nn.Linear(decoder + 2 * hidden, embedding)
        self.vocabulary_bias = nn.Parameter(torch.empty(vocab))

    def randomise(self, scale):
        for name, parameter in self.named_parameters():
            nn.init.uniform_(parameter, -scale, scale)
            parameter.data = parameter.data.half().float()
            if "bias_hh" in name:
                parameter.data.zero_()

    def read(self, tokens, mask):
        states = []
        for begin, end, own_begin, own_end in windows(len(tokens), self.window, self.overlap):
            output, _ = self.lstm((self.embedding(tokens[begin:end]) * mask).unsqueeze(0))
            states.append(output[0, own_begin - begin:own_end - begin])
        return torch.cat(states)

    def forward(self, tokens, targets, embedding_mask, output_mask, smoothing):
        """Sums over the targets: likelihood, coverage loss, smoothed loss without the coverage."""
        states = self.read(tokens, embedding_mask)
        state, cell = torch.tanh(self.bridge(states.mean(dim=0))).chunk(2)
        context, coverage = states.new_zeros(states.shape[1]), states.new_zeros(len(tokens))
        likelihood = again = loss = 0.0
        for last, target in zip([END] + targets, targets + [END]):
            read = torch.cat([self.embedding.weight[last], context])
            state, cell = (x[0] for x in self.decoder(read.unsqueeze(0), (state.unsqueeze(0), cell.unsqueeze(0))))
            hidden = self.align_state(states) + self.align_query(state) + self.align_coverage(coverage.unsqueeze(1))
            attention = torch.softmax(self.align_score(torch.tanh(hidden)).squeeze(1), dim=0)
            context = attention @ states
            generate = torch.sigmoid(self.copy(torch.cat([context, state, self.embedding.weight[last]])))[0]
            output = torch.tanh(self.output(torch.cat([state, context]))) * output_mask
            shares = torch.log_softmax(self.embedding.weight @ output + self.vocabulary_bias, dim=0)
            share = generate * shares[target].exp() + (1 - generate) * attention[tokens == target].sum()
            cost = -torch.log(share + 1e-10)
            likelihood += cost
            again += torch.minimum(attention, coverage).sum()
            loss += (1 - smoothing) * cost - smoothing * shares.mean()
            coverage = coverage + attention
        return torch.stack([likelihood, again, loss])


def by_layout(network, of):
    """What `of` says of each parameter, by the names and with the shapes of model/layout.c."""
    for name, parameter in network.named_parameters():
        if "bias_hh" not in name:
            values = of(parameter)
            if name.startswith("align_coverage") or values.dim() == 1:
                values = values.reshape(1, -1)
            name = name.replace("vocabulary_bias", "vocabulary.bias").replace("bias_ih", "bias")
            yield name, values


def dropout(rows, cols):
    return (torch.rand(rows, cols) < 0.75).float() * (4 / 3)


def starts(texts):
    return torch.tensor([0] + [len(text) for text in texts]).cumsum(0).int()


def make(seed, lengths, coverage, smoothing, **sizes):
    torch.manual_seed(seed)
    network = Summariser(**sizes)
    network.randomise(0.5)
    texts = [torch.randint(1, 30, (source,)) for source, _ in lengths]  # few tokens, so that they repeat
    targets = [torch.randint(1, 60, (target,)).tolist() for _, target in lengths]
    masks = [dropout(len(texts), sizes["embedding"]) for _ in range(2)]
    losses = sum(network(text, target, masks[0][i], masks[1][i], smoothing)
                 for i, (text, target) in enumerate(zip(texts, targets)))
    losses = torch.stack([losses[0], losses[1], losses[2] + coverage * losses[1]])
    losses[2].backward()
    tensors = {name: values.half() for name, values in by_layout(network, lambda p: p.data)}
    tensors.update({"tokens": torch.cat(texts).int(), "starts": starts(texts), "target_starts": starts(targets),
                    "target_tokens": torch.tensor(sum(targets, [])).int(), "embedding_masks": masks[0],
                    "output_masks": masks[1], "options": torch.tensor([coverage, smoothing]), "losses": losses})
    tensors.update({"gradient." + name: values for name, values in by_layout(network, lambda p: p.grad)})
    with open(os.path.join(HERE, "golden_summary.safetensors"), "wb") as file:
        file.write(safetensors(tensors, {"made_by": os.path.basename(__file__)}))


if __name__ == "__main__":
    torch.set_num_threads(1)
    make(3, [(7, 4), (1, 0), (40, 9), (16, 3), (20, 6)], coverage=1.0, smoothing=0.1, vocab=272, embedding=16,
         hidden=16, decoder=16, alignment=32, window=16, overlap=6)
