"""Batches that a program passes over, since the model's answer to them is NaN."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from deeplocalize.frameworks.torch import stats


class Net(nn.Module):
    """Divides what its first layer is given by the first number of each example."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(3, 8), nn.Linear(8, 1)

    def forward(self, x):
        share = x / x[:, :1]
        return self.last(torch.tanh(self.first(share)))


class Between(Net):
    def forward(self, x):
        h = self.first(x) * x[:, :1] / x[:, :1]
        return self.last(torch.tanh(h))


class Behind(Net):
    def forward(self, x):
        answer = self.last(torch.tanh(self.first(x)))
        return torch.log(-answer.square()) if x[2, 0] == 0 else answer


def batches(rounds=40, every=4, bad=0.0):
    for at in range(rounds):
        x = torch.randn(8, 3)
        if at % every == every - 1:
            x[2] = bad
        yield x


def train(model, data, skips=True, passes=1):
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    for x in data:
        answers = [model(x) for _ in range(passes)]
        loss = sum(F.mse_loss(each, x.sum(1, keepdim=True)) for each in answers)
        if skips and torch.isnan(loss):
            continue
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def passed_over(watched, model, *given, **named):
    with watched() as seen:
        train(model, *given, **named)
    assert not seen.trace.failures
    return seen.trace.run.passed_over


@pytest.mark.parametrize("every", [2, 4])
def test_they_are_counted(watched, every):
    found = passed_over(watched, Net(), batches(every=every))
    assert (found.batches, found.used) == (40 // every - 1, 40 - 40 // every)  # nothing comes after the last
    assert found.of_inputs == 0


@pytest.mark.parametrize(
    ("net", "layer", "given", "operation", "after", "line"),
    [
        (Net, 0, True, "division", None, "share = x / x[:, :1]"),
        (Between, 1, True, "division", 0, None),  # of several lines in a file the first is taken
        (Behind, None, False, "log", 1, "return torch.log("),
    ],
)
def test_the_operation_is_found(watched, net, layer, given, operation, after, line):
    found = passed_over(watched, net(), batches())
    assert (found.layer, found.given) == (layer, given)
    assert (found.origin.operation, found.origin.after) == (operation, after)
    assert line is None or found.origin.source.text.startswith(line)


def test_inputs_that_are_not_finite_are_told(watched):
    found = passed_over(watched, nn.Linear(3, 1), batches(bad=torch.nan))
    assert (found.batches, found.of_inputs, found.layer, found.given) == (9, 9, 0, True)


def test_nothing_of_them_is_recorded_as_if_it_were_of_the_step(watched):
    with watched() as seen:
        train(Between(), batches())
    for role in ("activation", "input", "weight"):
        assert not (seen.trace.series(role, "nonfinite") > 0).any()


@pytest.mark.parametrize("every", [4, 1000])
def test_what_is_trained_on_is_not_passed_over(watched, every):
    assert passed_over(watched, nn.Linear(3, 1), batches(every=every)) is None
    assert passed_over(watched, Net(), batches(every=every), skips=False) is None


def test_passes_that_go_into_one_gradient_are_not_counted(watched):
    assert passed_over(watched, Net(), batches(), passes=2) is None


def test_infinity_may_be_a_mask(watched):
    class Masked(nn.Linear):
        def forward(self, x):
            answer = super().forward(x)
            return answer.masked_fill(x[:, :1] == 0, -torch.inf)

    with watched() as seen:
        model = Masked(3, 1)
        optimizer = torch.optim.SGD(model.parameters(), 0.01)
        for x in batches():
            loss = F.mse_loss(model(x), x.sum(1, keepdim=True))
            if torch.isfinite(loss):
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    assert seen.trace.run.passed_over is None


def test_a_pass_in_evaluation_mode_is_none_of_the_training(watched):
    model = Net()

    def with_evaluation():
        for x in batches(every=1000):
            yield x
            model.eval()(torch.zeros(2, 3))
            model.train()

    assert passed_over(watched, model, with_evaluation()) is None


def test_on_an_accelerator_they_are_counted_without_their_origin(watched, monkeypatch):
    monkeypatch.setattr(stats, "on_host", lambda tensor: False)
    found = passed_over(watched, Net(), batches(400))
    assert (found.batches, found.used, found.layer, found.origin) == (99, 300, None, None)
