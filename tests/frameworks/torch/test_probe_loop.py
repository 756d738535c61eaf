"""What a training loop does besides its steps."""

import pytest
import torch
from loops import batch, small_net
from torch import nn
from torch.nn import functional as F


def sgd(model):
    return torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)


def step(model, optimizer, x, y):
    optimizer.zero_grad()
    F.cross_entropy(model(x), y).backward()
    optimizer.step()


def rebuilding(load=None, every=1, steps=6):
    x, y = batch()
    model, state = small_net(), None
    for at in range(steps):
        if at % every == 0:
            optimizer = sgd(model)
        if load == "weights":
            model.load_state_dict(model.state_dict())
        if load == "state" and state is not None:
            optimizer.load_state_dict(state)
        step(model, optimizer, x, y)
        state = optimizer.state_dict()


@pytest.mark.parametrize(
    ("facts", "counts"),
    [
        ({}, [0, 1, 1, 1, 1, 1]),
        ({"every": 3}, [0, 0, 0, 1, 0, 0]),
        ({"every": 6}, [0] * 6),
        ({"load": "weights"}, [0] * 6),
        ({"load": "state"}, [0] * 6),
    ],
)
def test_optimizers_that_the_same_call_builds_again_are_counted_unless_something_is_loaded(watched, facts, counts):
    with watched() as seen:
        rebuilding(**facts)
    assert seen.trace.scalar("rebuilt_optimizers").tolist() == counts


def test_schedulers_that_the_same_call_builds_again_are_counted(watched):
    x, y = batch()
    with watched() as seen:
        model = small_net()
        optimizer = sgd(model)
        outer = torch.optim.lr_scheduler.StepLR(optimizer, 2)
        for _ in range(5):
            scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
            step(model, optimizer, x, y)
            scheduler.step()
            outer.step()
    assert seen.trace.scalar("rebuilt_schedulers").tolist() == [0, 0, 1, 1, 1]
    assert "ExponentialLR" in seen.trace.run.sources["scheduler_built"].text


def test_the_line_of_a_scheduler_that_is_built_before_the_first_step_is_known(watched):
    x, y = batch()
    with watched() as seen:
        model = small_net()
        optimizer = sgd(model)
        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2)
        for _ in range(3):
            step(model, optimizer, x, y)
            scheduler.step()
    assert "StepLR(" in seen.trace.run.sources["scheduler_built"].text
    assert "scheduler.step()" in seen.trace.run.sources["scheduler"].text


def backward(first=None, second=None, clear=False, steps=4):
    x, y = batch()
    model = small_net()
    optimizer = sgd(model)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        (first or torch.Tensor.backward)(loss, retain_graph=True)
        if clear:
            optimizer.zero_grad()
        (second or torch.Tensor.backward)(loss)
        optimizer.step()


@pytest.mark.parametrize(
    ("facts", "count"),
    [
        ({}, 1),
        ({"clear": True}, 0),
        ({"second": lambda loss: (2 * loss).backward()}, 0),
        ({"second": lambda loss: loss.backward(gradient=torch.tensor(0.5))}, 0),
    ],
)
def test_backward_passes_from_the_same_loss_are_counted(watched, facts, count):
    with watched() as seen:
        backward(**facts)
    assert seen.trace.scalar("repeated_backwards")[1:].tolist() == [count] * 3


class Stateful(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(4, 3)
        self.hidden = None

    def forward(self, x):
        output, self.hidden = self.rnn(x, self.hidden)
        return output[-1]


def carrying(how):
    torch.manual_seed(0)
    x, y = torch.randn(5, 8, 4), torch.randint(0, 3, (8,))
    model, rnn, total, state = Stateful(), nn.GRU(4, 3), 0.0, None
    optimizer = sgd(nn.ModuleList([model, rnn]))
    made, kept = rnn(x)[0][-1], None
    for _ in range(3):
        optimizer.zero_grad()
        if how == "attribute":
            loss = F.cross_entropy(model(x), y)
        elif how == "input":
            output, state = rnn(x, state)
            loss = F.cross_entropy(output[-1], y)
        elif how == "variable":
            loss = F.cross_entropy(made * rnn(x)[0][-1], y)
        elif how == "sum":
            total = total + F.cross_entropy(rnn(x)[0][-1], y)
            loss = total
        else:
            loss = kept = F.cross_entropy(rnn(x)[0][-1], y) if kept is None else kept
        loss.backward()
        optimizer.step()


@pytest.mark.parametrize(
    ("how", "name"),
    [("attribute", "self.hidden"), ("input", "hx"), ("variable", "made"), ("sum", "total"), ("loss", "kept")],
)
def test_a_graph_that_is_used_again_is_followed_to_what_was_carried_over(watched, how, name):
    with watched() as seen:
        carrying(how)
    assert "second time" in str(seen.error)
    crash = seen.trace.run.crash
    assert (crash.carried_as, crash.during) == (how, "backward")
    assert crash.carried == name
    assert len(seen.trace.steps) == 1


@pytest.mark.parametrize("how", ["norm", "value"])
def test_what_clipping_leaves_of_the_gradient_is_recorded_with_its_line(watched, how):
    x, y = batch()
    left = []
    with watched() as seen:
        model = small_net()
        optimizer = sgd(model)
        for _ in range(4):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            before = torch.cat([each.grad.flatten() for each in model.parameters()]).norm()
            if how == "norm":
                nn.utils.clip_grad_norm_(model.parameters(), max_norm=1e-3)
            else:
                nn.utils.clip_grad_value_(model.parameters(), 1e-4)
            left.append(float(torch.cat([each.grad.flatten() for each in model.parameters()]).norm() / before))
            optimizer.step()
    assert seen.trace.scalar("clipped")[1:].tolist() == pytest.approx(left[1:], rel=1e-3)
    assert f"clip_grad_{how}_" in seen.trace.run.sources["clip"].text
