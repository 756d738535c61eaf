"""What the probe does where reading a number means waiting, tried on the CPU: every tensor is taken for one elsewhere."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import deeplocalize
from deeplocalize.diagnosis import diagnose
from deeplocalize.frameworks.torch import stats
from deeplocalize.frameworks.torch.record import fetch
from deeplocalize.trace.definitions import activation_stats, tensor_stats
from deeplocalize.trace.names import TENSOR_STATS


@pytest.fixture
def elsewhere(monkeypatch):
    monkeypatch.setattr(stats, "on_host", lambda tensor: False)


def as_numbers(row):
    assert isinstance(row, stats.Unsettled)
    return dict(zip(TENSOR_STATS, stats.settled(row, fetch(row.tensors)), strict=False))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("spoiled", [0, 3])
def test_an_activation_has_the_statistics_that_it_has_on_the_host(elsewhere, dtype, spoiled):
    torch.manual_seed(0)
    values = torch.randn(16, 24).sigmoid().to(dtype)
    values[:, 2], values[:, 3] = 0, 1
    values.view(-1)[5 : 5 + spoiled] = torch.inf
    expected = activation_stats(values.double().numpy(), "sigmoid")
    found = as_numbers(stats.activation_row(values, "sigmoid", -1))
    assert found["nonfinite"] == spoiled
    for name in TENSOR_STATS if not spoiled else ("mean", "rms", "min", "max", "zeros"):
        assert found[name] == pytest.approx(expected[name], rel=1e-2 if dtype is torch.bfloat16 else 1e-5), name


def test_parameters_are_counted_over_all_of_them(elsewhere):
    weight, bias = torch.randn(40, 30), torch.tensor([1.0, torch.nan])
    found = as_numbers(stats.parameter_row(stats.strided(weight), [weight, bias]))
    assert found == pytest.approx(tensor_stats(weight.numpy()) | {"nonfinite": 1.0}, rel=1e-5)


def test_a_sample_is_that_of_the_moment_even_if_the_tensor_is_changed_in_place_later(elsewhere):
    values = torch.ones(4, 4)
    row = stats.values_row(values)
    values.zero_()
    assert as_numbers(row)["mean"] == 1


def test_nothing_is_fetched_as_another_type(elsewhere):
    given = [torch.tensor(7), torch.tensor(0.5), torch.ones(2, 3, dtype=torch.float16)]
    fetched = fetch(given)
    assert [fetched[id(each)].dtype for each in given] == [each.dtype for each in given]
    assert fetched[id(given[2])].shape == (6,)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(3, 8), nn.Linear(8, 1)

    def forward(self, x):
        return self.second(F.relu(self.first(torch.log(x))))


def trained(steps=40, spoiled=None):
    torch.manual_seed(0)
    x = torch.rand(steps, 16, 3) + 0.1
    if spoiled is not None:
        x[spoiled] = -1
    model = Net()
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    with deeplocalize.watch(model, optimizer=optimizer) as w:
        for batch in x:
            optimizer.zero_grad()
            F.mse_loss(model(batch), batch.sum(1, keepdim=True)).backward()
            optimizer.step()
    (trace,) = w.session.log.traces()
    assert not trace.failures
    return trace


def test_a_training_has_the_trace_that_it_has_on_the_host(monkeypatch):
    here = trained()
    monkeypatch.setattr(stats, "on_host", lambda tensor: False)
    there = trained()
    assert here.columns.keys() == there.columns.keys()
    for series in here.columns:
        np.testing.assert_allclose(
            here.columns[series], there.columns[series], rtol=1e-4, atol=1e-6, err_msg=str(series)
        )
    for name in ("loss", "prediction.mean", "gradient_norm"):
        known = np.isfinite(here.scalar(name))
        np.testing.assert_allclose(here.scalar(name)[known], there.scalar(name)[known], rtol=1e-4)


@pytest.mark.parametrize("host", [True, False])
def test_an_operation_before_the_first_layer_is_to_blame_for_what_it_made_of_a_sound_input(host, monkeypatch):
    monkeypatch.setattr(stats, "on_host", lambda tensor: host)
    (cause,) = diagnose(trained(spoiled=31)).causes
    assert (
        "what layer 0 (first, Linear) is given" in cause.finding.message or "the operation log" in cause.finding.message
    )
    assert cause.finding.locus.kind == "activation-hidden"


def test_a_layer_that_is_given_what_is_not_finite_in_an_unrecorded_step_is_not_to_blame(elsewhere):
    trace = trained(spoiled=31)
    assert 30 in trace.sampled and 31 in trace.sampled and 32 in trace.sampled
    at = list(trace.sampled).index(31)
    assert trace.series("input", "nonfinite")[at, 0] > 0
    assert trace.series("activation", "nonfinite")[at, 0] > 0
