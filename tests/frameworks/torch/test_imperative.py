"""A PyTorch model as a step-by-step program trains as the framework does, and shows every value."""

import copy
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import deeplocalize
from deeplocalize.errors import UsageError
from deeplocalize.frameworks.imperative import imperative

STEPS = 50


class Residual(nn.Module):
    """Functions, in-place functions, a parameter of its own and a shared layer."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.shared, self.out = (nn.Linear(a, b) for a, b in ((6, 8), (8, 8), (8, 8), (8, 3)))
        self.scale = nn.Parameter(torch.ones(8))
        self.register_buffer("shift", torch.full((8,), 0.1))

    def forward(self, x):
        x = F.relu(self.first(x), inplace=True)
        x = x + self.shared(x).tanh() * self.scale
        x = x + torch.sigmoid(self.shared(self.second(x))) - self.shift
        x = x.clone()
        x[:, 0] = 0.5 * x[:, 1]
        with torch.no_grad():
            level = x.mean()
        return self.out(F.dropout(x - level, 0.2, self.training))


class Recurrent(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.table, self.cell, self.out = nn.Embedding(11, 6), kind(6, 5, batch_first=True), nn.Linear(5, 3)

    def forward(self, words):
        sequence, _ = self.cell(self.table(words))
        return self.out(sequence[:, -1])


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(11, 8)
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, 0.1, batch_first=True), 2)
        self.out = nn.Linear(8, 3)

    def forward(self, words):
        return self.out(self.encoder(self.table(words)).mean(1))


def convolutions():
    return nn.Sequential(
        *(nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.MaxPool2d(2)),
        *(nn.Conv2d(4, 4, 3), nn.ELU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.3), nn.Linear(4, 3)),
    )


def signals():
    return nn.Sequential(
        nn.Conv1d(2, 4, 3), nn.GELU(), nn.AvgPool1d(2), nn.Flatten(), nn.LayerNorm(12), nn.Linear(12, 3)
    )


def dense():
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 3))


def rows(*shape):
    return torch.randn(STEPS, 16, *shape), torch.randint(0, 3, (STEPS, 16))


def words():
    return torch.randint(0, 11, (STEPS, 16, 7)), torch.randint(0, 3, (STEPS, 16))


MODELS = {
    "dense": (dense, lambda: rows(6)),
    "convolutions": (convolutions, lambda: rows(2, 8, 8)),
    "signals": (signals, lambda: rows(2, 8)),
    "residual": (Residual, lambda: rows(6)),
    "lstm": (lambda: Recurrent(nn.LSTM), words),
    "gru": (lambda: Recurrent(nn.GRU), words),
    "attention": (Attention, words),
}
OPTIMIZERS = {
    "sgd": lambda weights: torch.optim.SGD(weights, 0.1),
    "momentum": lambda weights: torch.optim.SGD(weights, 0.05, momentum=0.9, nesterov=True),
    "adam": lambda weights: torch.optim.Adam(weights, 0.01),
    "rmsprop": lambda weights: torch.optim.RMSprop(weights, 0.001),
    "lbfgs": lambda weights: torch.optim.LBFGS(weights, 0.1, max_iter=3),
}


def plain(model, optimizer, xs, ys):
    losses = []
    for x, y in zip(xs, ys, strict=True):

        def closure(x=x, y=y):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            return loss

        losses.append(optimizer.step(closure).item())
    return losses


def run(text, folder):
    """The losses that a program prints in a process of its own."""
    (folder / "program.py").write_text(text)
    done = subprocess.run([sys.executable, "program.py"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [float(line) for line in done.stdout.split()]


PAIRS = [(model, "adam") for model in MODELS] + [("dense", each) for each in OPTIMIZERS if each != "adam"]


@pytest.mark.parametrize(("kind", "how"), PAIRS)
def test_it_trains_exactly_as_the_plain_loop_and_so_does_its_source(kind, how, tmp_path):
    torch.manual_seed(0)
    build, data = MODELS[kind]
    model = build()
    xs, ys = data()
    other = copy.deepcopy(model)
    torch.manual_seed(1)
    losses = plain(other, OPTIMIZERS[how](other.parameters()), xs, ys)
    torch.manual_seed(1)
    program = imperative(model, nn.CrossEntropyLoss(), OPTIMIZERS[how](model.parameters()))
    stepped = [program.step(x, y).loss for x, y in zip(xs, ys, strict=True)]
    np.testing.assert_allclose(stepped, losses, rtol=1e-5)
    for (name, one), two in zip(model.state_dict().items(), other.state_dict().values(), strict=True):
        assert torch.linalg.vector_norm((one - two).double()) <= 1e-5 * torch.linalg.vector_norm(two.double()), name
    np.testing.assert_allclose(run(program.source(), tmp_path), stepped, rtol=1e-6)


def test_every_probe_point_shows_what_the_framework_computes_there():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3))
    x, y = torch.randn(16, 6), torch.randint(0, 3, (16,))
    seen = {}

    def keep(name, output):
        output.retain_grad()
        seen[name] = output

    for name, layer in model.named_children():
        layer.register_forward_hook(lambda _, __, output, name=name: keep(name, output))
    F.cross_entropy(model(x), y).backward()
    expected = {name: each.grad.numpy() for name, each in model.named_parameters()}
    for layer in model:
        layer._forward_hooks.clear()
    step = imperative(model, F.cross_entropy, torch.optim.SGD(model.parameters(), 0.5)).step(x, y)
    for name, value in seen.items():
        np.testing.assert_array_equal(step.activations[name], value.detach().numpy())
        np.testing.assert_allclose(step.gradients[name], value.grad.numpy(), rtol=1e-6)
    for name, value in expected.items():
        np.testing.assert_allclose(step.weight_gradients[name], value, rtol=1e-6)
        np.testing.assert_allclose(step.updates[name], -0.5 * value, rtol=1e-3, atol=1e-7)


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return 2 * x

    @staticmethod
    def backward(ctx, gradient):
        return 2 * gradient


class OwnFunction(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(6, 3)

    def forward(self, x):
        return torch.relu(Doubled.apply(self.inner(x)))


class ChangedView(OwnFunction):
    def forward(self, x):
        x = self.inner(x)
        x[:, 0].mul_(0.5)
        return x


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (OwnFunction, "one step: a torch.autograd.Function of your own"),
        (ChangedView, "one step: its forward changes in"),
    ],
)
def test_what_cannot_be_taken_apart_is_one_step_and_says_so(kind, said):
    torch.manual_seed(0)
    model = kind()
    other = copy.deepcopy(model)
    xs, ys = rows(6)
    program = imperative(model, F.cross_entropy, torch.optim.SGD(model.parameters(), 0.1))
    losses = plain(other, torch.optim.SGD(other.parameters(), 0.1), xs, ys)
    assert [program.step(x, y).loss for x, y in zip(xs, ys, strict=True)] == pytest.approx(losses, rel=1e-6)
    assert said in str(program)
    with pytest.raises(UsageError, match="cannot write down"):
        program.source()


def test_batches_of_another_size_a_schedule_and_tied_weights_are_written_down(tmp_path):
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.table, self.out = nn.Embedding(11, 6), nn.Linear(6, 11, bias=False)
            self.out.weight = self.table.weight
            self.unused = nn.Linear(2, 2)

        def forward(self, words, weight):
            return self.out(self.table(words).view(words.size(0), -1, 6).mean(1)) * weight

    torch.manual_seed(0)
    model = Tied()
    groups = [{"params": [model.table.weight], "lr": 0.1}, {"params": model.unused.parameters()}]
    optimizer = torch.optim.AdamW(groups, lr=0.01)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.8)
    program = imperative(model, nn.CrossEntropyLoss(torch.rand(11)), optimizer)
    losses = []
    for size in (16, 16, 5, 16):
        batch = {"words": torch.randint(0, 11, (size, 7)), "weight": torch.rand(size, 1)}
        losses.append(program.step(batch, torch.randint(0, 11, (size,))).loss)
        schedule.step()
    assert run(program.source(), tmp_path) == pytest.approx(losses, rel=1e-6)
    assert run(program.source(arrays=str(tmp_path / "begin.npz")), tmp_path) == pytest.approx(losses, rel=1e-6)


def test_wrong_use_gets_one_clear_line():
    model = nn.Linear(3, 2)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with pytest.raises(UsageError, match=r"got 'list'; it expects a torch.nn.Module or a keras.Model"):
        imperative([], None, None)
    with pytest.raises(UsageError, match="got None as the optimizer"):
        imperative(model, F.mse_loss)
    with pytest.raises(UsageError, match="got 'mse' as the loss"):
        imperative(model, "mse", optimizer)
    with pytest.raises(UsageError, match="none was: call step"):
        imperative(model, F.mse_loss, optimizer).source()
    program = imperative(model, nn.MSELoss(reduction="none"), optimizer)
    with pytest.raises(UsageError, match=r"the loss is a tensor of shape \(4, 2\)"):
        program.step(torch.randn(4, 3), torch.randn(4, 2))


def test_it_is_public():
    assert deeplocalize.imperative is imperative
