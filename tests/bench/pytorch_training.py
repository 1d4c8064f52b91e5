"""A training step in PyTorch, for pytorch_lstm.py: embedding, an LSTM in both directions, the mean of the states, a
linear layer, cross-entropy, the gradient, Adam (of the embedding's met rows alone). The LSTM is either nn.LSTM over
packed sequences, or a function over a direction's packed steps with a backward pass of its own, which keeps gates and
cells and gets the weights' gradients by one product each after the loop: what fused implementations do.
"""
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

VOCABULARY = 32768


class Recurrence(torch.autograd.Function):
    """One direction: x packed step by step, sizes[s] rows at step s; returns the states, packed alike."""

    @staticmethod
    def forward(ctx, x, w_ih, w_hh, bias, sizes):
        units = w_hh.shape[1]
        gates = torch.addmm(bias, x, w_ih.t())
        cells, squashed, states = (x.new_empty(x.shape[0], units) for _ in range(3))
        at = before = 0
        for rows in sizes:
            here = slice(at, at + rows)
            z, cell = gates[here], cells[here]
            if at:
                z.addmm_(states[before:before + rows], w_hh.t())
            z[:, :2 * units].sigmoid_()
            z[:, 2 * units:3 * units].tanh_()
            z[:, 3 * units:].sigmoid_()
            i, f, g, o = z.chunk(4, 1)
            torch.mul(i, g, out=cell)
            if at:
                cell.addcmul_(f, cells[before:before + rows])
            torch.tanh(cell, out=squashed[here])
            torch.mul(o, squashed[here], out=states[here])
            before, at = at, at + rows
        ctx.save_for_backward(x, w_ih, w_hh, gates, cells, squashed, states)
        ctx.sizes = sizes
        return states

    @staticmethod
    def backward(ctx, d_states):
        x, w_ih, w_hh, gates, cells, squashed, states = ctx.saved_tensors
        units, sizes = w_hh.shape[1], ctx.sizes
        d_z, earlier = torch.empty_like(gates), torch.zeros_like(states)
        d_state, d_cell = (x.new_zeros(sizes[0], units) for _ in range(2))
        at = x.shape[0]
        for step in range(len(sizes) - 1, -1, -1):
            rows, at = sizes[step], at - sizes[step]
            here = slice(at, at + rows)
            i, f, g, o = gates[here].chunk(4, 1)
            out = d_z[here].chunk(4, 1)
            d_h = d_state[:rows] + d_states[here]
            t, d_c = squashed[here], d_cell[:rows]
            d_c += d_h * o * (1 - t * t)
            torch.mul(d_c * g, i * (1 - i), out=out[0])
            torch.mul(d_c * i, 1 - g * g, out=out[2])
            torch.mul(d_h * t, o * (1 - o), out=out[3])
            if step:
                before = slice(at - sizes[step - 1], at - sizes[step - 1] + rows)
                torch.mul(d_c * cells[before], f * (1 - f), out=out[1])
                earlier[here] = states[before]
                d_c *= f
                torch.mm(d_z[here], w_hh, out=d_state[:rows])
            else:
                out[1].zero_()
        return d_z @ w_ih, d_z.t() @ x, d_z.t() @ earlier, d_z.sum(0), None


class Fused(nn.Module):
    def __init__(self, embedding, hidden):
        super().__init__()
        like = nn.LSTM(embedding, hidden, bidirectional=True)
        names = [name + end for end in ("_l0", "_l0_reverse") for name in ("weight_ih", "weight_hh", "bias_ih")]
        self.weights = nn.ParameterList([nn.Parameter(getattr(like, name).detach().clone()) for name in names])

    def forward(self, x, lengths, layout):
        sizes, place, reverse = layout
        forward = Recurrence.apply(x[place], *self.weights[:3], sizes)
        backward = Recurrence.apply(x[reverse], *self.weights[3:], sizes)
        empty = x.new_empty(forward.shape)
        rows = torch.cat([empty.index_copy(0, place, forward), empty.index_copy(0, reverse, backward)], 1)
        return torch.stack([part.mean(0) for part in rows.split(lengths)])


class Packed(nn.Module):
    def __init__(self, embedding, hidden):
        super().__init__()
        self.lstm = nn.LSTM(embedding, hidden, batch_first=True, bidirectional=True)

    def forward(self, x, lengths, _):
        padded = nn.utils.rnn.pad_sequence(x.split(lengths), batch_first=True)
        states = self.lstm(pack_padded_sequence(padded, lengths, batch_first=True))[0]
        return pad_packed_sequence(states, batch_first=True)[0].sum(1) / torch.tensor(lengths).unsqueeze(1)


def layout_of(lengths):
    """Rows of each step, and the row-major position of each packed one, forward and in reverse; the longest first."""
    starts = [sum(lengths[:i]) for i in range(len(lengths))]
    sizes = [sum(length > step for length in lengths) for step in range(lengths[0])]
    place = [starts[row] + step for step, rows in enumerate(sizes) for row in range(rows)]
    reverse = [starts[row] + lengths[row] - 1 - step for step, rows in enumerate(sizes) for row in range(rows)]
    return sizes, torch.tensor(place), torch.tensor(reverse)


def training(kind, embedding, hidden, *lengths):
    """Returns a function that takes one step and gives its tokens, of both directions counted once."""
    embedding, hidden = int(embedding), int(hidden)
    lengths = sorted(map(int, lengths), reverse=True)
    tokens, labels = torch.randint(0, VOCABULARY, (sum(lengths),)), torch.randint(0, 2, (len(lengths),))
    table = nn.Embedding(VOCABULARY, embedding, sparse=True)
    network = {"packed": Packed, "fused": Fused}[kind](embedding, hidden)
    head, layout = nn.Linear(2 * hidden, 2), layout_of(lengths)
    adams = [torch.optim.SparseAdam(list(table.parameters()), 2e-3),
             torch.optim.Adam([*network.parameters(), *head.parameters()], 2e-3)]

    def step():
        with torch.enable_grad():
            for adam in adams:
                adam.zero_grad()
            loss = nn.functional.cross_entropy(head(network(table(tokens), lengths, layout)), labels)
            loss.backward()
            for adam in adams:
                adam.step()
        return len(tokens)

    return step
