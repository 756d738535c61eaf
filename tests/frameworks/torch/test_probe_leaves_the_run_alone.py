"""A watched run is the unwatched run: same numbers, same exceptions, and a failure of ours changes nothing."""

import traceback

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from deeplocalize.frameworks.torch import batches, models, objective, probe, reach, stats, training, trainings


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.drop = nn.Dropout(0.5)
        self.rnn = nn.GRU(6 * 4, 8, batch_first=True)
        self.out = nn.Linear(8, 3)

    def forward(self, x):
        x = self.drop(F.relu(self.norm(self.conv(x)), inplace=True))
        x, _ = self.rnn(x.permute(0, 2, 1, 3).flatten(2))
        return self.out(x[:, -1])


def run(steps=40, set_to_none=True):
    torch.manual_seed(3)
    model = Net()
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    losses = []
    for _ in range(steps):
        x, y = torch.randn(8, 1, 8, 8), torch.randint(0, 3, (8,))
        optimizer.zero_grad(set_to_none=set_to_none)
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses, [value.clone() for value in model.state_dict().values()], torch.rand(3)


@pytest.mark.parametrize("set_to_none", [True, False])
def test_a_watched_run_is_bitwise_the_unwatched_run_with_dropout_on(watched, set_to_none):
    plain = run(set_to_none=set_to_none)
    with watched() as seen:
        same = run(set_to_none=set_to_none)
    assert len(seen.trace.steps) == 40
    assert seen.trace.failures == ()
    assert plain[0] == same[0]
    assert all(torch.equal(a, b) for a, b in zip(plain[1], same[1], strict=True))
    assert torch.equal(plain[2], same[2])


def failing():
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for step in range(5):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(torch.randn(8, 4 if step < 4 else 5)), torch.randint(0, 3, (8,)))
        loss.backward()
        optimizer.step()


def shown(function):
    try:
        function()
    except Exception:
        return traceback.format_exc()


def test_an_exception_has_the_traceback_it_would_have_had(watched):
    expected = shown(failing)
    with watched():
        assert shown(failing) == expected


BREAKABLE = {
    "describing a model": (models.Model, "__init__"),
    "statistics of an activation": (stats, "activation_row"),
    "statistics of a parameter": (stats, "parameter_row"),
    "reading the loss": (objective, "read"),
    "following the graph": (reach.graph, "variables_and_consumers"),
    "finishing a step": (training.Training, "_finish_step"),
    "writing a step": (training.Training, "_write"),
    "describing the run": (training.Training, "run"),
    "describing the data": (batches, "prediction_scalars"),
    "finding the user's line": (probe, "user_call"),
    "beginning a training": (trainings.Trainings, "_begin"),
}


@pytest.mark.parametrize("stage", BREAKABLE)
def test_a_stage_that_breaks_is_reported_and_the_training_is_not_changed(watched, monkeypatch, stage):
    plain = run(12)
    with watched() as seen:

        def broken(*args, **kwargs):
            raise ZeroDivisionError("broken on purpose")

        monkeypatch.setattr(*BREAKABLE[stage], broken)
        same = run(12)
        monkeypatch.undo()
    assert plain[0] == same[0]
    assert all(torch.equal(a, b) for a, b in zip(plain[1], same[1], strict=True))
    told = [*seen.session.failures, *(failure for trace in seen.traces for failure in trace.failures)]
    assert any("broken on purpose" in failure.message for failure in told)
