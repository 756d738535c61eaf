"""The first layer, tensor and step in which a value is not finite, also in a step that was not recorded closely."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

STEP = 67
"""Late enough that steps are no longer all recorded, and not one of those that are."""


class Net(nn.Module):
    def __init__(self, trouble):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(8, 1)
        self.trouble, self.calls = trouble, 0

    def forward(self, x):
        late, self.calls = self.calls >= STEP, self.calls + 1
        h = torch.tanh(self.b(torch.tanh(self.a(x))))
        if late and self.trouble == "between":
            h = torch.log(h - 5)
        if late and self.trouble == "slope":
            h = h + torch.sqrt(h * 0)
        out = self.c(h)
        return torch.sqrt(out * 0) if late and self.trouble == "gradient" else out


def train(trouble, rate=0.01):
    torch.manual_seed(0)
    model = Net(trouble)
    optimizer = torch.optim.SGD(model.parameters(), rate)
    for step in range(STEP + 3):
        x = torch.randn(16, 4)
        y = x.sum(1, keepdim=True)
        if step == STEP and trouble == "input":
            x[3, 2] = torch.nan
        if step == STEP and trouble == "weight":
            with torch.no_grad():
                model.b.weight[0, 0] = torch.nan
        optimizer.zero_grad()
        out = model(x)
        loss = F.mse_loss(out, y) if trouble != "loss" or step < STEP else torch.log(-out.abs()).mean()
        loss.backward()
        optimizer.step()


def first(trace, role):
    """(step, layers) where the role is first not finite."""
    counts = trace.series(role, "nonfinite")
    rows = np.flatnonzero((counts > 0).any(axis=1))
    if not len(rows):
        return None
    return int(trace.sampled[rows[0]]), np.flatnonzero(counts[rows[0]] > 0).tolist()


def test_the_step_under_test_is_not_one_of_those_recorded_closely(watched):
    with watched() as seen:
        train("none")
    assert STEP not in seen.trace.sampled
    assert first(seen.trace, "activation") is None


def test_nan_made_between_two_layers_shows_in_the_input_of_the_next(watched):
    with watched() as seen:
        train("between")
    trace = seen.trace
    assert first(trace, "input") == (STEP, [2])
    assert first(trace, "activation") == (STEP, [2])
    assert first(trace, "weight")[0] == STEP + 1
    assert (trace.run.origin.step, trace.run.origin.operation, trace.run.origin.after) == (STEP, "log", 1)
    assert trace.run.origin.source.text == "h = torch.log(h - 5)"


def test_nan_in_the_data_shows_in_the_input(watched):
    with watched() as seen:
        train("input")
    trace = seen.trace
    assert trace.scalar("input.nonfinite")[STEP] == 1
    assert first(trace, "input") == (STEP, [0, 1, 2])
    assert first(trace, "activation") == (STEP, [0, 1, 2])


def test_a_spoiled_weight_is_named_before_the_values_it_spoils(watched):
    with watched() as seen:
        train("weight")
    assert first(seen.trace, "weight") == (STEP, [1])


def test_a_loss_that_makes_nan_of_a_finite_prediction_is_named(watched):
    with watched() as seen:
        train("loss")
    trace = seen.trace
    assert trace.scalar("loss.nonfinite")[STEP] == 1
    assert np.flatnonzero(trace.scalar("loss.nonfinite") > 0)[0] == STEP
    assert (trace.run.origin.operation, trace.run.origin.after) == ("log", 2)
    row = trace.sampled.tolist().index(STEP)
    assert np.nansum(trace.series("activation", "nonfinite")[row]) == 0


def test_a_gradient_that_is_not_finite_shows_in_the_weights_of_the_next_step(watched):
    with watched() as seen:
        train("gradient")
    trace = seen.trace
    assert np.flatnonzero(trace.scalar("loss.nonfinite") > 0)[0] == STEP + 1
    assert first(trace, "weight") == (STEP + 1, [0, 1, 2])
    assert trace.scalar("input.nonfinite")[STEP + 1] == 0
    assert (trace.run.origin.step, trace.run.origin.operation, trace.run.origin.after) == (STEP, "sqrt", 2)


def test_a_slope_between_layers_is_found_ahead_of_the_layers_that_it_left_alone(watched):
    with watched() as seen:
        train("slope")
    trace = seen.trace
    assert first(trace, "weight") == (STEP + 1, [0, 1])
    assert (trace.run.origin.step, trace.run.origin.operation, trace.run.origin.after) == (STEP, "sqrt", 1)
    assert trace.run.origin.source.text == "h = h + torch.sqrt(h * 0)"


def test_of_several_operations_the_one_that_made_the_value_is_named(watched):
    def divergence(p, q):
        return (p * torch.log(p / q)).sum(1).mean()

    with watched() as seen:
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(4, 3), nn.Softmax(1))
        optimizer = torch.optim.SGD(model.parameters(), 0.01)
        divergence(torch.eye(3)[torch.randint(0, 3, (16,))], model(torch.randn(16, 4))).backward()
        optimizer.step()
    assert (seen.trace.run.origin.step, seen.trace.run.origin.operation) == (0, "log")


@pytest.mark.parametrize("kind", ["nan", "inf"])
def test_the_count_is_exact(watched, kind):
    with watched() as seen:
        torch.manual_seed(0)
        model = nn.Linear(4, 4)
        optimizer = torch.optim.SGD(model.parameters(), 0.0)
        x = torch.randn(300, 4)
        x[:17, 0] = float(kind)
        model(x).sum().backward()
        optimizer.step()
    assert seen.trace.series("activation", "nonfinite")[0, 0] == 17 * 4
    assert seen.trace.scalar("input.nonfinite")[0] == 17
