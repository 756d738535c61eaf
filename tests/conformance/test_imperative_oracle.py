"""What the PyTorch probe records is what the step-by-step program computes, for layers beyond dense ones."""

import copy

import pytest
from oracle import assert_recorded

import deeplocalize

torch = pytest.importorskip("torch")
nn, F = torch.nn, torch.nn.functional


class Net(nn.Module):
    """Convolution, normalization, a shared layer, a residual, dropout and a recurrent layer."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm, self.relu = nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU()
        self.cell, self.mix, self.tanh = nn.GRU(6, 5, batch_first=True), nn.Linear(5, 5), nn.Tanh()
        self.drop, self.out = nn.Dropout(0.3), nn.Linear(5, 3)

    def forward(self, x):
        x = self.relu(self.norm(self.conv(x))).mean(2).transpose(1, 2).reshape(len(x), 4, 6)
        x = self.cell(x)[0][:, -1]
        x = x + self.tanh(self.mix(x))
        return self.out(self.drop(x))


def test_the_trace_is_that_of_the_program():
    torch.manual_seed(0)
    model = Net()
    other = copy.deepcopy(model)
    batches = [(torch.randn(16, 2, 8, 8), torch.randint(0, 3, (16,))) for _ in range(8)]
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    torch.manual_seed(1)
    with deeplocalize.watch(model, optimizer=optimizer) as watch:
        for x, y in batches:
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
    torch.manual_seed(1)
    program = deeplocalize.imperative(other, F.cross_entropy, torch.optim.SGD(other.parameters(), 0.1))
    steps = [program.step(x, y) for x, y in batches]
    (trace,) = watch.session.log.traces()
    index = {layer.name: layer.index for layer in trace.layers}
    points = {
        "conv": ("conv", None, "conv."),
        "norm": ("norm", None, "norm."),
        "relu": ("relu", "norm", None),
        "mix": ("mix", None, "mix."),
        "tanh": ("tanh", "mix", None),
        "out": ("out", None, "out."),
    }
    assert_recorded(trace, steps, {index[name]: point for name, point in points.items()}, axis=1)
